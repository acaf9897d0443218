//! What goes out: an action becomes a chain of request values and ends in an outcome.
//!
//! Invariants: `perform` decides from the action and the responses so far alone, so a crash
//! between two steps resumes where it was. `Debug` never shows a secret.
//! Answers of `Connect`, `Refresh` and `Check` may hold tokens: keep them in memory only.

use crate::inbound::{Part, Peer};
use crate::session::Cursor;
use crate::view::Secrets;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

#[derive(Debug, Clone)]
pub enum Action {
    Connect(Connect),
    /// Are the credentials alive? Ends in `Connected` with fresh settings.
    Check,
    /// Exchange credentials that expire for new ones.
    Refresh,
    Subscribe,
    Disconnect,
    Send(Box<Outgoing>),
    /// Did this send reach the provider? Only for `SendKind::Lookup`.
    LookUp(Box<Outgoing>),
    Edit {
        target: Target,
        peer: Peer,
        thread: String,
        text: String,
    },
    Delete {
        target: Target,
    },
    React {
        target: Target,
        emoji: String,
        removed: bool,
    },
    Typing {
        peer: Peer,
        thread: String,
        on: bool,
    },
    MarkRead {
        peer: Peer,
        thread: String,
        target: Target,
    },
    FetchMedia {
        media: String,
    },
    FetchProfile {
        peer: Peer,
    },
    /// What is new after the cursor?
    Poll {
        cursor: Option<Cursor>,
    },
    /// History before we were connected, newest first, at most `count` events.
    Backfill {
        count: usize,
    },
}

/// The stages of connecting an account.
#[derive(Clone)]
pub enum Connect {
    /// The form is filled in, secrets included.
    Form,
    /// Ends in `Authorize { url }`: send the person there.
    Begin {
        redirect_uri: String,
        state: String,
        verifier: String,
    },
    /// The person came back with a code; `state` was already compared by the caller.
    Finish {
        redirect_uri: String,
        code: String,
        verifier: String,
    },
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "Form",
            Self::Begin { .. } => "Begin",
            Self::Finish { .. } => "Finish",
        })
    }
}

/// A message to send.
#[derive(Clone, Default)]
pub struct Outgoing {
    /// Our id of the message, the idempotency key end to end.
    pub client_id: String,
    pub peer: Peer,
    pub thread: String,
    pub text: String,
    pub attachments: Vec<Upload>,
    /// The message that is answered: the quoted one, else the last inbound of the thread.
    pub answering: Option<Target>,
    /// The agent quoted `answering` on purpose.
    pub quoting: bool,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("client_id", &self.client_id)
            .field("text_bytes", &self.text.len())
            .field("attachments", &self.attachments.len())
            .finish_non_exhaustive()
    }
}

/// A known message at the provider: its id, and the `extra` that came with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Target {
    pub external_id: String,
    pub extra: Value,
}

/// A file of ours that goes out; the executor streams the blob.
#[derive(Clone, PartialEq)]
pub struct Upload {
    pub blob: String,
    pub name: String,
    pub media_type: String,
    pub size_bytes: u64,
    pub description: Option<String>,
    /// Where a provider that takes no files fetches this one; signed, and ends by itself.
    pub link: Option<String>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever knows the link has the file.
        f.debug_struct("Upload")
            .field("blob", &self.blob)
            .field("media_type", &self.media_type)
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
pub enum Step<T> {
    Call(HttpRequest),
    /// By SMTP; the answer's status is the reply code.
    Mail(Box<Submission>),
    Done(T),
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    Tls,
    /// Clear text until the server agreed to TLS; without its consent nothing is said.
    StartTls,
    /// Only for a server on the same machine.
    Clear,
}

/// A mail and the server that takes it. Without a mail, only the sign-in is tried.
/// A refusal's answer has the header `phase`: `sign-in`, `sender`, `recipient` or `content`.
#[derive(Clone)]
pub struct Submission {
    pub host: String,
    pub port: u16,
    pub protection: Protection,
    pub user: String,
    pub password: String,
    pub mail: Option<Mail>,
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submission")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("protection", &self.protection)
            .field("mail", &self.mail.is_some())
            .finish_non_exhaustive()
    }
}

/// What the executor makes a MIME message of.
#[derive(Clone, Default, PartialEq)]
pub struct Mail {
    /// Name and address.
    pub from: (Option<String>, String),
    pub to: String,
    pub cc: Vec<String>,
    pub reply_to: Option<String>,
    pub subject: String,
    /// Without angle brackets, like all ids here. The same for every attempt.
    pub message_id: String,
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
    pub text: String,
    pub attachments: Vec<Upload>,
}

/// How far the network guard lets a request go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The host that an administrator configured; may be a private address.
    Configured,
    /// A host that an outsider chose: public addresses only.
    Public,
}

/// Where the answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Memory,
    /// Streamed into the blob store; the response names the blob.
    Blob {
        bytes_max: u64,
    },
}

/// Whether a request may be made again when its answer never came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repeat {
    /// A second one changes nothing that anybody sees: a read, or an upload nothing names yet.
    Harmless,
    /// The provider recognises this key and does not do it twice.
    Key(String),
    /// A second one may be a second message.
    Never,
}

impl Repeat {
    pub const fn is_safe(&self) -> bool {
        !matches!(self, Self::Never)
    }
}

#[derive(Clone)]
pub struct HttpRequest {
    pub method: http::Method,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
    /// Not before this long after the previous step; bounded waits for a provider's own work.
    pub delay: Option<Duration>,
    pub repeat: Repeat,
    pub reach: Reach,
    pub answer: Answer,
}

impl HttpRequest {
    /// Reads may be repeated; everything else only when the channel says so.
    pub fn new(method: http::Method, url: impl Into<String>) -> Self {
        let reads = matches!(method, http::Method::GET | http::Method::HEAD);
        Self {
            repeat: if reads {
                Repeat::Harmless
            } else {
                Repeat::Never
            },
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Body::Empty,
            delay: None,
            reach: Reach::Configured,
            answer: Answer::Memory,
        }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A request whose repetition nobody can notice.
    #[must_use]
    pub fn harmless(mut self) -> Self {
        self.repeat = Repeat::Harmless;
        self
    }

    /// A request that the provider recognises by `key` when it comes again.
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>) -> Self {
        self.repeat = Repeat::Key(key.into());
        self
    }

    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path or query may hold a token; header values and bodies always may.
        let host = self.url.split('/').nth(2).unwrap_or_default();
        f.debug_struct("HttpRequest")
            .field("method", &self.method)
            .field("host", &host)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Default, PartialEq)]
pub enum Body {
    #[default]
    Empty,
    Json(Value),
    Form(Vec<(String, String)>),
    Bytes {
        content_type: String,
        bytes: Vec<u8>,
    },
    Multipart(Vec<(String, FormPart)>),
    /// The blob as it is.
    Blob {
        content_type: String,
        blob: String,
    },
}

/// One part of a multipart form.
#[derive(Clone, PartialEq)]
pub enum FormPart {
    Text(String),
    File(Upload),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Json(_) => f.write_str("Json"),
            Self::Form(fields) => write!(f, "Form({} fields)", fields.len()),
            Self::Bytes { bytes, .. } => write!(f, "Bytes({})", bytes.len()),
            Self::Multipart(parts) => write!(f, "Multipart({} parts)", parts.len()),
            Self::Blob { blob, .. } => write!(f, "Blob({blob})"),
        }
    }
}

/// A file in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    pub id: String,
    pub media_type: String,
    pub size_bytes: u64,
}

/// An answer that arrived. Serialisable, because each step is stored before the next one.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Set when the request asked for `Answer::Blob`.
    #[serde(default)]
    pub blob: Option<Blob>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// How long the provider asks to wait, in seconds; an hour at most.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds.min(3600)))
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("blob", &self.blob)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// `extra` is kept with the message and comes back as `Target::extra`.
    Sent {
        external_id: String,
        extra: Value,
    },
    /// Answer to `LookUp`: it never arrived, sending again is safe.
    NotSent,
    Ok,
    /// `None`: the caller's own back-off.
    Retry {
        after: Option<Duration>,
        reason: String,
    },
    /// Will never work as it is; `reason` tells an agent what to do.
    Rejected {
        reason: String,
        code: String,
    },
    /// Every further call would fail: block the composer, alarm an administrator.
    CredentialsDied {
        reason: String,
    },
    /// The provider may or may not have it.
    Unknown {
        reason: String,
    },
    Profile(Peer),
    Media {
        blob: Blob,
        name: Option<String>,
    },
    /// The file is no longer at the provider.
    MediaGone,
    /// Send the person to this page. `app_*` belong to the provider app that was registered.
    Authorize {
        url: String,
        app_settings: Map<String, Value>,
        app_secrets: Secrets,
    },
    /// `settings` and `secrets` are merged over the stored ones.
    Connected {
        account: String,
        address: String,
        settings: Map<String, Value>,
        secrets: Secrets,
    },
    /// `more`: ask again at once.
    Polled {
        parts: Vec<Part>,
        cursor: Option<Cursor>,
        more: bool,
    },
    /// The channel cannot do this action at all.
    Unsupported,
}

impl Outcome {
    pub fn rejected(reason: impl Into<String>, code: impl Into<String>) -> Self {
        Self::Rejected {
            reason: reason.into(),
            code: code.into(),
        }
    }
}
