//! The loop of one socket. Reading, operations and timers share one task, so a peer that takes no
//! bytes stops its own operations and nothing else.

use super::protocol::{self, ClientMessage, Close, Outgoing, Writer};
use super::{SocketHandle, Sockets};
use crate::auth::{Bearer, Caller, Peer, RefreshToken, Refusal, Session, SocketId};
use crate::fault::{self, Code, Fault};
use crate::graphql::loaders::PerOperation;
use crate::graphql_http::failed_before_execution;
use crate::{live, operation};
use async_graphql::{Executor, Request, Response};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, FuturesUnordered, StreamExt};
use futures_util::{SinkExt, TryStreamExt};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_stream::StreamMap;

/// Pings that may stay without a word before the peer counts as gone.
const SILENT_PINGS_MAX: u32 = 2;
/// Messages written before the socket is flushed.
const WRITES_PER_FLUSH: usize = 32;
/// A token that never ends still gets a deadline, which is then renewed in silence.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the loop ends.
enum End {
    Close(Close),
    /// The peer is gone: there is nobody to tell.
    Gone,
}

/// What happened next on a socket.
enum Turn {
    Message(Result<Message, End>),
    Write((String, Outgoing)),
    Signal(Signal),
}

/// What seldom happens.
enum Signal {
    Ping,
    Deadline,
    Renewed(bool),
    Revoked,
    Drain,
}

/// Each is looked at only when it says so itself: five timers and signals that are asked again at
/// every message cost more than the message.
#[derive(Default)]
struct Signals(FuturesUnordered<BoxFuture<'static, Signal>>);

impl Signals {
    fn add(&mut self, signal: Signal, when: impl Future<Output = ()> + Send + 'static) {
        self.0.push(when.map(|()| signal).boxed());
    }

    fn at(&mut self, signal: Signal, when: Instant) {
        self.add(signal, tokio::time::sleep_until(when));
    }

    fn renewed(&mut self, session: &watch::Receiver<Session>) {
        self.0
            .push(change(session.clone()).map(Signal::Renewed).boxed());
    }
}

/// What `connection_init` proved.
struct Ready {
    handle: SocketHandle,
    session: watch::Receiver<Session>,
}

struct Connection<E> {
    sockets: Arc<Sockets<E>>,
    socket: WebSocket,
    peer: Peer,
    id: SocketId,
    operations: StreamMap<String, BoxStream<'static, Outgoing>>,
    draining: watch::Receiver<bool>,
    silent_pings: u32,
}

/// Serves one socket to its end.
pub async fn serve<E: Executor>(sockets: Arc<Sockets<E>>, socket: WebSocket, peer: Peer) {
    let settings = &sockets.settings;
    let mut connection = Connection {
        id: sockets.next_id(),
        draining: sockets.draining.subscribe(),
        sockets: Arc::clone(&sockets),
        socket,
        peer,
        operations: StreamMap::new(),
        silent_pings: 0,
    };
    if connection
        .socket
        .protocol()
        .is_none_or(|chosen| chosen != protocol::SUBPROTOCOL)
    {
        Box::pin(connection.end(End::Close(Close::BadSubprotocol))).await;
        return;
    }
    // Boxed, because it is long gone while the socket lives.
    let begun = timeout(settings.init_timeout, Box::pin(connection.init())).await;
    let (ready, ended) = match begun {
        Ok(Ok(ready)) => ready,
        Ok(Err(end)) => return Box::pin(connection.end(end)).await,
        Err(_) => return Box::pin(connection.end(End::Close(Close::InitTimeout))).await,
    };
    let actor = ready.session.borrow().actor.clone();
    let gate = Arc::clone(&sockets.endpoint.gate);
    gate.connected(&actor, connection.id).await;
    metrics::gauge!("meari_sockets").increment(1.0);
    // A panic in a resolver must not leave the agent connected for ever.
    let ran = AssertUnwindSafe(connection.run(ready, ended))
        .catch_unwind()
        .await;
    metrics::gauge!("meari_sockets").decrement(1.0);
    gate.disconnected(&actor, connection.id).await;
    match ran {
        Ok(end) => Box::pin(connection.end(end)).await,
        Err(_) => tracing::error!("a socket ended in a panic"),
    }
}

impl<E: Executor> Connection<E> {
    async fn init(&mut self) -> Result<(Ready, BoxFuture<'static, ()>), End> {
        let token = loop {
            match self.receive().await? {
                ClientMessage::Init { token } => break token,
                ClientMessage::Ping => self.send(protocol::PONG).await?,
                ClientMessage::Pong | ClientMessage::Complete { .. } => {}
                ClientMessage::Subscribe { .. } => return Err(End::Close(Close::Unauthorized)),
            }
        };
        let bearer = token.as_deref().and_then(Bearer::new);
        let bearer = bearer.ok_or(End::Close(Close::Forbidden))?;
        let gate = &self.sockets.endpoint.gate;
        let session = gate.authenticate(&bearer).await.map_err(|refusal| {
            End::Close(match refusal {
                Refusal::Invalid => Close::Forbidden,
                Refusal::Unavailable => Close::TryLater,
            })
        })?;
        let ended = gate.ended(&session.actor);
        let (sender, session) = watch::channel(session);
        let handle = SocketHandle {
            gate: Arc::clone(gate),
            session: Arc::new(sender),
        };
        let ack = protocol::ack(self.sockets.clock.now());
        self.send(ack).await?;
        Ok((Ready { handle, session }, ended))
    }

    async fn run(&mut self, ready: Ready, ended: BoxFuture<'static, ()>) -> End {
        let mut deadline = self.token_deadline(&ready);
        let mut reason = Close::TokenExpired;
        let mut signals = Signals::default();
        signals.at(Signal::Ping, self.next_ping());
        signals.at(Signal::Deadline, deadline);
        signals.renewed(&ready.session);
        signals.add(Signal::Revoked, ended);
        signals.add(Signal::Drain, becomes_true(self.draining.clone()));
        loop {
            let turn = tokio::select! {
                message = self.socket.next() => Turn::Message(incoming(message)),
                Some(item) = self.operations.next(), if !self.operations.is_empty() => Turn::Write(item),
                Some(signal) = signals.0.next() => Turn::Signal(signal),
            };
            let step = match turn {
                Turn::Message(Ok(message)) => Box::pin(self.handle(message, &ready)).await,
                Turn::Message(Err(end)) => Err(end),
                Turn::Write((id, item)) => self.write_batch(id, item).await,
                Turn::Signal(Signal::Ping) => {
                    signals.at(Signal::Ping, self.next_ping());
                    self.ping().await
                }
                // One that was put off meanwhile.
                Turn::Signal(Signal::Deadline) if Instant::now() < deadline => Ok(()),
                Turn::Signal(Signal::Deadline) => {
                    let still_good = self.deadline(reason, &ready);
                    deadline = self.token_deadline(&ready);
                    signals.at(Signal::Deadline, deadline);
                    still_good
                }
                Turn::Signal(Signal::Renewed(true)) => {
                    signals.renewed(&ready.session);
                    if reason == Close::TokenExpired {
                        deadline = self.token_deadline(&ready);
                        signals.at(Signal::Deadline, deadline);
                    }
                    Ok(())
                }
                Turn::Signal(Signal::Renewed(false)) => Err(End::Gone),
                Turn::Signal(Signal::Revoked) => Err(End::Close(Close::Revoked)),
                Turn::Signal(Signal::Drain) => {
                    reason = Close::Restart;
                    deadline = Instant::now() + self.drain_delay();
                    signals.at(Signal::Deadline, deadline);
                    Ok(())
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn next_ping(&self) -> Instant {
        Instant::now() + self.sockets.settings.ping_every
    }

    /// When the token and its grace end.
    fn token_deadline(&self, ready: &Ready) -> Instant {
        let left = ready.session.borrow().expires_at.map_or(FAR, |at| {
            let left = (at - self.sockets.clock.now()).to_std().unwrap_or_default();
            (left + self.sockets.settings.expiry_grace).min(FAR)
        });
        Instant::now() + left
    }

    fn deadline(&self, reason: Close, ready: &Ready) -> Result<(), End> {
        let endless = ready.session.borrow().expires_at.is_none_or(|at| {
            let grace = chrono::Duration::from_std(self.sockets.settings.expiry_grace);
            self.sockets.clock.now() < at + grace.unwrap_or_default()
        });
        if reason == Close::TokenExpired && endless {
            return Ok(());
        }
        Err(End::Close(reason))
    }

    /// Each socket closes at its own moment of the spread (Fibonacci hashing of its number).
    fn drain_delay(&self) -> Duration {
        let share = self.id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
        self.sockets.settings.drain_spread * u32::try_from(share).unwrap_or(0) / 1024
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.silent_pings >= SILENT_PINGS_MAX {
            return Err(End::Gone);
        }
        self.silent_pings += 1;
        self.send(protocol::PING).await
    }

    async fn handle(&mut self, message: Message, ready: &Ready) -> Result<(), End> {
        self.silent_pings = 0;
        let Some(message) = understood(&message)? else {
            return Ok(());
        };
        match message {
            ClientMessage::Init { .. } => Err(End::Close(Close::TooManyInits)),
            ClientMessage::Ping => self.send(protocol::PONG).await,
            ClientMessage::Pong => Ok(()),
            ClientMessage::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
            ClientMessage::Subscribe { id, request } => self.subscribe(id, *request, ready).await,
        }
    }

    async fn subscribe(&mut self, id: String, request: Request, ready: &Ready) -> Result<(), End> {
        if self.operations.contains_key(&id) {
            return Err(End::Close(Close::DuplicateSubscriber));
        }
        let writer = Writer::new(&id);
        if self.operations.len() >= self.sockets.settings.subscriptions_max {
            let fault = Fault::new(Code::RateLimited, "Too many operations on this socket.");
            return self
                .send(writer.error(&[fault.to_server_error()]).text)
                .await;
        }
        let session = ready.session.borrow().clone();
        let request = request
            .data(Caller(Some(session.clone())))
            .data(self.peer.clone())
            // Cookies are for requests that the browser guards by SameSite.
            .data(RefreshToken(None))
            .data(ready.handle.clone())
            .data(PerOperation::default());
        let stream = run_operation(Arc::clone(&self.sockets), request, session, writer);
        self.operations.insert(id, stream);
        Ok(())
    }

    async fn receive(&mut self) -> Result<ClientMessage, End> {
        loop {
            let message = incoming(self.socket.next().await)?;
            if let Some(message) = understood(&message)? {
                return Ok(message);
            }
        }
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), End> {
        let sent = timeout(
            self.sockets.settings.write_timeout,
            self.socket.send(Message::Text(text)),
        );
        written(sent.await)
    }

    /// Writes what is ready and flushes once.
    async fn write_batch(&mut self, id: String, item: Outgoing) -> Result<(), End> {
        let write = async {
            let mut next = Some((id, item));
            let mut count = 0;
            while let Some((id, item)) = next.take() {
                if item.last {
                    self.operations.remove(&id);
                }
                self.socket.feed(Message::Text(item.text)).await?;
                count += 1;
                if count < WRITES_PER_FLUSH && !self.operations.is_empty() {
                    next = self.operations.next().now_or_never().flatten();
                }
            }
            self.socket.flush().await
        };
        written(timeout(self.sockets.settings.write_timeout, write).await)
    }

    async fn end(&mut self, end: End) {
        let End::Close(close) = end else {
            return;
        };
        tracing::debug!(close.code = close.code(), "closing a socket");
        let farewell = async {
            self.socket.send(close.message()).await?;
            // Wait for the peer's answer, so that the close code is not lost to a reset.
            while self.socket.try_next().await?.is_some() {}
            Ok::<_, axum::Error>(())
        };
        if timeout(Duration::from_secs(2), farewell).await.is_err() {
            tracing::debug!("a peer did not answer its close");
        }
    }
}

/// Ends when the session is put under another token; `false` when nobody can do that any more.
/// Looks from now on, not from its first poll: what is read after the call is not missed.
fn change(mut session: watch::Receiver<Session>) -> impl Future<Output = bool> {
    session.mark_unchanged();
    async move { session.changed().await.is_ok() }
}

/// Waits for ever when nobody is left who could say so.
async fn becomes_true(mut flag: watch::Receiver<bool>) {
    if flag.wait_for(|value| *value).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn written<T>(sent: Result<Result<(), axum::Error>, T>) -> Result<(), End> {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

fn incoming(message: Option<Result<Message, axum::Error>>) -> Result<Message, End> {
    match message {
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) if error.to_string().contains("too long") => {
            Err(End::Close(Close::TooBig))
        }
        Some(Err(_)) => Err(End::Gone),
    }
}

/// `None` for the frames below the protocol.
fn understood(message: &Message) -> Result<Option<ClientMessage>, End> {
    match message {
        Message::Text(text) => ClientMessage::parse(text)
            .map(Some)
            .ok_or(End::Close(Close::BadRequest)),
        Message::Binary(_) => Err(End::Close(Close::BadRequest)),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
    }
}

/// All messages of one operation, `complete` or `error` last.
fn run_operation<E: Executor>(
    sockets: Arc<Sockets<E>>,
    mut request: Request,
    session: Session,
    writer: Writer,
) -> BoxStream<'static, Outgoing> {
    if let Err(mut error) = operation::inspect(&mut request, &sockets.endpoint.limits) {
        fault::finish_error(&mut error);
        let refused = writer.error(&[error]);
        return futures_util::stream::once(std::future::ready(refused)).boxed();
    }
    if live::is_changes(&mut request) {
        return changes(sockets, request, session, writer).boxed();
    }
    let mut responses = sockets.endpoint.schema.execute_stream(request, None);
    async_stream::stream! {
        while let Some(mut response) = responses.next().await {
            fault::finish(&mut response);
            if failed_before_execution(&response) {
                yield writer.error(&response.errors);
                return;
            }
            yield writer.next(&render(&response));
        }
        yield writer.complete();
    }
    .boxed()
}

fn changes<E: Executor>(
    sockets: Arc<Sockets<E>>,
    request: Request,
    session: Session,
    writer: Writer,
) -> impl futures_util::Stream<Item = Outgoing> + Send {
    async_stream::stream! {
        let opened = match Box::pin(sockets.hub.open(request)).await {
            Ok(opened) => opened,
            Err(response) => {
                yield writer.error(&response.errors);
                return;
            }
        };
        let mut frames = std::pin::pin!(Arc::clone(&sockets.hub).follow(session.actor, opened));
        while let Some(frame) = frames.next().await {
            match frame {
                Ok(frame) => yield writer.next(&frame.payload),
                Err(refusal) => {
                    yield writer.error(&[refusal.fault().to_server_error()]);
                    return;
                }
            }
        }
        yield writer.complete();
    }
}

fn render(response: &Response) -> String {
    serde_json::to_string(response).unwrap_or_default()
}
