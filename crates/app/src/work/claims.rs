//! Fresh rows in, new rows out: reading what `routing` needs and storing what it decided.

use crate::{Error, Result, rows};
use domain::agent_state::AgentState;
use domain::offer::Offer;
use domain::ticket::Ticket;
use domain::work_item::WorkItem;
use domain::{TenantId, UserId};
use routing::{Claim, ClaimPolicy, ClaimRows, Refusal, Release};
use store::queries::queues;
use store::{Tx, leases, routing as stored};

/// What `routing::claim` needs to give `item` to `agent`, read and locked in this transaction.
pub async fn claim_rows(tx: &Tx, item: WorkItem, agent: UserId) -> Result<ClaimRows> {
    let tenant = item.tenant_id;
    let other = item.agent_id().filter(|holder| *holder != agent);
    let (agent_state, holder) = lock_both(tx, tenant, agent, other).await?;
    Ok(ClaimRows {
        offer: stored::open_offer_of(tx, tenant, item.id).await?,
        agent: agent_state.unwrap_or_else(|| AgentState::offline(agent, tenant, tx.now())),
        presence: leases::presence(tx, tenant, agent, tx.now()).await?,
        held: stored::held_by(tx, tenant, agent).await?,
        holder,
        queue: queues::get(tx, tenant, item.queue_id).await?,
        item,
    })
}

/// Two agents are locked by id, so that two transactions that swap work wait for each other
/// instead of failing.
async fn lock_both(
    tx: &Tx,
    tenant: TenantId,
    agent: UserId,
    other: Option<UserId>,
) -> Result<(Option<AgentState>, Option<AgentState>)> {
    let Some(other) = other else {
        return Ok((stored::lock_agent_state(tx, tenant, agent).await?, None));
    };
    if other < agent {
        let holder = stored::lock_agent_state(tx, tenant, other).await?;
        Ok((stored::lock_agent_state(tx, tenant, agent).await?, holder))
    } else {
        let agent = stored::lock_agent_state(tx, tenant, agent).await?;
        Ok((agent, stored::lock_agent_state(tx, tenant, other).await?))
    }
}

/// The open offer of an item and whoever has it or is asked for it.
pub async fn release_rows(tx: &Tx, item: &WorkItem) -> Result<(Option<Offer>, Option<AgentState>)> {
    let offer = stored::open_offer_of(tx, item.tenant_id, item.id).await?;
    let agent = match item.agent_id() {
        Some(agent) => stored::lock_agent_state(tx, item.tenant_id, agent).await?,
        None => None,
    };
    Ok((offer, agent))
}

/// `None` when the rule refuses her.
pub async fn try_claim(
    tx: &Tx,
    item: WorkItem,
    agent: UserId,
    policy: ClaimPolicy,
) -> Result<Option<Claim>> {
    let rows = claim_rows(tx, item, agent).await?;
    match routing::claim(rows, policy, tx.now()) {
        Ok(claim) => Ok(Some(claim)),
        Err(Refusal::Mismatch(what)) => Err(Error::internal(what)),
        Err(_) => Ok(None),
    }
}

/// Stores the claim and makes the ticket name its agent.
pub async fn apply_claim(tx: &mut Tx, claim: Claim, ticket: Ticket) -> Result<(Claim, Ticket)> {
    let claim = store_claim(tx, claim).await?;
    let ticket = follow(tx, &claim.item, ticket).await?;
    Ok((claim, ticket))
}

/// Stores the release; the ticket of waiting work names nobody.
pub async fn apply_release(
    tx: &mut Tx,
    release: Release,
    ticket: Ticket,
) -> Result<(Release, Ticket)> {
    let release = store_release(tx, release).await?;
    let ticket = follow(tx, &release.item, ticket).await?;
    Ok((release, ticket))
}

async fn follow(tx: &mut Tx, item: &WorkItem, ticket: Ticket) -> Result<Ticket> {
    let assignee = item.agent_id().filter(|_| item.state().is_assigned());
    let moved = ticket.queue_id != item.queue_id;
    if item.state().is_over() || (ticket.assignee_id == assignee && !moved) {
        return Ok(ticket);
    }
    let mut after = ticket.clone();
    after.assignee_id = assignee;
    after.queue_id = item.queue_id;
    rows::put_ticket(tx, Some(&ticket), after).await
}

pub async fn store_claim(tx: &mut Tx, claim: Claim) -> Result<Claim> {
    let item = stored::put_work_item(tx, claim.item).await?;
    let offer = put_offer(tx, claim.offer).await?;
    let agent = stored::put_agent_state(tx, claim.agent).await?;
    let holder = put_agent(tx, claim.holder).await?;
    Ok(Claim {
        item,
        offer,
        agent,
        holder,
        ..claim
    })
}

pub async fn store_release(tx: &mut Tx, release: Release) -> Result<Release> {
    Ok(Release {
        item: stored::put_work_item(tx, release.item).await?,
        offer: put_offer(tx, release.offer).await?,
        agent: put_agent(tx, release.agent).await?,
    })
}

async fn put_offer(tx: &mut Tx, offer: Option<Offer>) -> Result<Option<Offer>> {
    match offer {
        Some(offer) => Ok(Some(stored::put_offer(tx, offer).await?)),
        None => Ok(None),
    }
}

async fn put_agent(tx: &mut Tx, agent: Option<AgentState>) -> Result<Option<AgentState>> {
    match agent {
        Some(agent) => Ok(Some(stored::put_agent_state(tx, agent).await?)),
        None => Ok(None),
    }
}

/// What the person who asked is told.
pub fn refused(refusal: Refusal) -> Error {
    let code = match &refusal {
        Refusal::AlreadyTaken => "ALREADY_TAKEN",
        Refusal::OfferOver => "EXPIRED",
        Refusal::Ineligible(routing::Ineligible::Capacity) => {
            return Error::conflict("OVER_CAPACITY", "no slot is free for this work");
        }
        Refusal::Mismatch(what) => return Error::internal(*what),
        Refusal::Invalid(invalid) => return invalid.clone().into(),
        Refusal::Ineligible(_) => "NOT_ELIGIBLE",
        Refusal::NotDue | Refusal::ItemOver | Refusal::NotAssigned => "WORK_OVER",
    };
    Error::conflict(code, refusal.to_string())
}
