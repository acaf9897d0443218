//! What one node of all does every hour: forget what nobody needs any more, and check inboxes.
//!
//! Invariants: at most [`ROWS_MAX`] rows a transaction, so that no use case waits for it; whoever
//! comes first after the hour does the work, and a node that dies in the middle only delays it.

use crate::{App, Result, inboxes, throttle};
use chrono::Duration;
use domain::Time;
use std::future::Future;
use store::Tx;
use store::queries::{attachments, deliveries, early_facts, turns};
use store::{events, jobs};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::hours(1);
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(60);
const ROWS_MAX: u64 = 200;
/// Turns of one kind in one round; the rest waits for the next round.
const TURNS_MAX: usize = 500;

const KEEP_EVENTS: Duration = Duration::days(7);
const KEEP_JOBS: Duration = Duration::days(3);
const KEEP_UNROUTED: Duration = Duration::hours(24);
/// Longer than any provider repeats an event.
const KEEP_DELIVERIES: Duration = Duration::days(30);
const KEEP_EARLY_FACTS: Duration = Duration::days(7);
const KEEP_UPLOADS: Duration = Duration::hours(24);

/// Runs until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        match my_turn(&app).await {
            Ok(true) => tidy(&app, &stop).await,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %error, "housekeeping could not look for work"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = crate::wait::after(LOOK_EVERY) => {}
        }
    }
}

async fn my_turn(app: &App) -> Result<bool> {
    let tx = app.store.begin_global("take_turn").await?;
    let mine = turns::take(&tx, "housekeeping", tx.now() + EVERY).await?;
    app.commit(tx, mine).await
}

/// One round. A step that fails is logged and does not hold up the others.
pub async fn tidy(app: &App, stop: &CancellationToken) {
    let now = app.now();
    let steps = [
        (
            "events",
            until_done(stop, || prune_events(app, now - KEEP_EVENTS)).await,
        ),
        (
            "jobs",
            until_done(stop, || prune_jobs(app, now - KEEP_JOBS)).await,
        ),
        (
            "deliveries",
            until_done(stop, || prune_deliveries(app, now)).await,
        ),
        (
            "early facts",
            until_done(stop, || prune_early_facts(app, now - KEEP_EARLY_FACTS)).await,
        ),
        (
            "uploads",
            until_done(stop, || prune_uploads(app, now - KEEP_UPLOADS)).await,
        ),
        (
            "sign-in attempts",
            until_done(stop, || throttle::forget_old(app)).await,
        ),
        ("sign-ins at providers", prune_flows(app).await),
        ("checks", inboxes::check_all(app, ROWS_MAX).await),
    ];
    for (what, result) in steps {
        match result {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "housekeeping: {what}"),
            Err(error) => tracing::warn!(error = %error, "housekeeping of {what} failed"),
        }
    }
}

/// Repeats a bounded step until nothing is left.
async fn until_done<F>(stop: &CancellationToken, mut step: impl FnMut() -> F) -> Result<u64>
where
    F: Future<Output = Result<u64>>,
{
    let mut all = 0;
    for _ in 0..TURNS_MAX {
        let gone = step().await?;
        all += gone;
        if gone == 0 || stop.is_cancelled() {
            break;
        }
    }
    Ok(all)
}

async fn begin(app: &App, use_case: &'static str) -> Result<Tx> {
    Ok(app.store.begin_global(use_case).await?)
}

async fn prune_events(app: &App, before: Time) -> Result<u64> {
    let tx = begin(app, "prune_events").await?;
    let gone = events::prune(&tx, before, ROWS_MAX).await?;
    app.commit(tx, gone).await
}

async fn prune_jobs(app: &App, before: Time) -> Result<u64> {
    let tx = begin(app, "prune_jobs").await?;
    let gone = jobs::prune(&tx, before, ROWS_MAX).await?;
    app.commit(tx, gone).await
}

async fn prune_deliveries(app: &App, now: Time) -> Result<u64> {
    let tx = begin(app, "prune_deliveries").await?;
    let unrouted = deliveries::prune_unrouted(&tx, now - KEEP_UNROUTED, ROWS_MAX).await?;
    let processed = deliveries::prune_processed(&tx, now - KEEP_DELIVERIES, ROWS_MAX).await?;
    app.commit(tx, unrouted + processed).await
}

async fn prune_early_facts(app: &App, before: Time) -> Result<u64> {
    let tx = begin(app, "prune_early_facts").await?;
    let gone = early_facts::prune(&tx, before, ROWS_MAX).await?;
    app.commit(tx, gone).await
}

/// Rows first: a file without a row costs space, a row without a file would be a broken picture.
async fn prune_uploads(app: &App, before: Time) -> Result<u64> {
    let old = attachments::abandoned(&app.read(), before, ROWS_MAX).await?;
    let tx = begin(app, "prune_uploads").await?;
    let mut files = Vec::new();
    for upload in &old {
        if attachments::delete_abandoned(&tx, upload.tenant_id, upload.attachment.id).await? {
            files.extend(upload.blob.clone());
        }
    }
    let gone = app.commit(tx, old.len() as u64).await?;
    for file in files {
        if let Err(error) = app.blobs.delete(&file).await {
            tracing::warn!(error = %error, "the file of an abandoned upload stays behind");
        }
    }
    Ok(gone)
}

async fn prune_flows(app: &App) -> Result<u64> {
    let tx = begin(app, "prune_oauth_flows").await?;
    let gone = inboxes::oauth::forget_abandoned(&tx).await?;
    app.commit(tx, gone).await
}
