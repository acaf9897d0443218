//! Promises of Twilio's entrance beyond those every channel keeps.

use super::CHANNEL;
use crate::testing::{facts_of_fixtures, fixtures, inbox};
use crate::{Channel, Inbound, ProviderApp, RawRequest, ReceiptState, Verdict};
use domain::Time;
use serde_json::{Value, json};
use url::form_urlencoded;

fn raw(url: &str, signature: &str, body: &str) -> RawRequest {
    let (public_url, query) = url.split_once('?').unwrap_or((url, ""));
    RawRequest {
        method: "POST".into(),
        path: String::new(),
        query: query.into(),
        headers: vec![("x-twilio-signature".into(), signature.into())],
        body: body.into(),
        received_at: Time::default(),
        public_url: public_url.into(),
    }
}

fn app(token: &str) -> ProviderApp {
    ProviderApp {
        secrets: [("auth_token", token)].into_iter().collect(),
        ..ProviderApp::default()
    }
}

fn facts(body: &str) -> Vec<Inbound> {
    let parts = CHANNEL.split(&raw("https://desk.test/x", "", body)).expect("a form");
    CHANNEL.parse(&inbox(&CHANNEL), &parts[0]).expect("facts")
}

#[test]
fn the_published_signatures_are_judged_as_published() {
    let vectors: Value =
        serde_json::from_str(include_str!("fixtures/spec/signature.json")).expect("JSON");
    let cases = vectors["vectors"].as_array().expect("cases");
    assert_eq!(cases.len(), 7);
    for case in cases {
        let told = |key: &str| case[key].as_str().unwrap_or_default();
        let mut form = form_urlencoded::Serializer::new(String::new());
        for pair in case["params"].as_array().into_iter().flatten() {
            form.append_pair(pair[0].as_str().expect("key"), pair[1].as_str().expect("value"));
        }
        let body = case["body"].as_str().map_or_else(|| form.finish(), str::to_owned);
        let raw = raw(told("url"), told("signature"), &body);
        let verdict = CHANNEL.verify(&app(told("token")), &raw);
        let expected = if case["valid"] == false { Verdict::Reject } else { Verdict::Accept };
        assert_eq!(verdict, expected, "{case}");
        if expected == Verdict::Accept {
            assert_eq!(CHANNEL.verify(&app("54321"), &raw), Verdict::Reject, "{case}");
            let mut read = raw.clone();
            read.method = "GET".into();
            assert_eq!(CHANNEL.verify(&app(told("token")), &read), Verdict::Reject, "{case}");
            let mut elsewhere = raw;
            elsewhere.public_url.push('x');
            assert_eq!(CHANNEL.verify(&app(told("token")), &elsewhere), Verdict::Reject, "{case}");
        }
    }
}

#[test]
fn a_json_body_is_let_in_only_with_its_own_digest() {
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let signature = "a9nBmqA0ju/hNViExpshrM61xv4=";
    let verdict = |body: &str| CHANNEL.verify(&app("12345"), &raw(url, signature, body));
    assert_eq!(verdict(r#"{"property": "value", "boolean": true}"#), Verdict::Accept);
    assert_eq!(verdict(r#"{"property": "other", "boolean": true}"#), Verdict::Reject);
}

#[test]
fn the_senders_idea_of_our_host_does_not_matter() {
    let case: Value = serde_json::from_str(include_str!("fixtures/spec/signature.json")).expect("JSON");
    let case = &case["vectors"][0];
    let body: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(case["params"].as_array().expect("pairs").iter().map(|p| (p[0].as_str().unwrap_or(""), p[1].as_str().unwrap_or(""))))
        .finish();
    let mut raw = raw(case["url"].as_str().expect("a URL"), case["signature"].as_str().expect("it"), &body);
    raw.headers.push(("host".into(), "evil.example".into()));
    raw.headers.push(("x-forwarded-host".into(), "evil.example".into()));
    assert_eq!(CHANNEL.verify(&app("12345"), &raw), Verdict::Accept);
}

#[test]
fn the_same_message_and_the_same_state_have_one_key_each() {
    let key = |body: &str| {
        CHANNEL.split(&raw("https://desk.test/x", "", body)).expect("a form")[0].dedupe.clone()
    };
    let message = "MessageSid=SM1&From=%2B1&Body=hi&NumMedia=0";
    assert_eq!(key(message), key(&format!("{message}&ApiVersion=2010-04-01")));
    let state = |state: &str| key(&format!("MessageSid=SM1&To=%2B1&MessageStatus={state}"));
    assert_ne!(state("sent"), state("delivered"));
    assert_ne!(state("sent"), key(message));
}

#[test]
fn a_state_of_our_message_is_no_message_and_says_why_it_failed() {
    let state = |state: &str, code: &str| facts(&format!("MessageSid=SM1&To=%2B1&MessageStatus={state}&ErrorCode={code}&Body=x"));
    let [Inbound::Receipt { state: told, problem, .. }] = &state("undelivered", "30003")[..] else {
        panic!("not a receipt");
    };
    assert_eq!(*told, ReceiptState::Failed);
    assert!(problem.as_deref().is_some_and(|p| p.contains("30003")), "{problem:?}");
    for on_its_way in ["accepted", "queued", "sending", "scheduled"] {
        assert!(state(on_its_way, "").is_empty(), "{on_its_way}");
    }
    assert!(matches!(&state("teleported", "")[..], [Inbound::Unknown { .. }]));
}

#[test]
fn more_files_than_announced_and_announced_files_that_are_missing_do_no_harm() {
    let count = |body: &str| match &facts(body)[..] {
        [Inbound::Message(message)] => message.attachments.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(count("MessageSid=S&From=1&NumMedia=9999999999999999999999&MediaUrl0=https://a"), 0);
    assert_eq!(count("MessageSid=S&From=1&NumMedia=500&MediaUrl0=https://a&MediaUrl499=https://b"), 1);
    assert_eq!(count("MessageSid=S&From=1&NumMedia=1&MediaUrl0=https://a&MediaUrl1=https://b"), 1);
}

#[test]
fn stop_stays_visible_and_is_marked() {
    let (_, forms) = fixtures(&CHANNEL).into_iter().next().expect("a fixture");
    let stops: Vec<Value> = facts_of_fixtures(&CHANNEL, &forms)
        .into_iter()
        .filter(|part| part["facts"][0]["extra"]["opt_out"] == "STOP")
        .collect();
    assert_eq!(stops.len(), 1);
    assert_eq!(stops[0]["facts"][0]["text"], json!("STOP"));
}
