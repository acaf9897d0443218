//! What people of the demo do with a ticket, each deed through the use case that a browser calls.
//!
//! A deed that lost a race (the customer wrote meanwhile, somebody took it) is no fault: whoever
//! played it looks again later, as a person would.

use super::cast::Stage;
use super::dice::Dice;
use super::network::{self, Posting};
use super::words::{self, Topic};
use crate::reply::{self, SendMessage, Sent};
use crate::work::{self, Transfer};
use crate::{App, Error, Result, tickets};
use domain::TicketId;
use domain::contact::Contact;
use domain::message::{AuthorKind, Message, MessageKind};
use domain::permission::Actor;
use domain::ticket::{Priority, Ticket};
use serde_json::Value;
use std::collections::BTreeMap;
use store::queries::{contacts, conversations, identities, messages, tickets as ticket_rows};

/// More than any customer of the demo writes.
const LOOK_BACK: u64 = 40;

/// A ticket as somebody reads it before she acts.
pub struct Desk {
    pub ticket: Ticket,
    pub contact: Contact,
    pub topic: Topic,
}

impl Desk {
    pub fn new(ticket: Ticket, contact: Contact) -> Self {
        Self {
            topic: Topic::of(&ticket.subject),
            contact,
            ticket,
        }
    }

    pub async fn read(app: &App, stage: &Stage, id: TicketId) -> Result<Self> {
        let read = app.read();
        let ticket = ticket_rows::get(&read, stage.tenant, id).await?;
        let contact = contacts::get(&read, stage.tenant, ticket.contact_id).await?;
        Ok(Self::new(ticket, contact))
    }

    /// Many at once, in the order of the ids.
    pub async fn read_all(app: &App, stage: &Stage, ids: &[TicketId]) -> Result<Vec<Self>> {
        let read = app.read();
        let tickets = ticket_rows::by_ids(&read, stage.tenant, ids).await?;
        let people: Vec<_> = tickets.iter().map(|ticket| ticket.contact_id).collect();
        let people = contacts::by_ids(&read, stage.tenant, &people).await?;
        let mut tickets: BTreeMap<_, _> = tickets.into_iter().map(|t| (t.id, t)).collect();
        let people: BTreeMap<_, _> = people.into_iter().map(|c| (c.id, c)).collect();
        let desk = |id| {
            let ticket: Ticket = tickets.remove(id)?;
            let contact = people.get(&ticket.contact_id)?.clone();
            Some(Self::new(ticket, contact))
        };
        Ok(ids.iter().filter_map(desk).collect())
    }

    /// How often somebody of ours answered.
    async fn answers(&self, app: &App) -> Result<usize> {
        let (tenant, id) = (self.ticket.tenant_id, self.ticket.id);
        let last = messages::before(&app.read(), tenant, id, i64::MAX, LOOK_BACK).await?;
        Ok(last.iter().filter(|m| is_answer(m)).count())
    }

    pub fn is_korean(&self) -> bool {
        self.contact.locale.as_deref() == Some("ko")
    }

    /// Names this customer's matter for the dice, the same in every run of a seed.
    pub fn key(&self) -> String {
        format!("{}|{}", self.contact.name, self.ticket.subject)
    }
}

fn is_answer(message: &Message) -> bool {
    message.author == AuthorKind::User && message.kind == MessageKind::Text
}

/// A lost race is an answer of its own, and so is a machine too busy to let the deed happen now.
pub fn unless_lost<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(Error::Conflict { .. } | Error::NotFound { .. } | Error::Unavailable { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The front desk: the right queue, tags, and a priority for what burns.
pub async fn sort(app: &App, stage: &Stage, dice: Dice, desk: &Desk) -> Result<()> {
    let (front, id, key) = (&stage.supervisor, desk.ticket.id, desk.key());
    if let Some(queue) = stage.queue_of(desk.topic)
        && queue.id != desk.ticket.queue_id
    {
        let wanted = Transfer {
            to: queue.id,
            keep_position: true,
            note: None,
        };
        unless_lost(work::transfer(app, front, id, &wanted).await)?;
    }
    let mut tags: Vec<String> = Vec::new();
    if let (true, Some(tag)) = (
        dice.falls(75, "tagged", &key),
        dice.pick(desk.topic.tags(), "tag", &key),
    ) {
        tags.push((*tag).to_owned());
    }
    if dice.falls(7, "vip", &desk.contact.name) {
        tags.push("VIP".to_owned());
    }
    if !tags.is_empty() {
        unless_lost(tickets::set_tags(app, front, id, &tags, &[]).await)?;
    }
    let priority = match dice.bits("priority", &key) % 100 {
        0..4 => Some(Priority::Urgent),
        4..16 => Some(Priority::High),
        16..22 => Some(Priority::Low),
        _ => None,
    };
    if let Some(priority) = priority {
        unless_lost(tickets::set_priority(app, front, id, priority).await)?;
    }
    Ok(())
}

/// Hands the ticket to somebody who serves its queue.
pub async fn hand_over(app: &App, stage: &Stage, dice: Dice, desk: &Desk) -> Result<()> {
    let queue = stage
        .queue_of(desk.topic)
        .map_or(desk.ticket.queue_id, |queue| queue.id);
    let key = desk.key();
    let serving = stage.who_serves(queue);
    let to = if dice.falls(9, "owner works", &key) {
        Some(&stage.owner)
    } else {
        dice.pick(&serving, "who works", &key).copied()
    };
    if let Some(to) = to {
        let assigned = work::assign(app, &stage.supervisor, desk.ticket.id, Some(to.user_id)).await;
        unless_lost(assigned)?;
    }
    Ok(())
}

/// Answers in the customer's language. What comes back is what the network will say about it.
pub async fn answer(app: &App, by: &Actor, desk: &Desk) -> Result<Option<Message>> {
    let answers = desk.answers(app).await?;
    let lines = desk.topic.answers(desk.is_korean());
    let line = lines.get(answers).copied();
    let line = line.unwrap_or_else(|| words::goodbye(desk.is_korean()));
    let tenant = desk.ticket.tenant_id;
    let found = conversations::of_tickets(&app.read(), tenant, &[desk.ticket.id]).await?;
    let newest = found.into_iter().max_by_key(|c| c.last_inbound_at);
    let Some(conversation) = newest else {
        return Ok(None);
    };
    let wanted = SendMessage {
        conversation_id: conversation.id,
        text: line.replace("{name}", &desk.contact.name),
        client_id: format!("demo-{}-{}", desk.ticket.id, desk.ticket.message_head),
        seen: desk.ticket.message_head,
        quoted_id: None,
        uploads: Vec::new(),
        options: Value::Null,
    };
    Ok(match unless_lost(reply::send(app, by, wanted).await)? {
        Some(Sent::Queued(message)) => Some(*message),
        Some(Sent::Newer(_)) | None => None,
    })
}

/// A word among colleagues; sometimes it calls the owner.
pub async fn note(app: &App, stage: &Stage, by: &Actor, dice: Dice, desk: &Desk) -> Result<()> {
    let calls = dice.falls(30, "note calls", &desk.key());
    let mentions = if calls {
        vec![stage.owner.user_id]
    } else {
        Vec::new()
    };
    let text = desk.topic.note(desk.is_korean()).to_owned();
    let client_id = format!("demo-note-{}", desk.ticket.id);
    unless_lost(reply::add_note(app, by, desk.ticket.id, text, client_id, mentions).await)?;
    Ok(())
}

/// What the network will tell about a message of ours, in `state`.
pub async fn receipt(app: &App, message: &Message, state: &str) -> Result<Option<Posting>> {
    let Some(conversation) = message.conversation_id else {
        return Ok(None);
    };
    let (read, tenant) = (app.read(), message.tenant_id);
    let conversation = conversations::get(&read, tenant, conversation).await?;
    let identity = identities::get(&read, tenant, conversation.identity_id).await?;
    let inbox = conversation.inbox_id;
    Ok(network::receipt(
        inbox,
        &identity.handle,
        message,
        state,
        app.now(),
    ))
}
