//! The tenant's log: appended by the flush of a transaction, read by tails and by the router.
//!
//! `seq` is gap-free and in commit order per tenant, so "everything after n" misses nothing. A
//! cursor of another `log_epoch`, older than what is kept or ahead of the head asks for a resync.

use crate::db::{Db, Sealed};
use crate::error::StoreError;
use crate::run::{Fetch as _, Row, Run as _};
use crate::tables::{events, tenants, word};
use crate::tx::Tx;
use domain::event::{Cursor, Event};
use domain::{TenantId, Time};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// Events after `seq`, oldest first. Fewer than `limit` means: that was the head.
pub async fn after(
    db: &impl Db,
    tenant: TenantId,
    seq: i64,
    limit: u64,
) -> Result<Vec<Event>, StoreError> {
    let rows = events::Entity::find()
        .filter(events::Column::TenantId.eq(tenant.uuid()))
        .filter(events::Column::Seq.gt(seq))
        .order_by_asc(events::Column::Seq)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(from_row).collect()
}

fn from_row(row: events::Model) -> Result<Event, StoreError> {
    Ok(Event {
        tenant_id: row.tenant_id.into(),
        seq: row.seq,
        scope: row
            .scope
            .split_whitespace()
            .map(word)
            .collect::<Result<_, _>>()?,
        image: serde_json::from_str(&row.image).map_err(StoreError::corrupt)?,
    })
}

/// Where the tenant's log stands now.
pub async fn head(db: &impl Db, tenant: TenantId) -> Result<Cursor, StoreError> {
    let row = tenants::Entity::find_by_id(tenant.uuid())
        .fetch_one(db.conn())
        .await?
        .ok_or(StoreError::not_found("tenant"))?;
    Ok(Cursor {
        epoch: row.log_epoch,
        seq: row.event_seq,
    })
}

/// The first sequence that is still kept; `None` for an empty log.
pub async fn oldest(db: &impl Db, tenant: TenantId) -> Result<Option<i64>, StoreError> {
    let first: Vec<i64> = events::Entity::find()
        .select_only()
        .column(events::Column::Seq)
        .filter(events::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(events::Column::Seq)
        .limit(1)
        .fetch_values(db.conn())
        .await?;
    Ok(first.first().copied())
}

/// Heads of all tenants: what the 1 s tick compares, in one statement.
pub async fn heads(db: &impl Db) -> Result<Vec<(TenantId, Cursor)>, StoreError> {
    let rows = tenants::Entity::find()
        .select_only()
        .columns([
            tenants::Column::Id,
            tenants::Column::LogEpoch,
            tenants::Column::EventSeq,
        ])
        .fetch_rows(db.conn())
        .await?;
    let head = |row: &Row| {
        let tenant: uuid::Uuid = row.get("id")?;
        let cursor = Cursor {
            epoch: row.get("log_epoch")?,
            seq: row.get("event_seq")?,
        };
        Ok((tenant.into(), cursor))
    };
    rows.iter().map(head).collect()
}

/// Whether a reader at `cursor` can go on from there, or must read everything again.
pub async fn can_resume(
    db: &impl Db,
    tenant: TenantId,
    cursor: Cursor,
) -> Result<bool, StoreError> {
    let head = head(db, tenant).await?;
    if cursor.epoch != head.epoch {
        return Ok(false);
    }
    if cursor.seq == head.seq {
        return Ok(true);
    }
    // Neither a pruned place nor one ahead of the log has a next event.
    let next = events::Entity::find_by_id((tenant.uuid(), cursor.seq.saturating_add(1)))
        .fetch_one(db.conn())
        .await?;
    Ok(next.is_some())
}

/// Removes about `limit` events older than the retention. Always from the old end, so no gap
/// appears.
pub async fn prune(tx: &Tx, before: Time, limit: u64) -> Result<u64, StoreError> {
    let oldest = events::Entity::find()
        .select_only()
        .columns([events::Column::TenantId, events::Column::Seq])
        .filter(events::Column::At.lt(before))
        .order_by_asc(events::Column::At)
        .limit(limit)
        .fetch_rows(tx.conn())
        .await?;
    let mut ends: BTreeMap<uuid::Uuid, i64> = BTreeMap::new();
    for row in oldest {
        let (tenant, seq) = (row.get("tenant_id")?, row.get("seq")?);
        let end = ends.entry(tenant).or_insert(seq);
        *end = std::cmp::max(seq, *end);
    }
    let mut gone = 0;
    for (tenant, end) in ends {
        let result = events::Entity::delete_many()
            .filter(events::Column::TenantId.eq(tenant))
            .filter(events::Column::Seq.lte(end))
            .run(tx.conn())
            .await?;
        gone += result;
    }
    Ok(gone)
}
