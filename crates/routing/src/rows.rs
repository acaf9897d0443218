//! What the engine knows: the rows of one tenant, and the images by which they change.

use domain::agent_state::AgentState;
use domain::image::{Image, Presence};
use domain::offer::Offer;
use domain::policy::{Policy, Turn};
use domain::queue::Queue;
use domain::work_item::WorkItem;

/// The rows that routing reads, of one tenant, from one read transaction: every work item that is
/// not over, every open offer, all agents, all queues, the newest presence of each agent, the
/// policy, and whose turn it was last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    pub work_items: Vec<WorkItem>,
    pub offers: Vec<Offer>,
    pub agents: Vec<AgentState>,
    pub queues: Vec<Queue>,
    pub presences: Vec<SeenPresence>,
    pub policy: Policy,
    pub turns: Vec<Turn>,
}

/// A presence has no row of its own: its version is the `seq` of the event that told it, and in a
/// snapshot the head of the log at the time of reading.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenPresence {
    pub presence: Presence,
    pub version: i64,
}

/// One changed row. An image whose version is not above the known one is ignored, so images may
/// come twice and late.
#[derive(Debug, Clone, PartialEq)]
pub enum RowImage {
    WorkItem(Box<WorkItem>),
    Offer(Box<Offer>),
    Agent(Box<AgentState>),
    Queue(Box<Queue>),
    Presence(SeenPresence),
    Policy(Box<Policy>),
    Turn(Turn),
}

impl RowImage {
    /// The part of an event that routing follows; `None` for all other nouns. `seq` is the
    /// event's place in the log.
    pub fn from_event(image: Image, seq: i64) -> Option<Self> {
        match image {
            Image::WorkItem(item) => Some(Self::WorkItem(item)),
            Image::Offer(offer) => Some(Self::Offer(offer)),
            Image::Agent(agent) => Some(Self::Agent(agent)),
            Image::Queue(queue) => Some(Self::Queue(queue)),
            Image::Policy(policy) => Some(Self::Policy(policy)),
            Image::Turn(turn) => Some(Self::Turn(turn)),
            Image::Presence(presence) => Some(Self::Presence(SeenPresence {
                presence,
                version: seq,
            })),
            _ => None,
        }
    }
}
