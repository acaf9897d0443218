//! What LINE posts: batches of events for one account.

use crate::inbound::{
    Inbound, InboundMessage, Malformed, Media, Part, Peer, RawRequest,
};
use domain::Time;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const EVENTS_MAX: usize = 1000;
/// In front of the id of a message whose file lies at LINE; anything else is an address.
pub const AT_LINE: &str = "line:";

#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    destination: String,
    events: Vec<Value>,
}

pub fn split(raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
    let batch: Batch = serde_json::from_slice(&raw.body)?;
    if batch.events.len() > EVENTS_MAX {
        return Err(Malformed::new("too many events in one request"));
    }
    batch
        .events
        .iter()
        .map(|event| part(&batch.destination, event))
        .collect()
}

fn part(account: &str, event: &Value) -> Result<Part, Malformed> {
    let bytes = serde_json::to_vec(event)?;
    let source = |key: &str| event.get("source")?.get(key)?.as_str().map(str::to_owned);
    // A redelivery carries the id of the first delivery.
    let id = event.get("webhookEventId").and_then(Value::as_str);
    let dedupe = id.filter(|id| !id.is_empty()).map_or_else(
        || {
            let digest = Sha256::digest(&bytes);
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        },
        str::to_owned,
    );
    Ok(Part {
        account: account.to_owned(),
        lane: source("groupId")
            .or_else(|| source("roomId"))
            .or_else(|| source("userId"))
            .unwrap_or_default(),
        dedupe,
        bytes,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default)]
    source: Source,
    #[serde(default)]
    webhook_event_id: String,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    unsend: Option<Unsend>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    group_id: Option<String>,
    #[serde(default)]
    room_id: Option<String>,
}

impl Source {
    /// Who wrote. Members who have not agreed to be known are only the group.
    fn peer(&self) -> Option<Peer> {
        let id = self
            .user_id
            .as_ref()
            .or(self.group_id.as_ref())
            .or(self.room_id.as_ref())?;
        Some(Peer {
            handle: id.clone(),
            ..Peer::default()
        })
    }

    fn thread(&self) -> String {
        let many = self.group_id.as_ref().or(self.room_id.as_ref());
        many.cloned().unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unsend {
    message_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    quote_token: Option<String>,
    #[serde(default)]
    quoted_message_id: Option<String>,
    #[serde(default)]
    mark_as_read_token: Option<String>,
    #[serde(default)]
    content_provider: Option<Provider>,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    file_size: Option<u64>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    latitude: Option<f64>,
    #[serde(default)]
    longitude: Option<f64>,
    #[serde(default)]
    keywords: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    #[serde(default)]
    original_content_url: Option<String>,
}

impl Message {
    /// `None` for kinds that did not exist when this was written.
    fn said(&self) -> Option<(String, Vec<Media>)> {
        let nothing = String::new;
        Some(match self.kind.as_str() {
            "text" => (self.text.clone().unwrap_or_default(), vec![]),
            "image" => (nothing(), vec![self.media("jpg", "image/jpeg")]),
            "video" => (nothing(), vec![self.media("mp4", "video/mp4")]),
            "audio" => (nothing(), vec![self.media("m4a", "audio/mp4")]),
            "file" => (nothing(), vec![self.media("bin", "application/octet-stream")]),
            "location" => (self.place(), vec![]),
            "sticker" => (self.sticker(), vec![]),
            _ => return None,
        })
    }

    fn media(&self, extension: &str, media_type: &str) -> Media {
        let outside = self
            .content_provider
            .as_ref()
            .and_then(|provider| provider.original_content_url.clone());
        Media {
            media: outside.unwrap_or_else(|| format!("{AT_LINE}{}", self.id)),
            name: self
                .file_name
                .clone()
                .unwrap_or_else(|| format!("{}.{extension}", self.id)),
            media_type: media_type.to_owned(),
            size_bytes: self.file_size,
            description: None,
        }
    }

    fn place(&self) -> String {
        let words: Vec<_> = [&self.title, &self.address]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        match (self.latitude, self.longitude) {
            (Some(lat), Some(lon)) => format!("📍 {} ({lat}, {lon})", words.join(", ")),
            _ => format!("📍 {}", words.join(", ")),
        }
    }

    /// What a sticker says: its own words, else the ideas it is searched by.
    fn sticker(&self) -> String {
        match (&self.text, self.keywords.as_slice()) {
            (Some(text), _) if !text.is_empty() => format!("[sticker] {text}"),
            (_, []) => "[sticker]".to_owned(),
            (_, keywords) => format!("[sticker] {}", keywords.join(", ")),
        }
    }
}

pub fn parse(bytes: &[u8]) -> Result<Vec<Inbound>, Malformed> {
    let event: Event = serde_json::from_slice(bytes)?;
    let at = event.timestamp.and_then(Time::from_timestamp_millis);
    match event.kind.as_str() {
        "message" | "messageEdited" => message(event, at, bytes),
        "unsend" => {
            let unsend = event
                .unsend
                .ok_or_else(|| Malformed::new("an unsend without its message"))?;
            Ok(vec![Inbound::Delete {
                external_id: unsend.message_id,
                at,
            }])
        }
        "botSuspended" => Ok(vec![Inbound::AccountProblem {
            credentials_died: false,
            reason: "LINE suspended this account. Look at the LINE Official Account Manager."
                .into(),
            at,
        }]),
        // Who is near, who came and went, and how modules are wired: nothing to answer.
        "follow" | "unfollow" | "join" | "leave" | "memberJoined" | "memberLeft" | "membership"
        | "beacon" | "accountLink" | "videoPlayComplete" | "delivery" | "module" | "activated"
        | "deactivated" | "botResumed" => Ok(Vec::new()),
        _ => unknown(&event.kind, &event, at, bytes),
    }
}

fn unknown(
    what: &str,
    event: &Event,
    at: Option<Time>,
    bytes: &[u8],
) -> Result<Vec<Inbound>, Malformed> {
    Ok(vec![Inbound::Unknown {
        what: what.to_owned(),
        external_id: match &event.message {
            Some(message) => Some(message.id.clone()),
            None => Some(format!("event:{}", event.webhook_event_id)),
        },
        peer: event.source.peer(),
        thread: event.source.thread(),
        at,
        raw: serde_json::from_slice(bytes)?,
    }])
}

fn message(event: Event, at: Option<Time>, bytes: &[u8]) -> Result<Vec<Inbound>, Malformed> {
    let message = event
        .message
        .as_ref()
        .ok_or_else(|| Malformed::new("a message event without its message"))?;
    let (Some((text, attachments)), Some(peer)) = (message.said(), event.source.peer()) else {
        return unknown(&message.kind, &event, at, bytes);
    };
    if event.kind == "messageEdited" {
        return Ok(vec![Inbound::Edit {
            external_id: message.id.clone(),
            text,
            html: None,
            attachments,
            at,
            own_echo: false,
        }]);
    }
    Ok(vec![Inbound::Message(Box::new(InboundMessage {
        external_id: message.id.clone(),
        peer,
        thread: event.source.thread(),
        text,
        attachments,
        quoted: message.quoted_message_id.clone(),
        at,
        extra: json!({
            "quote_token": message.quote_token,
            "read_token": message.mark_as_read_token,
            // Another program owns this chat for now: an answer of ours would be refused.
            "standby": event.mode == "standby",
        }),
        ..InboundMessage::default()
    }))])
}
