//! Promises of WhatsApp's entrance beyond those every channel keeps.

use super::{CHANNEL, verify_token};
use crate::testing::{facts_of_fixtures, fixtures, inbox, parts_of};
use crate::{Channel, Inbound, Part, ProviderApp, RawRequest, Receipt, Verdict};
use domain::Time;
use serde_json::{Value, json};

const VECTORS: &str = include_str!("fixtures/spec/signature.json");

fn raw(signature: &str, body: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: vec![("x-hub-signature-256".into(), signature.into())],
        body: body.into(),
        received_at: Time::default(),
        public_url: String::new(),
    }
}

fn app(secret: &str) -> ProviderApp {
    ProviderApp {
        secrets: [("app_secret", secret)].into_iter().collect(),
        ..ProviderApp::default()
    }
}

fn split(value: &Value) -> Vec<Part> {
    let change = json!({ "field": "messages", "value": value });
    let body = json!({ "entry": [{ "id": "1", "changes": [change] }] }).to_string();
    CHANNEL.split(&raw("", &body)).expect("a batch")
}

fn message(more: &Value) -> Vec<Part> {
    let mut message = json!({
        "from": "821012345678", "from_user_id": "KR.1", "id": "wamid.1", "timestamp": "1789000000",
        "type": "text", "text": { "body": "hi" },
    });
    message.as_object_mut().expect("it").extend(more.as_object().expect("it").clone());
    split(&json!({ "metadata": { "phone_number_id": "106540352242922" }, "messages": [message] }))
}

fn facts(part: &Part) -> Vec<Inbound> {
    CHANNEL.parse(&inbox(&CHANNEL), part).expect("facts")
}

#[test]
fn signatures_over_the_raw_bytes_are_judged_as_computed_elsewhere() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let cases = vectors["vectors"].as_array().expect("cases");
    let signed: Vec<_> = cases.iter().filter(|case| case["signature"].is_string()).collect();
    assert_eq!(signed.len(), 3);
    for case in signed {
        let told = |key: &str| case[key].as_str().unwrap_or_default();
        let verdict = |secret, body: &str| CHANNEL.verify(&app(secret), &raw(told("signature"), body));
        let expected = if case["valid"] == false { Verdict::Reject } else { Verdict::Accept };
        assert_eq!(verdict(told("app_secret"), told("body")), expected, "{case}");
        assert_eq!(verdict("other", told("body")), Verdict::Reject);
        assert_eq!(verdict(told("app_secret"), &format!("{} ", told("body"))), Verdict::Reject);
    }
}

#[test]
fn the_address_test_is_answered_only_to_who_knows_the_word() {
    let word = verify_token("s");
    let ask = |word: &str, mode: &str, challenge: &str| {
        let mut raw = raw("", "");
        raw.method = "GET".into();
        raw.query = format!("hub.mode={mode}&hub.challenge={challenge}&hub.verify_token={word}");
        CHANNEL.verify(&app("s"), &raw)
    };
    let Verdict::Challenge { status: 200, body, .. } = ask(&word, "subscribe", "1158201444") else {
        panic!("refused");
    };
    assert_eq!(body, b"1158201444");
    assert_eq!(ask("guess", "subscribe", "1158201444"), Verdict::Reject);
    assert_eq!(ask(&word, "unsubscribe", "1158201444"), Verdict::Reject);
    assert_eq!(ask(&word, "subscribe", "%3Cscript%3E"), Verdict::Reject);
}

#[test]
fn every_call_proves_the_app_secret_as_computed_elsewhere() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    let cases = vectors["vectors"].as_array().expect("cases");
    let case = cases.iter().find(|case| case["name"] == "appsecret_proof").expect("it");
    let told = |key: &str| case[key].as_str().unwrap_or_default();
    let proof = crate::signature::hex_of_hmac(told("app_secret"), told("access_token").as_bytes());
    assert_eq!(proof, told("appsecret_proof"));
}

#[test]
fn entries_changes_messages_and_statuses_of_one_post_are_all_kept_in_order() {
    let (_, bytes) = fixtures(&CHANNEL).into_iter().find(|(name, _)| name == "newer").expect("it");
    let batch: Value = serde_json::from_slice(&bytes).expect("JSON");
    let body = batch["requests"][0].to_string();
    let parts = CHANNEL.split(&raw("", &body)).expect("a batch");
    let keys: Vec<_> = parts.iter().map(|part| part.dedupe.as_str()).collect();
    assert_eq!(keys, [
        "messages:text:wamid.own-01:", "messages:image:wamid.own-02:",
        "statuses:read:wamid.out-1:", "statuses:delivered:wamid.out-1:",
        "messages:text:wamid.own-05:", "messages:text:wamid.own-06:",
    ]);
    let lanes: Vec<_> = parts.iter().map(|part| part.lane.as_str()).collect();
    let (seoyeon, sofia) = ("KR.13491208655302741918", "BR.77120865530274");
    assert_eq!(lanes, [seoyeon, seoyeon, seoyeon, seoyeon, sofia, seoyeon]);
}

#[test]
fn a_person_is_her_id_then_her_phone_and_was_known_by_the_phone_before() {
    let told = |more: Value| match &facts(&message(&more)[0])[..] {
        [Inbound::Message(message)] => (message.peer.handle.clone(), message.peer.former.clone()),
        other => panic!("{other:?}"),
    };
    let pair = |a: &str, b: Option<&str>| (a.to_owned(), b.map(str::to_owned));
    assert_eq!(told(json!({})), pair("KR.1", Some("821012345678")));
    assert_eq!(told(json!({ "from": null })), pair("KR.1", None));
    assert_eq!(told(json!({ "from_user_id": null })), pair("821012345678", None));
}

#[test]
fn a_status_that_repeats_our_word_tells_the_id_of_a_send_whose_answer_was_lost() {
    let status = |word: &str| {
        let status = json!({ "id": "wamid.9", "status": "delivered", "timestamp": "1789000000",
            "recipient_id": "821012345678", "biz_opaque_callback_data": word });
        facts(&split(&json!({ "statuses": [status] }))[0])
    };
    let ours = status("meari:answer-1");
    let [Inbound::Message(echo), Inbound::Receipt { of, .. }] = &ours[..] else {
        panic!("{ours:?}");
    };
    assert!(echo.own_echo && echo.client_id.as_deref() == Some("answer-1"));
    assert_eq!(of, &Receipt::Message { external_id: echo.external_id.clone() });
    assert_eq!(status("another program's").len(), 1);
}

#[test]
fn one_bad_event_spoils_no_other_of_its_batch() {
    let parts = split(&json!({ "messages": [
        { "id": "1", "type": "edit", "edit": 7 }, "nonsense", { "id": "2", "from": "1", "type": "text", "text": { "body": "hi" } },
    ] }));
    let results: Vec<_> = parts.iter().map(|part| CHANNEL.parse(&inbox(&CHANNEL), part).is_ok()).collect();
    assert_eq!(results, [false, false, true]);
}

#[test]
fn every_kind_in_metas_own_file_is_read_and_none_is_lost() {
    let (_, bytes) = fixtures(&CHANNEL).into_iter().find(|(name, _)| name == "meta").expect("it");
    let mut kinds = std::collections::BTreeMap::new();
    for part in facts_of_fixtures(&CHANNEL, &bytes) {
        for fact in part["facts"].as_array().expect("facts") {
            *kinds.entry(fact["kind"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
        }
    }
    let told: Vec<_> = kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(told, [("message", 10), ("profile", 1), ("reaction", 2), ("unknown", 4)]);
    assert_eq!(parts_of(&CHANNEL, &bytes).len(), 16);
}
