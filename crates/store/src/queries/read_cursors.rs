//! How far each person has read each ticket, and what is new to her.

use crate::db::Sealed as _;
use crate::queries::row::belongs;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{messages, read_cursors, tickets};
use crate::{Db, StoreError, Tx};
use domain::message::MessageKind;
use domain::{TenantId, TicketId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Func, JoinType, OnConflict, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter};
use std::collections::BTreeMap;

/// Screens show "99+"; counting further would read a thousand messages for one number.
const UNREAD_MAX: i64 = 100;

/// What one person has read of one ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    pub position: i64,
    /// Messages of others after it, at most 100.
    pub unread: i64,
}

/// The reading of each of the given tickets; one she never opened is at position 0.
pub async fn readings(
    db: &impl Db,
    tenant: TenantId,
    user: UserId,
    ids: &[TicketId],
) -> Result<BTreeMap<TicketId, Reading>, StoreError> {
    let mut readings: BTreeMap<TicketId, Reading> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(readings);
    }
    let cursors = read_cursors::Entity::find()
        .filter(read_cursors::Column::TenantId.eq(tenant.uuid()))
        .filter(read_cursors::Column::UserId.eq(user.uuid()))
        .filter(read_cursors::Column::TicketId.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    for row in cursors {
        readings.entry(row.ticket_id.into()).or_default().position = row.position;
    }
    let statement = unread(tenant, user, ids);
    for row in db.conn().rows(&statement).await? {
        let id: uuid::Uuid = row.get("ticket_id")?;
        readings.entry(id.into()).or_default().unread = row.get("n")?;
    }
    Ok(readings)
}

fn unread(tenant: TenantId, user: UserId, ids: &[TicketId]) -> sea_orm::sea_query::SelectStatement {
    use messages::Column;
    let read = Func::coalesce([
        Expr::col((read_cursors::Entity, read_cursors::Column::Position)),
        Expr::val(0),
    ]);
    let head = Expr::col((tickets::Entity, tickets::Column::MessageHead));
    let position = Expr::col((messages::Entity, Column::Position));
    let hers = Condition::all()
        .add(
            read_cursors::Column::TicketId
                .into_expr()
                .eq(tickets::Column::Id.into_expr()),
        )
        .add(read_cursors::Column::UserId.eq(user.uuid()));
    let not_hers = Condition::any()
        .add(Column::AuthorUserId.is_null())
        .add(Column::AuthorUserId.ne(user.uuid()));
    Query::select()
        .column((messages::Entity, Column::TicketId))
        .expr_as(Expr::col((messages::Entity, Column::Id)).count(), "n")
        .from(tickets::Entity)
        .inner_join(
            messages::Entity,
            Column::TicketId
                .into_expr()
                .eq(tickets::Column::Id.into_expr()),
        )
        .join(JoinType::LeftJoin, read_cursors::Entity, hers)
        .and_where(belongs(tickets::Column::TenantId, tenant))
        .and_where(tickets::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .and_where(position.clone().gt(head.sub(UNREAD_MAX)))
        .and_where(position.gt(read))
        .and_where(Column::Kind.ne(MessageKind::System.as_str()))
        .cond_where(not_hers)
        .group_by_col((messages::Entity, Column::TicketId))
        .to_owned()
}

/// She has read up to `position`, or marked the ticket unread from there: a cursor may go back.
pub async fn put(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    ticket: TicketId,
    position: i64,
) -> Result<(), StoreError> {
    let row = read_cursors::Model {
        tenant_id: tenant.uuid(),
        ticket_id: ticket.uuid(),
        user_id: user.uuid(),
        position,
    };
    let key = [read_cursors::Column::TicketId, read_cursors::Column::UserId];
    let replace = OnConflict::columns(key)
        .update_column(read_cursors::Column::Position)
        .to_owned();
    read_cursors::Entity::insert(row.into_active_model())
        .on_conflict(replace)
        .run(tx.conn())
        .await?;
    Ok(())
}
