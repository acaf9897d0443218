//! Calls, read for tickets and lists. Telephony writes them.

use crate::queries::scope::Scope;
use crate::run::Fetch as _;
use crate::tables::{calls, tickets, word};
use crate::{Db, StoreError};
use domain::call::Call;
use domain::{CallId, TenantId, TicketId};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

fn read(row: calls::Model) -> Result<Call, StoreError> {
    Ok(Call {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        ticket_id: row.ticket_id.into(),
        conversation_id: row.conversation_id.into(),
        contact_id: row.contact_id.into(),
        direction: word(&row.direction)?,
        state: word(&row.state)?,
        agent_id: row.agent_id.map(Into::into),
        started_at: row.started_at,
        answered_at: row.answered_at,
        ended_at: row.ended_at,
        version: row.version,
    })
}

/// The calls of the given tickets, oldest first.
pub async fn of_tickets(
    db: &impl Db,
    tenant: TenantId,
    ids: &[TicketId],
) -> Result<Vec<Call>, StoreError> {
    let rows = calls::Entity::find()
        .filter(calls::Column::TenantId.eq(tenant.uuid()))
        .filter(calls::Column::TicketId.is_in(ids.iter().map(|id| id.uuid())))
        .order_by_asc(calls::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// Calls the viewer sees, newest first, `before` exclusive.
pub async fn page(
    db: &impl Db,
    tenant: TenantId,
    scope: &Scope,
    before: Option<CallId>,
    limit: u64,
) -> Result<Vec<Call>, StoreError> {
    let visible = Query::select()
        .column(tickets::Column::Id)
        .from(tickets::Entity)
        .and_where(tickets::Column::TenantId.eq(tenant.uuid()))
        .cond_where(scope.condition())
        .to_owned();
    let mut query = calls::Entity::find()
        .filter(calls::Column::TenantId.eq(tenant.uuid()))
        .filter(calls::Column::TicketId.in_subquery(visible));
    if let Some(before) = before {
        query = query.filter(calls::Column::Id.lt(before.uuid()));
    }
    let rows = query
        .order_by_desc(calls::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}
