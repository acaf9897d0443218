//! Line (b), first half: an agent's words become a queued message, a job and events in one
//! transaction. The second half, the sending itself, is `jobs::deliver`.
//!
//! Invariants: `client_id` is the idempotency key end to end, so a repeated mutation answers with
//! the message it made before; an agent never answers blind: when the ticket holds messages that
//! she has not seen and did not write, nothing is sent and she is shown them.

use crate::inbound::follow_message;
use crate::visibility::{visible_conversation, visible_message};
use crate::{App, Error, Result, audit, rows, work};
use channels::{Channel, Limits};
use domain::conversation::{Conversation, ReplyRefusal};
use domain::inbox::Inbox;
use domain::job::Job;
use domain::message::{AuthorKind, Direction, Message, MessageKind, MessageState};
use domain::permission::{Actor, Permission};
use domain::ticket::{Ticket, TicketStatus};
use domain::{AttachmentId, ConversationId, MessageId, TicketId, UserId};
use serde_json::Value;
use store::queries::{attachments, inboxes, messages, tickets, users};
use store::{NewJob, Tx};

const CLIENT_ID_CHARS_MAX: usize = 100;
const NOTE_CHARS_MAX: usize = 50_000;
const UPLOADS_MAX: usize = 10;

#[derive(Debug, Clone)]
pub struct SendMessage {
    pub conversation_id: ConversationId,
    pub text: String,
    pub client_id: String,
    /// `message_head` of the ticket as the agent saw it.
    pub seen: i64,
    pub quoted_id: Option<MessageId>,
    pub uploads: Vec<AttachmentId>,
    /// Options of the channel, such as the visibility of a post.
    pub options: Value,
}

/// What became of a send.
#[derive(Debug, Clone)]
pub enum Sent {
    Queued(Box<Message>),
    /// Nothing was sent: these came meanwhile.
    Newer(Vec<Message>),
}

pub async fn send(app: &App, actor: &Actor, input: SendMessage) -> Result<Sent> {
    actor.may(Permission::WorkTickets)?;
    check_client_id(&input.client_id)?;
    crate::race::again(|| send_once(app, actor, input.clone())).await
}

/// The ticket is locked before its messages are looked at: what comes in the same instant is
/// either seen here or comes after the reply.
async fn send_once(app: &App, actor: &Actor, input: SendMessage) -> Result<Sent> {
    let mut tx = app.begin(actor.tenant_id, "send_message").await?;
    if let Some(earlier) = messages::by_client_id(&tx, actor.tenant_id, &input.client_id).await? {
        return repeated(actor, earlier).map(|m| Sent::Queued(Box::new(m)));
    }
    let (conversation, ticket) = visible_conversation(&tx, actor, input.conversation_id).await?;
    let ticket = tickets::lock(&tx, actor.tenant_id, ticket.id).await?;
    let inbox = inboxes::get(&tx, actor.tenant_id, conversation.inbox_id).await?;
    let channel = channel_of(&inbox)?;
    conversation
        .reply(inbox.state, tx.now())
        .map_err(|why| refusal(why, &inbox))?;
    check_length(app, channel, &inbox, &input)?;
    let newer =
        messages::unseen(&tx, actor.tenant_id, ticket.id, input.seen, actor.user_id).await?;
    if !newer.is_empty() {
        return Ok(Sent::Newer(newer));
    }
    let message = queue(&mut tx, actor, &conversation, &ticket, &inbox, input).await?;
    let message = app.commit(tx, message).await?;
    Ok(Sent::Queued(Box::new(message)))
}

async fn queue(
    tx: &mut Tx,
    actor: &Actor,
    conversation: &Conversation,
    ticket: &Ticket,
    inbox: &Inbox,
    input: SendMessage,
) -> Result<Message> {
    let mut message = outgoing(tx, actor, ticket, MessageKind::Text).await?;
    message.conversation_id = Some(conversation.id);
    message.text = input.text;
    message.client_id = Some(input.client_id);
    message.quoted_id = input.quoted_id;
    message.attachments = attachments::claim_uploads(
        tx,
        actor.tenant_id,
        actor.user_id,
        &input.uploads,
        message.id,
    )
    .await?;
    let extra = serde_json::json!({ "options": input.options });
    let before = ticket.clone();
    let mut ticket = ticket.clone();
    let message = rows::insert_message(tx, &mut ticket, Some(inbox.id), message, extra).await?;
    follow_message(&mut ticket, &message, &inbox.channel);
    ticket.waiting_since = None;
    if ticket.status == TicketStatus::Closed {
        ticket.status = ticket.status.reopen()?;
        ticket.closed_at = None;
        work::put_open(tx, &before, ticket).await?;
    } else {
        rows::put_ticket(tx, Some(&before), ticket).await?;
    }
    tx.enqueue(NewJob::new(
        Job::DeliverMessage {
            message: message.id,
        },
        lane(conversation.id),
    ));
    audit::record(tx, actor, "message.send", message.id, Value::Null).await?;
    Ok(message)
}

/// Sends of one conversation keep their order; conversations do not wait for each other.
pub fn lane(conversation: ConversationId) -> String {
    format!("out:{conversation}")
}

async fn outgoing(tx: &Tx, actor: &Actor, ticket: &Ticket, kind: MessageKind) -> Result<Message> {
    let now = tx.now();
    let author = users::find(tx, actor.user_id)
        .await?
        .ok_or(Error::not_found("user"))?;
    Ok(Message {
        id: MessageId::new(now),
        tenant_id: actor.tenant_id,
        ticket_id: ticket.id,
        conversation_id: None,
        direction: Direction::Outbound,
        kind,
        state: if kind == MessageKind::Note {
            MessageState::Sent
        } else {
            MessageState::Queued
        },
        author: AuthorKind::User,
        author_user_id: Some(actor.user_id),
        author_name: author.name,
        text: String::new(),
        html: None,
        external_id: None,
        client_id: None,
        quoted_id: None,
        reactions: Vec::new(),
        attachments: Vec::new(),
        problem: None,
        position: 0,
        sent_at: now,
        created_at: now,
        edited_at: None,
        deleted_at: None,
        version: 0,
    })
}

/// A note stays in the house. People it mentions see the ticket from then on.
pub async fn add_note(
    app: &App,
    actor: &Actor,
    ticket: TicketId,
    text: String,
    client_id: String,
    mentions: Vec<UserId>,
) -> Result<Message> {
    actor.may(Permission::WorkTickets)?;
    check_client_id(&client_id)?;
    let text = note_text(&text)?;
    let mut tx = app.begin(actor.tenant_id, "add_note").await?;
    if let Some(earlier) = messages::by_client_id(&tx, actor.tenant_id, &client_id).await? {
        return repeated(actor, earlier);
    }
    let ticket = crate::visibility::visible_ticket(&tx, actor, ticket).await?;
    tickets::mention(&tx, actor.tenant_id, ticket.id, &mentions).await?;
    let mut note = outgoing(&tx, actor, &ticket, MessageKind::Note).await?;
    note.text = text;
    note.client_id = Some(client_id);
    let mut after = ticket.clone();
    let note = rows::insert_message(&mut tx, &mut after, None, note, Value::Null).await?;
    rows::put_ticket(&mut tx, Some(&ticket), after).await?;
    audit::record(&tx, actor, "note.add", note.id, Value::Null).await?;
    app.commit(tx, note).await
}

/// A note as part of another deed, in its transaction.
pub(crate) async fn note_in(
    tx: &mut Tx,
    actor: &Actor,
    ticket: Ticket,
    text: &str,
) -> Result<Ticket> {
    let mut note = outgoing(tx, actor, &ticket, MessageKind::Note).await?;
    note.text = note_text(text)?;
    let mut after = ticket.clone();
    rows::insert_message(tx, &mut after, None, note, Value::Null).await?;
    rows::put_ticket(tx, Some(&ticket), after).await
}

fn note_text(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX {
        let rule = format!("a note has 1 to {NOTE_CHARS_MAX} characters");
        return Err(Error::invalid("text", rule));
    }
    Ok(text.to_owned())
}

/// Takes a message back while it still waits.
pub async fn cancel(app: &App, actor: &Actor, id: MessageId) -> Result<Message> {
    change(app, actor, id, "message.cancel", |message| {
        message.state = message.state.cancelled()?;
        Ok(None)
    })
    .await
}

/// Failed, or nobody knows and the agent decided to send it again.
pub async fn retry(app: &App, actor: &Actor, id: MessageId) -> Result<Message> {
    change(app, actor, id, "message.retry", |message| {
        if !matches!(message.state, MessageState::Failed | MessageState::Unknown) {
            return Err(Error::conflict(
                "CONFLICT",
                "only a failed or unknown message can be sent again",
            ));
        }
        message.state = message.state.waiting_again()?;
        message.problem = None;
        Ok(Some(Job::DeliverMessage {
            message: message.id,
        }))
    })
    .await
}

/// Unknown, and the agent saw it at the provider.
pub async fn mark_sent(app: &App, actor: &Actor, id: MessageId) -> Result<Message> {
    change(app, actor, id, "message.mark_sent", |message| {
        if message.state != MessageState::Unknown {
            return Err(Error::conflict(
                "CONFLICT",
                "only a message whose fate is unknown can be marked as sent",
            ));
        }
        message.state = message.state.receipt(MessageState::Sent);
        message.problem = None;
        Ok(None)
    })
    .await
}

/// Changes our own words where the channel can; the provider is told by a job.
pub async fn edit(app: &App, actor: &Actor, id: MessageId, text: String) -> Result<Message> {
    let text = text.trim().to_owned();
    if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX {
        return Err(Error::invalid("text", "write what the message should say"));
    }
    let now = app.now();
    change(app, actor, id, "message.edit", move |message| {
        own_words(message)?;
        message.text = text;
        message.edited_at = Some(now);
        Ok(message.external_id.is_some().then_some(Job::EditMessage {
            message: message.id,
        }))
    })
    .await
}

pub async fn delete(app: &App, actor: &Actor, id: MessageId) -> Result<Message> {
    let now = app.now();
    change(app, actor, id, "message.delete", move |message| {
        own_words(message)?;
        message.deleted_at = Some(now);
        message.text.clear();
        message.html = None;
        if message.state == MessageState::Queued {
            message.state = message.state.cancelled()?;
        }
        Ok(message.external_id.is_some().then_some(Job::DeleteMessage {
            message: message.id,
        }))
    })
    .await
}

fn own_words(message: &Message) -> Result<()> {
    let ours = message.author == AuthorKind::User && message.deleted_at.is_none();
    if ours {
        Ok(())
    } else {
        Err(Error::conflict(
            "UNSUPPORTED",
            "only our own messages can be changed",
        ))
    }
}

async fn change(
    app: &App,
    actor: &Actor,
    id: MessageId,
    action: &'static str,
    apply: impl FnOnce(&mut Message) -> Result<Option<Job>>,
) -> Result<Message> {
    actor.may(Permission::WorkTickets)?;
    let mut tx = app.begin(actor.tenant_id, action).await?;
    let (mut message, ticket) = visible_message(&tx, actor, id).await?;
    let job = apply(&mut message)?;
    if let Some(Job::EditMessage { .. } | Job::DeleteMessage { .. }) = &job {
        can_change(&tx, &message, matches!(job, Some(Job::EditMessage { .. }))).await?;
    }
    if let (Some(job), Some(conversation)) = (job, message.conversation_id) {
        tx.enqueue(NewJob::new(job, lane(conversation)));
    }
    let message = rows::update_message(&mut tx, &ticket, message).await?;
    audit::record(&tx, actor, action, id, Value::Null).await?;
    app.commit(tx, message).await
}

/// Notes can always be changed; channel messages where the channel can.
async fn can_change(tx: &Tx, message: &Message, editing: bool) -> Result<()> {
    let Some(conversation) = message.conversation_id else {
        return Ok(());
    };
    let conversation =
        store::queries::conversations::get(tx, message.tenant_id, conversation).await?;
    let inbox = inboxes::get(tx, message.tenant_id, conversation.inbox_id).await?;
    let can = channel_of(&inbox)?.manifest().capabilities;
    if (editing && can.edit) || (!editing && can.delete) {
        return Ok(());
    }
    Err(Error::conflict(
        "UNSUPPORTED",
        "this channel cannot change a message that was sent",
    ))
}

fn repeated(actor: &Actor, earlier: Message) -> Result<Message> {
    if earlier.author_user_id == Some(actor.user_id) {
        Ok(earlier)
    } else {
        Err(Error::invalid(
            "clientId",
            "this client id was used by somebody else",
        ))
    }
}

fn check_client_id(id: &str) -> Result<()> {
    // It travels to providers as a header, where a line break would be another header.
    let printable = id.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if id.is_empty() || id.len() > CLIENT_ID_CHARS_MAX || !printable {
        return Err(Error::invalid(
            "clientId",
            format!("1 to {CLIENT_ID_CHARS_MAX} printable ASCII characters"),
        ));
    }
    Ok(())
}

fn check_length(
    app: &App,
    channel: &dyn Channel,
    inbox: &Inbox,
    input: &SendMessage,
) -> Result<()> {
    if input.text.trim().is_empty() && input.uploads.is_empty() {
        return Err(Error::invalid("text", "write something or attach a file"));
    }
    if input.uploads.len() > UPLOADS_MAX {
        return Err(Error::invalid(
            "uploads",
            format!("at most {UPLOADS_MAX} files"),
        ));
    }
    let view = crate::inboxes::view_without_secrets(app, inbox);
    let Limits {
        text_max,
        text_unit,
        ..
    } = channel.limits(&view);
    // A channel that splits honestly takes a long text as several messages, but not a book.
    let parts = if channel.manifest().capabilities.split_long {
        10
    } else {
        1
    };
    let length = channel.measure(&input.text);
    if length > text_max.saturating_mul(parts) {
        return Err(Error::conflict(
            "TOO_LONG",
            format!(
                "the text has {length} {text_unit}, this channel takes {}",
                text_max.saturating_mul(parts)
            ),
        ));
    }
    Ok(())
}

pub(crate) fn channel_of(inbox: &Inbox) -> Result<&'static dyn Channel> {
    channels::by_kind(&inbox.channel)
        .ok_or_else(|| Error::internal(format!("no channel {}", inbox.channel)))
}

fn refusal(why: ReplyRefusal, inbox: &Inbox) -> Error {
    match why {
        ReplyRefusal::WindowClosed => Error::conflict(
            "WINDOW_CLOSED",
            "the time in which this channel lets us answer is over",
        ),
        ReplyRefusal::NeedsReconnect => Error::conflict(
            "NEEDS_RECONNECT",
            format!(
                "{} must be connected again by an administrator before anything can be sent",
                inbox.name
            ),
        ),
        ReplyRefusal::Disconnected => {
            Error::conflict("DISCONNECTED", format!("{} is disconnected", inbox.name))
        }
    }
}
