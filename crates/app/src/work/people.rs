//! What people do with work: take, assign, hand on. Each passes the same claim as the router.

use super::claims::{apply_claim, apply_release, claim_rows, refused, release_rows};
use super::live_item;
use crate::visibility::visible_ticket;
use crate::{App, Error, Result, audit, race, reply, rows};
use domain::permission::{Actor, Permission};
use domain::ticket::Ticket;
use domain::{QueueId, TicketId, UserId};
use routing::{ClaimPolicy, Refusal};
use serde_json::{Value, json};
use store::Tx;
use store::queries::{memberships, queues, tickets};

/// What an assignment did besides assigning.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub ticket: Ticket,
    /// Slots by which the agent's capacity is exceeded now.
    pub over_capacity: i64,
}

/// An agent helps herself to a waiting ticket.
pub async fn take(app: &App, actor: &Actor, id: TicketId) -> Result<Ticket> {
    actor.may(Permission::WorkTickets)?;
    race::again(|| take_once(app, actor, id)).await
}

async fn take_once(app: &App, actor: &Actor, id: TicketId) -> Result<Ticket> {
    let mut tx = app.begin(actor.tenant_id, "take_ticket").await?;
    let ticket = locked_visible(&tx, actor, id).await?;
    if ticket.assignee_id.is_some_and(|a| a != actor.user_id) {
        return Err(refused(Refusal::AlreadyTaken));
    }
    if ticket.assignee_id.is_some() {
        return Ok(ticket);
    }
    let (ticket, _) = give(&mut tx, ticket, actor.user_id, ClaimPolicy::Take).await?;
    audit::record(&tx, actor, "ticket.take", id, Value::Null).await?;
    app.commit(tx, ticket).await
}

/// Gives a ticket to an agent, or back to its queue with `None`. Supervisors may do both to
/// anybody; an agent may take for herself and give back what is hers.
pub async fn assign(
    app: &App,
    actor: &Actor,
    id: TicketId,
    to: Option<UserId>,
) -> Result<Assignment> {
    actor.may(Permission::WorkTickets)?;
    if to == Some(actor.user_id) && actor.may(Permission::Supervise).is_err() {
        let ticket = take(app, actor, id).await?;
        let over_capacity = 0;
        return Ok(Assignment {
            ticket,
            over_capacity,
        });
    }
    race::again(|| assign_once(app, actor, id, to)).await
}

async fn assign_once(
    app: &App,
    actor: &Actor,
    id: TicketId,
    to: Option<UserId>,
) -> Result<Assignment> {
    let mut tx = app.begin(actor.tenant_id, "assign_ticket").await?;
    let ticket = locked_visible(&tx, actor, id).await?;
    let gives_back = to.is_none() && ticket.assignee_id == Some(actor.user_id);
    if !gives_back {
        actor.may(Permission::Supervise)?;
    }
    if to.is_some() && to == ticket.assignee_id {
        let over_capacity = 0;
        return Ok(Assignment {
            ticket,
            over_capacity,
        });
    }
    let (ticket, over_capacity) = match to {
        Some(agent) => {
            must_be_member(&tx, actor, agent).await?;
            give(&mut tx, ticket, agent, ClaimPolicy::Assign).await?
        }
        None => {
            let queue = ticket.queue_id;
            (move_to(&mut tx, ticket, queue, true).await?, 0)
        }
    };
    let detail = json!({ "to": to, "over_capacity": over_capacity });
    audit::record(&tx, actor, "ticket.assign", id, detail).await?;
    let done = Assignment {
        ticket,
        over_capacity,
    };
    app.commit(tx, done).await
}

/// Where a ticket goes, and how.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub to: QueueId,
    /// Its place by time goes with it; else it starts anew at the end.
    pub keep_position: bool,
    /// For the colleagues who get it.
    pub note: Option<String>,
}

/// Hands a ticket to another queue.
pub async fn transfer(
    app: &App,
    actor: &Actor,
    id: TicketId,
    transfer: &Transfer,
) -> Result<Ticket> {
    actor.may(Permission::WorkTickets)?;
    race::again(|| transfer_once(app, actor, id, transfer)).await
}

async fn transfer_once(
    app: &App,
    actor: &Actor,
    id: TicketId,
    transfer: &Transfer,
) -> Result<Ticket> {
    let mut tx = app.begin(actor.tenant_id, "transfer_ticket").await?;
    let ticket = locked_visible(&tx, actor, id).await?;
    let (from, to) = (ticket.queue_id, transfer.to);
    let queue = queues::find(&tx, actor.tenant_id, to).await?;
    if queue.is_none_or(|q| q.archived_at.is_some()) {
        return Err(Error::invalid("queueId", "this queue does not exist"));
    }
    let mut ticket = ticket;
    if let Some(text) = transfer.note.as_deref().filter(|t| !t.trim().is_empty()) {
        ticket = reply::note_in(&mut tx, actor, ticket, text).await?;
    }
    let ticket = move_to(&mut tx, ticket, to, transfer.keep_position).await?;
    let detail = json!({ "from": from, "to": to, "keep_position": transfer.keep_position });
    audit::record(&tx, actor, "ticket.transfer", id, detail).await?;
    app.commit(tx, ticket).await
}

async fn locked_visible(tx: &Tx, actor: &Actor, id: TicketId) -> Result<Ticket> {
    let ticket = tickets::lock(tx, actor.tenant_id, id).await?;
    visible_ticket(tx, actor, ticket.id).await
}

async fn must_be_member(tx: &Tx, actor: &Actor, user: UserId) -> Result<()> {
    let known = memberships::find(tx, actor.tenant_id, user).await?;
    match known {
        Some(m) if m.removed_at.is_none() => Ok(()),
        _ => Err(Error::invalid("userId", "this person is not a member")),
    }
}

/// Through the claim. A ticket without work (pending, snoozed, closed) only remembers who gets it
/// when it opens again: there is nothing to claim and no slot to fill.
pub async fn give(
    tx: &mut Tx,
    ticket: Ticket,
    agent: UserId,
    policy: ClaimPolicy,
) -> Result<(Ticket, i64)> {
    let Some(item) = live_item(tx, &ticket).await? else {
        let mut after = ticket.clone();
        after.assignee_id = Some(agent);
        return Ok((rows::put_ticket(tx, Some(&ticket), after).await?, 0));
    };
    let rows = claim_rows(tx, item, agent).await?;
    let claim = routing::claim(rows, policy, tx.now()).map_err(refused)?;
    let (claim, ticket) = apply_claim(tx, claim, ticket).await?;
    Ok((ticket, claim.over_capacity))
}

async fn move_to(tx: &mut Tx, ticket: Ticket, to: QueueId, keep_position: bool) -> Result<Ticket> {
    let Some(item) = live_item(tx, &ticket).await? else {
        let mut after = ticket.clone();
        after.assignee_id = None;
        after.queue_id = to;
        return rows::put_ticket(tx, Some(&ticket), after).await;
    };
    let (offer, agent) = release_rows(tx, &item).await?;
    let mut release = routing::requeue(item, offer, agent, to, tx.now()).map_err(refused)?;
    if !keep_position {
        release.item.eligible_since = tx.now();
    }
    let (_, ticket) = apply_release(tx, release, ticket).await?;
    Ok(ticket)
}
