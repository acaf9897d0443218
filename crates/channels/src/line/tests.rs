//! Promises of LINE's entrance beyond those every channel keeps.

use super::{CHANNEL, spec};
use crate::testing::{facts_of_fixtures, fixtures, inbox, parts_of};
use crate::{Channel, Inbound, ProviderApp, RawRequest, Verdict};
use domain::Time;
use serde_json::{Value, json};

const BODY: &[u8] = include_bytes!("fixtures/spec/webhook.body.json");

fn raw(signature: &str, body: &[u8]) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: vec![("x-line-signature".into(), signature.into())],
        body: body.to_vec(),
        received_at: Time::default(),
        public_url: String::new(),
    }
}

fn app(secret: &str) -> ProviderApp {
    ProviderApp {
        secrets: [("channel_secret", secret)].into_iter().collect(),
        ..ProviderApp::default()
    }
}

fn split(body: &Value) -> Vec<crate::Part> {
    CHANNEL.split(&raw("", body.to_string().as_bytes())).expect("a batch")
}

fn facts(event: &Value) -> Vec<Inbound> {
    let parts = split(&json!({ "destination": "U1", "events": [event] }));
    CHANNEL.parse(&inbox(&CHANNEL), &parts[0]).expect("facts")
}

fn event(more: &Value) -> Value {
    let mut event = json!({
        "type": "message", "mode": "active", "timestamp": 1_789_000_000_123_i64,
        "source": { "type": "user", "userId": "U77" }, "webhookEventId": "01H",
        "deliveryContext": { "isRedelivery": false },
        "message": { "id": "5", "type": "text", "text": "hi", "quoteToken": "q" },
    });
    event.as_object_mut().expect("it").extend(more.as_object().expect("it").clone());
    event
}

#[test]
fn the_published_signatures_are_judged_as_published() {
    let vectors: Value =
        serde_json::from_str(include_str!("fixtures/spec/signature.json")).expect("JSON");
    let cases = vectors["vectors"].as_array().expect("cases");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let told = |key: &str| case[key].as_str().unwrap_or_default();
        let body = if case["body_file"].is_string() { BODY } else { told("body").as_bytes() };
        let verdict = |secret: &str, body: &[u8]| CHANNEL.verify(&app(secret), &raw(told("signature"), body));
        let expected = if case["valid"] == false { Verdict::Reject } else { Verdict::Accept };
        assert_eq!(verdict(told("secret"), body), expected, "{case}");
        assert_eq!(verdict("other", body), Verdict::Reject);
        assert_eq!(verdict(told("secret"), &[body, b" "].concat()), Verdict::Reject);
    }
}

#[test]
fn a_body_that_was_written_anew_is_refused() {
    let vectors: Value =
        serde_json::from_str(include_str!("fixtures/spec/signature.json")).expect("JSON");
    let signature = vectors["vectors"][1]["signature"].as_str().expect("it");
    let again = serde_json::from_slice::<Value>(BODY).expect("JSON").to_string();
    assert_eq!(CHANNEL.verify(&app("channel_secret"), &raw(signature, again.as_bytes())), Verdict::Reject);
}

#[test]
fn every_kind_in_lines_own_file_is_read_and_none_is_lost() {
    let body: Value = serde_json::from_slice(BODY).expect("JSON");
    let parts = split(&body);
    assert_eq!(parts.len(), body["events"].as_array().map_or(0, Vec::len));
    let mut kinds = std::collections::BTreeMap::new();
    for part in &parts {
        for fact in CHANNEL.parse(&inbox(&CHANNEL), part).expect("facts") {
            let kind = json!(fact)["kind"].as_str().unwrap_or_default().to_owned();
            *kinds.entry(kind).or_insert(0) += 1;
        }
    }
    let told: Vec<_> = kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(told, [("delete", 1), ("edit", 1), ("message", 11), ("unknown", 5)]);
}

/// LINE's own file has fields that its description lacks; those are no faults of an event.
fn described(faults: Option<Vec<String>>) -> Option<Vec<String>> {
    let real = |fault: &String| !fault.contains(" has no ");
    faults.map(|all| all.into_iter().filter(real).collect())
}

#[test]
fn fixtures_are_events_as_line_describes_them() {
    let (_, bytes) = fixtures(&CHANNEL).into_iter().next().expect("a fixture");
    let mut seen = 0;
    for part in parts_of(&CHANNEL, &bytes) {
        let event: Value = serde_json::from_slice(&part.bytes).expect("JSON");
        if let Some(faults) = described(spec::faults_of_subtype(&spec::webhook(), "Event", &event)) {
            assert!(faults.is_empty(), "{event}: {faults:?}");
            seen += 1;
        }
        let content = spec::faults_of_subtype(&spec::webhook(), "MessageContent", &event["message"]);
        if let Some(faults) = described(content) {
            assert!(faults.is_empty(), "{event}: {faults:?}");
        }
    }
    assert!(seen >= 25, "{seen}");
}

#[test]
fn a_redelivery_is_the_same_event_and_people_do_not_wait_for_each_other() {
    let part = |more: Value| split(&json!({ "destination": "U1", "events": [event(&more)] })).remove(0);
    let first = part(json!({}));
    let again = part(json!({ "deliveryContext": { "isRedelivery": true } }));
    assert_eq!(first.dedupe, again.dedupe);
    assert_eq!((first.account.as_str(), first.lane.as_str()), ("U1", "U77"));
    let group = part(json!({ "source": { "type": "group", "groupId": "C1", "userId": "U77" } }));
    assert_eq!(group.lane, "C1");
}

#[test]
fn an_empty_batch_is_only_lines_question_whether_we_listen() {
    assert!(split(&json!({ "destination": "U1", "events": [] })).is_empty());
}

#[test]
fn a_group_is_a_thread_and_a_member_without_a_name_is_the_group() {
    let told = |source: Value| match &facts(&event(&json!({ "source": source })))[..] {
        [Inbound::Message(message)] => (message.peer.handle.clone(), message.thread.clone()),
        other => panic!("{other:?}"),
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(told(json!({ "type": "user", "userId": "U77" })), pair("U77", ""));
    assert_eq!(told(json!({ "type": "group", "groupId": "C1", "userId": "U77" })), pair("U77", "C1"));
    assert_eq!(told(json!({ "type": "room", "roomId": "R1" })), pair("R1", "R1"));
}

#[test]
fn a_kind_nobody_knew_is_a_placeholder_of_its_author() {
    let facts = facts(&event(&json!({ "message": { "id": "5", "type": "hologram", "x": 1 } })));
    let [Inbound::Unknown { what, peer, raw, external_id, .. }] = &facts[..] else {
        panic!("{facts:?}");
    };
    assert_eq!((what.as_str(), external_id.as_deref()), ("hologram", Some("5")));
    assert_eq!(peer.as_ref().map(|p| p.handle.as_str()), Some("U77"));
    assert_eq!(raw["message"]["x"], 1);
}

#[test]
fn times_are_in_milliseconds_and_a_chat_of_another_program_is_marked() {
    let (_, bytes) = fixtures(&CHANNEL).into_iter().next().expect("a fixture");
    let all = facts_of_fixtures(&CHANNEL, &bytes);
    let standby: Vec<_> = all.iter().filter(|part| part["facts"][0]["extra"]["standby"] == true).collect();
    assert_eq!(standby.len(), 1);
    assert!(standby[0]["facts"][0]["at"].as_str().is_some_and(|at| at.starts_with("2026-")));
    assert_eq!(standby[0]["facts"][0]["quoted"], "325709");
}
