//! The one rule by which a work item gets an agent: the router's offer, her accept or take, a
//! supervisor's assignment, a colleague's transfer and a reopening all pass here, on fresh rows.

use crate::decision::Reason;
use crate::release::let_go;
use crate::rule::{self, Ineligible};
use domain::agent_state::AgentState;
use domain::image::Presence;
use domain::offer::{NewOffer, Offer};
use domain::queue::{Queue, QueueMember};
use domain::work_item::{WorkItem, WorkItemState};
use domain::{InvalidTransition, OfferId, Time};

/// Who asks. Each policy names what is checked and what the asker may override.
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimPolicy {
    /// The router asks an agent: everything is checked, nothing may be overridden. The id comes
    /// from the caller because this crate knows no randomness.
    Offer { id: OfferId, reason: Box<Reason> },
    /// The agent says yes to an open offer. Her slot is reserved since the offer was made.
    Accept,
    /// An agent helps herself to a waiting item: her status, a delay and her own earlier no do not
    /// stop her; membership, skills and capacity do.
    Take,
    /// A supervisor hands it to an agent, whatever it takes; what was overridden is counted.
    Assign,
    /// A colleague hands over what she works on: the other must be there and have a slot.
    Transfer,
    /// The customer wrote again: the last agent gets it back, if the router could ask her now.
    Reopen,
}

/// Fresh rows, read in the transaction that will store the claim.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimRows {
    pub item: WorkItem,
    /// The item's open offer, whoever it asks.
    pub offer: Option<Offer>,
    /// Who gets it.
    pub agent: AgentState,
    pub presence: Option<Presence>,
    /// What is in her hands: her items that are offered or assigned.
    pub held: Vec<WorkItem>,
    /// Who has it or is asked for it now, if that is somebody else.
    pub holder: Option<AgentState>,
    pub queue: Queue,
}

/// The new values, to be stored each `WHERE version = seen`. `load` of each agent is already what
/// it will be.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub item: WorkItem,
    /// The offer made, answered or withdrawn.
    pub offer: Option<Offer>,
    pub agent: AgentState,
    /// Who had the item before.
    pub holder: Option<AgentState>,
    /// Slots by which her capacity is exceeded on this item's channel. Only `Assign` may.
    pub over_capacity: i64,
    /// What would have stopped the router and did not stop this person.
    pub overridden: Vec<Ineligible>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The item has another agent, or is offered to another one.
    #[error("somebody else has this work already")]
    AlreadyTaken,
    #[error("the offer is over")]
    OfferOver,
    #[error("nothing is due here")]
    NotDue,
    #[error("this work is over")]
    ItemOver,
    #[error("nobody works on it, so nobody can hand it over")]
    NotAssigned,
    #[error("this agent may not get it: {0}")]
    Ineligible(Ineligible),
    #[error("the rows do not belong together: {0}")]
    Mismatch(&'static str),
    #[error(transparent)]
    Invalid(#[from] InvalidTransition),
}

impl ClaimPolicy {
    /// Does the asker's word weigh more than this objection?
    fn overrides(&self, objection: Ineligible) -> bool {
        use Ineligible::{
            Capacity, Closed, Delay, Excluded, NotMember, QueueArchived, Reserved, Skill,
        };
        match self {
            Self::Offer { .. } => false,
            Self::Accept | Self::Assign => true,
            Self::Take => !matches!(objection, NotMember | Skill | Capacity),
            Self::Transfer => {
                matches!(
                    objection,
                    NotMember | Skill | Delay | Excluded | QueueArchived | Closed | Reserved
                )
            }
            Self::Reopen => matches!(objection, Delay | Excluded | Reserved),
        }
    }

    /// What an open offer to somebody else is told when it is withdrawn.
    const fn withdrawal(&self) -> &'static str {
        match self {
            Self::Take => "taken",
            Self::Assign => "assigned",
            Self::Transfer => "transferred",
            Self::Offer { .. } | Self::Accept | Self::Reopen => "item_gone",
        }
    }
}

/// Decides whether the agent gets the item, and what the rows become.
pub fn claim(rows: ClaimRows, policy: ClaimPolicy, now: Time) -> Result<Claim, Refusal> {
    belong_together(&rows)?;
    may_change_hands(&rows, &policy, now)?;
    let overridden = objections(&rows, now);
    if let Some(why) = overridden.iter().find(|o| !policy.overrides(**o)) {
        return Err(Refusal::Ineligible(*why));
    }
    // A yes to an offer overrides nothing: everything was checked when she was asked.
    let overridden = match policy {
        ClaimPolicy::Accept => Vec::new(),
        _ => overridden,
    };
    apply(rows, policy, overridden, now)
}

fn belong_together(rows: &ClaimRows) -> Result<(), Refusal> {
    let item = &rows.item;
    let tenant = item.tenant_id;
    let offers_it = |o: &Offer| o.work_item_id == item.id && Some(o.id) == item.offer_id();
    let holds_it = |a: &AgentState| Some(a.user_id) == item.agent_id();
    let mismatch = [
        (rows.agent.tenant_id != tenant, "agent of another tenant"),
        (rows.queue.tenant_id != tenant, "queue of another tenant"),
        (rows.queue.id != item.queue_id, "queue of another item"),
        (
            rows.offer.as_ref().is_some_and(|o| !offers_it(o)),
            "offer of another item",
        ),
        (
            rows.holder.as_ref().is_some_and(|h| !holds_it(h)),
            "holder of another item",
        ),
        (
            rows.presence
                .as_ref()
                .is_some_and(|p| p.user_id != rows.agent.user_id),
            "presence of another agent",
        ),
    ];
    match mismatch.iter().find(|(wrong, _)| *wrong) {
        Some((_, what)) => Err(Refusal::Mismatch(what)),
        None => Ok(()),
    }
}

/// Is the item in a state from which this asker may take it?
fn may_change_hands(rows: &ClaimRows, policy: &ClaimPolicy, now: Time) -> Result<(), Refusal> {
    let state = rows.item.state();
    if state.is_over() {
        return Err(Refusal::ItemOver);
    }
    let hers = rows.item.agent_id() == Some(rows.agent.user_id);
    match policy {
        ClaimPolicy::Offer { .. } | ClaimPolicy::Reopen if state != WorkItemState::Queued => {
            Err(Refusal::AlreadyTaken)
        }
        ClaimPolicy::Take if !state.is_waiting() => Err(Refusal::AlreadyTaken),
        ClaimPolicy::Transfer if !state.is_assigned() => Err(Refusal::NotAssigned),
        ClaimPolicy::Assign | ClaimPolicy::Transfer if hers && state.is_assigned() => {
            Err(Refusal::AlreadyTaken)
        }
        ClaimPolicy::Accept => match &rows.offer {
            Some(o) if o.is_open() && o.user_id == rows.agent.user_id && now < o.expires_at => {
                Ok(())
            }
            _ => Err(Refusal::OfferOver),
        },
        _ => Ok(()),
    }
}

/// Everything that would keep the router from asking her, in the order of the checks.
fn objections(rows: &ClaimRows, now: Time) -> Vec<Ineligible> {
    let (item, agent, queue) = (&rows.item, &rows.agent, &rows.queue);
    let member = rule::member(queue, agent.user_id);
    let too_soon = |m: &QueueMember| rule::later(item.eligible_since, m.delay_s) > now;
    let checks = [
        (queue.archived_at.is_some(), Ineligible::QueueArchived),
        (rule::is_closed(queue, now), Ineligible::Closed),
        (member.is_none(), Ineligible::NotMember),
        (
            agent.channels_off.contains(&item.channel),
            Ineligible::ChannelOff,
        ),
        (
            !rule::is_skilled(agent, &rule::required(item, queue, now)),
            Ineligible::Skill,
        ),
        (over_capacity(rows) > 0, Ineligible::Capacity),
        (member.is_some_and(too_soon), Ineligible::Delay),
        (
            rule::kept_for(item, now).is_some_and(|user| user != agent.user_id),
            Ineligible::Reserved,
        ),
        (
            rule::is_excluded(item, agent.user_id, now),
            Ineligible::Excluded,
        ),
    ];
    let failed = checks.iter().filter(|(fails, _)| *fails).map(|(_, o)| *o);
    rule::unready(agent, rows.presence.as_ref())
        .into_iter()
        .chain(failed)
        .collect()
}

/// Slots that are missing for this item. What she is already asked for counts once.
fn over_capacity(rows: &ClaimRows) -> i64 {
    let others = rows.held.iter().filter(|i| i.id != rows.item.id);
    let spare = rule::spare_slots(&rows.agent, &rows.item.channel, others);
    rows.item.weight.saturating_sub(spare).max(0)
}

fn apply(
    rows: ClaimRows,
    policy: ClaimPolicy,
    overridden: Vec<Ineligible>,
    now: Time,
) -> Result<Claim, Refusal> {
    let over_capacity = over_capacity(&rows);
    let holder = rows
        .holder
        .filter(|h| h.user_id != rows.agent.user_id)
        .map(|h| let_go(h, &rows.item, now));
    let mut agent = rows.agent;
    agent.load = rows
        .held
        .iter()
        .filter(|i| i.id != rows.item.id)
        .fold(rows.item.weight, |sum, i| sum.saturating_add(i.weight));
    let open = rows.offer.filter(Offer::is_open);
    let (item, offer) = match policy {
        ClaimPolicy::Offer { id, reason } => {
            let offer = open_offer(id, &rows.item, &agent, &rows.queue, &reason, now);
            (rows.item.offer(offer.id, agent.user_id)?, Some(offer))
        }
        _ => {
            let ended = match open {
                Some(o) if o.user_id == agent.user_id && now < o.expires_at => Some(o.accept(now)?),
                Some(o) => Some(o.withdraw(policy.withdrawal(), now)?),
                None => None,
            };
            (rows.item.assign(agent.user_id)?, ended)
        }
    };
    Ok(Claim {
        item,
        offer,
        agent,
        holder,
        over_capacity,
        overridden,
    })
}

fn open_offer(
    id: OfferId,
    item: &WorkItem,
    agent: &AgentState,
    queue: &Queue,
    reason: &Reason,
    now: Time,
) -> Offer {
    let new = NewOffer {
        id,
        tenant_id: item.tenant_id,
        work_item_id: item.id,
        ticket_id: item.ticket_id,
        queue_id: queue.id,
        user_id: agent.user_id,
        // A reason is plain data with string keys: it always has a JSON form.
        reason: serde_json::to_value(reason).unwrap_or_default(),
        expires_at: rule::later(now, queue.offer_ttl_s.max(1)),
    };
    Offer::open(new, now)
}
