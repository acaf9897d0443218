//! Tenants: the row that owns everything else, with its data key (wrapped, never plain).
//!
//! The log head and the ticket number live in the same row but are moved only by the flush
//! and by the ticket queries; `put` leaves them alone.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{memberships, tenants};
use crate::{Db, StoreError, Tx};
use domain::people::Tenant;
use domain::{TenantId, UserId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

fn read(row: tenants::Model) -> Tenant {
    Tenant {
        id: row.id.into(),
        name: row.name,
        time_zone: row.time_zone,
        locale: row.locale,
        created_at: row.created_at,
    }
}

pub async fn find(db: &impl Db, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = tenants::Entity::find_by_id(id.uuid())
        .fetch_one(db.conn())
        .await?;
    Ok(row.map(read))
}

/// Every tenant, oldest first.
pub async fn all(db: &impl Db) -> Result<Vec<Tenant>, StoreError> {
    let rows = tenants::Entity::find()
        .order_by_asc(tenants::Column::Id)
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

pub async fn any(db: &impl Db) -> Result<bool, StoreError> {
    Ok(tenants::Entity::find()
        .limit(1)
        .fetch_count(db.conn())
        .await?
        > 0)
}

/// The tenants the user is a member of today, oldest first.
pub async fn of_user(db: &impl Db, user: UserId) -> Result<Vec<Tenant>, StoreError> {
    let member_of = memberships::Entity::find()
        .select_only()
        .column(memberships::Column::TenantId)
        .filter(memberships::Column::UserId.eq(user.uuid()))
        .filter(memberships::Column::RemovedAt.is_null());
    let rows = tenants::Entity::find()
        .filter(tenants::Column::Id.in_subquery(sea_orm::QueryTrait::into_query(member_of)))
        .order_by_asc(tenants::Column::Id)
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// `data_key` is the tenant's key wrapped by the master key.
pub async fn insert(tx: &Tx, tenant: &Tenant, data_key: &[u8]) -> Result<(), StoreError> {
    let row = tenants::ActiveModel {
        id: Set(tenant.id.uuid()),
        name: Set(tenant.name.clone()),
        time_zone: Set(tenant.time_zone.clone()),
        locale: Set(tenant.locale.clone()),
        event_seq: Set(0),
        // A reinstalled server starts its log again at 1: the moment tells the two logs apart.
        log_epoch: Set(tenant.created_at.timestamp_micros()),
        data_key: Set(data_key.to_vec()),
        created_at: Set(tenant.created_at),
    };
    tenants::Entity::insert(row).run(tx.conn()).await?;
    Ok(())
}

pub async fn put(tx: &Tx, tenant: &Tenant) -> Result<(), StoreError> {
    use sea_orm::sea_query::Expr;
    tenants::Entity::update_many()
        .col_expr(tenants::Column::Name, Expr::value(tenant.name.clone()))
        .col_expr(
            tenants::Column::TimeZone,
            Expr::value(tenant.time_zone.clone()),
        )
        .col_expr(tenants::Column::Locale, Expr::value(tenant.locale.clone()))
        .filter(tenants::Column::Id.eq(tenant.id.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}

pub async fn data_key(db: &impl Db, id: TenantId) -> Result<Vec<u8>, StoreError> {
    let row = tenants::Entity::find_by_id(id.uuid())
        .fetch_one(db.conn())
        .await?;
    Ok(row.ok_or(StoreError::not_found("tenant"))?.data_key)
}

/// Key rotation: the same data key under another master key.
pub async fn put_data_key(tx: &Tx, id: TenantId, wrapped: &[u8]) -> Result<(), StoreError> {
    use sea_orm::sea_query::Expr;
    tenants::Entity::update_many()
        .col_expr(tenants::Column::DataKey, Expr::value(wrapped.to_vec()))
        .filter(tenants::Column::Id.eq(id.uuid()))
        .run(tx.conn())
        .await?;
    Ok(())
}

/// Rules over several members (never the last owner) hold only if writers take turns.
pub async fn lock(tx: &Tx, id: TenantId) -> Result<Tenant, StoreError> {
    let row = tenants::Entity::find_by_id(id.uuid())
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    row.map(read).ok_or(StoreError::not_found("tenant"))
}

/// The first caller in the life of the installation gets `true`; a concurrent second one waits
/// for the first and then gets `false`.
pub async fn claim_setup(tx: &Tx) -> Result<bool, StoreError> {
    let row = crate::tables::meta::ActiveModel {
        name: Set("setup".to_owned()),
        value: Set(tx.now().to_rfc3339()),
    };
    let inserted = crate::tables::meta::Entity::insert(row)
        .on_conflict(
            OnConflict::column(crate::tables::meta::Column::Name)
                .do_nothing()
                .to_owned(),
        )
        .run(tx.conn())
        .await?;
    Ok(inserted > 0)
}
