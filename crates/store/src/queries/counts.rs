//! The cells of the ticket counters that a viewer sees; named views sum them.

use crate::counters::Count;
use crate::queries::row::belongs;
use crate::queries::scope::{Scope, mentions_of};
use crate::run::Fetch as _;
use crate::tables::{ticket_counts, tickets, word};
use crate::{Db, StoreError};
use domain::{QueueId, TenantId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use uuid::Uuid;

/// Exact: an agent's cells are those of her queues and her own, and the few tickets that only
/// mention her are counted one by one.
pub async fn visible(
    db: &impl Db,
    tenant: TenantId,
    scope: &Scope,
) -> Result<Vec<Count>, StoreError> {
    let query = ticket_counts::Entity::find()
        .filter(ticket_counts::Column::TenantId.eq(tenant.uuid()))
        .filter(ticket_counts::Column::N.ne(0));
    let Scope::Agent { user, queues } = scope else {
        return query
            .fetch_all(db.conn())
            .await?
            .into_iter()
            .map(read)
            .collect();
    };
    let hers = Condition::any()
        .add(ticket_counts::Column::QueueId.is_in(queues.iter().map(|id| id.uuid())))
        .add(ticket_counts::Column::AssigneeId.eq(user.uuid()));
    let rows = query.filter(hers).fetch_all(db.conn()).await?;
    let mut cells: Vec<Count> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    cells.extend(only_mentioning(db, tenant, *user, queues).await?);
    Ok(cells)
}

fn read(row: ticket_counts::Model) -> Result<Count, StoreError> {
    Ok(Count {
        queue: row.queue_id.into(),
        assignee: (!row.assignee_id.is_nil()).then(|| row.assignee_id.into()),
        status: word(&row.status)?,
        n: row.n,
    })
}

async fn only_mentioning(
    db: &impl Db,
    tenant: TenantId,
    user: UserId,
    queues: &[QueueId],
) -> Result<Vec<Count>, StoreError> {
    use tickets::Column::{AssigneeId, Id, QueueId as Queue, Status, TenantId as Tenant};
    let not_hers = Condition::any()
        .add(AssigneeId.is_null())
        .add(AssigneeId.ne(user.uuid()));
    let cells = [Queue, AssigneeId, Status];
    let statement = Query::select()
        .columns(cells)
        .expr_as(Expr::col(Id).count(), "n")
        .from(tickets::Entity)
        .and_where(belongs(Tenant, tenant))
        .and_where(Id.in_subquery(mentions_of(user)))
        .and_where(Queue.is_not_in(queues.iter().map(|id| id.uuid())))
        .cond_where(not_hers)
        .group_by_columns(cells)
        .to_owned();
    let rows = db.conn().rows(&statement).await?;
    rows.iter()
        .map(|row| {
            let queue: Uuid = row.get("queue_id")?;
            let assignee: Option<Uuid> = row.get("assignee_id")?;
            let status: String = row.get("status")?;
            Ok(Count {
                queue: queue.into(),
                assignee: assignee.map(Into::into),
                status: word(&status)?,
                n: row.get("n")?,
            })
        })
        .collect()
}
