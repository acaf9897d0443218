//! Audit: rows are added and listed, never changed.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::audit;
use crate::{Db, StoreError, Tx};
use domain::people::AuditEntry;
use domain::{AuditId, TenantId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

fn read(row: audit::Model) -> AuditEntry {
    AuditEntry {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        actor_user_id: row.actor_user_id.map(Into::into),
        actor_token_id: row.actor_token_id.map(Into::into),
        action: row.action,
        node_id: row.node_id,
        detail: row.detail,
        ip: row.ip,
        created_at: row.created_at,
    }
}

pub async fn insert(tx: &Tx, entry: AuditEntry) -> Result<(), StoreError> {
    let row = audit::ActiveModel {
        id: Set(entry.id.uuid()),
        tenant_id: Set(entry.tenant_id.uuid()),
        actor_user_id: Set(entry.actor_user_id.map(Into::into)),
        actor_token_id: Set(entry.actor_token_id.map(Into::into)),
        action: Set(entry.action),
        node_id: Set(entry.node_id),
        detail: Set(entry.detail),
        ip: Set(entry.ip),
        created_at: Set(entry.created_at),
    };
    audit::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

/// Newest first; `before` is the last entry of the page above.
pub async fn list(
    db: &impl Db,
    tenant: TenantId,
    before: Option<AuditId>,
    limit: u64,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut query = audit::Entity::find().filter(audit::Column::TenantId.eq(tenant.uuid()));
    if let Some(before) = before {
        query = query.filter(audit::Column::Id.lt(before.uuid()));
    }
    let rows = query
        .order_by_desc(audit::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}
