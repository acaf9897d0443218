//! Group commit for SQLite: one task owns the write connection and gives turns in FIFO order.
//!
//! Each turn is a savepoint inside one outer transaction. The last turn of a group (nobody else is
//! queued, or 256 turns) is followed by the flush and one COMMIT, which alone answers all of them.
//! A failed, dropped or overdue turn is rolled back to its savepoint and its buffer vanishes; a
//! failed COMMIT fails every turn. There is no artificial delay: waiting is what forms a group.
//!
//! Webhooks are urgent: a provider waits for its 2xx, while what they bring can be worked off
//! later. An urgent turn is the next one and ends its group, so it waits for one turn and one
//! COMMIT however much work is queued. Between two of them others get at least one turn, because
//! their one asker begins the next only after it heard of the last.
//!
//! Nobody waits for background work: it takes long turns after all others, and in a flood of
//! webhooks one every [`PATIENCE`], so that it never stands still.

use crate::allowance::{Overdue, within};
use crate::db::{Conn, Door};
use crate::error::StoreError;
use crate::flush::{Buffer, Flushed, flush};
use crate::sqlite::{Connection, Shared, lock, off_thread};
use crate::tx::after_failure;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

const GROUP_MAX: usize = 256;
/// In a flood, the next urgent turn follows its predecessor sooner.
const CALM: Duration = Duration::from_millis(1);
/// Longest that urgent turns alone hold up background work.
const PATIENCE: Duration = Duration::from_millis(100);

/// A wish to write; answered when its turn comes.
pub(crate) struct Request {
    pub use_case: &'static str,
    pub grant: oneshot::Sender<Result<Turn, StoreError>>,
}

pub(crate) struct Turn {
    pub door: Arc<Door>,
    pub end: oneshot::Sender<End>,
}

/// How a turn asks to be committed.
pub(crate) struct End {
    pub buffer: Buffer,
    pub done: oneshot::Sender<Result<Flushed, StoreError>>,
}

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// Before every turn that only queues. For one asker at a time.
    Urgent,
    Queued,
    /// After every other turn, and seldom while urgent ones follow each other.
    Background,
}

#[derive(Clone)]
pub(crate) struct Writer {
    queued: mpsc::UnboundedSender<Request>,
    urgent: mpsc::UnboundedSender<Request>,
    background: mpsc::UnboundedSender<Request>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the task; it ends when the last clone of the writer is dropped.
    pub fn start(connection: Connection, turn_max: Duration) -> Self {
        let (queued, queue) = mpsc::unbounded_channel();
        let (urgent, urgent_queue) = mpsc::unbounded_channel();
        let (background, background_queue) = mpsc::unbounded_channel();
        let commits = Arc::new(AtomicU64::new(0));
        let task = Task {
            connection: Arc::new(Mutex::new(connection)),
            turn_max,
            queue,
            urgent: urgent_queue,
            background: background_queue,
            flood: Flood::none(Instant::now()),
            last_background: Instant::now(),
            commits: Arc::clone(&commits),
        };
        tokio::spawn(task.run());
        Self {
            queued,
            urgent,
            background,
            commits,
        }
    }

    pub async fn turn(&self, rank: Rank, use_case: &'static str) -> Result<Turn, StoreError> {
        let queue = match rank {
            Rank::Urgent => &self.urgent,
            Rank::Queued => &self.queued,
            Rank::Background => &self.background,
        };
        let stopped = || StoreError::unavailable("the writer stopped");
        let (grant, turn) = oneshot::channel();
        queue
            .send(Request { use_case, grant })
            .map_err(|_| stopped())?;
        turn.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// How many COMMITs there were.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }
}

struct Task {
    connection: Shared,
    turn_max: Duration,
    queue: mpsc::UnboundedReceiver<Request>,
    urgent: mpsc::UnboundedReceiver<Request>,
    background: mpsc::UnboundedReceiver<Request>,
    flood: Flood,
    last_background: Instant,
    commits: Arc<AtomicU64>,
}

/// How much of the last time went into urgent groups: a sum that fades with [`Flood::MEMORY`].
struct Flood {
    busy: Duration,
    until: Instant,
}

impl Flood {
    const MEMORY: Duration = Duration::from_millis(50);

    const fn none(now: Instant) -> Self {
        Self {
            busy: Duration::ZERO,
            until: now,
        }
    }

    fn note(&mut self, began: Instant, ended: Instant) {
        let passed = ended.duration_since(self.until).as_secs_f64();
        let kept = (-passed / Self::MEMORY.as_secs_f64()).exp();
        self.busy = self.busy.mul_f64(kept) + ended.duration_since(began);
        self.until = ended;
    }

    /// When the last urgent group ended, if they take more than half of the time.
    fn last(&self) -> Option<Instant> {
        (self.busy > Self::MEMORY / 2).then_some(self.until)
    }
}

/// A request and whether its group ends with it.
struct Next {
    request: Request,
    ends_group: bool,
}

impl Next {
    const fn urgent(request: Request) -> Self {
        Self {
            request,
            ends_group: true,
        }
    }

    const fn queued(request: Request) -> Self {
        Self {
            request,
            ends_group: false,
        }
    }
}

impl Task {
    async fn run(mut self) {
        loop {
            let patient = self.background_from();
            let first = tokio::select! {
                biased;
                Some(request) = self.urgent.recv() => Next::urgent(request),
                Some(request) = self.queue.recv() => Next::queued(request),
                Some(request) = after(patient, self.background.recv()) => {
                    self.group(Next::queued(request)).await;
                    self.last_background = Instant::now();
                    continue;
                }
                else => return,
            };
            let is_urgent = first.ends_group;
            let began = Instant::now();
            self.group(first).await;
            if is_urgent {
                self.flood.note(began, Instant::now());
            }
        }
    }

    /// From when on a background turn may begin; `None` at once.
    fn background_from(&self) -> Option<Instant> {
        let calm = self.flood.last()? + CALM;
        Some(calm.min(self.last_background + PATIENCE))
    }

    /// Whoever waits already.
    fn waiting(&mut self) -> Option<Next> {
        match self.urgent.try_recv() {
            Ok(request) => Some(Next::urgent(request)),
            Err(_) => self.queue.try_recv().ok().map(Next::queued),
        }
    }

    async fn group(&mut self, first: Next) {
        if let Err(error) = self.begin().await {
            // A caller that no longer listens needs no answer, here and below.
            let _ = first.request.grant.send(Err(error));
            return;
        }
        let mut ends = Vec::new();
        let result = match self.turns(first, &mut ends).await {
            Ok(()) => self.finish(&mut ends).await,
            Err(error) => Err(error),
        };
        if result.is_err() {
            self.roll_back();
        }
        answer(ends, result);
    }

    /// Other processes may write too, seldom; waiting for one takes no thread of the runtime.
    async fn begin(&self) -> Result<(), StoreError> {
        match lock(&self.connection).begin_now() {
            Err(fault) if fault.is_busy() => {}
            result => return Ok(result?),
        }
        let connection = Arc::clone(&self.connection);
        Ok(off_thread(move || lock(&connection).begin()).await??)
    }

    /// SQLite may have done it by itself: disk full, I/O error.
    fn roll_back(&self) {
        let connection = lock(&self.connection);
        if connection.is_in_transaction()
            && let Err(error) = connection.control("ROLLBACK")
        {
            tracing::error!(%error, "a group could not be rolled back");
        }
    }

    fn control(&self, sql: &str) -> Result<(), StoreError> {
        // Fails if SQLite rolled everything back by itself: then the turns before this one are
        // gone too and must hear it.
        lock(&self.connection)
            .control(sql)
            .map_err(StoreError::unavailable)
    }

    async fn turns(&mut self, first: Next, ends: &mut Vec<End>) -> Result<(), StoreError> {
        let mut next = Some(first);
        for _ in 0..GROUP_MAX {
            let Some(Next {
                request,
                ends_group,
            }) = next.take()
            else {
                break;
            };
            if let Err(error) = self.control("SAVEPOINT turn") {
                let _ = request.grant.send(Err(error.clone()));
                return Err(error);
            }
            match self.turn(request).await {
                Some(end) => ends.push(end),
                None => self.control("ROLLBACK TO turn")?,
            }
            self.control("RELEASE turn")?;
            if ends.len() < GROUP_MAX && !ends_group {
                next = self.waiting();
            }
        }
        Ok(())
    }

    /// `Some` if the turn wants to commit, `None` if it must be rolled back.
    async fn turn(&self, request: Request) -> Option<End> {
        let use_case = request.use_case;
        let door = Arc::new(Door::new(Arc::clone(&self.connection)));
        let (end, ended) = oneshot::channel();
        let turn = Turn {
            door: Arc::clone(&door),
            end,
        };
        request.grant.send(Ok(turn)).ok()?;
        let outcome = within(self.turn_max, || door.is_busy(), ended).await;
        door.close();
        match outcome {
            Ok(Ok(end)) if !door.failed() => return Some(end),
            Ok(Ok(end)) => {
                let _ = end.done.send(Err(after_failure(use_case)));
            }
            Ok(Err(_)) => {}
            Err(Overdue) => tracing::error!(
                use_case,
                turn_ms_max = self.turn_max.as_millis() as u64,
                "a transaction held the writer idle for too long and was rolled back"
            ),
        }
        None
    }

    async fn finish(&self, ends: &mut [End]) -> Result<Vec<Flushed>, StoreError> {
        if ends.is_empty() {
            self.control("ROLLBACK")?;
            return Ok(Vec::new());
        }
        let buffers: Vec<Buffer> = ends
            .iter_mut()
            .map(|end| {
                let now = end.buffer.now;
                std::mem::replace(&mut end.buffer, Buffer::new(now))
            })
            .collect();
        let door = Arc::new(Door::new(Arc::clone(&self.connection)));
        let flushed = flush(&Conn::Turn(door), &buffers).await?;
        let connection = Arc::clone(&self.connection);
        off_thread(move || lock(&connection).control("COMMIT")).await??;
        self.commits.fetch_add(1, Ordering::SeqCst);
        Ok(flushed)
    }
}

/// What `wish` gives, not before `from`.
async fn after<T>(from: Option<Instant>, wish: impl Future<Output = T>) -> T {
    if let Some(from) = from {
        tokio::time::sleep_until(from).await;
    }
    wish.await
}

fn answer(ends: Vec<End>, result: Result<Vec<Flushed>, StoreError>) {
    match result {
        Ok(flushed) => {
            for (end, flushed) in ends.into_iter().zip(flushed) {
                let _ = end.done.send(Ok(flushed));
            }
        }
        Err(error) => {
            tracing::warn!(turns = ends.len(), %error, "a group commit failed");
            for end in ends {
                let _ = end.done.send(Err(error.clone()));
            }
        }
    }
}
