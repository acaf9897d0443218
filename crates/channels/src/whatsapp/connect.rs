//! Connecting: whose number it is, and whether Meta posts to us what happens on it.

use super::errors::refused;
use super::{Ended, Graph, verify_token};
use crate::action::{Body, Outcome, Response, Step};
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

const OBJECT: &str = "whatsapp_business_account";
/// What we want to hear; without the first nobody is heard at all.
const WANTED: &str = "messages,calls,account_update,smb_message_echoes";

/// The JSON of a success; everything else ends the action.
pub fn accepted<T: DeserializeOwned>(response: &Response) -> Result<T, Stop> {
    let end = |outcome| Err(Box::new(Step::Done(outcome)));
    if !response.is_success() {
        return end(refused(response));
    }
    match response.json() {
        Some(value) => Ok(value),
        None => end(Outcome::Retry {
            after: None,
            reason: "Meta's answer could not be read.".into(),
        }),
    }
}

#[derive(Deserialize)]
struct Number {
    id: String,
    #[serde(default)]
    display_phone_number: String,
    #[serde(default)]
    verified_name: String,
    #[serde(default)]
    quality_rating: String,
}

pub fn check(graph: &Graph<'_>, mut steps: Steps<'_>) -> Ended {
    const ASKED: [(&str, &str); 1] = [("fields", "id,display_phone_number,verified_name,quality_rating")];
    let number: Number = accepted(steps.take(|| graph.get(&[graph.number], &ASKED))?)?;
    let mut settings = Map::new();
    settings.insert("verified_name".into(), number.verified_name.into());
    settings.insert("quality_rating".into(), number.quality_rating.into());
    Ok(Outcome::Connected {
        account: number.id,
        address: number.display_phone_number,
        settings,
        secrets: Secrets::default(),
    })
}

#[derive(Deserialize)]
struct Subscriptions {
    #[serde(default)]
    data: Vec<Subscription>,
}

#[derive(Deserialize)]
struct Subscription {
    #[serde(default)]
    object: String,
    #[serde(default)]
    active: bool,
    #[serde(default)]
    fields: Vec<Value>,
}

fn reject(reason: impl Into<String>, code: &str) -> Outcome {
    Outcome::Rejected {
        reason: reason.into(),
        code: code.to_owned(),
    }
}

/// Tells Meta where we listen for this number, and reads back whether it will post there.
pub fn subscribe(inbox: &Inbox, graph: &Graph<'_>, mut steps: Steps<'_>) -> Ended {
    let Some(url) = inbox.webhook_url.as_deref() else {
        return Ok(reject("This inbox has no public address yet.", "no_address"));
    };
    if let Some(refusal) = hears(graph, url, &mut steps)? {
        return Ok(refusal);
    }
    let joined = steps.take(|| graph.post(&[graph.business, "subscribed_apps"], json!({})).harmless())?;
    if !joined.is_success() {
        return Ok(refused(joined));
    }
    let response = steps.take(|| {
        let address = json!({
            "override_callback_uri": url,
            "verify_token": verify_token(graph.app_secret),
        });
        graph.post(&[graph.number], json!({ "webhook_configuration": address })).harmless()
    })?;
    match refused(response) {
        _ if response.is_success() => {}
        Outcome::Rejected { reason, .. } => return Ok(unreachable(url, &reason)),
        other => return Ok(other),
    }
    const ASKED: [(&str, &str); 1] = [("fields", "webhook_configuration")];
    let set: Value = accepted(steps.take(|| graph.get(&[graph.number], &ASKED))?)?;
    if set["webhook_configuration"]["phone_number"] != url {
        return Ok(reject("Another program took over this number's webhook.", "webhook_taken"));
    }
    Ok(Outcome::Ok)
}

fn unreachable(url: &str, reason: &str) -> Outcome {
    reject(
        format!("Meta tried {url} and did not reach us. It needs a public https address. {reason}"),
        "bad_webhook",
    )
}

/// The app must ask for messages at all. Where it asks for nothing yet, we ask in its name; where
/// another program chose, its choice is not overwritten.
fn hears(graph: &Graph<'_>, url: &str, steps: &mut Steps<'_>) -> Result<Option<Outcome>, Stop> {
    let path = [graph.app, "subscriptions"];
    let all: Subscriptions = accepted(steps.take(|| graph.as_app(Method::GET, &path).harmless())?)?;
    let Some(chosen) = all.data.iter().find(|one| one.object == OBJECT) else {
        let response = steps.take(|| {
            let form = [
                ("object", OBJECT),
                ("callback_url", url),
                ("fields", WANTED),
                ("verify_token", &verify_token(graph.app_secret)),
            ];
            let form = form.map(|(key, value)| (key.to_owned(), value.to_owned()));
            graph.as_app(Method::POST, &path).body(Body::Form(form.into())).harmless()
        })?;
        return Ok(match refused(response) {
            _ if response.is_success() => None,
            Outcome::Rejected { reason, .. } => Some(unreachable(url, &reason)),
            other => Some(other),
        });
    };
    let messages = |field: &Value| field == "messages" || field["name"] == "messages";
    if chosen.active && chosen.fields.iter().any(messages) {
        return Ok(None);
    }
    Ok(Some(reject(
        "The app does not ask for messages: switch the field \"messages\" on in the app dashboard → WhatsApp → Configuration.",
        "webhook_off",
    )))
}

/// The number goes back to the address of its app.
pub fn disconnect(graph: &Graph<'_>, mut steps: Steps<'_>) -> Ended {
    let response = steps.take(|| {
        let nowhere = json!({ "webhook_configuration": { "override_callback_uri": "" } });
        graph.post(&[graph.number], nowhere).harmless()
    })?;
    Ok(if response.is_success() {
        Outcome::Ok
    } else {
        refused(response)
    })
}
