//! People outside: what agents correct, and which of them are one person.
//!
//! Merging is reversible. Every identity and ticket remembers on a stack which contacts it came
//! through, so that unmerge puts back exactly what that merge took, also in the middle of a chain.
//! Conversations follow their identity. What moves is a function of rows ([`follow`]): the first
//! turn runs with the merge, further turns of [`TURN`] rows are jobs, and a repeated or late turn
//! changes nothing that is already right.

use crate::jobs::{End, finish};
use crate::{App, Error, Result, audit, race, rows};
use domain::ContactId;
use domain::contact::Contact;
use domain::conversation::Conversation;
use domain::job::Job;
use domain::permission::{Actor, Permission};
use domain::ticket::Ticket;
use serde_json::json;
use std::collections::BTreeSet;
use store::queries::contact_moves::{self, Node};
use store::queries::{contact_lists, contacts, conversations, identities, tickets};
use store::{NewJob, StoredJob, Tx};

/// Rows one turn moves: some five statements each, well within the time a turn may hold the writer.
const TURN: u64 = 50;
const NAME_CHARS_MAX: usize = 200;
const NOTE_CHARS_MAX: usize = 10_000;
/// Newest tickets that are found under a changed name at once.
const RENAMED_MAX: u64 = 200;

pub async fn update(
    app: &App,
    actor: &Actor,
    id: ContactId,
    name: Option<String>,
    note: Option<String>,
) -> Result<Contact> {
    actor.may(Permission::WorkTickets)?;
    let name = name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "));
    if name
        .as_ref()
        .is_some_and(|n| n.is_empty() || n.chars().count() > NAME_CHARS_MAX)
    {
        return Err(Error::invalid(
            "name",
            format!("a name has 1 to {NAME_CHARS_MAX} characters"),
        ));
    }
    if note
        .as_ref()
        .is_some_and(|n| n.chars().count() > NOTE_CHARS_MAX)
    {
        return Err(Error::invalid(
            "note",
            format!("at most {NOTE_CHARS_MAX} characters"),
        ));
    }
    let (name, note) = (&name, &note);
    race::again(|| async move {
        let mut tx = app.begin(actor.tenant_id, "update_contact").await?;
        let before = contacts::get(&tx, actor.tenant_id, id).await?;
        let mut after = before.clone();
        after.name = name.clone().unwrap_or(after.name);
        after.note = note.clone().unwrap_or(after.note);
        if after == before {
            return Ok(after);
        }
        let renamed = after.name != before.name;
        let after = rows::put_contact(&mut tx, false, after).await?;
        if renamed {
            for ticket in tickets::of_contact(&tx, actor.tenant_id, id, RENAMED_MAX).await? {
                rows::index_ticket(&mut tx, ticket.id);
            }
        }
        let fields = json!({ "name": name.is_some(), "note": note.is_some() });
        audit::record(&tx, actor, "contact.update", id, fields).await?;
        app.commit(tx, after).await
    })
    .await
}

/// `from` turns out to be `into`. Answers `into`.
pub async fn merge(app: &App, actor: &Actor, into: ContactId, from: ContactId) -> Result<Contact> {
    actor.may(Permission::WorkTickets)?;
    if into == from {
        return Err(Error::invalid("from", "this is the same contact"));
    }
    race::again(|| async move {
        let mut tx = app.begin(actor.tenant_id, "merge_contacts").await?;
        let kept = contacts::get(&tx, actor.tenant_id, into).await?;
        let mut gone = contacts::get(&tx, actor.tenant_id, from).await?;
        if kept.merged_into.is_some() || gone.merged_into.is_some() {
            return Err(Error::conflict(
                "MERGED",
                "one of them is merged already; undo that first",
            ));
        }
        gone.merged_into = Some(into);
        let gone = rows::put_contact(&mut tx, false, gone).await?;
        // Its version makes a merge of `kept` into somebody else, at the same time, lose the race.
        let kept = rows::put_contact(&mut tx, false, kept).await?;
        follow_and_schedule(&mut tx, &gone).await?;
        audit::record(&tx, actor, "contact.merge", from, json!({ "into": into })).await?;
        app.commit(tx, kept).await
    })
    .await
}

/// They are two people after all. Answers the contact that is itself again.
pub async fn unmerge(app: &App, actor: &Actor, id: ContactId) -> Result<Contact> {
    actor.may(Permission::WorkTickets)?;
    race::again(|| async move {
        let mut tx = app.begin(actor.tenant_id, "unmerge_contact").await?;
        let mut contact = contacts::get(&tx, actor.tenant_id, id).await?;
        let Some(into) = contact.merged_into.take() else {
            return Err(Error::conflict("NOT_MERGED", "this contact is not merged"));
        };
        let contact = rows::put_contact(&mut tx, false, contact).await?;
        follow_and_schedule(&mut tx, &contact).await?;
        audit::record(&tx, actor, "contact.unmerge", id, json!({ "from": into })).await?;
        app.commit(tx, contact).await
    })
    .await
}

/// A further turn of a merge or unmerge.
pub(crate) async fn follow_merge(app: &App, job: &StoredJob, id: ContactId) -> Result<End> {
    let mut tx = app.begin(job.tenant_id, "follow_merge").await?;
    let contact = contacts::get(&tx, job.tenant_id, id).await?;
    follow_and_schedule(&mut tx, &contact).await?;
    finish(app, tx, job).await
}

async fn follow_and_schedule(tx: &mut Tx, contact: &Contact) -> Result<()> {
    let follows = match contact.merged_into {
        Some(into) => leave(tx, contact, into).await?,
        None => come_back(tx, contact).await?,
    };
    if let Some(next) = follows {
        tx.enqueue(NewJob::new(
            Job::FollowMerge { contact: next },
            format!("merge:{next}"),
        ));
    }
    Ok(())
}

/// Everything of a merged contact goes on to `into`. Answers whose turn is next.
async fn leave(tx: &mut Tx, from: &Contact, into: ContactId) -> Result<Option<ContactId>> {
    let tenant = from.tenant_id;
    for mut identity in identities::of_contacts(tx, tenant, &[from.id]).await? {
        contact_moves::push(tx, tenant, Node::Identity(identity.id), from.id).await?;
        identity.merged_from = Some(from.id);
        identity.contact_id = into;
        rows::put_identity(tx, false, identity).await?;
    }
    let moving = contact_lists::tickets_of(tx, tenant, from.id, TURN).await?;
    let following = contact_lists::conversations_of(tx, tenant, from.id, TURN).await?;
    let more = moving.len() as u64 == TURN || following.len() as u64 == TURN;
    for ticket in moving {
        contact_moves::push(tx, tenant, Node::Ticket(ticket.id), from.id).await?;
        give_ticket(tx, ticket, into).await?;
    }
    give_conversations(tx, following, into).await?;
    if more {
        return Ok(Some(from.id));
    }
    // What arrived at a contact that was merged itself meanwhile goes on from there.
    let into = contacts::get(tx, tenant, into).await?;
    Ok(into.merged_into.map(|_| into.id))
}

/// What left the contact comes back, wherever it is now. Answers whether it takes another turn.
async fn come_back(tx: &mut Tx, contact: &Contact) -> Result<Option<ContactId>> {
    let tenant = contact.tenant_id;
    for mut identity in contact_moves::identities_from(tx, tenant, contact.id).await? {
        let node = Node::Identity(identity.id);
        identity.merged_from = contact_moves::pop_to(tx, tenant, node, contact.id).await?;
        identity.contact_id = contact.id;
        rows::put_identity(tx, false, identity).await?;
    }
    let moving = contact_moves::tickets_from(tx, tenant, contact.id, TURN).await?;
    let following = contact_lists::strayed_conversations(tx, tenant, contact.id, TURN).await?;
    let more = moving.len() as u64 == TURN || following.len() as u64 == TURN;
    for ticket in moving {
        contact_moves::pop_to(tx, tenant, Node::Ticket(ticket.id), contact.id).await?;
        give_ticket(tx, ticket, contact.id).await?;
    }
    let began: BTreeSet<_> = following.iter().map(|c| c.ticket_id).collect();
    give_conversations(tx, following, contact.id).await?;
    // A case that began while they were one, and holds only her words, is hers.
    for id in began {
        let all = conversations::of_tickets(tx, tenant, &[id]).await?;
        let ticket = tickets::get(tx, tenant, id).await?;
        if ticket.contact_id != contact.id && all.iter().all(|c| c.contact_id == contact.id) {
            give_ticket(tx, ticket, contact.id).await?;
        }
    }
    Ok(more.then_some(contact.id))
}

async fn give_ticket(tx: &mut Tx, ticket: Ticket, to: ContactId) -> Result<()> {
    if ticket.contact_id == to {
        return Ok(());
    }
    let mut after = ticket.clone();
    after.contact_id = to;
    let after = rows::put_ticket(tx, Some(&ticket), after).await?;
    rows::index_ticket(tx, after.id);
    Ok(())
}

async fn give_conversations(tx: &mut Tx, all: Vec<Conversation>, to: ContactId) -> Result<()> {
    for mut conversation in all {
        let ticket = tickets::get(tx, conversation.tenant_id, conversation.ticket_id).await?;
        conversation.contact_id = to;
        rows::put_conversation(tx, &ticket, false, conversation).await?;
    }
    Ok(())
}
