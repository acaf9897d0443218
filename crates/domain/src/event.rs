//! A committed fact in the tenant's log, with the keys of those who may see it.

use crate::image::Image;
use crate::people::Role;
use crate::{QueueId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Who sees an event: it is delivered to every subscriber who holds at least one of its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKey {
    /// Everybody in the tenant.
    Tenant,
    /// Everybody with at least this role.
    Role(Role),
    /// Agents of the queue.
    Queue(QueueId),
    User(UserId),
}

impl fmt::Display for ScopeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::Role(role) => write!(f, "role:{role}"),
            Self::Queue(id) => write!(f, "queue:{id}"),
            Self::User(id) => write!(f, "user:{id}"),
        }
    }
}

impl std::str::FromStr for ScopeKey {
    type Err = crate::UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || crate::UnknownWord {
            kind: "scope key",
            word: text.to_owned(),
        };
        match text.split_once(':') {
            None if text == "tenant" => Ok(Self::Tenant),
            Some(("role", role)) => role.parse().map(Self::Role).map_err(|_| unknown()),
            Some(("queue", id)) => id.parse().map(Self::Queue).map_err(|_| unknown()),
            Some(("user", id)) => id.parse().map(Self::User).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

/// An event before it has a place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub scope: Vec<ScopeKey>,
    pub image: Image,
}

/// A committed event. `seq` is gap-free and in commit order per tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub tenant_id: TenantId,
    pub seq: i64,
    pub scope: Vec<ScopeKey>,
    pub image: Image,
}

/// Position in a tenant's log. A cursor of another epoch asks for a resync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub epoch: i64,
    pub seq: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl std::str::FromStr for Cursor {
    type Err = crate::UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (epoch, seq) = text.split_once('.')?;
            Some(Self {
                epoch: epoch.parse().ok()?,
                seq: seq.parse().ok()?,
            })
        };
        parse().ok_or_else(|| crate::UnknownWord {
            kind: "cursor",
            word: text.chars().take(64).collect(),
        })
    }
}
