//! The facts in one event.

use super::OURS;
use super::content::Content;
use super::errors::{self, Fault};
use super::webhook::{Person, text};
use crate::inbound::{Inbound, InboundMessage, Malformed, Peer, Profile, Receipt, ReceiptState};
use crate::view::Inbox;
use domain::Time;
use serde::Deserialize;
use serde_json::{Value, json};

/// News of an account after which nothing goes out, until somebody looks at Meta's page.
const TROUBLE: [&str; 5] = [
    "DISABLED_UPDATE",
    "ACCOUNT_VIOLATION",
    "ACCOUNT_RESTRICTION",
    "ACCOUNT_DELETED",
    "PARTNER_REMOVED",
];

/// What `webhook::split` stored.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    field: String,
    #[serde(default)]
    list: String,
    #[serde(default)]
    contact: Value,
    event: Value,
}

/// An event with its person and time.
struct Event {
    list: String,
    body: Value,
    person: Person,
    peer: Option<Peer>,
    at: Option<Time>,
}

pub fn parse(inbox: &Inbox, bytes: &[u8]) -> Result<Vec<Inbound>, Malformed> {
    let stored: Stored = serde_json::from_slice(bytes)?;
    if stored.list.is_empty() {
        return Ok(account_news(stored));
    }
    let person = Person::of(&stored.list, &stored.event, &stored.contact);
    let event = Event {
        peer: peer(&person, &stored.contact),
        at: seconds(&stored.event["timestamp"]),
        list: stored.list,
        body: stored.event,
        person,
    };
    match event.list.as_str() {
        "statuses" if event.body["type"] != "call" => status(&event),
        "messages" => message(inbox, &event, false),
        "message_echoes" => message(inbox, &event, true),
        "calls" => Ok(vec![call(event)]),
        _ => Ok(vec![event.nobodys("call status")]),
    }
}

/// Seconds, as text in most events and as a number in some.
fn seconds(value: &Value) -> Option<Time> {
    let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
    Time::from_timestamp(seconds, 0)
}

fn peer(person: &Person, contact: &Value) -> Option<Peer> {
    let handle = person.handle()?;
    let profile = &contact["profile"];
    let name = text(profile, "name");
    let phone = person.phone.as_ref().map(|phone| format!("+{phone}"));
    let username = text(profile, "username").map(|name| format!("@{name}"));
    Some(Peer {
        display: phone.or(username).or(name.clone()).unwrap_or_default(),
        name,
        // Whoever was known by her phone alone is the same person.
        former: person.phone.clone().filter(|phone| *phone != handle),
        handle,
        ..Peer::default()
    })
}

impl Event {
    fn id(&self) -> Result<String, Malformed> {
        text(&self.body, "id").ok_or_else(|| Malformed::new("an event without its id"))
    }

    fn group(&self) -> String {
        text(&self.body, "group_id").unwrap_or_default()
    }

    /// What an answer or a reaction needs to find the person again.
    fn extra(&self) -> Value {
        json!({
            "phone": self.person.phone,
            "user": self.person.user,
            "group": text(&self.body, "group_id"),
            "referral": self.body.get("referral"),
        })
    }

    /// A placeholder in the person's thread, with everything Meta said.
    fn placeholder(self, what: String, external_id: String) -> Inbound {
        Inbound::Unknown {
            what,
            external_id: Some(external_id),
            thread: self.group(),
            peer: self.peer,
            at: self.at,
            raw: self.body,
        }
    }

    /// Kept as it came, shown to nobody.
    fn nobodys(self, what: &str) -> Inbound {
        Inbound::Unknown {
            what: what.to_owned(),
            external_id: None,
            thread: String::new(),
            peer: None,
            at: self.at,
            raw: self.body,
        }
    }
}

fn message(inbox: &Inbox, event: &Event, echo: bool) -> Result<Vec<Inbound>, Malformed> {
    let kind = text(&event.body, "type").unwrap_or_default();
    match kind.as_str() {
        "reaction" => return reaction(inbox, event, echo),
        "edit" => return edit(event, echo),
        "revoke" => {
            return Ok(vec![Inbound::Delete {
                external_id: original(&event.body["revoke"])?,
                at: event.at,
            }]);
        }
        "system" => return Ok(moved(event).into_iter().collect()),
        // The person opened the chat and has said nothing yet.
        "request_welcome" => return Ok(Vec::new()),
        _ => {}
    }
    let content = Content::of(&kind, &event.body);
    let (Some(content), Some(peer)) = (content, event.peer.clone()) else {
        let shown = Event {
            list: String::new(),
            body: event.body.clone(),
            person: Person::default(),
            peer: event.peer.clone().filter(|_| !echo),
            at: event.at,
        };
        return Ok(vec![shown.placeholder(kind, event.id()?)]);
    };
    Ok(vec![Inbound::Message(Box::new(InboundMessage {
        external_id: event.id()?,
        peer,
        thread: event.group(),
        text: content.text,
        attachments: content.files,
        quoted: text(&event.body["context"], "id"),
        at: event.at,
        own_echo: echo,
        // Echoes tell of the business app on the phone only.
        from_this_app: echo.then_some(false),
        extra: event.extra(),
        ..InboundMessage::default()
    }))])
}

fn original(change: &Value) -> Result<String, Malformed> {
    text(change, "original_message_id")
        .ok_or_else(|| Malformed::new("a change that does not name its message"))
}

fn edit(event: &Event, echo: bool) -> Result<Vec<Inbound>, Malformed> {
    let edit = &event.body["edit"];
    let new = &edit["message"];
    let kind = text(new, "type").unwrap_or_default();
    let content = Content::of(&kind, new)
        .ok_or_else(|| Malformed::new("an edit without anything to read"))?;
    Ok(vec![Inbound::Edit {
        external_id: original(edit)?,
        text: content.text,
        html: None,
        // Only the words of a file can be edited; the file itself is fetched already.
        attachments: Vec::new(),
        at: event.at,
        own_echo: echo,
    }])
}

/// One person has one reaction: a new one replaces the old, an empty one takes it back.
fn reaction(inbox: &Inbox, event: &Event, echo: bool) -> Result<Vec<Inbound>, Malformed> {
    let reaction = &event.body["reaction"];
    let external_id = text(reaction, "message_id")
        .ok_or_else(|| Malformed::new("a reaction that does not name its message"))?;
    let by = if echo {
        Peer {
            handle: inbox.account.clone(),
            ..Peer::default()
        }
    } else {
        let peer = event.peer.clone();
        peer.ok_or_else(|| Malformed::new("a reaction of nobody"))?
    };
    let fact = |emoji: String, removed| Inbound::Reaction {
        external_id: external_id.clone(),
        by: by.clone(),
        emoji,
        removed,
        at: event.at,
        own_echo: echo,
    };
    let mut facts = vec![fact(String::new(), true)];
    facts.extend(text(reaction, "emoji").map(|emoji| fact(emoji, false)));
    Ok(facts)
}

/// A new number is the same person; everything else the system says is about devices.
fn moved(event: &Event) -> Option<Inbound> {
    let system = &event.body["system"];
    let number = text(system, "wa_id")?;
    let old = event.person.handle()?;
    Some(Inbound::Profile(Profile {
        peer: Peer {
            display: format!("+{number}"),
            handle: event.person.user.clone().unwrap_or(number),
            former: Some(old),
            ..Peer::default()
        },
    }))
}

fn status(event: &Event) -> Result<Vec<Inbound>, Malformed> {
    let id = event.id()?;
    let state = match event.body["status"].as_str().unwrap_or_default() {
        "sent" => ReceiptState::Sent,
        "delivered" => ReceiptState::Delivered,
        "read" | "played" => ReceiptState::Read,
        "failed" => ReceiptState::Failed,
        // A warning, or a customer who deleted what we wrote on her own phone.
        _ => return Ok(Vec::new()),
    };
    let mut facts = Vec::new();
    let ours = text(&event.body, "biz_opaque_callback_data");
    let client = ours.and_then(|word| word.strip_prefix(OURS).map(str::to_owned));
    if let (Some(client), Some(peer)) = (client, event.peer.clone()) {
        // The answer to the send may have been lost: this is the message's id.
        let mut extra = event.extra();
        extra["ids"] = json!([id]);
        facts.push(Inbound::Message(Box::new(InboundMessage {
            external_id: id.clone(),
            peer,
            at: event.at,
            own_echo: true,
            from_this_app: Some(true),
            client_id: Some(client),
            extra,
            ..InboundMessage::default()
        })));
    }
    let faults: Vec<Fault> =
        serde_json::from_value(event.body["errors"].clone()).unwrap_or_default();
    let why = faults.first().map(errors::told);
    facts.push(Inbound::Receipt {
        of: Receipt::Message { external_id: id },
        state,
        problem: why.filter(|_| state == ReceiptState::Failed),
        at: event.at,
    });
    Ok(facts)
}

/// Calls are not answered here yet. That somebody called is shown, the rest is kept for the day
/// they are.
fn call(event: Event) -> Inbound {
    let what = text(&event.body, "event").unwrap_or_default();
    let id = text(&event.body, "id").unwrap_or_default();
    if what == "connect" && event.body["direction"] == "USER_INITIATED" && event.peer.is_some() {
        return event.placeholder("call".into(), format!("call:{id}"));
    }
    event.nobodys(&format!("call {what}"))
}

fn account_news(stored: Stored) -> Vec<Inbound> {
    let event = &stored.event;
    let trouble = event["event"].as_str().filter(|what| TROUBLE.contains(what));
    if let ("account_update", Some(what)) = (stored.field.as_str(), trouble) {
        return vec![Inbound::AccountProblem {
            credentials_died: false,
            reason: format!("Meta restricts this WhatsApp account ({what}). Look at its business support page."),
            at: None,
        }];
    }
    let faults: Vec<Fault> = serde_json::from_value(event["errors"].clone()).unwrap_or_default();
    if let Some(fault) = faults.first().filter(|fault| !errors::is_passing(fault.code)) {
        return vec![Inbound::AccountProblem {
            credentials_died: errors::is_dead(fault.code),
            reason: errors::told(fault),
            at: None,
        }];
    }
    vec![Inbound::Unknown {
        what: stored.field,
        external_id: None,
        peer: None,
        thread: String::new(),
        at: None,
        raw: stored.event,
    }]
}

