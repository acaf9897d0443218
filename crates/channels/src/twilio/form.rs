//! What Twilio posts: a message of somebody, or what became of one of ours.

use super::errors;
use crate::inbound::{
    Inbound, InboundMessage, Malformed, Media, Part, Peer, RawRequest, Receipt, ReceiptState,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use url::form_urlencoded;

const FILES_MAX: usize = 10;
const FIELDS_MAX: usize = 1000;

type Fields = BTreeMap<String, String>;

fn read(bytes: &[u8]) -> Fields {
    form_urlencoded::parse(bytes)
        .take(FIELDS_MAX)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

fn word<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
}

fn sid(fields: &Fields) -> Option<&str> {
    word(fields, "MessageSid").or_else(|| word(fields, "SmsSid"))
}

/// One form is one event. Its message's id and state are the key: Twilio repeats both.
pub fn split(raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
    let fields = read(&raw.body);
    if fields.is_empty() {
        return Err(Malformed::new("an empty form"));
    }
    let state = word(&fields, "MessageStatus");
    let dedupe = match (sid(&fields), state) {
        (Some(sid), Some(state)) => format!("{sid}:{state}"),
        (Some(sid), None) if is_message(&fields) => sid.to_owned(),
        _ => Sha256::digest(&raw.body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    };
    let peer = if state.is_some() { "To" } else { "From" };
    Ok(vec![Part {
        account: String::new(),
        lane: word(&fields, peer).unwrap_or_default().to_owned(),
        dedupe,
        bytes: raw.body.clone(),
    }])
}

fn is_message(fields: &Fields) -> bool {
    fields.contains_key("Body") || fields.contains_key("NumMedia")
}

pub fn parse(bytes: &[u8]) -> Result<Vec<Inbound>, Malformed> {
    let fields = read(bytes);
    let Some(sid) = sid(&fields) else {
        return Ok(vec![unknown(&fields)]);
    };
    match word(&fields, "MessageStatus") {
        Some(state) => Ok(receipt(&fields, sid, state)),
        None if is_message(&fields) => Ok(vec![message(&fields, sid)?]),
        None => Ok(vec![unknown(&fields)]),
    }
}

fn unknown(fields: &Fields) -> Inbound {
    let raw: Map<String, Value> = fields
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().into()))
        .collect();
    Inbound::Unknown {
        what: word(fields, "EventType").unwrap_or("unknown form").to_owned(),
        external_id: sid(fields).map(str::to_owned),
        // The form of a state comes "from" ourselves.
        peer: word(fields, "From")
            .filter(|_| !fields.contains_key("MessageStatus"))
            .map(peer),
        thread: String::new(),
        at: None,
        raw: Value::Object(raw),
    }
}

pub fn peer(number: &str) -> Peer {
    Peer {
        handle: number.to_owned(),
        display: number.to_owned(),
        ..Peer::default()
    }
}

fn message(fields: &Fields, sid: &str) -> Result<Inbound, Malformed> {
    let from = word(fields, "From").ok_or_else(|| Malformed::new("a message without its sender"))?;
    Ok(Inbound::Message(Box::new(InboundMessage {
        external_id: sid.to_owned(),
        peer: peer(from),
        text: fields.get("Body").cloned().unwrap_or_default(),
        attachments: files(fields, sid),
        extra: json!({ "opt_out": word(fields, "OptOutType") }),
        ..InboundMessage::default()
    })))
}

fn files(fields: &Fields, sid: &str) -> Vec<Media> {
    let told: usize = word(fields, "NumMedia")
        .and_then(|count| count.parse().ok())
        .unwrap_or(0);
    (0..told.min(FILES_MAX))
        .filter_map(|index| {
            let url = word(fields, &format!("MediaUrl{index}"))?;
            let media_type = word(fields, &format!("MediaContentType{index}"))
                .unwrap_or("application/octet-stream");
            let extension = media_type.rsplit('/').next().unwrap_or("bin");
            Some(Media {
                media: url.to_owned(),
                name: format!("{sid}-{}.{extension}", index + 1),
                media_type: media_type.to_owned(),
                size_bytes: None,
                description: None,
            })
        })
        .collect()
}

/// States arrive in any order; who keeps them never goes back.
fn receipt(fields: &Fields, sid: &str, state: &str) -> Vec<Inbound> {
    let state = match state {
        "sent" => ReceiptState::Sent,
        "delivered" => ReceiptState::Delivered,
        "read" => ReceiptState::Read,
        "failed" | "undelivered" | "canceled" => ReceiptState::Failed,
        // On its way: nothing that an agent could act on.
        "accepted" | "scheduled" | "queued" | "sending" | "receiving" | "received" => {
            return Vec::new();
        }
        _ => return vec![unknown(fields)],
    };
    vec![Inbound::Receipt {
        of: Receipt::Message {
            external_id: sid.to_owned(),
        },
        state,
        problem: (state == ReceiptState::Failed).then(|| {
            let code = word(fields, "ErrorCode").and_then(|code| code.parse().ok());
            errors::words(code.unwrap_or(0))
        }),
        at: None,
    }]
}
