//! Who works on a ticket: the one way from use cases to `routing::claim` and its counterparts.
//!
//! Invariants:
//! - An open ticket has exactly one live work item; a ticket that waits for nobody has none.
//! - `ticket.assignee_id` names the agent of an assigned item. On a ticket without live work it is
//!   a memory: whoever worked it last gets it back when the customer writes, if she has room.
//! - Rows are locked in one order: ticket, then agents by id. Every claim puts the agent's row, so
//!   two claims on one agent never both see the same free slot.

mod claims;
mod people;

pub use claims::{apply_claim, apply_release, claim_rows, refused, release_rows};
pub(crate) use people::give;
pub use people::{Assignment, Transfer, assign, take, transfer};

use crate::{Result, rows};
use chrono::TimeDelta;
use domain::UserId;
use domain::agent_state::AgentStatus;
use domain::ticket::{Ticket, TicketStatus};
use domain::work_item::{CompletedReason, Preferred, WorkItem};
use routing::{Claim, ClaimPolicy};
use store::queries::{queues, tickets};
use store::{Tx, routing as stored};

/// Stores a ticket whose customer wrote and makes sure somebody works on it or it waits in line.
pub async fn customer_wrote(tx: &mut Tx, before: Ticket, after: Ticket) -> Result<Ticket> {
    put_open(tx, &before, after).await
}

/// Stores a ticket that became or stayed open: live work goes on; without it the last agent gets
/// the ticket back if the router could ask her now, else it waits in its queue.
pub async fn put_open(tx: &mut Tx, before: &Ticket, mut after: Ticket) -> Result<Ticket> {
    let live = stored::live_work_item_of_ticket(tx, after.tenant_id, after.id).await?;
    if live.is_some() {
        return rows::put_ticket(tx, Some(before), after).await;
    }
    let mut item = new_item(&after, tx).await?;
    let given = match after.assignee_id.take() {
        Some(last) => give_again(tx, before, &mut item, last).await?,
        None => None,
    };
    match given {
        Some(claim) => {
            after.assignee_id = claim.item.agent_id();
            let after = rows::put_ticket(tx, Some(before), after).await?;
            claims::store_claim(tx, claim).await?;
            Ok(after)
        }
        None => {
            let after = rows::put_ticket(tx, Some(before), after).await?;
            stored::put_work_item(tx, item).await?;
            Ok(after)
        }
    }
}

/// Who helped this customer last gets her again, when that was not too long ago; if she cannot take
/// it now, the item may wait for her for a while.
async fn give_again(
    tx: &mut Tx,
    before: &Ticket,
    item: &mut WorkItem,
    last: UserId,
) -> Result<Option<Claim>> {
    let queue = queues::get(tx, item.tenant_id, item.queue_id).await?;
    let sticky = queue.routing.sticky;
    let ended_at = before.closed_at.unwrap_or(before.updated_at);
    let ago_s = (tx.now() - ended_at).num_seconds();
    if sticky.is_some_and(|s| ago_s > s.within_s) {
        return Ok(None);
    }
    let claim = claims::try_claim(tx, item.clone(), last, ClaimPolicy::Reopen).await?;
    let wait_s = sticky.map_or(0, |s| s.wait_s);
    if claim.is_none() && wait_s > 0 && queue.members.iter().any(|m| m.user_id == last) {
        let agent = stored::agent_state(tx, item.tenant_id, last).await?;
        // Who has gone home is not waited for.
        let is_here = agent.is_some_and(|a| a.status != AgentStatus::Offline);
        item.preferred = is_here.then(|| Preferred {
            user_id: last,
            until: tx.now() + TimeDelta::seconds(wait_s),
        });
    }
    Ok(claim)
}

/// The ticket waits for nobody now: its work is over, an open offer of it is withdrawn, the
/// agent's load is free. The caller stores the ticket, which keeps its assignee as a memory.
pub async fn left_work(tx: &mut Tx, ticket: &Ticket, reason: CompletedReason) -> Result<()> {
    let live = stored::live_work_item_of_ticket(tx, ticket.tenant_id, ticket.id).await?;
    let Some(item) = live else {
        return Ok(());
    };
    let (offer, agent) = release_rows(tx, &item).await?;
    let release = routing::complete(item, offer, agent, reason, tx.now()).map_err(refused)?;
    claims::store_release(tx, release).await?;
    Ok(())
}

/// Whoever has the item, or is asked for it, lets it go; it waits again in its place.
pub(crate) async fn give_back(tx: &mut Tx, item: &WorkItem) -> Result<()> {
    let ticket = tickets::lock(tx, item.tenant_id, item.ticket_id).await?;
    let item = stored::work_item(tx, item.tenant_id, item.id).await?;
    if item.state().is_over() {
        return Ok(());
    }
    let (offer, agent) = release_rows(tx, &item).await?;
    let queue = item.queue_id;
    let release = routing::requeue(item, offer, agent, queue, tx.now()).map_err(refused)?;
    apply_release(tx, release, ticket).await?;
    Ok(())
}

/// The order of a waiting ticket follows its priority.
pub async fn priority_changed(tx: &mut Tx, ticket: &Ticket) -> Result<()> {
    let live = stored::live_work_item_of_ticket(tx, ticket.tenant_id, ticket.id).await?;
    if let Some(mut item) = live {
        item.priority = ticket.priority as i32;
        stored::put_work_item(tx, item).await?;
    }
    Ok(())
}

/// The work of an open ticket; one that lost it gets a new item, not stored yet.
async fn live_item(tx: &Tx, ticket: &Ticket) -> Result<Option<WorkItem>> {
    let live = stored::live_work_item_of_ticket(tx, ticket.tenant_id, ticket.id).await?;
    let open = ticket.status == TicketStatus::Open;
    match live {
        None if open => Ok(Some(new_item(ticket, tx).await?)),
        live => Ok(live),
    }
}

async fn new_item(ticket: &Ticket, tx: &Tx) -> Result<WorkItem> {
    let policy = stored::policy(tx, ticket.tenant_id).await?;
    let mut item = WorkItem::queued(
        ticket.tenant_id,
        ticket.id,
        ticket.queue_id,
        ticket.channel.clone(),
        ticket.priority as i32,
        tx.now(),
    );
    item.weight = policy.weight(&item.channel);
    Ok(item)
}
