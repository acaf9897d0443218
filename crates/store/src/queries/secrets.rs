//! Sealed secrets of other rows (inboxes, provider apps). This floor sees ciphertext only.

use crate::db::sealed::Sealed as _;
use crate::run::{Fetch as _, Run as _};
use crate::tables::secrets;
use crate::{Db, StoreError, Tx};
use domain::{SecretId, TenantId};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

/// A secret of the row `owner` under `name`.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub name: String,
    pub sealed: String,
}

/// Everything that belongs to `owner`; `tenant` is `None` for rows of the installation.
pub async fn of_owner(
    db: &impl Db,
    tenant: Option<TenantId>,
    owner: Uuid,
) -> Result<Vec<Sealed>, StoreError> {
    let mut query = secrets::Entity::find().filter(secrets::Column::Owner.eq(owner));
    query = match tenant {
        Some(tenant) => query.filter(secrets::Column::TenantId.eq(tenant.uuid())),
        None => query.filter(secrets::Column::TenantId.is_null()),
    };
    let rows = query.fetch_all(db.conn()).await?;
    Ok(rows
        .into_iter()
        .map(|row| Sealed {
            name: row.name,
            sealed: row.sealed,
        })
        .collect())
}

/// Stores or replaces.
pub async fn put(
    tx: &Tx,
    tenant: Option<TenantId>,
    owner: Uuid,
    secret: Sealed,
) -> Result<(), StoreError> {
    let row = secrets::ActiveModel {
        id: Set(SecretId::new(tx.now()).uuid()),
        tenant_id: Set(tenant.map(Into::into)),
        owner: Set(owner),
        name: Set(secret.name),
        sealed: Set(secret.sealed),
        created_at: Set(tx.now()),
    };
    secrets::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([secrets::Column::Owner, secrets::Column::Name])
                .update_column(secrets::Column::Sealed)
                .to_owned(),
        )
        .run(tx.conn())
        .await?;
    Ok(())
}

/// The owner is gone or disconnected.
pub async fn delete_of(tx: &Tx, tenant: Option<TenantId>, owner: Uuid) -> Result<(), StoreError> {
    let mut query = secrets::Entity::delete_many().filter(secrets::Column::Owner.eq(owner));
    query = match tenant {
        Some(tenant) => query.filter(secrets::Column::TenantId.eq(tenant.uuid())),
        None => query.filter(secrets::Column::TenantId.is_null()),
    };
    query.run(tx.conn()).await?;
    Ok(())
}

/// Removes secrets of this name that are older than `before`, of the installation.
pub async fn prune(tx: &Tx, name: &str, before: domain::Time) -> Result<u64, StoreError> {
    secrets::Entity::delete_many()
        .filter(secrets::Column::TenantId.is_null())
        .filter(secrets::Column::Name.eq(name))
        .filter(secrets::Column::CreatedAt.lt(before))
        .run(tx.conn())
        .await
}
