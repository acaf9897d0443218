//! A reservation with expiry: one agent is asked to take one work item.

use crate::{
    InvalidTransition, OfferId, QueueId, TenantId, TicketId, Time, UserId, WorkItemId, text_enum,
};
use serde::{Deserialize, Serialize};

text_enum! {
    pub enum OfferState {
        Offered = "offered", Accepted = "accepted", Declined = "declined", Expired = "expired",
        Withdrawn = "withdrawn", Failed = "failed",
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub id: OfferId,
    pub tenant_id: TenantId,
    pub work_item_id: WorkItemId,
    pub ticket_id: TicketId,
    pub queue_id: QueueId,
    pub user_id: UserId,
    state: OfferState,
    /// Why it was declined or withdrawn.
    end_reason: Option<String>,
    /// Why it was offered to her: `routing::Reason` as JSON.
    pub reason: serde_json::Value,
    pub created_at: Time,
    pub expires_at: Time,
    pub ended_at: Option<Time>,
    pub version: i64,
}

/// What an offer is about; the constructor's named arguments.
#[derive(Debug, Clone)]
pub struct NewOffer {
    /// Made by the caller: the rule that opens offers is pure.
    pub id: OfferId,
    pub tenant_id: TenantId,
    pub work_item_id: WorkItemId,
    pub ticket_id: TicketId,
    pub queue_id: QueueId,
    pub user_id: UserId,
    pub reason: serde_json::Value,
    pub expires_at: Time,
}

impl Offer {
    pub fn open(new: NewOffer, now: Time) -> Self {
        Self {
            id: new.id,
            tenant_id: new.tenant_id,
            work_item_id: new.work_item_id,
            ticket_id: new.ticket_id,
            queue_id: new.queue_id,
            user_id: new.user_id,
            state: OfferState::Offered,
            end_reason: None,
            reason: new.reason,
            created_at: now,
            expires_at: new.expires_at,
            ended_at: None,
            version: 0,
        }
    }

    /// Puts a stored state back. Used by the store only.
    pub fn with_row(mut self, state: OfferState, end_reason: Option<String>) -> Self {
        self.state = state;
        self.end_reason = end_reason;
        self
    }

    pub const fn state(&self) -> OfferState {
        self.state
    }

    pub fn end_reason(&self) -> Option<&str> {
        self.end_reason.as_deref()
    }

    pub const fn is_open(&self) -> bool {
        matches!(self.state, OfferState::Offered)
    }

    /// Refused at or after `expires_at`, even if nobody has marked it expired yet.
    pub fn accept(self, now: Time) -> Result<Self, InvalidTransition> {
        if now >= self.expires_at {
            return Err(InvalidTransition {
                noun: "offer",
                action: "be accepted",
                state: "expired",
            });
        }
        self.end(OfferState::Accepted, None, "be accepted", now)
    }

    pub fn decline(self, reason: Option<String>, now: Time) -> Result<Self, InvalidTransition> {
        self.end(OfferState::Declined, reason, "be declined", now)
    }

    pub fn expire(self, now: Time) -> Result<Self, InvalidTransition> {
        self.end(OfferState::Expired, None, "expire", now)
    }

    pub fn withdraw(self, reason: &str, now: Time) -> Result<Self, InvalidTransition> {
        self.end(
            OfferState::Withdrawn,
            Some(reason.to_owned()),
            "be withdrawn",
            now,
        )
    }

    fn end(
        mut self,
        to: OfferState,
        reason: Option<String>,
        action: &'static str,
        now: Time,
    ) -> Result<Self, InvalidTransition> {
        if !self.is_open() {
            return Err(InvalidTransition {
                noun: "offer",
                action,
                state: self.state.as_str(),
            });
        }
        self.state = to;
        self.end_reason = reason;
        self.ended_at = Some(now);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(now: Time) -> Offer {
        Offer::open(
            NewOffer {
                id: OfferId::new(now),
                tenant_id: TenantId::new(now),
                work_item_id: WorkItemId::new(now),
                ticket_id: TicketId::new(now),
                queue_id: QueueId::new(now),
                user_id: UserId::new(now),
                reason: serde_json::Value::Null,
                expires_at: now + chrono::Duration::seconds(20),
            },
            now,
        )
    }

    #[test]
    fn an_offer_ends_once() {
        let now = Time::default();
        let declined = offer(now).decline(None, now);
        assert!(declined.is_ok_and(|o| o.accept(now).is_err()));
    }

    #[test]
    fn an_offer_cannot_be_accepted_at_its_expiry() {
        let now = Time::default();
        let o = offer(now);
        let late = o.expires_at;
        assert!(o.clone().accept(late).is_err());
        assert!(o.accept(late - chrono::Duration::microseconds(1)).is_ok());
    }
}
