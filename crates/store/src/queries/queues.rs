//! Queues, with their members and required skills.

use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::{from_json, queues, to_json};
use crate::{Db, StoreError, Tx};
use domain::queue::Queue;
use domain::{QueueId, TenantId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

fn read(row: queues::Model) -> Result<Queue, StoreError> {
    Ok(Queue {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        name: row.name,
        color: i32::try_from(row.color).map_err(StoreError::corrupt)?,
        offer_ttl_s: row.offer_ttl_s,
        target_s: row.target_s,
        required_skills: from_json(row.required_skills)?,
        members: from_json(row.members)?,
        routing: from_json(row.routing)?,
        archived_at: row.archived_at,
        version: row.version,
    })
}

fn row(queue: &Queue) -> Result<queues::Model, StoreError> {
    Ok(queues::Model {
        id: queue.id.uuid(),
        tenant_id: queue.tenant_id.uuid(),
        name: queue.name.clone(),
        color: queue.color.into(),
        offer_ttl_s: queue.offer_ttl_s,
        target_s: queue.target_s,
        required_skills: to_json(&queue.required_skills)?,
        members: to_json(&queue.members)?,
        routing: to_json(&queue.routing)?,
        archived_at: queue.archived_at,
        version: queue.version,
    })
}

fn seen(row: &queues::Model, version: i64) -> Condition {
    Condition::all()
        .add(queues::Column::Id.eq(row.id))
        .add(queues::Column::TenantId.eq(row.tenant_id))
        .add(queues::Column::Version.eq(version))
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: QueueId,
) -> Result<Option<Queue>, StoreError> {
    let row = queues::Entity::find_by_id(id.uuid())
        .filter(queues::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(db: &impl Db, tenant: TenantId, id: QueueId) -> Result<Queue, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("queue"))
}

/// Those of the given ids that exist, for batched edges.
pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[QueueId],
) -> Result<Vec<Queue>, StoreError> {
    let rows = queues::Entity::find()
        .filter(queues::Column::TenantId.eq(tenant.uuid()))
        .filter(queues::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// All queues of the tenant, archived ones too, oldest first.
pub async fn all(db: &impl Db, tenant: TenantId) -> Result<Vec<Queue>, StoreError> {
    let rows = queues::Entity::find()
        .filter(queues::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(queues::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &Tx, queue: &Queue) -> Result<(), StoreError> {
    row::insert(tx, row(queue)?).await
}

/// Writes the queue if its version is still the one that was read; returns it with the next one.
pub async fn update(tx: &Tx, mut queue: Queue) -> Result<Queue, StoreError> {
    let version = queue.version;
    queue.version += 1;
    let row = row(&queue)?;
    let seen = seen(&row, version);
    row::replace(tx, row, seen, "queue").await?;
    Ok(queue)
}
