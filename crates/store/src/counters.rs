//! Exact ticket counts per queue, assignee and status, kept by deltas that the flush applies.

use domain::ticket::{Ticket, TicketStatus};
use domain::{QueueId, UserId};

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
