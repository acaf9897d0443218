//! The counterpart of [`claim`](crate::claim()): how an item leaves an agent's hands. The item
//! keeps its place in the queue in every case but its own end.

use crate::claim::Refusal;
use crate::decision::Rule;
use crate::rule::{ending, later, orphaned};
use domain::agent_state::{AgentState, AgentStatus};
use domain::image::Presence;
use domain::offer::Offer;
use domain::policy::Policy;
use domain::queue::Queue;
use domain::work_item::{CompletedReason, WorkItem, WorkItemState};
use domain::{QueueId, Time};

/// The new values, to be stored each `WHERE version = seen`. `load` of the agent is already what
/// it will be.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    pub item: WorkItem,
    /// The offer that ended with it, if one was open.
    pub offer: Option<Offer>,
    /// The agent who had it, if her row is known.
    pub agent: Option<AgentState>,
}

/// Ends an open offer for the cause that fresh rows show, whatever the router believed: RONA when
/// nobody answered in time (the item is back in its place, the agent is not ready until she says
/// so and is not asked for this item again for a while), a withdrawal without blame when her
/// browser vanished or the item is gone. Refuses with `NotDue` when there is no cause.
pub fn end_offer(
    item: WorkItem,
    offer: Offer,
    agent: Option<AgentState>,
    presence: Option<&Presence>,
    policy: &Policy,
    now: Time,
) -> Result<Release, Refusal> {
    let cause = ending(&offer, Some(&item), agent.as_ref(), presence, now);
    match cause.ok_or(Refusal::NotDue)? {
        Rule::OfferExpired => {
            let offer = offer.expire(now)?;
            // Who has just gone on a break keeps her own reason.
            let agent = match agent {
                Some(a) if a.status == AgentStatus::Available => Some(a.did_not_respond(now)?),
                other => other,
            };
            give_back(item, offer, agent, Some(policy), now)
        }
        cause => {
            let offer = offer.withdraw(cause.as_str(), now)?;
            give_back(item, offer, agent, None, now)
        }
    }
}

/// She said no: the item is back in its place, she stays as she is, and is not asked for this item
/// again for a while.
pub fn decline(
    item: WorkItem,
    offer: Offer,
    agent: AgentState,
    why: Option<String>,
    policy: &Policy,
    now: Time,
) -> Result<Release, Refusal> {
    if now >= offer.expires_at {
        return Err(Refusal::OfferOver);
    }
    let offer = offer.decline(why, now)?;
    give_back(item, offer, Some(agent), Some(policy), now)
}

/// With a policy she is not asked for it again for as long as that says.
fn give_back(
    item: WorkItem,
    offer: Offer,
    agent: Option<AgentState>,
    exclusion: Option<&Policy>,
    now: Time,
) -> Result<Release, Refusal> {
    // An offer may outlive its item by a lost race; then only the offer ends.
    if item.offer_id() != Some(offer.id) {
        return Ok(Release {
            item,
            offer: Some(offer),
            agent,
        });
    }
    let weight = item.weight;
    let until = exclusion.map(|p| later(now, p.exclusion_s(item.offer_count)));
    let mut item = item.offer_ended()?;
    if let Some(until) = until {
        item = item.exclude(offer.user_id, until, now);
    }
    Ok(Release {
        item,
        offer: Some(offer),
        agent: agent.map(|a| unload(a, weight, now)),
    })
}

/// The work is over: closed, pending, snoozed, merged or deleted. An open offer is withdrawn.
/// `agent` is who has or was offered the item.
pub fn complete(
    item: WorkItem,
    offer: Option<Offer>,
    agent: Option<AgentState>,
    reason: CompletedReason,
    now: Time,
) -> Result<Release, Refusal> {
    let agent = agent.map(|a| let_go(a, &item, now));
    Ok(Release {
        item: item.complete(reason)?,
        offer: withdraw(offer, reason.as_str(), now)?,
        agent,
    })
}

/// Puts an item back whose offer or agent does not exist any more. `offer` and `agent` are what
/// fresh rows say; refuses with `NotDue` when they are there.
pub fn recover(
    item: WorkItem,
    offer: Option<Offer>,
    agent: Option<AgentState>,
    now: Time,
) -> Result<Release, Refusal> {
    orphaned(&item, offer.as_ref(), agent.as_ref()).ok_or(Refusal::NotDue)?;
    let queue = item.queue_id;
    requeue(item, None, agent, queue, now)
}

/// Moves a waiting item on to the queue that its own one names. `from` and `to` are fresh rows;
/// refuses with `NotDue` when they do not lead there any more.
pub fn overflow(item: WorkItem, from: &Queue, to: &Queue, now: Time) -> Result<Release, Refusal> {
    let leads = from.routing.overflow.is_some_and(|o| o.to == to.id);
    let waits = item.state() == WorkItemState::Queued && item.queue_id == from.id;
    if !leads || !waits || to.archived_at.is_some() {
        return Err(Refusal::NotDue);
    }
    requeue(item, None, None, to.id, now)
}

/// Back to waiting in `queue`, in its place by time: unassigned or moved by a person.
pub fn requeue(
    item: WorkItem,
    offer: Option<Offer>,
    agent: Option<AgentState>,
    queue: QueueId,
    now: Time,
) -> Result<Release, Refusal> {
    let agent = agent.map(|a| let_go(a, &item, now));
    Ok(Release {
        item: item.requeue(queue, now)?,
        offer: withdraw(offer, "requeued", now)?,
        agent,
    })
}

fn withdraw(offer: Option<Offer>, why: &str, now: Time) -> Result<Option<Offer>, Refusal> {
    match offer {
        Some(o) if o.is_open() => Ok(Some(o.withdraw(why, now)?)),
        _ => Ok(None),
    }
}

/// Takes `item` out of her hands. Her idle time starts anew only when she had worked it: a mere
/// question does not cost her the place among the idle.
pub(crate) fn let_go(mut agent: AgentState, item: &WorkItem, now: Time) -> AgentState {
    if item.agent_id() != Some(agent.user_id) || item.state().is_over() {
        return agent;
    }
    if item.state() != WorkItemState::Offered {
        agent.released_at = now;
    }
    unload(agent, item.weight, now)
}

fn unload(mut agent: AgentState, weight: i64, now: Time) -> AgentState {
    agent.load = agent.load.saturating_sub(weight).max(0);
    agent.freed(now)
}
