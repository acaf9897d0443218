//! The open form of events, for channels whose other side is no provider but somebody's program:
//! signed in both directions by standard-webhooks, `type` says what happened.
//!
//! The entrance: `{"account", "events": [{"id", "type", "at", "from", …}]}`.
//!
//! A bad event never spoils its neighbours: `split` needs nothing but the list, and what one
//! event lacks is found out by `parse`, where it becomes a dead letter of its own.

use crate::action::{Body, HttpRequest};
use crate::inbound::{
    Inbound, InboundMessage, Malformed, Media, Part, Peer, Profile, RawRequest, Receipt,
    ReceiptState, Verdict,
};
use crate::signature;
use crate::view::{Inbox, ProviderApp};
use domain::Time;
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

const EVENTS_MAX: usize = 1000;

/// Until when the inbox's own window lets us answer; `None` without one.
pub fn reply_until(inbox: &Inbox, last_inbound_at: Time) -> Option<Time> {
    let hours = i64::try_from(inbox.number("reply_window_hours")?).ok()?;
    last_inbound_at.checked_add_signed(chrono::Duration::try_hours(hours)?)
}

pub fn verify(app: &ProviderApp, raw: &RawRequest) -> Verdict {
    let (Some(secret), Some(id), Some(timestamp), Some(signatures)) = (
        app.secrets.get("signing_secret"),
        raw.header("webhook-id"),
        raw.header("webhook-timestamp"),
        raw.header("webhook-signature"),
    ) else {
        return Verdict::Reject;
    };
    let is_valid = signature::is_valid(
        secret,
        id,
        timestamp,
        signatures,
        &raw.body,
        raw.received_at,
    );
    if raw.method == "POST" && is_valid {
        Verdict::Accept
    } else {
        Verdict::Reject
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    account: String,
    events: Vec<Value>,
}

pub fn split(raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
    let envelope: Envelope = serde_json::from_slice(&raw.body)?;
    if envelope.events.len() > EVENTS_MAX {
        return Err(Malformed::new("too many events in one request"));
    }
    envelope
        .events
        .iter()
        .map(|event| part(&envelope.account, event))
        .collect()
}

/// The stored form of one event, also made by the simulator in this process.
pub fn part(account: &str, event: &Value) -> Result<Part, Malformed> {
    let bytes = serde_json::to_vec(event)?;
    let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let dedupe = word(event, "id")
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| {
            let digest = Sha256::digest(&bytes);
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        });
    Ok(Part {
        account: word(event, "account").unwrap_or_else(|| account.to_owned()),
        lane: event
            .get("from")
            .and_then(|from| word(from, "id"))
            .unwrap_or_default(),
        dedupe,
        bytes,
    })
}

#[derive(Deserialize)]
struct Person {
    id: String,
    #[serde(default)]
    handle: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    avatar: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    former: Option<String>,
}

impl From<Person> for Peer {
    fn from(person: Person) -> Self {
        Self {
            display: person.handle.unwrap_or_else(|| person.id.clone()),
            handle: person.id,
            scope: String::new(),
            name: person.name,
            avatar: person.avatar,
            locale: person.locale,
            former: person.former,
        }
    }
}

#[derive(Deserialize)]
struct File {
    url: String,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    media_type: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    description: Option<String>,
}

impl From<File> for Media {
    fn from(file: File) -> Self {
        Self {
            media: file.url,
            name: file.name,
            media_type: file.media_type,
            size_bytes: file.size,
            description: file.description,
        }
    }
}

/// Every field any event may have; what a kind requires is asked for by that kind.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    at: Option<Time>,
    #[serde(default)]
    from: Option<Person>,
    #[serde(default)]
    thread: String,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    text: String,
    #[serde(default)]
    html: Option<String>,
    #[serde(default)]
    attachments: Vec<File>,
    #[serde(default)]
    reply_to: Option<String>,
    /// Written by the business account itself: by us, or in the network's own app.
    #[serde(default)]
    echo: bool,
    #[serde(default)]
    by_app: Option<bool>,
    #[serde(default)]
    state: Option<ReceiptState>,
    #[serde(default)]
    until: Option<Time>,
    #[serde(default)]
    problem: Option<String>,
    #[serde(default)]
    emoji: String,
    #[serde(default)]
    removed: bool,
    #[serde(default)]
    on: bool,
    #[serde(default)]
    credentials_died: bool,
}

pub fn parse(_inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
    let raw: Value = serde_json::from_slice(&part.bytes)?;
    let event: Event = serde_json::from_value(raw.clone())?;
    Ok(vec![fact(event, raw)?])
}

fn lacks(what: &str) -> Malformed {
    Malformed::new(format!("the event has no \"{what}\""))
}

fn fact(event: Event, raw: Value) -> Result<Inbound, Malformed> {
    let peer = event.from.map(Peer::from);
    let message_id = event.message_id.filter(|id| !id.is_empty());
    let need_id = || message_id.clone().ok_or_else(|| lacks("message_id"));
    let need_peer = || peer.clone().ok_or_else(|| lacks("from"));
    Ok(match event.kind.as_str() {
        "message" => Inbound::Message(Box::new(InboundMessage {
            external_id: need_id()?,
            peer: need_peer()?,
            thread: event.thread,
            text: event.text,
            html: event.html.as_deref().map(crate::markup::clean),
            attachments: event.attachments.into_iter().map(Media::from).collect(),
            quoted: event.reply_to,
            at: event.at,
            own_echo: event.echo,
            from_this_app: event.echo.then_some(event.by_app).flatten(),
            client_id: event.client_id,
            ..InboundMessage::default()
        })),
        "edit" => Inbound::Edit {
            external_id: need_id()?,
            text: event.text,
            html: event.html.as_deref().map(crate::markup::clean),
            attachments: event.attachments.into_iter().map(Media::from).collect(),
            at: event.at,
            own_echo: event.echo,
        },
        "delete" => Inbound::Delete {
            external_id: need_id()?,
            at: event.at,
        },
        "receipt" => Inbound::Receipt {
            of: match (message_id.clone(), event.client_id, event.until) {
                (Some(external_id), _, _) => Receipt::Message { external_id },
                (None, Some(client_id), _) => Receipt::Client { client_id },
                (None, None, Some(time)) => Receipt::UpTo {
                    peer: need_peer()?,
                    thread: event.thread,
                    time,
                },
                (None, None, None) => return Err(lacks("message_id")),
            },
            state: event.state.ok_or_else(|| lacks("state"))?,
            problem: event.problem,
            at: event.at,
        },
        "reaction" => Inbound::Reaction {
            external_id: need_id()?,
            by: need_peer()?,
            emoji: event.emoji,
            removed: event.removed,
            at: event.at,
            own_echo: event.echo,
        },
        "typing" => Inbound::Typing {
            peer: need_peer()?,
            thread: event.thread,
            on: event.on,
        },
        "profile" => Inbound::Profile(Profile { peer: need_peer()? }),
        "account" => Inbound::AccountProblem {
            credentials_died: event.credentials_died,
            reason: event.problem.ok_or_else(|| lacks("problem"))?,
            at: event.at,
        },
        _ => Inbound::Unknown {
            what: event.kind,
            external_id: message_id,
            peer,
            thread: event.thread,
            at: event.at,
            raw,
        },
    })
}

/// Every request carries the same kind of signature as the entrance asks for. A streamed file is
/// not covered by it; the signature then proves the sender only.
pub fn signed(
    inbox: &Inbox,
    method: Method,
    url: &Url,
    id: &str,
    body: Option<&Value>,
) -> HttpRequest {
    let bytes = body
        .map(|body| body.to_string().into_bytes())
        .unwrap_or_default();
    let id = if id.is_empty() {
        inbox.nonce.as_str()
    } else {
        id
    };
    let secret = inbox.secrets.get("signing_secret").unwrap_or_default();
    let mut request = HttpRequest::new(method, url.as_str())
        .header("webhook-id", id)
        .header("webhook-timestamp", inbox.now.timestamp().to_string())
        .header(
            "webhook-signature",
            signature::sign(secret, id, inbox.now, &bytes),
        );
    if body.is_some() {
        request.body = Body::Bytes {
            content_type: "application/json".into(),
            bytes,
        };
    }
    request
}
