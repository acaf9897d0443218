//! Work that must happen after commit. One enum, one `match` in `app::jobs`: no handler can be missing.

use crate::{
    AttachmentId, ContactId, DeliveryId, IdentityId, InboxId, InvitationId, MessageId, TicketId,
    UserId, text_enum,
};
use serde::{Deserialize, Serialize};

text_enum! {
    pub enum JobState { Waiting = "waiting", Running = "running", Done = "done", Dead = "dead" }
}

/// Attempts before a job becomes a dead letter.
pub const ATTEMPTS_MAX: i32 = 5;

/// Claims of a job that may end without a word. More than [`ATTEMPTS_MAX`], because whatever ends a
/// process again and again is seldom the fault of every job that was running; not without end,
/// because sometimes it is the fault of one.
pub const VANISHED_MAX: i32 = 25;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Parse one part of a stored webhook delivery or session item.
    ProcessInbound {
        delivery: DeliveryId,
    },
    DeliverMessage {
        message: MessageId,
    },
    EditMessage {
        message: MessageId,
    },
    DeleteMessage {
        message: MessageId,
    },
    FetchMedia {
        inbox: InboxId,
        message: MessageId,
        attachment: AttachmentId,
        media: String,
    },
    FetchProfile {
        inbox: InboxId,
        identity: IdentityId,
    },
    CheckInbox {
        inbox: InboxId,
    },
    DisconnectInbox {
        inbox: InboxId,
    },
    IndexTicket {
        ticket: TicketId,
    },
    IndexContact {
        contact: ContactId,
    },
    /// Brings the tickets and conversations of a merged or unmerged contact to where they belong.
    FollowMerge {
        contact: ContactId,
    },
    WakeSnoozed {
        ticket: TicketId,
    },
    SendInvitation {
        invitation: InvitationId,
        sealed_token: String,
    },
    SendPasswordReset {
        user: UserId,
        sealed_token: String,
    },
}

impl Job {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ProcessInbound { .. } => "process_inbound",
            Self::DeliverMessage { .. } => "deliver_message",
            Self::EditMessage { .. } => "edit_message",
            Self::DeleteMessage { .. } => "delete_message",
            Self::FetchMedia { .. } => "fetch_media",
            Self::FetchProfile { .. } => "fetch_profile",
            Self::CheckInbox { .. } => "check_inbox",
            Self::DisconnectInbox { .. } => "disconnect_inbox",
            Self::IndexTicket { .. } => "index_ticket",
            Self::IndexContact { .. } => "index_contact",
            Self::FollowMerge { .. } => "follow_merge",
            Self::WakeSnoozed { .. } => "wake_snoozed",
            Self::SendInvitation { .. } => "send_invitation",
            Self::SendPasswordReset { .. } => "send_password_reset",
        }
    }
}
