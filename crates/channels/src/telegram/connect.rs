//! Connecting a bot: who it is, and where Telegram posts what is new.

use super::errors::refused;
use super::{Bot, Ended, webhook_secret};
use crate::action::{Outcome, Response, Step};
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, json};

/// What we want to hear. Reactions are told only to bots that ask for them by name.
const UPDATES: [&str; 11] = [
    "message",
    "edited_message",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "callback_query",
    "my_chat_member",
    "guest_message",
    "channel_post",
];
/// A failure that is older says nothing about now.
const RECENT_SECONDS: i64 = 15 * 60;

#[derive(Deserialize)]
struct Envelope<T> {
    result: T,
}

/// The result of a call that succeeded; everything else ends the action.
pub fn accepted<T: DeserializeOwned>(response: &Response) -> Result<T, Stop> {
    if !response.is_success() {
        return Err(end(refused(response)));
    }
    match response.json::<Envelope<T>>() {
        Some(envelope) => Ok(envelope.result),
        None => Err(end(Outcome::Retry {
            after: None,
            reason: "Telegram's answer could not be read.".into(),
        })),
    }
}

pub fn end(outcome: Outcome) -> Stop {
    Box::new(Step::Done(outcome))
}

#[derive(Deserialize)]
struct Me {
    id: i64,
    #[serde(default)]
    username: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    can_connect_to_business: bool,
    #[serde(default)]
    can_read_all_group_messages: bool,
}

pub fn check(bot: &Bot<'_>, mut steps: Steps<'_>) -> Ended {
    let response = steps.take(|| bot.get("getMe", &[]))?;
    // A word that never was a token is not found; one that was revoked is unauthorised.
    if response.status == 404 {
        return Ok(Outcome::CredentialsDied {
            reason: "Telegram knows no bot with this token. Copy it again from @BotFather.".into(),
        });
    }
    let me: Me = accepted(response)?;
    let address = match me.username.as_str() {
        "" => me.first_name,
        username => format!("@{username}"),
    };
    let mut settings = Map::new();
    settings.insert("business".into(), me.can_connect_to_business.into());
    settings.insert(
        "reads_groups".into(),
        me.can_read_all_group_messages.into(),
    );
    Ok(Outcome::Connected {
        account: me.id.to_string(),
        address,
        settings,
        secrets: Secrets::default(),
    })
}

#[derive(Deserialize)]
struct WebhookInfo {
    #[serde(default)]
    url: String,
    #[serde(default)]
    pending_update_count: u64,
    #[serde(default)]
    last_error_date: Option<i64>,
    #[serde(default)]
    last_error_message: String,
}

/// Tells Telegram where we listen, and reads back whether it can reach us.
pub fn subscribe(inbox: &Inbox, bot: &Bot<'_>, mut steps: Steps<'_>) -> Ended {
    let Some(url) = inbox.webhook_url.as_deref() else {
        return Ok(Outcome::Rejected {
            reason: "This inbox has no public address yet.".into(),
            code: "no_address".into(),
        });
    };
    let response = steps.take(|| {
        let body = json!({
            "url": url,
            "secret_token": webhook_secret(bot.token),
            "allowed_updates": UPDATES,
        });
        bot.post("setWebhook", body).harmless()
    })?;
    if response.status == 400 {
        return Ok(Outcome::Rejected {
            reason: format!(
                "Telegram cannot post to {url}. It needs a public https address on port 443, 80, 88 or 8443."
            ),
            code: "bad_webhook".into(),
        });
    }
    if !response.is_success() {
        return Ok(refused(response));
    }
    let info: WebhookInfo = accepted(steps.take(|| bot.get("getWebhookInfo", &[]))?)?;
    if info.url != url {
        return Ok(Outcome::Rejected {
            reason: "Another program took over this bot's webhook. Stop it there.".into(),
            code: "webhook_taken".into(),
        });
    }
    let failed_now = info
        .last_error_date
        .is_some_and(|at| inbox.now.timestamp() - at < RECENT_SECONDS);
    if failed_now && info.pending_update_count > 0 {
        return Ok(Outcome::Rejected {
            reason: format!(
                "Telegram cannot deliver to us and keeps {} messages: {}",
                info.pending_update_count,
                info.last_error_message.chars().take(200).collect::<String>()
            ),
            code: "webhook_failing".into(),
        });
    }
    Ok(Outcome::Ok)
}

pub fn disconnect(bot: &Bot<'_>, mut steps: Steps<'_>) -> Ended {
    let response = steps.take(|| bot.post("deleteWebhook", json!({})).harmless())?;
    Ok(if response.is_success() {
        Outcome::Ok
    } else {
        refused(response)
    })
}
