//! What runs on one socket: queries, mutations and subscriptions, by the ids their client gave.

use super::Sockets;
use super::protocol::{Outgoing, Writer};
use crate::auth::Session;
use crate::graphql_http::failed_before_execution;
use crate::live::{self, Subscription};
use crate::{fault, operation};
use async_graphql::{Executor, Request, Response};
use axum::extract::ws::Utf8Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use std::sync::Arc;
use std::task::{Context, Poll};

/// Messages written before the socket is flushed.
const WRITES_PER_FLUSH: usize = 32;

pub struct Operations<E> {
    running: Vec<Operation<E>>,
    /// Who is asked first, so that a busy operation does not silence the others.
    turn: usize,
}

struct Operation<E> {
    id: String,
    source: Source<E>,
    /// It has said its last; its id is free again.
    ended: bool,
}

enum Source<E> {
    Changes(Subscription<E>, Writer),
    Other(BoxStream<'static, Outgoing>),
}

impl<E: Executor> Operations<E> {
    pub const fn new() -> Self {
        Self {
            running: Vec::new(),
            turn: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn has(&self, id: &str) -> bool {
        self.running.iter().any(|operation| operation.id == id)
    }

    /// A client that completes an operation hears no more of it.
    pub fn remove(&mut self, id: &str) {
        self.running.retain(|operation| operation.id != id);
    }

    pub fn start(
        &mut self,
        sockets: &Arc<Sockets<E>>,
        id: String,
        request: Request,
        session: Session,
    ) {
        let writer = Writer::new(&id);
        let source = Source::of(sockets, request, session, writer);
        self.running.push(Operation {
            id,
            source,
            ended: false,
        });
    }

    /// Adds what is ready to be written. Pending when nothing is.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>, outbox: &mut Vec<Utf8Bytes>) -> Poll<()> {
        let count = self.running.len();
        let mut ended = false;
        for step in 0..count {
            let at = (self.turn + step) % count;
            let operation = &mut self.running[at];
            operation.ended = operation.source.take_ready(cx, outbox);
            ended |= operation.ended;
            if outbox.len() >= WRITES_PER_FLUSH {
                self.turn = at + 1;
                break;
            }
        }
        if ended {
            self.running.retain(|operation| !operation.ended);
        }
        if outbox.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl<E: Executor> Source<E> {
    fn of(
        sockets: &Arc<Sockets<E>>,
        mut request: Request,
        session: Session,
        writer: Writer,
    ) -> Self {
        if let Err(mut error) = operation::inspect(&mut request, &sockets.endpoint.limits) {
            fault::finish_error(&mut error);
            let refused = std::future::ready(writer.error(&[error]));
            return Self::Other(futures_util::stream::once(refused).boxed());
        }
        if live::is_changes(&mut request) {
            return Self::Changes(sockets.hub.subscribe(session.actor, request), writer);
        }
        let responses = sockets.endpoint.schema.execute_stream(request, None);
        Self::Other(answers(responses, writer).boxed())
    }

    /// Whether the operation has said its last.
    fn take_ready(&mut self, cx: &mut Context<'_>, outbox: &mut Vec<Utf8Bytes>) -> bool {
        while outbox.len() < WRITES_PER_FLUSH {
            let next = match self {
                Self::Changes(changes, writer) => changes.poll_next_unpin(cx).map(|next| {
                    next.map(|frame| match frame {
                        Ok(frame) => writer.next(&frame.payload),
                        Err(errors) => writer.error(&errors),
                    })
                }),
                Self::Other(messages) => messages.poll_next_unpin(cx),
            };
            let Poll::Ready(next) = next else {
                return false;
            };
            let last = next.as_ref().is_none_or(|message| message.last);
            outbox.extend(next.map(|message| message.text));
            if last {
                return true;
            }
            if matches!(self, Self::Changes(changes, _) if !changes.may_have_more()) {
                return false;
            }
        }
        false
    }
}

/// All messages of one operation, `complete` or `error` last.
fn answers(
    mut responses: BoxStream<'static, Response>,
    writer: Writer,
) -> impl Stream<Item = Outgoing> + Send {
    async_stream::stream! {
        while let Some(mut response) = responses.next().await {
            fault::finish(&mut response);
            if failed_before_execution(&response) {
                yield writer.error(&response.errors);
                return;
            }
            yield writer.next(&serde_json::to_string(&response).unwrap_or_default());
        }
        yield writer.complete();
    }
}
