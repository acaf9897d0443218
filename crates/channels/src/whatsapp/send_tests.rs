//! Promises about what goes out to WhatsApp.

use super::{CHANNEL, spec, verify_token};
use crate::testing::{SECRET, answer, empty, inbox, play};
use crate::{
    Action, Blob, Body, Connect, HttpRequest, Outcome, Outgoing, Peer, Reach, Response, Target,
    TextUnit, Upload,
};
use serde_json::{Value, json};

fn body(request: &HttpRequest) -> &Value {
    match &request.body {
        Body::Json(body) => body,
        other => panic!("no JSON: {other:?}"),
    }
}

fn out(text: &str) -> Outgoing {
    Outgoing {
        client_id: "answer-1".into(),
        peer: Peer { handle: "821012345678".into(), ..Peer::default() },
        text: text.into(),
        answering: Some(Target { external_id: "wamid.q".into(), extra: Value::Null }),
        ..Outgoing::default()
    }
}

fn file(media_type: &str, size_bytes: u64) -> Upload {
    Upload {
        blob: "b".into(),
        name: "영수증".into(),
        media_type: media_type.into(),
        size_bytes,
        description: None,
        link: None,
    }
}

fn sent(id: &str) -> Response {
    answer(200, &json!({ "messaging_product": "whatsapp", "messages": [{ "id": id }] }))
}

fn run(action: &Action, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    play(&CHANNEL, &inbox(&CHANNEL), action, answers)
}

fn send(out: Outgoing, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    let (requests, outcome) = run(&Action::Send(Box::new(out)), answers);
    for request in &requests {
        if let Body::Json(message) = &request.body {
            assert_eq!(spec::faults_of_message(message), Vec::<String>::new(), "{message}");
        }
    }
    (requests, outcome)
}

#[test]
fn the_description_is_really_asked() {
    let text = json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": "1", "type": "text", "text": { "body": "a" } });
    assert_eq!(spec::faults_of_message(&text), Vec::<String>::new());
    for (key, value) in [("to", json!(7)), ("text", json!({ "bodi": "a" })), ("recipient_type", json!("robot")), ("extra", json!(1))] {
        let mut bad = text.clone();
        bad[key] = value;
        assert!(!spec::faults_of_message(&bad).is_empty(), "{bad}");
    }
}

#[test]
fn an_answer_goes_to_the_phone_the_id_or_the_group_and_quotes_on_purpose() {
    let (requests, outcome) = send(out("네"), vec![sent("wamid.1")]);
    let message = body(&requests[0]);
    assert_eq!((&message["to"], &message["text"]["body"]), (&json!("821012345678"), &json!("네")));
    assert!(message.get("context").is_none() && message.get("recipient").is_none());
    assert!(matches!(outcome, Some(Outcome::Sent { external_id, .. }) if external_id == "wamid.1"));

    let mut by_id = out("yes");
    by_id.peer.handle = "KR.1".into();
    let (requests, _) = send(by_id.clone(), vec![]);
    assert_eq!(body(&requests[0])["recipient"], "KR.1");
    assert!(body(&requests[0]).get("to").is_none());
    by_id.answering = Some(Target { external_id: "wamid.q".into(), extra: json!({ "phone": "8210" }) });
    by_id.quoting = true;
    let (requests, _) = send(by_id, vec![]);
    assert_eq!(body(&requests[0])["to"], "8210");
    assert_eq!(body(&requests[0])["context"]["message_id"], "wamid.q");

    let (requests, _) = send(Outgoing { thread: "G1".into(), ..out("all") }, vec![]);
    assert_eq!((&body(&requests[0])["recipient_type"], &body(&requests[0])["to"]), (&json!("group"), &json!("G1")));
}

#[test]
fn only_a_message_of_one_piece_carries_our_word() {
    let (requests, _) = send(out("hi"), vec![]);
    assert_eq!(body(&requests[0])["biz_opaque_callback_data"], "meari:answer-1");
    let long = "가나다 ".repeat(1500);
    let (requests, outcome) = send(out(&long), vec![sent("1"), sent("2")]);
    let mut joined = String::new();
    for request in &requests {
        assert!(body(request).get("biz_opaque_callback_data").is_none());
        let piece = body(request)["text"]["body"].as_str().expect("text");
        assert!(TextUnit::Utf16.count(piece) <= 4096);
        joined.push_str(piece);
        joined.push(' ');
    }
    assert_eq!(joined.trim(), long.trim());
    assert!(matches!(outcome, Some(Outcome::Sent { extra, .. }) if extra["ids"] == json!(["1", "2"])));
}

#[test]
fn files_are_uploaded_first_and_a_short_text_goes_with_the_only_one() {
    let with = |media_type: &str| Outgoing { attachments: vec![file(media_type, 9)], ..out("look") };
    let uploaded = || answer(200, &json!({ "id": "77" }));
    let (requests, _) = send(with("image/png"), vec![uploaded(), sent("1")]);
    assert!(matches!(requests[0].body, Body::Multipart(_)) && requests[0].repeat.is_safe());
    assert_eq!(body(&requests[1])["image"], json!({ "id": "77", "caption": "look" }));
    let (requests, _) = send(with("application/pdf"), vec![uploaded(), sent("1")]);
    assert_eq!(body(&requests[1])["document"], json!({ "id": "77", "caption": "look", "filename": "영수증" }));
    let (requests, _) = send(with("audio/ogg"), vec![sent("1"), uploaded(), sent("2")]);
    let kinds: Vec<_> = [&requests[0], &requests[2]].map(|r| body(r)["type"].clone()).into();
    assert_eq!(kinds, ["text", "audio"]);
    for bad in [file("application/zip", 9), file("image/png", 6 * 1024 * 1024)] {
        let (requests, outcome) = send(Outgoing { attachments: vec![bad], ..out("x") }, vec![]);
        assert!(requests.is_empty() && matches!(outcome, Some(Outcome::Rejected { .. })), "{outcome:?}");
    }
}

#[test]
fn refusals_are_told_by_code_never_by_words() {
    let refused = |status: u16, code: i64| {
        let error = json!({ "message": "(#190) token expired, rate limit", "type": "OAuthException", "code": code });
        send(out("yes"), vec![answer(status, &json!({ "error": error }))]).1.expect("an outcome")
    };
    for code in [190, 102] {
        assert!(matches!(refused(400, code), Outcome::CredentialsDied { .. }));
    }
    for code in [4, 130_429, 131_056, 131_016, 80_007] {
        assert!(matches!(refused(400, code), Outcome::Retry { .. }), "{code}");
    }
    let Outcome::Rejected { reason, code } = refused(400, 131_047) else {
        panic!("the window is closed");
    };
    assert!(reason.contains("24 hours") && code == "131047", "{reason}");
    assert!(matches!(refused(400, 10), Outcome::Rejected { .. }));
    assert!(matches!(refused(400, 777_777), Outcome::Rejected { .. }));
}

#[test]
fn connecting_names_the_number_and_subscribing_finds_a_deaf_app() {
    let number = json!({ "id": "106540352242922", "display_phone_number": "+1 555-078-3881", "verified_name": "Moa", "quality_rating": "GREEN" });
    let (requests, outcome) = run(&Action::Connect(Connect::Form), vec![answer(200, &number)]);
    assert!(matches!(outcome, Some(Outcome::Connected { account, address, .. }) if account == "106540352242922" && address.starts_with("+1")));
    assert!(requests[0].url.contains("appsecret_proof=") && !requests[0].url.contains(SECRET));

    let url = inbox(&CHANNEL).webhook_url.expect("an address");
    let asks = |fields: Value| answer(200, &json!({ "data": [{ "object": "whatsapp_business_account", "active": true, "fields": fields }] }));
    let reads = |at: &str| answer(200, &json!({ "webhook_configuration": { "phone_number": at }, "id": "1" }));
    let code = |answers: Vec<Response>| match run(&Action::Subscribe, answers).1.expect("an outcome") {
        Outcome::Rejected { code, .. } => code,
        other => format!("{other:?}"),
    };
    let heard = || asks(json!([{ "name": "messages", "version": "v23.0" }]));
    assert_eq!(code(vec![heard(), empty(200), empty(200), reads(&url)]), "Ok");
    assert_eq!(code(vec![heard(), empty(200), empty(200), reads("https://other.example")]), "webhook_taken");
    assert_eq!(code(vec![heard(), empty(200), empty(400)]), "bad_webhook");
    assert_eq!(code(vec![asks(json!([{ "name": "flows" }]))]), "webhook_off");
    let nothing = answer(200, &json!({ "data": [] }));
    let (requests, outcome) = run(&Action::Subscribe, vec![nothing, empty(200), empty(200), empty(200), reads(&url)]);
    assert_eq!(outcome, Some(Outcome::Ok));
    let Body::Form(form) = &requests[1].body else {
        panic!("no form");
    };
    let word = ("verify_token".to_owned(), verify_token(SECRET));
    assert!(form.contains(&word), "the app learns the same word as the number");
    assert_eq!(spec::faults("PhoneNumberStatusUpdateRequest", body(&requests[3])), Vec::<String>::new());
    assert_eq!(body(&requests[3])["webhook_configuration"]["verify_token"], word.1);
}

#[test]
fn reactions_and_read_marks_name_their_message() {
    let react = |removed: bool| Action::React {
        target: Target { external_id: "wamid.q".into(), extra: json!({ "phone": "8210", "user": "KR.1" }) },
        emoji: "👍".into(),
        removed,
    };
    let (requests, _) = run(&react(false), vec![]);
    assert_eq!(spec::faults_of_message(body(&requests[0])), Vec::<String>::new());
    assert_eq!(body(&requests[0])["reaction"], json!({ "message_id": "wamid.q", "emoji": "👍" }));
    let (requests, _) = run(&react(true), vec![]);
    assert_eq!(body(&requests[0])["reaction"]["emoji"], "");
    let read = Action::MarkRead {
        peer: Peer::default(),
        thread: String::new(),
        target: Target { external_id: "wamid.q".into(), extra: Value::Null },
    };
    let (requests, _) = run(&read, vec![]);
    assert_eq!(body(&requests[0]), &json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.q" }));
}

#[test]
fn only_metas_hosts_are_shown_the_token_when_a_file_is_fetched() {
    let fetch = |answers| run(&Action::FetchMedia { media: "2003".into() }, answers);
    let at = |url: &str| answer(200, &json!({ "url": url, "mime_type": "image/jpeg" }));
    let blob = Blob { id: "b".into(), media_type: "image/jpeg".into(), size_bytes: 3 };
    let here = Response { status: 200, blob: Some(blob), ..Response::default() };
    let metas = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1";
    let (requests, outcome) = fetch(vec![at(metas), here]);
    assert!(matches!(outcome, Some(Outcome::Media { .. })));
    assert_eq!(requests[1].reach, Reach::Public);
    for stranger in ["https://evilfbsbx.com/x", "https://fbsbx.com.evil.example/x", "http://lookaside.fbsbx.com/x"] {
        let (requests, outcome) = fetch(vec![at(stranger)]);
        assert_eq!(requests.len(), 1, "{stranger}");
        assert!(matches!(outcome, Some(Outcome::Rejected { .. })), "{stranger}");
    }
    assert!(matches!(fetch(vec![at(metas), empty(404)]).1, Some(Outcome::Retry { .. })));
    let gone = json!({ "error": { "code": 100, "message": "does not exist", "type": "GraphMethodException" } });
    assert_eq!(fetch(vec![answer(400, &gone)]).1, Some(Outcome::MediaGone));
}
