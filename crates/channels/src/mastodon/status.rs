//! What the network sends, and the facts in it.
//!
//! Parts are `{"event", "payload"}` as on the stream, whichever way they came. Ids are opaque
//! texts. A person's handle is her account id within the instance that told it.

use crate::inbound::{Inbound, InboundMessage, Malformed, Media, Peer};
use crate::markup;
use crate::view::Inbox;
use domain::Time;
use serde::Deserialize;
use serde_json::{Value, json};

/// Edits and deletes of statuses that the session knows; whoever they mention now.
pub const KNOWN_UPDATE: &str = "known.update";

#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    pub id: String,
    pub acct: String,
    #[serde(default)]
    pub username: String,
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub avatar: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Mention {
    pub id: String,
    pub acct: String,
    #[serde(default)]
    pub username: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Attachment {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    remote_url: Option<String>,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    pub id: String,
    pub account: Account,
    #[serde(default)]
    pub content: String,
    #[serde(default)]
    pub visibility: String,
    #[serde(default)]
    pub spoiler_text: String,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub in_reply_to_id: Option<String>,
    #[serde(default)]
    pub created_at: Option<Time>,
    #[serde(default)]
    pub edited_at: Option<Time>,
    #[serde(default)]
    pub mentions: Vec<Mention>,
    #[serde(default)]
    media_attachments: Vec<Attachment>,
}

#[derive(Debug, Deserialize)]
struct Notification {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    created_at: Option<Time>,
    #[serde(default)]
    account: Option<Account>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Envelope {
    event: String,
    payload: Value,
}

pub fn parse(inbox: &Inbox, bytes: &[u8]) -> Result<Vec<Inbound>, Malformed> {
    let Envelope { event, payload } = serde_json::from_slice(bytes)?;
    match event.as_str() {
        "notification" => notification(inbox, payload),
        "update" => {
            let status: Status = serde_json::from_value(payload)?;
            // Home timeline: only what our own account wrote to somebody concerns us here.
            Ok(own_message(inbox, &status).into_iter().collect())
        }
        "status.update" => {
            let status: Status = serde_json::from_value(payload)?;
            let ours = status.account.id == inbox.account;
            let concerns_us = ours || status.mentions.iter().any(|m| m.id == inbox.account);
            Ok(if concerns_us {
                vec![edit(inbox, &status)]
            } else {
                vec![]
            })
        }
        KNOWN_UPDATE => Ok(vec![edit(inbox, &serde_json::from_value(payload)?)]),
        "delete" => match payload.as_str() {
            Some(id) => Ok(vec![Inbound::Delete {
                external_id: id.to_owned(),
                at: None,
            }]),
            None => Err(Malformed::new("a delete without an id")),
        },
        _ => Ok(vec![Inbound::Unknown {
            what: event,
            external_id: None,
            peer: None,
            thread: String::new(),
            at: None,
            raw: payload,
        }]),
    }
}

fn notification(inbox: &Inbox, payload: Value) -> Result<Vec<Inbound>, Malformed> {
    let told: Notification = serde_json::from_value(payload.clone())?;
    let lacks_status = || Malformed::new("a notification without its status");
    Ok(match told.kind.as_str() {
        "mention" | "quote" => {
            let status = told.status.ok_or_else(lacks_status)?;
            if status.account.id == inbox.account {
                own_message(inbox, &status).into_iter().collect()
            } else {
                vec![Inbound::Message(Box::new(message(inbox, &status)))]
            }
        }
        "update" => vec![edit(inbox, &told.status.ok_or_else(lacks_status)?)],
        "favourite" => match (told.status, told.account) {
            (Some(status), Some(account)) if status.account.id == inbox.account => {
                vec![Inbound::Reaction {
                    external_id: status.id,
                    by: peer(inbox, &account),
                    emoji: "⭐".into(),
                    removed: false,
                    at: told.created_at,
                    own_echo: false,
                }]
            }
            _ => vec![],
        },
        // About people, not by a customer: nobody has to answer these.
        "follow"
        | "follow_request"
        | "reblog"
        | "poll"
        | "status"
        | "admin.sign_up"
        | "admin.report"
        | "added_to_collection" => vec![],
        "moderation_warning" | "severed_relationships" => vec![Inbound::AccountProblem {
            credentials_died: false,
            reason: format!("The instance sent a notice ({}). Read it there.", told.kind),
            at: told.created_at,
        }],
        _ => vec![Inbound::Unknown {
            what: told.kind,
            // Never a status id: that message may exist already.
            external_id: Some(format!("notification:{}", told.id)),
            peer: told.account.map(|account| peer(inbox, &account)),
            thread: String::new(),
            at: told.created_at,
            raw: payload,
        }],
    })
}

/// The instance's name in full handles; ids are unique within it.
pub fn scope(inbox: &Inbox) -> String {
    inbox
        .setting("domain")
        .map(str::to_owned)
        .or_else(|| super::base(inbox)?.host_str().map(str::to_owned))
        .unwrap_or_default()
}

pub fn peer(inbox: &Inbox, account: &Account) -> Peer {
    let scope = scope(inbox);
    let display = if account.acct.contains('@') {
        format!("@{}", account.acct)
    } else {
        format!("@{}@{scope}", account.acct)
    };
    Peer {
        handle: account.id.clone(),
        scope,
        display,
        name: Some(account.display_name.clone()).filter(|name| !name.is_empty()),
        avatar: account.avatar.clone(),
        ..Peer::default()
    }
}

/// One thread per audience, so that an answer to a private word never lands in a public one.
/// Direct messages are the peer's own thread.
pub fn thread(visibility: &str) -> &'static str {
    match visibility {
        "public" | "unlisted" => "public",
        "private" => "private",
        _ => "",
    }
}

fn message(inbox: &Inbox, status: &Status) -> InboundMessage {
    InboundMessage {
        external_id: status.id.clone(),
        peer: Peer {
            locale: status.language.clone(),
            ..peer(inbox, &status.account)
        },
        thread: thread(&status.visibility).to_owned(),
        text: text(status, &[&inbox.account]),
        html: Some(html(status)),
        attachments: status.media_attachments.iter().filter_map(media).collect(),
        quoted: status.in_reply_to_id.clone(),
        at: status.created_at,
        extra: json!({
            "acct": status.account.acct,
            "visibility": status.visibility,
            "spoiler": status.spoiler_text,
            "language": status.language,
        }),
        ..InboundMessage::default()
    }
}

/// What our account wrote to somebody, here or in another app. Notes to nobody are not ours to show.
fn own_message(inbox: &Inbox, status: &Status) -> Option<Inbound> {
    if status.account.id != inbox.account {
        return None;
    }
    let to = status.mentions.iter().find(|m| m.id != inbox.account)?;
    let account = Account {
        id: to.id.clone(),
        acct: to.acct.clone(),
        username: to.username.clone(),
        display_name: String::new(),
        avatar: None,
    };
    Some(Inbound::Message(Box::new(InboundMessage {
        peer: peer(inbox, &account),
        text: text(status, &[&to.id]),
        own_echo: true,
        extra: json!({
            "acct": to.acct,
            "visibility": status.visibility,
            "spoiler": status.spoiler_text,
            "ids": [status.id],
        }),
        ..message(inbox, status)
    })))
}

fn edit(inbox: &Inbox, status: &Status) -> Inbound {
    let own_echo = status.account.id == inbox.account;
    let first = status.mentions.first().map_or("", |m| m.id.as_str());
    let addressed = if own_echo {
        first
    } else {
        inbox.account.as_str()
    };
    Inbound::Edit {
        external_id: status.id.clone(),
        text: text(status, &[addressed]),
        html: Some(html(status)),
        attachments: status.media_attachments.iter().filter_map(media).collect(),
        at: status.edited_at,
        own_echo,
    }
}

/// Plain text without the leading mentions of `addressed`; the warning, if any, comes first.
fn text(status: &Status, addressed: &[&str]) -> String {
    let full = markup::plain_text(&status.content);
    let mut rest = full.as_str();
    loop {
        let next = status
            .mentions
            .iter()
            .filter(|mention| addressed.contains(&mention.id.as_str()))
            .flat_map(|mention| [mention.acct.as_str(), mention.username.as_str()])
            .filter(|name| !name.is_empty())
            .find_map(|name| {
                let after = rest.strip_prefix('@')?.strip_prefix(name)?;
                after
                    .starts_with(char::is_whitespace)
                    .then(|| after.trim_start())
            });
        match next {
            Some(after) => rest = after,
            None => break,
        }
    }
    match status.spoiler_text.trim() {
        "" => rest.to_owned(),
        warning => format!("[{warning}]\n\n{rest}"),
    }
}

fn html(status: &Status) -> String {
    let content = markup::clean(&status.content);
    match status.spoiler_text.trim() {
        "" => content,
        warning => {
            let escaped = warning.replace('&', "&amp;").replace('<', "&lt;");
            format!("<p><strong>{escaped}</strong></p>{content}")
        }
    }
}

fn media(attachment: &Attachment) -> Option<Media> {
    let url = attachment.url.clone().or(attachment.remote_url.clone())?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let media_type = match name
        .rsplit_once('.')
        .map(|(_, ext)| ext.to_ascii_lowercase())
        .as_deref()
    {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("mp4") => "video/mp4",
        Some("mp3") => "audio/mpeg",
        Some("ogg") => "audio/ogg",
        _ => match attachment.kind.as_str() {
            "image" => "image/*",
            "video" | "gifv" => "video/*",
            "audio" => "audio/*",
            _ => "application/octet-stream",
        },
    };
    Some(Media {
        media: url,
        name,
        media_type: media_type.into(),
        size_bytes: None,
        description: attachment.description.clone(),
    })
}
