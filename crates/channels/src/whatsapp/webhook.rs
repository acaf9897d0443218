//! Meta's batches of batches, cut into one part per event, so that one bad event spoils no other.

use crate::inbound::{Malformed, Part, RawRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const EVENTS_MAX: usize = 1000;
/// What a change may list, each with the member that tells its kinds apart.
const LISTS: [(&str, &str); 4] = [
    ("messages", "type"),
    ("message_echoes", "type"),
    ("statuses", "status"),
    ("calls", "event"),
];

#[derive(Deserialize)]
struct Envelope {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    time: Value,
    #[serde(default)]
    changes: Vec<Value>,
}

pub fn split(raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
    let envelope: Envelope = serde_json::from_slice(&raw.body)?;
    let mut parts = Vec::new();
    for entry in &envelope.entry {
        for change in &entry.changes {
            cut(&entry.time, change, &mut parts)?;
            if parts.len() > EVENTS_MAX {
                return Err(Malformed::new("too many events in one request"));
            }
        }
    }
    Ok(parts)
}

fn cut(time: &Value, change: &Value, parts: &mut Vec<Part>) -> Result<(), Malformed> {
    let value = &change["value"];
    let number = &value["metadata"]["phone_number_id"];
    let before = parts.len();
    for (list, kind) in LISTS {
        for event in value[list].as_array().into_iter().flatten() {
            let contact = contact_of(value, event);
            let stored = json!({
                "field": change["field"], "list": list, "number": number,
                "contact": contact, "event": event,
            });
            let person = Person::of(list, event, &contact);
            let dedupe = match (event["id"].as_str(), event[kind].as_str()) {
                (Some(id), what) if !id.is_empty() => {
                    let who = event["recipient_participant_id"].as_str().unwrap_or("");
                    format!("{list}:{}:{id}:{who}", what.unwrap_or(""))
                }
                _ => digest(&stored)?,
            };
            let group = text(event, "group_id");
            parts.push(Part {
                account: text(&value["metadata"], "phone_number_id").unwrap_or_default(),
                lane: group.or_else(|| person.handle()).unwrap_or_default(),
                dedupe,
                bytes: serde_json::to_vec(&stored)?,
            });
        }
    }
    if parts.len() == before {
        // News of the account rather than of a person: templates, quality, groups, history.
        let stored = json!({ "field": change["field"], "number": number, "time": time, "event": value });
        parts.push(Part {
            account: text(&value["metadata"], "phone_number_id").unwrap_or_default(),
            lane: String::new(),
            // Such news carry no id; Meta's time tells a second one from a repeat of the first.
            dedupe: digest(&stored)?,
            bytes: serde_json::to_vec(&stored)?,
        });
    }
    Ok(())
}

fn digest(value: &Value) -> Result<String, Malformed> {
    let digest = Sha256::digest(serde_json::to_vec(value)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

pub fn text(value: &Value, key: &str) -> Option<String> {
    let text = value.get(key)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// What the batch tells about the person of this event. A batch of one person names nobody.
fn contact_of(value: &Value, event: &Value) -> Value {
    let Some(contacts) = value["contacts"].as_array() else {
        return Value::Null;
    };
    if let [only] = contacts.as_slice() {
        return only.clone();
    }
    let names = |key: &str| [&event["from"], &event["to"], &event["recipient_id"]].contains(&&Value::from(key));
    let users = [&event["from_user_id"], &event["to_user_id"], &event["recipient_user_id"]];
    let is_it = |contact: &&Value| {
        contact["wa_id"].as_str().is_some_and(names)
            || contact["user_id"].is_string() && users.contains(&&contact["user_id"])
    };
    contacts.iter().find(is_it).cloned().unwrap_or_default()
}

/// A customer: by the id that Meta gives her towards this business, and by her phone where told.
#[derive(Debug, Default, PartialEq)]
pub struct Person {
    pub phone: Option<String>,
    pub user: Option<String>,
}

impl Person {
    pub fn of(list: &str, event: &Value, contact: &Value) -> Self {
        let (phone, user) = match list {
            "message_echoes" => ("to", "to_user_id"),
            "statuses" => ("recipient_id", "recipient_user_id"),
            "calls" if event["direction"] == "BUSINESS_INITIATED" => ("to", "to_user_id"),
            _ => ("from", "from_user_id"),
        };
        let about = |key: &str| text(contact, key);
        Self {
            phone: text(event, phone).or_else(|| about("wa_id")),
            user: text(event, user).or_else(|| about("user_id")),
        }
    }

    /// The phone may be missing, and may change; the id does neither.
    pub fn handle(&self) -> Option<String> {
        self.user.clone().or_else(|| self.phone.clone())
    }
}
