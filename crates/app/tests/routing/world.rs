//! A tenant with a queue, a customer and as many agents as a test asks for.

use app::testing::{self, TestApp};
use app::{App, Error, agents, work};
use chrono::TimeDelta;
use domain::agent_state::{AgentState, AgentStatus};
use domain::contact::Contact;
use domain::offer::{Offer, OfferState};
use domain::people::Role;
use domain::permission::Actor;
use domain::queue::{Queue, QueueMember};
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::work_item::WorkItem;
use domain::{ConnectionId, ContactId, QueueId, TenantId, TicketId, UserId};
use std::collections::BTreeMap;
use store::leases::{self, Shard};
use store::queries::{contacts, queues, tickets};
use store::testing::TestDb;
use store::{Tx, routing as stored};

pub struct World<'a> {
    pub db: &'a TestDb,
    pub app: TestApp,
    pub tenant: TenantId,
    pub queue: QueueId,
    pub shard: Shard,
    pub boss: Actor,
    contact: ContactId,
}

pub struct Agent {
    pub actor: Actor,
    pub connection: ConnectionId,
}

pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Conflict { code, .. }) => code,
        Err(Error::Forbidden) => "FORBIDDEN",
        Err(Error::NotFound { .. }) => "NOT_FOUND",
        Err(Error::Invalid { .. }) => "INVALID",
        other => panic!("expected a refusal, got {other:?}"),
    }
}

impl<'a> World<'a> {
    pub async fn new(db: &'a TestDb) -> World<'a> {
        let app = testing::app(db).await;
        let tenant = testing::bare_tenant(&app).await;
        let mut tx = app.store.begin_global("test.world").await.unwrap();
        let now = tx.now();
        let node = app.config.node;
        leases::join(&mut tx, node, "router", now + TimeDelta::days(1))
            .await
            .unwrap();
        let shards = leases::take_shards(&tx, node, 64).await.unwrap();
        let shard = shards
            .into_iter()
            .find(|s| s.shard == leases::shard_of(tenant))
            .unwrap();
        app.commit(tx, ()).await.unwrap();
        let mut tx = app.begin(tenant, "test.world").await.unwrap();
        let queue = Queue {
            id: QueueId::new(now),
            tenant_id: tenant,
            name: "General".into(),
            color: 0,
            offer_ttl_s: 20,
            target_s: 300,
            required_skills: Vec::new(),
            members: Vec::new(),
            routing: domain::queue::QueueRouting::default(),
            archived_at: None,
            version: 0,
        };
        queues::insert(&tx, &queue).await.unwrap();
        let contact = Contact {
            id: ContactId::new(now),
            tenant_id: tenant,
            name: "Ada".into(),
            locale: None,
            note: String::new(),
            avatar_url: None,
            merged_into: None,
            created_at: now,
            version: 0,
        };
        contacts::insert(&tx, &contact).await.unwrap();
        let boss = person(&mut tx, tenant, "boss", Role::Owner).await;
        app.commit(tx, ()).await.unwrap();
        World {
            db,
            app,
            tenant,
            queue: queue.id,
            shard,
            boss,
            contact: contact.id,
        }
    }

    pub fn pass(&self, seconds: i64) {
        self.db.clock.advance(TimeDelta::seconds(seconds));
    }

    /// A member of the queue, available, connected. Who is made first is idle longest.
    pub async fn agent(&self, name: &str) -> Agent {
        let mut tx = self.app.begin(self.tenant, "test.agent").await.unwrap();
        let actor = person(&mut tx, self.tenant, name, Role::Agent).await;
        self.app.commit(tx, ()).await.unwrap();
        self.serve(&actor, self.queue).await;
        let connection = agents::connected(&self.app, &actor).await.unwrap();
        self.status(&actor, AgentStatus::Available).await;
        self.pass(1);
        Agent { actor, connection }
    }

    pub async fn serve(&self, actor: &Actor, queue: QueueId) {
        let mut queue = queues::get(&self.app.read(), self.tenant, queue)
            .await
            .unwrap();
        queue.members.push(QueueMember {
            user_id: actor.user_id,
            priority: 1,
            delay_s: 0,
        });
        let input = app::queues::SaveQueue {
            id: Some(queue.id),
            name: queue.name,
            members: Some(queue.members),
            ..Default::default()
        };
        app::queues::save(&self.app, &self.boss, input)
            .await
            .unwrap();
    }

    pub async fn status(&self, actor: &Actor, status: AgentStatus) {
        agents::set_state(&self.app, actor, None, status, None)
            .await
            .unwrap();
    }

    pub async fn capacity(&self, agent: &Agent, slots: i64) {
        let capacity = BTreeMap::from([("*".to_owned(), slots)]);
        agents::set_capacity(&self.app, &self.boss, agent.actor.user_id, capacity)
            .await
            .unwrap();
    }

    /// A customer writes for the first time.
    pub async fn ticket(&self) -> Ticket {
        let mut tx = self.app.begin(self.tenant, "test.ticket").await.unwrap();
        let now = tx.now();
        let ticket = Ticket {
            id: TicketId::new(now),
            tenant_id: self.tenant,
            number: tickets::next_number(&tx, self.tenant).await.unwrap(),
            subject: "Where is it?".into(),
            status: TicketStatus::Open,
            priority: Priority::Normal,
            tags: Vec::new(),
            contact_id: self.contact,
            queue_id: self.queue,
            assignee_id: None,
            snoozed_until: None,
            channel: "sandbox".into(),
            message_head: 0,
            last_message_at: now,
            last_message_preview: String::new(),
            last_message_inbound: true,
            waiting_since: Some(now),
            created_at: now,
            updated_at: now,
            closed_at: None,
            version: 0,
        };
        tickets::insert(&tx, &ticket).await.unwrap();
        let ticket = work::customer_wrote(&mut tx, ticket.clone(), ticket)
            .await
            .unwrap();
        self.app.commit(tx, ticket).await.unwrap()
    }

    pub async fn customer_writes_again(&self, ticket: TicketId) -> Ticket {
        let mut tx = self.app.begin(self.tenant, "test.write").await.unwrap();
        let before = tickets::lock(&tx, self.tenant, ticket).await.unwrap();
        let mut after = before.clone();
        after.status = after.status.customer_wrote();
        let ticket = work::customer_wrote(&mut tx, before, after).await.unwrap();
        self.app.commit(tx, ticket).await.unwrap()
    }

    pub async fn close(&self, ticket: TicketId) {
        let mut tx = self.app.begin(self.tenant, "test.close").await.unwrap();
        let mut ticket = tickets::lock(&tx, self.tenant, ticket).await.unwrap();
        let reason = domain::work_item::CompletedReason::Closed;
        work::left_work(&mut tx, &ticket, reason).await.unwrap();
        ticket.status = TicketStatus::Closed;
        tickets::update(&tx, ticket).await.unwrap();
        self.app.commit(tx, ()).await.unwrap();
    }

    pub fn router(&self) -> app::router::Router {
        app::router::Router::new(self.tenant, self.shard)
    }

    /// What a router that starts now would do.
    pub async fn route(&self) {
        self.router().step(&self.app).await.unwrap();
    }

    pub async fn item(&self, ticket: TicketId) -> WorkItem {
        stored::live_work_item_of_ticket(&self.app.read(), self.tenant, ticket)
            .await
            .unwrap()
            .expect("the ticket has live work")
    }

    pub async fn stored_ticket(&self, ticket: TicketId) -> Ticket {
        tickets::get(&self.app.read(), self.tenant, ticket)
            .await
            .unwrap()
    }

    pub async fn state(&self, agent: &Agent) -> AgentState {
        stored::agent_state(&self.app.read(), self.tenant, agent.actor.user_id)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn offer_to(&self, agent: &Agent) -> Option<Offer> {
        let read = self.app.read();
        let open = stored::open_offers_to(&read, self.tenant, agent.actor.user_id).await;
        open.unwrap().into_iter().next()
    }

    pub async fn end_of(&self, offer: &Offer) -> (OfferState, Option<String>) {
        let offer = stored::offer(&self.app.read(), self.tenant, offer.id)
            .await
            .unwrap();
        (offer.state(), offer.end_reason().map(ToOwned::to_owned))
    }

    /// Load is exactly what is in her hands, and assignees are exactly who works.
    pub async fn recount(&self) {
        let read = self.app.read();
        for state in stored::agent_states(&read, self.tenant).await.unwrap() {
            let held = stored::held_by(&read, self.tenant, state.user_id)
                .await
                .unwrap();
            let sum: i64 = held.iter().map(|item| item.weight).sum();
            assert_eq!(state.load, sum, "the load of {} drifted", state.user_id);
        }
        for item in stored::live_work_items(&read, self.tenant).await.unwrap() {
            let ticket = self.stored_ticket(item.ticket_id).await;
            let worker = item.agent_id().filter(|_| item.state().is_assigned());
            assert_eq!(ticket.assignee_id, worker, "ticket {}", ticket.number);
            assert_eq!(ticket.queue_id, item.queue_id, "ticket {}", ticket.number);
            let offer = stored::open_offer_of(&read, self.tenant, item.id)
                .await
                .unwrap();
            assert_eq!(offer.map(|o| o.id), item.offer_id());
        }
    }
}

impl Agent {
    pub fn id(&self) -> UserId {
        self.actor.user_id
    }
}

async fn person(tx: &mut Tx, tenant: TenantId, name: &str, role: Role) -> Actor {
    let actor = testing::person(tx, tenant, name, role).await;
    let state = AgentState::offline(actor.user_id, tenant, tx.now());
    stored::put_agent_state(tx, state).await.unwrap();
    actor
}

/// For tasks that outlive the borrow of the world.
pub fn handle(world: &World<'_>) -> App {
    App::clone(&world.app)
}
