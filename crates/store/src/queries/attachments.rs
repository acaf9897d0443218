//! Files of messages, and uploads that wait for a message.

use crate::db::Sealed as _;
use crate::queries::row;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{attachments, word};
use crate::{Db, StoreError, Tx};
use domain::message::{Attachment, AttachmentState};
use domain::{AttachmentId, MessageId, TenantId, Time, UserId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// An attachment with what screens do not see.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAttachment {
    pub tenant_id: TenantId,
    pub attachment: Attachment,
    pub message_id: Option<MessageId>,
    pub uploaded_by: Option<UserId>,
    /// Key in the blob store.
    pub blob: Option<String>,
    /// Where the provider keeps it, until it was fetched.
    pub source: Option<String>,
    /// Place within its message.
    pub ordinal: i64,
    pub created_at: Time,
}

fn read(row: attachments::Model) -> Result<StoredAttachment, StoreError> {
    Ok(StoredAttachment {
        tenant_id: row.tenant_id.into(),
        attachment: Attachment {
            id: row.id.into(),
            state: word(&row.state)?,
            name: row.name,
            media_type: row.media_type,
            size_bytes: row.size_bytes,
            problem: row.problem,
        },
        message_id: row.message_id.map(Into::into),
        uploaded_by: row.uploaded_by.map(Into::into),
        blob: row.blob,
        source: row.source,
        ordinal: row.ordinal,
        created_at: row.created_at,
    })
}

fn row(stored: &StoredAttachment) -> attachments::Model {
    let attachment = &stored.attachment;
    attachments::Model {
        id: attachment.id.uuid(),
        tenant_id: stored.tenant_id.uuid(),
        message_id: stored.message_id.map(Into::into),
        uploaded_by: stored.uploaded_by.map(Into::into),
        state: attachment.state.as_str().to_owned(),
        name: attachment.name.clone(),
        media_type: attachment.media_type.clone(),
        size_bytes: attachment.size_bytes,
        blob: stored.blob.clone(),
        source: stored.source.clone(),
        problem: attachment.problem.clone(),
        ordinal: stored.ordinal,
        created_at: stored.created_at,
    }
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: AttachmentId,
) -> Result<Option<StoredAttachment>, StoreError> {
    let row = attachments::Entity::find_by_id(id.uuid())
        .filter(attachments::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(
    db: &impl Db,
    tenant: TenantId,
    id: AttachmentId,
) -> Result<StoredAttachment, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("attachment"))
}

/// The attachments of the given messages, in their order.
pub async fn of_messages(
    db: &impl Db,
    tenant: TenantId,
    messages: &[MessageId],
) -> Result<BTreeMap<MessageId, Vec<Attachment>>, StoreError> {
    let mut found: BTreeMap<MessageId, Vec<Attachment>> = BTreeMap::new();
    if messages.is_empty() {
        return Ok(found);
    }
    let rows = attachments::Entity::find()
        .filter(attachments::Column::TenantId.eq(tenant.uuid()))
        .filter(attachments::Column::MessageId.is_in(messages.iter().map(|id| id.uuid())))
        .order_by_asc(attachments::Column::Ordinal)
        .order_by_asc(attachments::Column::Id)
        .fetch_all(db.conn())
        .await?;
    for row in rows {
        let stored = read(row)?;
        if let Some(message) = stored.message_id {
            found.entry(message).or_default().push(stored.attachment);
        }
    }
    Ok(found)
}

/// Where the files of one message were found at the provider.
pub async fn sources(
    db: &impl Db,
    tenant: TenantId,
    message: MessageId,
) -> Result<Vec<String>, StoreError> {
    let rows = attachments::Entity::find()
        .filter(attachments::Column::TenantId.eq(tenant.uuid()))
        .filter(attachments::Column::MessageId.eq(message.uuid()))
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().filter_map(|row| row.source).collect())
}

pub async fn insert(tx: &Tx, attachment: &StoredAttachment) -> Result<(), StoreError> {
    row::insert(tx, row(attachment)).await
}

pub async fn update(tx: &Tx, attachment: &StoredAttachment) -> Result<(), StoreError> {
    let row = row(attachment);
    let seen = Condition::all()
        .add(attachments::Column::Id.eq(row.id))
        .add(attachments::Column::TenantId.eq(row.tenant_id));
    row::replace(tx, row, seen, "attachment").await
}

/// Uploads no message took; the tenant is in each of them.
pub async fn abandoned(
    db: &impl Db,
    before: Time,
    limit: u64,
) -> Result<Vec<StoredAttachment>, StoreError> {
    let rows = attachments::Entity::find()
        .filter(attachments::Column::MessageId.is_null())
        .filter(attachments::Column::CreatedAt.lt(before))
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// Removes an upload that still waits for a message.
pub async fn delete_abandoned(
    tx: &Tx,
    tenant: TenantId,
    id: AttachmentId,
) -> Result<bool, StoreError> {
    let result = attachments::Entity::delete_many()
        .filter(attachments::Column::Id.eq(id.uuid()))
        .filter(attachments::Column::TenantId.eq(tenant.uuid()))
        .filter(attachments::Column::MessageId.is_null())
        .run(tx.conn())
        .await?;
    Ok(result == 1)
}

/// Gives waiting uploads of this user to her message, in the order she named them. An upload of
/// somebody else, of another message, without its bytes or not there at all is `NotFound`.
pub async fn claim_uploads(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    uploads: &[AttachmentId],
    message: MessageId,
) -> Result<Vec<Attachment>, StoreError> {
    let mut claimed = Vec::with_capacity(uploads.len());
    for (ordinal, id) in uploads.iter().enumerate() {
        let mut upload = get(tx, tenant, *id).await?;
        let is_ready = upload.attachment.state == AttachmentState::Ready;
        if upload.uploaded_by != Some(user) || upload.message_id.is_some() || !is_ready {
            return Err(StoreError::not_found("attachment"));
        }
        upload.message_id = Some(message);
        upload.ordinal = ordinal as i64;
        update(tx, &upload).await?;
        claimed.push(upload.attachment);
    }
    Ok(claimed)
}

/// Stores a filled upload if nobody filled it meanwhile.
pub async fn fill(tx: &Tx, upload: &StoredAttachment) -> Result<(), StoreError> {
    let row = row(upload);
    let seen = Condition::all()
        .add(attachments::Column::Id.eq(row.id))
        .add(attachments::Column::TenantId.eq(row.tenant_id))
        .add(attachments::Column::State.eq(AttachmentState::Pending.as_str()))
        .add(attachments::Column::MessageId.is_null());
    row::replace(tx, row, seen, "attachment").await
}
