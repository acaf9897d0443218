//! The simulated network as it stands at our door: it signs what its customers do and posts it to
//! the same entrance as any provider.
//!
//! Invariant: an event's id follows from the seed and its number, so an event that is posted again
//! after a crash is a repeat like any other and changes nothing.

use super::cast::{Line, Stage};
use crate::inbound::{self, Accepted};
use crate::{App, Error, Result};
use channels::RawRequest;
use channels::sandbox::scenario::{self, State};
use channels::signature;
use domain::message::Message;
use domain::{InboxId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const CHANNEL: &str = "sandbox";
/// How many of ten customers write on the social network; the others send phone texts.
const SOCIAL_OF_TEN: u64 = 6;

/// How far the story is. Kept between starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    pub seed: u64,
    pub told: u64,
    state: State,
}

impl Story {
    pub fn begin(seed: u64) -> Self {
        Self {
            seed,
            told: 0,
            state: State::default(),
        }
    }

    /// The next thing a customer does, at `at`.
    pub fn next(&mut self, stage: &Stage, at: Time) -> Option<Posting> {
        let (state, mut event) = scenario::next_event(&self.state, self.seed, self.told, at);
        self.state = state;
        self.told += 1;
        let line = line_of(stage, &mut event)?;
        Some(Posting {
            inbox: line.inbox,
            event,
        })
    }
}

/// One event for one inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting {
    pub inbox: InboxId,
    pub event: Value,
}

/// Each customer always uses the same way; a texting one is known by her number only. The numbers
/// are of ranges that belong to nobody.
fn line_of<'a>(stage: &'a Stage, event: &mut Value) -> Option<&'a Line> {
    let id = event.pointer("/from/id").and_then(Value::as_str)?;
    let number: u64 = id.rsplit('-').next()?.parse().ok()?;
    if number.wrapping_mul(7) % 10 < SOCIAL_OF_TEN {
        return stage.lines.first();
    }
    let is_korean = event.pointer("/from/locale").and_then(Value::as_str) == Some("ko");
    let phone = if is_korean {
        format!("+82 10-0000-{:04}", number % 10_000)
    } else {
        format!("+44 7700 900{:03}", number % 1_000)
    };
    if let Some(from) = event.get_mut("from").and_then(Value::as_object_mut) {
        from.insert("id".into(), phone.replace([' ', '-'], "").into());
        from.insert("handle".into(), phone.into());
    }
    stage.lines.get(1)
}

/// What the network says about a message of ours.
pub fn receipt(
    inbox: InboxId,
    peer: &str,
    message: &Message,
    state: &str,
    at: Time,
) -> Option<Posting> {
    let external_id = message.external_id.clone().or_else(|| {
        // What the sandbox will call it.
        Some(format!("sandbox-{}", message.client_id.as_deref()?))
    })?;
    Some(Posting {
        inbox,
        event: json!({
            "id": format!("{state}-{external_id}"),
            "type": "receipt",
            "at": at,
            "from": { "id": peer },
            "message_id": external_id,
            "state": state,
        }),
    })
}

/// Brings everything to the door, one signed request per inbox.
pub async fn post(app: &App, stage: &Stage, postings: Vec<Posting>) -> Result<()> {
    let mut by_inbox: BTreeMap<InboxId, Vec<Value>> = BTreeMap::new();
    for posting in postings {
        by_inbox
            .entry(posting.inbox)
            .or_default()
            .push(posting.event);
    }
    for line in &stage.lines {
        if let Some(events) = by_inbox.remove(&line.inbox) {
            deliver(app, line, &events).await?;
        }
    }
    Ok(())
}

async fn deliver(app: &App, line: &Line, events: &[Value]) -> Result<()> {
    let now = app.now();
    let body = json!({ "account": line.account, "events": events })
        .to_string()
        .into_bytes();
    let id = format!("demo-{}", now.timestamp_micros());
    let signed = signature::sign(&line.secret, &id, now, &body);
    let header = |name: &str, value: String| (name.to_owned(), value.into_bytes());
    let raw = RawRequest {
        method: "POST".into(),
        path: format!("/webhooks/{CHANNEL}/{}", line.key),
        query: String::new(),
        headers: vec![
            header("webhook-id", id),
            header("webhook-timestamp", now.timestamp().to_string()),
            header("webhook-signature", signed),
        ],
        body,
        received_at: now,
        public_url: app.config.public_url.clone(),
    };
    match inbound::accept(app, CHANNEL, &line.key, &raw).await? {
        Accepted::Stored { .. } => Ok(()),
        refused => Err(Error::internal(format!(
            "the door did not let the demo's own customers in: {refused:?}"
        ))),
    }
}
