//! Work that failed for good: seen, replayed or discarded by people. Nothing is lost silently.

use crate::{App, Error, Result, audit};
use domain::job::{Job, JobState};
use domain::permission::{Actor, Permission};
use domain::{JobId, Time};
use serde_json::{Value, json};
use store::jobs::{self, StoredJob};
use store::queries::deliveries;

/// A job as administrators see it: its ids, never a token.
#[derive(Debug, Clone)]
pub struct ShownJob {
    pub id: JobId,
    pub kind: &'static str,
    pub state: JobState,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub run_at: Time,
    pub created_at: Time,
    pub payload: Value,
}

impl From<StoredJob> for ShownJob {
    fn from(job: StoredJob) -> Self {
        Self {
            id: job.id,
            kind: job.job.kind(),
            state: job.state,
            attempts: job.attempts,
            run_at: job.run_at,
            created_at: job.created_at,
            payload: shown_payload(&job.job),
            last_error: job.last_error,
        }
    }
}

/// Jobs in one state, newest first, `before` exclusive.
pub async fn list(
    app: &App,
    actor: &Actor,
    state: JobState,
    before: Option<JobId>,
    limit: usize,
) -> Result<Vec<ShownJob>> {
    actor.may(Permission::Administer)?;
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let found = jobs::list(&app.read(), actor.tenant_id, state, before, limit).await?;
    Ok(found.into_iter().map(ShownJob::from).collect())
}

/// All its attempts again, in its old place of the lane.
pub async fn replay(app: &App, actor: &Actor, id: JobId) -> Result<ShownJob> {
    actor.may(Permission::Administer)?;
    let mut tx = app.begin(actor.tenant_id, "replay_job").await?;
    let job = jobs::replay(&mut tx, actor.tenant_id, id)
        .await
        .map_err(not_dead)?;
    audit::record(&tx, actor, "job.replay", id, detail(&job)).await?;
    let job = jobs::get(&tx, actor.tenant_id, job.id).await?;
    app.commit(tx, job.into()).await
}

/// Nobody needs it any more.
pub async fn discard(app: &App, actor: &Actor, id: JobId) -> Result<ShownJob> {
    actor.may(Permission::Administer)?;
    let mut tx = app.begin(actor.tenant_id, "discard_job").await?;
    let job = jobs::discard(&mut tx, actor.tenant_id, id)
        .await
        .map_err(not_dead)?;
    audit::record(&tx, actor, "job.discard", id, detail(&job)).await?;
    let job = jobs::get(&tx, actor.tenant_id, job.id).await?;
    app.commit(tx, job.into()).await
}

fn not_dead(error: store::StoreError) -> Error {
    if error.is_conflict() {
        return Error::conflict("NOT_DEAD", "this job is not a dead letter any more");
    }
    error.into()
}

fn detail(job: &StoredJob) -> Value {
    json!({ "kind": job.job.kind() })
}

fn shown_payload(job: &Job) -> Value {
    let mut payload = serde_json::to_value(job).unwrap_or(Value::Null);
    if let Some(fields) = payload.as_object_mut() {
        fields.retain(|name, _| !name.contains("token") && name != "media");
    }
    payload
}

/// Events for accounts nobody connected, of the last day: for health pages of the installation.
pub async fn unrouted_count(app: &App) -> Result<u64> {
    Ok(deliveries::unrouted_count(&app.read()).await?)
}
