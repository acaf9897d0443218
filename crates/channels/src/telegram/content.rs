//! What a message says, in text and files, whichever of Telegram's kinds it is.

use crate::inbound::{Media, Peer};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Deserialize)]
pub struct User {
    pub id: i64,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub language_code: Option<String>,
}

impl User {
    pub fn peer(&self) -> Peer {
        let name = joined(&self.first_name, &self.last_name);
        Peer {
            handle: self.id.to_string(),
            display: match (&self.username, &name) {
                (Some(username), _) => format!("@{username}"),
                (None, Some(name)) => name.clone(),
                (None, None) => self.id.to_string(),
            },
            name,
            locale: self.language_code.clone(),
            ..Peer::default()
        }
    }
}

fn joined(first: &str, last: &str) -> Option<String> {
    let name = format!("{first} {last}");
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[derive(Debug, Clone, Deserialize)]
pub struct Chat {
    pub id: i64,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    username: Option<String>,
}

impl Chat {
    /// The chat as a person: the other side of a private chat, or a channel that writes as itself.
    pub fn peer(&self) -> Peer {
        let first = format!("{}{}", self.first_name, self.title);
        User {
            id: self.id,
            first_name: first,
            last_name: self.last_name.clone(),
            username: self.username.clone(),
            language_code: None,
        }
        .peer()
    }
}

#[derive(Debug, Clone, Deserialize)]
struct File {
    file_id: String,
    #[serde(default)]
    file_unique_id: String,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    mime_type: Option<String>,
    #[serde(default)]
    file_size: Option<u64>,
    #[serde(default)]
    emoji: Option<String>,
    #[serde(default)]
    is_animated: bool,
    #[serde(default)]
    is_video: bool,
}

#[derive(Debug, Clone, Deserialize)]
struct Entity {
    #[serde(rename = "type")]
    kind: String,
    offset: usize,
    length: usize,
    #[serde(default)]
    url: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Location {
    latitude: f64,
    longitude: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Venue {
    #[serde(default)]
    title: String,
    #[serde(default)]
    address: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Contact {
    #[serde(default)]
    phone_number: String,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Dice {
    #[serde(default)]
    emoji: String,
    #[serde(default)]
    value: i64,
}

#[derive(Debug, Clone, Deserialize)]
struct Poll {
    #[serde(default)]
    question: String,
    #[serde(default)]
    options: Vec<PollOption>,
}

#[derive(Debug, Clone, Deserialize)]
struct PollOption {
    #[serde(default)]
    text: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Quoted {
    pub message_id: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    pub message_id: i64,
    #[serde(default)]
    pub message_thread_id: Option<i64>,
    #[serde(default)]
    pub is_topic_message: bool,
    #[serde(default)]
    pub from: Option<User>,
    #[serde(default)]
    sender_chat: Option<Chat>,
    #[serde(default)]
    pub sender_business_bot: Option<User>,
    pub date: i64,
    #[serde(default)]
    pub edit_date: Option<i64>,
    #[serde(default)]
    pub business_connection_id: Option<String>,
    pub chat: Chat,
    #[serde(default)]
    pub reply_to_message: Option<Box<Quoted>>,
    #[serde(default)]
    pub media_group_id: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    entities: Vec<Entity>,
    #[serde(default)]
    caption: Option<String>,
    #[serde(default)]
    caption_entities: Vec<Entity>,
    #[serde(default)]
    photo: Vec<File>,
    #[serde(default)]
    animation: Option<File>,
    #[serde(default)]
    audio: Option<File>,
    #[serde(default)]
    document: Option<File>,
    #[serde(default)]
    sticker: Option<File>,
    #[serde(default)]
    video: Option<File>,
    #[serde(default)]
    video_note: Option<File>,
    #[serde(default)]
    voice: Option<File>,
    #[serde(default)]
    contact: Option<Contact>,
    #[serde(default)]
    location: Option<Location>,
    #[serde(default)]
    venue: Option<Venue>,
    #[serde(default)]
    dice: Option<Dice>,
    #[serde(default)]
    poll: Option<Poll>,
    /// Everything else by name: what is housekeeping, and what nobody knew of yet.
    #[serde(flatten)]
    more: Others,
}

/// Only the names; values of kinds we do not read are skipped, not built.
#[derive(Debug, Clone, Default)]
struct Others(Vec<String>);

impl<'de> Deserialize<'de> for Others {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = std::collections::BTreeMap::<String, serde::de::IgnoredAny>::deserialize(
            deserializer,
        )?;
        Ok(Self(names.into_keys().collect()))
    }
}

/// What the groups and their keepers do. Nobody has to answer it.
const HOUSEKEEPING: [&str; 38] = [
    "new_chat_members",
    "left_chat_member",
    "chat_owner_left",
    "chat_owner_changed",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "pinned_message",
    "boost_added",
    "chat_background_set",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "giveaway_created",
    "giveaway",
    "giveaway_winners",
    "giveaway_completed",
    "proximity_alert_triggered",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
    "write_access_allowed",
    "managed_bot_created",
    "connected_website",
    "direct_message_price_changed",
    "paid_message_price_changed",
    "poll_option_added",
    "poll_option_deleted",
];

/// Fields that say how a message came about, not what it says.
const CIRCUMSTANCES: [&str; 25] = [
    "direct_messages_topic",
    "sender_boost_count",
    "sender_tag",
    "guest_query_id",
    "forward_origin",
    "is_automatic_forward",
    "external_reply",
    "quote",
    "reply_to_story",
    "reply_to_checklist_task_id",
    "reply_to_poll_option_id",
    "via_bot",
    "guest_bot_caller_user",
    "guest_bot_caller_chat",
    "has_protected_content",
    "is_from_offline",
    "is_paid_post",
    "author_signature",
    "paid_star_count",
    "link_preview_options",
    "suggested_post_info",
    "effect_id",
    "show_caption_above_media",
    "has_media_spoiler",
    "reply_markup",
];

pub enum Content {
    Said { text: String, files: Vec<Media> },
    Housekeeping,
    Unknown,
}

impl Message {
    /// Who wrote: a person, or a group's keeper or channel that hides behind its own name.
    pub fn peer(&self) -> Option<Peer> {
        match (&self.sender_chat, &self.from) {
            (Some(chat), _) => Some(chat.peer()),
            (None, Some(user)) => Some(user.peer()),
            (None, None) => None,
        }
    }

    pub fn content(&self) -> Content {
        let said = match (&self.text, &self.caption) {
            (Some(text), _) => with_links(text, &self.entities),
            (None, Some(caption)) => with_links(caption, &self.caption_entities),
            (None, None) => String::new(),
        };
        let files = self.files();
        let text = match self.described() {
            Some(more) if said.is_empty() => more,
            Some(more) => format!("{said}\n\n{more}"),
            None => said,
        };
        if !text.is_empty() || !files.is_empty() {
            return Content::Said { text, files };
        }
        let is = |list: &[&str]| self.more.0.iter().any(|name| list.contains(&name.as_str()));
        if is(&HOUSEKEEPING) {
            Content::Housekeeping
        } else {
            Content::Unknown
        }
    }

    /// The name of what we could not read.
    pub fn unknown_kind(&self, raw: &Value) -> String {
        let known = |name: &&String| CIRCUMSTANCES.contains(&name.as_str());
        let unread = self.more.0.iter().find(|name| !known(name));
        let first = || self.more.0.first();
        unread
            .or_else(first)
            .cloned()
            .or_else(|| raw.as_object()?.keys().next_back().cloned())
            .unwrap_or_default()
    }

    fn described(&self) -> Option<String> {
        if let Some(contact) = &self.contact {
            let name = joined(&contact.first_name, &contact.last_name).unwrap_or_default();
            return Some(format!("{name} {}", contact.phone_number).trim().to_owned());
        }
        if let Some(location) = &self.location {
            let at = format!("{}, {}", location.latitude, location.longitude);
            return Some(match &self.venue {
                Some(venue) => format!("📍 {}, {} ({at})", venue.title, venue.address),
                None => format!("📍 {at}"),
            });
        }
        if let Some(dice) = &self.dice {
            return Some(format!("{} {}", dice.emoji, dice.value));
        }
        if let Some(poll) = &self.poll {
            let options: Vec<_> = poll.options.iter().map(|o| format!("- {}", o.text)).collect();
            return Some(format!("{}\n{}", poll.question, options.join("\n")));
        }
        let emoji = self.sticker.as_ref()?.emoji.clone()?;
        Some(emoji)
    }

    fn files(&self) -> Vec<Media> {
        let mut files = Vec::new();
        let mut add = |file: Option<&File>, name: &str, media_type: &str| {
            files.extend(file.map(|file| media(file, name, media_type)));
        };
        // Sizes of one picture, the largest last.
        add(self.photo.last(), "jpg", "image/jpeg");
        // An animation is repeated as a document for older programs.
        add(self.animation.as_ref(), "mp4", "video/mp4");
        if self.animation.is_none() {
            add(self.document.as_ref(), "bin", "application/octet-stream");
        }
        add(self.audio.as_ref(), "mp3", "audio/mpeg");
        add(self.video.as_ref(), "mp4", "video/mp4");
        add(self.video_note.as_ref(), "mp4", "video/mp4");
        add(self.voice.as_ref(), "ogg", "audio/ogg");
        if let Some(sticker) = &self.sticker {
            match (sticker.is_animated, sticker.is_video) {
                (true, _) => add(Some(sticker), "tgs", "application/gzip"),
                (_, true) => add(Some(sticker), "webm", "video/webm"),
                _ => add(Some(sticker), "webp", "image/webp"),
            }
        }
        files
    }
}

fn media(file: &File, extension: &str, media_type: &str) -> Media {
    Media {
        media: file.file_id.clone(),
        name: file
            .file_name
            .clone()
            .unwrap_or_else(|| format!("{}.{extension}", file.file_unique_id)),
        media_type: file.mime_type.clone().unwrap_or_else(|| media_type.into()),
        size_bytes: file.file_size,
        description: None,
    }
}

/// The text with the addresses of links that hide behind words. Offsets count UTF-16 units.
fn with_links(text: &str, entities: &[Entity]) -> String {
    let mut inserts: Vec<(usize, &str)> = entities
        .iter()
        .filter(|entity| entity.kind == "text_link")
        .filter_map(|entity| {
            Some((
                entity.offset.checked_add(entity.length)?,
                entity.url.as_deref()?,
            ))
        })
        .collect();
    if inserts.is_empty() {
        return text.to_owned();
    }
    inserts.sort_by_key(|(at, _)| *at);
    let mut inserts = inserts.into_iter().peekable();
    let (mut out, mut units) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        while let Some((_, url)) = inserts.next_if(|(at, _)| *at <= units) {
            out.push_str(&format!(" ({url})"));
        }
        out.push(c);
        units += c.len_utf16();
    }
    for (_, url) in inserts {
        out.push_str(&format!(" ({url})"));
    }
    out
}
