//! Promises of Telegram's entrance beyond those every channel keeps.

use super::{CHANNEL, spec, webhook_secret};
use crate::testing::{SECRET, answer, empty, facts_of_fixtures, fixtures, inbox, parts_of, play};
use crate::{Action, Channel, Connect, Inbound, Outcome, Part, ProviderApp, RawRequest, Verdict};
use domain::Time;
use serde_json::{Value, json};

fn app(token: &str) -> ProviderApp {
    ProviderApp {
        secrets: [("bot_token", token)].into_iter().collect(),
        ..ProviderApp::default()
    }
}

fn raw(secret: Option<&str>, body: &Value) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: secret
            .map(|secret| ("x-telegram-bot-api-secret-token".into(), secret.into()))
            .into_iter()
            .collect(),
        body: body.to_string().into_bytes(),
        received_at: Time::default(),
        public_url: String::new(),
    }
}

fn facts(update: &Value) -> Vec<Inbound> {
    let parts = CHANNEL.split(&raw(None, update)).expect("an update");
    CHANNEL.parse(&inbox(&CHANNEL), &parts[0]).expect("facts")
}

fn message(id: i64, more: Value) -> Value {
    let mut message = json!({
        "message_id": id, "date": 1_789_000_000,
        "chat": { "id": 5, "type": "private", "first_name": "Maya" },
        "from": { "id": 5, "is_bot": false, "first_name": "Maya" },
    });
    message.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    message
}

#[test]
fn only_the_secret_of_this_bot_opens_the_entrance() {
    let body = json!({ "update_id": 1 });
    let verdict = |secret: Option<&str>| CHANNEL.verify(&app("123:ABC"), &raw(secret, &body));
    let right = webhook_secret("123:ABC");
    assert_eq!(verdict(Some(&right)), Verdict::Accept);
    assert_eq!(verdict(None), Verdict::Reject);
    assert_eq!(verdict(Some("")), Verdict::Reject);
    assert_eq!(verdict(Some(&right[1..])), Verdict::Reject);
    assert_eq!(verdict(Some(&webhook_secret("123:ABD"))), Verdict::Reject);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    assert!((1..=256).contains(&right.len()) && right.chars().all(allowed), "{right}");
    assert_ne!(CHANNEL.verify(&ProviderApp::default(), &raw(Some(""), &body)), Verdict::Accept);
}

#[test]
fn the_published_secret_token_cases_are_judged_alike() {
    let vectors: Value =
        serde_json::from_str(include_str!("fixtures/spec/signature.json")).expect("JSON");
    let cases = vectors["vectors"].as_array().expect("cases");
    assert_eq!(cases.len(), 2);
    for case in cases {
        let secret = case["secret_token"].as_str().expect("a secret");
        let told = case["header"].as_str();
        let same = told.is_some_and(|told| crate::signature::is_same(secret, told));
        assert_eq!(json!(same), case["valid"], "{case}");
    }
}

#[test]
fn every_fixture_is_an_update_as_telegram_describes_it() {
    let mut seen = 0;
    for (name, bytes) in fixtures(&CHANNEL) {
        for part in parts_of(&CHANNEL, &bytes) {
            let update: Value = serde_json::from_slice(&part.bytes).expect("JSON");
            let faults = spec::update_faults(&update);
            assert!(faults.is_empty(), "{name}: {update} {faults:?}");
            seen += 1;
        }
    }
    assert!(seen >= 35, "{seen}");
    // The description is really asked.
    assert!(!spec::update_faults(&json!({ "update_id": 1, "message": { "text": "x" } })).is_empty());
    assert!(!spec::update_faults(&json!({ "update_id": 1, "massage": {} })).is_empty());
}

#[test]
fn an_update_of_a_kind_nobody_knew_is_kept_with_its_original() {
    let facts = facts(&json!({ "update_id": 9, "hologram": { "chat": { "id": 5 } } }));
    let [Inbound::Unknown { what, raw, .. }] = facts.as_slice() else {
        panic!("{facts:?}");
    };
    assert_eq!(what, "hologram");
    assert_eq!(raw["hologram"]["chat"]["id"], 5);
}

#[test]
fn a_message_of_a_kind_nobody_knew_is_a_placeholder_of_its_author() {
    let update = json!({ "update_id": 9, "message": message(3, json!({ "hologram": { "x": 1 } })) });
    let facts = facts(&update);
    let [Inbound::Unknown { what, peer, raw, external_id, .. }] = facts.as_slice() else {
        panic!("{facts:?}");
    };
    assert_eq!(what, "hologram");
    assert_eq!(peer.as_ref().map(|p| p.handle.as_str()), Some("5"));
    assert_eq!(external_id.as_deref(), Some("5:3"));
    assert_eq!(raw["message"]["hologram"]["x"], 1);
}

#[test]
fn the_same_update_twice_has_one_key_and_chats_do_not_wait_for_each_other() {
    let one = json!({ "update_id": 9, "message": message(3, json!({ "text": "a" })) });
    let split = |update: &Value| CHANNEL.split(&raw(None, update)).expect("an update");
    assert_eq!(split(&one), split(&one));
    let mut other = one.clone();
    other["update_id"] = 10.into();
    other["message"]["chat"]["id"] = 6.into();
    assert_ne!(split(&one)[0].dedupe, split(&other)[0].dedupe);
    assert_ne!(split(&one)[0].lane, split(&other)[0].lane);
}

#[test]
fn the_same_number_in_two_chats_is_two_messages() {
    let in_chat = |chat: i64| {
        let mut update = json!({ "update_id": 9, "message": message(3, json!({ "text": "a" })) });
        update["message"]["chat"]["id"] = chat.into();
        facts(&update)[0].about().map(str::to_owned)
    };
    assert_ne!(in_chat(5), in_chat(6));
    // The bot's chat with a person and the owner's chat with her share their number.
    let mut business = json!({ "update_id": 9, "business_message": message(3, json!({ "text": "a" })) });
    business["business_message"]["business_connection_id"] = "bc".into();
    assert_ne!(facts(&business)[0].about().map(str::to_owned), in_chat(5));
}

#[test]
fn what_the_owner_answers_on_the_phone_is_no_customers_message() {
    let mut update = json!({ "update_id": 9, "business_message": message(3, json!({ "text": "yes" })) });
    update["business_message"]["business_connection_id"] = "bc".into();
    update["business_message"]["from"] = json!({ "id": 8, "is_bot": false, "first_name": "Owner" });
    let facts = facts(&update);
    let [Inbound::Message(message)] = facts.as_slice() else {
        panic!("{facts:?}");
    };
    assert!(message.own_echo && message.from_this_app == Some(false), "{message:?}");
    assert_eq!(message.peer.handle, "5", "the customer is the other side of the chat");
}

#[test]
fn links_behind_words_are_written_out_at_utf16_offsets() {
    let entity = json!([{ "type": "text_link", "offset": 3, "length": 4, "url": "https://x.example" }]);
    let text = json!({ "text": "👍 here", "entities": entity });
    let facts = facts(&json!({ "update_id": 9, "message": message(3, text) }));
    let [Inbound::Message(message)] = facts.as_slice() else {
        panic!("{facts:?}");
    };
    assert_eq!(message.text, "👍 here (https://x.example)");
}

#[test]
fn reactions_tell_what_changed_and_by_whom() {
    let (_, private) = fixtures(&CHANNEL).into_iter().find(|(n, _)| n == "private").expect("it");
    let facts = facts_of_fixtures(&CHANNEL, &private);
    let told: Vec<_> = facts
        .iter()
        .flat_map(|part| part["facts"].as_array().into_iter().flatten())
        .filter(|fact| fact["kind"] == "reaction")
        .map(|fact| (fact["emoji"].clone(), fact["removed"].clone()))
        .collect();
    let yes = |emoji: &str, removed: bool| (json!(emoji), json!(removed));
    assert_eq!(told, [yes("👍", false), yes("👍", true), yes("❤", false), yes("⭐", false)]);
}

#[test]
fn connecting_asks_who_the_bot_is_and_a_wrong_token_is_told() {
    let me = json!({ "ok": true, "result": { "id": 42, "is_bot": true, "first_name": "Moa", "username": "moa_bot" } });
    let connect = Action::Connect(Connect::Form);
    let (requests, outcome) = play(&CHANNEL, &inbox(&CHANNEL), &connect, vec![answer(200, &me)]);
    assert_eq!(requests[0].url, format!("https://provider.test/bot{SECRET}/getMe"));
    let Some(Outcome::Connected { account, address, secrets, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((account.as_str(), address.as_str()), ("42", "@moa_bot"));
    assert!(secrets.is_empty());
    for status in [401, 404] {
        let (_, outcome) = play(&CHANNEL, &inbox(&CHANNEL), &connect, vec![empty(status)]);
        assert!(matches!(outcome, Some(Outcome::CredentialsDied { .. })), "{outcome:?}");
    }
}

#[test]
fn subscribing_names_our_entrance_asks_for_reactions_and_reads_it_back() {
    let inbox = inbox(&CHANNEL);
    let done = answer(200, &json!({ "ok": true, "result": true }));
    let info = |url: &str, more: Value| {
        let mut result = json!({ "url": url, "has_custom_certificate": false, "pending_update_count": 3 });
        result.as_object_mut().expect("it").extend(more.as_object().expect("it").clone());
        answer(200, &json!({ "ok": true, "result": result }))
    };
    let url = inbox.webhook_url.clone().expect("an address");
    let run = |info| play(&CHANNEL, &inbox, &Action::Subscribe, vec![done.clone(), info]);
    let (requests, outcome) = run(info(&url, json!({})));
    assert_eq!(outcome, Some(Outcome::Ok));
    assert!(spec::request_faults(&requests[0]).is_empty());
    let body = spec::fields_of(&requests[0]);
    assert_eq!(body["url"], url.as_str());
    assert_eq!(body["secret_token"], webhook_secret(SECRET));
    assert!(body["allowed_updates"].as_array().is_some_and(|all| all.contains(&json!("message_reaction"))));

    let code = |outcome: Option<Outcome>| match outcome {
        Some(Outcome::Rejected { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let (_, taken) = run(info("https://other.example", json!({})));
    assert_eq!(code(taken), "webhook_taken");
    let failing = json!({ "last_error_date": inbox.now.timestamp() - 60, "last_error_message": "Wrong response: 502" });
    assert_eq!(code(run(info(&url, failing)).1), "webhook_failing");
    let old = json!({ "last_error_date": inbox.now.timestamp() - 86_400 });
    assert_eq!(run(info(&url, old)).1, Some(Outcome::Ok));
}

#[test]
fn a_stored_part_that_is_no_update_is_malformed_and_no_panic() {
    let part = |bytes: &[u8]| Part {
        account: String::new(),
        lane: String::new(),
        dedupe: String::new(),
        bytes: bytes.to_vec(),
    };
    for bytes in [&b"{}"[..], b"[]", b"\xff", b"{\"update_id\":1,\"message\":{}}"] {
        assert!(CHANNEL.parse(&inbox(&CHANNEL), &part(bytes)).is_err());
    }
}
