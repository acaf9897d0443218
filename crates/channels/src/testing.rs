//! Views for the tests of every channel.

use crate::{
    Action, Channel, FieldKind, HttpRequest, Inbox, Outcome, Part, ProviderApp, RawRequest,
    Response, Secrets, Step,
};
use domain::{InboxId, TenantId, Time};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// More steps than any honest action needs.
const STEPS_MAX: usize = 120;
/// A word that must never show up in any `Debug` output.
pub const SECRET: &str = "hunter2-do-not-show";

/// A connected inbox: every secret field is [`SECRET`], every choice its first option.
pub fn inbox(channel: &dyn Channel) -> Inbox {
    let manifest = channel.manifest();
    let mut settings = Map::new();
    let mut secrets = Secrets::default();
    for field in manifest.fields {
        let value = match field.kind {
            FieldKind::Url => "https://provider.test",
            FieldKind::Choice => field.options.first().copied().unwrap_or_default(),
            FieldKind::Text => "shop",
            FieldKind::Number | FieldKind::Switch => continue,
        };
        if field.secret {
            secrets.set(field.name, SECRET);
        } else {
            settings.insert(field.name.into(), value.into());
        }
    }
    // Fixtures were sent to this account of the provider.
    let described: Value = std::fs::read(fixture_folder(channel).join("inbox.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    if let Some(more) = described["settings"].as_object() {
        settings.extend(more.clone());
    }
    let told = |key: &str, other: &str| described[key].as_str().unwrap_or(other).to_owned();
    Inbox {
        tenant_id: TenantId::from_uuid(uuid::Uuid::nil()),
        id: InboxId::from_uuid(uuid::Uuid::nil()),
        account: told("account", "shop"),
        address: "shop".into(),
        base_url: Some(told("base_url", "https://provider.test")),
        webhook_url: Some("https://desk.test/webhooks/x/key".into()),
        settings,
        secrets,
        app: Some(app(channel)),
        now: Time::default(),
        nonce: "nonce-1".into(),
    }
}

pub fn app(channel: &dyn Channel) -> ProviderApp {
    let mut app = ProviderApp {
        base_url: Some("https://provider.test".into()),
        ..ProviderApp::default()
    };
    for field in channel.manifest().app_fields {
        if field.secret {
            app.secrets.set(field.name, SECRET);
        } else {
            app.settings
                .insert(field.name.into(), "public-value".into());
        }
    }
    app
}

pub fn answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
        blob: None,
    }
}

pub fn empty(status: u16) -> Response {
    answer(status, &json!({}))
}

/// `fixtures/*.json` of a channel, by name. `inbox.json` describes the account they were sent to.
pub fn fixtures(channel: &dyn Channel) -> Vec<(String, Vec<u8>)> {
    let folder = fixture_folder(channel);
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .expect("a channel has fixtures")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .filter(|path| path.file_name().is_some_and(|n| n != "inbox.json"))
        .map(|path| {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(&path).expect("readable fixture"))
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{} has no fixtures", folder.display());
    found
}

pub fn folder(channel: &dyn Channel) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(channel.manifest().kind)
}

fn fixture_folder(channel: &dyn Channel) -> PathBuf {
    folder(channel).join("fixtures")
}

/// The request bodies of a webhook fixture: its `requests`, JSON or text, or the file itself.
fn bodies_of(bytes: &[u8]) -> Vec<Vec<u8>> {
    let fixture: Option<Value> = serde_json::from_slice(bytes).ok();
    let listed = fixture.as_ref().and_then(|f| f["requests"].as_array());
    let Some(listed) = listed else {
        return vec![bytes.to_vec()];
    };
    let body = |request: &Value| match request {
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    };
    listed.iter().map(body).collect()
}

/// Plays an action with these answers: the requests made, and the outcome if they sufficed.
pub fn play(
    channel: &dyn Channel,
    inbox: &Inbox,
    action: &Action,
    answers: Vec<Response>,
) -> (Vec<HttpRequest>, Option<Outcome>) {
    let (mut requests, mut so_far) = (Vec::new(), Vec::new());
    let mut answers = answers.into_iter();
    loop {
        match channel.perform(inbox, action, &so_far) {
            Step::Done(outcome) => return (requests, Some(outcome)),
            Step::Call(request) => requests.push(request),
            Step::Mail(mail) => panic!("{mail:?}"),
        }
        match answers.next() {
            Some(answer) => so_far.push(answer),
            None => return (requests, None),
        }
    }
}

/// A webhook fixture is request bodies; a session fixture lists its parts.
pub fn parts_of(channel: &dyn Channel, bytes: &[u8]) -> Vec<Part> {
    if channel.manifest().uses_webhook {
        return bodies_of(bytes)
            .into_iter()
            .flat_map(|body| {
                let raw = RawRequest {
                    method: "POST".into(),
                    path: String::new(),
                    query: String::new(),
                    headers: vec![],
                    body,
                    received_at: Time::default(),
                    public_url: String::new(),
                };
                channel.split(&raw).expect("a fixture can be split")
            })
            .collect();
    }
    let fixture: Value = serde_json::from_slice(bytes).expect("JSON");
    let parts = fixture["parts"].as_array().expect("parts");
    // What is no JSON at the provider either lies beside the list, as it is.
    let bytes_of = |part: &Value| match part["file"].as_str() {
        Some(file) => std::fs::read(fixture_folder(channel).join(file)).expect("a named file"),
        None => part.to_string().into_bytes(),
    };
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| Part {
            account: "fixture".into(),
            lane: String::new(),
            dedupe: index.to_string(),
            bytes: bytes_of(part),
        })
        .collect()
}

/// What the snapshots hold: every part with its facts, or why it has none.
pub fn facts_of_fixtures(channel: &dyn Channel, bytes: &[u8]) -> Vec<Value> {
    let inbox = inbox(channel);
    parts_of(channel, bytes)
        .iter()
        .map(|part| {
            let facts = match channel.parse(&inbox, part) {
                Ok(facts) => json!(facts),
                Err(malformed) => json!({ "malformed": malformed.reason }),
            };
            json!({ "account": part.account, "lane": part.lane, "dedupe": part.dedupe, "facts": facts })
        })
        .collect()
}

/// Plays an action to its end; every request on the way is shown to `respond`.
pub fn run(
    channel: &dyn Channel,
    action: &Action,
    mut respond: impl FnMut(&HttpRequest) -> Response,
) -> (Outcome, usize) {
    let inbox = inbox(channel);
    let (mut so_far, mut mails) = (Vec::new(), 0);
    loop {
        match channel.perform(&inbox, action, &so_far) {
            Step::Done(outcome) => return (outcome, so_far.len() - mails),
            Step::Call(request) => {
                let shown = format!("{request:?} {action:?} {inbox:?}");
                assert!(!shown.contains(SECRET), "{shown}");
                assert!(request.url.starts_with("http"), "{shown}");
                so_far.push(respond(&request));
            }
            // Reply codes of mail servers mean something else: the channel's own tests play them.
            Step::Mail(submission) => {
                let shown = format!("{submission:?}");
                assert!(!shown.contains(SECRET), "{shown}");
                so_far.push(empty(250));
                mails += 1;
            }
        }
        assert!(
            so_far.len() < STEPS_MAX,
            "{action:?} of {} never ends",
            channel.manifest().kind
        );
    }
}
