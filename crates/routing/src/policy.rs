//! How a tenant routes: which item goes first, which agent is asked, and what both rules need to
//! know. The default is what a tenant gets who configures nothing.

use domain::{QueueId, Time, UserId, text_enum};
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
    pub(crate) const fn compares_heads(self) -> bool {
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

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    pub order: Order,
    pub select: Select,
    pub member_priority: MemberPriority,
    /// Makes the lots of this tenant its own.
    pub seed: u64,
    /// Share of all waiting items that each queue may hold, for `fqr`; 1 where not named. Only
    /// the proportions count.
    pub shares: BTreeMap<QueueId, f64>,
    /// Mean handling time by class of item, seconds, for `gcmu`; one second where not named.
    pub handling_s: BTreeMap<String, f64>,
    pub agents: BTreeMap<UserId, AgentRule>,
    pub version: i64,
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
    pub(crate) fn share(&self, queue: QueueId) -> f64 {
        self.shares.get(&queue).copied().unwrap_or(1.0)
    }

    pub(crate) fn tier(&self, user: UserId) -> i64 {
        self.agents.get(&user).map_or(0, |a| a.tier)
    }

    pub(crate) fn handling_s(&self, user: UserId, class: &str) -> f64 {
        let own = self.agents.get(&user).and_then(|a| a.handling_s.get(class));
        let all = || self.handling_s.get(class);
        own.or_else(all).copied().unwrap_or(1.0)
    }
}

/// Seconds from `since` to `now`, not below 0.
pub(crate) fn waited_s(since: Time, now: Time) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of any wait fit 52 bits"
    )]
    let micros = (now - since).num_microseconds().unwrap_or(i64::MAX) as f64;
    (micros / 1e6).max(0.0)
}
