//! Messages of tickets, in their positions.

use crate::db::{Sealed as _, one_row};
use crate::queries::attachments;
use crate::queries::row;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{from_json, messages, to_json, word};
use crate::{Db, StoreError, Tx};
use domain::message::Message;
use domain::ticket::Ticket;
use domain::{InboxId, MessageId, TenantId, TicketId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select,
};

/// More than an agent reads before she confirms.
const UNSEEN_MAX: u64 = 100;

fn read(row: messages::Model) -> Result<Message, StoreError> {
    Ok(Message {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        ticket_id: row.ticket_id.into(),
        conversation_id: row.conversation_id.map(Into::into),
        direction: word(&row.direction)?,
        kind: word(&row.kind)?,
        state: word(&row.state)?,
        author: word(&row.author)?,
        author_user_id: row.author_user_id.map(Into::into),
        author_name: row.author_name,
        text: row.text,
        html: row.html,
        external_id: row.external_id,
        client_id: row.client_id,
        quoted_id: row.quoted_id.map(Into::into),
        reactions: from_json(row.reactions)?,
        attachments: Vec::new(),
        problem: row.problem,
        position: row.position,
        sent_at: row.sent_at,
        created_at: row.created_at,
        edited_at: row.edited_at,
        deleted_at: row.deleted_at,
        version: row.version,
    })
}

fn row(
    message: &Message,
    inbox: Option<InboxId>,
    extra: serde_json::Value,
) -> Result<messages::Model, StoreError> {
    Ok(messages::Model {
        id: message.id.uuid(),
        tenant_id: message.tenant_id.uuid(),
        ticket_id: message.ticket_id.uuid(),
        conversation_id: message.conversation_id.map(Into::into),
        inbox_id: inbox.map(Into::into),
        direction: message.direction.as_str().to_owned(),
        kind: message.kind.as_str().to_owned(),
        state: message.state.as_str().to_owned(),
        author: message.author.as_str().to_owned(),
        author_user_id: message.author_user_id.map(Into::into),
        author_name: message.author_name.clone(),
        text: message.text.clone(),
        html: message.html.clone(),
        external_id: message.external_id.clone(),
        client_id: message.client_id.clone(),
        quoted_id: message.quoted_id.map(Into::into),
        reactions: to_json(&message.reactions)?,
        extra,
        problem: message.problem.clone(),
        position: message.position,
        sent_at: message.sent_at,
        created_at: message.created_at,
        edited_at: message.edited_at,
        deleted_at: message.deleted_at,
        version: message.version,
    })
}

/// Messages with their attachments, in two statements whatever their number.
pub(super) async fn all(
    db: &impl Db,
    tenant: TenantId,
    query: Select<messages::Entity>,
) -> Result<Vec<Message>, StoreError> {
    let rows = query
        .filter(messages::Column::TenantId.eq(tenant.uuid()))
        .fetch_all(db.conn())
        .await?;
    let mut found: Vec<Message> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    let ids: Vec<MessageId> = found.iter().map(|message| message.id).collect();
    let mut of_message = attachments::of_messages(db, tenant, &ids).await?;
    for message in &mut found {
        message.attachments = of_message.remove(&message.id).unwrap_or_default();
    }
    Ok(found)
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: MessageId,
) -> Result<Option<Message>, StoreError> {
    let query = messages::Entity::find_by_id(id.uuid());
    Ok(all(db, tenant, query).await?.pop())
}

pub async fn get(db: &impl Db, tenant: TenantId, id: MessageId) -> Result<Message, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("message"))
}

/// Reads the message and keeps others from changing it until this transaction ends.
pub async fn lock(tx: &Tx, tenant: TenantId, id: MessageId) -> Result<Message, StoreError> {
    let query = messages::Entity::find_by_id(id.uuid()).lock_exclusive();
    let found = all(tx, tenant, query).await?.pop();
    found.ok_or(StoreError::not_found("message"))
}

pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[MessageId],
) -> Result<Vec<Message>, StoreError> {
    let ids = ids.iter().map(|id| id.uuid());
    all(
        db,
        tenant,
        messages::Entity::find().filter(messages::Column::Id.is_in(ids)),
    )
    .await
}

/// By the provider's id: how receipts, edits and deletes find their message.
pub async fn by_external_id(
    db: &impl Db,
    tenant: TenantId,
    inbox: InboxId,
    external_id: &str,
) -> Result<Option<Message>, StoreError> {
    let query = messages::Entity::find()
        .filter(messages::Column::InboxId.eq(inbox.uuid()))
        .filter(messages::Column::ExternalId.eq(external_id));
    Ok(all(db, tenant, query).await?.pop())
}

/// By the sender's idempotency key: a repeated `sendMessage` finds its first result.
pub async fn by_client_id(
    db: &impl Db,
    tenant: TenantId,
    client_id: &str,
) -> Result<Option<Message>, StoreError> {
    let query = messages::Entity::find().filter(messages::Column::ClientId.eq(client_id));
    Ok(all(db, tenant, query).await?.pop())
}

/// What somebody answering now has not seen: messages after `seen` that are not her own.
pub async fn unseen(
    db: &impl Db,
    tenant: TenantId,
    ticket: TicketId,
    seen: i64,
    user: UserId,
) -> Result<Vec<Message>, StoreError> {
    let not_hers = Condition::any()
        .add(messages::Column::AuthorUserId.is_null())
        .add(messages::Column::AuthorUserId.ne(user.uuid()));
    let query = messages::Entity::find()
        .filter(messages::Column::TicketId.eq(ticket.uuid()))
        .filter(messages::Column::Position.gt(seen))
        .filter(not_hers)
        .order_by_asc(messages::Column::Position)
        .limit(UNSEEN_MAX);
    all(db, tenant, query).await
}

/// Up to `limit` messages before a position, newest first. `i64::MAX` starts at the head.
pub async fn before(
    db: &impl Db,
    tenant: TenantId,
    ticket: TicketId,
    position: i64,
    limit: u64,
) -> Result<Vec<Message>, StoreError> {
    let query = messages::Entity::find()
        .filter(messages::Column::TicketId.eq(ticket.uuid()))
        .filter(messages::Column::Position.lt(position))
        .order_by_desc(messages::Column::Position)
        .limit(limit);
    all(db, tenant, query).await
}

/// The newest `first` messages of each ticket before a position, newest first, in one statement.
/// Positions have no gaps, so a range of them is a number of messages.
pub async fn newest_of(
    db: &impl Db,
    tenant: TenantId,
    tickets: &[TicketId],
    before: i64,
    first: i64,
) -> Result<Vec<Message>, StoreError> {
    use crate::tables::tickets as cases;
    let head = Expr::col((cases::Entity, cases::Column::MessageHead));
    let mut floor =
        Condition::all().add(messages::Column::Position.into_expr().gt(head.sub(first)));
    if before < i64::MAX {
        // Beyond the head nothing is; below it the range hangs on `before`.
        floor = Condition::any()
            .add(floor)
            .add(messages::Column::Position.gte(before.saturating_sub(first)));
    }
    let ids = tickets.iter().map(|id| id.uuid());
    let query = messages::Entity::find()
        .join(
            JoinType::InnerJoin,
            messages::Entity::belongs_to(cases::Entity)
                .from(messages::Column::TicketId)
                .to(cases::Column::Id)
                .into(),
        )
        .filter(messages::Column::TicketId.is_in(ids))
        .filter(messages::Column::Position.lt(before))
        .filter(floor)
        .order_by_asc(messages::Column::TicketId)
        .order_by_desc(messages::Column::Position);
    all(db, tenant, query).await
}

/// Up to `limit` messages after a position, oldest first. `0` starts at the beginning.
pub async fn after(
    db: &impl Db,
    tenant: TenantId,
    ticket: TicketId,
    position: i64,
    limit: u64,
) -> Result<Vec<Message>, StoreError> {
    let query = messages::Entity::find()
        .filter(messages::Column::TicketId.eq(ticket.uuid()))
        .filter(messages::Column::Position.gt(position))
        .order_by_asc(messages::Column::Position)
        .limit(limit);
    all(db, tenant, query).await
}

/// Takes the next position of `ticket`, which the caller writes in the same transaction: the
/// ticket's version makes two writers of one ticket meet there. `extra` is what the channel wants
/// to keep, `inbox` the account the message came by or leaves by. Attachments are inserted apart.
pub async fn insert(
    tx: &Tx,
    ticket: &mut Ticket,
    message: &mut Message,
    inbox: Option<InboxId>,
    extra: serde_json::Value,
) -> Result<(), StoreError> {
    ticket.message_head += 1;
    message.position = ticket.message_head;
    row::insert(tx, row(message, inbox, extra)?).await
}

/// Writes the message if its version is still the one that was read. Its attachments are rows of
/// their own and stay as they are.
pub async fn update(tx: &Tx, mut message: Message) -> Result<Message, StoreError> {
    let version = message.version;
    message.version += 1;
    let seen = Condition::all()
        .add(messages::Column::Id.eq(message.id.uuid()))
        .add(messages::Column::TenantId.eq(message.tenant_id.uuid()))
        .add(messages::Column::Version.eq(version));
    let mut changed: messages::ActiveModel =
        sea_orm::IntoActiveModel::into_active_model(row(&message, None, serde_json::Value::Null)?);
    changed = sea_orm::ActiveModelTrait::reset_all(changed);
    // What only the insert knows is kept.
    changed.inbox_id = sea_orm::ActiveValue::NotSet;
    changed.extra = sea_orm::ActiveValue::NotSet;
    row::replace_columns(tx, changed, seen, "message").await?;
    Ok(message)
}

/// What the channel wants to keep with a message, for instance the provider's thread keys.
pub async fn set_extra(
    tx: &Tx,
    tenant: TenantId,
    id: MessageId,
    extra: serde_json::Value,
) -> Result<(), StoreError> {
    let result = messages::Entity::update_many()
        .filter(messages::Column::Id.eq(id.uuid()))
        .filter(messages::Column::TenantId.eq(tenant.uuid()))
        .col_expr(messages::Column::Extra, Expr::val(extra))
        .run(tx.conn())
        .await?;
    one_row(result, "message")
}

/// The inbox a message came by or leaves by, and what its channel kept with it.
pub async fn route(
    db: &impl Db,
    tenant: TenantId,
    id: MessageId,
) -> Result<(Option<InboxId>, serde_json::Value), StoreError> {
    let row = messages::Entity::find_by_id(id.uuid())
        .filter(messages::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?
        .ok_or(StoreError::not_found("message"))?;
    Ok((row.inbox_id.map(Into::into), row.extra))
}
