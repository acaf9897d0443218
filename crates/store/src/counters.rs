//! Exact ticket counts per queue, assignee and status, kept by deltas that the flush applies.

use crate::db::Db;
use crate::error::StoreError;
use crate::run::Fetch as _;
use crate::tables::{ticket_counts, word};
use domain::ticket::{Ticket, TicketStatus};
use domain::{QueueId, TenantId, UserId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

/// `n` more (or fewer) tickets in this cell of the named views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountDelta {
    pub queue: QueueId,
    pub assignee: Option<UserId>,
    pub status: TicketStatus,
    pub n: i64,
}

impl CountDelta {
    /// The deltas of a ticket that changed from `before` to `after`; `None` means it was or is not there.
    pub fn of_change(before: Option<&Ticket>, after: Option<&Ticket>) -> Vec<Self> {
        let cell = |ticket: &Ticket, n| Self {
            queue: ticket.queue_id,
            assignee: ticket.assignee_id,
            status: ticket.status,
            n,
        };
        let (left, joined) = (before.map(|t| cell(t, -1)), after.map(|t| cell(t, 1)));
        match (left, joined) {
            (Some(a), Some(b))
                if (a.queue, a.assignee, a.status) == (b.queue, b.assignee, b.status) =>
            {
                Vec::new()
            }
            (left, joined) => left.into_iter().chain(joined).collect(),
        }
    }
}

/// One cell of the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    pub queue: QueueId,
    pub assignee: Option<UserId>,
    pub status: TicketStatus,
    pub n: i64,
}

/// All cells of the tenant that are not empty; named views sum them.
pub async fn counts(db: &impl Db, tenant: TenantId) -> Result<Vec<Count>, StoreError> {
    let rows = ticket_counts::Entity::find()
        .filter(ticket_counts::Column::TenantId.eq(tenant.uuid()))
        .filter(ticket_counts::Column::N.ne(0))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Count {
                queue: row.queue_id.into(),
                assignee: (!row.assignee_id.is_nil()).then(|| row.assignee_id.into()),
                status: word(&row.status)?,
                n: row.n,
            })
        })
        .collect()
}
