//! Which index ranges make up a list.

use super::{Assigned, MATCHES_MAX, TicketFilter, TicketSort, Viewer};
use crate::queries::row::belongs;
use crate::queries::scope::{Scope, mentions_of};
use crate::queries::{search, tickets as rows};
use crate::tables::tickets;
use domain::ticket::TicketStatus;
use domain::{QueueId, UserId};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
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
                Range::Everything
                    if filter.statuses.is_empty()
                        && filter.tag.is_none()
                        && sort != TicketSort::Priority =>
                {
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

/// A row of it is a ticket with one of its tags, under the names of the columns of `tickets`: read
/// in their stead, it is the same list and finds only what has the tag.
const TAGGED: &str = "ticket_tags";

/// Whether the range is read within the tag. A contact names few tickets already.
const fn is_within_tag(range: Range) -> bool {
    !matches!(range, Range::Contact)
}

/// For tickets that are found by something else than their tag.
fn has_tag(tag: &str) -> Expr {
    let of = |column| Expr::col((Alias::new(TAGGED), Alias::new(column)));
    let found = Query::select()
        .expr(Expr::val(1))
        .from(Alias::new(TAGGED))
        .and_where(of("id").eq(Expr::col((tickets::Entity, tickets::Column::Id))))
        .and_where(of("tag").eq(tag))
        .to_owned();
    Expr::exists(found)
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
    let tag = filter.tag.as_deref().filter(|_| is_within_tag(range));
    match tag {
        Some(tag) => select
            .from_as(Alias::new(TAGGED), tickets::Entity)
            .and_where(Expr::col((tickets::Entity, Alias::new("tag"))).eq(tag)),
        None => select.from(tickets::Entity),
    };
    select.and_where(match range {
        Range::NobodysIn(_) if tag.is_some() => tickets::Column::TenantId.eq(viewer.tenant.uuid()),
        Range::Mentioning(_) | Range::NobodysIn(_) => {
            belongs(tickets::Column::TenantId, viewer.tenant)
        }
        _ => tickets::Column::TenantId.eq(viewer.tenant.uuid()),
    });
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
    select.cond_where(rest(viewer, filter, sort, rank, range, status));
    select
}

/// What is asked beyond the range. What the range implies is not said again: databases that
/// estimate would multiply the same condition into "almost none" and sort instead of walking.
fn rest(
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    sort: TicketSort,
    rank: i64,
    range: Range,
    status: Option<TicketStatus>,
) -> Condition {
    use tickets::Column;
    let mut all = Condition::all();
    if !is_in_scope(viewer, range) {
        all = all.add(viewer.scope.condition());
    }
    if status.is_none() && !filter.statuses.is_empty() {
        all = all.add(Column::Status.is_in(filter.statuses.iter().map(|s| s.as_str())));
    }
    match (&filter.assigned, range) {
        (Assigned::Anyone, _) | (Assigned::Nobody, Range::NobodysIn(_)) | (_, Range::Of(_)) => {}
        (Assigned::Nobody, _) => all = all.add(Column::AssigneeId.is_null()),
        (Assigned::To(user), _) => all = all.add(Column::AssigneeId.eq(user.uuid())),
    }
    let in_queue = matches!(range, Range::Queue(_) | Range::NobodysIn(_));
    if let Some(queue) = filter.queue.filter(|_| !in_queue) {
        all = all.add(Column::QueueId.eq(queue.uuid()));
    }
    if let Some(contact) = filter.contact.filter(|_| !matches!(range, Range::Contact)) {
        all = all.add(Column::ContactId.eq(contact.uuid()));
    }
    if let Some(priority) = filter.priority {
        all = all.add(Column::Priority.eq(rows::priority_rank(priority)));
    }
    if sort == TicketSort::Priority {
        all = all.add(Column::Priority.eq(rank));
    }
    if let Some(channel) = &filter.channel {
        all = all.add(Column::Channel.eq(channel.as_str()));
    }
    if let Some(tag) = filter.tag.as_deref().filter(|_| !is_within_tag(range)) {
        all = all.add(has_tag(tag));
    }
    let waiting = (sort == TicketSort::WaitingLongest).then_some(rank == 1);
    for waiting in [filter.waiting, waiting].into_iter().flatten() {
        all = all.add(if waiting {
            Column::WaitingSince.is_not_null()
        } else {
            Column::WaitingSince.is_null()
        });
    }
    all
}

/// Whether the viewer sees everything in the range.
fn is_in_scope(viewer: Viewer<'_>, range: Range) -> bool {
    match (viewer.scope, range) {
        (Scope::Tenant, _)
        | (Scope::Agent { .. }, Range::Queue(_) | Range::NobodysIn(_) | Range::Mentioning(_)) => {
            true
        }
        (Scope::Agent { user, .. }, Range::Of(of)) => *user == of,
        (Scope::Agent { .. }, Range::Everything | Range::Contact | Range::Waiting) => false,
    }
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
    found.cond_where(rest(viewer, filter, sort, rank, Range::Everything, None));
    if let Some(tag) = &filter.tag {
        found.and_where(has_tag(tag));
    }
    found.limit(MATCHES_MAX);
    let mut select = Query::select();
    select
        .from(tickets::Entity)
        .and_where(tickets::Column::Id.in_subquery(found));
    select
}
