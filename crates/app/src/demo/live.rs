//! The present of the demo: customers keep writing, colleagues answer some of it, the network
//! tells what became of our messages.
//!
//! One loop looks at the rows every half second and plays what is due; it remembers only what is
//! on its way. It slows down when nobody but the players is there, and customers wait while the
//! shop has enough to do, so a demo that is forgotten does not fill its disk.

use super::cast::{self, Stage};
use super::desk::{self, Desk, unless_lost};
use super::dice::Dice;
use super::network::{self, Posting, Story};
use super::words;
use crate::{App, Error, Result, agents, offers, tickets};
use chrono::TimeDelta;
use domain::agent_state::{AgentStatus, NOT_RESPONDING};
use domain::image::Image;
use domain::message::{AuthorKind, Direction, Message, MessageKind, MessageState};
use domain::offer::Offer;
use domain::permission::Actor;
use domain::ticket::{Ticket, TicketStatus};
use domain::work_item::WorkItemState;
use domain::{Time, UserId};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use store::queries::{contacts, conversations, identities, tickets as ticket_rows};
use store::{events, leases, routing as stored};
use tokio_util::sync::CancellationToken;

const BEAT: Duration = Duration::from_millis(500);
/// Customers write nothing new while this many tickets are open.
const OPEN_MAX: usize = 400;
/// How much slower everything is when nobody looks.
const SLOWER: i32 = 8;
const EVENTS_PAGE: u64 = 200;
/// What is on its way at most; more than this is forgotten, as a network would.
const ON_THE_WAY_MAX: usize = 500;

/// Plays until `stop`. `keep` stores how far the story is, so that the next start goes on there.
pub async fn live<K>(app: App, story: Story, keep: K, stop: CancellationToken) -> Result<()>
where
    K: Fn(&Story) -> std::io::Result<()> + Send,
{
    let stage = Stage::find(&app).await?;
    let stage = stage.ok_or_else(|| Error::internal("the demo's shop is not in this database"))?;
    cast::sit_down(&app, &stage).await?;
    let head = events::head(&app.read(), stage.tenant).await?;
    let now = app.now();
    let mut live = Live {
        dice: Dice::new(story.seed),
        seen: head.seq,
        on_the_way: Vec::new(),
        customers_at: now,
        front_at: now,
        moves_at: BTreeMap::new(),
        app,
        stage,
        story,
        keep,
    };
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = beat.tick() => {}
        }
        if let Err(error) = live.play().await {
            tracing::warn!(error = %error, "the demo stumbled and goes on");
        }
    }
}

struct Live<K> {
    app: App,
    stage: Stage,
    dice: Dice,
    story: Story,
    keep: K,
    /// Place in the tenant's log.
    seen: i64,
    on_the_way: Vec<(Time, Posting)>,
    customers_at: Time,
    front_at: Time,
    moves_at: BTreeMap<UserId, Time>,
}

impl<K> Live<K>
where
    K: Fn(&Story) -> std::io::Result<()> + Send,
{
    async fn play(&mut self) -> Result<()> {
        let pace = if self.is_watched().await? { 1 } else { SLOWER };
        self.follow().await?;
        self.arrive().await?;
        self.customers(pace).await?;
        self.front_desk(pace).await?;
        for colleague in self.stage.colleagues.clone() {
            self.colleague(&colleague, pace).await?;
        }
        Ok(())
    }

    /// Whether somebody real has a browser open.
    async fn is_watched(&self) -> Result<bool> {
        let now = self.app.now();
        let seen = leases::presences(&self.app.read(), self.stage.tenant, now).await?;
        Ok(seen
            .iter()
            .any(|p| p.connected && !self.stage.plays(p.user_id)))
    }

    /// The network learns what we sent.
    async fn follow(&mut self) -> Result<()> {
        loop {
            let read = self.app.read();
            let page = events::after(&read, self.stage.tenant, self.seen, EVENTS_PAGE).await?;
            let is_last = (page.len() as u64) < EVENTS_PAGE;
            for event in page {
                self.seen = event.seq;
                if let Image::Message(message) = event.image {
                    self.heard(&message).await?;
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn heard(&mut self, message: &Message) -> Result<()> {
        let is_ours = message.direction == Direction::Outbound
            && message.kind == MessageKind::Text
            && message.author == AuthorKind::User;
        if !is_ours || self.on_the_way.len() >= ON_THE_WAY_MAX {
            return Ok(());
        }
        let id = message.id.to_string();
        let in_seconds = |seconds| self.app.now() + TimeDelta::seconds(seconds);
        match message.state {
            MessageState::Sent => {
                let reads = in_seconds(self.dice.between(3, 8, "reads", &id));
                let told = desk::receipt(&self.app, message, "delivered").await?;
                let read = desk::receipt(&self.app, message, "read").await?;
                self.on_the_way.extend(told.map(|p| (in_seconds(1), p)));
                self.on_the_way.extend(read.map(|p| (reads, p)));
            }
            MessageState::Read => {
                let is_guest = message.author_user_id.is_some_and(|u| !self.stage.plays(u));
                let chance = if is_guest { 80 } else { 30 };
                if self.dice.falls(chance, "writes back", &id) {
                    let at = in_seconds(self.dice.between(4, 11, "writes", &id));
                    let reply = self.reply_to(message).await?;
                    self.on_the_way.extend(reply.map(|p| (at, p)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What the customer says to our answer.
    async fn reply_to(&self, message: &Message) -> Result<Option<Posting>> {
        let Some(conversation) = message.conversation_id else {
            return Ok(None);
        };
        let (read, tenant) = (self.app.read(), self.stage.tenant);
        let conversation = conversations::get(&read, tenant, conversation).await?;
        let identity = identities::get(&read, tenant, conversation.identity_id).await?;
        let contact = contacts::get(&read, tenant, conversation.contact_id).await?;
        let id = message.id.to_string();
        let words = words::thanks(contact.locale.as_deref() == Some("ko"));
        let Some(text) = self.dice.pick(words, "thanks", &id) else {
            return Ok(None);
        };
        let event = json!({
            "id": format!("back-{id}"),
            "type": "message",
            "from": {
                "id": identity.handle, "handle": identity.display,
                "name": contact.name, "locale": contact.locale,
            },
            "message_id": format!("back-{id}"),
            "text": text,
        });
        Ok(Some(Posting {
            inbox: conversation.inbox_id,
            event,
        }))
    }

    async fn arrive(&mut self) -> Result<()> {
        let now = self.app.now();
        let due = self.on_the_way.extract_if(.., |(at, _)| *at <= now);
        let due: Vec<Posting> = due.map(|(_, posting)| posting).collect();
        network::post(&self.app, &self.stage, due).await
    }

    async fn customers(&mut self, pace: i32) -> Result<()> {
        let now = self.app.now();
        if now < self.customers_at {
            return Ok(());
        }
        let told = self.story.told.to_string();
        let pause = self.dice.between(2, 8, "next customer", &told);
        self.customers_at = now + TimeDelta::seconds(pause) * pace;
        let open = stored::live_work_items(&self.app.read(), self.stage.tenant).await?;
        if open.len() >= OPEN_MAX {
            return Ok(());
        }
        let next = self.story.next(&self.stage, now);
        network::post(&self.app, &self.stage, next.into_iter().collect()).await?;
        (self.keep)(&self.story).map_err(|error| Error::unavailable(error.to_string()))
    }

    /// Sorts what waits in the wrong line and is offered to nobody.
    async fn front_desk(&mut self, pace: i32) -> Result<()> {
        let now = self.app.now();
        if now < self.front_at {
            return Ok(());
        }
        self.front_at = now + TimeDelta::seconds(4) * pace;
        let waiting = stored::live_work_items(&self.app.read(), self.stage.tenant).await?;
        for item in waiting {
            if item.state() != WorkItemState::Queued {
                continue;
            }
            let desk = Desk::read(&self.app, &self.stage, item.ticket_id).await?;
            let right = self.stage.queue_of(desk.topic).map(|queue| queue.id);
            if right.is_some_and(|queue| queue != desk.ticket.queue_id) {
                return desk::sort(&self.app, &self.stage, self.dice, &desk).await;
            }
        }
        Ok(())
    }

    async fn colleague(&mut self, by: &Actor, pace: i32) -> Result<()> {
        let now = self.app.now();
        let read = self.app.read();
        if let Some(offer) = stored::open_offers_to(&read, self.stage.tenant, by.user_id)
            .await?
            .into_iter()
            .next()
        {
            return self.consider(by, &offer).await;
        }
        if self.moves_at.get(&by.user_id).is_some_and(|at| now < *at) {
            return Ok(());
        }
        let whom = format!("{}{}", by.user_id, now.timestamp());
        let pause = TimeDelta::seconds(self.dice.between(8, 20, "next move", &whom)) * pace;
        self.moves_at.insert(by.user_id, now + pause);
        self.come_back(by).await?;
        self.work(by).await
    }

    /// After a while of looking at it: yes, sometimes no, and now and then she does not notice.
    async fn consider(&self, by: &Actor, offer: &Offer) -> Result<()> {
        let id = offer.id.to_string();
        let looks = TimeDelta::seconds(self.dice.between(2, 9, "looks", &id));
        if self.app.now() < offer.created_at + looks {
            return Ok(());
        }
        match self.dice.bits("decides", &id) % 100 {
            0..84 => {
                unless_lost(offers::accept(&self.app, by, offer.id).await)?;
            }
            84..96 => {
                unless_lost(offers::decline(&self.app, by, offer.id, Some("busy")).await)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whoever missed an offer notices it later.
    async fn come_back(&self, by: &Actor) -> Result<()> {
        let state = stored::agent_state(&self.app.read(), self.stage.tenant, by.user_id).await?;
        if state.is_some_and(|s| s.reason.as_deref() == Some(NOT_RESPONDING)) {
            agents::set_state(&self.app, by, None, AgentStatus::Available, None).await?;
        }
        Ok(())
    }

    /// One deed: the customer who waits longest is answered, else something settled is put away.
    async fn work(&self, by: &Actor) -> Result<()> {
        let read = self.app.read();
        let held = stored::held_by(&read, self.stage.tenant, by.user_id).await?;
        let assigned = held.iter().filter(|item| item.state().is_assigned());
        let ids: Vec<_> = assigned.map(|item| item.ticket_id).collect();
        let mut mine = ticket_rows::by_ids(&read, self.stage.tenant, &ids).await?;
        mine.sort_by_key(|ticket| (ticket.waiting_since.is_none(), ticket.waiting_since));
        let now = self.app.now();
        if let Some(waiting) = mine.first().filter(|t| t.waiting_since.is_some()) {
            let desk = Desk::read(&self.app, &self.stage, waiting.id).await?;
            desk::answer(&self.app, by, &desk).await?;
            return Ok(());
        }
        let settled = |ticket: &&Ticket| now - ticket.last_message_at > TimeDelta::seconds(40);
        let Some(ticket) = mine.iter().find(settled) else {
            return Ok(());
        };
        let status = match self.dice.bits("put away", &ticket.id.to_string()) % 100 {
            0..20 => TicketStatus::Pending,
            _ => TicketStatus::Closed,
        };
        unless_lost(tickets::set_status(&self.app, by, ticket.id, status, None).await)?;
        Ok(())
    }
}
