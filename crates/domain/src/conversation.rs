//! One thread on one identity × inbox, and when a reply is possible.

use crate::inbox::InboxState;
use crate::{ContactId, ConversationId, IdentityId, InboxId, TenantId, TicketId, Time, text_enum};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub id: ConversationId,
    pub tenant_id: TenantId,
    pub inbox_id: InboxId,
    pub identity_id: IdentityId,
    pub contact_id: ContactId,
    pub ticket_id: TicketId,
    /// Thread key at the provider; empty where the peer is the thread.
    pub thread: String,
    pub last_inbound_at: Option<Time>,
    /// Until when the channel lets us reply; `None` means no window.
    pub reply_until: Option<Time>,
    pub created_at: Time,
    pub version: i64,
}

text_enum! {
    /// Why a reply is refused before anything is queued.
    pub enum ReplyRefusal {
        WindowClosed = "window_closed",
        NeedsReconnect = "needs_reconnect",
        Disconnected = "disconnected",
    }
}

impl Conversation {
    /// Whether a reply may be queued at `now`, given the state of the conversation's inbox.
    pub fn reply(&self, inbox: InboxState, now: Time) -> Result<(), ReplyRefusal> {
        match inbox {
            InboxState::Disconnected => return Err(ReplyRefusal::Disconnected),
            InboxState::NeedsReconnect | InboxState::Connecting => {
                return Err(ReplyRefusal::NeedsReconnect);
            }
            InboxState::Connected => {}
        }
        match self.reply_until {
            Some(until) if until <= now => Err(ReplyRefusal::WindowClosed),
            _ => Ok(()),
        }
    }
}
