//! Statuses that go out.
//!
//! Invariants: a reply is never seen by more people than the status it answers; it always names
//! the person it is for, because a direct status without the mention reaches nobody; a text that
//! is too long becomes a chain whose pieces are numbered, and nothing is cut off.

use super::connect::{accepted, end};
use super::errors::refused;
use super::status::{Account, Status, peer as peer_of, scope};
use super::{CHANNEL, request};
use crate::Channel;
use crate::action::{Body, FormPart, HttpRequest, Outcome, Outgoing, Response, Target, Upload};
use crate::address;
use crate::inbound::Peer;
use crate::steps::{Steps, Stop};
use crate::text;
use crate::view::Inbox;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

type Ended = Result<Outcome, Stop>;

/// How often an upload's processing is asked for before we give up for this attempt.
const PROCESSING_CHECKS: usize = 5;
/// Room for " (12/34)".
const NUMBERING: usize = 8;
const CHAIN_MAX: usize = 12;
/// Own statuses that a look-up compares with.
const LOOK_UP_COUNT: &str = "40";

/// What every piece of a message has in common.
struct Envelope {
    acct: String,
    visibility: &'static str,
    spoiler: String,
    language: Option<String>,
    in_reply_to: Option<String>,
}

/// From widest to narrowest. Words we do not know are treated as the narrowest.
const AUDIENCES: [&str; 4] = ["public", "unlisted", "private", "direct"];

fn audience(word: &str) -> usize {
    AUDIENCES
        .iter()
        .position(|known| *known == word)
        .unwrap_or(AUDIENCES.len() - 1)
}

/// The narrower of what was answered and what the thread is for.
pub fn visibility(answered: Option<&str>, thread: &str) -> &'static str {
    let thread_cap = match thread {
        "public" => audience("public"),
        "private" => audience("private"),
        _ => audience("direct"),
    };
    let answered = answered.map_or(audience("direct"), audience);
    AUDIENCES
        .get(answered.max(thread_cap))
        .copied()
        .unwrap_or("direct")
}

fn word<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// The name to mention: as the instance writes it, without our own instance's domain.
fn mentionable(inbox: &Inbox, peer: &Peer) -> Option<String> {
    let full = peer.display.trim_start_matches('@');
    let local = full
        .strip_suffix(&format!("@{}", scope(inbox)))
        .unwrap_or(full);
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | ':');
    (!local.is_empty() && local.chars().all(fine)).then(|| local.to_owned())
}

fn envelope(
    inbox: &Inbox,
    at: &Url,
    out: &Outgoing,
    steps: &mut Steps<'_>,
) -> Result<Envelope, Stop> {
    let mut known = out
        .answering
        .as_ref()
        .map(|t| t.extra.clone())
        .unwrap_or_default();
    if let Some(target) = out
        .answering
        .as_ref()
        .filter(|t| word(&t.extra, "visibility").is_none())
    {
        // An older row without its context: ask, because guessing could show it to everybody.
        let url = address::join(at, &["api", "v1", "statuses", &target.external_id], &[]);
        let response = steps.take(|| authorised(inbox, Method::GET, &url))?;
        let status: Status = accepted(inbox, response)?;
        known = json!({ "acct": status.account.acct, "visibility": status.visibility, "spoiler": status.spoiler_text });
        if status.account.id == inbox.account {
            known["acct"] = Value::Null;
        }
    }
    let acct = word(&known, "acct")
        .map(str::to_owned)
        .or_else(|| mentionable(inbox, &out.peer));
    let Some(acct) = acct else {
        return Err(end(Outcome::Rejected {
            reason: "There is no name to mention, so this message would reach nobody.".into(),
            code: "no_mention".into(),
        }));
    };
    Ok(Envelope {
        acct,
        visibility: visibility(word(&known, "visibility"), &out.thread),
        spoiler: word(&known, "spoiler").unwrap_or_default().to_owned(),
        language: word(&known, "language").map(str::to_owned),
        in_reply_to: out.answering.as_ref().map(|t| t.external_id.clone()),
    })
}

/// The texts of the chain, each with the mention, each within the limit.
fn pieces(inbox: &Inbox, envelope: &Envelope, message: &str) -> Vec<String> {
    let max = CHANNEL.limits(inbox).text_max;
    let prefix = format!("@{} ", envelope.acct);
    let taken = CHANNEL.measure(&prefix) + envelope.spoiler.chars().count();
    let whole = format!("{prefix}{}", message.trim());
    if CHANNEL.measure(&whole) + envelope.spoiler.chars().count() <= max {
        return vec![whole];
    }
    let room = max.saturating_sub(taken + NUMBERING).max(1);
    let parts = text::split(message, room, |piece| CHANNEL.measure(piece));
    let count = parts.len();
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| format!("{prefix}{part} ({}/{count})", index + 1))
        .collect()
}

pub fn send(inbox: &Inbox, at: &Url, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    if out.attachments.len() > CHANNEL.limits(inbox).attachments_max {
        return Ok(Outcome::Rejected {
            reason: "Too many files for one post on this instance.".into(),
            code: "too_many_files".into(),
        });
    }
    let envelope = envelope(inbox, at, out, &mut steps)?;
    let texts = pieces(inbox, &envelope, &out.text);
    if texts.len() > CHAIN_MAX {
        return Ok(Outcome::Rejected {
            reason: format!("This text would become {} posts. Shorten it.", texts.len()),
            code: "too_long".into(),
        });
    }
    let mut media = Vec::new();
    for file in &out.attachments {
        media.push(upload(inbox, at, file, &mut steps)?);
    }
    let mut ids: Vec<String> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let above = ids.last().or(envelope.in_reply_to.as_ref());
        let media = if index == 0 { media.as_slice() } else { &[] };
        let response =
            steps.take(|| post(inbox, at, out, &envelope, (index, text), above, media))?;
        if !response.is_success() {
            return Ok(refused(response, inbox.now));
        }
        match response.json::<Posted>() {
            Some(posted) => ids.push(posted.id),
            None => {
                return Ok(Outcome::Unknown {
                    reason: "The instance accepted the post but its answer cannot be read.".into(),
                });
            }
        }
    }
    Ok(sent(&envelope, ids, &media))
}

#[derive(Deserialize)]
struct Posted {
    id: String,
}

fn sent(envelope: &Envelope, ids: Vec<String>, media: &[String]) -> Outcome {
    let extra = json!({
        "acct": envelope.acct,
        "visibility": envelope.visibility,
        "spoiler": envelope.spoiler,
        "ids": ids,
        "media": media,
    });
    Outcome::Sent {
        external_id: ids.into_iter().next().unwrap_or_default(),
        extra,
    }
}

fn post(
    inbox: &Inbox,
    at: &Url,
    out: &Outgoing,
    envelope: &Envelope,
    (index, text): (usize, &str),
    above: Option<&String>,
    media: &[String],
) -> HttpRequest {
    let mut body = json!({
        "status": text,
        "visibility": envelope.visibility,
        "media_ids": media,
    });
    if let Some(above) = above {
        body["in_reply_to_id"] = above.as_str().into();
    }
    if !envelope.spoiler.is_empty() {
        body["spoiler_text"] = envelope.spoiler.as_str().into();
        body["sensitive"] = true.into();
    }
    if let Some(language) = &envelope.language {
        body["language"] = language.as_str().into();
    }
    let key = format!("{}-{index}", out.client_id);
    let url = address::join(at, &["api", "v1", "statuses"], &[]);
    let mut request = authorised(inbox, Method::POST, &url)
        .header("idempotency-key", &key)
        .body(Body::Json(body));
    if CHANNEL.send_kind(inbox) == crate::SendKind::Idempotent {
        request = request.keyed(key);
    }
    request
}

/// Uploads one file and waits until the instance has processed it.
fn upload(inbox: &Inbox, at: &Url, file: &Upload, steps: &mut Steps<'_>) -> Result<String, Stop> {
    let url = address::join(at, &["api", "v2", "media"], &[]);
    let response = steps.take(|| {
        let mut parts = vec![("file".to_owned(), FormPart::File(file.clone()))];
        if let Some(description) = &file.description {
            parts.push((
                "description".to_owned(),
                FormPart::Text(description.clone()),
            ));
        }
        authorised(inbox, Method::POST, &url)
            .body(Body::Multipart(parts))
            .harmless()
    })?;
    let id = accepted::<Posted>(inbox, response)?.id;
    let mut status = response.status;
    for _ in 0..PROCESSING_CHECKS {
        // 202: taken, not processed; 206: still at it; 200: ready to be attached.
        if !matches!(status, 202 | 206) {
            return Ok(id);
        }
        let url = address::join(at, &["api", "v1", "media", &id], &[]);
        let response = steps.take(|| HttpRequest {
            delay: Some(Duration::from_secs(1)),
            ..authorised(inbox, Method::GET, &url)
        })?;
        if !response.is_success() {
            return Err(end(refused(response, inbox.now)));
        }
        status = response.status;
    }
    Err(end(Outcome::Retry {
        after: Some(Duration::from_secs(30)),
        reason: "The instance is still processing the file.".into(),
    }))
}

/// Compares our latest statuses with what should have been posted.
pub fn look_up(inbox: &Inbox, at: &Url, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    let envelope = envelope(inbox, at, out, &mut steps)?;
    let texts = pieces(inbox, &envelope, &out.text);
    let url = address::join(
        at,
        &["api", "v1", "accounts", &inbox.account, "statuses"],
        &[("limit", LOOK_UP_COUNT)],
    );
    let latest: Vec<Status> =
        accepted(inbox, steps.take(|| authorised(inbox, Method::GET, &url))?)?;
    let first = texts.first().map(String::as_str).unwrap_or_default();
    let same = |status: &&Status| {
        status.in_reply_to_id == envelope.in_reply_to
            && letters(&crate::markup::plain_text(&status.content)) == letters(first)
    };
    Ok(match latest.iter().find(same) {
        // Only the start of a chain can be recognised; the rest may be missing.
        Some(_) if texts.len() > 1 => Outcome::Unknown {
            reason: "The first part was posted; check whether the others were.".into(),
        },
        Some(status) => sent(&envelope, vec![status.id.clone()], &[]),
        None => Outcome::NotSent,
    })
}

/// Text without what an instance may format: white space and the domains of mentions.
fn letters(text: &str) -> String {
    text.split_whitespace()
        .map(|word| match word.strip_prefix('@') {
            Some(name) => name.split('@').next().unwrap_or(name),
            None => word,
        })
        .collect()
}

fn ids_of(target: &Target) -> Vec<String> {
    let chain: Vec<String> = target
        .extra
        .get("ids")
        .and_then(Value::as_array)
        .map(|ids| {
            ids.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default();
    if chain.is_empty() {
        vec![target.external_id.clone()]
    } else {
        chain
    }
}

/// Every status of the chain gets its piece of the new text; pieces that are left over go.
pub fn edit(
    inbox: &Inbox,
    at: &Url,
    (target, peer, message): (&Target, &Peer, &str),
    mut steps: Steps<'_>,
) -> Ended {
    let acct = word(&target.extra, "acct")
        .map(str::to_owned)
        .or_else(|| mentionable(inbox, peer));
    let envelope = Envelope {
        acct: acct.unwrap_or_default(),
        visibility: "direct",
        spoiler: word(&target.extra, "spoiler")
            .unwrap_or_default()
            .to_owned(),
        language: None,
        in_reply_to: None,
    };
    let texts = pieces(inbox, &envelope, message);
    let ids = ids_of(target);
    if envelope.acct.is_empty() || texts.len() > ids.len() {
        return Ok(Outcome::Rejected {
            reason:
                "The new text needs more posts than the old one. Send the rest as a new message."
                    .into(),
            code: "too_long".into(),
        });
    }
    for (index, id) in ids.iter().enumerate() {
        let url = address::join(at, &["api", "v1", "statuses", id], &[]);
        let Some(text) = texts.get(index) else {
            removed(
                steps.take(|| authorised(inbox, Method::DELETE, &url))?,
                inbox,
            )?;
            continue;
        };
        let mut body = json!({ "status": text });
        if !envelope.spoiler.is_empty() {
            body["spoiler_text"] = envelope.spoiler.as_str().into();
        }
        if let Some(media) = target.extra.get("media").filter(|_| index == 0) {
            body["media_ids"] = media.clone();
        }
        let response =
            steps.take(|| authorised(inbox, Method::PUT, &url).body(Body::Json(body)))?;
        if !response.is_success() {
            return Ok(refused(response, inbox.now));
        }
    }
    Ok(Outcome::Ok)
}

/// Last piece first, so that a chain never stands there without its end.
pub fn delete(inbox: &Inbox, at: &Url, target: &Target, mut steps: Steps<'_>) -> Ended {
    for id in ids_of(target).iter().rev() {
        let url = address::join(at, &["api", "v1", "statuses", id], &[]);
        removed(
            steps.take(|| authorised(inbox, Method::DELETE, &url))?,
            inbox,
        )?;
    }
    Ok(Outcome::Ok)
}

/// Gone already is as good as deleted.
fn removed(response: &Response, inbox: &Inbox) -> Result<(), Stop> {
    if response.is_success() || matches!(response.status, 404 | 410) {
        Ok(())
    } else {
        Err(end(refused(response, inbox.now)))
    }
}

pub fn profile(inbox: &Inbox, at: &Url, peer: &Peer, mut steps: Steps<'_>) -> Ended {
    let url = address::join(at, &["api", "v1", "accounts", &peer.handle], &[]);
    let account: Account = accepted(inbox, steps.take(|| authorised(inbox, Method::GET, &url))?)?;
    Ok(Outcome::Profile(peer_of(inbox, &account)))
}

pub fn authorised(inbox: &Inbox, method: Method, url: &Url) -> HttpRequest {
    request(
        inbox.secrets.get("access_token").unwrap_or_default(),
        method,
        url,
    )
}
