//! The flat state of a changed node, written once at commit and sent to screens as it is.

use crate::agent_state::AgentState;
use crate::contact::{Contact, Identity};
use crate::conversation::Conversation;
use crate::inbox::Inbox;
use crate::message::Message;
use crate::offer::Offer;
use crate::people::{Membership, Team, User};
use crate::policy::{Policy, Turn};
use crate::queue::{Queue, Skill};
use crate::ticket::Ticket;
use crate::work_item::WorkItem;
use serde::{Deserialize, Serialize};

/// One variant per noun that screens or the router follow. `kind` is the event's kind column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "node", rename_all = "snake_case")]
pub enum Image {
    Ticket(Box<Ticket>),
    Message(Box<Message>),
    Conversation(Box<Conversation>),
    Contact(Box<Contact>),
    Identity(Box<Identity>),
    WorkItem(Box<WorkItem>),
    Offer(Box<Offer>),
    Agent(Box<AgentState>),
    Inbox(Box<Inbox>),
    Queue(Box<Queue>),
    /// How the tenant routes; the router follows it.
    Policy(Box<Policy>),
    /// Whom a queue asked last; the router follows it.
    Turn(Turn),
    Skill(Box<Skill>),
    Team(Box<Team>),
    Member(Box<Member>),
    /// A connection of an agent came or went; the router and presence follow it.
    Presence(Presence),
    /// A job became a dead letter, or was replayed.
    DeadLetter(DeadLetter),
}

/// A person of the tenant with her role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub user: User,
    pub membership: Membership,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    pub user_id: crate::UserId,
    pub connected: bool,
    /// When the last connection went; offers stop 30 s later.
    pub gone_at: Option<crate::Time>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    pub job_id: crate::JobId,
    pub job_kind: String,
    pub error: String,
    pub resolved: bool,
}

impl Image {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ticket(_) => "ticket",
            Self::Message(_) => "message",
            Self::Conversation(_) => "conversation",
            Self::Contact(_) => "contact",
            Self::Identity(_) => "identity",
            Self::WorkItem(_) => "work_item",
            Self::Offer(_) => "offer",
            Self::Agent(_) => "agent",
            Self::Inbox(_) => "inbox",
            Self::Queue(_) => "queue",
            Self::Policy(_) => "policy",
            Self::Turn(_) => "turn",
            Self::Skill(_) => "skill",
            Self::Team(_) => "team",
            Self::Member(_) => "member",
            Self::Presence(_) => "presence",
            Self::DeadLetter(_) => "dead_letter",
        }
    }
}
