//! Work that failed for good: seen, replayed or discarded by people. Nothing is lost silently.

use crate::{App, Error, Result, audit};
use domain::JobId;
use domain::job::{Job, JobState};
use domain::permission::{Actor, Permission};
use serde_json::{Value, json};
use store::jobs::{self, StoredJob};
use store::queries::deliveries;

/// Jobs in one state, newest first, `before` exclusive.
pub async fn list(
    app: &App,
    actor: &Actor,
    state: JobState,
    before: Option<JobId>,
    limit: usize,
) -> Result<Vec<StoredJob>> {
    actor.may(Permission::Administer)?;
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    Ok(jobs::list(&app.read(), actor.tenant_id, state, before, limit).await?)
}

/// All its attempts again, in its old place of the lane.
pub async fn replay(app: &App, actor: &Actor, id: JobId) -> Result<StoredJob> {
    actor.may(Permission::Administer)?;
    let mut tx = app.begin(actor.tenant_id, "replay_job").await?;
    let job = jobs::replay(&mut tx, actor.tenant_id, id)
        .await
        .map_err(not_dead)?;
    audit::record(&tx, actor, "job.replay", id, detail(&job)).await?;
    let job = jobs::get(&tx, actor.tenant_id, job.id).await?;
    app.commit(tx, job).await
}

/// Nobody needs it any more.
pub async fn discard(app: &App, actor: &Actor, id: JobId) -> Result<StoredJob> {
    actor.may(Permission::Administer)?;
    let mut tx = app.begin(actor.tenant_id, "discard_job").await?;
    let job = jobs::discard(&mut tx, actor.tenant_id, id)
        .await
        .map_err(not_dead)?;
    audit::record(&tx, actor, "job.discard", id, detail(&job)).await?;
    let job = jobs::get(&tx, actor.tenant_id, job.id).await?;
    app.commit(tx, job).await
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

/// What screens show of a job: its ids, never a token.
pub fn shown_payload(job: &Job) -> Value {
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
