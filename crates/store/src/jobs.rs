//! Work that must happen after commit, kept in lanes.
//!
//! Invariants:
//! - At most one job of a lane runs (partial unique index), the lowest id first; a lane that
//!   waits or is dead never blocks another one.
//! - The committed claim is the durable "about to happen"; each step's response is committed
//!   before the next step, so a worker that takes over knows how far the first one came.
//! - A claim ends at `locked_until`. Who was overtaken learns it by `Conflict` and stops.

pub mod batch;
mod claim;
mod letters;

pub use claim::{Which, claim, is_any_due, release_all};
pub use letters::{dead_letters, discard, list, replay};

use crate::db::{Db, Sealed, one_row};
use crate::error::StoreError;
use crate::run::{Fetch as _, Row, Run as _};
use crate::tables::{from_json, job_steps, jobs, word};
use crate::tx::Tx;
use domain::event::{NewEvent, ScopeKey};
use domain::image::{DeadLetter, Image};
use domain::job::{ATTEMPTS_MAX, Job, JobState};
use domain::people::Role;
use domain::{JobId, NodeId, TenantId, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Longest error text that is kept.
const ERROR_CHARS_MAX: usize = 2_000;

/// A job before it has an id. Jobs of one lane run one at a time, in the order they were enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    pub job: Job,
    pub lane: String,
    /// Only this node may run it.
    pub node: Option<NodeId>,
    /// Not before; `None` means at once.
    pub run_at: Option<Time>,
}

impl NewJob {
    pub fn new(job: Job, lane: impl Into<String>) -> Self {
        Self {
            job,
            lane: lane.into(),
            node: None,
            run_at: None,
        }
    }

    pub const fn at(mut self, run_at: Time) -> Self {
        self.run_at = Some(run_at);
        self
    }

    pub const fn on(mut self, node: NodeId) -> Self {
        self.node = Some(node);
        self
    }
}

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredJob {
    pub id: JobId,
    pub tenant_id: TenantId,
    pub job: Job,
    pub lane: String,
    pub state: JobState,
    pub run_at: Time,
    /// Claims so far, the running one included.
    pub attempts: i64,
    pub locked_by: Option<NodeId>,
    pub locked_until: Option<Time>,
    pub last_error: Option<String>,
    /// The claim before this one ended without a word: what it did outside is not known.
    pub vanished: bool,
    pub created_at: Time,
}

impl StoredJob {
    fn from_row(row: jobs::Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            tenant_id: row.tenant_id.into(),
            job: from_json(row.payload)?,
            lane: row.lane,
            state: word(&row.state)?,
            run_at: row.run_at,
            attempts: row.attempts,
            locked_by: row.locked_by.map(Into::into),
            locked_until: row.locked_until,
            last_error: row.last_error,
            vanished: row.vanished,
            created_at: row.created_at,
        })
    }
}

/// What became of a failed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    Waiting,
    /// It had its last attempt: a dead letter now, its lane moves on.
    Dead,
}

/// When the next waiting job is due and of which kind it is; the worker's timer.
pub async fn next_due(db: &impl Db) -> Result<Option<(Time, String)>, StoreError> {
    let next = jobs::Entity::find()
        .select_only()
        .columns([jobs::Column::RunAt, jobs::Column::Kind])
        .filter(Expr::cust("state = 'waiting'"))
        .order_by_asc(jobs::Column::RunAt)
        .limit(1)
        .fetch_rows(db.conn())
        .await?;
    let job = |row: &Row| Ok((row.get("run_at")?, row.get("kind")?));
    next.first().map(job).transpose()
}

/// Keeps the response of a step before the next one is taken.
pub async fn step(
    tx: &Tx,
    job: &StoredJob,
    step: i64,
    response: serde_json::Value,
) -> Result<(), StoreError> {
    hold(tx, job).await?;
    job_steps::Entity::insert(job_steps::ActiveModel {
        job_id: Set(job.id.uuid()),
        step: Set(step),
        response: Set(response),
        at: Set(tx.now()),
    })
    .run(tx.conn())
    .await?;
    Ok(())
}

/// Responses of the steps so far, in order.
pub async fn steps(db: &impl Db, job: JobId) -> Result<Vec<serde_json::Value>, StoreError> {
    let rows = job_steps::Entity::find()
        .filter(job_steps::Column::JobId.eq(job.uuid()))
        .order_by_asc(job_steps::Column::Step)
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.response).collect())
}

/// Fails with `Conflict` if somebody else has taken the job over since `job` was claimed.
async fn hold(tx: &Tx, job: &StoredJob) -> Result<(), StoreError> {
    let result = claimed(job)
        .col_expr(jobs::Column::Attempts, Expr::val(job.attempts))
        .run(tx.conn())
        .await?;
    one_row(result, "job")
}

/// The row as this claim left it. A second claim has a higher number of attempts.
fn claimed(job: &StoredJob) -> sea_orm::UpdateMany<jobs::Entity> {
    jobs::Entity::update_many()
        .filter(jobs::Column::Id.eq(job.id.uuid()))
        .filter(Expr::cust("state = 'running'"))
        .filter(jobs::Column::Attempts.eq(job.attempts))
}

/// Ends a claim in `state`. That an earlier claim vanished stays noted: a claim that ends without
/// having settled what that one did must not make it forgotten.
async fn end(
    tx: &Tx,
    job: &StoredJob,
    state: JobState,
    error: Option<&str>,
    run_at: Time,
) -> Result<(), StoreError> {
    let error = error.map(|text| text.chars().take(ERROR_CHARS_MAX).collect::<String>());
    let result = claimed(job)
        .col_expr(jobs::Column::State, Expr::val(state.as_str()))
        .col_expr(jobs::Column::RunAt, Expr::val(run_at))
        .col_expr(jobs::Column::LastError, Expr::val(error))
        .col_expr(jobs::Column::LockedBy, Expr::val(None::<uuid::Uuid>))
        .col_expr(jobs::Column::LockedUntil, Expr::val(None::<Time>))
        .run(tx.conn())
        .await?;
    one_row(result, "job")
}

/// The job is done: in the transaction that writes its effects.
pub async fn finish(tx: &Tx, job: &StoredJob) -> Result<(), StoreError> {
    end(tx, job, JobState::Done, None, job.run_at).await
}

/// Waits until `run_at`, or becomes a dead letter after the last attempt.
pub async fn retry(
    tx: &mut Tx,
    job: &StoredJob,
    run_at: Time,
    error: &str,
) -> Result<Retried, StoreError> {
    if job.attempts >= i64::from(ATTEMPTS_MAX) {
        bury(tx, job, error).await?;
        return Ok(Retried::Dead);
    }
    end(tx, job, JobState::Waiting, Some(error), run_at).await?;
    Ok(Retried::Waiting)
}

/// Like [`retry`], and the next claim is told that the last request may have arrived.
pub async fn retry_in_doubt(
    tx: &mut Tx,
    job: &StoredJob,
    run_at: Time,
    error: &str,
) -> Result<Retried, StoreError> {
    let retried = retry(tx, job, run_at, error).await?;
    jobs::Entity::update_many()
        .filter(jobs::Column::Id.eq(job.id.uuid()))
        .col_expr(jobs::Column::Vanished, Expr::val(true))
        .run(tx.conn())
        .await?;
    Ok(retried)
}

/// A long request is about to begin: nobody else may claim the job before `until`.
pub async fn extend(tx: &Tx, job: &StoredJob, until: Time) -> Result<(), StoreError> {
    let result = claimed(job)
        .col_expr(jobs::Column::LockedUntil, Expr::val(until))
        .run(tx.conn())
        .await?;
    one_row(result, "job")
}

/// The provider refused the last step for now: it is asked again, the steps before it stand.
pub async fn forget_last_step(tx: &Tx, job: &StoredJob) -> Result<(), StoreError> {
    let last = job_steps::Entity::find()
        .filter(job_steps::Column::JobId.eq(job.id.uuid()))
        .order_by_desc(job_steps::Column::Step)
        .fetch_one(tx.conn())
        .await?;
    if let Some(last) = last {
        job_steps::Entity::delete_many()
            .filter(job_steps::Column::JobId.eq(job.id.uuid()))
            .filter(job_steps::Column::Step.eq(last.step))
            .run(tx.conn())
            .await?;
    }
    Ok(())
}

/// Waits until `run_at` without having failed: rate limits, closed gates, a node that shuts down.
pub async fn postpone(tx: &Tx, job: &StoredJob, run_at: Time) -> Result<(), StoreError> {
    end(
        tx,
        job,
        JobState::Waiting,
        job.last_error.as_deref(),
        run_at,
    )
    .await?;
    jobs::Entity::update_many()
        .filter(jobs::Column::Id.eq(job.id.uuid()))
        .col_expr(jobs::Column::Attempts, Expr::val(job.attempts - 1))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// Makes it a dead letter at once: repeating cannot help.
pub async fn bury(tx: &mut Tx, job: &StoredJob, error: &str) -> Result<(), StoreError> {
    end(tx, job, JobState::Dead, Some(error), job.run_at).await?;
    tell(tx, job, error, false);
    Ok(())
}

fn tell(tx: &mut Tx, job: &StoredJob, error: &str, resolved: bool) {
    let event = NewEvent {
        scope: vec![ScopeKey::Role(Role::Admin)],
        image: Image::DeadLetter(DeadLetter {
            job_id: job.id,
            job_kind: job.job.kind().to_owned(),
            error: error.chars().take(ERROR_CHARS_MAX).collect(),
            resolved,
        }),
    };
    tx.emit_for(job.tenant_id, event);
}

pub async fn get(db: &impl Db, tenant: TenantId, id: JobId) -> Result<StoredJob, StoreError> {
    let row = jobs::Entity::find_by_id(id.uuid())
        .filter(jobs::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?
        .ok_or(StoreError::not_found("job"))?;
    StoredJob::from_row(row)
}

/// A gate opened: what waits for it until `latest` may go at once. What waits longer waits for
/// something else.
pub async fn hurry(
    tx: &Tx,
    tenant: TenantId,
    kinds: &[&str],
    latest: Time,
) -> Result<u64, StoreError> {
    jobs::Entity::update_many()
        .filter(Expr::cust("state = 'waiting'"))
        .filter(jobs::Column::RunAt.gt(tx.now()))
        .filter(jobs::Column::RunAt.lte(latest))
        .filter(jobs::Column::TenantId.eq(tenant.uuid()))
        .filter(jobs::Column::Kind.is_in(kinds.iter().copied()))
        .col_expr(jobs::Column::RunAt, Expr::val(tx.now()))
        .run(tx.conn())
        .await
}

/// Whether a job of this lane has yet to end.
pub async fn is_busy(db: &impl Db, lane: &str) -> Result<bool, StoreError> {
    let row = jobs::Entity::find()
        .filter(jobs::Column::Lane.eq(lane))
        .filter(Expr::cust("state IN ('waiting', 'running')"))
        .fetch_one(db.conn())
        .await?;
    Ok(row.is_some())
}

/// Removes done jobs and their steps, at most `limit` at a time.
pub async fn prune(tx: &Tx, before: Time, limit: u64) -> Result<u64, StoreError> {
    let ids: Vec<uuid::Uuid> = jobs::Entity::find()
        .select_only()
        .column(jobs::Column::Id)
        .filter(jobs::Column::State.eq(JobState::Done.as_str()))
        .filter(jobs::Column::RunAt.lt(before))
        .limit(limit)
        .fetch_values(tx.conn())
        .await?;
    job_steps::Entity::delete_many()
        .filter(job_steps::Column::JobId.is_in(ids.clone()))
        .run(tx.conn())
        .await?;
    jobs::Entity::delete_many()
        .filter(jobs::Column::Id.is_in(ids))
        .run(tx.conn())
        .await
}

/// Jobs not done yet: a test may not leave any behind, `/readyz` watches the number.
pub async fn unfinished(db: &impl Db) -> Result<u64, StoreError> {
    jobs::Entity::find()
        .filter(jobs::Column::State.is_in([JobState::Waiting.as_str(), JobState::Running.as_str()]))
        .fetch_count(db.conn())
        .await
}
