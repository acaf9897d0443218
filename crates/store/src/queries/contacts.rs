//! Contacts: people outside. Pages and search live in their own files.

use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::contacts;
use crate::{Db, StoreError, Tx};
use domain::contact::Contact;
use domain::{ContactId, TenantId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};

pub(crate) fn read(row: contacts::Model) -> Result<Contact, StoreError> {
    Ok(Contact {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        name: row.name,
        locale: row.locale,
        note: row.note,
        avatar_url: row.avatar_url,
        merged_into: row.merged_into.map(Into::into),
        created_at: row.created_at,
        version: row.version,
    })
}

fn row(contact: &Contact) -> Result<contacts::Model, StoreError> {
    Ok(contacts::Model {
        id: contact.id.uuid(),
        tenant_id: contact.tenant_id.uuid(),
        name: contact.name.clone(),
        locale: contact.locale.clone(),
        note: contact.note.clone(),
        avatar_url: contact.avatar_url.clone(),
        merged_into: contact.merged_into.map(Into::into),
        created_at: contact.created_at,
        version: contact.version,
    })
}

fn seen(row: &contacts::Model, version: i64) -> Condition {
    Condition::all()
        .add(contacts::Column::Id.eq(row.id))
        .add(contacts::Column::TenantId.eq(row.tenant_id))
        .add(contacts::Column::Version.eq(version))
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: ContactId,
) -> Result<Option<Contact>, StoreError> {
    let row = contacts::Entity::find_by_id(id.uuid())
        .filter(contacts::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(db: &impl Db, tenant: TenantId, id: ContactId) -> Result<Contact, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("contact"))
}

/// Those of the given ids that exist, for batched edges.
pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[ContactId],
) -> Result<Vec<Contact>, StoreError> {
    let rows = contacts::Entity::find()
        .filter(contacts::Column::TenantId.eq(tenant.uuid()))
        .filter(contacts::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &Tx, contact: &Contact) -> Result<(), StoreError> {
    row::insert(tx, row(contact)?).await
}

/// Writes the contact if its version is still the one that was read; returns it with the next one.
pub async fn update(tx: &Tx, mut contact: Contact) -> Result<Contact, StoreError> {
    let version = contact.version;
    contact.version += 1;
    let row = row(&contact)?;
    let seen = seen(&row, version);
    row::replace(tx, row, seen, "contact").await?;
    Ok(contact)
}
