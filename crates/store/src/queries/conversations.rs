//! Conversations: one thread of one identity on one inbox.

use crate::db::Sealed as _;
use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::conversations;
use crate::{Db, StoreError, Tx};
use domain::conversation::Conversation;
use domain::{ConversationId, IdentityId, InboxId, TenantId, TicketId};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

pub(crate) fn read(row: conversations::Model) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        inbox_id: row.inbox_id.into(),
        identity_id: row.identity_id.into(),
        contact_id: row.contact_id.into(),
        ticket_id: row.ticket_id.into(),
        thread: row.thread,
        last_inbound_at: row.last_inbound_at,
        reply_until: row.reply_until,
        created_at: row.created_at,
        version: row.version,
    })
}

fn row(conversation: &Conversation) -> Result<conversations::Model, StoreError> {
    Ok(conversations::Model {
        id: conversation.id.uuid(),
        tenant_id: conversation.tenant_id.uuid(),
        inbox_id: conversation.inbox_id.uuid(),
        identity_id: conversation.identity_id.uuid(),
        contact_id: conversation.contact_id.uuid(),
        ticket_id: conversation.ticket_id.uuid(),
        thread: conversation.thread.clone(),
        last_inbound_at: conversation.last_inbound_at,
        reply_until: conversation.reply_until,
        created_at: conversation.created_at,
        version: conversation.version,
    })
}

fn seen(row: &conversations::Model, version: i64) -> Condition {
    Condition::all()
        .add(conversations::Column::Id.eq(row.id))
        .add(conversations::Column::TenantId.eq(row.tenant_id))
        .add(conversations::Column::Version.eq(version))
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: ConversationId,
) -> Result<Option<Conversation>, StoreError> {
    let row = conversations::Entity::find_by_id(id.uuid())
        .filter(conversations::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(
    db: &impl Db,
    tenant: TenantId,
    id: ConversationId,
) -> Result<Conversation, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("conversation"))
}

/// Reads the row and keeps others from changing it until this transaction ends.
pub async fn lock(
    tx: &Tx,
    tenant: TenantId,
    id: ConversationId,
) -> Result<Conversation, StoreError> {
    let row = conversations::Entity::find_by_id(id.uuid())
        .filter(conversations::Column::TenantId.eq(tenant.uuid()))
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    row.map(read)
        .transpose()?
        .ok_or(StoreError::not_found("conversation"))
}

/// The conversation a message of this person, inbox and thread belongs to.
pub async fn by_thread(
    db: &impl Db,
    tenant: TenantId,
    inbox: InboxId,
    identity: IdentityId,
    thread: &str,
) -> Result<Option<Conversation>, StoreError> {
    let row = conversations::Entity::find()
        .filter(conversations::Column::TenantId.eq(tenant.uuid()))
        .filter(conversations::Column::InboxId.eq(inbox.uuid()))
        .filter(conversations::Column::IdentityId.eq(identity.uuid()))
        .filter(conversations::Column::Thread.eq(thread))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// The conversations of the given tickets, for batched edges.
pub async fn of_tickets(
    db: &impl Db,
    tenant: TenantId,
    tickets: &[TicketId],
) -> Result<Vec<Conversation>, StoreError> {
    let rows = conversations::Entity::find()
        .filter(conversations::Column::TenantId.eq(tenant.uuid()))
        .filter(conversations::Column::TicketId.is_in(tickets.iter().map(|id| id.uuid())))
        .order_by_asc(conversations::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// Those of the given ids that exist, for batched edges.
pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[ConversationId],
) -> Result<Vec<Conversation>, StoreError> {
    let rows = conversations::Entity::find()
        .filter(conversations::Column::TenantId.eq(tenant.uuid()))
        .filter(conversations::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &Tx, conversation: &Conversation) -> Result<(), StoreError> {
    row::insert(tx, row(conversation)?).await
}

/// Writes the conversation if its version is still the one that was read; returns it with the next one.
pub async fn update(tx: &Tx, mut conversation: Conversation) -> Result<Conversation, StoreError> {
    let version = conversation.version;
    conversation.version += 1;
    let row = row(&conversation)?;
    let seen = seen(&row, version);
    row::replace(tx, row, seen, "conversation").await?;
    Ok(conversation)
}
