//! Promises about what goes out to Twilio.

use super::CHANNEL;
use crate::testing::{answer, empty, inbox, play};
use crate::{
    Action, Blob, Body, Channel, Connect, HttpRequest, Outcome, Outgoing, Peer, Reach, Response,
    SendKind, Upload,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::time::Duration;

fn spec() -> Value {
    serde_json::from_str(include_str!("fixtures/spec/messages.json")).expect("JSON")
}

/// The form as an object, numbers of equal names as a list where Twilio wants one.
fn form(request: &HttpRequest) -> Value {
    let Body::Form(fields) = &request.body else {
        panic!("no form: {request:?}");
    };
    let mut object = Map::new();
    for (key, value) in fields {
        match key.as_str() {
            "MediaUrl" => object
                .entry(key)
                .or_insert_with(|| json!([]))
                .as_array_mut()
                .expect("a list")
                .push(json!(value)),
            _ => {
                assert!(object.insert(key.clone(), json!(value)).is_none(), "{key} twice");
            }
        }
    }
    Value::Object(object)
}

fn faults(of: &str, instance: &Value) -> Vec<String> {
    let mut schema = spec()[of].clone();
    schema["components"] = spec()["components"].clone();
    schema["additionalProperties"] = false.into();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator.iter_errors(instance).map(|e| e.to_string()).collect()
}

fn out(text: &str) -> Outgoing {
    Outgoing {
        client_id: "msg_1".into(),
        peer: Peer {
            handle: "+821055550142".into(),
            ..Peer::default()
        },
        text: text.into(),
        ..Outgoing::default()
    }
}

fn run(action: &Action, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    play(&CHANNEL, &inbox(&CHANNEL), action, answers)
}

fn send(out: Outgoing, answers: Vec<Response>) -> (Vec<HttpRequest>, Option<Outcome>) {
    let (requests, outcome) = run(&Action::Send(Box::new(out)), answers);
    for request in &requests {
        assert_eq!(faults("CreateMessage", &form(request)), Vec::<String>::new());
    }
    (requests, outcome)
}

fn created(sid: &str) -> Response {
    answer(201, &json!({ "sid": sid, "status": "queued", "num_segments": "2", "error_code": null }))
}

fn picture(link: Option<&str>) -> Upload {
    Upload {
        blob: "b".into(),
        name: "a.png".into(),
        media_type: "image/png".into(),
        size_bytes: 9,
        description: None,
        link: link.map(Into::into),
    }
}

#[test]
fn an_answer_is_one_valid_form_that_asks_for_its_states() {
    let (requests, outcome) = send(out("네 👍"), vec![created("SM77")]);
    let expected = json!({
        "To": "+821055550142", "From": "+15005550006", "Body": "네 👍",
        "StatusCallback": "https://desk.test/webhooks/x/key",
    });
    assert_eq!(form(&requests[0]), expected);
    assert!(requests[0].url.ends_with("/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json"));
    let told = requests[0].headers.iter().find(|(name, _)| *name == "authorization").expect("it");
    let told = STANDARD.decode(told.1.trim_start_matches("Basic ")).expect("base64");
    assert!(told.starts_with(b"AC00000000000000000000000000000001:"));
    assert!(matches!(outcome, Some(Outcome::Sent { external_id, .. }) if external_id == "SM77"));
    // The description is really asked.
    assert!(!faults("CreateMessage", &json!({ "Body": "x" })).is_empty());
    assert!(!faults("CreateMessage", &json!({ "To": "+1", "Bodi": "x" })).is_empty());
}

#[test]
fn pictures_go_by_signed_link_or_not_at_all() {
    let with = |link| Outgoing { attachments: vec![picture(link), picture(link)], ..out("look") };
    let (requests, _) = send(with(Some("https://desk.test/m/abc")), vec![]);
    assert_eq!(form(&requests[0])["MediaUrl"], json!(["https://desk.test/m/abc", "https://desk.test/m/abc"]));
    let (requests, outcome) = send(with(None), vec![]);
    assert!(requests.is_empty() && matches!(outcome, Some(Outcome::Rejected { .. })), "{outcome:?}");
}

#[test]
fn a_lost_send_is_looked_for_before_it_is_made_again() {
    let inbox = inbox(&CHANNEL);
    assert_eq!(CHANNEL.send_kind(&inbox), SendKind::Lookup);
    let (requests, _) = send(out("hello"), vec![]);
    assert!(requests[0].repeat == crate::Repeat::Never);
    let at = |minutes: i64| (inbox.now - chrono::Duration::minutes(minutes)).to_rfc2822();
    let list = |body: &str, direction: &str, minutes: i64| {
        let message = json!({ "sid": "SM5", "body": body, "direction": direction, "date_created": at(minutes) });
        answer(200, &json!({ "messages": [message] }))
    };
    let look = |list| run(&Action::LookUp(Box::new(out("hello"))), vec![list]);
    let (requests, found) = look(list("hello", "outbound-api", 2));
    assert!(matches!(found, Some(Outcome::Sent { external_id, .. }) if external_id == "SM5"));
    let asked = url::Url::parse(&requests[0].url).expect("a URL");
    let known = spec()["ListMessages"].as_array().expect("parameters").clone();
    for (name, _) in asked.query_pairs() {
        assert!(known.iter().any(|parameter| parameter["name"] == *name), "{name}");
    }
    assert_eq!(look(list("hullo", "outbound-api", 2)).1, Some(Outcome::NotSent));
    assert_eq!(look(list("hello", "inbound", 2)).1, Some(Outcome::NotSent));
    assert_eq!(look(list("hello", "outbound-api", 300)).1, Some(Outcome::NotSent));
    assert_eq!(look(answer(200, &json!({ "messages": [] }))).1, Some(Outcome::NotSent));
}

#[test]
fn refusals_are_told_by_code_never_by_words() {
    let refused = |status: u16, code: u32, words: &str| {
        let body = json!({ "code": code, "message": words, "status": status });
        send(out("hello"), vec![answer(status, &body)]).1.expect("an outcome")
    };
    let stopped = refused(400, 21610, "Some new wording");
    let Outcome::Rejected { reason, code } = stopped else {
        panic!("{stopped:?}");
    };
    assert!(code == "21610" && reason.contains("START"), "{reason}");
    assert!(matches!(refused(401, 20003, "Authenticate"), Outcome::CredentialsDied { .. }));
    assert!(matches!(refused(403, 20005, "x"), Outcome::CredentialsDied { .. }));
    assert!(matches!(refused(400, 21211, "Authenticate 20003 429"), Outcome::Rejected { .. }));
    assert!(matches!(refused(429, 20429, "Too many"), Outcome::Retry { .. }));
    let wait = Response { headers: vec![("retry-after".into(), "9".into())], ..empty(429) };
    let outcome = send(out("hello"), vec![wait]).1;
    assert!(matches!(outcome, Some(Outcome::Retry { after: Some(after), .. }) if after == Duration::from_secs(9)));
    let unclear = send(out("hello"), vec![answer(201, &json!("?"))]).1;
    assert!(matches!(unclear, Some(Outcome::Unknown { .. })), "{unclear:?}");
}

#[test]
fn connecting_takes_only_a_number_of_this_account_that_can_do_sms() {
    let account = |status: &str| answer(200, &json!({ "sid": "AC", "status": status }));
    let numbers = |number: &str, sms: bool| {
        let number = json!({ "sid": "PN5", "phone_number": number, "capabilities": { "sms": sms, "mms": true } });
        answer(200, &json!({ "incoming_phone_numbers": [number] }))
    };
    let connect = |answers| run(&Action::Connect(Connect::Form), answers).1.expect("an outcome");
    let good = connect(vec![account("active"), numbers("+15005550006", true)]);
    let Outcome::Connected { account: told, settings, .. } = good else {
        panic!("{good:?}");
    };
    assert_eq!((told.as_str(), &settings["number_sid"]), ("+15005550006", &json!("PN5")));
    assert!(matches!(connect(vec![account("suspended")]), Outcome::CredentialsDied { .. }));
    let other = connect(vec![account("active"), numbers("+15005550007", true)]);
    assert!(matches!(other, Outcome::Rejected { ref code, .. } if code == "number_missing"), "{other:?}");
    let deaf = connect(vec![account("active"), numbers("+15005550006", false)]);
    assert!(matches!(deaf, Outcome::Rejected { ref code, .. } if code == "number_without_sms"), "{deaf:?}");
}

#[test]
fn the_number_is_told_where_to_post_and_forgets_it_on_leaving() {
    let url = inbox(&CHANNEL).webhook_url.expect("an address");
    let set = |url: &str| answer(200, &json!({ "sid": "PN5", "sms_url": url }));
    let (requests, outcome) = run(&Action::Subscribe, vec![set(&url)]);
    assert_eq!(faults("UpdateNumber", &form(&requests[0])), Vec::<String>::new());
    assert_eq!(form(&requests[0])["SmsUrl"], url.as_str());
    assert_eq!(outcome, Some(Outcome::Ok));
    let (_, taken) = run(&Action::Subscribe, vec![set("https://other.example")]);
    assert!(matches!(taken, Some(Outcome::Rejected { .. })), "{taken:?}");
    let (requests, _) = run(&Action::Disconnect, vec![set("")]);
    assert_eq!(form(&requests[0])["SmsUrl"], "");
}

#[test]
fn only_twilio_itself_is_shown_the_password_when_a_file_is_fetched() {
    let fetch = |media: &str| {
        let blob = Blob { id: "b".into(), media_type: "image/jpeg".into(), size_bytes: 3 };
        let file = Response { status: 200, blob: Some(blob), ..Response::default() };
        run(&Action::FetchMedia { media: media.into() }, vec![file]).0.remove(0)
    };
    let shown = |request: &HttpRequest| request.headers.iter().any(|(name, _)| *name == "authorization");
    let own = fetch("https://provider.test/2010-04-01/Accounts/AC/Messages/MM/Media/ME");
    assert!(shown(&own) && own.reach == Reach::Configured);
    let strangers = fetch("https://files.example/x.png");
    assert!(!shown(&strangers) && strangers.reach == Reach::Public);
}
