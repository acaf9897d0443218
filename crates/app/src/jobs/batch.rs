//! Jobs that touch nothing but the database, many in one turn of SQLite's writer (`store::jobs::batch`).
//!
//! Customers' messages come first; what makes them findable waits a moment, and is then done once
//! per ticket however many messages came. If one job of a batch fails, nothing of it is
//! kept and the round goes on as if there were no batches: each job is claimed and run alone, so
//! that the faulty one uses up its own attempts.

use crate::{App, Error, Result, inbound, search};
use chrono::Duration;
use domain::job::Job;
use domain::{TenantId, Time};
use store::StoredJob;
use store::jobs::{Which, batch};

/// Messages of one turn: few enough that a person's click waits unnoticed.
const INBOUND_MAX: u64 = 16;
/// Jobs of one turn; those of one ticket or contact are one document.
const INDEX_MAX: u64 = 16;
const INBOUND: &[&str] = &["process_inbound"];
const INDEX: &[&str] = &["index_ticket", "index_contact"];
/// How long words wait for more words of the same ticket.
pub(super) const CALM: Duration = Duration::seconds(1);

#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub done: usize,
    /// What is left for claims.
    pub left: Which,
}

/// How long a due job of this kind still waits.
pub(super) fn calm(kind: &str) -> Duration {
    if INDEX.contains(&kind) {
        CALM
    } else {
        Duration::zero()
    }
}

/// What a worker claims as long as no batch has failed.
pub(super) fn not_batched(app: &App) -> Which {
    if app.store.is_sqlite() {
        Which::NotBatched
    } else {
        Which::All
    }
}

/// One batch, if there is any. Words are indexed when they have waited for `calm`.
pub(super) async fn round(app: &App, calm: Duration) -> Round {
    let alone = Round {
        done: 0,
        left: Which::All,
    };
    if not_batched(app) == Which::All {
        return alone;
    }
    let app = app.clone();
    // In a task of its own, so that a panic ends the batch and not the worker.
    match tokio::spawn(async move { one(&app, calm).await }).await {
        Ok(Ok(done)) => Round {
            done,
            left: Which::NotBatched,
        },
        Ok(Err(error)) => {
            tracing::debug!(error = %error, "a batch of jobs failed, they are run one by one");
            alone
        }
        Err(error) => {
            tracing::error!(error = %error, "a batch of jobs broke, they are run one by one");
            alone
        }
    }
}

async fn one(app: &App, calm: Duration) -> Result<usize> {
    let inbound = due(app, INBOUND, app.now(), INBOUND_MAX).await?;
    if let Some((tenant, batch)) = inbound {
        process(app, tenant, &batch).await?;
        return Ok(batch.len());
    }
    let index = due(app, INDEX, app.now() - calm, INDEX_MAX).await?;
    let Some((tenant, batch)) = index else {
        return Ok(0);
    };
    search::index_all(app, tenant, &batch).await?;
    Ok(batch.len())
}

/// Due jobs of the tenant whose turn it is: the one who waits longest.
async fn due(
    app: &App,
    kinds: &[&str],
    before: Time,
    max: u64,
) -> Result<Option<(TenantId, Vec<StoredJob>)>> {
    let mut jobs = batch::due(&app.read(), kinds, before, max).await?;
    let Some(tenant) = jobs.first().map(|job| job.tenant_id) else {
        return Ok(None);
    };
    jobs.retain(|job| job.tenant_id == tenant);
    Ok(Some((tenant, jobs)))
}

async fn process(app: &App, tenant: TenantId, jobs: &[StoredJob]) -> Result<()> {
    let deliveries: Vec<_> = jobs
        .iter()
        .filter_map(|job| match job.job {
            Job::ProcessInbound { delivery } => Some(delivery),
            _ => None,
        })
        .collect();
    let mut tx = app
        .store
        .begin_background(tenant, "process_inbound")
        .await?;
    inbound::process(app, &mut tx, tenant, &deliveries)
        .await
        .map_err(|reason| Error::internal(reason.to_string()))?;
    batch::finish(&tx, jobs).await?;
    app.commit(tx, ()).await
}
