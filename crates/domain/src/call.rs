//! Calls and their legs: the shape that tickets and screens know. Telephony itself comes with voice.

use crate::message::Direction;
use crate::{
    CallId, ContactId, ConversationId, InvalidTransition, TenantId, TicketId, Time, UserId,
    text_enum,
};
use serde::{Deserialize, Serialize};

text_enum! {
    pub enum CallState {
        Ringing = "ringing", Queued = "queued", Connected = "connected", Held = "held",
        Ended = "ended", Missed = "missed",
    }
}

impl CallState {
    pub fn connect(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Ringing | Self::Queued | Self::Held => Ok(Self::Connected),
            _ => Err(self.refuse("connect")),
        }
    }

    pub fn hold(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Connected => Ok(Self::Held),
            _ => Err(self.refuse("be held")),
        }
    }

    pub fn end(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Connected | Self::Held => Ok(Self::Ended),
            Self::Ringing | Self::Queued => Ok(Self::Missed),
            _ => Err(self.refuse("end")),
        }
    }

    fn refuse(self, action: &'static str) -> InvalidTransition {
        InvalidTransition {
            noun: "call",
            action,
            state: self.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub id: CallId,
    pub tenant_id: TenantId,
    pub ticket_id: TicketId,
    pub conversation_id: ConversationId,
    pub contact_id: ContactId,
    pub direction: Direction,
    pub state: CallState,
    pub agent_id: Option<UserId>,
    pub started_at: Time,
    pub answered_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub version: i64,
}
