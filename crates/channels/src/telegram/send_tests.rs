//! Promises about what goes out to Telegram.

use super::{CHANNEL, spec};
use crate::testing::{answer, empty, inbox, play};
use crate::{
    Action, Blob, Body, Channel, HttpRequest, Outcome, Outgoing, Peer, Response, SendKind, Target,
    TextUnit, Upload,
};
use serde_json::{Value, json};
use std::time::Duration;

fn person() -> Peer {
    Peer {
        handle: "5".into(),
        ..Peer::default()
    }
}

fn out(text: &str) -> Outgoing {
    Outgoing {
        client_id: "msg_1".into(),
        peer: person(),
        text: text.into(),
        answering: Some(Target {
            external_id: "5:31".into(),
            extra: Value::Null,
        }),
        ..Outgoing::default()
    }
}

fn file(media_type: &str) -> Upload {
    Upload {
        blob: "blob-1".into(),
        name: "a".into(),
        media_type: media_type.into(),
        size_bytes: 1000,
        description: None,
            link: None,
    }
}

fn sent(id: i64) -> Response {
    answer(200, &json!({ "ok": true, "result": { "message_id": id } }))
}

fn run(action: &Action, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    let (requests, outcome) = play(&CHANNEL, &inbox(&CHANNEL), action, answers);
    for request in &requests {
        let known = spec::request_faults(request);
        assert!(known.is_empty(), "{:?}: {known:?}", spec::fields_of(request));
    }
    (requests, outcome)
}

fn send(out: Outgoing, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    run(&Action::Send(Box::new(out)), answers)
}

fn method(request: &HttpRequest) -> &str {
    request.url.rsplit('/').next().unwrap_or_default()
}

#[test]
fn an_answer_goes_to_the_persons_chat_and_quotes_only_on_purpose() {
    let (requests, outcome) = send(out("네, 있어요"), vec![sent(77)]);
    assert_eq!(method(&requests[0]), "sendMessage");
    assert_eq!(spec::fields_of(&requests[0]), json!({ "chat_id": 5, "text": "네, 있어요" }));
    let Some(Outcome::Sent { external_id, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(external_id, "5:77");
    let (requests, _) = send(Outgoing { quoting: true, ..out("yes") }, vec![]);
    let quoted = &spec::fields_of(&requests[0])["reply_parameters"];
    assert_eq!(quoted["message_id"], 31);
    assert_eq!(quoted["allow_sending_without_reply"], true);
}

#[test]
fn groups_topics_and_connected_accounts_are_answered_where_they_asked() {
    let fields = |thread: &str| {
        let (requests, _) = send(Outgoing { thread: thread.into(), ..out("yes") }, vec![]);
        spec::fields_of(&requests[0])
    };
    assert_eq!(fields("-1001:44"), json!({ "chat_id": -1001, "message_thread_id": 44, "text": "yes" }));
    assert_eq!(fields("-1001"), json!({ "chat_id": -1001, "text": "yes" }));
    assert_eq!(
        fields("business:bc-1"),
        json!({ "chat_id": 5, "business_connection_id": "bc-1", "text": "yes" })
    );
}

#[test]
fn a_long_text_becomes_messages_that_fit_in_utf16_and_lose_nothing() {
    let family = "👩‍👩‍👧 각 ";
    let text = family.repeat(900);
    let (requests, outcome) = send(out(&text), (1..=9).map(sent).collect());
    assert!(requests.len() > 1);
    let mut joined = String::new();
    for request in &requests {
        let piece = spec::fields_of(request)["text"].as_str().expect("text").to_owned();
        assert!(TextUnit::Utf16.count(&piece) <= 4096);
        joined.push_str(&piece);
        joined.push(' ');
    }
    assert_eq!(joined.trim(), text.trim());
    let Some(Outcome::Sent { extra, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(extra["ids"].as_array().map(Vec::len), Some(requests.len()));
}

#[test]
fn a_send_is_never_repeated_by_itself() {
    assert_eq!(CHANNEL.send_kind(&inbox(&CHANNEL)), SendKind::Unknown);
    let with_file = Outgoing { attachments: vec![file("image/png")], ..out("look") };
    for out in [out("hello"), with_file] {
        let (requests, _) = send(out, vec![]);
        assert!(requests[0].repeat == crate::Repeat::Never, "{requests:?}");
    }
}

#[test]
fn files_go_as_what_they_are_and_a_short_text_is_the_caption() {
    for (media_type, expected, field) in [
        ("image/png", "sendPhoto", "photo"),
        ("video/mp4", "sendVideo", "video"),
        ("audio/mpeg", "sendAudio", "audio"),
        ("audio/ogg", "sendVoice", "voice"),
        ("application/pdf", "sendDocument", "document"),
        ("image/svg+xml", "sendDocument", "document"),
    ] {
        let with_file = Outgoing { attachments: vec![file(media_type)], ..out("look") };
        let (requests, outcome) = send(with_file, vec![sent(1)]);
        assert_eq!(requests.len(), 1);
        assert_eq!(method(&requests[0]), expected);
        let fields = spec::fields_of(&requests[0]);
        assert_eq!((&fields["caption"], &fields[field]), (&json!("look"), &json!("(file)")));
        assert!(matches!(outcome, Some(Outcome::Sent { .. })), "{outcome:?}");
    }
    let huge = Upload { size_bytes: 20 << 20, ..file("image/png") };
    let (requests, _) = send(Outgoing { attachments: vec![huge], ..out("") }, vec![]);
    assert_eq!(method(&requests[0]), "sendDocument");
    let two = Outgoing { attachments: vec![file("image/png"), file("image/png")], ..out("look") };
    let (requests, _) = send(two, vec![sent(1), sent(2), sent(3)]);
    let methods: Vec<_> = requests.iter().map(method).collect();
    assert_eq!(methods, ["sendMessage", "sendPhoto", "sendPhoto"]);
}

#[test]
fn a_group_that_became_a_supergroup_is_followed() {
    let moved = answer(
        400,
        &json!({ "ok": false, "error_code": 400, "description": "group chat was upgraded", "parameters": { "migrate_to_chat_id": -1009 } }),
    );
    let group = Outgoing { thread: "-400".into(), ..out("yes") };
    let (requests, outcome) = send(group, vec![moved, sent(8)]);
    assert_eq!(spec::fields_of(&requests[1])["chat_id"], -1009);
    let Some(Outcome::Sent { external_id, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(external_id, "-1009:8");
}

#[test]
fn refusals_are_told_by_code_never_by_words() {
    let refused = |status: u16, words: &str, parameters: Value| {
        let body = json!({ "ok": false, "error_code": status, "description": words, "parameters": parameters });
        send(out("yes"), vec![answer(status, &body)]).1.expect("an outcome")
    };
    let blocked = refused(403, "Forbidden: some new wording", json!({}));
    assert!(matches!(&blocked, Outcome::Rejected { code, .. } if code == "403"), "{blocked:?}");
    let dead = refused(401, "Unauthorized", json!({}));
    assert!(matches!(dead, Outcome::CredentialsDied { .. }), "{dead:?}");
    let wait = refused(429, "Too Many Requests: retry after 17", json!({ "retry_after": 17 }));
    let seventeen = Some(Duration::from_secs(17));
    assert!(matches!(&wait, Outcome::Retry { after, .. } if *after == seventeen), "{wait:?}");
    let bad = refused(400, "Bad Request: Unauthorized retry after 5", json!({}));
    assert!(matches!(bad, Outcome::Rejected { .. }), "{bad:?}");
}

#[test]
fn a_refused_second_part_says_that_the_first_was_sent() {
    let text = "long ".repeat(1200);
    let (_, outcome) = send(out(&text), vec![sent(1), empty(403)]);
    let Some(Outcome::Rejected { reason, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.starts_with("Part 2 of 2 was refused, the parts before it were sent."), "{reason}");
}

fn target(extra: Value) -> Target {
    Target { external_id: "5:31".into(), extra }
}

#[test]
fn edits_reach_text_captions_and_every_piece_or_are_refused_in_words() {
    let edit = |extra: Value, text: &str| {
        let action = Action::Edit { target: target(extra), peer: person(), thread: String::new(), text: text.into() };
        run(&action, vec![empty(200), empty(200)])
    };
    let (requests, outcome) = edit(json!({ "ids": [31], "caption": false, "texts": 1 }), "new");
    assert_eq!((method(&requests[0]), outcome), ("editMessageText", Some(Outcome::Ok)));
    let (requests, _) = edit(json!({ "ids": [31], "caption": true, "texts": 0 }), "new");
    assert_eq!(method(&requests[0]), "editMessageCaption");
    let (requests, _) = edit(json!({ "ids": [31, 32], "caption": false, "texts": 2 }), &"new ".repeat(1100));
    let ids: Vec<_> = requests.iter().map(|r| spec::fields_of(r)["message_id"].clone()).collect();
    assert_eq!(ids, [31, 32]);
    let (requests, outcome) = edit(json!({ "ids": [31, 32], "caption": false, "texts": 2 }), "short");
    assert!(requests.is_empty() && matches!(outcome, Some(Outcome::Rejected { .. })), "{outcome:?}");
}

#[test]
fn deletes_take_every_piece_with_them() {
    let (requests, outcome) = run(&Action::Delete { target: target(json!({ "ids": [31, 32] })) }, vec![empty(200)]);
    assert_eq!(spec::fields_of(&requests[0])["message_ids"], json!([31, 32]));
    assert_eq!(outcome, Some(Outcome::Ok));
    let business = Target { external_id: "bc:5:31".into(), extra: Value::Null };
    let (requests, _) = run(&Action::Delete { target: business }, vec![]);
    assert_eq!(
        spec::fields_of(&requests[0]),
        json!({ "business_connection_id": "bc", "message_ids": [31] })
    );
}

#[test]
fn reactions_typing_and_read_marks_are_valid_calls() {
    let (requests, _) = run(&Action::React { target: target(Value::Null), emoji: "👍".into(), removed: false }, vec![]);
    assert_eq!(spec::fields_of(&requests[0])["reaction"], json!([{ "type": "emoji", "emoji": "👍" }]));
    let (requests, _) = run(&Action::React { target: target(Value::Null), emoji: "👍".into(), removed: true }, vec![]);
    assert_eq!(spec::fields_of(&requests[0])["reaction"], json!([]));
    let typing = |on| Action::Typing { peer: person(), thread: "business:bc".into(), on };
    assert_eq!(run(&typing(true), vec![]).0.len(), 1);
    assert_eq!(run(&typing(false), vec![]).0.len(), 0);
    let read = |id: &str| Action::MarkRead {
        peer: person(),
        thread: String::new(),
        target: Target { external_id: id.into(), extra: Value::Null },
    };
    assert_eq!(run(&read("bc:5:31"), vec![]).0.len(), 1);
    assert_eq!(run(&read("5:31"), vec![]).1, Some(Outcome::Unsupported));
}

#[test]
fn a_file_is_fetched_in_two_steps_that_stay_at_telegram() {
    let fetch = Action::FetchMedia { media: "photo-1".into() };
    let at = |path: &str| answer(200, &json!({ "ok": true, "result": { "file_id": "photo-1", "file_unique_id": "u", "file_path": path } }));
    let blob = Blob { id: "b".into(), media_type: "image/jpeg".into(), size_bytes: 3 };
    let file = Response { status: 200, blob: Some(blob), ..Response::default() };
    let (requests, outcome) = play(&CHANNEL, &inbox(&CHANNEL), &fetch, vec![at("photos/../file_1.jpg"), file]);
    assert!(spec::request_faults(&requests[0]).is_empty());
    assert!(requests[1].url.starts_with("https://provider.test/file/bot"), "{}", requests[1].url);
    assert!(requests[1].url.ends_with("/photos/file_1.jpg"), "{}", requests[1].url);
    assert!(matches!(requests[1].body, Body::Empty));
    assert!(matches!(outcome, Some(Outcome::Media { name: Some(_), .. })), "{outcome:?}");
    let (_, outcome) = play(&CHANNEL, &inbox(&CHANNEL), &fetch, vec![empty(400)]);
    assert!(matches!(outcome, Some(Outcome::Rejected { .. })), "{outcome:?}");
    let (_, outcome) = play(&CHANNEL, &inbox(&CHANNEL), &fetch, vec![at("/etc/passwd")]);
    assert_eq!(outcome, Some(Outcome::MediaGone));
}
