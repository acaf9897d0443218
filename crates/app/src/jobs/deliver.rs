//! The second half of line (b): a queued message goes to its provider, at most once.

use super::drive::{Drive, Driven};
use super::{End, finish};
use crate::inboxes::{self, credentials_died};
use crate::{App, Result, inbound, rows};
use channels::{Action, Channel, Outcome, Outgoing, Peer, SendKind, Target, Upload};
use chrono::Duration;
use domain::MessageId;
use domain::conversation::Conversation;
use domain::inbox::{Inbox, InboxState};
use domain::job::ATTEMPTS_MAX;
use domain::message::{Message, MessageState};
use store::jobs::StoredJob;
use store::queries::{attachments, conversations, identities, messages, outbound, tickets};

/// How long a message waits for a provider that cannot be reached before it is marked failed.
const PATIENCE: Duration = Duration::minutes(15);
/// How long it waits for a provider that answers "later" each time: an older answer helps nobody.
const LIMIT_PATIENCE: Duration = Duration::hours(24);
/// A shorter wait is not worth telling.
const SHORT: Duration = Duration::seconds(5);
/// How often a message behind a dead token or closed gate looks whether it may go.
pub(crate) const GATE_CLOSED: Duration = Duration::seconds(15);

struct Letter {
    message: Message,
    conversation: Conversation,
    inbox: Inbox,
    channel: &'static dyn Channel,
}

async fn open(app: &App, job: &StoredJob, id: MessageId) -> Result<Option<Letter>> {
    let read = app.read();
    let message = messages::get(&read, job.tenant_id, id).await?;
    let Some(conversation) = message.conversation_id else {
        return Ok(None);
    };
    let conversation = conversations::get(&read, job.tenant_id, conversation).await?;
    let inbox = store::queries::inboxes::get(&read, job.tenant_id, conversation.inbox_id).await?;
    let channel = crate::reply::channel_of(&inbox)?;
    Ok(Some(Letter {
        message,
        conversation,
        inbox,
        channel,
    }))
}

pub(super) async fn message(app: &App, job: &StoredJob, id: MessageId) -> Result<End> {
    let letter = match open(app, job, id).await? {
        Some(letter) if letter.message.state.sending().is_ok() => letter,
        // Cancelled, or its echo arrived first: nothing is left to do.
        _ => return finish(app, app.begin(job.tenant_id, "skip_delivery").await?, job).await,
    };
    match letter.inbox.state {
        state if state.may_send() => {}
        InboxState::Disconnected => return closed(app, job, letter).await,
        _ => return gated(app, job, letter).await,
    }
    let outgoing = outgoing(app, &letter).await?;
    let view = inboxes::view(app, &app.read(), &letter.inbox).await?;
    let kind = letter.channel.send_kind(&view);
    let drive = Drive {
        app,
        job,
        channel: letter.channel,
        view,
        look_up: Some(Action::LookUp(Box::new(outgoing.clone()))),
        peer: Some(outgoing.peer.handle.clone()),
        action: Action::Send(Box::new(outgoing)),
        kind,
    };
    match drive.run().await? {
        Driven::Outcome(outcome) => sent(app, job, letter, outcome).await,
        Driven::Away(reason) => away(app, job, letter, reason).await,
        Driven::End(End::Retry { error, .. }) if job.attempts >= i64::from(ATTEMPTS_MAX) => {
            fail(app, job, &letter, error).await
        }
        Driven::End(End::InDoubt { error, .. }) if job.attempts >= i64::from(ATTEMPTS_MAX) => {
            unknown(app, job, &letter, error).await
        }
        Driven::End(End::Wait { until }) if until > SHORT => {
            let why = "the provider wants us to send more slowly";
            limited(app, job, letter, until, why.into()).await
        }
        Driven::End(end) => Ok(end),
    }
}

/// An administrator let the account go. What was said into it must not leave months later.
async fn closed(app: &App, job: &StoredJob, letter: Letter) -> Result<End> {
    let reason = format!(
        "{} was disconnected before this was sent; send it again when it is connected",
        letter.inbox.name
    );
    give_up(app, job, &letter, reason).await
}

/// The credentials are dead: the message keeps its place and goes out after a reconnect.
async fn gated(app: &App, job: &StoredJob, letter: Letter) -> Result<End> {
    let why = format!(
        "waits until {} is connected again by an administrator",
        letter.inbox.name
    );
    waits(app, job, letter, GATE_CLOSED, why).await
}

/// The provider named a time. Waiting for it is not a failure, waiting for ever is.
async fn limited(
    app: &App,
    job: &StoredJob,
    letter: Letter,
    until: Duration,
    why: String,
) -> Result<End> {
    if app.now() - job.created_at >= LIMIT_PATIENCE {
        return give_up(app, job, &letter, why).await;
    }
    waits(app, job, letter, until, why).await
}

/// The message stays queued and says why.
async fn waits(
    app: &App,
    job: &StoredJob,
    letter: Letter,
    until: Duration,
    why: String,
) -> Result<End> {
    if letter.message.problem.as_ref() != Some(&why) {
        let mut tx = app.begin(job.tenant_id, "message_waits").await?;
        let mut message = messages::get(&tx, job.tenant_id, letter.message.id).await?;
        if message.state.sending().is_ok() {
            let ticket = tickets::get(&tx, job.tenant_id, message.ticket_id).await?;
            message.problem = Some(why);
            rows::update_message(&mut tx, &ticket, message).await?;
            app.commit(tx, ()).await?;
        }
    }
    Ok(End::Wait { until })
}

async fn outgoing(app: &App, letter: &Letter) -> Result<Outgoing> {
    let read = app.read();
    let tenant = letter.inbox.tenant_id;
    let identity = identities::get(&read, tenant, letter.conversation.identity_id).await?;
    let quoted = match letter.message.quoted_id {
        Some(id) => outbound::target(&read, tenant, id).await?,
        None => None,
    };
    let quoting = quoted.is_some();
    let answered = match quoted {
        Some(target) => Some(target),
        None => outbound::last_inbound_target(&read, tenant, letter.conversation.id).await?,
    };
    let mut uploads = Vec::new();
    for attachment in &letter.message.attachments {
        let stored = attachments::get(&read, tenant, attachment.id).await?;
        let link = crate::media::provider_link(app, tenant, attachment.id)?;
        uploads.extend(stored.blob.map(|blob| {
            Upload {
                blob,
                name: attachment.name.clone(),
                media_type: attachment.media_type.clone(),
                size_bytes: attachment
                    .size_bytes
                    .and_then(|n| u64::try_from(n).ok())
                    .unwrap_or(0),
                description: None,
                link: Some(format!("{}{link}", app.config.public_url)),
            }
        }));
    }
    Ok(Outgoing {
        client_id: letter
            .message
            .client_id
            .clone()
            .unwrap_or_else(|| letter.message.id.to_string()),
        peer: Peer {
            handle: identity.handle,
            scope: identity.scope,
            display: identity.display,
            ..Peer::default()
        },
        thread: letter.conversation.thread.clone(),
        text: letter.message.text.clone(),
        attachments: uploads,
        answering: answered.map(|(external_id, extra)| Target { external_id, extra }),
        quoting,
    })
}

async fn sent(app: &App, job: &StoredJob, letter: Letter, outcome: Outcome) -> Result<End> {
    match outcome {
        Outcome::Sent { external_id, extra } => arrived(app, job, letter, external_id, extra).await,
        Outcome::Retry {
            after: None,
            reason,
        } if job.attempts >= i64::from(ATTEMPTS_MAX) => fail(app, job, &letter, reason).await,
        Outcome::Retry { after, reason } => {
            ask_again(app, job).await?;
            match after.and_then(|after| Duration::from_std(after).ok()) {
                Some(after) => limited(app, job, letter, after, reason).await,
                None => Ok(End::Retry {
                    after: None,
                    error: reason,
                }),
            }
        }
        Outcome::Rejected { reason, .. } => fail(app, job, &letter, reason).await,
        Outcome::CredentialsDied { reason } => {
            ask_again(app, job).await?;
            credentials_died(app, &letter.inbox, reason).await?;
            gated(app, job, letter).await
        }
        Outcome::Unknown { reason } => unknown(app, job, &letter, reason).await,
        Outcome::NotSent => Ok(End::Retry {
            after: None,
            error: "the provider does not have it".into(),
        }),
        other => {
            fail(
                app,
                job,
                &letter,
                format!("the channel answered a send with {other:?}"),
            )
            .await
        }
    }
}

/// The step that was refused is forgotten; those before it succeeded and stay, so that a chain goes
/// on with its next piece.
pub(super) async fn ask_again(app: &App, job: &StoredJob) -> Result<()> {
    let tx = app.begin(job.tenant_id, "forget_step").await?;
    store::jobs::forget_last_step(&tx, job).await?;
    app.commit(tx, ()).await
}

async fn arrived(
    app: &App,
    job: &StoredJob,
    letter: Letter,
    external_id: String,
    extra: serde_json::Value,
) -> Result<End> {
    let tenant = job.tenant_id;
    let mut tx = app.begin(tenant, "message_sent").await?;
    let mut message = messages::get(&tx, tenant, letter.message.id).await?;
    let ticket = tickets::get(&tx, tenant, message.ticket_id).await?;
    inbound::forget_twin(&mut tx, &letter.inbox, &ticket, &message, &external_id).await?;
    message.state = message.state.receipt(MessageState::Sent);
    // A failure that was told before this is still one.
    message.problem = message
        .problem
        .filter(|_| message.state == MessageState::Failed);
    message.external_id = Some(external_id);
    messages::set_extra(&tx, tenant, message.id, extra).await?;
    store::queries::inboxes::touch(&tx, tenant, letter.inbox.id, None, Some(tx.now())).await?;
    let message = rows::update_message(&mut tx, &ticket, message).await?;
    inbound::catch_up(&mut tx, &letter.inbox, ticket, message).await?;
    finish(app, tx, job).await
}

/// It did not arrive, or nobody knows: a claim that ended without a word may have sent it.
async fn give_up(app: &App, job: &StoredJob, letter: &Letter, reason: String) -> Result<End> {
    if job.vanished {
        unknown(app, job, letter, reason).await
    } else {
        fail(app, job, letter, reason).await
    }
}

async fn fail(app: &App, job: &StoredJob, letter: &Letter, reason: String) -> Result<End> {
    settle(app, job, letter, reason, |state| state.failed()).await
}

async fn unknown(app: &App, job: &StoredJob, letter: &Letter, reason: String) -> Result<End> {
    settle(app, job, letter, reason, |state| state.unknown()).await
}

async fn settle(
    app: &App,
    job: &StoredJob,
    letter: &Letter,
    reason: String,
    next: impl FnOnce(MessageState) -> Result<MessageState, domain::InvalidTransition>,
) -> Result<End> {
    let mut tx = app.begin(job.tenant_id, "message_not_sent").await?;
    let mut message = messages::get(&tx, job.tenant_id, letter.message.id).await?;
    let ticket = tickets::get(&tx, job.tenant_id, message.ticket_id).await?;
    message.state = next(message.state)?;
    message.problem = Some(reason);
    rows::update_message(&mut tx, &ticket, message).await?;
    finish(app, tx, job).await
}

/// Nothing arrived. The message waits, longer each time, and is marked failed when it waited enough.
async fn away(app: &App, job: &StoredJob, letter: Letter, reason: String) -> Result<End> {
    let age = app.now() - job.created_at;
    if age >= PATIENCE {
        let reason = format!("the provider could not be reached for 15 minutes: {reason}");
        return give_up(app, job, &letter, reason).await;
    }
    let until = (age / 4).clamp(Duration::seconds(1), Duration::seconds(60));
    let why = format!("the provider cannot be reached, trying again: {reason}");
    waits(app, job, letter, until, why).await
}

/// Tells the provider that our own message changed.
pub(super) async fn edit(app: &App, job: &StoredJob, id: MessageId) -> Result<End> {
    change(app, job, id, true).await
}

pub(super) async fn delete(app: &App, job: &StoredJob, id: MessageId) -> Result<End> {
    change(app, job, id, false).await
}

async fn change(app: &App, job: &StoredJob, id: MessageId, editing: bool) -> Result<End> {
    let read = app.read();
    let target = outbound::target(&read, job.tenant_id, id).await?;
    let (Some(letter), Some((external_id, extra))) = (open(app, job, id).await?, target) else {
        return finish(app, app.begin(job.tenant_id, "skip_change").await?, job).await;
    };
    match letter.inbox.state {
        state if state.may_send() => {}
        InboxState::Disconnected => {
            let reason = format!("{} is disconnected", letter.inbox.name);
            return not_changed(app, job, &letter, editing, &reason).await;
        }
        _ => return Ok(End::Wait { until: GATE_CLOSED }),
    }
    let target = Target { external_id, extra };
    let outgoing = outgoing(app, &letter).await?;
    let action = if editing {
        Action::Edit {
            target,
            peer: outgoing.peer,
            thread: outgoing.thread,
            text: outgoing.text,
        }
    } else {
        Action::Delete { target }
    };
    let drive = Drive {
        app,
        job,
        channel: letter.channel,
        view: inboxes::view(app, &read, &letter.inbox).await?,
        action,
        look_up: None,
        kind: SendKind::Idempotent,
        peer: None,
    };
    let (after, error) = match drive.run().await? {
        Driven::Outcome(Outcome::Retry { after, reason }) => {
            ask_again(app, job).await?;
            (
                after.and_then(|after| Duration::from_std(after).ok()),
                reason,
            )
        }
        Driven::Outcome(Outcome::Rejected { reason, .. }) => {
            return not_changed(app, job, &letter, editing, &reason).await;
        }
        Driven::Outcome(Outcome::CredentialsDied { reason }) => {
            ask_again(app, job).await?;
            credentials_died(app, &letter.inbox, reason).await?;
            return Ok(End::Wait { until: GATE_CLOSED });
        }
        Driven::Outcome(_) => return told(app, job, &letter, None).await,
        Driven::Away(reason) => (None, reason),
        Driven::End(End::Retry { after, error }) => (after, error),
        Driven::End(end) => return Ok(end),
    };
    if job.attempts >= i64::from(ATTEMPTS_MAX) {
        return not_changed(app, job, &letter, editing, &error).await;
    }
    Ok(End::Retry { after, error })
}

/// Our screens show the new words and the customer still has the old ones: the agent must know.
async fn not_changed(
    app: &App,
    job: &StoredJob,
    letter: &Letter,
    editing: bool,
    reason: &str,
) -> Result<End> {
    let still = if editing {
        "the customer still sees the old text"
    } else {
        "the customer still sees this message"
    };
    told(app, job, letter, Some(format!("{still}: {reason}"))).await
}

async fn told(app: &App, job: &StoredJob, letter: &Letter, problem: Option<String>) -> Result<End> {
    let mut tx = app.begin(job.tenant_id, "message_changed").await?;
    let mut message = messages::get(&tx, job.tenant_id, letter.message.id).await?;
    if message.problem != problem && message.state != MessageState::Failed {
        let ticket = tickets::get(&tx, job.tenant_id, message.ticket_id).await?;
        message.problem = problem;
        rows::update_message(&mut tx, &ticket, message).await?;
    }
    finish(app, tx, job).await
}
