//! Which index ranges make up a list.

use super::{Assigned, MATCHES_MAX, TicketFilter, TicketSort, Viewer};
use crate::queries::scope::{Scope, mentions_of};
use crate::queries::{search, tickets as rows};
use crate::tables::tickets;
use domain::ticket::TicketStatus;
use domain::{QueueId, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, IntoCondition, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, DbBackend};

pub(super) const ID: &str = "id";
pub(super) const KEY: &str = "sort_key";
pub(super) const RANK: &str = "n";

/// More ranges than this cost more than one walk over the tenant with a condition.
const STREAMS_MAX: usize = 128;

pub(super) struct Streams {
    pub parts: Vec<SelectStatement>,
    /// The parts have chosen their rows already and must not be cut again.
    pub is_bounded: bool,
}

/// Equal conditions that lead an index, as a place among tickets.
#[derive(Clone, Copy)]
enum Range {
    Everything,
    Queue(QueueId),
    NobodysIn(QueueId),
    Of(UserId),
    Mentioning(UserId),
    Contact,
    Waiting,
}

/// A condition that is checked on each row and never chosen as an index range.
pub(super) fn residual(condition: impl IntoCondition) -> Expr {
    Expr::case(condition, Expr::val(1))
        .finally(Expr::val(0))
        .eq(Expr::val(1))
}

impl Streams {
    pub fn of(
        backend: DbBackend,
        viewer: Viewer<'_>,
        filter: &TicketFilter,
        sort: TicketSort,
        rank: i64,
    ) -> Self {
        if let Some(words) = &filter.words {
            return Self {
                parts: vec![matches(backend, viewer, filter, sort, rank, words)],
                is_bounded: true,
            };
        }
        let ranges = ranges(viewer, filter, sort, rank);
        let mut parts = Vec::new();
        for range in ranges {
            let all: &[TicketStatus] = if filter.statuses.is_empty() {
                TicketStatus::ALL
            } else {
                &filter.statuses
            };
            match range {
                Range::Contact | Range::Mentioning(_) | Range::Waiting => {
                    parts.push(part(viewer, filter, sort, rank, range, None));
                }
                Range::Everything if filter.statuses.is_empty() && sort != TicketSort::Priority => {
                    parts.push(part(viewer, filter, sort, rank, range, None));
                }
                _ => parts.extend(
                    all.iter()
                        .map(|status| part(viewer, filter, sort, rank, range, Some(*status))),
                ),
            }
        }
        Self {
            parts,
            is_bounded: false,
        }
    }
}

fn ranges(viewer: Viewer<'_>, filter: &TicketFilter, sort: TicketSort, rank: i64) -> Vec<Range> {
    if filter.contact.is_some() {
        return vec![Range::Contact];
    }
    if filter.waiting == Some(true) || (sort, rank) == (TicketSort::WaitingLongest, 1) {
        // Few wait at any time, whatever else is asked.
        return vec![Range::Waiting];
    }
    if let Assigned::To(user) = filter.assigned {
        return vec![Range::Of(user)];
    }
    if sort == TicketSort::Priority {
        return vec![Range::Everything];
    }
    let nobodys = filter.assigned == Assigned::Nobody;
    let queue = |id: &QueueId| {
        if nobodys {
            Range::NobodysIn(*id)
        } else {
            Range::Queue(*id)
        }
    };
    let asked = |id: &&QueueId| filter.queue.is_none_or(|queue| queue == **id);
    let ranges = match viewer.scope {
        Scope::Tenant if filter.queue.is_none() && !nobodys => vec![Range::Everything],
        Scope::Tenant => viewer.queues.iter().filter(asked).map(queue).collect(),
        Scope::Agent { user, queues } => {
            let mut ranges: Vec<Range> = queues.iter().filter(asked).map(queue).collect();
            if !nobodys {
                ranges.push(Range::Of(*user));
            }
            ranges.push(Range::Mentioning(*user));
            ranges
        }
    };
    let statuses = match filter.statuses.len() {
        0 => TicketStatus::ALL.len(),
        n => n,
    };
    if ranges.len() * statuses > STREAMS_MAX {
        return vec![Range::Everything];
    }
    ranges
}

fn part(
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    sort: TicketSort,
    rank: i64,
    range: Range,
    status: Option<TicketStatus>,
) -> SelectStatement {
    let mut select = Query::select();
    select.from(tickets::Entity);
    select.and_where(tickets::Column::TenantId.eq(viewer.tenant.uuid()));
    if let Some(status) = status {
        select.and_where(tickets::Column::Status.eq(status.as_str()));
    }
    match range {
        Range::Everything => {}
        Range::Queue(queue) => {
            select.and_where(tickets::Column::QueueId.eq(queue.uuid()));
        }
        Range::NobodysIn(queue) => {
            select.and_where(tickets::Column::QueueId.eq(queue.uuid()));
            select.and_where(tickets::Column::AssigneeId.is_null());
        }
        Range::Of(user) => {
            select.and_where(tickets::Column::AssigneeId.eq(user.uuid()));
        }
        Range::Mentioning(user) => {
            select.and_where(tickets::Column::Id.in_subquery(mentions_of(user)));
        }
        Range::Contact => {
            let contact = filter.contact.map(|id| id.uuid());
            select.and_where(tickets::Column::ContactId.eq(contact));
        }
        Range::Waiting => {
            select.and_where(tickets::Column::WaitingSince.is_not_null());
        }
    }
    if sort == TicketSort::Priority {
        let by_index = matches!(range, Range::Everything);
        let is = tickets::Column::Priority.eq(rank);
        select.and_where(if by_index { is } else { residual(is) });
    }
    select.and_where(residual(rest(viewer, filter, sort, rank)));
    select
}

/// Everything that is asked. A range repeats some of it, which costs nothing.
fn rest(viewer: Viewer<'_>, filter: &TicketFilter, sort: TicketSort, rank: i64) -> Condition {
    use tickets::Column;
    let mut all = viewer.scope.condition();
    all = Condition::all().add(all);
    if !filter.statuses.is_empty() {
        all = all.add(Column::Status.is_in(filter.statuses.iter().map(|s| s.as_str())));
    }
    match filter.assigned {
        Assigned::Anyone => {}
        Assigned::Nobody => all = all.add(Column::AssigneeId.is_null()),
        Assigned::To(user) => all = all.add(Column::AssigneeId.eq(user.uuid())),
    }
    if let Some(queue) = filter.queue {
        all = all.add(Column::QueueId.eq(queue.uuid()));
    }
    if let Some(contact) = filter.contact {
        all = all.add(Column::ContactId.eq(contact.uuid()));
    }
    if let Some(priority) = filter.priority {
        all = all.add(Column::Priority.eq(rows::priority_rank(priority)));
    }
    if let Some(channel) = &filter.channel {
        all = all.add(Column::Channel.eq(channel.as_str()));
    }
    if let Some(tag) = &filter.tag {
        all = all.add(search::has_tag(tag));
    }
    let waiting = match sort {
        TicketSort::WaitingLongest => Some(rank == 1),
        _ => None,
    };
    for waiting in [filter.waiting, waiting].into_iter().flatten() {
        all = all.add(if waiting {
            Column::WaitingSince.is_not_null()
        } else {
            Column::WaitingSince.is_null()
        });
    }
    all.add(Expr::val(1).eq(1))
}

/// The newest matches of a search that fit the filter; sorting happens among them.
fn matches(
    backend: DbBackend,
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    sort: TicketSort,
    rank: i64,
    words: &search::Match,
) -> SelectStatement {
    let mut found = search::tickets_matching(backend, viewer.tenant, words);
    found.and_where(residual(rest(viewer, filter, sort, rank)));
    if sort == TicketSort::Priority {
        found.and_where(residual(tickets::Column::Priority.eq(rank)));
    }
    found.limit(MATCHES_MAX);
    let mut select = Query::select();
    select
        .from(tickets::Entity)
        .and_where(tickets::Column::Id.in_subquery(found));
    select
}
