//! Walking through notifications, and the parts made of them. Shared by `Poll` and the session.

use super::connect::accepted;
use super::send::authorised;
use crate::action::{HttpRequest, Outcome};
use crate::address;
use crate::inbound::Part;
use crate::session::Cursor;
use crate::steps::{Steps, Stop};
use crate::view::Inbox;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::VecDeque;
use url::Url;

/// Statuses whose edits and deletes we still look for; the network does not always push them.
const WATCHED_MAX: usize = 12;
const PAGE: usize = 40;

/// A customer's status that may change yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<String>,
    pub lane: String,
}

/// Where reading goes on. `after`: `None` when nobody looked yet, empty when there was nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    #[serde(default)]
    pub after: Option<String>,
    #[serde(default)]
    pub watched: VecDeque<Watched>,
}

impl Position {
    /// The stored cursor, else where the notifications stood when the account was connected.
    pub fn of(inbox: &Inbox, cursor: Option<&Cursor>) -> Self {
        cursor
            .and_then(|cursor| serde_json::from_str(&cursor.0).ok())
            .unwrap_or_else(|| Self {
                after: inbox
                    .settings
                    .get("notifications_from")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                watched: VecDeque::new(),
            })
    }

    pub fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// Takes one notification in; `None` when it carries no id.
    pub fn take(&mut self, inbox: &Inbox, notification: &Value) -> Option<Part> {
        let id = notification.get("id")?.as_str()?.to_owned();
        let from = notification.pointer("/account/id").and_then(Value::as_str);
        let lane = from.unwrap_or_default().to_owned();
        if let Some(status) = notification.get("status").filter(|s| s.is_object()) {
            self.watch(inbox, status, &lane);
        }
        self.after = Some(id.clone());
        Some(part(
            inbox,
            lane,
            format!("n:{id}"),
            "notification",
            notification,
        ))
    }

    fn watch(&mut self, inbox: &Inbox, status: &Value, lane: &str) {
        let author = status.pointer("/account/id").and_then(Value::as_str);
        let Some(id) = status.get("id").and_then(Value::as_str) else {
            return;
        };
        if author == Some(inbox.account.as_str()) || self.watched.iter().any(|w| w.id == id) {
            return;
        }
        self.watched.push_back(Watched {
            id: id.to_owned(),
            edited: status
                .get("edited_at")
                .and_then(Value::as_str)
                .map(str::to_owned),
            lane: lane.to_owned(),
        });
        if self.watched.len() > WATCHED_MAX {
            self.watched.pop_front();
        }
    }
}

pub fn part(inbox: &Inbox, lane: String, dedupe: String, event: &str, payload: &Value) -> Part {
    Part {
        account: inbox.account.clone(),
        lane,
        dedupe,
        bytes: json!({ "event": event, "payload": payload })
            .to_string()
            .into_bytes(),
    }
}

/// The oldest page after the position; the newest single one when nobody looked yet.
pub fn page(inbox: &Inbox, at: &Url, after: Option<&str>) -> HttpRequest {
    let limit = PAGE.to_string();
    let mut query = vec![("limit", limit.as_str())];
    match after {
        None => query = vec![("limit", "1")],
        Some("") => {}
        Some(id) => query.push(("min_id", id)),
    }
    let url = address::join(at, &["api", "v1", "notifications"], &query);
    authorised(inbox, Method::GET, &url)
}

pub fn poll(
    inbox: &Inbox,
    at: &Url,
    cursor: Option<&Cursor>,
    mut steps: Steps<'_>,
) -> Result<Outcome, Stop> {
    let mut position = Position::of(inbox, cursor);
    let first_look = position.after.is_none();
    let response = steps.take(|| page(inbox, at, position.after.as_deref()))?;
    let newest_first: Vec<Value> = accepted(inbox, response)?;
    let mut parts = Vec::new();
    for notification in newest_first.iter().rev() {
        parts.extend(position.take(inbox, notification));
    }
    if first_look {
        position = Position {
            after: Some(position.after.unwrap_or_default()),
            watched: VecDeque::new(),
        };
        parts.clear();
    }
    Ok(Outcome::Polled {
        more: !parts.is_empty(),
        parts,
        cursor: Some(position.cursor()),
    })
}

pub fn backfill(
    inbox: &Inbox,
    at: &Url,
    count: usize,
    mut steps: Steps<'_>,
) -> Result<Outcome, Stop> {
    let mut parts = Vec::new();
    let mut before: Option<String> = None;
    while parts.len() < count {
        let limit = PAGE.min(count - parts.len()).to_string();
        let mut query = vec![("limit", limit.as_str()), ("types[]", "mention")];
        if let Some(id) = &before {
            query.push(("max_id", id));
        }
        let url = address::join(at, &["api", "v1", "notifications"], &query);
        let page: Vec<Value> =
            accepted(inbox, steps.take(|| authorised(inbox, Method::GET, &url))?)?;
        let mut seen = Position::default();
        let found: Vec<Part> = page.iter().filter_map(|n| seen.take(inbox, n)).collect();
        // A page that names no new id would be asked for again and again.
        if found.is_empty() || seen.after == before {
            break;
        }
        before = seen.after;
        parts.extend(found);
    }
    parts.truncate(count);
    Ok(Outcome::Polled {
        parts,
        cursor: None,
        more: false,
    })
}
