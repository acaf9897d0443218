//! The second half of line (b): a queued message goes to its provider, at most once.

use super::drive::{Drive, Driven};
use super::{End, finish};
use crate::inboxes::{self, credentials_died};
use crate::{App, Result, rows};
use channels::{Action, Channel, Inbound, Outcome, Outgoing, Peer, SendKind, Target, Upload};
use chrono::Duration;
use domain::MessageId;
use domain::conversation::Conversation;
use domain::inbox::Inbox;
use domain::job::ATTEMPTS_MAX;
use domain::message::{Message, MessageState};
use store::jobs::StoredJob;
use store::queries::{
    attachments, conversations, early_facts, identities, messages, outbound, tickets,
};

/// How long a message waits for a provider that cannot be reached before it is marked failed.
const PATIENCE: Duration = Duration::minutes(15);
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
    if !letter.inbox.state.may_send() {
        return Ok(End::Wait { until: GATE_CLOSED });
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
            unknown(app, job, letter, error).await
        }
        Driven::End(end) => Ok(end),
    }
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
        Outcome::Retry { reason, .. } if job.attempts >= i64::from(ATTEMPTS_MAX) => {
            fail(app, job, &letter, reason).await
        }
        Outcome::Retry { after, reason } => {
            ask_again(app, job).await?;
            Ok(
                match after.and_then(|after| Duration::from_std(after).ok()) {
                    // The provider named the time: waiting for it is not a failure.
                    Some(after) => End::Wait { until: after },
                    None => End::Retry {
                        after: None,
                        error: reason,
                    },
                },
            )
        }
        Outcome::Rejected { reason, .. } => fail(app, job, &letter, reason).await,
        Outcome::CredentialsDied { reason } => {
            ask_again(app, job).await?;
            credentials_died(app, &letter.inbox, reason).await?;
            Ok(End::Wait { until: GATE_CLOSED })
        }
        Outcome::Unknown { reason } => unknown(app, job, letter, reason).await,
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
async fn ask_again(app: &App, job: &StoredJob) -> Result<()> {
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
    message.state = message.state.receipt(MessageState::Sent);
    message.problem = None;
    message.external_id = Some(external_id.clone());
    for fact in early_facts::take(&tx, tenant, letter.inbox.id, &external_id).await? {
        // Only receipts can come before the send returned.
        if let Ok(Inbound::Receipt { state, problem, .. }) = serde_json::from_value(fact) {
            message.state = message.state.receipt(state.message_state());
            message.problem = problem.filter(|_| message.state == MessageState::Failed);
        }
    }
    messages::set_extra(&tx, tenant, message.id, extra).await?;
    store::queries::inboxes::touch(&tx, tenant, letter.inbox.id, None, Some(tx.now())).await?;
    rows::update_message(&mut tx, &ticket, message).await?;
    finish(app, tx, job).await
}

async fn fail(app: &App, job: &StoredJob, letter: &Letter, reason: String) -> Result<End> {
    settle(app, job, letter, reason, |state| state.failed()).await
}

async fn unknown(app: &App, job: &StoredJob, letter: Letter, reason: String) -> Result<End> {
    settle(app, job, &letter, reason, |state| state.unknown()).await
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
    let age = app.now() - letter.message.created_at;
    if age >= PATIENCE {
        return fail(
            app,
            job,
            &letter,
            format!("the provider could not be reached for 15 minutes: {reason}"),
        )
        .await;
    }
    Ok(End::Wait {
        until: (age / 4).clamp(Duration::seconds(1), Duration::seconds(60)),
    })
}

/// Tells the provider that our own message changed.
pub(super) async fn edit(app: &App, job: &StoredJob, id: MessageId) -> Result<End> {
    change(app, job, id, true).await
}

pub(super) async fn delete(app: &App, job: &StoredJob, id: MessageId) -> Result<End> {
    change(app, job, id, false).await
}

async fn change(app: &App, job: &StoredJob, id: MessageId, editing: bool) -> Result<End> {
    let done =
        || async { finish(app, app.begin(job.tenant_id, "message_changed").await?, job).await };
    let Some(letter) = open(app, job, id).await? else {
        return done().await;
    };
    let read = app.read();
    let Some((external_id, extra)) = outbound::target(&read, job.tenant_id, id).await? else {
        return done().await;
    };
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
    let view = inboxes::view(app, &read, &letter.inbox).await?;
    let drive = Drive {
        app,
        job,
        channel: letter.channel,
        view,
        action,
        look_up: None,
        kind: SendKind::Idempotent,
        peer: None,
    };
    match drive.run().await? {
        Driven::Outcome(Outcome::Retry { after, reason }) => {
            ask_again(app, job).await?;
            let after = after.and_then(|after| Duration::from_std(after).ok());
            Ok(End::Retry {
                after,
                error: reason,
            })
        }
        Driven::Outcome(Outcome::Rejected { reason, .. }) => Ok(End::Bury { error: reason }),
        Driven::Outcome(_) => done().await,
        Driven::Away(reason) => Ok(End::Retry {
            after: None,
            error: reason,
        }),
        Driven::End(end) => Ok(end),
    }
}
