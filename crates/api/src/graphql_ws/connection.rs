//! The loop of one socket. Reading, operations and timers share one task, so a peer that takes no
//! bytes stops its own operations and nothing else.

use super::operations::Operations;
use super::protocol::{self, ClientMessage, Close, Writer};
use super::{SocketHandle, Sockets};
use crate::auth::{Bearer, Caller, Peer, RefreshToken, Refusal, Session, SocketId};
use crate::fault::{Code, Fault};
use crate::graphql::loaders::PerOperation;
use async_graphql::{Executor, Request};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, SplitSink, SplitStream, StreamExt};
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Pings that may stay without a word before the peer counts as gone.
const SILENT_PINGS_MAX: u32 = 2;
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
    Signal(Signal),
    /// The outbox holds something.
    Write,
}

type Words = SplitStream<WebSocket>;

/// What seldom happens, beside what is written all the time.
enum Signal {
    Message(Option<Result<Message, axum::Error>>, Words),
    Ping,
    Deadline,
    Renewed(bool),
    Revoked,
    Drain,
}

/// Each is looked at only when it says so itself: five timers and signals and an empty socket that
/// are asked again at every message cost more than the message.
#[derive(Default)]
struct Signals(FuturesUnordered<BoxFuture<'static, Signal>>);

impl Signals {
    fn add(&mut self, signal: Signal, when: impl Future<Output = ()> + Send + 'static) {
        self.0.push(when.map(|()| signal).boxed());
    }

    fn at(&mut self, signal: Signal, when: Instant) {
        self.add(signal, tokio::time::sleep_until(when));
    }

    fn listen(&mut self, words: Words) {
        let next = words.into_future();
        self.0
            .push(next.map(|(m, words)| Signal::Message(m, words)).boxed());
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
    sink: SplitSink<WebSocket, Message>,
    signals: Signals,
    peer: Peer,
    id: SocketId,
    operations: Operations<E>,
    /// What is written next.
    outbox: Vec<Utf8Bytes>,
    draining: watch::Receiver<bool>,
    silent_pings: u32,
}

/// Serves one socket to its end.
pub async fn serve<E: Executor>(sockets: Arc<Sockets<E>>, socket: WebSocket, peer: Peer) {
    let settings = &sockets.settings;
    let protocol = socket.protocol().cloned();
    let (sink, words) = socket.split();
    let mut connection = Connection {
        id: sockets.next_id(),
        draining: sockets.draining.subscribe(),
        sockets: Arc::clone(&sockets),
        sink,
        signals: Signals::default(),
        peer,
        operations: Operations::new(),
        outbox: Vec::new(),
        silent_pings: 0,
    };
    connection.signals.listen(words);
    if protocol.is_none_or(|chosen| chosen != protocol::SUBPROTOCOL) {
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
        self.signals.at(Signal::Ping, self.next_ping());
        self.signals.at(Signal::Deadline, deadline);
        self.signals.renewed(&ready.session);
        self.signals.add(Signal::Revoked, ended);
        let draining = becomes_true(self.draining.clone());
        self.signals.add(Signal::Drain, draining);
        loop {
            let turn = self.turn().await;
            let step = match turn {
                Turn::Write => self.write_outbox().await,
                Turn::Signal(Signal::Message(message, words)) => {
                    self.signals.listen(words);
                    match incoming(message) {
                        Ok(message) => Box::pin(self.handle(message, &ready)).await,
                        Err(end) => Err(end),
                    }
                }
                Turn::Signal(Signal::Ping) => {
                    self.signals.at(Signal::Ping, self.next_ping());
                    self.ping().await
                }
                // One that was put off meanwhile.
                Turn::Signal(Signal::Deadline) if Instant::now() < deadline => Ok(()),
                Turn::Signal(Signal::Deadline) => {
                    let still_good = self.deadline(reason, &ready);
                    deadline = self.token_deadline(&ready);
                    self.signals.at(Signal::Deadline, deadline);
                    still_good
                }
                Turn::Signal(Signal::Renewed(true)) => {
                    self.signals.renewed(&ready.session);
                    if reason == Close::TokenExpired {
                        deadline = self.token_deadline(&ready);
                        self.signals.at(Signal::Deadline, deadline);
                    }
                    Ok(())
                }
                Turn::Signal(Signal::Renewed(false)) => Err(End::Gone),
                Turn::Signal(Signal::Revoked) => Err(End::Close(Close::Revoked)),
                Turn::Signal(Signal::Drain) => {
                    reason = Close::Restart;
                    deadline = Instant::now() + self.drain_delay();
                    self.signals.at(Signal::Deadline, deadline);
                    Ok(())
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        poll_fn(|cx| {
            if let Poll::Ready(Some(signal)) = self.signals.0.poll_next_unpin(cx) {
                return Poll::Ready(Turn::Signal(signal));
            }
            let ready = self.operations.poll_ready(cx, &mut self.outbox);
            ready.map(|()| Turn::Write)
        })
        .await
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
        if self.operations.has(&id) {
            return Err(End::Close(Close::DuplicateSubscriber));
        }
        if self.operations.len() >= self.sockets.settings.subscriptions_max {
            let fault = Fault::new(Code::RateLimited, "Too many operations on this socket.");
            let refused = Writer::new(&id).error(&[fault.to_server_error()]);
            return self.send(refused.text).await;
        }
        let session = ready.session.borrow().clone();
        let request = request
            .data(Caller(Some(session.clone())))
            .data(self.peer.clone())
            // Cookies are for requests that the browser guards by SameSite.
            .data(RefreshToken(None))
            .data(ready.handle.clone())
            .data(PerOperation::default());
        self.operations.start(&self.sockets, id, request, session);
        Ok(())
    }

    async fn receive(&mut self) -> Result<ClientMessage, End> {
        while let Some(signal) = self.signals.0.next().await {
            let Signal::Message(message, words) = signal else {
                continue;
            };
            self.signals.listen(words);
            if let Some(message) = understood(&incoming(message)?)? {
                return Ok(message);
            }
        }
        Err(End::Gone)
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), End> {
        self.outbox.push(text);
        self.write_outbox().await
    }

    /// Writes what is ready and flushes once.
    async fn write_outbox(&mut self) -> Result<(), End> {
        let mut write = pin!(async {
            for text in self.outbox.drain(..) {
                self.sink.feed(Message::Text(text)).await?;
            }
            self.sink.flush().await
        });
        // Mostly all is taken at once, and no timer is needed.
        let at_once = poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx))).await;
        match at_once {
            Poll::Ready(written) => written.map_err(|_| End::Gone),
            Poll::Pending => match timeout(self.sockets.settings.write_timeout, write).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Gone),
            },
        }
    }

    async fn end(&mut self, end: End) {
        let End::Close(close) = end else {
            return;
        };
        tracing::debug!(close.code = close.code(), "closing a socket");
        let farewell = async {
            self.sink.send(close.message()).await?;
            // Wait for the peer's answer, so that the close code is not lost to a reset.
            while let Some(signal) = self.signals.0.next().await {
                match signal {
                    Signal::Message(Some(Ok(_)), words) => self.signals.listen(words),
                    Signal::Message(..) => break,
                    _ => {}
                }
            }
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
