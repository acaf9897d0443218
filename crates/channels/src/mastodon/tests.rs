//! Promises of Mastodon beyond those every channel keeps: who sees a reply, and how long it is.

use super::CHANNEL;
use super::send::visibility;
use crate::testing::{answer, empty, inbox};
use crate::{
    Action, Body, Channel, Connect, HttpRequest, Inbox, Outcome, Outgoing, Peer, Reach, Repeat,
    Response, SendKind, Target, Upload,
};
use serde_json::{Value, json};
use std::time::Duration;

fn answering(visibility: &str) -> Outgoing {
    Outgoing {
        client_id: "msg_7".into(),
        peer: Peer {
            handle: "77".into(),
            display: "@jiwoo@maru.example".into(),
            ..Peer::default()
        },
        thread: super::status::thread(visibility).into(),
        text: "내일 도착합니다.".into(),
        answering: Some(Target {
            external_id: "9001".into(),
            extra: json!({ "acct": "jiwoo@maru.example", "visibility": visibility, "spoiler": "주문" }),
        }),
        ..Outgoing::default()
    }
}

fn play(
    inbox: &Inbox,
    action: &Action,
    answers: Vec<Response>,
) -> (Vec<HttpRequest>, Option<Outcome>) {
    crate::testing::play(&CHANNEL, inbox, action, answers)
}

fn send(out: Outgoing, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    play(&inbox(&CHANNEL), &Action::Send(Box::new(out)), answers)
}

fn json_of(request: &HttpRequest) -> &Value {
    match &request.body {
        Body::Json(value) => value,
        other => panic!("no JSON: {other:?}"),
    }
}

fn posted(id: &str) -> Response {
    answer(200, &json!({ "id": id }))
}

#[test]
fn a_reply_is_never_seen_by_more_people_than_what_it_answers() {
    for word in ["direct", "private", "unlisted", "public"] {
        let (requests, _) = send(answering(word), vec![]);
        assert_eq!(json_of(&requests[0])["visibility"], word);
    }
    assert_eq!(
        visibility(Some("mutuals_only"), "public"),
        "direct",
        "unknown words are the narrowest"
    );
    assert_eq!(
        visibility(Some("public"), ""),
        "direct",
        "a direct thread stays direct"
    );
    assert_eq!(visibility(Some("direct"), "public"), "direct");
    assert_eq!(visibility(None, "public"), "direct", "nothing answered");
}

#[test]
fn every_reply_names_the_person_and_keeps_warning_and_thread() {
    let (requests, _) = send(answering("direct"), vec![]);
    let body = json_of(&requests[0]);
    assert_eq!(body["status"], "@jiwoo@maru.example 내일 도착합니다.");
    assert_eq!(body["in_reply_to_id"], "9001");
    assert_eq!(
        (&body["spoiler_text"], &body["sensitive"]),
        (&json!("주문"), &json!(true))
    );
}

#[test]
fn without_a_remembered_audience_the_instance_is_asked_before_anything_is_posted() {
    let mut out = answering("direct");
    out.answering = Some(Target {
        external_id: "9001".into(),
        extra: Value::Null,
    });
    let status = json!({ "id": "9001", "visibility": "direct", "account": { "id": "77", "acct": "jiwoo@maru.example" } });
    let (requests, _) = send(out, vec![answer(200, &status)]);
    assert_eq!(requests[0].method, http::Method::GET);
    assert_eq!(json_of(&requests[1])["visibility"], "direct");
}

#[test]
fn a_message_to_nobody_is_refused() {
    let out = Outgoing {
        text: "hi".into(),
        ..Outgoing::default()
    };
    let (requests, outcome) = send(out, vec![]);
    assert!(
        requests.is_empty()
            && matches!(outcome, Some(Outcome::Rejected { code, .. }) if code == "no_mention")
    );
}

#[test]
fn length_counts_links_as_23_and_of_a_mention_only_the_name() {
    for (text, length) in [
        ("hello", 5),
        (
            "https://example.org/a/very/long/path?with=query#and-more",
            23,
        ),
        ("see http://a.b.", 4 + 23 + 1),
        ("@jiwoo@maru.example hi", 6 + 3),
        ("👩‍👩‍👧 각", 3),
        ("mail@host.example", 17),
    ] {
        assert_eq!(CHANNEL.measure(text), length, "{text}");
    }
}

#[test]
fn a_long_text_becomes_a_numbered_chain_and_loses_nothing() {
    let words: Vec<String> = (0..300).map(|n| format!("word{n}")).collect();
    let mut out = answering("public");
    out.text = words.join(" ");
    let answers = (1..=12).map(|n| posted(&format!("s{n}"))).collect();
    let (requests, outcome) = send(out, answers);
    let Some(Outcome::Sent { external_id, extra }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(requests.len() > 3 && external_id == "s1");
    assert_eq!(extra["ids"].as_array().map(Vec::len), Some(requests.len()));
    let mut read = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let body = json_of(request);
        let text = body["status"].as_str().expect("text");
        assert!(
            CHANNEL.measure(text) + "주문".chars().count() <= 500,
            "{text}"
        );
        let above = if index == 0 {
            "9001".to_owned()
        } else {
            format!("s{index}")
        };
        assert_eq!(body["in_reply_to_id"], above);
        let inner = text.strip_prefix("@jiwoo@maru.example ").expect("mention");
        let (inner, number) = inner.rsplit_once(" (").expect("number");
        assert_eq!(number, format!("{}/{})", index + 1, requests.len()));
        read.extend(inner.split(' ').map(str::to_owned));
    }
    assert_eq!(read, words);
}

#[test]
fn each_piece_of_a_chain_has_its_own_key_and_a_retry_repeats_it() {
    let mut out = answering("public");
    out.text = "a ".repeat(600);
    let key = |request: &HttpRequest| request.repeat.clone();
    let (first, _) = send(out.clone(), vec![posted("s1")]);
    let (again, _) = send(out, vec![posted("s1")]);
    assert_eq!(
        first.iter().map(key).collect::<Vec<_>>(),
        [Repeat::Key("msg_7-0".into()), Repeat::Key("msg_7-1".into())]
    );
    assert_eq!(
        first.iter().map(key).collect::<Vec<_>>(),
        again.iter().map(key).collect::<Vec<_>>()
    );
}

#[test]
fn pictures_are_uploaded_and_processed_before_the_post() {
    let mut out = answering("direct");
    out.attachments = vec![Upload {
        blob: "b1".into(),
        name: "a.png".into(),
        media_type: "image/png".into(),
        size_bytes: 9,
        description: Some("a box".into()),
        link: None,
    }];
    let (requests, outcome) = send(
        out,
        vec![
            answer(202, &json!({ "id": "media1" })),
            answer(206, &json!({})),
            empty(200),
            posted("s1"),
        ],
    );
    assert!(matches!(requests[0].body, Body::Multipart(_)));
    assert_eq!(requests[1].delay, Some(Duration::from_secs(1)));
    assert_eq!(json_of(&requests[3])["media_ids"], json!(["media1"]));
    assert!(
        matches!(outcome, Some(Outcome::Sent { extra, .. }) if extra["media"] == json!(["media1"]))
    );
}

#[test]
fn where_keys_are_ignored_our_latest_posts_are_searched() {
    let mut inbox = inbox(&CHANNEL);
    inbox.settings.insert("idempotent".into(), false.into());
    assert_eq!(CHANNEL.send_kind(&inbox), SendKind::Lookup);
    let ask = Action::LookUp(Box::new(answering("direct")));
    let status = |reply: &str, text: &str| {
        json!({ "id": "s5", "in_reply_to_id": reply, "account": { "id": "1", "acct": "desk" },
            "content": format!("<p><a href=\"https://maru.example/@jiwoo\">@<span>jiwoo</span></a> {text}</p>") })
    };
    let outcome = |latest: Value| play(&inbox, &ask, vec![answer(200, &latest)]).1;
    let same = outcome(json!([status("9001", "내일  도착합니다.")]));
    assert!(matches!(same, Some(Outcome::Sent { external_id, .. }) if external_id == "s5"));
    assert_eq!(
        outcome(json!([
            status("9001", "모레 도착합니다."),
            status("8", "내일 도착합니다.")
        ])),
        Some(Outcome::NotSent)
    );
}

#[test]
fn edits_and_deletes_reach_every_piece_of_a_chain() {
    let target = Target {
        external_id: "s1".into(),
        extra: json!({ "acct": "jiwoo", "ids": ["s1", "s2"], "media": ["m"] }),
    };
    let edit = Action::Edit {
        target: target.clone(),
        peer: Peer::default(),
        thread: String::new(),
        text: "short".into(),
    };
    let (requests, outcome) = play(&inbox(&CHANNEL), &edit, vec![empty(200), empty(404)]);
    assert_eq!(outcome, Some(Outcome::Ok));
    assert_eq!(
        json_of(&requests[0]),
        &json!({ "status": "@jiwoo short", "media_ids": ["m"] })
    );
    assert_eq!(requests[1].method, http::Method::DELETE);
    let (requests, outcome) = play(
        &inbox(&CHANNEL),
        &Action::Delete { target },
        vec![empty(200), empty(200)],
    );
    assert!(requests[0].url.ends_with("/s2") && requests[1].url.ends_with("/s1"));
    assert_eq!(outcome, Some(Outcome::Ok));
}

#[test]
fn a_refused_text_says_what_the_instance_said_and_a_full_hour_waits_for_its_reset() {
    let refusal = answer(422, &json!({ "error": "Text is too long" }));
    let (_, outcome) = send(answering("direct"), vec![refusal]);
    assert!(
        matches!(outcome, Some(Outcome::Rejected { reason, .. }) if reason.contains("Text is too long"))
    );
    let mut busy = empty(429);
    busy.headers.push((
        "x-ratelimit-reset".into(),
        "1970-01-01T00:02:00.000Z".into(),
    ));
    let (_, outcome) = send(answering("direct"), vec![busy]);
    assert!(
        matches!(outcome, Some(Outcome::Retry { after: Some(after), .. }) if after.as_secs() == 121)
    );
}

#[test]
fn connecting_keeps_what_the_instance_allows_and_where_its_notifications_stand() {
    let answers = vec![
        answer(
            200,
            &json!({ "id": "42", "username": "desk", "acct": "desk" }),
        ),
        answer(
            200,
            &json!({ "domain": "desk.example", "source_url": "https://codeberg.org/superseriousbusiness/gotosocial",
            "configuration": { "statuses": { "max_characters": 5000, "max_media_attachments": 6 }, "urls": { "streaming": "wss://s.desk.example" } } }),
        ),
        answer(200, &json!([{ "id": "900" }])),
    ];
    let (requests, outcome) = play(&inbox(&CHANNEL), &Action::Connect(Connect::Form), answers);
    assert!(
        requests
            .iter()
            .all(|r| r.headers.iter().any(|(name, _)| *name == "user-agent"))
    );
    let Some(Outcome::Connected {
        account,
        address,
        settings,
        ..
    }) = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (account.as_str(), address.as_str()),
        ("42", "@desk@desk.example")
    );
    assert_eq!(
        (
            &settings["text_max"],
            &settings["notifications_from"],
            &settings["idempotent"]
        ),
        (&json!(5000), &json!("900"), &json!(false))
    );
    let connected = Inbox {
        settings,
        ..inbox(&CHANNEL)
    };
    assert_eq!(CHANNEL.limits(&connected).text_max, 5000);
}

#[test]
fn the_code_flow_registers_once_and_proves_its_verifier() {
    let mut inbox = inbox(&CHANNEL);
    inbox.app = None;
    let begin = Action::Connect(Connect::Begin {
        redirect_uri: "https://desk.test/oauth".into(),
        state: "st&te".into(),
        verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
    });
    let made = answer(200, &json!({ "client_id": "cid", "client_secret": "cs" }));
    let (requests, outcome) = play(&inbox, &begin, vec![made]);
    assert!(requests[0].url.ends_with("/api/v1/apps"));
    let Some(Outcome::Authorize {
        url, app_secrets, ..
    }) = outcome
    else {
        panic!("{outcome:?}")
    };
    // The example of RFC 7636.
    assert!(
        url.contains("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        "{url}"
    );
    assert!(url.contains("state=st%26te") && url.contains("code_challenge_method=S256"));
    assert_eq!(app_secrets.get("client_secret"), Some("cs"));
}

#[test]
fn addresses_that_could_leak_the_token_are_refused() {
    for typed in [
        "http://example.social",
        "ftp://example.social",
        "https://user:pw@example.social",
        "",
        "https://",
    ] {
        let mut inbox = inbox(&CHANNEL);
        inbox.base_url = Some(typed.into());
        let (requests, outcome) = play(&inbox, &Action::Check, vec![]);
        assert!(
            requests.is_empty() && matches!(outcome, Some(Outcome::Rejected { .. })),
            "{typed}"
        );
    }
}

#[test]
fn pictures_are_fetched_without_the_token_and_guarded_when_a_stranger_hosts_them() {
    let fetch = |media: &str| {
        play(
            &inbox(&CHANNEL),
            &Action::FetchMedia {
                media: media.into(),
            },
            vec![],
        )
        .0
        .remove(0)
    };
    assert_eq!(fetch("http://169.254.169.254/x.png").reach, Reach::Public);
    let own = fetch("http://127.0.0.1:13009/media/x.png");
    assert_eq!(own.reach, Reach::Configured);
    assert!(own.headers.iter().all(|(name, _)| *name != "authorization"));
}
