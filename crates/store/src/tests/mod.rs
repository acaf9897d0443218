//! Promises of the store, each kept on both databases, with what the tests share.

mod accept;
mod full;
mod jobs;
mod leases;
mod messages;
mod routing;
mod sqlite;
mod tagged_lists;
mod ticket_lists;
mod tx;

use crate::db::Sealed;
use crate::{Store, StoreError, Tx, queries};
use domain::TenantId;
use domain::contact::{Contact, Identity};
use domain::inbox::{Inbox, InboxState};
use domain::people::Tenant;
use domain::queue::Queue;
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::{ContactId, IdentityId, InboxId, QueueId, TicketId};
use sea_orm::Statement;

async fn run(tx: &Tx, sql: &str, values: Vec<sea_orm::Value>) -> Result<(), StoreError> {
    let backend = tx.conn().backend();
    let statement = Statement::from_sql_and_values(backend, sql, values);
    tx.conn().execute(statement).await?;
    Ok(())
}

async fn count(store: &Store, sql: &str) -> i64 {
    let read = store.read();
    let backend = read.conn().backend();
    let rows = read
        .conn()
        .query(Statement::from_string(backend, sql))
        .await
        .expect("counts");
    rows[0].first().expect("a number")
}

async fn tenant(store: &Store) -> TenantId {
    let tx = store.begin_global("test.tenant").await.expect("begins");
    let tenant = Tenant {
        id: TenantId::new(tx.now()),
        name: "Test".into(),
        time_zone: "UTC".into(),
        locale: "en".into(),
        created_at: tx.now(),
    };
    queries::tenants::insert(&tx, &tenant, &[0])
        .await
        .expect("inserts");
    tx.commit(tenant.id).await.expect("commits").value
}

/// A tenant with a queue, an inbox and a person who writes.
struct World {
    tenant: TenantId,
    queue: Queue,
    inbox: Inbox,
    identity: Identity,
}

async fn world(store: &Store) -> World {
    let tenant = tenant(store).await;
    let tx = store.begin(tenant, "test.world").await.expect("begins");
    let now = tx.now();
    let queue = Queue {
        id: QueueId::new(now),
        tenant_id: tenant,
        name: "Support".into(),
        color: 3,
        offer_ttl_s: 20,
        target_s: 60,
        required_skills: vec![],
        members: vec![],
        routing: domain::queue::QueueRouting::default(),
        archived_at: None,
        version: 0,
    };
    let inbox = Inbox {
        id: InboxId::new(now),
        tenant_id: tenant,
        channel: "sandbox".into(),
        name: "Shop".into(),
        provider_app_id: None,
        account: "shop".into(),
        address: "@shop".into(),
        queue_id: queue.id,
        settings: serde_json::json!({"greeting": "hi"}),
        state: InboxState::Connected,
        problem: None,
        session_problem: None,
        last_inbound_at: None,
        last_outbound_at: None,
        created_at: now,
        version: 0,
    };
    let contact = Contact {
        id: ContactId::new(now),
        tenant_id: tenant,
        name: "Alice".into(),
        locale: None,
        note: String::new(),
        avatar_url: None,
        merged_into: None,
        created_at: now,
        version: 0,
    };
    let identity = Identity {
        id: IdentityId::new(now),
        tenant_id: tenant,
        contact_id: contact.id,
        merged_from: None,
        channel: "sandbox".into(),
        scope: String::new(),
        handle: "alice".into(),
        display: "@alice".into(),
        avatar_url: None,
        created_at: now,
    };
    queries::queues::insert(&tx, &queue).await.expect("queue");
    queries::inboxes::insert(&tx, &inbox, "key")
        .await
        .expect("inbox");
    queries::contacts::insert(&tx, &contact)
        .await
        .expect("contact");
    queries::identities::insert(&tx, &identity)
        .await
        .expect("identity");
    tx.commit(()).await.expect("commits");
    World {
        tenant,
        queue,
        inbox,
        identity,
    }
}

async fn new_ticket(tx: &Tx, world: &World) -> Ticket {
    let now = tx.now();
    let number = queries::tickets::next_number(tx, world.tenant)
        .await
        .expect("number");
    let ticket = Ticket {
        id: TicketId::new(now),
        tenant_id: world.tenant,
        number,
        subject: "Where is it?".into(),
        status: TicketStatus::Open,
        priority: Priority::High,
        tags: vec!["late".into()],
        contact_id: world.identity.contact_id,
        queue_id: world.queue.id,
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
    queries::tickets::insert(tx, &ticket).await.expect("ticket");
    ticket
}
