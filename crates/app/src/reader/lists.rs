//! Pages of tickets, contacts and calls, with opaque cursors.
//!
//! A cursor holds the place of a row in one order, nothing secret; one of another order or a
//! damaged one is refused. Rows that move while somebody pages may be seen twice or at their new
//! place; rows that stay are seen exactly once.

use super::Reader;
use crate::{Error, Result, search};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::call::Call;
use domain::clock::from_micros;
use domain::contact::Contact;
use domain::ticket::Ticket;
use domain::{CallId, ContactId, QueueId, TicketId};
use store::counters::Count;
use store::queries::ticket_lists::{
    self, Assigned, Place, TicketFilter, TicketSort, Viewer, Window,
};
use store::queries::{calls, contact_lists};

/// Numbers beyond this are shown as "more than 1,000".
pub const COUNTED_MAX: u64 = 1_001;
/// Further down only cursors go: an offset reads all it skips.
pub const OFFSET_MAX: u64 = 10_000;

/// What a list is asked for.
#[derive(Debug, Clone)]
pub struct TicketPage {
    pub filter: TicketFilter,
    pub sort: TicketSort,
    /// What a person typed into the search field.
    pub search: Option<String>,
    pub first: usize,
    pub after: Option<String>,
    pub offset: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TicketList {
    /// Each with its cursor.
    pub rows: Vec<(String, Ticket)>,
    pub has_next_page: bool,
    pub has_previous_page: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    pub n: i64,
    pub is_capped: bool,
}

impl Reader {
    pub async fn tickets(&self, page: TicketPage) -> Result<TicketList> {
        let Some(filter) = with_words(page.filter, page.search.as_deref())? else {
            return Ok(TicketList {
                rows: vec![],
                has_next_page: false,
                has_previous_page: false,
            });
        };
        let after = page
            .after
            .as_deref()
            .map(|text| place(text, page.sort))
            .transpose()?;
        let offset = page.offset.unwrap_or(0);
        if offset > OFFSET_MAX || (offset > 0 && after.is_some()) {
            let message = format!("goes to {OFFSET_MAX} and not together with a cursor");
            return Err(Error::invalid("offset", message));
        }
        let window = Window {
            after,
            offset,
            limit: page.first as u64 + 1,
        };
        let queues = self.queue_ids().await?;
        let viewer = self.viewer(&queues).await?;
        let mut rows = ticket_lists::page(self.db(), viewer, &filter, page.sort, window).await?;
        let has_next_page = rows.len() > page.first;
        rows.truncate(page.first);
        let rows = rows
            .into_iter()
            .map(|(place, t)| (cursor(place, page.sort), t))
            .collect();
        let has_previous_page = after.is_some() || offset > 0;
        Ok(TicketList {
            rows,
            has_next_page,
            has_previous_page,
        })
    }

    /// How many tickets a list holds: exact for named views, else counted to [`COUNTED_MAX`].
    pub async fn tickets_total(&self, filter: TicketFilter, search: Option<&str>) -> Result<Total> {
        let Some(filter) = with_words(filter, search)? else {
            return Ok(Total {
                n: 0,
                is_capped: false,
            });
        };
        if filter.is_named_view() {
            let cells = self.count_cells().await?;
            let n = cells
                .iter()
                .filter(|cell| is_in(cell, &filter))
                .map(|cell| cell.n)
                .sum();
            return Ok(Total {
                n,
                is_capped: false,
            });
        }
        let queues = self.queue_ids().await?;
        let viewer = self.viewer(&queues).await?;
        let n = ticket_lists::count(self.db(), viewer, &filter, COUNTED_MAX).await?;
        Ok(Total {
            n: n.min(COUNTED_MAX - 1) as i64,
            is_capped: n >= COUNTED_MAX,
        })
    }

    /// Newest first; merged contacts are shown as the one they became.
    pub async fn contacts(
        &self,
        search: Option<&str>,
        first: usize,
        after: Option<&str>,
    ) -> Result<(Vec<Contact>, bool)> {
        let words = match search.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => match search::question(text) {
                Some(words) => Some(words),
                None => return Ok((Vec::new(), false)),
            },
            None => None,
        };
        let before = after.map(|text| text.parse::<ContactId>()).transpose();
        let before = before.map_err(|_| Error::invalid("after", "this cursor is not ours"))?;
        let limit = first as u64 + 1;
        let mut rows =
            contact_lists::page(self.db(), self.tenant_id(), words.as_ref(), before, limit).await?;
        let more = rows.len() > first;
        rows.truncate(first);
        Ok((rows, more))
    }

    /// Newest first.
    pub async fn calls(&self, first: usize, after: Option<&str>) -> Result<(Vec<Call>, bool)> {
        let before = after.map(|text| text.parse::<CallId>()).transpose();
        let before = before.map_err(|_| Error::invalid("after", "this cursor is not ours"))?;
        let limit = first as u64 + 1;
        let scope = self.scope().await?;
        let mut rows = calls::page(self.db(), self.tenant_id(), scope, before, limit).await?;
        let more = rows.len() > first;
        rows.truncate(first);
        Ok((rows, more))
    }

    async fn queue_ids(&self) -> Result<Vec<QueueId>> {
        Ok(self.queues().await?.iter().map(|queue| queue.id).collect())
    }

    async fn viewer<'a>(&'a self, queues: &'a [QueueId]) -> Result<Viewer<'a>> {
        Ok(Viewer {
            tenant: self.tenant_id(),
            scope: self.scope().await?,
            queues,
        })
    }
}

/// `None`: something was typed, but no word; nothing matches it.
fn with_words(mut filter: TicketFilter, search: Option<&str>) -> Result<Option<TicketFilter>> {
    if let Some(tag) = &filter.tag {
        filter.tag = Some(crate::tickets::tag(tag)?);
    }
    filter.statuses.sort();
    filter.statuses.dedup();
    if let Some(text) = search.filter(|text| !text.trim().is_empty()) {
        match search::question(text) {
            Some(words) => filter.words = Some(words),
            None => return Ok(None),
        }
    }
    Ok(Some(filter))
}

fn is_in(cell: &Count, filter: &TicketFilter) -> bool {
    let assigned = match filter.assigned {
        Assigned::Anyone => true,
        Assigned::Nobody => cell.assignee.is_none(),
        Assigned::To(user) => cell.assignee == Some(user),
    };
    assigned
        && filter.queue.is_none_or(|queue| cell.queue == queue)
        && (filter.statuses.is_empty() || filter.statuses.contains(&cell.status))
}

const fn letter(sort: TicketSort) -> &'static str {
    match sort {
        TicketSort::Newest => "n",
        TicketSort::Oldest => "o",
        TicketSort::WaitingLongest => "w",
        TicketSort::Priority => "p",
    }
}

fn cursor(place: Place, sort: TicketSort) -> String {
    let at = place.at.timestamp_micros();
    URL_SAFE_NO_PAD.encode(format!("{}.{}.{at}.{}", letter(sort), place.rank, place.id))
}

fn place(text: &str, sort: TicketSort) -> Result<Place> {
    let parse = || {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.get(..).filter(|t| t.len() <= 128)?)
            .ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let mut parts = text.split('.');
        let same = parts.next()? == letter(sort);
        let rank: i64 = parts.next()?.parse().ok()?;
        let at = from_micros(parts.next()?.parse().ok()?);
        let id: TicketId = parts.next()?.parse().ok()?;
        (same && parts.next().is_none() && (0..=3).contains(&rank)).then_some(Place {
            rank,
            at,
            id,
        })
    };
    parse().ok_or_else(|| Error::invalid("after", "this cursor belongs to another list"))
}
