//! The case an agent works: status machine, priority and the fields every list row shows.

use crate::{ContactId, InvalidTransition, QueueId, TenantId, TicketId, Time, UserId, text_enum};
use serde::{Deserialize, Serialize};

text_enum! {
    pub enum TicketStatus { Open = "open", Pending = "pending", Snoozed = "snoozed", Closed = "closed" }
}

text_enum! {
    pub enum Priority { Low = "low", Normal = "normal", High = "high", Urgent = "urgent" }
}

impl TicketStatus {
    /// Waiting for the customer.
    pub fn pend(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Open | Self::Snoozed | Self::Pending => Ok(Self::Pending),
            Self::Closed => Err(self.refuse("become pending")),
        }
    }

    pub fn snooze(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Open | Self::Pending | Self::Snoozed => Ok(Self::Snoozed),
            Self::Closed => Err(self.refuse("be snoozed")),
        }
    }

    pub fn close(self) -> Result<Self, InvalidTransition> {
        Ok(Self::Closed)
    }

    pub fn reopen(self) -> Result<Self, InvalidTransition> {
        Ok(Self::Open)
    }

    /// A customer wrote: every status becomes open again, a snooze ends early.
    pub const fn customer_wrote(self) -> Self {
        Self::Open
    }

    fn refuse(self, action: &'static str) -> InvalidTransition {
        InvalidTransition {
            noun: "ticket",
            action,
            state: self.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub id: TicketId,
    pub tenant_id: TenantId,
    /// Small human number, unique in the tenant.
    pub number: i64,
    pub subject: String,
    pub status: TicketStatus,
    pub priority: Priority,
    pub tags: Vec<String>,
    pub contact_id: ContactId,
    pub queue_id: QueueId,
    pub assignee_id: Option<UserId>,
    pub snoozed_until: Option<Time>,
    /// Channel of the newest message, for the row's icon.
    pub channel: String,
    /// Position of the newest message; `sendMessage.seen` is compared with it.
    pub message_head: i64,
    pub last_message_at: Time,
    pub last_message_preview: String,
    pub last_message_inbound: bool,
    /// When the oldest unanswered customer message came; `None` when nothing waits for us.
    pub waiting_since: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    pub closed_at: Option<Time>,
    pub version: i64,
}
