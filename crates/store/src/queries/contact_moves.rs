//! Which contacts an identity or a ticket came through by merges, newest move on top.

use crate::db::Sealed as _;
use crate::queries::row;
use crate::queries::tickets;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{contact_moves, tickets as ticket_rows};
use crate::{Db, StoreError, Tx};
use domain::ticket::Ticket;
use domain::{ContactId, IdentityId, TenantId, TicketId};
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

/// What a merge moves by name. Conversations follow their identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    Identity(IdentityId),
    Ticket(TicketId),
}

impl Node {
    const fn uuid(self) -> Uuid {
        match self {
            Self::Identity(id) => id.uuid(),
            Self::Ticket(id) => id.uuid(),
        }
    }
}

/// `node` leaves `from`.
pub async fn push(
    tx: &Tx,
    tenant: TenantId,
    node: Node,
    from: ContactId,
) -> Result<(), StoreError> {
    let top = stack(tx, tenant, node)
        .await?
        .first()
        .map_or(0, |row| row.ordinal);
    let row = contact_moves::Model {
        tenant_id: tenant.uuid(),
        node_id: node.uuid(),
        contact_id: from.uuid(),
        ordinal: top + 1,
    };
    row::insert(tx, row).await
}

/// `node` is back at `contact`: forgets that move and all later ones. Answers the contact it had
/// come from before that, if any.
pub async fn pop_to(
    tx: &Tx,
    tenant: TenantId,
    node: Node,
    contact: ContactId,
) -> Result<Option<ContactId>, StoreError> {
    let stack = stack(tx, tenant, node).await?;
    let Some(back) = stack.iter().find(|row| row.contact_id == contact.uuid()) else {
        return Ok(stack.first().map(|row| row.contact_id.into()));
    };
    contact_moves::Entity::delete_many()
        .filter(contact_moves::Column::TenantId.eq(tenant.uuid()))
        .filter(contact_moves::Column::NodeId.eq(node.uuid()))
        .filter(contact_moves::Column::Ordinal.gte(back.ordinal))
        .run(tx.conn())
        .await?;
    let below = stack.iter().find(|row| row.ordinal < back.ordinal);
    Ok(below.map(|row| row.contact_id.into()))
}

async fn stack(
    db: &impl Db,
    tenant: TenantId,
    node: Node,
) -> Result<Vec<contact_moves::Model>, StoreError> {
    contact_moves::Entity::find()
        .filter(contact_moves::Column::TenantId.eq(tenant.uuid()))
        .filter(contact_moves::Column::NodeId.eq(node.uuid()))
        .order_by_desc(contact_moves::Column::Ordinal)
        .fetch_all(db.conn())
        .await
}

/// Identities that left `contact`.
pub async fn identities_from(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
) -> Result<Vec<domain::contact::Identity>, StoreError> {
    use crate::tables::identities;
    let rows = identities::Entity::find()
        .filter(row::belongs(identities::Column::TenantId, tenant))
        .filter(identities::Column::Id.in_subquery(nodes(contact)))
        .order_by_asc(identities::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter()
        .map(crate::queries::identities::read)
        .collect()
}

/// Up to `limit` tickets that left `contact`.
pub async fn tickets_from(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
    limit: u64,
) -> Result<Vec<Ticket>, StoreError> {
    let rows = ticket_rows::Entity::find()
        .filter(row::belongs(ticket_rows::Column::TenantId, tenant))
        .filter(ticket_rows::Column::Id.in_subquery(nodes(contact)))
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(tickets::read).collect()
}

fn nodes(contact: ContactId) -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(contact_moves::Column::NodeId)
        .from(contact_moves::Entity)
        .and_where(contact_moves::Column::ContactId.eq(contact.uuid()))
        .to_owned()
}
