//! Promises about what goes out to LINE.

use super::{CHANNEL, spec};
use crate::testing::{answer, empty, inbox, play};
use crate::{
    Action, Blob, Body, Channel, Connect, HttpRequest, Outcome, Outgoing, Peer, Reach, Response,
    SendKind, Target, TextUnit, Upload,
};
use serde_json::{Value, json};

fn body(request: &HttpRequest) -> &Value {
    match &request.body {
        Body::Json(body) => body,
        other => panic!("no JSON: {other:?}"),
    }
}

fn person() -> Peer {
    Peer { handle: "U77".into(), ..Peer::default() }
}

fn out(text: &str) -> Outgoing {
    Outgoing {
        client_id: "msg_1".into(),
        peer: person(),
        text: text.into(),
        answering: Some(Target { external_id: "5".into(), extra: json!({ "quote_token": "q1", "read_token": "r1" }) }),
        ..Outgoing::default()
    }
}

fn picture(media_type: &str, link: Option<&str>) -> Upload {
    Upload {
        blob: "b".into(),
        name: "a".into(),
        media_type: media_type.into(),
        size_bytes: 9,
        description: None,
        link: link.map(Into::into),
    }
}

fn pushed(ids: &[&str]) -> Response {
    let sent: Vec<_> = ids.iter().map(|id| json!({ "id": id, "quoteToken": "t" })).collect();
    answer(200, &json!({ "sentMessages": sent }))
}

fn run(action: &Action, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    play(&CHANNEL, &inbox(&CHANNEL), action, answers)
}

fn send(out: Outgoing, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    let (requests, outcome) = run(&Action::Send(Box::new(out)), answers);
    for request in &requests {
        let known = spec::messaging();
        let body = body(request);
        assert_eq!(spec::faults(&known, "PushMessageRequest", body), Vec::<String>::new(), "{body}");
        for message in body["messages"].as_array().expect("messages") {
            let faults = spec::faults_of_subtype(&known, "Message", message);
            assert_eq!(faults, Some(Vec::new()), "{message}");
        }
    }
    (requests, outcome)
}

fn key(request: &HttpRequest) -> &str {
    let header = request.headers.iter().find(|(name, _)| *name == "x-line-retry-key");
    header.map_or("", |(_, value)| value)
}

#[test]
fn the_description_is_really_asked() {
    let known = spec::messaging();
    assert!(spec::faults_of_subtype(&known, "Message", &json!({ "type": "text" })).is_some_and(|f| !f.is_empty()));
    assert!(spec::faults_of_subtype(&known, "Message", &json!({ "type": "text", "text": "a", "txet": 1 })).is_some_and(|f| !f.is_empty()));
    assert!(!spec::faults(&known, "PushMessageRequest", &json!({ "to": "U", "messages": [] })).is_empty());
}

#[test]
fn an_answer_goes_to_the_person_or_the_group_and_quotes_on_purpose() {
    let (requests, outcome) = send(out("네"), vec![pushed(&["9001"])]);
    assert_eq!(body(&requests[0]), &json!({ "to": "U77", "messages": [{ "type": "text", "text": "네" }] }));
    assert!(matches!(outcome, Some(Outcome::Sent { external_id, .. }) if external_id == "9001"));
    let (requests, _) = send(Outgoing { thread: "C1".into(), quoting: true, ..out("yes") }, vec![]);
    assert_eq!(body(&requests[0])["to"], "C1");
    assert_eq!(body(&requests[0])["messages"][0]["quoteToken"], "q1");
}

#[test]
fn a_repeat_has_the_same_key_another_message_another_and_409_means_sent() {
    assert_eq!(CHANNEL.send_kind(&inbox(&CHANNEL)), SendKind::Idempotent);
    let first = send(out("yes"), vec![]).0.remove(0);
    let again = send(out("yes"), vec![]).0.remove(0);
    let other = send(Outgoing { client_id: "msg_2".into(), ..out("yes") }, vec![]).0.remove(0);
    assert_eq!(key(&first), key(&again));
    assert_ne!(key(&first), key(&other));
    assert!(uuid::Uuid::parse_str(key(&first)).is_ok(), "{}", key(&first));
    assert_eq!(first.repeat, crate::Repeat::Key(key(&first).to_owned()));
    let known = answer(409, &json!({ "message": "The retry key is already accepted", "sentMessages": [{ "id": "9001" }] }));
    let (_, outcome) = send(out("yes"), vec![known]);
    assert!(matches!(outcome, Some(Outcome::Sent { external_id, .. }) if external_id == "9001"));
}

#[test]
fn a_long_text_fits_in_utf16_and_more_than_five_messages_take_a_second_call_with_a_key_of_its_own() {
    let text = "가나다 👩‍👩‍👧 ".repeat(2600);
    let (requests, outcome) = send(out(&text), vec![pushed(&["1", "2", "3", "4", "5"]), pushed(&["6", "7"])]);
    assert_eq!(requests.len(), 2);
    assert_ne!(key(&requests[0]), key(&requests[1]));
    let mut joined = String::new();
    for request in &requests {
        for message in body(request)["messages"].as_array().expect("messages") {
            let piece = message["text"].as_str().expect("text");
            assert!(TextUnit::Utf16.count(piece) <= 5000);
            joined.push_str(piece);
            joined.push(' ');
        }
    }
    assert_eq!(joined.trim(), text.trim());
    assert!(matches!(outcome, Some(Outcome::Sent { external_id, .. }) if external_id == "1"));
}

#[test]
fn pictures_go_by_link_and_anything_else_is_refused_before_it_is_sent() {
    let with = |file| Outgoing { attachments: vec![file], ..out("look") };
    let (requests, _) = send(with(picture("image/png", Some("https://desk.test/m/a"))), vec![]);
    assert_eq!(body(&requests[0])["messages"][1]["originalContentUrl"], "https://desk.test/m/a");
    for bad in [picture("image/png", None), picture("application/pdf", Some("https://desk.test/m/a"))] {
        let (requests, outcome) = send(with(bad), vec![]);
        assert!(requests.is_empty() && matches!(outcome, Some(Outcome::Rejected { .. })), "{outcome:?}");
    }
}

#[test]
fn refusals_are_told_by_status_never_by_words() {
    let refused = |status: u16| {
        let body = json!({ "message": "You have reached your monthly limit. 401" });
        send(out("yes"), vec![answer(status, &body)]).1.expect("an outcome")
    };
    assert!(matches!(refused(401), Outcome::CredentialsDied { .. }));
    assert!(matches!(refused(400), Outcome::Rejected { .. }));
    assert!(matches!(refused(403), Outcome::Rejected { .. }));
    let Outcome::Retry { reason, .. } = refused(429) else {
        panic!("429 waits");
    };
    assert!(reason.contains("month"), "{reason}");
}

#[test]
fn connecting_says_whose_token_it_is_and_subscribing_finds_a_deaf_account() {
    let info = json!({ "userId": "U01", "basicId": "@moa", "displayName": "Moa", "chatMode": "bot", "markAsReadMode": "manual" });
    let (_, outcome) = run(&Action::Connect(Connect::Form), vec![answer(200, &info)]);
    assert!(matches!(outcome, Some(Outcome::Connected { account, address, .. }) if account == "U01" && address == "@moa"));
    let url = inbox(&CHANNEL).webhook_url.expect("an address");
    let code = |endpoint: &str, active: bool, success: bool| {
        let told = answer(200, &json!({ "endpoint": endpoint, "active": active }));
        let tried = answer(200, &json!({ "success": success, "timestamp": "2026-11-21T00:00:00Z", "statusCode": 0, "reason": "COULD_NOT_CONNECT", "detail": "" }));
        let (requests, outcome) = run(&Action::Subscribe, vec![empty(200), told, tried]);
        assert_eq!(spec::faults(&spec::messaging(), "SetWebhookEndpointRequest", body(&requests[0])), Vec::<String>::new());
        match outcome.expect("an outcome") {
            Outcome::Rejected { code, .. } => code,
            other => format!("{other:?}"),
        }
    };
    assert_eq!(code(&url, true, true), "Ok");
    assert_eq!(code(&url, false, true), "webhook_off");
    assert_eq!(code(&url, true, false), "webhook_failing");
    assert_eq!(code("https://other.example", true, true), "webhook_taken");
}

#[test]
fn typing_and_read_marks_are_valid_calls_where_line_has_them() {
    let typing = |thread: &str| Action::Typing { peer: person(), thread: thread.into(), on: true };
    let (requests, _) = run(&typing(""), vec![]);
    assert_eq!(spec::faults(&spec::messaging(), "ShowLoadingAnimationRequest", body(&requests[0])), Vec::<String>::new());
    assert_eq!(run(&typing("C1"), vec![]).1, Some(Outcome::Unsupported));
    let read = |extra: Value| Action::MarkRead { peer: person(), thread: String::new(), target: Target { external_id: "5".into(), extra } };
    let (requests, _) = run(&read(json!({ "read_token": "r1" })), vec![]);
    assert_eq!(spec::faults(&spec::messaging(), "MarkMessagesAsReadByTokenRequest", body(&requests[0])), Vec::<String>::new());
    assert_eq!(run(&read(Value::Null), vec![]).1, Some(Outcome::Unsupported));
}

#[test]
fn only_line_itself_is_shown_the_token_when_a_file_is_fetched() {
    let fetch = |media: &str, status: u16| {
        let blob = Blob { id: "b".into(), media_type: "image/jpeg".into(), size_bytes: 3 };
        let file = Response { status, blob: Some(blob), ..Response::default() };
        let (mut requests, outcome) = run(&Action::FetchMedia { media: media.into() }, vec![file]);
        (requests.remove(0), outcome)
    };
    let shown = |request: &HttpRequest| request.headers.iter().any(|(name, _)| *name == "authorization");
    let (own, outcome) = fetch("line:5", 200);
    assert!(shown(&own) && own.url.ends_with("/v2/bot/message/5/content"), "{}", own.url);
    assert!(matches!(outcome, Some(Outcome::Media { .. })));
    assert!(matches!(fetch("line:5", 202).1, Some(Outcome::Retry { .. })));
    let (strangers, _) = fetch("https://files.example/x.png", 200);
    assert!(!shown(&strangers) && strangers.reach == Reach::Public);
}

#[test]
fn a_friends_name_and_picture_are_taken_over() {
    let profile = json!({ "displayName": "서연", "userId": "U77", "pictureUrl": "https://profile.line-scdn.net/x", "language": "ko" });
    let (_, outcome) = run(&Action::FetchProfile { peer: person() }, vec![answer(200, &profile)]);
    let Some(Outcome::Profile(peer)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((peer.name.as_deref(), peer.locale.as_deref()), (Some("서연"), Some("ko")));
    assert_eq!(peer.handle, "U77");
}
