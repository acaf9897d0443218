//! Identities: handles of contacts on channels, unique per tenant, channel and scope.

use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::identities;
use crate::{Db, StoreError, Tx};
use domain::contact::Identity;
use domain::{ContactId, IdentityId, TenantId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

pub(crate) fn read(row: identities::Model) -> Result<Identity, StoreError> {
    Ok(Identity {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        contact_id: row.contact_id.into(),
        merged_from: row.merged_from.map(Into::into),
        channel: row.channel,
        scope: row.scope,
        handle: row.handle,
        display: row.display,
        avatar_url: row.avatar_url,
        created_at: row.created_at,
    })
}

fn row(identity: &Identity) -> identities::Model {
    identities::Model {
        id: identity.id.uuid(),
        tenant_id: identity.tenant_id.uuid(),
        contact_id: identity.contact_id.uuid(),
        merged_from: identity.merged_from.map(Into::into),
        channel: identity.channel.clone(),
        scope: identity.scope.clone(),
        handle: identity.handle.clone(),
        display: identity.display.clone(),
        avatar_url: identity.avatar_url.clone(),
        created_at: identity.created_at,
    }
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: IdentityId,
) -> Result<Option<Identity>, StoreError> {
    let row = identities::Entity::find_by_id(id.uuid())
        .filter(identities::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(db: &impl Db, tenant: TenantId, id: IdentityId) -> Result<Identity, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("identity"))
}

/// Those of the given ids that exist, for batched edges.
pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[IdentityId],
) -> Result<Vec<Identity>, StoreError> {
    let rows = identities::Entity::find()
        .filter(row::belongs(identities::Column::TenantId, tenant))
        .filter(identities::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// Who writes under this handle.
pub async fn by_handle(
    db: &impl Db,
    tenant: TenantId,
    channel: &str,
    scope: &str,
    handle: &str,
) -> Result<Option<Identity>, StoreError> {
    let row = identities::Entity::find()
        .filter(identities::Column::TenantId.eq(tenant.uuid()))
        .filter(identities::Column::Channel.eq(channel))
        .filter(identities::Column::Scope.eq(scope))
        .filter(identities::Column::Handle.eq(handle))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// The identities of the given contacts, for batched edges.
pub async fn of_contacts(
    db: &impl Db,
    tenant: TenantId,
    contacts: &[ContactId],
) -> Result<Vec<Identity>, StoreError> {
    let rows = identities::Entity::find()
        .filter(row::belongs(identities::Column::TenantId, tenant))
        .filter(identities::Column::ContactId.is_in(contacts.iter().map(|id| id.uuid())))
        .order_by_asc(identities::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &Tx, identity: &Identity) -> Result<(), StoreError> {
    row::insert(tx, row(identity)).await
}

/// An identity has no version: its link is changed under the contacts' versions.
pub async fn update(tx: &Tx, identity: &Identity) -> Result<(), StoreError> {
    let row = row(identity);
    let seen = Condition::all()
        .add(identities::Column::Id.eq(row.id))
        .add(identities::Column::TenantId.eq(row.tenant_id));
    row::replace(tx, row, seen, "identity").await
}
