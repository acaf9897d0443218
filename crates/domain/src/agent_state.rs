//! What an agent chose (status) and what follows from it and her work (derived state).

use crate::queue::Proficiency;
use crate::{InvalidTransition, TenantId, Time, UserId, text_enum};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

text_enum! {
    /// Chosen by the agent or a supervisor, or set by RONA.
    pub enum AgentStatus { Offline = "offline", Available = "available", NotReady = "not_ready" }
}

text_enum! {
    /// Derived, never stored.
    pub enum AgentPresence {
        Offline = "offline", Idle = "idle", Offered = "offered", OnContact = "on_contact",
        WrapUp = "wrap_up", NotReady = "not_ready", NotResponding = "not_responding",
        /// Available, but no live connection for 30 s.
        Lost = "lost",
    }
}

/// Reason that RONA sets; the agent returns with one click.
pub const NOT_RESPONDING: &str = "not_responding";

/// The routing row of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentState {
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub status: AgentStatus,
    /// Break, training …, or [`NOT_RESPONDING`].
    pub reason: Option<String>,
    /// Slots per channel kind; `*` is the default for kinds not listed.
    pub capacity: BTreeMap<String, i64>,
    pub proficiencies: Vec<Proficiency>,
    /// Channel kinds of which she takes nothing new now.
    pub channels_off: BTreeSet<String>,
    /// What she becomes when the last of her work is over; until then she is asked for nothing new.
    pub next: Option<NextStatus>,
    /// Σ weights of her Offered and Assigned items.
    pub load: i64,
    /// End of her last work; longest idle counts from here.
    pub released_at: Time,
    pub status_since: Time,
    pub version: i64,
}

/// A status that waits for the end of her work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextStatus {
    pub status: AgentStatus,
    pub reason: Option<String>,
}

/// Slots for channel kinds that the map does not name.
pub const CAPACITY_DEFAULT: i64 = 5;

impl AgentState {
    pub fn offline(user_id: UserId, tenant_id: TenantId, now: Time) -> Self {
        Self {
            user_id,
            tenant_id,
            status: AgentStatus::Offline,
            reason: None,
            capacity: BTreeMap::new(),
            proficiencies: Vec::new(),
            channels_off: BTreeSet::new(),
            next: None,
            load: 0,
            released_at: now,
            status_since: now,
            version: 0,
        }
    }

    pub fn become_available(self, now: Time) -> Self {
        self.become_at(AgentStatus::Available, None, now)
    }

    pub fn become_not_ready(self, reason: Option<String>, now: Time) -> Self {
        self.become_at(AgentStatus::NotReady, reason, now)
    }

    pub fn go_offline(self, now: Time) -> Self {
        self.become_at(AgentStatus::Offline, None, now)
    }

    /// A status that is chosen now takes the place of one that waits.
    fn become_at(mut self, status: AgentStatus, reason: Option<String>, now: Time) -> Self {
        (self.status, self.reason, self.next) = (status, reason, None);
        self.status_since = now;
        self
    }

    /// The status takes effect when the last of her work is over; at once, if she has none.
    pub fn finish_first(mut self, next: NextStatus, now: Time) -> Self {
        self.next = Some(next);
        self.freed(now)
    }

    /// Work has left her hands; if that was the last of it, the status that waited takes effect.
    pub fn freed(mut self, now: Time) -> Self {
        match self.next.take_if(|_| self.load <= 0) {
            Some(next) => self.become_at(next.status, next.reason, now),
            None => self,
        }
    }

    /// An offer expired unanswered. Only an available agent can fail to respond.
    pub fn did_not_respond(self, now: Time) -> Result<Self, InvalidTransition> {
        match self.status {
            AgentStatus::Available | AgentStatus::NotReady => {
                Ok(self.become_not_ready(Some(NOT_RESPONDING.to_owned()), now))
            }
            AgentStatus::Offline => Err(InvalidTransition {
                noun: "agent",
                action: "be set to not responding",
                state: "offline",
            }),
        }
    }

    pub fn slots(&self, channel: &str) -> i64 {
        self.capacity
            .get(channel)
            .or_else(|| self.capacity.get("*"))
            .copied()
            .unwrap_or(CAPACITY_DEFAULT)
    }

    pub fn level(&self, skill: crate::SkillId) -> i32 {
        self.proficiencies
            .iter()
            .find(|p| p.skill_id == skill)
            .map_or(0, |p| p.level)
    }
}
