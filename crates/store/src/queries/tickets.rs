//! Tickets: one row each. Lists and search live in their own files.

use crate::db::Sealed as _;
use crate::queries::row;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{from_json, ticket_mentions, ticket_numbers, tickets, to_json, word};
use crate::{Db, StoreError, Tx};
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::{ContactId, TenantId, TicketId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

/// Priorities are numbers in the row, so that lists can sort by them.
pub(crate) fn priority_rank(priority: Priority) -> i64 {
    priority as i64
}

fn priority(rank: i64) -> Result<Priority, StoreError> {
    usize::try_from(rank)
        .ok()
        .and_then(|rank| Priority::ALL.get(rank))
        .copied()
        .ok_or_else(|| StoreError::corrupt("a priority out of range"))
}

pub(crate) fn read(row: tickets::Model) -> Result<Ticket, StoreError> {
    Ok(Ticket {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        number: row.number,
        subject: row.subject,
        status: word(&row.status)?,
        priority: priority(row.priority)?,
        tags: from_json(row.tags)?,
        contact_id: row.contact_id.into(),
        queue_id: row.queue_id.into(),
        assignee_id: row.assignee_id.map(Into::into),
        snoozed_until: row.snoozed_until,
        channel: row.channel,
        message_head: row.message_head,
        last_message_at: row.last_message_at,
        last_message_preview: row.last_message_preview,
        last_message_inbound: row.last_message_inbound,
        waiting_since: row.waiting_since,
        created_at: row.created_at,
        updated_at: row.updated_at,
        closed_at: row.closed_at,
        version: row.version,
    })
}

fn row(ticket: &Ticket) -> Result<tickets::Model, StoreError> {
    Ok(tickets::Model {
        id: ticket.id.uuid(),
        tenant_id: ticket.tenant_id.uuid(),
        number: ticket.number,
        subject: ticket.subject.clone(),
        status: ticket.status.as_str().to_owned(),
        priority: priority_rank(ticket.priority),
        tags: to_json(&ticket.tags)?,
        contact_id: ticket.contact_id.uuid(),
        queue_id: ticket.queue_id.uuid(),
        assignee_id: ticket.assignee_id.map(Into::into),
        snoozed_until: ticket.snoozed_until,
        channel: ticket.channel.clone(),
        message_head: ticket.message_head,
        last_message_at: ticket.last_message_at,
        last_message_preview: ticket.last_message_preview.clone(),
        last_message_inbound: ticket.last_message_inbound,
        waiting_since: ticket.waiting_since,
        created_at: ticket.created_at,
        updated_at: ticket.updated_at,
        closed_at: ticket.closed_at,
        version: ticket.version,
    })
}

fn seen(row: &tickets::Model, version: i64) -> Condition {
    Condition::all()
        .add(tickets::Column::Id.eq(row.id))
        .add(tickets::Column::TenantId.eq(row.tenant_id))
        .add(tickets::Column::Version.eq(version))
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: TicketId,
) -> Result<Option<Ticket>, StoreError> {
    let row = tickets::Entity::find_by_id(id.uuid())
        .filter(tickets::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(db: &impl Db, tenant: TenantId, id: TicketId) -> Result<Ticket, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("ticket"))
}

/// Reads the row and keeps others from changing it until this transaction ends.
pub async fn lock(tx: &Tx, tenant: TenantId, id: TicketId) -> Result<Ticket, StoreError> {
    let row = tickets::Entity::find_by_id(id.uuid())
        .filter(tickets::Column::TenantId.eq(tenant.uuid()))
        .lock_exclusive()
        .fetch_one(tx.conn())
        .await?;
    row.map(read)
        .transpose()?
        .ok_or(StoreError::not_found("ticket"))
}

/// Those of the given ids that exist, for batched edges.
pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[TicketId],
) -> Result<Vec<Ticket>, StoreError> {
    let rows = tickets::Entity::find()
        .filter(row::belongs(tickets::Column::TenantId, tenant))
        .filter(tickets::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// By the small number people say aloud.
pub async fn by_number(
    db: &impl Db,
    tenant: TenantId,
    number: i64,
) -> Result<Option<Ticket>, StoreError> {
    let row = tickets::Entity::find()
        .filter(tickets::Column::TenantId.eq(tenant.uuid()))
        .filter(tickets::Column::Number.eq(number))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// The newest tickets of a contact, whatever their status.
pub async fn of_contact(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
    limit: u64,
) -> Result<Vec<Ticket>, StoreError> {
    let rows = tickets::Entity::find()
        .filter(tickets::Column::TenantId.eq(tenant.uuid()))
        .filter(tickets::Column::ContactId.eq(contact.uuid()))
        .order_by_desc(tickets::Column::LastMessageAt)
        .order_by_desc(tickets::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// The open case a new thread of this contact joins.
pub async fn newest_open_of_contact(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
) -> Result<Option<Ticket>, StoreError> {
    let row = tickets::Entity::find()
        .filter(tickets::Column::TenantId.eq(tenant.uuid()))
        .filter(tickets::Column::ContactId.eq(contact.uuid()))
        .filter(tickets::Column::Status.ne(TicketStatus::Closed.as_str()))
        .order_by_desc(tickets::Column::LastMessageAt)
        .order_by_desc(tickets::Column::Id)
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// Whom a note mentioned: they see the ticket, whatever its queue.
pub async fn mentioned(
    db: &impl Db,
    tenant: TenantId,
    ticket: TicketId,
) -> Result<Vec<UserId>, StoreError> {
    let rows = ticket_mentions::Entity::find()
        .filter(ticket_mentions::Column::TenantId.eq(tenant.uuid()))
        .filter(ticket_mentions::Column::TicketId.eq(ticket.uuid()))
        .order_by_asc(ticket_mentions::Column::UserId)
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(|row| row.user_id.into()).collect())
}

/// Mentions people; once is enough.
pub async fn mention(
    tx: &Tx,
    tenant: TenantId,
    ticket: TicketId,
    users: &[UserId],
) -> Result<(), StoreError> {
    if users.is_empty() {
        return Ok(());
    }
    let rows = users.iter().map(|user| {
        ticket_mentions::Model {
            tenant_id: tenant.uuid(),
            ticket_id: ticket.uuid(),
            user_id: user.uuid(),
        }
        .into_active_model()
    });
    let key = [
        ticket_mentions::Column::TicketId,
        ticket_mentions::Column::UserId,
    ];
    ticket_mentions::Entity::insert_many(rows)
        .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
        .run(tx.conn())
        .await?;
    Ok(())
}

/// The next number of the tenant. Tickets of one tenant are made one after the other from here to
/// their commit; nobody else waits.
pub async fn next_number(tx: &Tx, tenant: TenantId) -> Result<i64, StoreError> {
    let last = ticket_numbers::Column::Last;
    let more = Expr::col((ticket_numbers::Entity, last)).add(1);
    let next = OnConflict::column(ticket_numbers::Column::TenantId)
        .value(last, more)
        .to_owned();
    let insert = Query::insert()
        .into_table(ticket_numbers::Entity)
        .columns([ticket_numbers::Column::TenantId, last])
        .values([tenant.uuid().into(), 1i64.into()])
        .map_err(StoreError::internal)?
        .on_conflict(next)
        .returning_col(last)
        .to_owned();
    let row = tx.conn().row(&insert).await?;
    row.ok_or(StoreError::not_found("ticket number"))?.first()
}

/// A new ticket with its number; the caller counts it and emits it.
pub async fn insert(tx: &Tx, ticket: &Ticket) -> Result<(), StoreError> {
    row::insert(tx, row(ticket)?).await
}

/// Writes the ticket if its version is still the one that was read; returns it with the next one.
pub async fn update(tx: &Tx, mut ticket: Ticket) -> Result<Ticket, StoreError> {
    let version = ticket.version;
    ticket.version += 1;
    let row = row(&ticket)?;
    let seen = seen(&row, version);
    row::replace(tx, row, seen, "ticket").await?;
    Ok(ticket)
}
