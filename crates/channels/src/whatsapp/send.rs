//! What goes out: texts in pieces that fit, files uploaded first and then named.
//!
//! Invariant: a message of one piece carries our own id, which Meta repeats in its statuses.

use super::connect::accepted;
use super::errors::refused;
use super::{Ended, Graph, MANIFEST, OURS};
use crate::action::{Body, FormPart, HttpRequest, Outcome, Outgoing, Response, Step, Target, Upload};
use crate::manifest::TextUnit;
use crate::steps::{Steps, Stop};
use crate::text;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

const CAPTION_MAX: usize = 1024;
const MEGABYTE: u64 = 1024 * 1024;
/// What Meta takes; as what, and up to which size, says [`kind_of`].
pub const TYPES: &[&str] = &[
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/mp4",
    "video/3gpp",
    "audio/aac",
    "audio/amr",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "text/plain",
    "application/pdf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
];

/// How Meta calls a file of this type, and how large it may be.
fn kind_of(media_type: &str) -> (&'static str, u64) {
    match media_type.split('/').next() {
        _ if media_type == "image/webp" => ("sticker", MEGABYTE / 2),
        Some("image") => ("image", 5 * MEGABYTE),
        Some("video") => ("video", 16 * MEGABYTE),
        Some("audio") => ("audio", 16 * MEGABYTE),
        _ => ("document", 100 * MEGABYTE),
    }
}

enum Piece<'a> {
    Text(String),
    File(&'a Upload, Option<String>),
}

/// A short text goes with the only file, where the file can carry one; otherwise it comes first.
fn cut(out: &Outgoing) -> Vec<Piece<'_>> {
    let words = out.text.trim();
    let count = |text: &str| TextUnit::Utf16.count(text);
    if let [only] = out.attachments.as_slice()
        && !matches!(kind_of(&only.media_type).0, "audio" | "sticker")
        && !words.is_empty()
        && count(words) <= CAPTION_MAX
    {
        return vec![Piece::File(only, Some(words.to_owned()))];
    }
    text::split(words, MANIFEST.limits.text_max, count)
        .into_iter()
        .map(Piece::Text)
        .chain(out.attachments.iter().map(|file| Piece::File(file, None)))
        .collect()
}

fn unfit(out: &Outgoing) -> Option<Outcome> {
    for file in &out.attachments {
        let (kind, bytes_max) = kind_of(&file.media_type);
        if !TYPES.contains(&file.media_type.as_str()) {
            let reason = format!("WhatsApp takes no files of this type: {}.", file.name);
            return Some(Outcome::rejected(reason, "file_type"));
        }
        if file.size_bytes > bytes_max {
            let most = bytes_max / 1024;
            let reason = format!("{} is too large for WhatsApp: {kind} files may have {most} KB.", file.name);
            return Some(Outcome::rejected(reason, "file_size"));
        }
    }
    None
}

/// Where a message goes: a group, a phone, or the id of a person whose phone we are not told.
fn place(handle: &str, thread: &str, known: &Value) -> Value {
    if !thread.is_empty() {
        return json!({ "recipient_type": "group", "to": thread });
    }
    let is_phone = handle.bytes().all(|byte| byte.is_ascii_digit());
    let phone = known["phone"].as_str().or(is_phone.then_some(handle));
    let mut place = json!({ "recipient_type": "individual" });
    if let Some(phone) = phone {
        place["to"] = phone.into();
    }
    if !is_phone {
        place["recipient"] = handle.into();
    }
    place
}

fn envelope(place: &Value, kind: &str, body: Value) -> Value {
    let mut message = place.clone();
    message["messaging_product"] = "whatsapp".into();
    message["type"] = kind.into();
    message[kind] = body;
    message
}

pub fn send(graph: &Graph<'_>, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    if let Some(refusal) = unfit(out) {
        return Ok(refusal);
    }
    let nothing = Value::Null;
    let known = out.answering.as_ref().map_or(&nothing, |target| &target.extra);
    let place = place(&out.peer.handle, &out.thread, known);
    let pieces = cut(out);
    let total = pieces.len();
    let mut ids = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let mut message = match piece {
            Piece::Text(text) => {
                let links = text.contains("https://") || text.contains("http://");
                envelope(&place, "text", json!({ "body": text, "preview_url": links }))
            }
            Piece::File(file, caption) => file_message(graph, &place, file, caption.as_deref(), &mut steps)?,
        };
        if let Some(target) = out.answering.as_ref().filter(|_| out.quoting && index == 0) {
            message["context"] = json!({ "message_id": target.external_id });
        }
        if total == 1 {
            message["biz_opaque_callback_data"] = format!("{OURS}{}", out.client_id).into();
        }
        let response = steps.take(|| graph.post(&[graph.number, "messages"], message))?;
        ids.push(sent_id(response, index, total)?);
    }
    let Some(first) = ids.first().cloned() else {
        return Ok(Outcome::rejected("There is nothing to send.", "empty"));
    };
    Ok(Outcome::Sent {
        external_id: first,
        extra: json!({
            "ids": ids,
            "phone": place["to"].as_str().filter(|_| out.thread.is_empty()),
            "user": place["recipient"],
            "group": Some(&out.thread).filter(|thread| !thread.is_empty()),
        }),
    })
}

#[derive(Deserialize)]
struct Uploaded {
    id: String,
}

fn file_message(
    graph: &Graph<'_>,
    place: &Value,
    file: &Upload,
    caption: Option<&str>,
    steps: &mut Steps<'_>,
) -> Result<Value, Stop> {
    let uploaded: Uploaded = accepted(steps.take(|| upload(graph, file))?)?;
    let (kind, _) = kind_of(&file.media_type);
    let mut body = json!({ "id": uploaded.id });
    if let Some(caption) = caption {
        body["caption"] = caption.into();
    }
    if kind == "document" {
        body["filename"] = file.name.as_str().into();
    }
    Ok(envelope(place, kind, body))
}

fn upload(graph: &Graph<'_>, file: &Upload) -> HttpRequest {
    let word = |text: &str| FormPart::Text(text.to_owned());
    let parts = vec![
        ("messaging_product".to_owned(), word("whatsapp")),
        ("type".to_owned(), word(&file.media_type)),
        ("file".to_owned(), FormPart::File(file.clone())),
    ];
    graph
        .request(Method::POST, &[graph.number, "media"], &[])
        .body(Body::Multipart(parts))
        .harmless()
}

#[derive(Deserialize)]
struct Accepted {
    #[serde(default)]
    messages: Vec<Uploaded>,
}

fn sent_id(response: &Response, index: usize, total: usize) -> Result<String, Stop> {
    let end = |outcome| Err(Box::new(Step::Done(outcome)));
    if !response.is_success() {
        return end(match refused(response) {
            Outcome::Rejected { reason, code } if index > 0 => Outcome::rejected(
                format!("Part {} of {total} was refused, the parts before it were sent. {reason}", index + 1),
                &code,
            ),
            outcome => outcome,
        });
    }
    let accepted: Option<Accepted> = response.json();
    match accepted.and_then(|accepted| accepted.messages.into_iter().next()) {
        Some(message) => Ok(message.id),
        None => end(Outcome::Unknown {
            reason: "Meta accepted the message but gave it no number.".into(),
        }),
    }
}

fn done(response: &Response) -> Ended {
    Ok(if response.is_success() {
        Outcome::Ok
    } else {
        refused(response)
    })
}

/// An empty reaction takes ours back.
pub fn react(graph: &Graph<'_>, target: &Target, emoji: &str, removed: bool, mut steps: Steps<'_>) -> Ended {
    let told = |key: &str| target.extra[key].as_str().unwrap_or_default();
    let handle = if told("user").is_empty() { told("phone") } else { told("user") };
    if handle.is_empty() && told("group").is_empty() {
        return Ok(Outcome::Unsupported);
    }
    let place = place(handle, told("group"), &target.extra);
    let emoji = if removed { "" } else { emoji };
    let body = json!({ "message_id": target.external_id, "emoji": emoji });
    done(steps.take(|| {
        let message = envelope(&place, "reaction", body);
        graph.post(&[graph.number, "messages"], message).harmless()
    })?)
}

pub fn mark_read(graph: &Graph<'_>, target: &Target, mut steps: Steps<'_>) -> Ended {
    done(steps.take(|| {
        let body = json!({
            "messaging_product": "whatsapp", "status": "read", "message_id": target.external_id,
        });
        graph.post(&[graph.number, "messages"], body).harmless()
    })?)
}
