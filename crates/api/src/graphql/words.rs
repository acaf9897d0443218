//! GraphQL forms of the domain's words and ids. The compiler keeps the lists equal: a `remote`
//! enum that lacks a variant does not build.

use super::error::bad_input;
use async_graphql::{Enum, ID, Result};
use std::fmt::Display;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::people::Role")]
pub enum Role {
    Agent,
    Supervisor,
    Admin,
    Owner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::people::TokenScope")]
pub enum TokenScope {
    Read,
    Write,
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::agent_state::AgentStatus")]
pub enum AgentStatus {
    Offline,
    Available,
    NotReady,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::agent_state::AgentPresence")]
pub enum AgentPresence {
    Offline,
    Idle,
    Offered,
    OnContact,
    WrapUp,
    NotReady,
    NotResponding,
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ticket::TicketStatus")]
pub enum TicketStatus {
    Open,
    Pending,
    Snoozed,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::ticket::Priority")]
pub enum Priority {
    Low,
    Normal,
    High,
    Urgent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::message::Direction")]
pub enum Direction {
    Inbound,
    Outbound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::message::MessageKind")]
pub enum MessageKind {
    Text,
    Note,
    System,
    Unsupported,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::message::AuthorKind")]
pub enum AuthorKind {
    Contact,
    User,
    System,
    OutsideAgent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::message::MessageState")]
pub enum MessageState {
    Received,
    Queued,
    Sending,
    Sent,
    Delivered,
    Read,
    Failed,
    Unknown,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::message::AttachmentState")]
pub enum AttachmentState {
    Pending,
    Ready,
    Failed,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::offer::OfferState")]
pub enum OfferState {
    Offered,
    Accepted,
    Declined,
    Expired,
    Withdrawn,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::inbox::InboxState")]
pub enum InboxState {
    Connecting,
    Connected,
    NeedsReconnect,
    Disconnected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::job::JobState")]
pub enum JobState {
    Waiting,
    Running,
    Done,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::call::CallState")]
pub enum CallState {
    Ringing,
    Queued,
    Connected,
    Held,
    Ended,
    Missed,
}

pub fn id(value: impl Display) -> ID {
    ID(value.to_string())
}

/// An id from outside. A malformed one is the caller's mistake, not a missing node.
pub fn parse<T: FromStr>(text: &ID) -> Result<T>
where
    T::Err: Display,
{
    text.parse().map_err(|e: T::Err| bad_input(e.to_string()))
}

pub fn parse_all<T: FromStr>(texts: &[ID]) -> Result<Vec<T>>
where
    T::Err: Display,
{
    texts.iter().map(parse).collect()
}

/// GraphQL's Int is 32 bits wide; counts beyond it are shown as the largest one.
pub fn int(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(if n < 0 { i32::MIN } else { i32::MAX })
}
