//! One decision, one transaction on fresh rows. A wish that the rows refuse is no error: the
//! router reads on and decides anew.

use super::SHARD_LOST;
use crate::work::{apply_claim, apply_release, claim_rows, release_rows};
use crate::{App, Error, Result};
use domain::ticket::Ticket;
use domain::work_item::WorkItem;
use domain::{OfferId, QueueId, TenantId, WorkItemId};
use futures_util::stream::{self, StreamExt};
use routing::{ClaimPolicy, Decisions, Ending, OfferDecision, Overflow, Refusal, Release, Rule};
use store::leases::{self, Shard};
use store::queries::{queues, tickets};
use store::{StoreError, Tx, routing as stored};

/// Decisions under way at once, so that they share the group commit of SQLite.
const PARALLEL: usize = 8;

enum Wish {
    End(Ending),
    Requeue(WorkItemId),
    Overflow { item: WorkItemId, to: QueueId },
    Offer(Box<OfferDecision>),
}

/// Applies what can be applied and counts it. Items that come free now may be older than those the
/// offers are for, so after an ending the offers are left to the next decision.
pub(super) async fn all(
    app: &App,
    tenant: TenantId,
    shard: Shard,
    decisions: Decisions,
) -> Result<usize> {
    let Decisions {
        expiries,
        withdrawals,
        requeues,
        overflows,
        offers,
        ..
    } = decisions;
    let endings = expiries.into_iter().chain(withdrawals).map(Wish::End);
    let requeues = requeues.into_iter().map(|r| Wish::Requeue(r.item_id));
    let overflows = overflows.into_iter().map(|o: Overflow| Wish::Overflow {
        item: o.item_id,
        to: o.to,
    });
    let moves = endings.chain(requeues).chain(overflows).collect();
    let freed = batch(app, tenant, shard, moves, PARALLEL).await?;
    if freed > 0 {
        return Ok(freed);
    }
    // Turns are noted one after the other, in the order in which they were decided.
    let (turns, offers): (Vec<_>, Vec<_>) = offers.into_iter().partition(takes_turn);
    let wish = |o| Wish::Offer(Box::new(o));
    let turns = turns.into_iter().map(wish).collect();
    let in_turn = batch(app, tenant, shard, turns, 1).await?;
    let offers = offers.into_iter().map(wish).collect();
    Ok(in_turn + batch(app, tenant, shard, offers, PARALLEL).await?)
}

fn takes_turn(offer: &OfferDecision) -> bool {
    offer.reason.rule == Rule::RoundRobin
}

async fn batch(
    app: &App,
    tenant: TenantId,
    shard: Shard,
    wishes: Vec<Wish>,
    parallel: usize,
) -> Result<usize> {
    let results: Vec<Result<bool>> = stream::iter(wishes)
        .map(|wish| one(app, tenant, shard, wish))
        .buffer_unordered(parallel)
        .collect()
        .await;
    let mut applied = 0;
    for result in results {
        applied += usize::from(result?);
    }
    Ok(applied)
}

/// Whether the wish became a fact.
async fn one(app: &App, tenant: TenantId, shard: Shard, wish: Wish) -> Result<bool> {
    let mut tx = app.begin(tenant, "route").await?;
    match leases::check_shard(&tx, app.config.node, shard).await {
        Err(StoreError::Conflict { .. }) => {
            return Err(Error::conflict(
                SHARD_LOST,
                "another node routes this tenant",
            ));
        }
        checked => checked?,
    }
    let done = match wish {
        Wish::End(ending) => end(&mut tx, tenant, &ending).await,
        Wish::Requeue(item) => recover(&mut tx, tenant, item).await,
        Wish::Overflow { item, to } => overflow(&mut tx, tenant, item, to).await,
        Wish::Offer(decision) => offer(&mut tx, tenant, *decision).await,
    };
    match done {
        Ok(true) => match app.commit(tx, true).await {
            Err(Error::Conflict { .. }) => Ok(false),
            done => done,
        },
        Ok(false) | Err(Error::Conflict { .. } | Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The item and its ticket, whose lock everybody takes first who changes either.
async fn lock_item(tx: &Tx, tenant: TenantId, id: WorkItemId) -> Result<(WorkItem, Ticket)> {
    let ticket = stored::work_item(tx, tenant, id).await?.ticket_id;
    let ticket = tickets::lock(tx, tenant, ticket).await?;
    Ok((stored::work_item(tx, tenant, id).await?, ticket))
}

async fn end(tx: &mut Tx, tenant: TenantId, ending: &Ending) -> Result<bool> {
    let (item, ticket) = lock_item(tx, tenant, ending.item_id).await?;
    let offer = stored::offer(tx, tenant, ending.offer_id).await?;
    let agent = stored::lock_agent_state(tx, tenant, offer.user_id).await?;
    let presence = leases::presence(tx, tenant, offer.user_id, tx.now()).await?;
    let policy = stored::policy(tx, tenant).await?;
    let release = routing::end_offer(item, offer, agent, presence.as_ref(), &policy, tx.now());
    store(tx, release, ticket).await
}

async fn recover(tx: &mut Tx, tenant: TenantId, item: WorkItemId) -> Result<bool> {
    let (item, ticket) = lock_item(tx, tenant, item).await?;
    let (offer, agent) = release_rows(tx, &item).await?;
    let release = routing::recover(item, offer, agent, tx.now());
    store(tx, release, ticket).await
}

async fn overflow(tx: &mut Tx, tenant: TenantId, item: WorkItemId, to: QueueId) -> Result<bool> {
    let (item, ticket) = lock_item(tx, tenant, item).await?;
    let from = queues::get(tx, tenant, item.queue_id).await?;
    let to = queues::get(tx, tenant, to).await?;
    let release = routing::overflow(item, &from, &to, tx.now());
    store(tx, release, ticket).await
}

async fn store(tx: &mut Tx, release: Result<Release, Refusal>, ticket: Ticket) -> Result<bool> {
    let Ok(release) = release else {
        return Ok(false);
    };
    apply_release(tx, release, ticket).await?;
    Ok(true)
}

async fn offer(tx: &mut Tx, tenant: TenantId, decision: OfferDecision) -> Result<bool> {
    let (item, ticket) = lock_item(tx, tenant, decision.item_id).await?;
    let rows = claim_rows(tx, item, decision.user_id).await?;
    let turn = takes_turn(&decision).then_some((decision.queue_id, decision.user_id));
    let policy = ClaimPolicy::Offer {
        id: OfferId::new(tx.now()),
        reason: Box::new(decision.reason),
    };
    match routing::claim(rows, policy, tx.now()) {
        Ok(claim) => {
            apply_claim(tx, claim, ticket).await?;
            if let Some((queue, user)) = turn {
                stored::put_turn(tx, tenant, queue, user).await?;
            }
            Ok(true)
        }
        Err(_) => Ok(false),
    }
}
