//! Connecting: which account the token speaks for, and whether LINE posts what is new.

use super::errors::refused;
use super::{Bot, Ended};
use crate::action::{Outcome, Response, Step};
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, json};

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
            reason: "LINE's answer could not be read.".into(),
        }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BotInfo {
    user_id: String,
    #[serde(default)]
    basic_id: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    chat_mode: String,
}

pub fn check(bot: &Bot<'_>, mut steps: Steps<'_>) -> Ended {
    let info: BotInfo = accepted(steps.take(|| bot.get(&["info"]))?)?;
    let mut settings = Map::new();
    settings.insert("chat_mode".into(), info.chat_mode.into());
    Ok(Outcome::Connected {
        account: info.user_id,
        address: if info.basic_id.is_empty() {
            info.display_name
        } else {
            info.basic_id
        },
        settings,
        secrets: Secrets::default(),
    })
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(default)]
    endpoint: String,
    #[serde(default)]
    active: bool,
}

#[derive(Deserialize)]
struct Tried {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    reason: String,
}

/// Tells LINE where we listen, reads back whether it will post, and lets it try.
pub fn subscribe(inbox: &Inbox, bot: &Bot<'_>, mut steps: Steps<'_>) -> Ended {
    const ENDPOINT: [&str; 3] = ["channel", "webhook", "endpoint"];
    let Some(url) = inbox.webhook_url.as_deref() else {
        return Ok(Outcome::Rejected {
            reason: "This inbox has no public address yet.".into(),
            code: "no_address".into(),
        });
    };
    let reject = |reason: String, code: &str| {
        Ok(Outcome::Rejected {
            reason,
            code: code.to_owned(),
        })
    };
    let response = steps.take(|| {
        bot.call(Method::PUT, &ENDPOINT, json!({ "endpoint": url }))
            .harmless()
    })?;
    if response.status == 400 {
        return reject(
            format!("LINE cannot post to {url}. It needs a public https address."),
            "bad_webhook",
        );
    }
    if !response.is_success() {
        return Ok(refused(response));
    }
    let set: Endpoint = accepted(steps.take(|| bot.get(&ENDPOINT))?)?;
    if set.endpoint != url {
        return reject(
            "Another program took over this channel's webhook.".into(),
            "webhook_taken",
        );
    }
    if !set.active {
        return reject(
            "LINE does not post: switch \"Use webhook\" on in the LINE Developers console → Messaging API.".into(),
            "webhook_off",
        );
    }
    let tried: Tried = accepted(steps.take(|| {
        bot.call(Method::POST, &["channel", "webhook", "test"], json!({}))
            .harmless()
    })?)?;
    if !tried.success {
        let reason: String = tried.reason.chars().take(200).collect();
        return reject(
            format!("LINE tried to post to us and failed: {reason}"),
            "webhook_failing",
        );
    }
    Ok(Outcome::Ok)
}
