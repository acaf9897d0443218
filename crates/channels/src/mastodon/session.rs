//! The user stream of one account, sans-IO.
//!
//! Invariants: the cursor walks through notifications in their order; whatever the stream missed
//! is read from `GET /api/v1/notifications` after every (re)connect, and while a read is under
//! way the stream only rings: its payload is not used, so nothing is delivered out of order.
//! Without a stream the same reading goes on by the clock. The token travels in a header; in the
//! address only when an instance refuses the header, as the API documents for browsers.

use super::poll::{Position, Watched, page, part};
use super::send::authorised;
use super::status::KNOWN_UPDATE;
use super::{USER_AGENT, base, errors};
use crate::action::{Outcome, Response};
use crate::address;
use crate::session::{self, Cursor, Endpoint, Input, Output, Session};
use crate::view::Inbox;
use domain::Time;
use http::Method;
use serde::Deserialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;
use url::Url;

const POLL_EVERY: Duration = Duration::from_secs(3);
/// With a live stream only edits and deletes of strangers are looked for, slowly.
const WATCH_LIVE_EVERY: Duration = Duration::from_secs(30);
const WATCH_POLLING_EVERY: Duration = Duration::from_secs(6);
const PING_EVERY: Duration = Duration::from_secs(30);
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// A refused stream is tried again after this long.
const STREAM_AGAIN: Duration = Duration::from_secs(600);
/// More than this many parts that are not stored yet, and reading waits.
const UNSTORED_MAX: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    TokenInHeader,
    TokenInAddress,
    Polling,
}

pub struct UserStream {
    inbox: Inbox,
    at: Url,
    stream: Option<Url>,
    position: Position,
    way: Way,
    open: bool,
    failures: u32,
    calls: u64,
    /// The read of notifications that is under way.
    reading: Option<u64>,
    /// Something new came while reading: read once more.
    again: bool,
    /// The known status that is being looked at.
    watching: Option<(u64, String)>,
    unstored: VecDeque<Cursor>,
    heard: Time,
    ping_at: Option<Time>,
    read_at: Option<Time>,
    watch_at: Option<Time>,
    open_at: Option<Time>,
}

#[derive(Deserialize)]
struct Frame {
    event: String,
    #[serde(default)]
    payload: Value,
}

/// Stream events that change nothing for a conversation.
const QUIET: &[&str] = &[
    "filters_changed",
    "announcement",
    "announcement.reaction",
    "announcement.delete",
    "conversation",
    "notifications_merged",
];

impl UserStream {
    pub fn new(inbox: Inbox, cursor: Option<&Cursor>) -> Option<Self> {
        let at = base(&inbox)?;
        inbox.secrets.get("access_token")?;
        Some(Self {
            stream: stream_address(&inbox, &at),
            position: Position::of(&inbox, cursor),
            way: Way::TokenInHeader,
            open: false,
            failures: 0,
            calls: 0,
            reading: None,
            again: false,
            watching: None,
            unstored: VecDeque::new(),
            heard: inbox.now,
            ping_at: None,
            read_at: None,
            watch_at: None,
            open_at: None,
            at,
            inbox,
        })
    }

    fn open_stream(&mut self, out: &mut Vec<Output>) {
        self.open_at = None;
        let token = self.inbox.secrets.get("access_token").unwrap_or_default();
        let Some(mut url) = self.stream.clone().filter(|_| self.way != Way::Polling) else {
            self.way = Way::Polling;
            return;
        };
        let mut headers = vec![("user-agent", USER_AGENT.to_owned())];
        url.query_pairs_mut().append_pair("stream", "user");
        if self.way == Way::TokenInHeader {
            headers.push(("authorization", format!("Bearer {token}")));
        } else {
            url.query_pairs_mut().append_pair("access_token", token);
        }
        out.push(Output::Open(Endpoint::WebSocket {
            url: url.into(),
            headers,
        }));
    }

    fn read(&mut self, out: &mut Vec<Output>) {
        if self.reading.is_some() || self.unstored.len() > UNSTORED_MAX {
            self.again = true;
            return;
        }
        self.again = false;
        self.read_at = None;
        self.calls += 1;
        self.reading = Some(self.calls);
        out.push(Output::Call {
            call: self.calls,
            request: Box::new(page(&self.inbox, &self.at, self.position.after.as_deref())),
        });
    }

    fn deliver(&mut self, notification: &Value, out: &mut Vec<Output>) {
        if let Some(part) = self.position.take(&self.inbox, notification) {
            self.hand_over(part, out);
        }
    }

    fn hand_over(&mut self, part: crate::Part, out: &mut Vec<Output>) {
        let cursor = self.position.cursor();
        self.unstored.push_back(cursor.clone());
        out.push(Output::Deliver { part, cursor });
    }

    fn received(&mut self, bytes: &[u8], now: Time, out: &mut Vec<Output>) {
        self.heard = now;
        // What cannot be read here is read again from the notifications; nothing is lost.
        let Ok(Frame { event, payload }) = serde_json::from_slice::<Frame>(bytes) else {
            return;
        };
        // The stream wraps its payload in a string; the bare id of a delete stays a string.
        let payload = match &payload {
            Value::String(text) if event != "delete" => {
                serde_json::from_str(text).unwrap_or(Value::Null)
            }
            _ => payload,
        };
        let id = payload
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let author = payload.pointer("/account/id").and_then(Value::as_str);
        let lane = author.unwrap_or_default().to_owned();
        match event.as_str() {
            "notification" if self.reading.is_some() || self.position.after.is_none() => {
                self.again = true;
            }
            "notification" => self.deliver(&payload, out),
            "update" if author == Some(self.inbox.account.as_str()) => {
                let key = format!("s:{id}");
                self.hand_over(part(&self.inbox, lane, key, "update", &payload), out);
            }
            "status.update" => {
                let edited = payload.get("edited_at").and_then(Value::as_str);
                let known = self.position.watched.iter_mut().find(|w| w.id == id);
                let name = if let Some(known) = known {
                    known.edited = edited.map(str::to_owned);
                    KNOWN_UPDATE
                } else {
                    "status.update"
                };
                let key = format!("u:{id}:{}", edited.unwrap_or_default());
                self.hand_over(part(&self.inbox, lane, key, name, &payload), out);
            }
            "delete" => {
                if let Some(id) = payload.as_str() {
                    self.deleted(id, out);
                }
            }
            // Other people's posts on the home timeline are not written to us.
            "update" => {}
            other if QUIET.contains(&other) => {}
            other => {
                let text = payload.to_string();
                let key = format!("x:{other}:{id}:{}", text.len());
                self.hand_over(part(&self.inbox, lane, key, other, &payload), out);
            }
        }
    }

    fn deleted(&mut self, id: &str, out: &mut Vec<Output>) {
        let known = self.position.watched.iter().position(|w| w.id == id);
        let lane = known
            .and_then(|index| self.position.watched.remove(index))
            .map_or_else(|| format!("status:{id}"), |watched| watched.lane);
        let payload = Value::String(id.to_owned());
        self.hand_over(
            part(&self.inbox, lane, format!("d:{id}"), "delete", &payload),
            out,
        );
    }

    fn answered(
        &mut self,
        call: u64,
        response: Option<&Response>,
        now: Time,
        out: &mut Vec<Output>,
    ) {
        if self.reading == Some(call) {
            self.reading = None;
            self.page_came(response, now, out);
        } else if let Some((_, id)) = self.watching.take_if(|(watched, _)| *watched == call) {
            self.known_came(&id, response, out);
        }
    }

    fn page_came(&mut self, response: Option<&Response>, now: Time, out: &mut Vec<Output>) {
        let wait = match response {
            Some(response) if response.status == 401 => {
                out.push(Output::Close);
                out.push(Output::Ended(errors::refused(response, now)));
                return;
            }
            Some(response) if response.is_success() => {
                let Some(newest_first) = response.json::<Vec<Value>>() else {
                    self.read_at = Some(now + self.back_off());
                    return;
                };
                self.failures = if self.open || self.way == Way::Polling {
                    0
                } else {
                    self.failures
                };
                self.took_page(&newest_first, out);
                if self.again || !newest_first.is_empty() {
                    self.read(out);
                } else if !self.open {
                    self.read_at = Some(now + POLL_EVERY);
                }
                return;
            }
            Some(response) => errors::wait(response, now),
            None => None,
        };
        self.failures = self.failures.saturating_add(1);
        self.read_at = Some(now + wait.unwrap_or_else(|| self.back_off()));
    }

    fn took_page(&mut self, newest_first: &[Value], out: &mut Vec<Output>) {
        if self.position.after.is_some() {
            for notification in newest_first.iter().rev() {
                self.deliver(notification, out);
            }
            return;
        }
        // Nobody looked before: what is there already is history, reading starts behind it.
        let newest = newest_first
            .first()
            .and_then(|n| n.get("id"))
            .and_then(Value::as_str);
        self.position.after = Some(newest.unwrap_or_default().to_owned());
        out.push(Output::Advance(self.position.cursor()));
    }

    /// Asks for the known statuses one after the other.
    fn watch(&mut self, now: Time, out: &mut Vec<Output>) {
        self.watch_at = Some(
            now + if self.open {
                WATCH_LIVE_EVERY
            } else {
                WATCH_POLLING_EVERY
            },
        );
        if self.watching.is_some() {
            return;
        }
        let Some(next) = self.position.watched.pop_front() else {
            return;
        };
        let url = address::join(&self.at, &["api", "v1", "statuses", &next.id], &[]);
        self.calls += 1;
        self.watching = Some((self.calls, next.id.clone()));
        self.position.watched.push_back(next);
        out.push(Output::Call {
            call: self.calls,
            request: Box::new(authorised(&self.inbox, Method::GET, &url)),
        });
    }

    fn known_came(&mut self, id: &str, response: Option<&Response>, out: &mut Vec<Output>) {
        let Some(response) = response else { return };
        if matches!(response.status, 404 | 410) {
            if self.position.watched.iter().any(|w| w.id == id) {
                self.deleted(id, out);
            }
            return;
        }
        let Some(status) = response.json::<Value>().filter(|_| response.is_success()) else {
            return;
        };
        let edited = status
            .get("edited_at")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let Some(known) = self.position.watched.iter_mut().find(|w| w.id == id) else {
            return;
        };
        if known.edited != edited {
            known.edited.clone_from(&edited);
            let Watched { lane, .. } = known.clone();
            let key = format!("u:{id}:{}", edited.unwrap_or_default());
            self.hand_over(part(&self.inbox, lane, key, KNOWN_UPDATE, &status), out);
        }
    }

    fn closed(&mut self, status: Option<u16>, reason: String, now: Time, out: &mut Vec<Output>) {
        let was_open = std::mem::take(&mut self.open);
        self.ping_at = None;
        // A refusal that waiting may cure (busy, restarting) says nothing about the way.
        let refused = !was_open && matches!(status, Some(300..=428 | 430..=499));
        if refused {
            self.way = match self.way {
                Way::TokenInHeader => Way::TokenInAddress,
                Way::TokenInAddress | Way::Polling => Way::Polling,
            };
        }
        let note = if was_open {
            reason
        } else {
            "no live stream, asking every few seconds".into()
        };
        out.push(Output::Health { live: false, note });
        if self.way == Way::Polling {
            self.open_at = Some(now + STREAM_AGAIN);
        } else if refused {
            self.open_stream(out);
        } else {
            self.failures = self.failures.saturating_add(1);
            self.open_at = Some(now + self.back_off());
        }
        self.read(out);
    }

    fn back_off(&self) -> Duration {
        session::back_off(&self.inbox.nonce, self.failures)
    }

    fn timer(&mut self, now: Time, out: &mut Vec<Output>) {
        let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if due(self.open_at) {
            if self.way == Way::Polling {
                self.way = Way::TokenInHeader;
            }
            self.open_stream(out);
        }
        if due(self.ping_at) {
            if now - self.heard > chrono::Duration::from_std(SILENCE_MAX).unwrap_or_default() {
                out.push(Output::Close);
                self.closed(None, "the stream fell silent".into(), now, out);
            } else {
                self.ping_at = Some(now + PING_EVERY);
                out.push(Output::WritePing);
            }
        }
        if due(self.read_at) {
            self.read(out);
        }
        if due(self.watch_at) {
            self.watch(now, out);
        }
    }
}

/// `wss://…/api/v1/streaming`: where the instance says, else at the instance itself.
fn stream_address(inbox: &Inbox, at: &Url) -> Option<Url> {
    let told = inbox
        .setting("streaming_url")
        .and_then(|told| Url::parse(told).ok());
    let secure = at.scheme() == "https";
    let mut url = match told {
        // The token goes there: never unprotected when the instance itself is protected.
        Some(url) if url.scheme() == "wss" || (url.scheme() == "ws" && !secure) => url,
        _ => {
            let mut url = at.clone();
            url.set_scheme(if secure { "wss" } else { "ws" }).ok()?;
            url
        }
    };
    url.set_query(None);
    Some(address::join(&url, &["api", "v1", "streaming"], &[]))
}

impl Session for UserStream {
    fn handle(&mut self, input: Input, now: Time) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Start => {
                self.heard = now;
                self.watch_at = Some(now + WATCH_POLLING_EVERY);
                self.open_stream(&mut out);
                self.read(&mut out);
            }
            Input::Opened => {
                self.open = true;
                self.failures = 0;
                self.heard = now;
                self.ping_at = Some(now + PING_EVERY);
                out.push(Output::Health {
                    live: true,
                    note: String::new(),
                });
                self.read(&mut out);
            }
            Input::Received(bytes) => self.received(&bytes, now, &mut out),
            Input::Pong => self.heard = now,
            Input::Closed { status, reason } => self.closed(status, reason, now, &mut out),
            Input::Timer => self.timer(now, &mut out),
            Input::Answered { call, response } => {
                self.answered(call, response.as_ref(), now, &mut out);
            }
            Input::Perform { job, .. } => out.push(Output::Done {
                job,
                outcome: Outcome::Unsupported,
            }),
            Input::Stored(cursor) => {
                if let Some(index) = self.unstored.iter().rposition(|c| *c == cursor) {
                    self.unstored.drain(..=index);
                }
                if self.again {
                    self.read(&mut out);
                }
            }
            Input::Stop => {
                out.push(Output::Close);
                return out;
            }
        }
        if out.iter().any(|o| matches!(o, Output::Ended(_))) {
            return out;
        }
        let times = [self.ping_at, self.read_at, self.watch_at, self.open_at];
        if let Some(next) = times.into_iter().flatten().min() {
            out.push(Output::TimerAt(next));
        }
        out
    }
}
