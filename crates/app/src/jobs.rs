//! The worker: claims jobs lane by lane and runs each through one `match`.
//!
//! Invariants: a job's effects and its end are one transaction; the committed claim is the durable
//! "about to begin"; a failing lane never holds up another one. The worker knows nothing between
//! two rounds, so it may be stopped anywhere.

mod batch;
mod deliver;
mod drive;
mod media;

pub(crate) use deliver::GATE_CLOSED;

use crate::inbound::{self, ProcessError};
use crate::mailer::{Mail, MailError};
use crate::{App, Error, Result, contacts, invitations, password_change, search, tickets};
use chrono::Duration;
use domain::job::Job;
use futures_util::StreamExt;
use store::jobs::{self, StoredJob, Which};
use store::queries::deliveries::{self, DeliveryState};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Jobs one node runs at a time.
const RUNNING_MAX: u64 = 64;
/// Longest a job may take before another node may claim it: request time-out + 30 s.
const LOCK: Duration = Duration::seconds(60);
/// Dropping every hint costs this much delay and nothing else.
const TICK: std::time::Duration = std::time::Duration::from_secs(1);

/// How a job ended, when it did not simply succeed in its own transaction.
pub(crate) enum End {
    /// Effects and end are committed.
    Done,
    /// Not a failure: the world is not ready. Does not use up an attempt.
    Wait { until: Duration },
    Retry {
        after: Option<Duration>,
        error: String,
    },
    /// Like `Retry`, but what the last request did is still unknown.
    InDoubt {
        after: Option<Duration>,
        error: String,
    },
    /// Never heals by waiting: a dead letter at once.
    Bury { error: String },
}

/// Runs until `stop`; then lets the running jobs finish and returns. A slow job holds its own
/// place among [`RUNNING_MAX`] and nothing else.
pub async fn work(app: App, stop: CancellationToken) {
    let mut wakes = app.bus.wakes();
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        let round = batch::round(&app, batch::CALM).await;
        let free = RUNNING_MAX.saturating_sub(running.len() as u64);
        let claimed = claim_due(&app, round.left, free)
            .await
            .unwrap_or_else(|error| {
                tracing::warn!(error = %error, "the worker could not claim jobs, trying again");
                Vec::new()
            });
        let began = !claimed.is_empty() || round.done > 0;
        for job in claimed {
            let app = app.clone();
            running.spawn(async move { run(&app, job).await });
        }
        if began && (running.len() as u64) < RUNNING_MAX {
            continue;
        }
        let due = pause(&app).await;
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = running.join_next() => {}
            _ = wakes.next(), if (running.len() as u64) < RUNNING_MAX => {}
            () = crate::wait::after(due) => {}
        }
    }
    while running.join_next().await.is_some() {}
}

async fn pause(app: &App) -> std::time::Duration {
    match jobs::next_due(&app.read()).await {
        Ok(Some((at, kind))) => (at + batch::calm(&kind) - app.now())
            .to_std()
            .unwrap_or_default()
            .clamp(std::time::Duration::from_millis(5), TICK),
        _ => TICK,
    }
}

/// Looks before it claims: a look costs no turn of the writer.
async fn claim_due(app: &App, which: Which, limit: u64) -> Result<Vec<StoredJob>> {
    if limit > 0 && jobs::is_any_due(&app.read(), which, app.now()).await? {
        claim(app, which, limit).await
    } else {
        Ok(Vec::new())
    }
}

async fn claim(app: &App, which: Which, limit: u64) -> Result<Vec<StoredJob>> {
    let tx = app.store.begin_global("claim_jobs").await?;
    let claimed = jobs::claim(&tx, which, app.config.node, limit, app.now() + LOCK).await?;
    app.commit(tx, claimed).await
}

/// Does what is due now, but at most one batch, to its end: one round of the worker, for tests and
/// the CLI.
pub async fn run_due(app: &App) -> Result<usize> {
    let alone = batch::not_batched(app);
    let mut claimed = claim_due(app, alone, RUNNING_MAX).await?;
    let round = batch::round(app, Duration::zero()).await;
    if round.left != alone {
        claimed.extend(claim_due(app, round.left, RUNNING_MAX).await?);
    }
    let count = claimed.len() + round.done;
    futures_util::stream::iter(claimed)
        .for_each_concurrent(None, |job| run(app, job))
        .await;
    Ok(count)
}

async fn run(app: &App, job: StoredJob) {
    let kind = job.job.kind();
    let end = perform_and_race(app, &job)
        .await
        .unwrap_or_else(|error| failed(&error));
    let how = match end {
        End::Done => return,
        End::Wait { until } => Settle::Postpone(until),
        End::Retry { after, error } => {
            metrics::counter!("meari_jobs_retried_total", "kind" => kind).increment(1);
            Settle::Retry(after.unwrap_or_else(|| backoff(job.attempts)), error)
        }
        End::InDoubt { after, error } => {
            Settle::InDoubt(after.unwrap_or_else(|| backoff(job.attempts)), error)
        }
        End::Bury { error } => {
            metrics::counter!("meari_jobs_dead_total", "kind" => kind).increment(1);
            Settle::Bury(error)
        }
    };
    if let Err(error) = settle(app, &job, &how).await {
        // The lock runs out and somebody claims it again.
        tracing::warn!(job.kind = kind, job.id = %job.id, error = %error, "a job's end could not be stored");
    }
}

/// 1 s, 4 s, 16 s, 64 s: a short outage costs seconds, a long one a dead letter that can be replayed.
fn backoff(attempts: i64) -> Duration {
    Duration::seconds(4_i64.saturating_pow(u32::try_from(attempts.clamp(1, 6) - 1).unwrap_or(0)))
}

fn failed(error: &Error) -> End {
    match error {
        Error::Unavailable { .. } => End::Wait {
            until: Duration::seconds(1),
        },
        Error::NotFound { .. } => End::Bury {
            error: error.to_string(),
        },
        Error::Internal(cause) => {
            tracing::error!(error = %cause, "a job failed inside");
            End::Retry {
                after: None,
                error: cause.to_string(),
            }
        }
        _ => End::Retry {
            after: None,
            error: error.to_string(),
        },
    }
}

enum Settle {
    Postpone(Duration),
    Retry(Duration, String),
    InDoubt(Duration, String),
    Bury(String),
}

/// What is known of the job is lost when its end is not stored, so a database that is away is
/// asked again until the claim is over.
async fn settle(app: &App, job: &StoredJob, how: &Settle) -> Result<()> {
    for _ in 0..LOCK.num_seconds() {
        match settle_once(app, job, how).await {
            Err(Error::Unavailable { .. }) => crate::wait::after(TICK).await,
            done => return done,
        }
    }
    settle_once(app, job, how).await
}

async fn settle_once(app: &App, job: &StoredJob, how: &Settle) -> Result<()> {
    let mut tx = app.begin(job.tenant_id, "settle_job").await?;
    let now = tx.now();
    match how {
        Settle::Postpone(by) => jobs::postpone(&tx, job, now + *by).await?,
        Settle::Retry(by, error) => {
            jobs::retry(&mut tx, job, now + *by, error).await?;
        }
        Settle::InDoubt(by, error) => {
            jobs::retry_in_doubt(&mut tx, job, now + *by, error).await?;
        }
        Settle::Bury(error) => jobs::bury(&mut tx, job, error).await?,
    }
    app.commit(tx, ()).await
}

/// A lost race is run again at once, which uses up no attempt: whoever won it is done in a moment.
/// A conflict that stays is a failure like others.
async fn perform_and_race(app: &App, job: &StoredJob) -> Result<End> {
    for pause_ms in [5, 10, 20, 50, 100, 200, 500] {
        match perform(app, job).await {
            Err(Error::Conflict {
                code: "CONFLICT", ..
            }) => crate::wait::after(std::time::Duration::from_millis(pause_ms)).await,
            done => return done,
        }
    }
    perform(app, job).await
}

/// One arm per job: a job without a handler does not compile.
async fn perform(app: &App, job: &StoredJob) -> Result<End> {
    match &job.job {
        Job::ProcessInbound { delivery } => process_inbound(app, job, *delivery).await,
        Job::DeliverMessage { message } => deliver::message(app, job, *message).await,
        Job::EditMessage { message } => deliver::edit(app, job, *message).await,
        Job::DeleteMessage { message } => deliver::delete(app, job, *message).await,
        Job::FetchMedia {
            inbox,
            message,
            attachment,
            media,
        } => media::fetch(app, job, *inbox, *message, *attachment, media).await,
        Job::FetchProfile { inbox, identity } => media::profile(app, job, *inbox, *identity).await,
        Job::SendInvitation {
            invitation,
            sealed_token,
        } => {
            let mail = invitations::mail(app, job.tenant_id, *invitation, sealed_token).await?;
            send_mail(app, job, mail).await
        }
        Job::SendPasswordReset { user, sealed_token } => {
            let mail = password_change::mail(app, job.tenant_id, *user, sealed_token).await?;
            send_mail(app, job, mail).await
        }
        Job::CheckInbox { inbox } => crate::inboxes::check_job(app, job, *inbox).await,
        Job::DisconnectInbox { inbox } => crate::inboxes::disconnect_job(app, job, *inbox).await,
        Job::IndexTicket { .. } | Job::IndexContact { .. } => search::index(app, job).await,
        Job::FollowMerge { contact } => contacts::follow_merge(app, job, *contact).await,
        Job::WakeSnoozed { ticket } => tickets::wake_snoozed(app, job, *ticket).await,
    }
}

async fn process_inbound(app: &App, job: &StoredJob, delivery: domain::DeliveryId) -> Result<End> {
    let mut tx = app.begin(job.tenant_id, "process_inbound").await?;
    match inbound::process(app, &mut tx, job.tenant_id, &[delivery]).await {
        Ok(()) => finish(app, tx, job).await,
        Err(ProcessError::Later) => Ok(End::Wait {
            until: Duration::seconds(1),
        }),
        Err(ProcessError::Malformed(reason)) => {
            // Its turn has to end before the next one can begin.
            drop(tx);
            malformed(app, job, delivery, reason).await
        }
        Err(ProcessError::App(error)) => Err(error),
    }
}

/// `None`: what it was about is over. A second copy of such a mail does no harm, so it is repeated.
async fn send_mail(app: &App, job: &StoredJob, mail: Option<Mail>) -> Result<End> {
    if let Some(mail) = mail {
        match app.mailer.send(&mail, app.now()).await {
            Ok(()) => {}
            Err(error @ MailError::Unavailable(_)) => {
                return Ok(End::Retry {
                    after: None,
                    error: error.to_string(),
                });
            }
            Err(error) => {
                return Ok(End::Bury {
                    error: error.to_string(),
                });
            }
        }
    }
    finish(app, app.begin(job.tenant_id, "mail_sent").await?, job).await
}

/// Kept raw, visible and replayable: a dead letter with its reason.
async fn malformed(
    app: &App,
    job: &StoredJob,
    delivery: domain::DeliveryId,
    reason: String,
) -> Result<End> {
    let mut tx = app.begin(job.tenant_id, "malformed_inbound").await?;
    deliveries::set_state(
        &tx,
        job.tenant_id,
        delivery,
        DeliveryState::Malformed,
        Some(&reason),
    )
    .await?;
    jobs::bury(&mut tx, job, &reason).await?;
    app.commit(tx, End::Done).await
}

/// Ends the job in the transaction of its effects.
pub(crate) async fn finish(app: &App, tx: store::Tx, job: &StoredJob) -> Result<End> {
    jobs::finish(&tx, job).await?;
    match app.commit(tx, ()).await {
        Ok(()) => Ok(End::Done),
        Err(error) => Err(error),
    }
}
