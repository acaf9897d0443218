//! One `changes` subscription: opened once, reads the log until it stands in the fan-out, then only
//! takes what the tail puts into its queue; reads again whenever the tail lets it go.
//!
//! A thousand of them do nothing but wait for a frame: what is needed to open and to read is boxed
//! and gone by then, and waiting is nothing but looking at the queue.

use super::tail::{self, Joined};
use super::{Batch, Document, Frame, Head, Hub};
use crate::auth::Refusal;
use async_graphql::{Executor, Request, ServerError};
use domain::event::{Cursor, ScopeKey};
use domain::permission::Actor;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pub struct Subscription<E> {
    hub: Arc<Hub<E>>,
    stage: Stage,
}

enum Stage {
    Opening(BoxFuture<'static, Result<Reader, Vec<ServerError>>>),
    /// Yields frames, and at last its place in the fan-out.
    Reading(BoxStream<'static, Result<Step, Refusal>>),
    Live(Reader, Joined),
    Ended,
}

enum Step {
    Frame(Frame),
    Live(Reader, Joined),
}

/// Who reads, and how far.
struct Reader {
    actor: Actor,
    document: Arc<Document>,
    keys: BTreeSet<ScopeKey>,
    epoch: i64,
    seq: i64,
    resync: bool,
    /// The client has heard nothing yet, not even where it stands.
    first: bool,
}

impl<E: Executor> Subscription<E> {
    pub(super) fn open(hub: Arc<Hub<E>>, actor: Actor, request: Request) -> Self {
        let opening = Arc::clone(&hub).begin(actor, request).boxed();
        let stage = Stage::Opening(opening);
        Self { hub, stage }
    }

    /// Whether another frame may be had at once; when not, polling would only say so.
    pub fn may_have_more(&self) -> bool {
        !matches!(&self.stage, Stage::Live(_, joined) if joined.frames.is_empty())
    }

    fn read(&mut self, reader: Reader) {
        let steps = Arc::clone(&self.hub).catch_up(reader);
        self.stage = Stage::Reading(steps.boxed());
    }

    fn end<T>(&mut self, errors: Vec<ServerError>) -> Poll<Option<Result<T, Vec<ServerError>>>> {
        self.stage = Stage::Ended;
        Poll::Ready(Some(Err(errors)))
    }
}

/// Ends after an error: permission was refused, or the log or the gate stays away.
impl<E: Executor> Stream for Subscription<E> {
    type Item = Result<Frame, Vec<ServerError>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.stage {
                Stage::Live(reader, joined) => {
                    if let Some(frame) = ready!(joined.frames.poll_recv(cx)) {
                        reader.seq = frame.seq;
                        return Poll::Ready(Some(Ok(frame)));
                    }
                    // Overrun, or the keys may have changed: join again and catch up.
                    if let Stage::Live(reader, _) = std::mem::replace(&mut self.stage, Stage::Ended)
                    {
                        self.read(reader);
                    }
                }
                Stage::Reading(steps) => match ready!(steps.poll_next_unpin(cx)) {
                    Some(Ok(Step::Frame(frame))) => return Poll::Ready(Some(Ok(frame))),
                    Some(Ok(Step::Live(reader, joined))) => {
                        self.stage = Stage::Live(reader, joined);
                    }
                    Some(Err(refusal)) => return self.end(refused(refusal)),
                    None => self.stage = Stage::Ended,
                },
                Stage::Opening(opening) => match ready!(opening.poll_unpin(cx)) {
                    Ok(reader) => self.read(reader),
                    Err(errors) => return self.end(errors),
                },
                Stage::Ended => return Poll::Ready(None),
            }
        }
    }
}

fn refused(refusal: Refusal) -> Vec<ServerError> {
    vec![refusal.fault().to_server_error()]
}

impl<E: Executor> Hub<E> {
    async fn begin(
        self: Arc<Self>,
        actor: Actor,
        request: Request,
    ) -> Result<Reader, Vec<ServerError>> {
        let (document, after) = self.open(request).await?;
        let head = self.head(actor.tenant_id).await.map_err(refused)?;
        let (seq, resync) = start(after.as_deref(), head, self.settings.replay_max);
        let keys = self.gate.scope(&actor).await.map_err(refused)?;
        Ok(Reader {
            actor,
            document,
            keys,
            epoch: head.epoch,
            seq,
            resync,
            first: true,
        })
    }

    /// Joins the fan-out first and then reads up to where it joined, so that nothing falls between.
    fn catch_up(
        self: Arc<Self>,
        mut r: Reader,
    ) -> impl Stream<Item = Result<Step, Refusal>> + Send + 'static {
        async_stream::try_stream! {
            loop {
                let joined = self.join(r.actor.tenant_id, &r.document, &r.keys, r.seq).await?;
                // Read again after joining: a change that came between would go unnoticed.
                let keys = self.gate.scope(&r.actor).await?;
                if keys != r.keys {
                    (r.keys, r.resync) = (keys, true);
                    continue;
                }
                if joined.epoch != r.epoch {
                    // Positions of another epoch mean nothing in this one.
                    (r.epoch, r.seq, r.resync) = (joined.epoch, 0, true);
                    continue;
                }
                let target = joined.seq;
                r.resync |= target - r.seq > self.settings.replay_max;
                if r.resync {
                    r.seq = r.seq.max(target);
                }
                if r.resync || r.first {
                    let cursor = Cursor { epoch: r.epoch, seq: r.seq };
                    yield Step::Frame(self.frame(&r.document, Batch { cursor, events: Vec::new(), resync: r.resync }).await);
                    (r.resync, r.first) = (false, false);
                }
                while r.seq < target && !r.resync {
                    let page = self.page(r.actor.tenant_id, r.seq, target).await?;
                    let Some(last) = page.last().map(|event| event.seq) else {
                        // The log was cut behind us: what is missing must be fetched.
                        r.resync = true;
                        break;
                    };
                    r.seq = last;
                    let events = tail::visible(page, &r.keys);
                    if !events.is_empty() {
                        let cursor = Cursor { epoch: r.epoch, seq: r.seq };
                        yield Step::Frame(self.frame(&r.document, Batch { cursor, events, resync: false }).await);
                    }
                }
                if !r.resync {
                    yield Step::Live(r, joined);
                    return;
                }
            }
        }
    }
}

/// Where to start, and whether the client must refetch.
fn start(after: Option<&str>, head: Head, replay_max: i64) -> (i64, bool) {
    let Some(after) = after else {
        return (head.seq, false);
    };
    match after.parse::<Cursor>() {
        Ok(cursor)
            if cursor.epoch == head.epoch
                && cursor.seq <= head.seq
                && cursor.seq.saturating_add(1) >= head.oldest
                && head.seq - cursor.seq <= replay_max =>
        {
            (cursor.seq, false)
        }
        _ => (head.seq, true),
    }
}
