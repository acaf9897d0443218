//! Pages and numbers of tickets: what the inbox shows.
//!
//! A list is the merge of *streams*. Each stream is one range of one index that is already in the
//! list's order and stops after a page, so a page costs the same at a thousand and at a million
//! tickets: an agent of five queues reads five short ranges per status, never the table.

mod streams;

use crate::queries::scope::{self, Scope};
use crate::queries::search::Match;
use crate::tables::tickets;
use crate::{Db, StoreError};
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::{ContactId, QueueId, TenantId, TicketId, Time, UserId};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement, UnionType};
use std::collections::BTreeMap;
use streams::{ID, KEY, RANK, Streams};

/// The order of a list; each ends in the id, so that it is total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketSort {
    /// Newest activity first.
    Newest,
    Oldest,
    /// The customer who waits longest first; then, newest first, those nobody waits in.
    WaitingLongest,
    /// Most urgent first, within it newest activity first.
    Priority,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum Assigned {
    #[default]
    Anyone,
    Nobody,
    To(UserId),
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketFilter {
    /// Empty: whatever the status.
    pub statuses: Vec<TicketStatus>,
    pub queue: Option<QueueId>,
    pub assigned: Assigned,
    pub contact: Option<ContactId>,
    pub tag: Option<String>,
    pub priority: Option<Priority>,
    pub channel: Option<String>,
    /// Whether a customer waits for an answer.
    pub waiting: Option<bool>,
    /// Words the ticket must hold. Only the [`MATCHES_MAX`] most recently active matches are listed.
    pub words: Option<Match>,
}

impl TicketFilter {
    /// Nothing is asked but status, queue and assignee: the counters know the number exactly.
    pub fn is_named_view(&self) -> bool {
        let Self {
            contact,
            tag,
            priority,
            channel,
            waiting,
            words,
            ..
        } = self;
        contact.is_none()
            && tag.is_none()
            && priority.is_none()
            && channel.is_none()
            && waiting.is_none()
            && words.is_none()
    }
}

/// The place of a row in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Priority, or 1 and 0 for waiting and not waiting; 0 where the order has no ranks.
    pub rank: i64,
    pub at: Time,
    pub id: TicketId,
}

/// Where a page begins and how long it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub after: Option<Place>,
    pub offset: u64,
    pub limit: u64,
}

/// Matches a search lists, newest activity first.
pub const MATCHES_MAX: u64 = 1_001;

/// Who looks, and the queues there are (the list of nobody's tickets is a merge over them).
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    pub tenant: TenantId,
    pub scope: &'a Scope,
    pub queues: &'a [QueueId],
}

/// One page with the place of each row.
pub async fn page(
    db: &impl Db,
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    sort: TicketSort,
    window: Window,
) -> Result<Vec<(Place, Ticket)>, StoreError> {
    let mut places = Vec::new();
    let mut window = window;
    for rank in ranks(sort) {
        if window.limit == 0 {
            break;
        }
        // A cursor inside a later rank has passed this one.
        if window.after.is_some_and(|after| after.rank < *rank) {
            continue;
        }
        let streams = Streams::of(db.conn().backend(), viewer, filter, sort, *rank);
        let inside = window.after.filter(|after| after.rank == *rank);
        let statement = merge(
            &streams,
            sort,
            *rank,
            Window {
                after: inside,
                ..window
            },
        );
        let found = read_places(db, &statement, *rank).await?;
        window.limit -= found.len() as u64;
        if found.is_empty() && window.offset > 0 && ranks(sort).len() > 1 {
            let skipped = count_streams(db, &streams, window.offset).await?;
            window.offset -= skipped;
        } else if !found.is_empty() {
            window.offset = 0;
        }
        places.extend(found);
    }
    with_rows(db, viewer, places).await
}

/// What [`page`] asks for one rank, for the test that reads its plan.
#[cfg(test)]
pub(crate) fn statement(
    backend: sea_orm::DbBackend,
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    sort: TicketSort,
    rank: i64,
    window: Window,
) -> SelectStatement {
    let streams = Streams::of(backend, viewer, filter, sort, rank);
    merge(&streams, sort, rank, window)
}

/// Up to `max` tickets of the list.
pub async fn count(
    db: &impl Db,
    viewer: Viewer<'_>,
    filter: &TicketFilter,
    max: u64,
) -> Result<u64, StoreError> {
    let streams = Streams::of(db.conn().backend(), viewer, filter, TicketSort::Newest, 0);
    count_streams(db, &streams, max).await
}

/// Orders with ranks are walked rank by rank, highest first: each rank is a list of its own.
const fn ranks(sort: TicketSort) -> &'static [i64] {
    match sort {
        TicketSort::Newest | TicketSort::Oldest => &[0],
        TicketSort::WaitingLongest => &[1, 0],
        TicketSort::Priority => &[3, 2, 1, 0],
    }
}

/// Which column orders a rank, and in which direction.
const fn order(sort: TicketSort, rank: i64) -> (tickets::Column, Order) {
    match (sort, rank) {
        (TicketSort::Oldest, _) => (tickets::Column::LastMessageAt, Order::Asc),
        (TicketSort::WaitingLongest, 1) => (tickets::Column::WaitingSince, Order::Asc),
        _ => (tickets::Column::LastMessageAt, Order::Desc),
    }
}

/// The streams, each cut to what the page can need, then merged and cut again. `UNION` drops the
/// row that two streams found.
fn merge(streams: &Streams, sort: TicketSort, rank: i64, window: Window) -> SelectStatement {
    let (column, direction) = order(sort, rank);
    let mut parts = streams.parts.iter().map(|part| {
        let mut part = part.clone();
        part.expr_as(Expr::col((tickets::Entity, tickets::Column::Id)), ID)
            .expr_as(Expr::col((tickets::Entity, column)), KEY);
        if let Some(after) = window.after {
            part.and_where(beyond(column, &direction, after));
        }
        if !streams.is_bounded {
            part.order_by((tickets::Entity, column), direction.clone())
                .order_by((tickets::Entity, tickets::Column::Id), direction.clone())
                .limit(window.offset + window.limit);
        }
        Query::select()
            .columns([ID, KEY])
            .from_subquery(part, Alias::new("stream"))
            .to_owned()
    });
    let Some(mut union) = parts.next() else {
        return nothing();
    };
    for part in parts {
        union.union(UnionType::Distinct, part);
    }
    Query::select()
        .columns([ID, KEY])
        .from_subquery(union, Alias::new("merged"))
        .order_by(KEY, direction.clone())
        .order_by(ID, direction)
        .limit(window.limit)
        .offset(window.offset)
        .to_owned()
}

fn beyond(column: tickets::Column, direction: &Order, after: Place) -> Expr {
    let row = Expr::tuple([
        Expr::col((tickets::Entity, column)),
        Expr::col((tickets::Entity, tickets::Column::Id)),
    ]);
    let place = Expr::tuple([Expr::val(after.at), Expr::val(after.id.uuid())]);
    match direction {
        Order::Asc => row.gt(place),
        _ => row.lt(place),
    }
}

fn nothing() -> SelectStatement {
    Query::select()
        .expr_as(Expr::col(tickets::Column::Id), ID)
        .expr_as(Expr::col(tickets::Column::LastMessageAt), KEY)
        .from(tickets::Entity)
        .and_where(Expr::val(1).eq(0))
        .to_owned()
}

async fn read_places(
    db: &impl Db,
    statement: &SelectStatement,
    rank: i64,
) -> Result<Vec<Place>, StoreError> {
    let rows = db.conn().rows(statement).await?;
    rows.iter()
        .map(|row| {
            let id: uuid::Uuid = row.get(ID)?;
            Ok(Place {
                rank,
                at: row.get(KEY)?,
                id: id.into(),
            })
        })
        .collect()
}

/// Rows are read after their places. One that left the viewer's scope in between is left out.
async fn with_rows(
    db: &impl Db,
    viewer: Viewer<'_>,
    places: Vec<Place>,
) -> Result<Vec<(Place, Ticket)>, StoreError> {
    let ids: Vec<TicketId> = places.iter().map(|place| place.id).collect();
    let rows = scope::tickets(db, viewer.tenant, viewer.scope, &ids).await?;
    let mut rows: BTreeMap<TicketId, Ticket> = rows.into_iter().map(|t| (t.id, t)).collect();
    Ok(places
        .into_iter()
        .filter_map(|place| Some((place, rows.remove(&place.id)?)))
        .collect())
}

async fn count_streams(db: &impl Db, streams: &Streams, max: u64) -> Result<u64, StoreError> {
    let mut parts = streams.parts.iter().map(|part| {
        let mut part = part.clone();
        part.expr_as(Expr::col((tickets::Entity, tickets::Column::Id)), ID);
        if !streams.is_bounded {
            part.limit(max);
        }
        Query::select()
            .column(ID)
            .from_subquery(part, Alias::new("stream"))
            .to_owned()
    });
    let Some(mut union) = parts.next() else {
        return Ok(0);
    };
    for part in parts {
        union.union(UnionType::Distinct, part);
    }
    let some = Query::select()
        .column(ID)
        .from_subquery(union, Alias::new("merged"))
        .limit(max)
        .to_owned();
    let statement = Query::select()
        .expr_as(Expr::col(ID).count(), RANK)
        .from_subquery(some, Alias::new("counted"))
        .to_owned();
    let row = db.conn().row(&statement).await?;
    let n: i64 = row.ok_or(StoreError::not_found("count"))?.get(RANK)?;
    Ok(u64::try_from(n).unwrap_or(0))
}
