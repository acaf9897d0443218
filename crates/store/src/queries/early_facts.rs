//! Receipts, edits and deletes that came before their message: kept until it comes.

use crate::db::Sealed as _;
use crate::queries::row;
use crate::run::{Fetch as _, Run as _};
use crate::tables::early_facts;
use crate::{StoreError, Tx};
use domain::{InboxId, TenantId, Time};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// Keeps a fact about a message nobody has seen yet.
pub async fn insert(
    tx: &Tx,
    tenant: TenantId,
    inbox: InboxId,
    external_id: &str,
    fact: serde_json::Value,
) -> Result<(), StoreError> {
    let row = early_facts::Model {
        // The ids of deliveries are made by the same clock: the order of arrival is the order of ids.
        id: domain::DeliveryId::new(tx.now()).uuid(),
        tenant_id: tenant.uuid(),
        inbox_id: inbox.uuid(),
        external_id: external_id.to_owned(),
        fact,
        received_at: tx.now(),
    };
    row::insert::<early_facts::ActiveModel>(tx, row).await
}

/// Takes out what came early for this message, oldest first. Only one transaction gets it.
pub async fn take(
    tx: &Tx,
    tenant: TenantId,
    inbox: InboxId,
    external_id: &str,
) -> Result<Vec<serde_json::Value>, StoreError> {
    let rows = early_facts::Entity::find()
        .filter(early_facts::Column::TenantId.eq(tenant.uuid()))
        .filter(early_facts::Column::InboxId.eq(inbox.uuid()))
        .filter(early_facts::Column::ExternalId.eq(external_id))
        .order_by_asc(early_facts::Column::Id)
        .fetch_all(tx.conn())
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    early_facts::Entity::delete_many()
        .filter(early_facts::Column::TenantId.eq(tenant.uuid()))
        .filter(early_facts::Column::Id.is_in(ids))
        .run(tx.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.fact).collect())
}

/// Facts whose message never came, of all tenants, at most `limit` at a time.
pub async fn prune(tx: &Tx, before: Time, limit: u64) -> Result<u64, StoreError> {
    let ids: Vec<Uuid> = early_facts::Entity::find()
        .select_only()
        .column(early_facts::Column::Id)
        .filter(early_facts::Column::ReceivedAt.lt(before))
        .limit(limit)
        .fetch_values(tx.conn())
        .await?;
    early_facts::Entity::delete_many()
        .filter(early_facts::Column::Id.is_in(ids))
        .run(tx.conn())
        .await
}
