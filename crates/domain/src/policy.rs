//! How a tenant routes: which item goes first, which agent is asked, and what both rules need to
//! know. The default is what a tenant gets who configures nothing.

use crate::{QueueId, UserId, text_enum};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

text_enum! {
    /// Which waiting item goes first. Inside one queue and priority all of them are first come,
    /// first served; they differ in how queues and priorities compare.
    #[derive(Default)]
    pub enum Order {
        /// The longest wait.
        Fifo = "fifo",
        /// The earliest deadline: waiting since, plus the queue's target, minus a minute for each
        /// step of priority.
        #[default]
        Deadline = "deadline",
        /// The highest priority, however long others wait.
        Strict = "strict",
        /// The largest wait as a multiple of the queue's target.
        WaitOverTarget = "wait_over_target",
        /// The queue that exceeds its share of all waiting items the most.
        Fqr = "fqr",
        /// The largest saving of delay cost per second of work: wait ÷ target² ÷ handling time.
        Gcmu = "gcmu",
    }
}

impl Order {
    /// Does this order compare the heads of queues at the time of deciding?
    pub const fn compares_heads(self) -> bool {
        matches!(self, Self::WaitOverTarget | Self::Fqr | Self::Gcmu)
    }
}

text_enum! {
    /// Which agent is asked. Ties go to the longest idle, then to the lowest id.
    #[derive(Default)]
    pub enum Select {
        /// The least work in hand, in slots of all channels together.
        #[default]
        LeastLoaded = "least_loaded",
        LongestIdle = "longest_idle",
        /// The smallest part of her slots for this channel in use.
        LeastOccupied = "least_occupied",
        /// The highest sum of levels in the skills that are asked for now.
        BestSkill = "best_skill",
        /// Drawn by lot, but the same for the same rows.
        Random = "random",
        /// Whoever comes after the agent whom this queue asked last.
        RoundRobin = "round_robin",
        /// The lowest tier.
        TopDown = "top_down",
    }
}

text_enum! {
    /// What the priority of a queue's member means.
    #[derive(Default)]
    pub enum MemberPriority {
        /// It ranks the agents of a queue: who comes first is asked first.
        #[default]
        RanksAgents = "ranks_agents",
        /// It ranks the queues of an agent: what comes first is served first.
        RanksQueues = "ranks_queues",
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub order: Order,
    /// For queues that name none of their own.
    pub select: Select,
    pub member_priority: MemberPriority,
    /// Makes the lots of this tenant its own.
    pub seed: u64,
    /// Share of all waiting items that each queue may hold, for `fqr`; 1 where not named. Only
    /// the proportions count.
    pub shares: BTreeMap<QueueId, f64>,
    /// Mean handling time by class of item, seconds, for `gcmu`; one second where not named. Items
    /// without a class go by their channel.
    pub handling_s: BTreeMap<String, f64>,
    pub agents: BTreeMap<UserId, AgentRule>,
    /// Slots that an item takes, by channel; 1 where not named.
    pub weights: BTreeMap<String, i64>,
    /// How long an agent who declined or missed an item is not asked for it again: this long for
    /// each offer that was made of it, so that one item does not hammer one agent …
    pub exclusion_s: i64,
    /// … and never longer, so that a lone agent gets it again.
    pub exclusion_max_s: i64,
    pub version: i64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            order: Order::default(),
            select: Select::default(),
            member_priority: MemberPriority::default(),
            seed: 0,
            shares: BTreeMap::new(),
            handling_s: BTreeMap::new(),
            agents: BTreeMap::new(),
            weights: BTreeMap::new(),
            exclusion_s: 30,
            exclusion_max_s: 300,
            version: 0,
        }
    }
}

/// What is special about one agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentRule {
    /// For `top_down`: lower tiers are asked first.
    pub tier: i64,
    /// Her own mean handling times, where they differ.
    pub handling_s: BTreeMap<String, f64>,
}

/// Whom a queue asked last, for `round_robin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub queue_id: QueueId,
    pub user_id: UserId,
    pub version: i64,
}

impl Policy {
    pub fn share(&self, queue: QueueId) -> f64 {
        self.shares.get(&queue).copied().unwrap_or(1.0)
    }

    pub fn tier(&self, user: UserId) -> i64 {
        self.agents.get(&user).map_or(0, |a| a.tier)
    }

    pub fn handling_s(&self, user: UserId, class: &str) -> f64 {
        let own = self.agents.get(&user).and_then(|a| a.handling_s.get(class));
        let all = || self.handling_s.get(class);
        own.or_else(all).copied().unwrap_or(1.0)
    }

    pub fn weight(&self, channel: &str) -> i64 {
        self.weights.get(channel).copied().unwrap_or(1)
    }

    /// After the `offer_count`th offer of an item.
    pub fn exclusion_s(&self, offer_count: i64) -> i64 {
        let grown = offer_count.max(1).saturating_mul(self.exclusion_s);
        grown.min(self.exclusion_max_s)
    }
}
