//! Updates: one per webhook request, and the facts in them.

use super::content::{Content, Message, User};
use super::place::Place;
use crate::inbound::{Inbound, InboundMessage, Malformed, Part, Peer, RawRequest};
use crate::view::Inbox;
use domain::Time;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where an update keeps its chat; the rest is nobody's conversation.
const WITH_CHAT: [&str; 10] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
];

/// An update is a part: Telegram retries it whole, and keeps the order within a chat.
pub fn split(raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
    let update: Value = serde_json::from_slice(&raw.body)?;
    let id = update
        .get("update_id")
        .and_then(Value::as_i64)
        .ok_or_else(|| Malformed::new("an update without its id"))?;
    let chat = WITH_CHAT
        .iter()
        .find_map(|kind| update.get(*kind)?.get("chat")?.get("id")?.as_i64());
    Ok(vec![Part {
        account: String::new(),
        lane: chat.map(|id| id.to_string()).unwrap_or_default(),
        dedupe: id.to_string(),
        bytes: raw.body.clone(),
    }])
}

#[derive(Deserialize)]
struct Update {
    update_id: i64,
    message: Option<Box<Message>>,
    edited_message: Option<Box<Message>>,
    business_message: Option<Box<Message>>,
    edited_business_message: Option<Box<Message>>,
    deleted_business_messages: Option<Deleted>,
    business_connection: Option<Connection>,
    message_reaction: Option<Reactions>,
    callback_query: Option<Callback>,
    guest_message: Option<Box<Message>>,
}

#[derive(Deserialize)]
struct ChatId {
    id: i64,
}

#[derive(Deserialize)]
struct Deleted {
    business_connection_id: String,
    chat: ChatId,
    #[serde(default)]
    message_ids: Vec<i64>,
}

#[derive(Deserialize)]
struct Connection {
    user: User,
    date: i64,
    is_enabled: bool,
}

#[derive(Deserialize)]
struct Reactions {
    chat: ChatId,
    message_id: i64,
    user: Option<User>,
    date: i64,
    #[serde(default)]
    old_reaction: Vec<Reaction>,
    #[serde(default)]
    new_reaction: Vec<Reaction>,
}

#[derive(Deserialize)]
struct Reaction {
    #[serde(default)]
    emoji: Option<String>,
}

impl Reaction {
    /// Paid stars and custom emoji have no character of their own.
    fn shown(&self) -> &str {
        self.emoji.as_deref().unwrap_or("⭐")
    }
}

#[derive(Deserialize)]
struct Callback {
    id: String,
    from: User,
}

pub fn time(seconds: i64) -> Option<Time> {
    Time::from_timestamp(seconds, 0)
}

pub fn parse(inbox: &Inbox, bytes: &[u8]) -> Result<Vec<Inbound>, Malformed> {
    let update: Update = serde_json::from_slice(bytes)?;
    if let Some(message) = update.message.or(update.business_message) {
        return received(inbox, update.update_id, &message, bytes);
    }
    if let Some(message) = update.edited_message.or(update.edited_business_message) {
        return Ok(edited(inbox, &message));
    }
    if let Some(deleted) = update.deleted_business_messages {
        return Ok(gone(&deleted));
    }
    if let Some(reactions) = update.message_reaction {
        return Ok(reacted(inbox, &reactions));
    }
    if let Some(connection) = update.business_connection {
        return Ok(connected(&connection));
    }
    let raw: Value = serde_json::from_slice(bytes)?;
    if let Some(callback) = update.callback_query {
        return Ok(vec![placeholder(
            "callback_query",
            format!("callback:{}", callback.id),
            callback.from.peer(),
            raw,
        )]);
    }
    if let Some((message, peer)) = update
        .guest_message
        .and_then(|message| message.peer().map(|peer| (message, peer)))
    {
        let id = format!("guest:{}:{}", message.chat.id, message.message_id);
        return Ok(vec![placeholder("guest_message", id, peer, raw)]);
    }
    Ok(rest(update.update_id, raw))
}

/// Kinds that concern no conversation, and kinds that did not exist when this was written.
fn rest(update_id: i64, raw: Value) -> Vec<Inbound> {
    // Who may write to whom, and counts without a person.
    const NOTHING_TO_ANSWER: [&str; 3] = ["my_chat_member", "chat_member", "message_reaction_count"];
    let what = raw
        .as_object()
        .and_then(|fields| fields.keys().find(|key| *key != "update_id"))
        .cloned()
        .unwrap_or_default();
    if NOTHING_TO_ANSWER.contains(&what.as_str()) {
        return Vec::new();
    }
    vec![Inbound::Unknown {
        what,
        external_id: Some(format!("update:{update_id}")),
        peer: None,
        thread: String::new(),
        at: None,
        raw,
    }]
}

fn placeholder(what: &str, id: String, peer: Peer, raw: Value) -> Inbound {
    Inbound::Unknown {
        what: what.to_owned(),
        external_id: Some(id),
        peer: Some(peer),
        thread: String::new(),
        at: None,
        raw,
    }
}

fn place(message: &Message) -> Place {
    Place {
        chat: message.chat.id,
        topic: message
            .message_thread_id
            .filter(|_| message.is_topic_message),
        business: message.business_connection_id.clone(),
    }
}

/// Whether the business itself wrote it: only its own side of a private chat can.
fn is_ours(inbox: &Inbox, message: &Message) -> bool {
    let by = message.from.as_ref().map(|user| user.id);
    let by_bot = by.is_some_and(|id| id.to_string() == inbox.account);
    let by_owner = message.business_connection_id.is_some() && by != Some(message.chat.id);
    by_bot || by_owner
}

fn received(
    inbox: &Inbox,
    update_id: i64,
    message: &Message,
    bytes: &[u8],
) -> Result<Vec<Inbound>, Malformed> {
    let place = place(message);
    let external_id = place.message(message.message_id);
    let own_echo = is_ours(inbox, message);
    let peer = if own_echo {
        message.chat.peer()
    } else {
        match message.peer() {
            Some(peer) => peer,
            None => return Ok(rest(update_id, serde_json::from_slice(bytes)?)),
        }
    };
    let thread = place.thread(message.chat.kind == "private");
    let (text, attachments) = match message.content() {
        Content::Said { text, files } => (text, files),
        Content::Housekeeping => return Ok(Vec::new()),
        Content::Unknown => {
            let raw: Value = serde_json::from_slice(bytes)?;
            return Ok(vec![Inbound::Unknown {
                what: message.unknown_kind(&raw),
                external_id: Some(external_id),
                peer: Some(peer).filter(|_| !own_echo),
                thread,
                at: time(message.date),
                raw,
            }]);
        }
    };
    let by_us = message
        .sender_business_bot
        .as_ref()
        .is_some_and(|bot| bot.id.to_string() == inbox.account);
    Ok(vec![Inbound::Message(Box::new(InboundMessage {
        external_id,
        peer,
        thread,
        text,
        attachments,
        quoted: message
            .reply_to_message
            .as_ref()
            .map(|quoted| place.message(quoted.message_id)),
        at: time(message.date),
        own_echo,
        from_this_app: own_echo.then_some(by_us),
        extra: json!({ "album": message.media_group_id }),
        ..InboundMessage::default()
    }))])
}

fn edited(inbox: &Inbox, message: &Message) -> Vec<Inbound> {
    let Content::Said { text, files } = message.content() else {
        return Vec::new();
    };
    vec![Inbound::Edit {
        external_id: place(message).message(message.message_id),
        text,
        html: None,
        attachments: files,
        at: message.edit_date.or(Some(message.date)).and_then(time),
        own_echo: is_ours(inbox, message),
    }]
}

fn gone(deleted: &Deleted) -> Vec<Inbound> {
    let place = Place {
        chat: deleted.chat.id,
        topic: None,
        business: Some(deleted.business_connection_id.clone()),
    };
    let gone = |id: &i64| Inbound::Delete {
        external_id: place.message(*id),
        at: None,
    };
    deleted.message_ids.iter().map(gone).collect()
}

/// Telegram tells the whole set before and after; we tell what changed.
fn reacted(inbox: &Inbox, told: &Reactions) -> Vec<Inbound> {
    let Some(user) = &told.user else {
        return Vec::new();
    };
    let place = Place {
        chat: told.chat.id,
        topic: None,
        business: None,
    };
    let has = |list: &[Reaction], one: &Reaction| list.iter().any(|r| r.shown() == one.shown());
    let fact = |reaction: &Reaction, removed| Inbound::Reaction {
        external_id: place.message(told.message_id),
        by: user.peer(),
        emoji: reaction.shown().to_owned(),
        removed,
        at: time(told.date),
        own_echo: user.id.to_string() == inbox.account,
    };
    let lost = told.old_reaction.iter();
    let lost = lost.filter(|one| !has(&told.new_reaction, one));
    let won = told.new_reaction.iter();
    let won = won.filter(|one| !has(&told.old_reaction, one));
    lost.map(|one| fact(one, true))
        .chain(won.map(|one| fact(one, false)))
        .collect()
}

fn connected(connection: &Connection) -> Vec<Inbound> {
    if connection.is_enabled {
        return Vec::new();
    }
    vec![Inbound::AccountProblem {
        credentials_died: false,
        reason: format!(
            "{} disconnected the bot from Telegram Business: chats of that account can no longer be answered.",
            connection.user.peer().display
        ),
        at: time(connection.date),
    }]
}
