//! Where a message is: chat, topic and business connection, and the names we give to them.
//!
//! Message ids count per chat, and the chat with a person has the same id for the bot and for the
//! business account that the bot answers for. Our ids of messages therefore name all of it:
//! `chat:message` or `connection:chat:message`.

use crate::action::Target;
use crate::inbound::Peer;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub chat: i64,
    pub topic: Option<i64>,
    pub business: Option<String>,
}

const BUSINESS: &str = "business:";

impl Place {
    /// The conversation's thread: empty for the person's own chat with the bot.
    pub fn thread(&self, is_private: bool) -> String {
        match (&self.business, is_private) {
            (Some(connection), _) => format!("{BUSINESS}{connection}"),
            (None, true) => String::new(),
            (None, false) => match self.topic {
                Some(topic) => format!("{}:{topic}", self.chat),
                None => self.chat.to_string(),
            },
        }
    }

    /// The other way round.
    pub fn of(peer: &Peer, thread: &str) -> Option<Self> {
        let own = |business| {
            Some(Self {
                chat: peer.handle.parse().ok()?,
                topic: None,
                business,
            })
        };
        if let Some(connection) = thread.strip_prefix(BUSINESS) {
            return own(Some(connection.to_owned()));
        }
        if thread.is_empty() {
            return own(None);
        }
        let (chat, topic) = match thread.split_once(':') {
            Some((chat, topic)) => (chat, Some(topic.parse().ok()?)),
            None => (thread, None),
        };
        Some(Self {
            chat: chat.parse().ok()?,
            topic,
            business: None,
        })
    }

    pub fn message(&self, id: i64) -> String {
        match &self.business {
            Some(connection) => format!("{connection}:{}:{id}", self.chat),
            None => format!("{}:{id}", self.chat),
        }
    }
}

/// The place and the number of a message of ours or theirs.
pub fn located(external_id: &str) -> Option<(Place, i64)> {
    let (rest, id) = external_id.rsplit_once(':')?;
    let (business, chat) = match rest.rsplit_once(':') {
        Some((connection, chat)) => (Some(connection.to_owned()), chat),
        None => (None, rest),
    };
    let place = Place {
        chat: chat.parse().ok()?,
        topic: None,
        business,
    };
    Some((place, id.parse().ok()?))
}

/// Every message that one of ours became, in order.
pub fn pieces(target: &Target) -> Option<(Place, Vec<i64>)> {
    let (place, first) = located(&target.external_id)?;
    let told: Vec<i64> = target
        .extra
        .get("ids")
        .and_then(|ids| serde_json::from_value(ids.clone()).ok())
        .unwrap_or_default();
    Some((place, if told.is_empty() { vec![first] } else { told }))
}
