//! Promises of the user stream, played without a network.

use super::CHANNEL;
use crate::testing::{answer, empty, inbox};
use crate::{Channel, Cursor, Endpoint, Input, Outcome, Output, Response, Session};
use domain::Time;
use serde_json::{Value, json};

struct Play {
    session: Box<dyn Session>,
    now: Time,
    out: Vec<Output>,
}

impl Play {
    fn new(cursor: Option<&str>) -> Self {
        let mut inbox = inbox(&CHANNEL);
        inbox
            .settings
            .insert("notifications_from".into(), "100".into());
        let cursor = cursor.map(|text| Cursor(text.into()));
        let mut play = Self {
            session: CHANNEL.session(&inbox, cursor.as_ref()).expect("session"),
            now: inbox.now,
            out: Vec::new(),
        };
        play.give(Input::Start);
        play
    }

    fn give(&mut self, input: Input) {
        self.out = self.session.handle(input, self.now);
    }

    fn wait(&mut self, seconds: i64) {
        self.now += chrono::Duration::seconds(seconds);
        self.give(Input::Timer);
    }

    fn answer(&mut self, response: Response) {
        let (call, _) = self.call().expect("a call under way");
        self.give(Input::Answered {
            call,
            response: Some(response),
        });
    }

    fn call(&self) -> Option<(u64, String)> {
        self.out.iter().find_map(|o| match o {
            Output::Call { call, request } => Some((*call, request.url.clone())),
            _ => None,
        })
    }

    fn opens(&self) -> Option<(&str, bool)> {
        self.out.iter().find_map(|o| match o {
            Output::Open(Endpoint::WebSocket { url, headers }) => Some((
                url.as_str(),
                headers.iter().any(|(name, _)| *name == "authorization"),
            )),
            _ => None,
        })
    }

    /// Dedupe keys of what was delivered, and the last cursor.
    fn delivered(&self) -> (Vec<String>, Option<String>) {
        let parts = self.out.iter().filter_map(|o| match o {
            Output::Deliver { part, cursor } => Some((part.dedupe.clone(), cursor.0.clone())),
            _ => None,
        });
        let (keys, cursors): (Vec<_>, Vec<_>) = parts.unzip();
        (keys, cursors.last().cloned())
    }

    fn closed(&mut self, status: Option<u16>) {
        self.give(Input::Closed {
            status,
            reason: "gone".into(),
        });
    }

    fn says(&mut self, event: &str, payload: &Value) {
        let frame = json!({ "stream": ["user"], "event": event, "payload": payload.to_string() });
        self.give(Input::Received(frame.to_string().into_bytes()));
    }
}

fn mention(id: &str) -> Value {
    json!({ "id": id, "type": "mention", "account": { "id": "77", "acct": "jiwoo" },
        "status": { "id": format!("s{id}"), "account": { "id": "77", "acct": "jiwoo" }, "visibility": "direct" } })
}

fn page(ids: &[&str]) -> Response {
    answer(200, &ids.iter().map(|id| mention(id)).collect())
}

#[test]
fn what_was_missed_is_read_after_every_connect_oldest_first_until_nothing_is_left() {
    let mut play = Play::new(None);
    assert!(
        play.call()
            .is_some_and(|(_, url)| url.ends_with("/api/v1/notifications?limit=40&min_id=100"))
    );
    play.answer(page(&["103", "102", "101"]));
    assert_eq!(play.delivered().0, ["n:101", "n:102", "n:103"]);
    assert!(
        play.call()
            .is_some_and(|(_, url)| url.contains("min_id=103"))
    );
    play.answer(page(&[]));
    assert!(play.call().is_none());
    play.give(Input::Opened);
    assert!(
        play.call()
            .is_some_and(|(_, url)| url.contains("min_id=103"))
    );
}

#[test]
fn a_session_goes_on_where_the_stored_cursor_says() {
    let mut play = Play::new(None);
    play.answer(page(&["101"]));
    let (_, cursor) = play.delivered();
    let again = Play::new(cursor.as_deref());
    assert!(
        again
            .call()
            .is_some_and(|(_, url)| url.contains("min_id=101"))
    );
}

#[test]
fn the_stream_only_rings_while_a_read_is_under_way() {
    let mut play = Play::new(None);
    let read = play.call();
    play.give(Input::Opened);
    play.says("notification", &mention("105"));
    assert!(play.delivered().0.is_empty());
    let (call, _) = read.expect("a read");
    play.give(Input::Answered {
        call,
        response: Some(page(&[])),
    });
    assert!(
        play.call().is_some(),
        "it reads once more because the stream rang"
    );
    play.answer(page(&["105", "104"]));
    assert_eq!(play.delivered().0, ["n:104", "n:105"]);
    play.answer(page(&[]));
    play.says("notification", &mention("106"));
    assert_eq!(play.delivered().0, ["n:106"]);
}

#[test]
fn a_refused_header_tries_the_address_and_then_asks_by_the_clock() {
    let mut play = Play::new(None);
    assert_eq!(
        play.opens(),
        Some(("ws://127.0.0.1:13009/api/v1/streaming?stream=user", true))
    );
    play.closed(Some(403));
    assert!(
        play.opens()
            .is_some_and(|(url, header)| url.contains("access_token=") && !header)
    );
    play.closed(Some(404));
    assert_eq!(play.opens(), None);
    let mut play = Play::new(None);
    let (read, _) = play.call().expect("a read");
    play.closed(Some(403));
    play.closed(Some(403));
    play.give(Input::Answered {
        call: read,
        response: Some(page(&[])),
    });
    let (read, _) = play.call().expect("the closing rang");
    play.give(Input::Answered {
        call: read,
        response: Some(page(&[])),
    });
    assert!(play.call().is_none());
    play.wait(3);
    assert!(play.call().is_some(), "three seconds later it asks again");
    play.answer(page(&["101"]));
    assert_eq!(play.delivered().0, ["n:101"]);
    play.wait(600);
    assert!(
        play.opens().is_some_and(|(_, header)| header),
        "and after ten minutes it tries the stream"
    );
}

#[test]
fn a_lost_stream_comes_back_later_each_time_and_is_replaced_by_asking_meanwhile() {
    let mut play = Play::new(None);
    play.answer(page(&[]));
    play.give(Input::Opened);
    play.answer(page(&[]));
    let mut waits = Vec::new();
    for _ in 0..8 {
        play.closed(None);
        if play.call().is_some() {
            play.answer(page(&[]));
        }
        let began = play.now;
        while play.opens().is_none() {
            play.wait(1);
            if play.opens().is_none() && play.call().is_some() {
                play.answer(page(&[]));
            }
        }
        waits.push((play.now - began).num_seconds());
        assert!(
            waits.len() < 9 && waits.iter().all(|s| *s <= 80),
            "{waits:?}"
        );
    }
    assert!(waits.first() < waits.last(), "{waits:?}");
}

#[test]
fn edits_and_deletes_of_known_posts_are_found_even_when_nothing_is_pushed() {
    let mut play = Play::new(None);
    play.answer(page(&["101"]));
    play.answer(page(&[]));
    play.wait(6);
    let look = |play: &Play| {
        play.out.iter().find_map(|o| match o {
            Output::Call { call, request } if request.url.ends_with("/statuses/s101") => {
                Some(*call)
            }
            _ => None,
        })
    };
    let call = look(&play).expect("it looks at the known post");
    let mut status = mention("101")["status"].clone();
    status["edited_at"] = "2026-11-20T10:00:00Z".into();
    play.give(Input::Answered {
        call,
        response: Some(answer(200, &status)),
    });
    assert_eq!(play.delivered().0, ["u:s101:2026-11-20T10:00:00Z"]);
    play.wait(6);
    let call = look(&play).expect("it looks again");
    play.give(Input::Answered {
        call,
        response: Some(answer(200, &status)),
    });
    assert!(play.delivered().0.is_empty(), "nothing changed");
    play.wait(6);
    let call = look(&play).expect("it looks again");
    play.give(Input::Answered {
        call,
        response: Some(empty(404)),
    });
    assert_eq!(play.delivered().0, ["d:s101"]);
}

#[test]
fn what_others_write_on_the_home_timeline_is_not_delivered_but_our_own_words_are() {
    let mut play = Play::new(None);
    play.answer(page(&[]));
    play.says(
        "update",
        &json!({ "id": "1", "account": { "id": "55", "acct": "friend" } }),
    );
    assert!(play.delivered().0.is_empty());
    play.says(
        "update",
        &json!({ "id": "2", "account": { "id": "1795178787320", "acct": "desk" } }),
    );
    assert_eq!(play.delivered().0, ["s:2"]);
    let frame = json!({ "stream": ["user"], "event": "delete", "payload": "12345" });
    play.give(Input::Received(frame.to_string().into_bytes()));
    assert_eq!(play.delivered().0, ["d:12345"]);
    play.says("from_the_future", &json!({ "id": "9" }));
    assert_eq!(play.delivered().0.len(), 1, "unknown kinds are kept");
}

#[test]
fn a_dead_token_ends_the_session_and_a_busy_instance_does_not() {
    let mut play = Play::new(None);
    play.answer(empty(503));
    assert!(!play.out.iter().any(|o| matches!(o, Output::Ended(_))));
    play.wait(5);
    play.answer(empty(401));
    assert!(
        play.out
            .iter()
            .any(|o| matches!(o, Output::Ended(Outcome::CredentialsDied { .. })))
    );
}

#[test]
fn a_silent_stream_is_replaced() {
    let mut play = Play::new(None);
    play.answer(page(&[]));
    play.give(Input::Opened);
    play.answer(page(&[]));
    for _ in 0..3 {
        play.wait(30);
        assert!(play.out.iter().any(|o| matches!(o, Output::WritePing)));
    }
    play.wait(30);
    assert!(play.out.iter().any(|o| matches!(o, Output::Close)));
}

#[test]
fn the_first_look_ever_imports_no_history() {
    let mut inbox = inbox(&CHANNEL);
    inbox.settings.remove("notifications_from");
    let mut session = CHANNEL.session(&inbox, None).expect("session");
    session.handle(Input::Start, inbox.now);
    let out = session.handle(
        Input::Answered {
            call: 1,
            response: Some(page(&["99"])),
        },
        inbox.now,
    );
    assert!(
        out.iter()
            .any(|o| matches!(o, Output::Advance(cursor) if cursor.0.contains("99")))
    );
    assert!(!out.iter().any(|o| matches!(o, Output::Deliver { .. })));
}
