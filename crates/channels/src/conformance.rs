//! Promises that every channel keeps, run over `ALL`. A new folder is tested without an edit here.

use crate::testing::{
    SECRET, answer, app, empty, facts_of_fixtures, fixtures, folder, inbox, parts_of, run,
};
use crate::{
    ALL, Action, Body, Connect, Cursor, Field, Inbound, Input, Outcome, Outgoing, Part, Peer,
    RawRequest, Repeat, Response, Target, Upload, Verdict, by_kind,
};
use domain::Time;
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

#[test]
fn the_folder_is_the_registry() {
    assert!(ALL.len() >= 2);
    for channel in ALL {
        let kind = channel.manifest().kind;
        assert!(
            folder(*channel).join("mod.rs").is_file(),
            "{kind} is not its folder's name"
        );
        assert_eq!(by_kind(kind).map(|c| c.manifest().kind), Some(kind));
    }
    assert!(by_kind("no-such-channel").is_none());
}

#[test]
fn manifests_say_everything_the_screens_need_in_both_languages() {
    for channel in ALL {
        let manifest = channel.manifest();
        let kind = manifest.kind;
        assert!(
            folder(*channel).join("README.md").is_file() && manifest.readme.len() > 300,
            "{kind}"
        );
        assert!(
            !manifest.name.en.is_empty() && !manifest.name.ko.is_empty(),
            "{kind}"
        );
        assert!(manifest.limits.text_max > 0, "{kind}");
        assert_eq!(
            manifest.capabilities.attach,
            manifest.limits.attachments_max > 0,
            "{kind}"
        );
        assert!(
            manifest.uses_webhook || manifest.uses_session,
            "{kind} hears nothing"
        );
        for Field {
            name,
            label,
            help,
            secret,
            options,
            kind: form,
            ..
        } in manifest.fields.iter().chain(manifest.app_fields)
        {
            let field = format!("{kind}.{name}");
            assert!(
                !label.en.is_empty() && !label.ko.is_empty(),
                "{field} has no label"
            );
            assert!(
                label.ko.chars().any(|c| ('가'..='힣').contains(&c)),
                "{field} is not Korean"
            );
            assert_eq!(
                help.en.is_empty(),
                help.ko.is_empty(),
                "{field} helps in one language"
            );
            assert_eq!(
                *form == crate::FieldKind::Choice,
                !options.is_empty(),
                "{field}"
            );
            let sounds_secret = ["secret", "token", "password", "private_key"]
                .iter()
                .any(|word| name.contains(word));
            assert!(*secret || !sounds_secret, "{field} is not marked as secret");
        }
    }
}

#[test]
fn icons_are_small_and_cannot_run_or_load_anything() {
    for channel in ALL {
        let (kind, icon) = (channel.manifest().kind, channel.manifest().icon);
        assert!(
            icon.len() < 4096 && icon.trim_start().starts_with("<svg"),
            "{kind}"
        );
        for bad in [
            "<script", "href", " on", "<style", "style=", "<image", "<foreign", "url(", " id=",
            "<!", "<use",
        ] {
            assert!(!icon.contains(bad), "{kind}: {bad}");
        }
    }
}

#[test]
fn every_fixture_tells_the_same_facts_as_before() {
    for channel in ALL {
        for (name, bytes) in fixtures(*channel) {
            let facts = facts_of_fixtures(*channel, &bytes);
            insta::with_settings!({
                snapshot_path => folder(*channel).join("fixtures"),
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, {
                insta::assert_json_snapshot!(name, facts);
            });
        }
    }
}

#[test]
fn parts_of_one_fixture_have_different_dedupe_keys_and_repeats_the_same() {
    for channel in ALL {
        for (name, bytes) in fixtures(*channel) {
            let parts = parts_of(*channel, &bytes);
            assert_eq!(parts, parts_of(*channel, &bytes), "{name}");
            let mut keys: Vec<_> = parts.iter().map(|p| (&p.account, &p.dedupe)).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), parts.len(), "{name}");
        }
    }
}

#[test]
fn what_we_wrote_ourselves_is_never_a_customers_message() {
    for channel in ALL {
        let inbox = inbox(*channel);
        for (name, bytes) in fixtures(*channel) {
            for part in parts_of(*channel, &bytes) {
                for fact in channel.parse(&inbox, &part).unwrap_or_default() {
                    if let Inbound::Message(message) = fact {
                        let ours = message.peer.handle == inbox.account;
                        assert!(!ours, "{name}: we are not our own customer");
                        assert!(
                            message.own_echo || message.from_this_app.is_none(),
                            "{name}"
                        );
                    }
                }
            }
        }
    }
}

fn request(headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        path: "/webhooks/x/key".into(),
        query: String::new(),
        headers,
        body,
        received_at: Time::default(),
        public_url: "https://desk.test/webhooks/x/key".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn garbage_at_the_entrance_is_refused_without_panic(
        names in prop::collection::vec("(webhook-(id|timestamp|signature)|x-[a-z]{1,8})", 0..6),
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 6),
        body in prop::collection::vec(any::<u8>(), 0..200),
        query in "(challenge=[ -~]{0,20})?",
        get: bool,
    ) {
        for channel in ALL {
            let mut raw = request(names.iter().cloned().zip(values.clone()).collect(), body.clone());
            prop_assert_ne!(channel.verify(&app(*channel), &raw), Verdict::Accept);
            prop_assert_ne!(channel.verify(&inbox(*channel).own_app(), &raw), Verdict::Accept);
            if get {
                raw.method = "GET".into();
                raw.query.clone_from(&query);
            }
            prop_assert_ne!(channel.verify(&inbox(*channel).own_app(), &raw), Verdict::Accept);
            let _ = channel.split(&raw);
        }
    }

    #[test]
    fn damaged_events_never_panic(cut in 0usize..8000, flip in 0usize..8000, byte: u8) {
        for channel in ALL {
            let inbox = inbox(*channel);
            for (_, mut bytes) in fixtures(*channel) {
                let length = bytes.len();
                bytes[flip % length] = byte;
                let _ = channel.split(&request(vec![], bytes.clone()));
                bytes.truncate(cut % length + 1);
                let _ = channel.split(&request(vec![], bytes.clone()));
                let part = Part { account: "a".into(), lane: String::new(), dedupe: "d".into(), bytes };
                let _ = channel.parse(&inbox, &part);
            }
        }
    }

    #[test]
    fn damaged_parts_never_panic(index in 0usize..64, flip in 0usize..4000, byte: u8) {
        for channel in ALL {
            let inbox = inbox(*channel);
            for (_, bytes) in fixtures(*channel) {
                let mut parts = parts_of(*channel, &bytes);
                let count = parts.len();
                let part = &mut parts[index % count];
                let length = part.bytes.len();
                part.bytes[flip % length] = byte;
                let _ = channel.parse(&inbox, part);
            }
        }
    }

    #[test]
    fn any_text_can_be_sent_within_the_limit(message in "\\PC{0,1500}", thread in "(public|private)?") {
        for channel in ALL {
            let mut out = outgoing();
            out.text = message.clone();
            out.thread = thread.clone();
            let _ = run(*channel, &Action::Send(Box::new(out)), |_| answer(200, &json!({"id": "1"})));
        }
    }
}

fn outgoing() -> Outgoing {
    Outgoing {
        client_id: "msg_1".into(),
        peer: peer(),
        text: "hello".into(),
        attachments: vec![Upload {
            blob: "blob-1".into(),
            name: "a.png".into(),
            media_type: "image/png".into(),
            size_bytes: 10,
            description: None,
            link: Some("https://desk.test/m/x".into()),
        }],
        answering: Some(target()),
        ..Outgoing::default()
    }
}

fn peer() -> Peer {
    Peer {
        handle: "77".into(),
        display: "@maya@tidewater.example".into(),
        ..Peer::default()
    }
}

fn target() -> Target {
    Target {
        external_id: "m1".into(),
        extra: json!({ "acct": "maya@tidewater.example", "visibility": "direct" }),
    }
}

fn actions() -> Vec<Action> {
    let thread = String::new;
    let (redirect_uri, verifier) = ("https://desk.test/oauth".to_owned(), SECRET.to_owned());
    vec![
        Action::Connect(Connect::Form),
        Action::Connect(Connect::Begin {
            redirect_uri: redirect_uri.clone(),
            state: "state".into(),
            verifier: verifier.clone(),
        }),
        Action::Connect(Connect::Finish {
            redirect_uri,
            code: SECRET.into(),
            verifier,
        }),
        Action::Check,
        Action::Refresh,
        Action::Subscribe,
        Action::Disconnect,
        Action::Send(Box::new(outgoing())),
        Action::LookUp(Box::new(outgoing())),
        Action::Edit {
            target: target(),
            peer: peer(),
            thread: thread(),
            text: "b".into(),
        },
        Action::Delete { target: target() },
        Action::React {
            target: target(),
            emoji: "👍".into(),
            removed: false,
        },
        Action::Typing {
            peer: peer(),
            thread: thread(),
            on: true,
        },
        Action::MarkRead {
            peer: peer(),
            thread: thread(),
            target: target(),
        },
        Action::FetchMedia {
            media: "https://files.example/a.png".into(),
        },
        Action::FetchProfile { peer: peer() },
        Action::Poll { cursor: None },
        Action::Poll {
            cursor: Some(Cursor("not a cursor".into())),
        },
        Action::Backfill { count: 100 },
    ]
}

#[test]
fn every_action_ends_whatever_the_provider_answers() {
    let bodies = [
        json!({}),
        json!([]),
        json!("x"),
        json!({ "id": "1", "username": "u", "acct": "u", "account": { "id": "1", "acct": "u" }, "client_id": "c",
            "client_secret": SECRET, "access_token": SECRET }),
        json!([{ "id": "1", "type": "mention" }, { "id": "1", "type": "mention" }]),
    ];
    for channel in ALL {
        for action in actions() {
            for status in [
                200, 202, 204, 206, 301, 400, 401, 403, 404, 410, 422, 429, 500, 503,
            ] {
                for body in &bodies {
                    let (outcome, _) = run(*channel, &action, |_| answer(status, body));
                    let shown = format!("{outcome:?}");
                    assert!(!shown.contains(SECRET), "{shown}");
                }
            }
        }
    }
}

#[test]
fn a_refusal_means_the_same_for_every_action() {
    for channel in ALL {
        for action in actions() {
            if matches!(action, Action::Connect(_) | Action::FetchMedia { .. }) {
                continue;
            }
            let what = format!("{} {action:?}", channel.manifest().kind);
            let (outcome, calls) = run(*channel, &action, |_| empty(401));
            if calls == 0 {
                continue;
            }
            assert!(
                matches!(outcome, Outcome::CredentialsDied { .. }),
                "{what}: {outcome:?}"
            );
            let (outcome, _) = run(*channel, &action, |_| Response {
                headers: vec![("retry-after".into(), "7".into())],
                ..empty(429)
            });
            let seven = Some(Duration::from_secs(7));
            assert!(
                matches!(&outcome, Outcome::Retry { after, .. } if *after == seven),
                "{what}: {outcome:?}"
            );
            for status in [500, 502, 503] {
                let (outcome, _) = run(*channel, &action, |_| empty(status));
                assert!(
                    matches!(outcome, Outcome::Retry { .. }),
                    "{what}: {outcome:?}"
                );
            }
        }
    }
}

#[test]
fn what_comes_before_a_send_may_be_repeated_when_its_answer_is_lost() {
    for channel in ALL {
        let mut made = Vec::new();
        run(*channel, &Action::Send(Box::new(outgoing())), |request| {
            made.push(request.clone());
            answer(200, &json!({ "id": "1" }))
        });
        let last = made.len().saturating_sub(1);
        for (index, request) in made.iter().enumerate() {
            // A second post is a second message unless the provider knows its key; the last one
            // may be the message itself, even when it carries a file.
            let carries = matches!(request.body, Body::Multipart(_) | Body::Blob { .. });
            let harmless = request.method == http::Method::GET || carries && index < last;
            assert_eq!(harmless, request.repeat == Repeat::Harmless, "{request:?}");
        }
    }
}

#[test]
fn an_unsupported_action_makes_no_request() {
    for channel in ALL {
        for action in actions() {
            let (outcome, calls) = run(*channel, &action, |_| empty(200));
            assert!(outcome != Outcome::Unsupported || calls == 0, "{action:?}");
        }
    }
}

#[test]
fn debug_output_shows_no_secret() {
    for channel in ALL {
        let (inbox, app) = (inbox(*channel), app(*channel));
        let mut shown = format!("{inbox:?} {app:?} {:?}", inbox.own_app());
        let mut raw = request(vec![("x-secret".into(), SECRET.into())], SECRET.into());
        raw.query = format!("token={SECRET}");
        shown.push_str(&format!(
            "{raw:?} {:?}",
            answer(200, &json!({ "t": SECRET }))
        ));
        if let Some(mut session) = channel.session(&inbox, None) {
            for input in [
                Input::Start,
                Input::Closed {
                    status: Some(403),
                    reason: String::new(),
                },
                Input::Opened,
            ] {
                shown.push_str(&format!("{:?}", session.handle(input, inbox.now)));
            }
        }
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sessions_survive_anything(inputs in prop::collection::vec((0u8..8, any::<u16>(), "\\PC{0,80}"), 0..40)) {
        for channel in ALL {
            let inbox = inbox(*channel);
            let Some(mut session) = channel.session(&inbox, None) else { continue };
            let mut now = inbox.now;
            let _ = session.handle(Input::Start, now);
            for (kind, number, text) in &inputs {
                now += chrono::Duration::seconds(i64::from(*number % 700));
                let input = match kind {
                    0 => Input::Opened,
                    1 => Input::Received(text.clone().into_bytes()),
                    2 => Input::Received(json!({ "event": text, "payload": text }).to_string().into_bytes()),
                    3 => Input::Closed { status: (number % 3 == 0).then_some(number % 600), reason: text.clone() },
                    4 => Input::Answered { call: u64::from(number % 8), response: None },
                    5 => Input::Answered {
                        call: u64::from(number % 8),
                        response: Some(answer(if number % 2 == 0 { 200 } else { number % 600 }, &json!([{ "id": text }]))),
                    },
                    6 => Input::Stored(Cursor(text.clone())),
                    _ => Input::Timer,
                };
                let outputs = session.handle(input, now);
                prop_assert!(outputs.len() < 50);
            }
        }
    }
}
