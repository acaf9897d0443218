//! What the engine wants done, each wish with the stored reason that answers "why her?".
//!
//! A decision is a wish, not a fact: the caller applies it in a transaction through
//! [`claim`](crate::claim()) or a release on fresh rows, and the engine learns of it by the images
//! that come back. Until then it repeats itself.

use crate::rank::Seat;
use crate::rule::{DemandClass, Ineligible};
use domain::policy::Select;
use domain::{OfferId, QueueId, Time, UserId, WorkItemId, text_enum};
use serde::{Deserialize, Serialize};

/// Everything that should happen at one instant. Apply in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    /// Offers whose time is over, unanswered: apply [`end_offer`](crate::end_offer).
    pub expiries: Vec<Ending>,
    /// Offers that lost their item or their agent: apply [`end_offer`](crate::end_offer).
    pub withdrawals: Vec<Ending>,
    /// Items that say offered or assigned, but nobody is there: apply [`recover`](crate::recover).
    pub requeues: Vec<Requeue>,
    /// Empty until dormant items are woken by the engine.
    pub wakes: Vec<Wake>,
    /// Items that wait where nobody serves them: apply [`overflow`](crate::overflow).
    pub overflows: Vec<Overflow>,
    /// Apply [`claim`](crate::claim()) with the policy `Offer`.
    pub offers: Vec<OfferDecision>,
    /// The earliest instant at which the same rows may give another answer. `None`: never.
    pub next_wake: Option<Time>,
}

impl Decisions {
    /// Nothing to apply; `next_wake` may still be set.
    pub fn is_empty(&self) -> bool {
        self.expiries.is_empty()
            && self.withdrawals.is_empty()
            && self.requeues.is_empty()
            && self.wakes.is_empty()
            && self.overflows.is_empty()
            && self.offers.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfferDecision {
    pub item_id: WorkItemId,
    pub user_id: UserId,
    pub queue_id: QueueId,
    pub reason: Reason,
}

/// An open offer ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    pub offer_id: OfferId,
    pub item_id: WorkItemId,
    pub user_id: UserId,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requeue {
    pub item_id: WorkItemId,
    pub queue_id: QueueId,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wake {
    pub item_id: WorkItemId,
    pub user_id: UserId,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overflow {
    pub item_id: WorkItemId,
    pub from: QueueId,
    pub to: QueueId,
    pub reason: Reason,
}

text_enum! {
    /// The sentence of the specification that decided.
    pub enum Rule {
        /// The longest idle agent; by default among those with the least work in hand.
        LongestIdle = "longest_idle",
        LeastOccupied = "least_occupied",
        BestSkill = "best_skill",
        Random = "random",
        RoundRobin = "round_robin",
        TopDown = "top_down",
        /// Nobody answered in time.
        OfferExpired = "offer_expired",
        /// The ticket was closed, taken or moved while the offer was open.
        ItemGone = "item_gone",
        /// The agent went offline or left the tenant.
        AgentOffline = "agent_offline",
        /// The agent's browser is gone for 30 s.
        AgentVanished = "agent_vanished",
        /// The item says offered, but no open offer stands behind it.
        OfferGone = "offer_gone",
        /// The item is assigned to somebody who is no agent here any more.
        AgentGone = "agent_gone",
        /// The queue is closed and names another one.
        OverflowClosed = "overflow_closed",
        /// Nobody of the queue is available and connected, and it names another one.
        OverflowUnstaffed = "overflow_unstaffed",
        /// The item has waited as long as its queue keeps it.
        OverflowWaited = "overflow_waited",
    }
}

/// Why this was decided: stored with the offer and shown to people. Candidates in full are
/// computed on demand by [`reference::explain`](crate::reference::explain).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    pub rule: Rule,
    /// The instant by which items of a queue are ordered: the deadline, or the start of waiting.
    pub key: Option<Time>,
    /// By what the chosen agent was ordered.
    pub score: Option<Score>,
    pub demand_class: Option<DemandClass>,
    /// Version of the queue row by which it was decided.
    pub config_version: Option<i64>,
    /// Who would have been next, at most three.
    pub runner_up: Vec<RunnerUp>,
    /// How many members of the queue could not be asked, and why.
    pub excluded: Vec<(Ineligible, usize)>,
}

impl Reason {
    /// A reason that needs no candidates.
    pub(crate) const fn plain(rule: Rule) -> Self {
        Self {
            rule,
            key: None,
            score: None,
            demand_class: None,
            config_version: None,
            runner_up: Vec::new(),
            excluded: Vec::new(),
        }
    }
}

/// By what agents are compared; which field weighs most is the [`Rule`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub member_priority: i32,
    /// Σ weights of the work in her hands, offers included.
    pub load: i64,
    pub idle_since: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RunnerUp {
    pub user_id: UserId,
    pub score: Score,
}

impl From<Seat> for RunnerUp {
    fn from(seat: Seat) -> Self {
        Self {
            user_id: seat.key.id,
            score: seat.score,
        }
    }
}

impl From<Select> for Rule {
    fn from(select: Select) -> Self {
        match select {
            Select::LeastLoaded | Select::LongestIdle => Self::LongestIdle,
            Select::LeastOccupied => Self::LeastOccupied,
            Select::BestSkill => Self::BestSkill,
            Select::Random => Self::Random,
            Select::RoundRobin => Self::RoundRobin,
            Select::TopDown => Self::TopDown,
        }
    }
}
