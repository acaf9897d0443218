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
//! Nobody waits for background work: it takes long turns when no webhook has come for [`CALM`],
//! and in a flood of them one every [`PATIENCE`], so that it never stands still.

use crate::allowance::{Overdue, within};
use crate::db::Door;
use crate::error::StoreError;
use crate::flush::{Buffer, Flushed, flush};
use crate::tx::after_failure;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

const GROUP_MAX: usize = 256;
/// Longer than it takes to begin the next urgent turn in a flood, shorter than anybody notices.
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

#[derive(Clone)]
pub(crate) struct Writer {
    requests: mpsc::UnboundedSender<Request>,
    urgent: mpsc::UnboundedSender<Request>,
    background: mpsc::UnboundedSender<Request>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the task; it ends when the last clone of the writer is dropped.
    pub fn start(connection: DatabaseConnection, turn_max: Duration) -> Self {
        let (requests, queue) = mpsc::unbounded_channel();
        let (urgent, urgent_queue) = mpsc::unbounded_channel();
        let (background, background_queue) = mpsc::unbounded_channel();
        let commits = Arc::new(AtomicU64::new(0));
        let task = Task {
            connection,
            turn_max,
            queue,
            urgent: urgent_queue,
            background: background_queue,
            last_urgent: None,
            last_background: Instant::now(),
            commits: Arc::clone(&commits),
        };
        tokio::spawn(task.run());
        Self {
            requests,
            urgent,
            background,
            commits,
        }
    }

    pub async fn turn(&self, use_case: &'static str) -> Result<Turn, StoreError> {
        granted(&self.requests, use_case).await
    }

    /// Before every turn that only queues. For one asker at a time.
    pub async fn urgent_turn(&self, use_case: &'static str) -> Result<Turn, StoreError> {
        granted(&self.urgent, use_case).await
    }

    /// After every other turn, and seldom while urgent ones follow each other.
    pub async fn background_turn(&self, use_case: &'static str) -> Result<Turn, StoreError> {
        granted(&self.background, use_case).await
    }

    /// How many COMMITs there were.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }
}

async fn granted(
    queue: &mpsc::UnboundedSender<Request>,
    use_case: &'static str,
) -> Result<Turn, StoreError> {
    let stopped = || StoreError::unavailable("the writer stopped");
    let (grant, turn) = oneshot::channel();
    queue
        .send(Request { use_case, grant })
        .map_err(|_| stopped())?;
    turn.await.unwrap_or_else(|_| Err(stopped()))
}

struct Task {
    connection: DatabaseConnection,
    turn_max: Duration,
    queue: mpsc::UnboundedReceiver<Request>,
    urgent: mpsc::UnboundedReceiver<Request>,
    background: mpsc::UnboundedReceiver<Request>,
    last_urgent: Option<Instant>,
    last_background: Instant,
    commits: Arc<AtomicU64>,
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
            self.group(first).await;
            if is_urgent {
                self.last_urgent = Some(Instant::now());
            }
        }
    }

    /// From when on a background turn may begin; `None` at once.
    fn background_from(&self) -> Option<Instant> {
        let calm = self.last_urgent? + CALM;
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
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        let txn = match self.connection.begin_with_options(options).await {
            Ok(txn) => Arc::new(txn),
            Err(error) => {
                // A caller that no longer listens needs no answer, here and below.
                let _ = first.request.grant.send(Err(error.into()));
                return;
            }
        };
        let mut ends = Vec::new();
        let result = match self.turns(&txn, first, &mut ends).await {
            Ok(()) => self.finish(txn, &mut ends).await,
            Err(error) => Err(error),
        };
        answer(ends, result);
    }

    async fn turns(
        &mut self,
        txn: &Arc<DatabaseTransaction>,
        first: Next,
        ends: &mut Vec<End>,
    ) -> Result<(), StoreError> {
        let mut next = Some(first);
        let mut open = "SAVEPOINT turn";
        for _ in 0..GROUP_MAX {
            let Some(Next {
                request,
                ends_group,
            }) = next.take()
            else {
                break;
            };
            if let Err(error) = txn.execute_unprepared(open).await {
                let error = StoreError::from(error);
                let _ = request.grant.send(Err(error.clone()));
                return Err(error);
            }
            // One hop for both: a turn's savepoint is released when the next one opens.
            open = "RELEASE turn; SAVEPOINT turn";
            ends.extend(self.turn(txn, request).await?);
            if ends.len() < GROUP_MAX && !ends_group {
                next = self.waiting();
            }
        }
        Ok(())
    }

    /// `Some` if the turn wants to commit, `None` if it was rolled back.
    async fn turn(
        &self,
        txn: &Arc<DatabaseTransaction>,
        request: Request,
    ) -> Result<Option<End>, StoreError> {
        let use_case = request.use_case;
        let door = Arc::new(Door::new(Arc::clone(txn)));
        let (end, ended) = oneshot::channel();
        let turn = Turn {
            door: Arc::clone(&door),
            end,
        };
        if request.grant.send(Ok(turn)).is_err() {
            return Ok(None);
        }
        let outcome = within(self.turn_max, || door.is_busy(), ended).await;
        door.close().await;
        match outcome {
            Ok(Ok(end)) if !door.failed() => return Ok(Some(end)),
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
        // Fails if SQLite rolled everything back by itself (disk full, I/O error): then the
        // turns before this one are gone too and must hear it.
        txn.execute_unprepared("ROLLBACK TO turn")
            .await
            .map_err(StoreError::unavailable)?;
        Ok(None)
    }

    async fn finish(
        &self,
        txn: Arc<DatabaseTransaction>,
        ends: &mut [End],
    ) -> Result<Vec<Flushed>, StoreError> {
        let txn = Arc::into_inner(txn)
            .ok_or_else(|| StoreError::internal("a closed turn still holds the transaction"))?;
        if ends.is_empty() {
            txn.rollback().await?;
            return Ok(Vec::new());
        }
        let buffers: Vec<Buffer> = ends
            .iter_mut()
            .map(|end| {
                let now = end.buffer.now;
                std::mem::replace(&mut end.buffer, Buffer::new(now))
            })
            .collect();
        let flushed = flush(&txn, &buffers).await?;
        txn.commit().await?;
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
