//! Connecting: a pasted token, or the code flow with an app that registers itself.
//!
//! Ends by reading who we are, what the instance allows, and where its notifications stand, so
//! that nothing written after this moment is missed and nothing before it is imported.

use super::errors::refused;
use super::status::Account;
use super::{USER_AGENT, base, request};
use crate::action::{Body, Connect, HttpRequest, Outcome, Response, Step};
use crate::address;
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;

type Ended = Result<Outcome, Stop>;

const SCOPES: &str = "read write";
const APP_NAME: &str = "Meari";

pub fn connect(inbox: &Inbox, at: &Url, stage: &Connect, mut steps: Steps<'_>) -> Ended {
    match stage {
        Connect::Form => match inbox.secrets.get("access_token") {
            Some(token) => check(inbox, at, token, false, steps),
            None => Ok(Outcome::Rejected {
                reason: "Paste an access token, or connect through the instance's own page.".into(),
                code: "token_missing".into(),
            }),
        },
        Connect::Begin {
            redirect_uri,
            state,
            verifier,
        } => {
            let (client_id, settings, secrets) = client(inbox, at, redirect_uri, &mut steps)?;
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            let url = address::join(
                at,
                &["oauth", "authorize"],
                &[
                    ("response_type", "code"),
                    ("client_id", &client_id),
                    ("redirect_uri", redirect_uri),
                    ("scope", SCOPES),
                    ("state", state),
                    ("code_challenge", &challenge),
                    ("code_challenge_method", "S256"),
                ],
            );
            Ok(Outcome::Authorize {
                url: url.into(),
                app_settings: settings,
                app_secrets: secrets,
            })
        }
        Connect::Finish {
            redirect_uri,
            code,
            verifier,
        } => {
            let token = exchange(inbox, at, redirect_uri, code, verifier, &mut steps)?;
            check(inbox, at, &token, true, steps)
        }
    }
}

#[derive(Deserialize)]
struct Client {
    client_id: String,
    client_secret: String,
}

/// The app's client id, registering the app when the instance does not know it yet.
fn client(
    inbox: &Inbox,
    at: &Url,
    redirect_uri: &str,
    steps: &mut Steps<'_>,
) -> Result<(String, Map<String, Value>, Secrets), Stop> {
    let app = inbox.app.as_ref();
    let known =
        app.and_then(|app| Some((app.setting("client_id")?, app.secrets.get("client_secret")?)));
    if let Some((id, _)) = known {
        return Ok((id.to_owned(), Map::new(), Secrets::default()));
    }
    let response = steps.take(|| {
        open(
            Method::POST,
            &address::join(at, &["api", "v1", "apps"], &[]),
        )
        .body(form(&[
            ("client_name", APP_NAME),
            ("redirect_uris", redirect_uri),
            ("scopes", SCOPES),
        ]))
    })?;
    let made: Client = accepted(inbox, response)?;
    let mut settings = Map::new();
    settings.insert("client_id".into(), made.client_id.clone().into());
    let secrets = Secrets::from_iter([("client_secret", made.client_secret)]);
    Ok((made.client_id, settings, secrets))
}

fn exchange(
    inbox: &Inbox,
    at: &Url,
    redirect_uri: &str,
    code: &str,
    verifier: &str,
    steps: &mut Steps<'_>,
) -> Result<String, Stop> {
    #[derive(Deserialize)]
    struct Token {
        access_token: String,
    }
    let app = inbox.app.as_ref();
    let client_id = app
        .and_then(|app| app.setting("client_id"))
        .unwrap_or_default();
    let client_secret = app
        .and_then(|app| app.secrets.get("client_secret"))
        .unwrap_or_default();
    let response = steps.take(|| {
        open(Method::POST, &address::join(at, &["oauth", "token"], &[])).body(form(&[
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("redirect_uri", redirect_uri),
            ("code", code),
            ("code_verifier", verifier),
            ("scope", SCOPES),
        ]))
    })?;
    if matches!(response.status, 400 | 401) {
        return Err(end(Outcome::Rejected {
            reason: "The instance refused the sign-in. Start connecting again.".into(),
            code: "invalid_grant".into(),
        }));
    }
    Ok(accepted::<Token>(inbox, response)?.access_token)
}

/// Reads account, instance and the newest notification with this token.
pub fn check(inbox: &Inbox, at: &Url, token: &str, is_new: bool, mut steps: Steps<'_>) -> Ended {
    let get = |segments: &[&str], query: &[(&str, &str)]| {
        request(token, Method::GET, &address::join(at, segments, query))
    };
    let account: Account = accepted(
        inbox,
        steps.take(|| get(&["api", "v1", "accounts", "verify_credentials"], &[]))?,
    )?;
    let instance = steps.take(|| get(&["api", "v2", "instance"], &[]))?;
    let instance: Value = match instance.status {
        404 => Value::Null,
        _ => accepted(inbox, instance)?,
    };
    let mut settings = facts(at, &instance);
    if inbox.setting("notifications_from").is_none()
        && !inbox.settings.contains_key("notifications_from")
    {
        let newest: Vec<Value> = accepted(
            inbox,
            steps.take(|| get(&["api", "v1", "notifications"], &[("limit", "1")]))?,
        )?;
        let id = newest
            .first()
            .and_then(|n| n.get("id"))
            .and_then(Value::as_str);
        settings.insert("notifications_from".into(), id.unwrap_or_default().into());
    }
    let domain = settings
        .get("domain")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut secrets = Secrets::default();
    if is_new {
        secrets.set("access_token", token);
    }
    Ok(Outcome::Connected {
        address: format!("@{}@{domain}", account.username),
        account: account.id,
        settings,
        secrets,
    })
}

/// What we keep of `GET /api/v2/instance`.
fn facts(at: &Url, instance: &Value) -> Map<String, Value> {
    let mut settings = Map::new();
    let domain = instance.get("domain").and_then(Value::as_str);
    settings.insert(
        "domain".into(),
        domain.or(at.host_str()).unwrap_or_default().into(),
    );
    for (name, pointer) in [
        ("text_max", "/configuration/statuses/max_characters"),
        (
            "attachments_max",
            "/configuration/statuses/max_media_attachments",
        ),
        (
            "attachment_bytes_max",
            "/configuration/media_attachments/image_size_limit",
        ),
    ] {
        if let Some(number) = instance.pointer(pointer).and_then(Value::as_u64) {
            settings.insert(name.into(), number.into());
        }
    }
    if let Some(url) = instance
        .pointer("/configuration/urls/streaming")
        .and_then(Value::as_str)
    {
        settings.insert("streaming_url".into(), url.into());
    }
    // GoToSocial ignores Idempotency-Key: a lost answer has to be looked up there.
    let source = instance
        .get("source_url")
        .and_then(Value::as_str)
        .unwrap_or_default();
    settings.insert("idempotent".into(), (!source.contains("gotosocial")).into());
    settings
}

fn open(method: Method, url: &Url) -> HttpRequest {
    HttpRequest::new(method, url.as_str())
        .header("user-agent", USER_AGENT)
        .header("accept", "application/json")
}

fn form(fields: &[(&str, &str)]) -> Body {
    Body::Form(
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

pub fn end(outcome: Outcome) -> Stop {
    Box::new(Step::Done(outcome))
}

/// The JSON of a success; everything else ends the action.
pub fn accepted<T: serde::de::DeserializeOwned>(
    inbox: &Inbox,
    response: &Response,
) -> Result<T, Stop> {
    if !response.is_success() {
        return Err(end(refused(response, inbox.now)));
    }
    response.json().ok_or_else(|| {
        let host = base(inbox).and_then(|url| url.host_str().map(str::to_owned));
        end(Outcome::Rejected {
            reason: format!(
                "{} does not answer like a Mastodon instance.",
                host.unwrap_or_default()
            ),
            code: "not_mastodon".into(),
        })
    })
}
