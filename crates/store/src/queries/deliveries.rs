//! Webhook parts as they came in: read by the worker, kept for replay, unrouted ones for a day.

use crate::db::{Sealed as _, one_row};
use crate::queries::row::belongs;
use crate::run::{Fetch as _, Run as _};
use crate::tables::deliveries;
use crate::{Db, StoreError, Tx};
use domain::{DeliveryId, InboxId, TenantId, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

domain::text_enum! {
    pub enum DeliveryState {
        /// Waits for its job.
        Stored = "stored",
        Processed = "processed",
        /// Could not be parsed; `problem` says why.
        Malformed = "malformed",
        /// For an account nobody connected.
        Unrouted = "unrouted",
    }
}

#[derive(Clone, PartialEq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub tenant_id: Option<TenantId>,
    pub inbox_id: Option<InboxId>,
    pub channel: String,
    pub account: String,
    pub dedupe: String,
    pub body: Vec<u8>,
    pub state: DeliveryState,
    pub problem: Option<String>,
    pub received_at: Time,
}

fn read(row: deliveries::Model) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.id.into(),
        tenant_id: row.tenant_id.map(Into::into),
        inbox_id: row.inbox_id.map(Into::into),
        channel: row.channel,
        account: row.account,
        dedupe: row.dedupe,
        body: row.body,
        state: crate::tables::word(&row.state)?,
        problem: row.problem,
        received_at: row.received_at,
    })
}

/// Those of `ids` that are here, in any order.
pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[DeliveryId],
) -> Result<Vec<Delivery>, StoreError> {
    let rows = deliveries::Entity::find()
        .filter(deliveries::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(belongs(deliveries::Column::TenantId, tenant))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// The delivery of an inbox with this key, while it is kept.
pub async fn by_dedupe(
    db: &impl Db,
    tenant: TenantId,
    inbox: InboxId,
    dedupe: &str,
) -> Result<Option<Delivery>, StoreError> {
    let row = deliveries::Entity::find()
        .filter(deliveries::Column::TenantId.eq(tenant.uuid()))
        .filter(deliveries::Column::InboxId.eq(inbox.uuid()))
        // Deliveries of an inbox stand under its id, so that the unique index finds them.
        .filter(deliveries::Column::Account.eq(inbox.to_string()))
        .filter(deliveries::Column::Dedupe.eq(dedupe))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn set_state(
    tx: &Tx,
    tenant: TenantId,
    id: DeliveryId,
    state: DeliveryState,
    problem: Option<&str>,
) -> Result<(), StoreError> {
    let result = deliveries::Entity::update_many()
        .filter(deliveries::Column::Id.eq(id.uuid()))
        .filter(deliveries::Column::TenantId.eq(tenant.uuid()))
        .col_expr(deliveries::Column::State, Expr::val(state.as_str()))
        .col_expr(deliveries::Column::Problem, Expr::val(problem))
        .run(tx.conn())
        .await?;
    one_row(result, "delivery")
}

pub async fn set_processed(
    tx: &Tx,
    tenant: TenantId,
    ids: &[DeliveryId],
) -> Result<(), StoreError> {
    deliveries::Entity::update_many()
        .filter(deliveries::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(belongs(deliveries::Column::TenantId, tenant))
        .col_expr(
            deliveries::Column::State,
            Expr::val(DeliveryState::Processed.as_str()),
        )
        .col_expr(deliveries::Column::Problem, Expr::val(None::<String>))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// Deliveries for accounts nobody connected, newest first: they belong to no tenant.
pub async fn unrouted(db: &impl Db, limit: u64) -> Result<Vec<Delivery>, StoreError> {
    let rows = deliveries::Entity::find()
        .filter(Expr::cust("state = 'unrouted'"))
        .order_by_desc(deliveries::Column::ReceivedAt)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn unrouted_count(db: &impl Db) -> Result<u64, StoreError> {
    deliveries::Entity::find()
        .filter(Expr::cust("state = 'unrouted'"))
        .fetch_count(db.conn())
        .await
}

/// Removes old unrouted deliveries of all accounts, at most `limit` at a time.
pub async fn prune_unrouted(tx: &Tx, before: Time, limit: u64) -> Result<u64, StoreError> {
    prune(tx, DeliveryState::Unrouted, before, limit).await
}

/// Removes what was processed long ago; until then its key recognises a repeat.
pub async fn prune_processed(tx: &Tx, before: Time, limit: u64) -> Result<u64, StoreError> {
    prune(tx, DeliveryState::Processed, before, limit).await
}

async fn prune(tx: &Tx, state: DeliveryState, before: Time, limit: u64) -> Result<u64, StoreError> {
    let ids: Vec<uuid::Uuid> = deliveries::Entity::find()
        .select_only()
        .column(deliveries::Column::Id)
        // A literal: only then do both databases use the partial index.
        .filter(Expr::cust(format!("state = '{state}'")))
        .filter(deliveries::Column::ReceivedAt.lt(before))
        .limit(limit)
        .fetch_values(tx.conn())
        .await?;
    deliveries::Entity::delete_many()
        .filter(deliveries::Column::Id.is_in(ids))
        .run(tx.conn())
        .await
}
