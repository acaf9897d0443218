//! What comes in: the raw request, its verdict and parts, and the facts in a part.
//!
//! Facts are serialisable because a fact may wait in the database for the message it talks about.

use domain::{Time, message::MessageState, text_enum};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// A webhook request exactly as it arrived. Header names are lower case.
#[derive(Clone)]
pub struct RawRequest {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub received_at: Time,
    /// The configured public address of this entrance; signatures over a URL use it, never `Host`.
    pub public_url: String,
}

impl RawRequest {
    /// The first header of this (lower-case) name, when it is readable text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| std::str::from_utf8(value).ok())
    }
}

impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bodies are personal data, headers and query may carry secrets.
        f.debug_struct("RawRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .field("received_at", &self.received_at)
            .finish_non_exhaustive()
    }
}

/// Whether a webhook request is let in.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Accept,
    /// The provider tests the entrance: answer this and store nothing.
    Challenge {
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
    },
    Reject,
}

/// One event of a request or session, the unit of storage, dedupe and replay.
#[derive(Clone, PartialEq, Eq)]
pub struct Part {
    /// The account at the provider that it is for.
    pub account: String,
    /// Order is kept within a lane (the peer); lanes do not wait for each other.
    pub lane: String,
    /// Equal for a repeat of the same event, different for everything else of the account.
    pub dedupe: String,
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("account", &self.account)
            .field("dedupe", &self.dedupe)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Authentic, but not what the provider documents. The bytes are kept and can be replayed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed event: {reason}")]
pub struct Malformed {
    pub reason: String,
}

impl Malformed {
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        // The library's message quotes values; only the position is safe to show.
        Self::new(format!(
            "unexpected JSON at line {} column {}",
            error.line(),
            error.column()
        ))
    }
}

/// A person at the provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Peer {
    /// The provider's stable id of the person; never a name that can change hands.
    pub handle: String,
    /// Within which the handle is unique: instance host, page id, or empty.
    #[serde(default)]
    pub scope: String,
    /// What people read: `@alice@example.social`.
    #[serde(default)]
    pub display: String,
    /// The handle under which the provider told of the same person before it told this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<String>,
    /// The person's name, when the provider tells it.
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub avatar: Option<String>,
    #[serde(default)]
    pub locale: Option<String>,
}

/// A picture or file that is fetched later by `Action::FetchMedia`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// The channel's own reference, given back in `Action::FetchMedia`.
    pub media: String,
    pub name: String,
    pub media_type: String,
    pub size_bytes: Option<u64>,
    /// What its author says it shows.
    pub description: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InboundMessage {
    /// Unique per inbox.
    pub external_id: String,
    pub peer: Peer,
    /// Thread key; empty where the peer is the thread.
    pub thread: String,
    /// Where the channel has subjects; otherwise a ticket is named after its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// A machine wrote it by itself: it is kept and shown, but wakes nobody who had done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
    pub text: String,
    /// Sanitised HTML, where the channel has it.
    pub html: Option<String>,
    pub attachments: Vec<Media>,
    /// The provider's id of the message this one answers.
    pub quoted: Option<String>,
    /// When it was written, by the provider's clock.
    pub at: Option<Time>,
    /// Written by our own account: never a customer's message.
    pub own_echo: bool,
    /// For an echo: `Some(true)` we sent it, `Some(false)` somebody used the provider's app.
    pub from_this_app: Option<bool>,
    /// For an echo: the client id we gave, where the provider returns it.
    pub client_id: Option<String>,
    /// What the channel needs to answer this message; comes back as `Target::extra`.
    pub extra: Value,
}

text_enum! {
    pub enum ReceiptState { Sent = "sent", Delivered = "delivered", Read = "read", Failed = "failed" }
}

impl ReceiptState {
    pub const fn message_state(self) -> MessageState {
        match self {
            Self::Sent => MessageState::Sent,
            Self::Delivered => MessageState::Delivered,
            Self::Read => MessageState::Read,
            Self::Failed => MessageState::Failed,
        }
    }
}

/// Which of our messages a receipt talks about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Receipt {
    Message {
        external_id: String,
    },
    /// The provider has no id yet, but repeats ours.
    Client {
        client_id: String,
    },
    /// Everything sent to the peer up to this instant.
    UpTo {
        peer: Peer,
        thread: String,
        time: Time,
    },
}

/// A fresher picture of a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub peer: Peer,
}

/// One fact and when it happened by the provider's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Inbound {
    Message(Box<InboundMessage>),
    Edit {
        external_id: String,
        text: String,
        html: Option<String>,
        attachments: Vec<Media>,
        at: Option<Time>,
        own_echo: bool,
    },
    Delete {
        external_id: String,
        at: Option<Time>,
    },
    Receipt {
        of: Receipt,
        state: ReceiptState,
        /// For `Failed`: why, in words an agent can act on.
        problem: Option<String>,
        at: Option<Time>,
    },
    Reaction {
        external_id: String,
        by: Peer,
        emoji: String,
        removed: bool,
        at: Option<Time>,
        own_echo: bool,
    },
    Typing {
        peer: Peer,
        thread: String,
        on: bool,
    },
    Profile(Profile),
    AccountProblem {
        /// The credentials are dead: block the composer until somebody reconnects.
        credentials_died: bool,
        reason: String,
        at: Option<Time>,
    },
    /// A kind we do not know: shown as a placeholder when a peer is known, raw JSON kept.
    Unknown {
        what: String,
        external_id: Option<String>,
        peer: Option<Peer>,
        thread: String,
        at: Option<Time>,
        raw: Value,
    },
}

impl Inbound {
    /// The message this fact is about; a fact may arrive before that message.
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Message(message) => Some(&message.external_id),
            Self::Edit { external_id, .. }
            | Self::Delete { external_id, .. }
            | Self::Reaction { external_id, .. } => Some(external_id),
            Self::Receipt {
                of: Receipt::Message { external_id },
                ..
            } => Some(external_id),
            Self::Unknown { external_id, .. } => external_id.as_deref(),
            Self::Receipt { .. }
            | Self::Typing { .. }
            | Self::Profile(_)
            | Self::AccountProblem { .. } => None,
        }
    }
}
