//! Messages and their delivery states, which never go backwards.

use crate::{
    AttachmentId, ConversationId, InvalidTransition, MessageId, TenantId, TicketId, Time, UserId,
    text_enum,
};
use serde::{Deserialize, Serialize};

text_enum! { pub enum Direction { Inbound = "inbound", Outbound = "outbound" } }

text_enum! {
    pub enum MessageKind {
        Text = "text",
        /// Internal: never leaves the house.
        Note = "note",
        /// A line about what happened: assigned, moved, merged.
        System = "system",
        /// The provider sent a kind we do not know yet; the raw event is kept.
        Unsupported = "unsupported",
    }
}

text_enum! {
    pub enum AuthorKind {
        Contact = "contact", User = "user", System = "system",
        /// Somebody answered in the provider's own app.
        OutsideAgent = "outside_agent",
    }
}

text_enum! {
    /// Delivery of an outbound message. Inbound messages are `Received`.
    pub enum MessageState {
        Received = "received",
        Queued = "queued",
        Sending = "sending",
        Sent = "sent",
        Delivered = "delivered",
        Read = "read",
        Failed = "failed",
        /// The provider may or may not have it: a person decides "send again" or "mark as sent".
        Unknown = "unknown",
        /// Taken back before it was sent.
        Cancelled = "cancelled",
    }
}

impl MessageState {
    pub fn sending(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued | Self::Sending => Ok(Self::Sending),
            _ => Err(self.refuse("be sent")),
        }
    }

    pub fn waiting_again(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued | Self::Sending | Self::Failed | Self::Unknown => Ok(Self::Queued),
            _ => Err(self.refuse("be queued again")),
        }
    }

    pub fn failed(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued | Self::Sending | Self::Sent | Self::Unknown | Self::Failed => {
                Ok(Self::Failed)
            }
            _ => Err(self.refuse("fail")),
        }
    }

    pub fn unknown(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued | Self::Sending | Self::Unknown => Ok(Self::Unknown),
            _ => Err(self.refuse("become unknown")),
        }
    }

    pub fn cancelled(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued => Ok(Self::Cancelled),
            _ => Err(self.refuse("be cancelled")),
        }
    }

    /// A receipt says `to`. States only grow: a late "delivered" does not undo "read", and after
    /// "failed" only the proof that it was delivered counts, not a late "sent".
    pub fn receipt(self, to: MessageState) -> Self {
        match (self, to) {
            (Self::Received | Self::Cancelled, _) => self,
            (_, Self::Failed) => self.failed().unwrap_or(self),
            (_, Self::Sent | Self::Delivered | Self::Read) if to.progress() > self.progress() => to,
            _ => self,
        }
    }

    const fn progress(self) -> u8 {
        match self {
            Self::Received | Self::Cancelled => 9,
            Self::Queued | Self::Sending | Self::Unknown => 0,
            Self::Sent => 1,
            Self::Failed => 2,
            Self::Delivered => 3,
            Self::Read => 4,
        }
    }

    fn refuse(self, action: &'static str) -> InvalidTransition {
        InvalidTransition {
            noun: "message",
            action,
            state: self.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub tenant_id: TenantId,
    pub ticket_id: TicketId,
    /// `None` for notes and system lines that belong to the ticket only.
    pub conversation_id: Option<ConversationId>,
    pub direction: Direction,
    pub kind: MessageKind,
    pub state: MessageState,
    pub author: AuthorKind,
    pub author_user_id: Option<UserId>,
    pub author_name: String,
    pub text: String,
    /// Sanitised HTML where the channel has it; never raw provider HTML.
    pub html: Option<String>,
    /// The provider's id; unique per inbox.
    pub external_id: Option<String>,
    /// The sender's idempotency key (`sendMessage.clientId`).
    pub client_id: Option<String>,
    pub quoted_id: Option<MessageId>,
    pub reactions: Vec<Reaction>,
    pub attachments: Vec<Attachment>,
    /// Why it failed, in words an agent can act on.
    pub problem: Option<String>,
    /// Position in the ticket: 1, 2, 3 … in commit order; the ticket's `message_head` is the last.
    pub position: i64,
    /// When the author wrote it, by the provider's clock.
    pub sent_at: Time,
    pub created_at: Time,
    pub edited_at: Option<Time>,
    pub deleted_at: Option<Time>,
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reaction {
    pub emoji: String,
    pub by: String,
}

text_enum! {
    pub enum AttachmentState { Pending = "pending", Ready = "ready", Failed = "failed", Gone = "gone" }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    pub id: AttachmentId,
    pub state: AttachmentState,
    pub name: String,
    pub media_type: String,
    pub size_bytes: Option<i64>,
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::MessageState::{
        Cancelled, Delivered, Failed, Queued, Read, Received, Sent, Unknown,
    };

    #[test]
    fn a_receipt_never_takes_a_message_back() {
        for (before, told, after) in [
            (Queued, Delivered, Delivered),
            (Delivered, Sent, Delivered),
            (Read, Delivered, Read),
            (Read, Failed, Read),
            (Sent, Failed, Failed),
            (Failed, Sent, Failed),
            (Failed, Read, Read),
            (Unknown, Sent, Sent),
            (Cancelled, Read, Cancelled),
            (Received, Failed, Received),
        ] {
            assert_eq!(before.receipt(told), after, "{before:?} was told {told:?}");
        }
    }
}
