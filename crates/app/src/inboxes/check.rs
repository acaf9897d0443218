//! Whether an inbox works: its credentials are alive, the provider tells us what is new, and
//! something really arrives. One check of an inbox at a time (its lane), because refreshing
//! rotating credentials twice at once would lose them.

use super::connect::{channel_of, check_job, gate_opened, lane, put_secrets};
use super::{CONNECTED_AT, live, view};
use crate::jobs::{End, finish};
use crate::{App, Result, audit, rows};
use channels::{Action, Channel, Outcome};
use chrono::Duration;
use domain::InboxId;
use domain::inbox::{Inbox, InboxState};
use domain::job::ATTEMPTS_MAX;
use domain::permission::{Actor, Permission};
use serde_json::{Map, Value};
use store::StoredJob;
use store::queries::inboxes;

/// After this long without a single event a connected inbox is called deaf.
const DEAF_AFTER_CONNECT: Duration = Duration::hours(24);
/// Replies went out, and nothing at all came back for this long.
const DEAF_AFTER_REPLY: Duration = Duration::days(7);

/// Asks for a check now; its result arrives as an event.
pub async fn check(app: &App, actor: &Actor, id: InboxId) -> Result<Inbox> {
    actor.may(Permission::Administer)?;
    let mut tx = app.begin(actor.tenant_id, "check_inbox").await?;
    let inbox = inboxes::get(&tx, actor.tenant_id, id).await?;
    tx.enqueue(check_job(id));
    audit::record(&tx, actor, "inbox.check", id, Value::Null).await?;
    app.commit(tx, inbox).await
}

/// Enqueues a check of every inbox that should work, a page at a time.
pub(crate) async fn check_all(app: &App, page: u64) -> Result<u64> {
    let (mut after, mut count) = (None, 0);
    loop {
        let found = inboxes::in_use(&app.read(), after, page).await?;
        let Some(last) = found.last() else {
            return Ok(count);
        };
        after = Some(last.id);
        let mut tx = app.store.begin_global("check_all_inboxes").await?;
        for inbox in &found {
            if !store::jobs::is_busy(&tx, &lane(inbox.id)).await? {
                tx.enqueue_for(inbox.tenant_id, check_job(inbox.id));
                count += 1;
            }
        }
        app.commit(tx, ()).await?;
    }
}

/// What a check found out.
enum Finding {
    Healthy(Map<String, Value>),
    /// Alive, but not as it should be.
    Ailing(String),
    Dead(String),
}

/// The `CheckInbox` job.
pub(crate) async fn job(app: &App, job: &StoredJob, id: InboxId) -> Result<End> {
    let inbox = inboxes::get(&app.read(), job.tenant_id, id).await?;
    if inbox.state == InboxState::Disconnected {
        let tx = app.begin(job.tenant_id, "check_inbox").await?;
        return finish(app, tx, job).await;
    }
    let channel = channel_of(&inbox)?;
    let finding = match examined(app, channel, &inbox).await? {
        Ok(finding) => finding,
        Err((after, _)) if job.attempts < i64::from(ATTEMPTS_MAX) && after.is_some() => {
            return Ok(End::Wait {
                until: after.unwrap_or(Duration::seconds(5)),
            });
        }
        Err((_, reason)) if job.attempts < i64::from(ATTEMPTS_MAX) => {
            return Ok(End::Retry {
                after: None,
                error: reason,
            });
        }
        Err((_, reason)) => Finding::Ailing(reason),
    };
    settle(app, job, channel, &inbox, finding).await
}

type Away = (Option<Duration>, String);

/// `Err`: the provider gave no verdict.
async fn examined(
    app: &App,
    channel: &'static dyn Channel,
    inbox: &Inbox,
) -> Result<Result<Finding, Away>> {
    let mut seen = view(app, &app.read(), inbox).await?;
    let mut outcome = live::perform(app, channel, &seen, &Action::Check).await?;
    if matches!(outcome, Outcome::CredentialsDied { .. }) && refreshed(app, channel, inbox).await? {
        let fresh = inboxes::get(&app.read(), inbox.tenant_id, inbox.id).await?;
        seen = view(app, &app.read(), &fresh).await?;
        outcome = live::perform(app, channel, &seen, &Action::Check).await?;
    }
    let away = |after: Option<std::time::Duration>, reason| {
        Ok(Err((
            after.and_then(|after| Duration::from_std(after).ok()),
            reason,
        )))
    };
    let settings = match outcome {
        Outcome::Connected { account, .. } if account != inbox.account => {
            return Ok(Ok(Finding::Dead(
                "the credentials belong to another account now; reconnect this one".into(),
            )));
        }
        Outcome::Connected { settings, .. } => settings,
        Outcome::Ok | Outcome::Unsupported => Map::new(),
        Outcome::CredentialsDied { reason } => return Ok(Ok(Finding::Dead(reason))),
        Outcome::Rejected { reason, .. } => return Ok(Ok(Finding::Ailing(reason))),
        Outcome::Retry { after, reason } => return away(after, reason),
        other => return away(None, format!("the channel answered a check with {other:?}")),
    };
    // Telling the provider again where we listen heals what was switched off there.
    match live::perform(app, channel, &seen, &Action::Subscribe).await? {
        Outcome::Rejected { reason, .. } => Ok(Ok(Finding::Ailing(reason))),
        Outcome::CredentialsDied { reason } => Ok(Ok(Finding::Dead(reason))),
        _ => Ok(Ok(Finding::Healthy(settings))),
    }
}

/// Whether the provider gave new credentials. They are durable before anything else happens.
async fn refreshed(app: &App, channel: &'static dyn Channel, inbox: &Inbox) -> Result<bool> {
    let seen = view(app, &app.read(), inbox).await?;
    let outcome = live::perform(app, channel, &seen, &Action::Refresh).await?;
    let Outcome::Connected {
        settings, secrets, ..
    } = outcome
    else {
        return Ok(false);
    };
    if secrets.is_empty() {
        return Ok(false);
    }
    let mut tx = app.begin(inbox.tenant_id, "refresh_inbox").await?;
    let mut fresh = inboxes::get(&tx, inbox.tenant_id, inbox.id).await?;
    let mut merged = fresh.settings.as_object().cloned().unwrap_or_default();
    merged.extend(settings);
    merged.insert(CONNECTED_AT.into(), tx.now().to_rfc3339().into());
    fresh.settings = Value::Object(merged);
    put_secrets(app, &tx, &fresh, &secrets).await?;
    rows::put_inbox(&mut tx, fresh).await?;
    app.commit(tx, true).await
}

async fn settle(
    app: &App,
    job: &StoredJob,
    channel: &'static dyn Channel,
    examined: &Inbox,
    finding: Finding,
) -> Result<End> {
    let mut tx = app.begin(job.tenant_id, "settle_check").await?;
    let before = inboxes::get(&tx, job.tenant_id, examined.id).await?;
    let mut inbox = before.clone();
    // A verdict on credentials that were replaced meanwhile says nothing.
    let outdated = super::credentials_mark(&before) != super::credentials_mark(examined)
        && matches!(finding, Finding::Dead(_));
    if before.state == InboxState::Disconnected || outdated {
        return finish(app, tx, job).await;
    }
    match finding {
        Finding::Healthy(settings) => {
            let mut merged = inbox.settings.as_object().cloned().unwrap_or_default();
            merged.extend(settings);
            inbox.settings = Value::Object(merged);
            inbox.state = inbox.state.connected()?;
            inbox.problem = deafness(channel, &before, tx.now());
        }
        Finding::Ailing(reason) => inbox.problem = Some(reason),
        Finding::Dead(reason) => {
            inbox.state = inbox.state.credentials_died()?;
            inbox.problem = Some(reason);
            inbox.session_problem = None;
        }
    }
    let opened = !before.state.may_send() && inbox.state.may_send();
    if inbox != before {
        let inbox = rows::put_inbox(&mut tx, inbox).await?;
        if opened {
            gate_opened(&mut tx, &inbox).await?;
        }
    }
    finish(app, tx, job).await
}

/// Connected, and yet nothing comes: a subscription or switch at the provider is off.
fn deafness(channel: &'static dyn Channel, inbox: &Inbox, now: domain::Time) -> Option<String> {
    if !channel.manifest().uses_webhook {
        return None;
    }
    let connected_at = super::credentials_mark(inbox)
        .and_then(|at| at.parse::<domain::Time>().ok())
        .unwrap_or(inbox.created_at);
    match (inbox.last_inbound_at, inbox.last_outbound_at) {
        (None, _) if now - connected_at > DEAF_AFTER_CONNECT => Some(
            "connected, but nothing has ever arrived: check the webhook settings at the provider"
                .into(),
        ),
        (Some(inbound), Some(outbound))
            if outbound > inbound && now - inbound > DEAF_AFTER_REPLY =>
        {
            Some(
                "nothing has arrived for a week although replies went out: check the webhook \
                 settings at the provider"
                    .into(),
            )
        }
        _ => None,
    }
}
