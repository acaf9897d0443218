//! Row and event together: the only way use cases change nouns that screens follow.
//!
//! Invariant: whoever could see a noun before a change, or can see it after, gets the event.

use crate::Result;
use domain::contact::{Contact, Identity};
use domain::conversation::Conversation;
use domain::event::{NewEvent, ScopeKey};
use domain::image::Image;
use domain::inbox::Inbox;
use domain::job::Job;
use domain::message::Message;
use domain::people::Role;
use domain::ticket::Ticket;
use domain::{ContactId, InboxId, TicketId, UserId};
use serde_json::Value;
use store::queries::{contacts, conversations, identities, inboxes, messages, tickets};
use store::{CountDelta, NewJob, Tx};

/// Supervisors, the queue's agents, the assignee and whoever a note mentions.
pub fn ticket_scope(ticket: &Ticket, mentioned: &[UserId]) -> Vec<ScopeKey> {
    let mut scope = vec![
        ScopeKey::Role(Role::Supervisor),
        ScopeKey::Queue(ticket.queue_id),
    ];
    scope.extend(ticket.assignee_id.map(ScopeKey::User));
    scope.extend(mentioned.iter().copied().map(ScopeKey::User));
    scope
}

/// The union of who saw `before` and who sees `after`, without repeats.
fn moved_scope(before: Option<&Ticket>, after: &Ticket, mentioned: &[UserId]) -> Vec<ScopeKey> {
    let mut scope = ticket_scope(after, mentioned);
    if let Some(before) = before {
        scope.extend(ticket_scope(before, &[]));
    }
    scope.sort();
    scope.dedup();
    scope
}

/// Stores the changed ticket, its counts, its event and the refresh of its search tokens.
pub async fn put_ticket(tx: &mut Tx, before: Option<&Ticket>, mut after: Ticket) -> Result<Ticket> {
    after.updated_at = tx.now();
    let after = if before.is_some() {
        tickets::update(tx, after).await?
    } else {
        tickets::insert(tx, &after).await?;
        after
    };
    for delta in CountDelta::of_change(before, Some(&after)) {
        tx.count(delta);
    }
    let mentioned = tickets::mentioned(tx, after.tenant_id, after.id).await?;
    tx.emit(NewEvent {
        scope: moved_scope(before, &after, &mentioned),
        image: Image::Ticket(Box::new(after.clone())),
    });
    let searched =
        before.is_none_or(|b| b.subject != after.subject || b.message_head != after.message_head);
    if searched {
        index_ticket(tx, after.id);
    }
    Ok(after)
}

/// The words of the ticket have changed. One lane per ticket: the last job sees the last words.
pub fn index_ticket(tx: &mut Tx, id: TicketId) {
    tx.enqueue(NewJob::new(
        Job::IndexTicket { ticket: id },
        format!("index:{id}"),
    ));
}

fn index_contact(tx: &mut Tx, id: ContactId) {
    tx.enqueue(NewJob::new(
        Job::IndexContact { contact: id },
        format!("index:{id}"),
    ));
}

/// Adds a message at the head of its ticket. The caller puts the ticket, whose head has moved.
pub async fn insert_message(
    tx: &mut Tx,
    ticket: &mut Ticket,
    inbox: Option<InboxId>,
    mut message: Message,
    extra: Value,
) -> Result<Message> {
    messages::insert(tx, ticket, &mut message, inbox, extra).await?;
    emit_message(tx, ticket, &message).await?;
    Ok(message)
}

pub async fn update_message(tx: &mut Tx, ticket: &Ticket, message: Message) -> Result<Message> {
    let message = messages::update(tx, message).await?;
    emit_message(tx, ticket, &message).await?;
    // A receipt of an edited message indexes once too often; deleted words are never forgotten.
    if message.edited_at.is_some() || message.deleted_at.is_some() {
        index_ticket(tx, ticket.id);
    }
    Ok(message)
}

async fn emit_message(tx: &mut Tx, ticket: &Ticket, message: &Message) -> Result<()> {
    let mentioned = tickets::mentioned(tx, ticket.tenant_id, ticket.id).await?;
    tx.emit(NewEvent {
        scope: ticket_scope(ticket, &mentioned),
        image: Image::Message(Box::new(message.clone())),
    });
    Ok(())
}

pub async fn put_conversation(
    tx: &mut Tx,
    ticket: &Ticket,
    is_new: bool,
    conversation: Conversation,
) -> Result<Conversation> {
    let conversation = if is_new {
        conversations::insert(tx, &conversation).await?;
        conversation
    } else {
        conversations::update(tx, conversation).await?
    };
    tx.emit(NewEvent {
        scope: ticket_scope(ticket, &[]),
        image: Image::Conversation(Box::new(conversation.clone())),
    });
    Ok(conversation)
}

pub async fn put_contact(tx: &mut Tx, is_new: bool, contact: Contact) -> Result<Contact> {
    let contact = if is_new {
        contacts::insert(tx, &contact).await?;
        contact
    } else {
        contacts::update(tx, contact).await?
    };
    index_contact(tx, contact.id);
    tx.emit(NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Contact(Box::new(contact.clone())),
    });
    Ok(contact)
}

pub async fn put_identity(tx: &mut Tx, is_new: bool, identity: Identity) -> Result<Identity> {
    if is_new {
        identities::insert(tx, &identity).await?;
    } else {
        identities::update(tx, &identity).await?;
    }
    index_contact(tx, identity.contact_id);
    tx.emit(NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Identity(Box::new(identity.clone())),
    });
    Ok(identity)
}

pub async fn insert_inbox(tx: &mut Tx, inbox: Inbox, webhook_key: &str) -> Result<Inbox> {
    inboxes::insert(tx, &inbox, webhook_key).await?;
    emit_inbox(tx, &inbox);
    Ok(inbox)
}

/// Everybody sees how an inbox is: agents must know why they cannot answer.
pub async fn put_inbox(tx: &mut Tx, inbox: Inbox) -> Result<Inbox> {
    let inbox = inboxes::update(tx, inbox).await?;
    emit_inbox(tx, &inbox);
    Ok(inbox)
}

fn emit_inbox(tx: &mut Tx, inbox: &Inbox) {
    tx.emit(NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Inbox(Box::new(inbox.clone())),
    });
}
