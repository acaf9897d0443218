//! A tenant with two queues, an agent in each, a boss, and as many cases as a test asks for.

use app::Reader;
use app::reader::TicketPage;
use app::testing::{self, TestApp};
use app::tickets::{TicketFilter, TicketSort};
use chrono::TimeDelta;
use domain::contact::{Contact, Identity};
use domain::conversation::Conversation;
use domain::inbox::{Inbox, InboxState};
use domain::job::Job;
use domain::message::{AuthorKind, Direction, Message, MessageKind, MessageState};
use domain::people::Role;
use domain::permission::Actor;
use domain::queue::{Queue, QueueMember};
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::{
    ContactId, ConversationId, IdentityId, InboxId, MessageId, QueueId, TenantId, TicketId, UserId,
};
use store::queries::{contacts, conversations, identities, inboxes, messages, queues, tickets};
use store::testing::TestDb;
use store::{CountDelta, NewJob, Tx};

pub struct World<'a> {
    pub db: &'a TestDb,
    pub app: TestApp,
    pub tenant: TenantId,
    pub near: QueueId,
    pub far: QueueId,
    pub inbox: Inbox,
    pub boss: Actor,
    /// Serves `near`.
    pub anna: Actor,
    /// Serves `far`.
    pub ben: Actor,
}

impl<'a> World<'a> {
    pub async fn new(db: &'a TestDb) -> World<'a> {
        Self::named(db, "here").await
    }

    /// Another tenant on the same database.
    pub async fn new_beside(db: &'a TestDb) -> World<'a> {
        Self::named(db, "there").await
    }

    async fn named(db: &'a TestDb, name: &str) -> World<'a> {
        let app = testing::app(db).await;
        let tenant = testing::bare_tenant(&app).await;
        let tx = app.begin(tenant, "test.world").await.unwrap();
        let now = tx.now();
        let boss = testing::person(&tx, tenant, "boss", Role::Supervisor).await;
        let anna = testing::person(&tx, tenant, "anna", Role::Agent).await;
        let ben = testing::person(&tx, tenant, "ben", Role::Agent).await;
        let near = queue(&tx, tenant, anna.user_id).await;
        let far = queue(&tx, tenant, ben.user_id).await;
        let inbox = Inbox {
            id: InboxId::new(now),
            tenant_id: tenant,
            channel: "sandbox".into(),
            name: "Shop".into(),
            provider_app_id: None,
            account: "shop".into(),
            address: "@shop".into(),
            queue_id: near,
            settings: serde_json::json!({}),
            state: InboxState::Connected,
            problem: None,
            session_problem: None,
            last_inbound_at: None,
            last_outbound_at: None,
            created_at: now,
            version: 0,
        };
        inboxes::insert(&tx, &inbox, name).await.unwrap();
        app.commit(tx, ()).await.unwrap();
        World {
            db,
            app,
            tenant,
            near,
            far,
            inbox,
            boss,
            anna,
            ben,
        }
    }

    pub fn pass(&self, seconds: i64) {
        self.db.clock.advance(TimeDelta::seconds(seconds));
    }

    pub fn reader(&self, actor: &Actor) -> Reader {
        Reader::new(self.app.app.clone(), actor.clone())
    }

    pub async fn contact(&self, name: &str) -> (Contact, Identity) {
        let tx = self.app.begin(self.tenant, "test.contact").await.unwrap();
        let now = tx.now();
        let contact = Contact {
            id: ContactId::new(now),
            tenant_id: self.tenant,
            name: name.into(),
            locale: None,
            note: String::new(),
            avatar_url: None,
            merged_into: None,
            created_at: now,
            version: 0,
        };
        let identity = Identity {
            id: IdentityId::new(now),
            tenant_id: self.tenant,
            contact_id: contact.id,
            merged_from: None,
            channel: "sandbox".into(),
            scope: String::new(),
            handle: format!("handle-{name}"),
            display: format!("@{name}"),
            avatar_url: None,
            created_at: now,
        };
        contacts::insert(&tx, &contact).await.unwrap();
        identities::insert(&tx, &identity).await.unwrap();
        self.app.commit(tx, (contact, identity)).await.unwrap()
    }

    /// A new open case, a second younger than the one before.
    pub async fn ticket(&self, contact: ContactId, change: impl FnOnce(&mut Ticket)) -> Ticket {
        self.pass(1);
        let mut tx = self.app.begin(self.tenant, "test.ticket").await.unwrap();
        let now = tx.now();
        let mut ticket = Ticket {
            id: TicketId::new(now),
            tenant_id: self.tenant,
            number: tickets::next_number(&tx, self.tenant).await.unwrap(),
            subject: "Where is it?".into(),
            status: TicketStatus::Open,
            priority: Priority::Normal,
            tags: Vec::new(),
            contact_id: contact,
            queue_id: self.near,
            assignee_id: None,
            snoozed_until: None,
            channel: "sandbox".into(),
            message_head: 0,
            last_message_at: now,
            last_message_preview: String::new(),
            last_message_inbound: true,
            waiting_since: None,
            created_at: now,
            updated_at: now,
            closed_at: None,
            version: 0,
        };
        change(&mut ticket);
        tickets::insert(&tx, &ticket).await.unwrap();
        for delta in CountDelta::of_change(None, Some(&ticket)) {
            tx.count(delta);
        }
        tx.enqueue(NewJob::new(
            Job::IndexTicket { ticket: ticket.id },
            format!("index:{}", ticket.id),
        ));
        self.app.commit(tx, ticket).await.unwrap()
    }

    pub async fn conversation(
        &self,
        ticket: &Ticket,
        identity: &Identity,
        thread: &str,
    ) -> Conversation {
        let tx = self
            .app
            .begin(self.tenant, "test.conversation")
            .await
            .unwrap();
        let conversation = Conversation {
            id: ConversationId::new(tx.now()),
            tenant_id: self.tenant,
            inbox_id: self.inbox.id,
            identity_id: identity.id,
            contact_id: identity.contact_id,
            ticket_id: ticket.id,
            thread: thread.into(),
            last_inbound_at: None,
            reply_until: None,
            created_at: tx.now(),
            version: 0,
        };
        conversations::insert(&tx, &conversation).await.unwrap();
        self.app.commit(tx, conversation).await.unwrap()
    }

    /// The customer says something; the words are indexed by the job that is left behind.
    pub async fn says(&self, ticket: TicketId, text: &str) -> Message {
        self.pass(1);
        let mut tx = self.app.begin(self.tenant, "test.says").await.unwrap();
        let now = tx.now();
        let mut ticket = tickets::get(&tx, self.tenant, ticket).await.unwrap();
        let mut message = Message {
            id: MessageId::new(now),
            tenant_id: self.tenant,
            ticket_id: ticket.id,
            conversation_id: None,
            direction: Direction::Inbound,
            kind: MessageKind::Text,
            state: MessageState::Received,
            author: AuthorKind::Contact,
            author_user_id: None,
            author_name: String::new(),
            text: text.into(),
            html: None,
            external_id: None,
            client_id: None,
            quoted_id: None,
            reactions: Vec::new(),
            attachments: Vec::new(),
            problem: None,
            position: 0,
            sent_at: now,
            created_at: now,
            edited_at: None,
            deleted_at: None,
            version: 0,
        };
        messages::insert(
            &tx,
            &mut ticket,
            &mut message,
            None,
            serde_json::Value::Null,
        )
        .await
        .unwrap();
        ticket.last_message_at = now;
        ticket.waiting_since = ticket.waiting_since.or(Some(now));
        let ticket = tickets::update(&tx, ticket).await.unwrap();
        tx.enqueue(NewJob::new(
            Job::IndexTicket { ticket: ticket.id },
            format!("index:{}", ticket.id),
        ));
        self.app.commit(tx, message).await.unwrap()
    }

    /// Does all work that is due.
    pub async fn work(&self) {
        while app::jobs::run_due(&self.app).await.unwrap() > 0 {}
    }

    /// Ids of a whole list, page by page.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: TicketFilter,
        sort: TicketSort,
        first: usize,
    ) -> Vec<TicketId> {
        self.pages(actor, filter, sort, first, None).await
    }

    pub async fn found(&self, actor: &Actor, search: &str) -> Vec<TicketId> {
        self.pages(
            actor,
            TicketFilter::default(),
            TicketSort::Newest,
            10,
            Some(search),
        )
        .await
    }

    async fn pages(
        &self,
        actor: &Actor,
        filter: TicketFilter,
        sort: TicketSort,
        first: usize,
        search: Option<&str>,
    ) -> Vec<TicketId> {
        let reader = self.reader(actor);
        let mut ids = Vec::new();
        let mut after = None;
        loop {
            let page = TicketPage {
                filter: filter.clone(),
                sort,
                search: search.map(str::to_owned),
                first,
                after: after.take(),
                offset: None,
            };
            let list = reader.tickets(page).await.unwrap();
            after = list.rows.last().map(|(cursor, _)| cursor.clone());
            ids.extend(list.rows.into_iter().map(|(_, ticket)| ticket.id));
            if !list.has_next_page {
                return ids;
            }
        }
    }
}

async fn queue(tx: &Tx, tenant: TenantId, member: UserId) -> QueueId {
    let queue = Queue {
        id: QueueId::new(tx.now()),
        tenant_id: tenant,
        name: "Support".into(),
        color: 0,
        offer_ttl_s: 20,
        target_s: 60,
        required_skills: vec![],
        members: vec![QueueMember {
            user_id: member,
            priority: 1,
            delay_s: 0,
        }],
        routing: domain::queue::QueueRouting::default(),
        archived_at: None,
        version: 0,
    };
    queues::insert(tx, &queue).await.unwrap();
    queue.id
}
