//! The rows that routing reads, and the only writers of them.
//!
//! Invariants:
//! - Each put bumps `version` where the version that was read still holds, and emits the new
//!   image in the same transaction. Version 0 means "not stored yet": the put inserts it as 1.
//! - `load` of an agent is what `routing::claim` and `routing::release` computed; whoever puts an
//!   item into or out of an agent's hands puts her state in the same transaction.
//! - An event of a moved item carries the keys of those who lose it, too.

mod agents;
mod policies;

pub use agents::{agent_state, agent_states, lock_agent_state, put_agent_state};
pub use policies::{policy, put_policy, put_turn};

use crate::db::Db;
use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::{from_json, offers, to_json, word, work_items};
use crate::tx::Tx;
use crate::{StoreError, events, leases, queries};
use domain::event::{Cursor, NewEvent, ScopeKey};
use domain::image::Image;
use domain::offer::{NewOffer, Offer};
use domain::people::Role;
use domain::work_item::{Preferred, WorkItem, WorkItemRow};
use domain::{OfferId, QueueId, TenantId, TicketId, Time, UserId, WorkItemId};
use routing::{SeenPresence, Snapshot};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// An item is live until it is completed or abandoned; literal, for the partial indexes.
const LIVE: &str = "state NOT IN ('completed', 'abandoned')";
const OPEN: &str = "state = 'offered'";

/// Everything routing needs to know of a tenant, and the place in the log from which images
/// follow. The place is read first: an image that is told twice is ignored by its version.
pub async fn snapshot(
    db: &impl Db,
    tenant: TenantId,
    now: Time,
) -> Result<(Snapshot, Cursor), StoreError> {
    let head = events::head(db, tenant).await?;
    let work_items = live_work_items(db, tenant).await?;
    let snapshot = rest(db, tenant, work_items, head.seq, now).await?;
    Ok((snapshot, head))
}

/// The same for questions about single items: of the work only what is in somebody's hands.
pub async fn staff(db: &impl Db, tenant: TenantId, now: Time) -> Result<Snapshot, StoreError> {
    let work_items = items_in_hands(db, tenant).await?;
    rest(db, tenant, work_items, 0, now).await
}

async fn rest(
    db: &impl Db,
    tenant: TenantId,
    work_items: Vec<WorkItem>,
    seen_at: i64,
    now: Time,
) -> Result<Snapshot, StoreError> {
    let presences = leases::presences(db, tenant, now).await?;
    Ok(Snapshot {
        work_items,
        offers: open_offers(db, tenant).await?,
        agents: agent_states(db, tenant).await?,
        queues: queries::queues::all(db, tenant).await?,
        presences: presences
            .into_iter()
            .map(|presence| SeenPresence {
                presence,
                version: seen_at,
            })
            .collect(),
        policy: policies::policy(db, tenant).await?,
        turns: policies::turns(db, tenant).await?,
    })
}

// -- work items ------------------------------------------------------------------------------

fn read_item(row: work_items::Model) -> Result<WorkItem, StoreError> {
    let mut item = WorkItem::queued(
        row.tenant_id.into(),
        row.ticket_id.into(),
        row.queue_id.into(),
        row.channel,
        i32::try_from(row.priority).map_err(StoreError::corrupt)?,
        row.created_at,
    );
    item.id = row.id.into();
    item.weight = row.weight;
    item.eligible_since = row.eligible_since;
    item.queue_since = row.queue_since;
    item.preferred = row
        .preferred_id
        .zip(row.preferred_until)
        .map(|(user, until)| Preferred {
            user_id: user.into(),
            until,
        });
    item.exclusions = from_json(row.exclusions)?;
    item.offer_count = row.offer_count;
    item.version = row.version;
    Ok(item.with_row(WorkItemRow {
        state: word(&row.state)?,
        agent_id: row.agent_id.map(Into::into),
        offer_id: row.offer_id.map(Into::into),
        completed_reason: row.completed_reason.as_deref().map(word).transpose()?,
    }))
}

fn item_row(item: &WorkItem) -> Result<work_items::Model, StoreError> {
    let hidden = item.row();
    Ok(work_items::Model {
        id: item.id.uuid(),
        tenant_id: item.tenant_id.uuid(),
        ticket_id: item.ticket_id.uuid(),
        queue_id: item.queue_id.uuid(),
        channel: item.channel.clone(),
        weight: item.weight,
        priority: item.priority.into(),
        state: hidden.state.as_str().to_owned(),
        agent_id: hidden.agent_id.map(Into::into),
        offer_id: hidden.offer_id.map(Into::into),
        completed_reason: hidden.completed_reason.map(|r| r.as_str().to_owned()),
        eligible_since: item.eligible_since,
        queue_since: item.queue_since,
        preferred_id: item.preferred.map(|p| p.user_id.uuid()),
        preferred_until: item.preferred.map(|p| p.until),
        exclusions: to_json(&item.exclusions)?,
        offer_count: item.offer_count,
        created_at: item.created_at,
        version: item.version,
    })
}

/// Stores the item if its version is still the one that was read, and tells those who have it now
/// or had it before. A second live item of one ticket is a `Conflict`.
pub async fn put_work_item(tx: &mut Tx, mut item: WorkItem) -> Result<WorkItem, StoreError> {
    let version = item.version;
    item.version += 1;
    let row = item_row(&item)?;
    let mut scope = item_scope(&item);
    if version == 0 {
        row::insert(tx, row).await?;
    } else {
        let before = work_item(tx, item.tenant_id, item.id).await?;
        scope.extend(item_scope(&before));
        let seen = Condition::all()
            .add(work_items::Column::Id.eq(row.id))
            .add(work_items::Column::TenantId.eq(row.tenant_id))
            .add(work_items::Column::Version.eq(version));
        row::replace(tx, row, seen, "work item").await?;
    }
    scope.sort_unstable();
    scope.dedup();
    tell(
        tx,
        item.tenant_id,
        scope,
        Image::WorkItem(Box::new(item.clone())),
    );
    Ok(item)
}

fn item_scope(item: &WorkItem) -> Vec<ScopeKey> {
    let mut scope = vec![
        ScopeKey::Role(Role::Supervisor),
        ScopeKey::Queue(item.queue_id),
    ];
    scope.extend(item.agent_id().map(ScopeKey::User));
    scope
}

pub async fn work_item(
    db: &impl Db,
    tenant: TenantId,
    id: WorkItemId,
) -> Result<WorkItem, StoreError> {
    let row = work_items::Entity::find_by_id(id.uuid())
        .filter(work_items::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read_item)
        .transpose()?
        .ok_or(StoreError::not_found("work item"))
}

/// The one live item of a ticket.
pub async fn live_work_item_of_ticket(
    db: &impl Db,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Option<WorkItem>, StoreError> {
    let row = work_items::Entity::find()
        .filter(work_items::Column::TenantId.eq(tenant.uuid()))
        .filter(work_items::Column::TicketId.eq(ticket.uuid()))
        .filter(Expr::cust(LIVE))
        .fetch_one(db.conn())
        .await?;
    row.map(read_item).transpose()
}

/// The live items of the given tickets, for batched edges.
pub async fn live_work_items_of(
    db: &impl Db,
    tenant: TenantId,
    tickets: &[TicketId],
) -> Result<Vec<WorkItem>, StoreError> {
    let rows = work_items::Entity::find()
        .filter(work_items::Column::TenantId.eq(tenant.uuid()))
        .filter(work_items::Column::TicketId.is_in(tickets.iter().map(|id| id.uuid())))
        .filter(Expr::cust(LIVE))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_item).collect()
}

/// Whether anybody works or waits in a queue.
pub async fn queue_has_work(
    db: &impl Db,
    tenant: TenantId,
    queue: QueueId,
) -> Result<bool, StoreError> {
    let row = work_items::Entity::find()
        .filter(work_items::Column::TenantId.eq(tenant.uuid()))
        .filter(work_items::Column::QueueId.eq(queue.uuid()))
        .filter(Expr::cust(LIVE))
        .fetch_one(db.conn())
        .await?;
    Ok(row.is_some())
}

/// What is in an agent's hands: offered to her or assigned, oldest first.
pub async fn held_by(
    db: &impl Db,
    tenant: TenantId,
    agent: UserId,
) -> Result<Vec<WorkItem>, StoreError> {
    let rows = work_items::Entity::find()
        .filter(work_items::Column::TenantId.eq(tenant.uuid()))
        .filter(work_items::Column::AgentId.eq(agent.uuid()))
        .filter(Expr::cust(LIVE))
        .order_by_asc(work_items::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_item).collect()
}

/// What is in any agent's hands.
pub async fn items_in_hands(db: &impl Db, tenant: TenantId) -> Result<Vec<WorkItem>, StoreError> {
    let rows = work_items::Entity::find()
        .filter(work_items::Column::TenantId.eq(tenant.uuid()))
        .filter(work_items::Column::AgentId.is_not_null())
        .filter(Expr::cust(LIVE))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_item).collect()
}

pub async fn live_work_items(db: &impl Db, tenant: TenantId) -> Result<Vec<WorkItem>, StoreError> {
    let rows = work_items::Entity::find()
        .filter(work_items::Column::TenantId.eq(tenant.uuid()))
        .filter(Expr::cust(LIVE))
        .order_by_asc(work_items::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_item).collect()
}

// -- offers ----------------------------------------------------------------------------------

fn read_offer(row: offers::Model) -> Result<Offer, StoreError> {
    let new = NewOffer {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        work_item_id: row.work_item_id.into(),
        ticket_id: row.ticket_id.into(),
        queue_id: row.queue_id.into(),
        user_id: row.user_id.into(),
        reason: row.reason,
        expires_at: row.expires_at,
    };
    let mut offer = Offer::open(new, row.created_at).with_row(word(&row.state)?, row.end_reason);
    offer.ended_at = row.ended_at;
    offer.version = row.version;
    Ok(offer)
}

fn offer_row(offer: &Offer) -> offers::Model {
    offers::Model {
        id: offer.id.uuid(),
        tenant_id: offer.tenant_id.uuid(),
        work_item_id: offer.work_item_id.uuid(),
        ticket_id: offer.ticket_id.uuid(),
        queue_id: offer.queue_id.uuid(),
        user_id: offer.user_id.uuid(),
        state: offer.state().as_str().to_owned(),
        end_reason: offer.end_reason().map(ToOwned::to_owned),
        reason: offer.reason.clone(),
        created_at: offer.created_at,
        expires_at: offer.expires_at,
        ended_at: offer.ended_at,
        version: offer.version,
    }
}

/// Stores the offer if its version is still the one that was read. A second open offer of one
/// item is a `Conflict`, so end the old one first.
pub async fn put_offer(tx: &mut Tx, mut offer: Offer) -> Result<Offer, StoreError> {
    let version = offer.version;
    offer.version += 1;
    let row = offer_row(&offer);
    if version == 0 {
        row::insert(tx, row).await?;
    } else {
        let seen = Condition::all()
            .add(offers::Column::Id.eq(row.id))
            .add(offers::Column::TenantId.eq(row.tenant_id))
            .add(offers::Column::Version.eq(version));
        row::replace(tx, row, seen, "offer").await?;
    }
    let scope = vec![
        ScopeKey::Role(Role::Supervisor),
        ScopeKey::User(offer.user_id),
    ];
    tell(
        tx,
        offer.tenant_id,
        scope,
        Image::Offer(Box::new(offer.clone())),
    );
    Ok(offer)
}

pub async fn offer(db: &impl Db, tenant: TenantId, id: OfferId) -> Result<Offer, StoreError> {
    let row = offers::Entity::find_by_id(id.uuid())
        .filter(offers::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read_offer)
        .transpose()?
        .ok_or(StoreError::not_found("offer"))
}

/// The item's open offer, whoever it asks.
pub async fn open_offer_of(
    db: &impl Db,
    tenant: TenantId,
    item: WorkItemId,
) -> Result<Option<Offer>, StoreError> {
    let row = offers::Entity::find()
        .filter(offers::Column::TenantId.eq(tenant.uuid()))
        .filter(offers::Column::WorkItemId.eq(item.uuid()))
        .filter(Expr::cust(OPEN))
        .fetch_one(db.conn())
        .await?;
    row.map(read_offer).transpose()
}

pub async fn open_offers(db: &impl Db, tenant: TenantId) -> Result<Vec<Offer>, StoreError> {
    let rows = offers::Entity::find()
        .filter(offers::Column::TenantId.eq(tenant.uuid()))
        .filter(Expr::cust(OPEN))
        .order_by_asc(offers::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_offer).collect()
}

/// What an agent is asked now, oldest first.
pub async fn open_offers_to(
    db: &impl Db,
    tenant: TenantId,
    agent: UserId,
) -> Result<Vec<Offer>, StoreError> {
    let rows = offers::Entity::find()
        .filter(offers::Column::TenantId.eq(tenant.uuid()))
        .filter(offers::Column::UserId.eq(agent.uuid()))
        .filter(Expr::cust(OPEN))
        .order_by_asc(offers::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_offer).collect()
}

/// The newest offers of an item with their reasons: "why her?".
pub async fn offers_of(
    db: &impl Db,
    tenant: TenantId,
    item: WorkItemId,
    limit: u64,
) -> Result<Vec<Offer>, StoreError> {
    let rows = offers::Entity::find()
        .filter(offers::Column::TenantId.eq(tenant.uuid()))
        .filter(offers::Column::WorkItemId.eq(item.uuid()))
        .order_by_desc(offers::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read_offer).collect()
}

fn tell(tx: &mut Tx, tenant: TenantId, scope: Vec<ScopeKey>, image: Image) {
    tx.emit_for(tenant, NewEvent { scope, image });
}
