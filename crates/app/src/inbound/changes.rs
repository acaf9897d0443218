//! What happens to messages after they were written: edits, deletes, reactions and receipts, of
//! messages we know and of messages that are still to come.
//!
//! Invariant: a fact about a message nobody has seen waits for it, and is applied in the
//! transaction that makes the message known, whoever learns of it first: the customer's own event,
//! our echo, or the answer to our send.

use super::effects::{
    ATTACHMENTS_MAX, attachment_of, delete, edit, plausible, preview, react, receive,
};
use crate::{Result, rows};
use channels::{Inbound, Media, Receipt};
use domain::Time;
use domain::inbox::Inbox;
use domain::job::Job;
use domain::message::{Attachment, AuthorKind, Message};
use domain::ticket::Ticket;
use store::queries::attachments::{self, StoredAttachment};
use store::queries::{early_facts, messages, outbound, tickets};
use store::{NewJob, Tx};

/// The message of this inbox that the provider calls so.
pub async fn known(tx: &Tx, inbox: &Inbox, external_id: &str) -> Result<Option<Message>> {
    Ok(messages::by_external_id(tx, inbox.tenant_id, inbox.id, external_id).await?)
}

/// The id of the message this fact talks about, when that message is not here yet.
pub async fn must_wait_for(tx: &Tx, inbox: &Inbox, fact: &Inbound) -> Result<Option<String>> {
    let follows = match fact {
        Inbound::Edit { external_id, .. }
        | Inbound::Delete { external_id, .. }
        | Inbound::Reaction { external_id, .. }
        | Inbound::Receipt {
            of: Receipt::Message { external_id },
            ..
        } => external_id,
        _ => return Ok(None),
    };
    let is_known = known(tx, inbox, follows).await?.is_some();
    Ok((!is_known).then(|| follows.clone()))
}

/// Applies a fact to the messages it is about.
pub async fn change(tx: &mut Tx, inbox: &Inbox, received_at: Time, fact: Inbound) -> Result<()> {
    let about = match &fact {
        Inbound::Receipt { of, .. } => of_receipt(tx, inbox, of).await?,
        other => match other.about() {
            Some(external_id) => known(tx, inbox, external_id).await?.into_iter().collect(),
            None => Vec::new(),
        },
    };
    for message in about {
        let ticket = tickets::get(tx, inbox.tenant_id, message.ticket_id).await?;
        let facts = std::slice::from_ref(&fact);
        put_changed(tx, inbox, ticket, message, facts, received_at).await?;
    }
    Ok(())
}

async fn of_receipt(tx: &Tx, inbox: &Inbox, of: &Receipt) -> Result<Vec<Message>> {
    let tenant = inbox.tenant_id;
    Ok(match of {
        Receipt::Message { external_id } => {
            known(tx, inbox, external_id).await?.into_iter().collect()
        }
        Receipt::Client { client_id } => outbound::by_client_id(tx, tenant, inbox.id, client_id)
            .await?
            .into_iter()
            .collect(),
        Receipt::UpTo { peer, thread, time } => {
            outbound::up_to(tx, tenant, inbox.id, &peer.handle, thread, *time).await?
        }
    })
}

/// The message has become known: what came early for it is applied now, in the order it came.
pub async fn catch_up(
    tx: &mut Tx,
    inbox: &Inbox,
    ticket: Ticket,
    message: Message,
) -> Result<Message> {
    let Some(external_id) = message.external_id.clone() else {
        return Ok(message);
    };
    let waiting = early_facts::take(tx, inbox.tenant_id, inbox.id, &external_id).await?;
    let facts: Vec<Inbound> = waiting
        .into_iter()
        .filter_map(|fact| serde_json::from_value(fact).ok())
        .collect();
    let now = tx.now();
    put_changed(tx, inbox, ticket, message, &facts, now).await
}

/// One write of the message and of its ticket's row, however many facts there are.
async fn put_changed(
    tx: &mut Tx,
    inbox: &Inbox,
    ticket: Ticket,
    mut message: Message,
    facts: &[Inbound],
    received_at: Time,
) -> Result<Message> {
    let mut changed = false;
    for fact in facts {
        changed |= apply(&mut message, fact, received_at);
        // Our own files come back under other addresses: nobody has to fetch those.
        if let Inbound::Edit { attachments, .. } = fact
            && message.deleted_at.is_none()
            && message.author != AuthorKind::User
        {
            changed |= add_files(tx, inbox, &mut message, attachments).await?;
        }
    }
    if !changed {
        return Ok(message);
    }
    let message = rows::update_message(tx, &ticket, message).await?;
    refresh_preview(tx, ticket, &message).await?;
    Ok(message)
}

fn apply(message: &mut Message, fact: &Inbound, received_at: Time) -> bool {
    match fact {
        Inbound::Edit { text, html, at, .. } => {
            let at = plausible(*at, received_at);
            edit(message, text.clone(), html.clone(), at)
        }
        Inbound::Delete { at, .. } => delete(message, plausible(*at, received_at)),
        Inbound::Reaction {
            by, emoji, removed, ..
        } => react(message, by.handle.clone(), emoji.clone(), *removed),
        Inbound::Receipt { state, problem, .. } => receive(message, *state, problem.clone()),
        _ => false,
    }
}

/// The list row follows an edit or delete of the newest message.
async fn refresh_preview(tx: &mut Tx, ticket: Ticket, message: &Message) -> Result<()> {
    if message.position != ticket.message_head || ticket.last_message_preview == preview(message) {
        return Ok(());
    }
    let before = ticket.clone();
    let mut ticket = ticket;
    ticket.last_message_preview = preview(message);
    rows::put_ticket(tx, Some(&before), ticket).await?;
    Ok(())
}

/// An edit brought files the message does not have yet. One that it does not name stays: not every
/// provider repeats them.
async fn add_files(
    tx: &mut Tx,
    inbox: &Inbox,
    message: &mut Message,
    files: &[Media],
) -> Result<bool> {
    if files.is_empty() {
        return Ok(false);
    }
    let known = attachments::sources(tx, inbox.tenant_id, message.id).await?;
    let new: Vec<&Media> = files.iter().filter(|f| !known.contains(&f.media)).collect();
    let room = ATTACHMENTS_MAX.saturating_sub(message.attachments.len());
    for file in new.iter().take(room) {
        let attachment = attachment_of(tx.now(), file);
        let ordinal = message.attachments.len();
        fetch_file(tx, inbox, message, &attachment, ordinal, file).await?;
        message.attachments.push(attachment);
    }
    Ok(!new.is_empty() && room > 0)
}

/// Stores the files a new message came with, each with the job that fetches it.
pub async fn fetch_files(
    tx: &mut Tx,
    inbox: &Inbox,
    message: &Message,
    files: &[Media],
) -> Result<()> {
    for (ordinal, (attachment, file)) in message.attachments.iter().zip(files).enumerate() {
        fetch_file(tx, inbox, message, attachment, ordinal, file).await?;
    }
    Ok(())
}

async fn fetch_file(
    tx: &mut Tx,
    inbox: &Inbox,
    message: &Message,
    attachment: &Attachment,
    ordinal: usize,
    file: &Media,
) -> Result<()> {
    let stored = StoredAttachment {
        tenant_id: message.tenant_id,
        attachment: attachment.clone(),
        message_id: Some(message.id),
        uploaded_by: None,
        blob: None,
        source: Some(file.media.clone()),
        ordinal: ordinal as i64,
        created_at: tx.now(),
    };
    attachments::insert(tx, &stored).await?;
    tx.enqueue(NewJob::new(
        Job::FetchMedia {
            inbox: inbox.id,
            message: message.id,
            attachment: attachment.id,
            media: file.media.clone(),
        },
        format!("media:{}", attachment.id),
    ));
    Ok(())
}
