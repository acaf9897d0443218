//! What a viewer may see, as SQL.
//!
//! Invariant: every read that the API serves goes through one of these conditions; a ticket outside
//! of it is absent, not forbidden.

use crate::queries::row::belongs;
use crate::queries::tickets as rows;
use crate::run::Fetch as _;
use crate::tables::{ticket_mentions, tickets};
use crate::{Db, StoreError};
use domain::ticket::Ticket;
use domain::{QueueId, TenantId, TicketId, UserId};
use sea_orm::sea_query::{IntoCondition, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeSet;

/// Which tickets of a tenant the viewer sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Tenant,
    /// Tickets of her queues, assigned to her, or mentioning her.
    Agent {
        user: UserId,
        queues: Vec<QueueId>,
    },
}

impl Scope {
    pub(crate) fn condition(&self) -> Condition {
        match self {
            Self::Tenant => Condition::all(),
            Self::Agent { user, queues } => Condition::any()
                .add(tickets::Column::QueueId.is_in(queues.iter().map(|id| id.uuid())))
                .add(tickets::Column::AssigneeId.eq(user.uuid()))
                .add(tickets::Column::Id.in_subquery(mentions_of(*user))),
        }
    }
}

/// The tickets in which somebody mentioned `user`.
pub(crate) fn mentions_of(user: UserId) -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(ticket_mentions::Column::TicketId)
        .from(ticket_mentions::Entity)
        .and_where(ticket_mentions::Column::UserId.eq(user.uuid()))
        .to_owned()
}

/// Those of the given tickets that the viewer may see.
pub async fn tickets(
    db: &impl Db,
    tenant: TenantId,
    scope: &Scope,
    ids: &[TicketId],
) -> Result<Vec<Ticket>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tickets::Entity::find()
        .filter(belongs(tickets::Column::TenantId, tenant))
        .filter(tickets::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(scope.condition().into_condition())
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(rows::read).collect()
}

/// Which of the given tickets the viewer may see, without reading their rows.
pub async fn visible(
    db: &impl Db,
    tenant: TenantId,
    scope: &Scope,
    ids: &[TicketId],
) -> Result<BTreeSet<TicketId>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let found: Vec<uuid::Uuid> = tickets::Entity::find()
        .select_only()
        .column(tickets::Column::Id)
        .filter(belongs(tickets::Column::TenantId, tenant))
        .filter(tickets::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(scope.condition().into_condition())
        .fetch_values(db.conn())
        .await?;
    Ok(found.into_iter().map(Into::into).collect())
}
