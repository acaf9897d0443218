//! A mail as facts: who wrote what, in which thread, with which files.

use super::part::{Known, addresses, dedupe, external_id, ids, is_address};
use super::thread::{digest, is_shaped_like_ours};
use super::{bounce, thread};
use crate::inbound::{Inbound, InboundMessage, Malformed, Media, Part, Peer};
use crate::markup;
use crate::view::Inbox;
use chrono::DateTime;
use domain::Time;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};
use serde_json::json;
use std::collections::BTreeSet;

const SUBJECT_CHARS_MAX: usize = 250;
const TEXT_BYTES_MAX: usize = 1024 * 1024;
const REFERENCES_MAX: usize = 20;
const COPIES_MAX: usize = 20;
const FILES_MAX: usize = 100;

pub fn parse(inbox: &Inbox, bytes: &[u8]) -> Result<Vec<Inbound>, Malformed> {
    let (known, raw) = Known::split(bytes)?;
    let mail = read(raw)?;
    let at = date(&mail);
    if let Some(facts) = bounce::facts(&mail, at) {
        return Ok(facts);
    }
    let Some(peer) = author(inbox, &mail) else {
        return Ok(vec![nobodys(at)]);
    };
    let id = external_id(&mail, raw);
    if is_ours(inbox, &mail) && peer.handle == inbox.account {
        return Ok(vec![own(inbox, &mail, id, at)]);
    }
    let (text, html) = bodies(&mail);
    let text = match known.oversize {
        Some(size) => format!(
            "[This mail of {} MB is too large to be shown here. It is in the mailbox.]",
            size / 1_000_000
        ),
        None => text,
    };
    let answered = ids(mail.in_reply_to());
    let earlier = ids(mail.references());
    let message_id = mail.message_id().map(str::trim).unwrap_or_default();
    let thread = known.thread.unwrap_or_else(|| {
        let own = if message_id.is_empty() { &id } else { message_id };
        let first = earlier.first().or(answered.first()).map(String::as_str);
        digest(first.unwrap_or(own).as_bytes())
    });
    let subject = subject(&mail);
    let kept = earlier.len().saturating_sub(REFERENCES_MAX);
    let extra = json!({
        "message_id": message_id,
        "references": earlier[kept..],
        "subject": subject,
        "reply_to": reply_to(inbox, &mail),
        "cc": copies(inbox, &mail, &peer.handle),
    });
    let files = if known.oversize.is_some() {
        Vec::new()
    } else {
        files(&mail, &dedupe(&id))
    };
    Ok(vec![Inbound::Message(Box::new(InboundMessage {
        external_id: id,
        peer,
        thread,
        subject: (!subject.is_empty()).then_some(subject),
        automatic: is_automatic(&mail),
        text,
        html,
        attachments: files,
        quoted: answered.into_iter().rev().find(|id| is_shaped_like_ours(id)),
        at,
        extra,
        ..InboundMessage::default()
    }))])
}

fn read(raw: &[u8]) -> Result<Message<'_>, Malformed> {
    MessageParser::default()
        .parse(raw)
        .ok_or_else(|| Malformed::new("no mail can be read in these bytes"))
}

/// The bytes of a file of the mail in `part`.
pub fn file(part: &Part, media: &str) -> Option<Vec<u8>> {
    let (_, raw) = Known::split(&part.bytes).ok()?;
    let (_, number) = media.split_once('#')?;
    let mail = read(raw).ok()?;
    let part = mail.parts.get(number.parse::<usize>().ok()?)?;
    Some(match &part.body {
        PartType::Message(inner) => inner.raw_message().to_vec(),
        PartType::Multipart(_) => return None,
        _ => part.contents().to_vec(),
    })
}

fn date(mail: &Message<'_>) -> Option<Time> {
    let date = mail.date().filter(|date| date.is_valid())?;
    DateTime::parse_from_rfc3339(&date.to_rfc3339())
        .ok()
        .map(|date| date.to_utc())
}

fn nobodys(at: Option<Time>) -> Inbound {
    Inbound::Unknown {
        what: "a mail without a sender, or one that claims to be from this address".into(),
        external_id: None,
        peer: None,
        thread: String::new(),
        at,
        raw: serde_json::Value::Null,
    }
}

/// Whom an answer reaches. The form of a website writes in our own name and puts the customer
/// into Reply-To.
fn author(inbox: &Inbox, mail: &Message<'_>) -> Option<Peer> {
    let from = peer_of(mail.from())?;
    if from.handle != inbox.account {
        return Some(from);
    }
    match peer_of(mail.reply_to()) {
        Some(customer) if !is_own(inbox, &customer.handle) => Some(customer),
        _ if is_ours(inbox, mail) => Some(from),
        _ => None,
    }
}

fn peer_of(header: Option<&mail_parser::Address<'_>>) -> Option<Peer> {
    let first = header?.iter().find(|address| {
        let text = address.address.as_deref().unwrap_or_default().trim();
        is_address(&text.to_lowercase())
    })?;
    let address = first.address.as_deref()?.trim();
    let name = first.name.as_deref().map(one_line).filter(|n| !n.is_empty());
    Some(Peer {
        handle: address.to_lowercase(),
        display: address.to_owned(),
        name: Some(name.unwrap_or_else(|| address.to_owned())),
        ..Peer::default()
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Our address, with or without a tag.
fn is_own(inbox: &Inbox, address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let local = local.split_once('+').map_or(local, |(local, _)| local);
    address == inbox.account || format!("{local}@{domain}") == inbox.account
}

/// A mail that we sent and that came back to our own mailbox.
fn is_ours(inbox: &Inbox, mail: &Message<'_>) -> bool {
    let own = addresses(mail.from()).next().as_deref() == Some(inbox.account.as_str());
    own && mail.message_id().is_some_and(thread::is_shaped_like_ours)
}

fn own(inbox: &Inbox, mail: &Message<'_>, external_id: String, at: Option<Time>) -> Inbound {
    let to = addresses(mail.to()).find(|to| !is_own(inbox, to));
    Inbound::Message(Box::new(InboundMessage {
        external_id,
        peer: Peer {
            handle: to.unwrap_or_default(),
            ..Peer::default()
        },
        text: bodies(mail).0,
        at,
        own_echo: true,
        from_this_app: Some(true),
        ..InboundMessage::default()
    }))
}

fn reply_to(inbox: &Inbox, mail: &Message<'_>) -> Option<String> {
    addresses(mail.reply_to()).find(|address| !is_own(inbox, address))
}

/// Everybody else who read it, so that an answer reaches them too.
fn copies(inbox: &Inbox, mail: &Message<'_>, peer: &str) -> Vec<String> {
    let all: BTreeSet<String> = addresses(mail.to())
        .chain(addresses(mail.cc()))
        .filter(|address| address != peer && !is_own(inbox, address))
        .collect();
    all.into_iter().take(COPIES_MAX).collect()
}

fn subject(mail: &Message<'_>) -> String {
    let subject = one_line(mail.subject().unwrap_or_default());
    let clean = subject.chars().filter(|c| !c.is_control());
    clean.take(SUBJECT_CHARS_MAX).collect()
}

/// Plain text as written, else as the HTML reads; and the HTML, made safe, when there is one.
fn bodies(mail: &Message<'_>) -> (String, Option<String>) {
    let mut text = String::new();
    for part in mail.text_bodies() {
        let piece = match &part.body {
            PartType::Text(plain) => plain.replace("\r\n", "\n"),
            PartType::Html(html) => markup::plain_mail(html),
            _ => continue,
        };
        if !text.is_empty() && text.len() < TEXT_BYTES_MAX {
            text.push_str("\n\n");
        }
        if text.len() < TEXT_BYTES_MAX {
            text.push_str(piece.trim_end());
        }
    }
    let html: Vec<String> = mail
        .html_bodies()
        .filter_map(|part| match &part.body {
            PartType::Html(html) => Some(markup::clean_mail(html)),
            _ => None,
        })
        .collect();
    let text = text.trim().replace('\0', "");
    (text, (!html.is_empty()).then(|| html.join("\n")))
}

/// Attached and inline files, in the order of the mail.
fn files(mail: &Message<'_>, key: &str) -> Vec<Media> {
    let inline = mail.text_body.iter().chain(&mail.html_body).filter(|id| {
        let part = mail.parts.get(**id as usize);
        part.is_some_and(|part| {
            matches!(part.body, PartType::Binary(_) | PartType::InlineBinary(_))
        })
    });
    let numbers: BTreeSet<u32> = mail.attachments.iter().chain(inline).copied().collect();
    let parts = numbers
        .into_iter()
        .filter_map(|number| Some((number, mail.parts.get(number as usize)?)));
    parts
        .take(FILES_MAX)
        .map(|(number, part)| media(part, format!("{key}#{number}")))
        .collect()
}

fn media(part: &MessagePart<'_>, media: String) -> Media {
    let (kind, size) = match &part.body {
        PartType::Message(inner) => ("message/rfc822".to_owned(), inner.raw_message().len()),
        _ => (media_type(part), part.contents().len()),
    };
    let name = part.attachment_name().map(one_line).unwrap_or_default();
    let name = match &part.body {
        _ if !name.is_empty() => name,
        PartType::Message(inner) => format!("{}.eml", subject(inner)),
        _ => kind.replace('/', "."),
    };
    Media {
        media,
        name,
        media_type: kind,
        size_bytes: Some(size as u64),
        description: part.content_description().map(one_line),
    }
}

fn media_type(part: &MessagePart<'_>) -> String {
    let named = part.content_type().and_then(|kind| {
        let sub = kind.c_subtype.as_deref()?;
        Some(format!("{}/{sub}", kind.c_type).to_lowercase())
    });
    named.unwrap_or_else(|| "application/octet-stream".into())
}

/// Written by a machine: an absence note, a newsletter, a notification.
fn is_automatic(mail: &Message<'_>) -> bool {
    let header = |name: &'static str| {
        let value = mail.header_raw(name)?.trim().to_ascii_lowercase();
        Some(value)
    };
    let set = |name| header(name).is_some_and(|value| !value.is_empty() && value != "none");
    header("Auto-Submitted").is_some_and(|value| value != "no")
        || header("Precedence")
            .is_some_and(|value| matches!(value.as_str(), "bulk" | "junk" | "list" | "auto_reply"))
        || set("List-Id")
        || set("X-Auto-Response-Suppress")
        || set("X-Autoreply")
        || set("X-Autorespond")
        || header("Return-Path").is_some_and(|value| value == "<>")
}
