//! A shop with an owner, one account on the sandbox network and the customers who write to it.

use crate::peer::Peer;
use app::auth::SignedIn;
use app::inbound::store_parts;
use app::inboxes::{self, Connecting, NewInbox};
use app::reply::{self, SendMessage, Sent};
use app::testing::{self, TestApp};
use app::{App, Error, Reader};
use chrono::TimeDelta;
use domain::inbox::Inbox;
use domain::job::JobState;
use domain::message::{Direction, Message};
use domain::permission::Actor;
use domain::ticket::Ticket;
use serde_json::{Value, json};
use store::jobs::{self, StoredJob};
use store::testing::TestDb;

pub const SECRET: &str = "whsec_bW9hLXNpZ25pbmctc2VjcmV0LTEyMzQ1Njc4";

pub struct World<'a> {
    pub db: &'a TestDb,
    pub app: TestApp,
    pub owner: SignedIn,
    pub inbox: Inbox,
}

pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        Err(Error::Forbidden) => "FORBIDDEN",
        Err(Error::NotFound { .. }) => "NOT_FOUND",
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A customer's words. `id` names the event and the message.
pub fn message(id: &str, from: &str, text: &str) -> Value {
    json!({ "id": id, "type": "message", "message_id": id, "text": text, "from": person(from) })
}

/// Our own words, told by the network; `from` is whom they were said to.
pub fn echo(id: &str, to: &str, text: &str) -> Value {
    json!({ "id": format!("echo {id}"), "type": "message", "message_id": id, "text": text,
        "from": person(to), "echo": true })
}

/// Something that happened to a message.
pub fn about(kind: &str, message: &str, by: &str, more: Value) -> Value {
    let mut event = json!({ "id": format!("{kind} {message} {more}"), "type": kind,
        "message_id": message, "from": person(by) });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

pub fn person(id: &str) -> Value {
    json!({ "id": id, "handle": format!("@{id}"), "name": id })
}

impl<'a> World<'a> {
    /// Whose replies go nowhere.
    pub async fn new(db: &'a TestDb) -> World<'a> {
        Self::with(db, json!({ "account": "moa" })).await
    }

    /// Whose replies go to `peer`.
    pub async fn at(db: &'a TestDb, peer: &Peer, send_kind: &str) -> World<'a> {
        let settings = json!({ "account": "moa", "base_url": peer.url(), "send_kind": send_kind });
        Self::with(db, settings).await
    }

    async fn with(db: &'a TestDb, settings: Value) -> World<'a> {
        let app = testing::app(db).await;
        let owner = testing::set_up(&app).await;
        let inbox = connected(&app, &owner.actor, settings).await;
        let world = World {
            db,
            app,
            owner,
            inbox,
        };
        world.work().await;
        world
    }

    pub fn actor(&self) -> &Actor {
        &self.owner.actor
    }

    /// For tasks that outlive the borrow of the world.
    pub fn handle(&self) -> App {
        App::clone(&self.app)
    }

    pub fn pass(&self, seconds: i64) {
        self.db.clock.advance(TimeDelta::seconds(seconds));
    }

    /// Does all work that is due.
    pub async fn work(&self) {
        while app::jobs::run_due(&self.app).await.unwrap() > 0 {}
    }

    /// The network posts these in one request. Nothing is worked off yet.
    pub async fn post(&self, events: &[Value]) {
        post(&self.app, &self.inbox, events).await.unwrap();
    }

    /// The network tells this, and everything that follows is done.
    pub async fn hear(&self, event: Value) {
        self.post(&[event]).await;
        self.work().await;
    }

    pub async fn tickets(&self) -> Vec<Ticket> {
        let reader = Reader::new(self.handle(), self.actor().clone());
        let page = app::reader::TicketPage {
            filter: Default::default(),
            sort: app::tickets::TicketSort::Newest,
            search: None,
            first: 100,
            after: None,
            offset: None,
        };
        let list = reader.tickets(page).await.unwrap();
        list.rows.into_iter().map(|(_, ticket)| ticket).collect()
    }

    /// All messages of the only ticket, in their order.
    pub async fn messages(&self) -> Vec<Message> {
        let tickets = self.tickets().await;
        assert_eq!(tickets.len(), 1, "one case: {tickets:#?}");
        let tenant = self.actor().tenant_id;
        let read = self.app.read();
        store::queries::messages::after(&read, tenant, tickets[0].id, 0, 100)
            .await
            .unwrap()
    }

    /// The only message of one direction.
    pub async fn only(&self, direction: Direction) -> Message {
        let mut found = self.messages().await;
        found.retain(|m| m.direction == direction);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    pub async fn ours(&self) -> Message {
        self.only(Direction::Outbound).await
    }

    /// Answers the newest case.
    pub async fn reply(&self, text: &str) -> Message {
        match self.try_reply(text).await.unwrap() {
            Sent::Queued(message) => *message,
            Sent::Newer(newer) => panic!("these came meanwhile: {newer:?}"),
        }
    }

    pub async fn try_reply(&self, text: &str) -> Result<Sent, Error> {
        let ticket = self.tickets().await.remove(0);
        let conversations = Reader::new(self.handle(), self.actor().clone())
            .conversations_of(&[ticket.id])
            .await?;
        let input = SendMessage {
            conversation_id: conversations[0].id,
            text: text.to_owned(),
            client_id: format!("client {text}").replace(char::is_whitespace, "-"),
            seen: ticket.message_head,
            quoted_id: None,
            uploads: Vec::new(),
            options: Value::Null,
        };
        reply::send(&self.app, self.actor(), input).await
    }

    pub async fn stored_inbox(&self) -> Inbox {
        store::queries::inboxes::get(&self.app.read(), self.inbox.tenant_id, self.inbox.id)
            .await
            .unwrap()
    }

    pub async fn dead(&self) -> Vec<StoredJob> {
        let tenant = self.inbox.tenant_id;
        jobs::list(&self.app.read(), tenant, JobState::Dead, None, 100)
            .await
            .unwrap()
    }
}

pub async fn connected(app: &App, owner: &Actor, settings: Value) -> Inbox {
    let reader = Reader::new(app.clone(), owner.clone());
    let queue = reader.queues().await.unwrap().first().unwrap().id;
    let new = NewInbox {
        channel: "sandbox".into(),
        name: "Moa".into(),
        queue_id: queue,
        provider_app_id: None,
        settings,
        secrets: Some(json!({ "signing_secret": SECRET })),
    };
    match inboxes::connect(app, owner, new).await.unwrap() {
        Connecting::Connected(inbox) => *inbox,
        Connecting::Authorize { url } => panic!("the sandbox has no consent page at {url}"),
    }
}

pub async fn post(app: &App, inbox: &Inbox, events: &[Value]) -> app::Result<usize> {
    let channel = channels::by_kind("sandbox").unwrap();
    let body = json!({ "account": inbox.account, "events": events });
    let raw = channels::RawRequest {
        method: "POST".into(),
        path: String::new(),
        query: String::new(),
        headers: Vec::new(),
        body: serde_json::to_vec(&body).unwrap(),
        received_at: app.now(),
        public_url: String::new(),
    };
    let parts = channel.split(&raw).unwrap();
    store_parts(app, channel, Some(inbox), None, app.now(), parts).await
}
