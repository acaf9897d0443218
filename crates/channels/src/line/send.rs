//! What goes out, and what is fetched.
//!
//! Invariant: every push carries a retry key made from our own id of the message, so making it
//! again is harmless: LINE answers 409 with the messages it already has.

use super::connect::accepted;
use super::errors::refused;
use super::event::AT_LINE;
use super::{Bot, Ended, MANIFEST};
use crate::action::{Answer, HttpRequest, Outcome, Outgoing, Response, Step, Target};
use crate::address;
use crate::inbound::Peer;
use crate::manifest::TextUnit;
use crate::steps::{Steps, Stop};
use crate::text;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Builder;

/// Messages in one call.
const CALL_MAX: usize = 5;
const MEDIA_MAX: u64 = 200 * 1024 * 1024;
const LOADING_SECONDS: u32 = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pushed {
    #[serde(default)]
    sent_messages: Vec<Sent>,
}

#[derive(Deserialize)]
struct Sent {
    id: String,
}

/// The messages that one answer becomes.
fn messages(out: &Outgoing) -> Result<Vec<Value>, Box<Outcome>> {
    let count = |text: &str| TextUnit::Utf16.count(text);
    let mut messages: Vec<Value> = text::split(&out.text, MANIFEST.limits.text_max, count)
        .into_iter()
        .map(|text| json!({ "type": "text", "text": text }))
        .collect();
    let quoted = out
        .answering
        .as_ref()
        .filter(|_| out.quoting)
        .and_then(|target| target.extra["quote_token"].as_str());
    if let (Some(first), Some(token)) = (messages.first_mut(), quoted) {
        first["quoteToken"] = token.into();
    }
    for file in &out.attachments {
        if !MANIFEST
            .limits
            .attachment_types
            .contains(&file.media_type.as_str())
        {
            return Err(Outcome::rejected(
                "LINE takes only JPEG and PNG pictures from accounts.",
                "file_type",
            ).into());
        }
        let Some(link) = &file.link else {
            return Err(Outcome::rejected(
                "Pictures can be sent only when this installation has a public address.",
                "no_link",
            ).into());
        };
        messages.push(json!({
            "type": "image", "originalContentUrl": link, "previewImageUrl": link,
        }));
    }
    if messages.is_empty() {
        return Err(Outcome::rejected("There is nothing to send.", "empty").into());
    }
    Ok(messages)
}

/// The same message and call give the same key, over crashes and restarts.
fn retry_key(client_id: &str, call: usize) -> String {
    let digest = Sha256::digest(format!("{client_id}/{call}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

pub fn send(bot: &Bot<'_>, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    let to = if out.thread.is_empty() {
        &out.peer.handle
    } else {
        &out.thread
    };
    let messages = match messages(out) {
        Ok(messages) => messages,
        Err(refusal) => return Ok(*refusal),
    };
    let mut ids = Vec::new();
    for (call, five) in messages.chunks(CALL_MAX).enumerate() {
        let key = retry_key(&out.client_id, call);
        let response = steps.take(|| {
            let body = json!({ "to": to, "messages": five });
            bot.call(Method::POST, &["message", "push"], body)
                .header("x-line-retry-key", key.as_str())
                .keyed(key)
        })?;
        ids.extend(pushed(response, call)?);
    }
    Ok(match ids.first() {
        Some(first) => Outcome::Sent {
            external_id: first.clone(),
            extra: json!({ "ids": ids }),
        },
        None => Outcome::Unknown {
            reason: "LINE accepted the message but gave it no number.".into(),
        },
    })
}

fn pushed(response: &Response, call: usize) -> Result<Vec<String>, Stop> {
    // 409: this key was accepted before, with these messages.
    if response.is_success() || response.status == 409 {
        let pushed: Option<Pushed> = response.json();
        let sent = pushed.map(|pushed| pushed.sent_messages).unwrap_or_default();
        return Ok(sent.into_iter().map(|sent| sent.id).collect());
    }
    Err(Box::new(Step::Done(match refused(response) {
        Outcome::Rejected { reason, code } if call > 0 => Outcome::Rejected {
            reason: format!("The first {} parts were sent, then: {reason}", call * CALL_MAX),
            code,
        },
        outcome => outcome,
    })))
}

/// Dots for some seconds, in a person's own chat only.
pub fn typing(bot: &Bot<'_>, peer: &Peer, thread: &str, on: bool, mut steps: Steps<'_>) -> Ended {
    if !thread.is_empty() {
        return Ok(Outcome::Unsupported);
    }
    if !on {
        return Ok(Outcome::Ok);
    }
    done(steps.take(|| {
        let body = json!({ "chatId": peer.handle, "loadingSeconds": LOADING_SECONDS });
        bot.call(Method::POST, &["chat", "loading", "start"], body)
            .harmless()
    })?)
}

pub fn mark_read(bot: &Bot<'_>, target: &Target, mut steps: Steps<'_>) -> Ended {
    let Some(token) = target.extra["read_token"].as_str() else {
        return Ok(Outcome::Unsupported);
    };
    done(steps.take(|| {
        let body = json!({ "markAsReadToken": token });
        bot.call(Method::POST, &["chat", "markAsRead"], body)
            .harmless()
    })?)
}

fn done(response: &Response) -> Ended {
    Ok(if response.is_success() {
        Outcome::Ok
    } else {
        refused(response)
    })
}

pub fn media(bot: &Bot<'_>, media: &str, mut steps: Steps<'_>) -> Ended {
    let request = match media.strip_prefix(AT_LINE) {
        Some(id) => {
            let path = ["v2", "bot", "message", id, "content"];
            HttpRequest::new(Method::GET, address::join(&bot.data, &path, &[]))
                .header("authorization", format!("Bearer {}", bot.token))
        }
        // A program of the customer hosts it: a stranger's address, without our token.
        None => match address::reach(None, media) {
            Some((url, reach)) => HttpRequest {
                reach,
                ..HttpRequest::new(Method::GET, url)
            },
            None => return Ok(Outcome::MediaGone),
        },
    };
    let response = steps.take(|| HttpRequest {
        answer: Answer::Blob {
            bytes_max: MEDIA_MAX,
        },
        ..request.harmless()
    })?;
    Ok(match (response.status, &response.blob) {
        // Videos and recordings are made ready first.
        (202, _) => Outcome::Retry {
            after: None,
            reason: "LINE is still preparing the file.".into(),
        },
        (404 | 410, _) => Outcome::MediaGone,
        (200..300, Some(blob)) => Outcome::Media {
            blob: blob.clone(),
            name: None,
        },
        _ => refused(response),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    picture_url: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

/// People who are no friends of the account stay without a name.
pub fn profile(bot: &Bot<'_>, peer: &Peer, mut steps: Steps<'_>) -> Ended {
    let profile: Profile = accepted(steps.take(|| bot.get(&["profile", &peer.handle]))?)?;
    Ok(Outcome::Profile(Peer {
        display: profile.display_name.clone(),
        name: Some(profile.display_name).filter(|name| !name.is_empty()),
        avatar: profile.picture_url,
        locale: profile.language,
        ..peer.clone()
    }))
}
