//! What is routed. Queued → Offered → Assigned{Active, Dormant, Held} → WrappingUp → Completed, or Abandoned.

use crate::queue::RequiredSkill;
use crate::{
    InvalidTransition, OfferId, QueueId, TenantId, TicketId, Time, UserId, WorkItemId, text_enum,
};
use serde::{Deserialize, Serialize};

text_enum! {
    pub enum WorkItemState {
        Queued = "queued", Offered = "offered", Active = "active", Dormant = "dormant", Held = "held",
        WrappingUp = "wrapping_up", Completed = "completed", Abandoned = "abandoned",
    }
}

text_enum! {
    pub enum CompletedReason {
        Closed = "closed", Pending = "pending", Snoozed = "snoozed", Merged = "merged", Deleted = "deleted",
    }
}

impl WorkItemState {
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Offered)
    }

    pub const fn is_assigned(self) -> bool {
        matches!(
            self,
            Self::Active | Self::Dormant | Self::Held | Self::WrappingUp
        )
    }

    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Abandoned)
    }
}

/// One piece of work for one agent: a ticket that needs somebody, later also a call or callback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkItem {
    pub id: WorkItemId,
    pub tenant_id: TenantId,
    pub ticket_id: TicketId,
    pub queue_id: QueueId,
    pub channel: String,
    /// The kind of demand, by which handling times are told apart; empty when nobody named one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Skills that this very item asks for, besides those of its queue, by the time it has waited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<CriteriaStep>,
    pub weight: i64,
    pub priority: i32,
    state: WorkItemState,
    agent_id: Option<UserId>,
    offer_id: Option<OfferId>,
    completed_reason: Option<CompletedReason>,
    /// The place in the queue. Survives RONA, decline and restart.
    pub eligible_since: Time,
    /// Agents who may not be offered this item until the given time.
    pub exclusions: Vec<Exclusion>,
    /// Since when it is in this queue, however long it waits in all; overflow counts from here.
    pub queue_since: Time,
    /// For whom it is kept, and how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<Preferred>,
    /// How many offers were made; part of the deterministic random key.
    pub offer_count: i64,
    pub created_at: Time,
    pub version: i64,
}

/// From `after_s` of waiting on, these skills are asked for instead of those of the step before.
/// Before the first step nothing is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriteriaStep {
    pub after_s: i64,
    pub skills: Vec<RequiredSkill>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exclusion {
    pub user_id: UserId,
    pub until: Time,
}

/// Until then nobody else is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferred {
    pub user_id: UserId,
    pub until: Time,
}

/// Everything of a work item that a row keeps; the only way to rebuild one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkItemRow {
    pub state: WorkItemState,
    pub agent_id: Option<UserId>,
    pub offer_id: Option<OfferId>,
    pub completed_reason: Option<CompletedReason>,
}

impl WorkItem {
    pub fn queued(
        tenant_id: TenantId,
        ticket_id: TicketId,
        queue_id: QueueId,
        channel: String,
        priority: i32,
        now: Time,
    ) -> Self {
        Self {
            id: WorkItemId::new(now),
            tenant_id,
            ticket_id,
            queue_id,
            channel,
            class: String::new(),
            criteria: Vec::new(),
            weight: 1,
            priority,
            state: WorkItemState::Queued,
            agent_id: None,
            offer_id: None,
            completed_reason: None,
            eligible_since: now,
            exclusions: Vec::new(),
            queue_since: now,
            preferred: None,
            offer_count: 0,
            created_at: now,
            version: 0,
        }
    }

    /// Puts a stored state back. Used by the store only; transitions go through the methods below.
    pub fn with_row(mut self, row: WorkItemRow) -> Self {
        self.state = row.state;
        self.agent_id = row.agent_id;
        self.offer_id = row.offer_id;
        self.completed_reason = row.completed_reason;
        self
    }

    /// The kind of demand by which handling times are told apart.
    pub fn demand(&self) -> &str {
        if self.class.is_empty() {
            &self.channel
        } else {
            &self.class
        }
    }

    pub fn row(&self) -> WorkItemRow {
        WorkItemRow {
            state: self.state,
            agent_id: self.agent_id,
            offer_id: self.offer_id,
            completed_reason: self.completed_reason,
        }
    }

    pub const fn state(&self) -> WorkItemState {
        self.state
    }

    /// Who works it, or to whom it is offered.
    pub const fn agent_id(&self) -> Option<UserId> {
        self.agent_id
    }

    pub const fn offer_id(&self) -> Option<OfferId> {
        self.offer_id
    }

    pub fn offer(mut self, offer: OfferId, agent: UserId) -> Result<Self, InvalidTransition> {
        match self.state {
            WorkItemState::Queued => {
                self.state = WorkItemState::Offered;
                self.agent_id = Some(agent);
                self.offer_id = Some(offer);
                self.offer_count += 1;
                Ok(self)
            }
            _ => Err(self.refuse("be offered")),
        }
    }

    /// The offer ended without an answer of yes: back to the queue, in the same place.
    pub fn offer_ended(mut self) -> Result<Self, InvalidTransition> {
        match self.state {
            WorkItemState::Offered => {
                self.state = WorkItemState::Queued;
                self.agent_id = None;
                self.offer_id = None;
                Ok(self)
            }
            _ => Err(self.refuse("lose its offer")),
        }
    }

    /// `agent` works it from now on: she accepted, took it, or was assigned.
    pub fn assign(mut self, agent: UserId) -> Result<Self, InvalidTransition> {
        if self.state.is_over() {
            return Err(self.refuse("be assigned"));
        }
        self.state = WorkItemState::Active;
        self.agent_id = Some(agent);
        self.offer_id = None;
        self.preferred = None;
        Ok(self)
    }

    /// Back to waiting: unassigned by a person, or moved to a queue. The place is kept; in another
    /// queue it is kept for nobody.
    pub fn requeue(mut self, queue: QueueId, now: Time) -> Result<Self, InvalidTransition> {
        if self.state.is_over() {
            return Err(self.refuse("be queued"));
        }
        if queue != self.queue_id {
            self.queue_since = now;
            self.preferred = None;
        }
        self.state = WorkItemState::Queued;
        self.agent_id = None;
        self.offer_id = None;
        self.queue_id = queue;
        Ok(self)
    }

    pub fn complete(mut self, reason: CompletedReason) -> Result<Self, InvalidTransition> {
        if self.state.is_over() {
            return Err(self.refuse("be completed"));
        }
        self.state = WorkItemState::Completed;
        self.offer_id = None;
        self.completed_reason = Some(reason);
        Ok(self)
    }

    /// Keeps `agent` from being offered this item again before `until`.
    pub fn exclude(mut self, agent: UserId, until: Time, now: Time) -> Self {
        self.exclusions
            .retain(|e| e.user_id != agent && e.until > now);
        self.exclusions.push(Exclusion {
            user_id: agent,
            until,
        });
        // She does not want it or is not there: others need not wait for her.
        self.preferred = self.preferred.filter(|p| p.user_id != agent);
        self
    }

    fn refuse(&self, action: &'static str) -> InvalidTransition {
        InvalidTransition {
            noun: "work item",
            action,
            state: self.state.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item() -> WorkItem {
        let now = Time::default();
        WorkItem::queued(
            TenantId::new(now),
            TicketId::new(now),
            QueueId::new(now),
            "sandbox".into(),
            0,
            now,
        )
    }

    proptest! {
        /// Invariants I3 and I6: an item is waiting or owned, never both, never neither.
        #[test]
        fn an_item_is_waiting_or_owned_never_both(steps in proptest::collection::vec(0u8..5, 0..40)) {
            let now = Time::default();
            let (a, q) = (UserId::new(now), QueueId::new(now));
            let mut it = item();
            let place = it.eligible_since;
            for s in steps {
                let next = match s {
                    0 => it.clone().offer(OfferId::new(now), a),
                    1 => it.clone().offer_ended(),
                    2 => it.clone().assign(a),
                    3 => it.clone().requeue(q, now),
                    _ => it.clone().complete(CompletedReason::Closed),
                };
                it = next.unwrap_or(it);
                prop_assert_eq!(it.offer_id().is_some(), it.state() == WorkItemState::Offered);
                prop_assert!(!(it.state().is_waiting() && it.state().is_assigned()));
                if !it.state().is_over() {
                    prop_assert_eq!(it.state() == WorkItemState::Queued, it.agent_id().is_none());
                }
                prop_assert_eq!(it.eligible_since, place);
            }
        }
    }

    #[test]
    fn a_completed_item_refuses_everything() {
        let now = Time::default();
        let Ok(done) = item()
            .assign(UserId::new(now))
            .and_then(|i| i.complete(CompletedReason::Closed))
        else {
            panic!("a queued item can be assigned and completed");
        };
        assert!(done.clone().assign(UserId::new(now)).is_err());
        assert!(done.clone().requeue(QueueId::new(now), now).is_err());
        assert!(done.offer(OfferId::new(now), UserId::new(now)).is_err());
    }
}
