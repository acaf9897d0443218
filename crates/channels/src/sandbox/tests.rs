//! Promises of the sandbox beyond those every channel keeps.

use super::CHANNEL;
use crate::testing::{answer, empty, inbox};
use crate::{
    Action, Channel, Inbound, Inbox, Outcome, Outgoing, ProviderApp, RawRequest, Repeat, Secrets,
    SendKind, Step, Verdict, signature,
};
use domain::{Time, clock::from_micros};
use serde_json::{Value, json};

fn raw(secret: &str, sent_at: i64, received_at: i64, body: &str) -> RawRequest {
    let time = |seconds: i64| from_micros(seconds * 1_000_000);
    RawRequest {
        method: "POST".into(),
        path: "/webhooks/sandbox/k".into(),
        query: String::new(),
        headers: vec![
            ("webhook-id".into(), b"msg_1".to_vec()),
            ("webhook-timestamp".into(), sent_at.to_string().into_bytes()),
            (
                "webhook-signature".into(),
                signature::sign(secret, "msg_1", time(sent_at), body.as_bytes()).into_bytes(),
            ),
        ],
        body: body.into(),
        received_at: time(received_at),
        public_url: "https://desk.test/webhooks/sandbox/k".into(),
    }
}

fn app(secret: &str) -> ProviderApp {
    ProviderApp {
        secrets: Secrets::from_iter([("signing_secret", secret)]),
        ..ProviderApp::default()
    }
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn the_published_vectors_are_judged_as_published() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../vectors/standard-webhooks.json")).expect("JSON");
    for vector in vectors["vectors"].as_array().expect("vectors") {
        let text = |key: &str| vector[key].as_str().unwrap_or_default();
        let timestamp = vector["timestamp"].as_i64().expect("timestamp");
        let now = vector["now"].as_i64().unwrap_or(timestamp);
        let mut request = raw(text("secret"), timestamp, now, text("body"));
        request.headers[0].1 = text("id").into();
        request.headers[2].1 = text("signature").into();
        let expected = match vector["valid"].as_bool() {
            Some(false) => Verdict::Reject,
            _ => Verdict::Accept,
        };
        assert_eq!(
            CHANNEL.verify(&app(text("secret")), &request),
            expected,
            "{}",
            vector["name"]
        );
    }
}

#[test]
fn only_fresh_requests_with_the_right_secret_and_every_byte_are_let_in() {
    let body = r#"{"account":"shop","events":[]}"#;
    let judge = |request: &RawRequest| CHANNEL.verify(&app(SECRET), request);
    for (late, verdict) in [
        (0, Verdict::Accept),
        (300, Verdict::Accept),
        (301, Verdict::Reject),
        (-301, Verdict::Reject),
    ] {
        assert_eq!(
            judge(&raw(SECRET, 1_000_000, 1_000_000 + late, body)),
            verdict,
            "{late}"
        );
    }
    assert_eq!(
        judge(&raw("whsec_AAAA", 1_000_000, 1_000_000, body)),
        Verdict::Reject
    );
    let mut changed = raw(SECRET, 1_000_000, 1_000_000, body);
    changed.body.push(b' ');
    assert_eq!(judge(&changed), Verdict::Reject);
    assert_eq!(
        CHANNEL.verify(
            &ProviderApp::default(),
            &raw("", 1_000_000, 1_000_000, body)
        ),
        Verdict::Reject,
        "an inbox without a secret lets nobody in"
    );
}

#[test]
fn a_challenge_is_answered_and_cannot_carry_markup() {
    let mut request = raw(SECRET, 0, 0, "");
    request.method = "GET".into();
    request.query = "challenge=abc123".into();
    assert!(
        matches!(CHANNEL.verify(&app(SECRET), &request), Verdict::Challenge { body, .. } if body == b"abc123")
    );
    request.query = "challenge=%3Cscript%3E".into();
    assert_eq!(CHANNEL.verify(&app(SECRET), &request), Verdict::Reject);
}

#[test]
fn a_batch_keeps_its_order_and_one_bad_event_spoils_no_other() {
    let body = json!({ "account": "shop", "events": [
        { "id": "1", "type": "message", "from": { "id": "p1" }, "message_id": "m1", "text": "a" },
        { "id": "2", "type": "message", "from": 7 },
        { "id": "3", "type": "message", "from": { "id": "p1" }, "message_id": "m2", "text": "b" },
        { "id": "4", "account": "other", "type": "message", "from": { "id": "p1" }, "message_id": "m1", "text": "c" },
    ] });
    let parts = CHANNEL
        .split(&raw(SECRET, 0, 0, &body.to_string()))
        .expect("parts");
    let seen: Vec<_> = parts
        .iter()
        .map(|p| (p.account.as_str(), p.lane.as_str(), p.dedupe.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("shop", "p1", "1"),
            ("shop", "", "2"),
            ("shop", "p1", "3"),
            ("other", "p1", "4")
        ]
    );
    let inbox = inbox(&CHANNEL);
    let good: Vec<_> = parts
        .iter()
        .map(|p| CHANNEL.parse(&inbox, p).is_ok())
        .collect();
    assert_eq!(good, [true, false, true, true]);
}

fn out() -> Action {
    Action::Send(Box::new(Outgoing {
        client_id: "msg_7".into(),
        text: "hello".into(),
        ..Outgoing::default()
    }))
}

fn inbox_of(kind: &str) -> Inbox {
    let mut inbox = inbox(&CHANNEL);
    inbox.settings.insert("send_kind".into(), kind.into());
    inbox
}

#[test]
fn only_the_idempotent_kind_tells_the_executor_that_it_may_repeat() {
    for (word, kind) in [
        ("idempotent", SendKind::Idempotent),
        ("lookup", SendKind::Lookup),
        ("unknown", SendKind::Unknown),
    ] {
        let inbox = inbox_of(word);
        assert_eq!(CHANNEL.send_kind(&inbox), kind);
        let Step::Call(request) = CHANNEL.perform(&inbox, &out(), &[]) else {
            panic!("no request")
        };
        let expected = match (kind, out()) {
            (SendKind::Idempotent, Action::Send(message)) => Repeat::Key(message.client_id),
            _ => Repeat::Never,
        };
        assert_eq!(request.repeat, expected);
    }
}

#[test]
fn a_look_up_finds_the_message_or_says_that_it_may_be_sent() {
    let Action::Send(message) = out() else { return };
    let ask = Action::LookUp(message);
    let inbox = inbox_of("lookup");
    let Step::Call(request) = CHANNEL.perform(&inbox, &ask, &[]) else {
        panic!("no request")
    };
    assert_eq!(
        request.url,
        "https://provider.test/messages?client_id=msg_7"
    );
    let outcome = |response| match CHANNEL.perform(&inbox, &ask, &[response]) {
        Step::Done(outcome) => outcome,
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome(empty(404)), Outcome::NotSent);
    let found = outcome(answer(200, &json!({ "id": "m9" })));
    assert!(matches!(found, Outcome::Sent { external_id, .. } if external_id == "m9"));
}

#[test]
fn an_accepted_message_without_an_id_is_for_a_person_to_decide() {
    let step = CHANNEL.perform(&inbox(&CHANNEL), &out(), &[empty(200)]);
    assert!(matches!(step, Step::Done(Outcome::Unknown { .. })));
}

#[test]
fn what_is_sent_carries_a_signature_that_our_own_entrance_accepts() {
    let mut inbox = inbox(&CHANNEL);
    inbox.secrets.set("signing_secret", SECRET);
    let Step::Call(request) = CHANNEL.perform(&inbox, &out(), &[]) else {
        panic!("no request")
    };
    let crate::Body::Bytes { bytes, .. } = request.body else {
        panic!("no body")
    };
    let raw = RawRequest {
        headers: request
            .headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.clone().into_bytes()))
            .collect(),
        body: bytes,
        received_at: inbox.now,
        ..raw(SECRET, 0, 0, "")
    };
    assert_eq!(CHANNEL.verify(&app(SECRET), &raw), Verdict::Accept);
}

#[test]
fn the_reply_window_is_a_setting() {
    let mut inbox = inbox(&CHANNEL);
    let at = Time::default();
    assert_eq!(CHANNEL.reply_until(&inbox, at), None);
    inbox
        .settings
        .insert("reply_window_hours".into(), "24".into());
    assert_eq!(
        CHANNEL.reply_until(&inbox, at),
        Some(at + chrono::Duration::hours(24))
    );
}

#[test]
fn our_own_echo_says_who_wrote_it() {
    let bytes = include_bytes!("fixtures/every-kind.json");
    let body: Value = serde_json::from_slice(bytes).expect("JSON");
    let echoes: Vec<_> = CHANNEL
        .split(&raw(SECRET, 0, 0, &body.to_string()))
        .expect("parts")
        .iter()
        .flat_map(|part| CHANNEL.parse(&inbox(&CHANNEL), part).unwrap_or_default())
        .filter_map(|fact| match fact {
            Inbound::Message(m) if m.own_echo => Some((m.from_this_app, m.client_id)),
            _ => None,
        })
        .collect();
    assert_eq!(
        echoes,
        [(Some(true), Some("msg_01".to_owned())), (Some(false), None)]
    );
}
