//! What goes out: texts in pieces that fit, files one by one, and what can be done to them later.
//!
//! Invariant: every request here is seen by the customer, so none may be repeated when its answer
//! was lost; the pieces that were answered are not sent again.

use super::errors::{moved_to, refused};
use super::place::{Place, located, pieces};
use super::{Bot, CAPTION_MAX, Ended};
use crate::action::{
    Body, FormPart, HttpRequest, Outcome, Outgoing, Response, Step, Target, Upload,
};
use crate::inbound::Peer;
use crate::manifest::TextUnit;
use crate::steps::{Steps, Stop};
use crate::text;
use http::Method;
use serde_json::{Map, Value, json};

const PHOTO_MAX: u64 = 10 * 1024 * 1024;

fn nowhere() -> Outcome {
    Outcome::Rejected {
        reason: "This conversation names no chat at Telegram.".into(),
        code: "no_chat".into(),
    }
}

/// One request of a message.
enum Piece<'a> {
    Text(String),
    File(&'a Upload, Option<String>),
}

fn fits(text: &str, max: usize) -> bool {
    TextUnit::Utf16.count(text) <= max
}

/// A short text goes with the only file; otherwise the text comes first.
fn cut(out: &Outgoing) -> Vec<Piece<'_>> {
    let text = out.text.trim();
    if let [only] = out.attachments.as_slice()
        && !text.is_empty()
        && fits(text, CAPTION_MAX)
    {
        return vec![Piece::File(only, Some(text.to_owned()))];
    }
    let count = |text: &str| TextUnit::Utf16.count(text);
    text::split(text, super::MANIFEST.limits.text_max, count)
        .into_iter()
        .map(Piece::Text)
        .chain(out.attachments.iter().map(|file| Piece::File(file, None)))
        .collect()
}

pub fn send(bot: &Bot<'_>, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    let Some(mut place) = Place::of(&out.peer, &out.thread) else {
        return Ok(nowhere());
    };
    let pieces = cut(out);
    let total = pieces.len();
    let quoted = out
        .answering
        .as_ref()
        .filter(|_| out.quoting)
        .and_then(|target| located(&target.external_id));
    let (mut ids, mut captioned) = (Vec::new(), false);
    for (index, piece) in pieces.iter().enumerate() {
        captioned |= matches!(piece, Piece::File(..)) && index == 0;
        let reply = quoted.as_ref().filter(|_| index == 0).map(|(_, id)| *id);
        let mut response = steps.take(|| request(bot, &place, piece, reply))?;
        if let Some(chat) = moved_to(response) {
            place.chat = chat;
            // Messages of the old group cannot be quoted in the new one.
            response = steps.take(|| request(bot, &place, piece, None))?;
        }
        ids.push(sent_id(response, index, total)?);
    }
    let Some(first) = ids.first() else {
        return Ok(Outcome::Rejected {
            reason: "There is nothing to send.".into(),
            code: "empty".into(),
        });
    };
    Ok(Outcome::Sent {
        external_id: place.message(*first),
        extra: json!({ "ids": ids, "caption": captioned, "texts": texts(&pieces) }),
    })
}

/// How many of the pieces are plain text: those can be edited as text.
fn texts(pieces: &[Piece<'_>]) -> usize {
    let is_text = |piece: &&Piece<'_>| matches!(piece, Piece::Text(_));
    pieces.iter().filter(is_text).count()
}

fn sent_id(response: &Response, index: usize, total: usize) -> Result<i64, Stop> {
    let end = |outcome| Err(Box::new(Step::Done(outcome)));
    if !response.is_success() {
        return end(match refused(response) {
            Outcome::Rejected { reason, code } if index > 0 => Outcome::Rejected {
                reason: format!(
                    "Part {} of {total} was refused, the parts before it were sent. {reason}",
                    index + 1
                ),
                code,
            },
            outcome => outcome,
        });
    }
    let answer: Value = response.json().unwrap_or_default();
    match answer["result"]["message_id"].as_i64() {
        Some(id) => Ok(id),
        None => end(Outcome::Unknown {
            reason: "Telegram accepted the message but gave it no number.".into(),
        }),
    }
}

fn request(bot: &Bot<'_>, place: &Place, piece: &Piece<'_>, reply: Option<i64>) -> HttpRequest {
    let mut fields = Map::new();
    fields.insert("chat_id".into(), place.chat.into());
    if let Some(topic) = place.topic {
        fields.insert("message_thread_id".into(), topic.into());
    }
    if let Some(connection) = &place.business {
        fields.insert("business_connection_id".into(), connection.as_str().into());
    }
    if let Some(id) = reply {
        // A quoted message that is gone must not keep the answer back.
        let quoting = json!({ "message_id": id, "allow_sending_without_reply": true });
        fields.insert("reply_parameters".into(), quoting);
    }
    match piece {
        Piece::Text(text) => {
            fields.insert("text".into(), text.as_str().into());
            bot.post("sendMessage", Value::Object(fields))
        }
        Piece::File(file, caption) => {
            if let Some(caption) = caption {
                fields.insert("caption".into(), caption.as_str().into());
            }
            let (method, name) = method_of(file);
            upload(bot, method, fields, name, file)
        }
    }
}

/// As what a file is shown; anything unusual stays a document, which arrives as it is.
fn method_of(file: &Upload) -> (&'static str, &'static str) {
    match file.media_type.as_str() {
        "image/jpeg" | "image/png" | "image/webp" if file.size_bytes <= PHOTO_MAX => {
            ("sendPhoto", "photo")
        }
        "video/mp4" => ("sendVideo", "video"),
        "audio/mpeg" | "audio/mp4" => ("sendAudio", "audio"),
        "audio/ogg" => ("sendVoice", "voice"),
        _ => ("sendDocument", "document"),
    }
}

fn upload(
    bot: &Bot<'_>,
    method: &str,
    fields: Map<String, Value>,
    name: &str,
    file: &Upload,
) -> HttpRequest {
    let mut parts: Vec<(String, FormPart)> = fields
        .into_iter()
        .map(|(key, value)| {
            let text = match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            (key, FormPart::Text(text))
        })
        .collect();
    parts.push((name.to_owned(), FormPart::File(file.clone())));
    HttpRequest::new(Method::POST, bot.url(method)).body(Body::Multipart(parts))
}

pub fn edit(bot: &Bot<'_>, target: &Target, new: &str, mut steps: Steps<'_>) -> Ended {
    let Some((place, ids)) = pieces(target) else {
        return Ok(nowhere());
    };
    let captioned = target.extra["caption"].as_bool().unwrap_or(false);
    let count = |text: &str| TextUnit::Utf16.count(text);
    let old = target.extra["texts"].as_u64().map_or(1, |n| n as usize);
    let max = if captioned {
        CAPTION_MAX
    } else {
        super::MANIFEST.limits.text_max
    };
    let texts = text::split(new, max, count);
    if texts.len() != if captioned { 1 } else { old } {
        return Ok(Outcome::Rejected {
            reason: "The new text needs another number of messages than the old one. Delete it and send it again.".into(),
            code: "other_length".into(),
        });
    }
    for (text, id) in texts.iter().zip(ids) {
        let (method, field) = if captioned {
            ("editMessageCaption", "caption")
        } else {
            ("editMessageText", "text")
        };
        let response = steps.take(|| {
            let mut body = json!({ "chat_id": place.chat, "message_id": id });
            body[field] = text.as_str().into();
            if let Some(connection) = &place.business {
                body["business_connection_id"] = connection.as_str().into();
            }
            bot.post(method, body).harmless()
        })?;
        if !response.is_success() {
            return Ok(refused(response));
        }
    }
    Ok(Outcome::Ok)
}

pub fn delete(bot: &Bot<'_>, target: &Target, mut steps: Steps<'_>) -> Ended {
    let Some((place, ids)) = pieces(target) else {
        return Ok(nowhere());
    };
    let response = steps.take(|| match &place.business {
        Some(connection) => bot.post(
            "deleteBusinessMessages",
            json!({ "business_connection_id": connection, "message_ids": ids }),
        ),
        None => bot.post(
            "deleteMessages",
            json!({ "chat_id": place.chat, "message_ids": ids }),
        ),
    })?;
    done(response)
}

pub fn react(
    bot: &Bot<'_>,
    target: &Target,
    emoji: &str,
    removed: bool,
    mut steps: Steps<'_>,
) -> Ended {
    let Some((place, id)) = located(&target.external_id) else {
        return Ok(nowhere());
    };
    if place.business.is_some() {
        return Ok(Outcome::Unsupported);
    }
    let reaction = if removed {
        json!([])
    } else {
        json!([{ "type": "emoji", "emoji": emoji }])
    };
    done(steps.take(|| {
        let body = json!({ "chat_id": place.chat, "message_id": id, "reaction": reaction });
        bot.post("setMessageReaction", body).harmless()
    })?)
}

/// Telegram stops showing it by itself after five seconds.
pub fn typing(
    bot: &Bot<'_>,
    peer: &Peer,
    thread: &str,
    on: bool,
    mut steps: Steps<'_>,
) -> Ended {
    let Some(place) = Place::of(peer, thread) else {
        return Ok(nowhere());
    };
    if !on {
        return Ok(Outcome::Ok);
    }
    done(steps.take(|| {
        let mut body = json!({ "chat_id": place.chat, "action": "typing" });
        if let Some(topic) = place.topic {
            body["message_thread_id"] = topic.into();
        }
        if let Some(connection) = &place.business {
            body["business_connection_id"] = connection.as_str().into();
        }
        bot.post("sendChatAction", body).harmless()
    })?)
}

/// Only chats of a connected business account show that they were read.
pub fn mark_read(bot: &Bot<'_>, target: &Target, mut steps: Steps<'_>) -> Ended {
    let Some((place, id)) = located(&target.external_id) else {
        return Ok(nowhere());
    };
    let Some(connection) = place.business else {
        return Ok(Outcome::Unsupported);
    };
    done(steps.take(|| {
        let body = json!({
            "business_connection_id": connection,
            "chat_id": place.chat,
            "message_id": id,
        });
        bot.post("readBusinessMessage", body).harmless()
    })?)
}

fn done(response: &Response) -> Ended {
    Ok(if response.is_success() {
        Outcome::Ok
    } else {
        refused(response)
    })
}
