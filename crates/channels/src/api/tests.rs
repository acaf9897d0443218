//! Promises to whoever writes the program on the other side.

use super::CHANNEL;
use crate::testing::{answer, empty, inbox, play};
use crate::{
    Action, Body, Channel, Connect, HttpRequest, Outcome, Outgoing, Peer, Reach, Repeat, Response,
    SendKind, Target, Upload, signature,
};
use domain::Time;
use serde_json::{Value, json};

const SECRET: &str = "whsec_bWVhcmktYXBpLWNoYW5uZWwtc2VjcmV0LTAwMQ==";

fn shop() -> crate::Inbox {
    let mut inbox = inbox(&CHANNEL);
    inbox.secrets.set("signing_secret", SECRET);
    inbox.now = Time::from_timestamp(1_789_000_000, 0).expect("a time");
    inbox
}

fn run(action: &Action, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    play(&CHANNEL, &shop(), action, answers)
}

fn out() -> Outgoing {
    Outgoing {
        client_id: "answer-1".into(),
        peer: Peer { handle: "p1".into(), ..Peer::default() },
        text: "네".into(),
        answering: Some(Target { external_id: "m1".into(), extra: Value::Null }),
        ..Outgoing::default()
    }
}

fn bytes(request: &HttpRequest) -> &[u8] {
    match &request.body {
        Body::Bytes { bytes, .. } => bytes,
        other => panic!("{other:?}"),
    }
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(bytes(request)).expect("JSON")
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    let found = request.headers.iter().find(|(key, _)| *key == name);
    found.map_or("", |(_, value)| value)
}

#[test]
fn what_goes_out_is_signed_as_what_comes_in_must_be() {
    let (requests, _) = run(&Action::Send(Box::new(out())), vec![]);
    let request = &requests[0];
    let told = |name| header(request, name);
    let is_valid = |body: &[u8]| {
        let (id, at) = (told("webhook-id"), told("webhook-timestamp"));
        signature::is_valid(SECRET, id, at, told("webhook-signature"), body, shop().now)
    };
    assert!(is_valid(bytes(request)));
    assert!(!is_valid(b"{}"));
}

#[test]
fn a_repeated_answer_has_the_same_id_and_so_can_be_left_out() {
    assert_eq!(CHANNEL.send_kind(&shop()), SendKind::Idempotent);
    let send = || run(&Action::Send(Box::new(out())), vec![]).0.remove(0);
    assert_eq!(header(&send(), "webhook-id"), "answer-1");
    assert_eq!(send().repeat, Repeat::Key("answer-1".into()));
    assert_eq!(body(&send()), body(&send()));
}

#[test]
fn an_answer_tells_everything_and_quotes_only_on_purpose() {
    let file = Upload {
        blob: "b".into(),
        name: "a.pdf".into(),
        media_type: "application/pdf".into(),
        size_bytes: 9,
        description: None,
        link: Some("https://desk.test/m/a".into()),
    };
    let quoting = Outgoing { quoting: true, attachments: vec![file.clone()], thread: "t".into(), ..out() };
    let (requests, outcome) = run(&Action::Send(Box::new(quoting)), vec![answer(200, &json!({ "id": "theirs" }))]);
    let file_told = json!({ "url": "https://desk.test/m/a", "name": "a.pdf", "type": "application/pdf", "size": 9, "description": null });
    let data = json!({ "client_id": "answer-1", "to": "p1", "thread": "t", "text": "네", "attachments": [file_told], "reply_to": "m1" });
    let whole = json!({ "type": "message.created", "timestamp": "2026-09-10T00:26:40+00:00", "account": "shop", "data": data });
    assert_eq!(body(&requests[0]), whole);
    assert!(matches!(outcome, Some(Outcome::Sent { external_id, .. }) if external_id == "theirs"));
    let (requests, outcome) = run(&Action::Send(Box::new(out())), vec![empty(204)]);
    assert_eq!(body(&requests[0])["data"]["reply_to"], Value::Null);
    assert!(matches!(outcome, Some(Outcome::Sent { external_id, .. }) if external_id == "answer-1"));
    let unreachable = Outgoing { attachments: vec![Upload { link: None, ..file }], ..out() };
    let (requests, outcome) = run(&Action::Send(Box::new(unreachable)), vec![]);
    assert!(requests.is_empty() && matches!(outcome, Some(Outcome::Rejected { .. })));
}

#[test]
fn only_a_program_that_answers_a_ping_is_connected() {
    let connect = |status| run(&Action::Connect(Connect::Form), vec![empty(status)]);
    let (requests, outcome) = connect(200);
    assert_eq!(body(&requests[0])["type"], "ping");
    assert!(matches!(outcome, Some(Outcome::Connected { account, .. }) if account == "shop"));
    for status in [404, 500] {
        assert!(!matches!(connect(status).1, Some(Outcome::Connected { .. })), "{status}");
    }
}

#[test]
fn files_are_fetched_from_public_addresses_only() {
    let (requests, _) = run(&Action::FetchMedia { media: "https://provider.test/a.png".into() }, vec![]);
    assert_eq!(requests[0].reach, Reach::Public, "even from the program's own host");
    assert!(header(&requests[0], "webhook-signature").is_empty());
    let (requests, outcome) = run(&Action::FetchMedia { media: "file:///etc/passwd".into() }, vec![]);
    assert!(requests.is_empty() && outcome == Some(Outcome::MediaGone));
}

#[test]
fn the_account_sets_its_own_limits() {
    let mut inbox = shop();
    assert_eq!(CHANNEL.limits(&inbox).text_max, 100_000);
    assert_eq!(CHANNEL.reply_until(&inbox, inbox.now), None);
    inbox.settings.insert("text_max".into(), 70.into());
    inbox.settings.insert("reply_window_hours".into(), 24.into());
    assert_eq!(CHANNEL.limits(&inbox).text_max, 70);
    let until = CHANNEL.reply_until(&inbox, inbox.now).expect("a window");
    assert_eq!((until - inbox.now).num_hours(), 24);
}
