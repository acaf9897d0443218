//! What people do with a case besides answering: status, priority, tags, subject, reading marks.
//!
//! Invariants: a ticket that stops being open gives its work back in the same transaction, one that
//! becomes open gets work; a snooze is a row and a job, so it ends by the clock even if every
//! process died meanwhile, and a customer who writes ends it at once.

use crate::jobs::{End, finish};
use crate::visibility::visible_ticket;
use crate::{App, Error, Reader, Result, audit, race, rows, work};
use chrono::Duration;
use domain::job::Job;
use domain::permission::{Actor, Permission};
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::work_item::CompletedReason;
use domain::{TicketId, Time};
use serde_json::{Value, json};
use store::queries::{read_cursors, tickets};
use store::{NewJob, StoredJob, Tx};
use unicode_normalization::UnicodeNormalization as _;

pub use store::queries::ticket_lists::{Assigned, TicketFilter, TicketSort};

const SUBJECT_CHARS_MAX: usize = 200;
const TAGS_MAX: usize = 30;
const TAG_CHARS_MAX: usize = 40;
const SNOOZE_DAYS_MAX: i64 = 366;

/// Moves a ticket through its state machine. `snooze_until` goes with `Snoozed` only.
pub async fn set_status(
    app: &App,
    actor: &Actor,
    id: TicketId,
    status: TicketStatus,
    snooze_until: Option<Time>,
) -> Result<Ticket> {
    actor.may(Permission::WorkTickets)?;
    race::again(|| async move {
        let mut tx = app.begin(actor.tenant_id, "set_ticket_status").await?;
        let ticket = locked(&tx, actor, id).await?;
        let until = snooze(status, snooze_until, tx.now())?;
        let ticket = to_status(&mut tx, &ticket, status, until).await?;
        let detail = json!({ "status": status, "until": until });
        audit::record(&tx, actor, "ticket.status", id, detail).await?;
        app.commit(tx, ticket).await
    })
    .await
}

fn snooze(status: TicketStatus, until: Option<Time>, now: Time) -> Result<Option<Time>> {
    let wrong = |message: &str| Err(Error::invalid("snoozeUntil", message));
    match (status, until) {
        (TicketStatus::Snoozed, None) => wrong("say until when"),
        (TicketStatus::Snoozed, Some(until)) if until <= now => wrong("must be in the future"),
        (TicketStatus::Snoozed, Some(until)) if until > now + Duration::days(SNOOZE_DAYS_MAX) => {
            wrong("a year is the longest")
        }
        (TicketStatus::Snoozed, until) => Ok(until),
        (_, None) => Ok(None),
        (_, Some(_)) => wrong("only a snoozed ticket has an end"),
    }
}

async fn to_status(
    tx: &mut Tx,
    before: &Ticket,
    status: TicketStatus,
    until: Option<Time>,
) -> Result<Ticket> {
    let mut after = before.clone();
    after.snoozed_until = until;
    let reason = match status {
        TicketStatus::Open => {
            after.status = before.status.reopen()?;
            after.closed_at = None;
            return work::put_open(tx, before, after).await;
        }
        TicketStatus::Pending => {
            after.status = before.status.pend()?;
            after.waiting_since = None;
            CompletedReason::Pending
        }
        TicketStatus::Snoozed => {
            after.status = before.status.snooze()?;
            CompletedReason::Snoozed
        }
        TicketStatus::Closed => {
            after.status = before.status.close()?;
            after.closed_at = before.closed_at.or(Some(tx.now()));
            after.waiting_since = None;
            CompletedReason::Closed
        }
    };
    work::left_work(tx, before, reason).await?;
    if let Some(until) = until {
        tx.enqueue(NewJob {
            run_at: Some(until),
            ..NewJob::new(
                Job::WakeSnoozed { ticket: before.id },
                format!("wake:{}", before.id),
            )
        });
    }
    rows::put_ticket(tx, Some(before), after).await
}

/// The end of a snooze, by the clock. A snooze that was ended or moved meanwhile has a job of its
/// own, or needs none.
pub(crate) async fn wake_snoozed(app: &App, job: &StoredJob, id: TicketId) -> Result<End> {
    let mut tx = app.begin(job.tenant_id, "wake_snoozed").await?;
    let ticket = tickets::lock(&tx, job.tenant_id, id).await?;
    let due = ticket.snoozed_until.is_some_and(|until| until <= tx.now());
    if ticket.status == TicketStatus::Snoozed && due {
        to_status(&mut tx, &ticket, TicketStatus::Open, None).await?;
    }
    finish(app, tx, job).await
}

/// A waiting ticket moves in its queue at once.
pub async fn set_priority(
    app: &App,
    actor: &Actor,
    id: TicketId,
    priority: Priority,
) -> Result<Ticket> {
    change(
        app,
        actor,
        id,
        "ticket.priority",
        json!({ "priority": priority }),
        |ticket| {
            ticket.priority = priority;
            Ok(())
        },
    )
    .await
}

/// Adds tags, then removes others. Tags are lower-case words: `Late Delivery` is `late-delivery`.
pub async fn set_tags(
    app: &App,
    actor: &Actor,
    id: TicketId,
    add: &[String],
    remove: &[String],
) -> Result<Ticket> {
    let add = add.iter().map(|t| tag(t)).collect::<Result<Vec<_>>>()?;
    let remove = remove.iter().map(|t| tag(t)).collect::<Result<Vec<_>>>()?;
    let detail = json!({ "add": add, "remove": remove });
    change(app, actor, id, "ticket.tags", detail, |ticket| {
        for tag in &add {
            if !ticket.tags.contains(tag) {
                ticket.tags.push(tag.clone());
            }
        }
        ticket.tags.retain(|tag| !remove.contains(tag));
        if ticket.tags.len() > TAGS_MAX {
            return Err(Error::invalid("add", format!("at most {TAGS_MAX} tags")));
        }
        Ok(())
    })
    .await
}

/// The stored form of a tag.
pub fn tag(text: &str) -> Result<String> {
    let wrong = || {
        Error::invalid(
            "tag",
            format!("a tag has 1 to {TAG_CHARS_MAX} letters, digits, - _ . : /"),
        )
    };
    let lower: String = text
        .nfkc()
        .take(4 * TAG_CHARS_MAX)
        .flat_map(char::to_lowercase)
        .collect();
    let tag = lower.split_whitespace().collect::<Vec<_>>().join("-");
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    let length = tag.chars().count();
    if length == 0 || length > TAG_CHARS_MAX || !tag.chars().all(allowed) {
        return Err(wrong());
    }
    Ok(tag)
}

pub async fn set_subject(app: &App, actor: &Actor, id: TicketId, subject: &str) -> Result<Ticket> {
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = subject.chars().count();
    if length == 0 || length > SUBJECT_CHARS_MAX {
        let message = format!("a subject has 1 to {SUBJECT_CHARS_MAX} characters");
        return Err(Error::invalid("subject", message));
    }
    change(app, actor, id, "ticket.subject", Value::Null, |ticket| {
        ticket.subject.clone_from(&subject);
        Ok(())
    })
    .await
}

/// The viewer has read up to `position`; a lower one marks the rest unread again.
pub async fn mark_read(app: &App, actor: &Actor, id: TicketId, position: i64) -> Result<Ticket> {
    actor.may(Permission::WorkTickets)?;
    if position < 0 {
        return Err(Error::invalid("position", "cannot be negative"));
    }
    let tx = app.begin(actor.tenant_id, "mark_ticket_read").await?;
    let ticket = visible_ticket(&tx, actor, id).await?;
    let position = position.min(ticket.message_head);
    read_cursors::put(&tx, actor.tenant_id, actor.user_id, id, position).await?;
    app.commit(tx, ticket).await
}

async fn change(
    app: &App,
    actor: &Actor,
    id: TicketId,
    action: &'static str,
    detail: Value,
    apply: impl Fn(&mut Ticket) -> Result<()> + Sync,
) -> Result<Ticket> {
    actor.may(Permission::WorkTickets)?;
    let (apply, detail) = (&apply, &detail);
    race::again(|| async move {
        let mut tx = app.begin(actor.tenant_id, action).await?;
        let before = locked(&tx, actor, id).await?;
        let mut after = before.clone();
        apply(&mut after)?;
        if after == before {
            return Ok(after);
        }
        let after = rows::put_ticket(&mut tx, Some(&before), after).await?;
        if after.priority != before.priority {
            work::priority_changed(&mut tx, &after).await?;
        }
        if after.tags != before.tags {
            rows::index_ticket(&mut tx, id);
        }
        audit::record(&tx, actor, action, id, detail.clone()).await?;
        app.commit(tx, after).await
    })
    .await
}

/// Rows are locked in the order ticket, then agents.
async fn locked(tx: &Tx, actor: &Actor, id: TicketId) -> Result<Ticket> {
    tickets::lock(tx, actor.tenant_id, id).await?;
    visible_ticket(tx, actor, id).await
}

/// Numbers of the named views.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketCounts {
    pub all: i64,
    pub mine: i64,
    pub unassigned: i64,
    pub open: i64,
    pub pending: i64,
    pub snoozed: i64,
    pub closed: i64,
    /// Open tickets of each queue the viewer sees, also those without any.
    pub queues: Vec<(domain::QueueId, i64)>,
}

impl Reader {
    /// `all` is everything that is not closed; `mine` and `unassigned` are open tickets.
    pub async fn ticket_counts(&self) -> Result<TicketCounts> {
        let mut counts = TicketCounts::default();
        let mut queues: std::collections::BTreeMap<_, i64> = self
            .queues_in_scope()
            .await?
            .into_iter()
            .map(|id| (id, 0))
            .collect();
        for cell in self.count_cells().await? {
            let of_status = match cell.status {
                TicketStatus::Open => &mut counts.open,
                TicketStatus::Pending => &mut counts.pending,
                TicketStatus::Snoozed => &mut counts.snoozed,
                TicketStatus::Closed => &mut counts.closed,
            };
            *of_status += cell.n;
            if cell.status != TicketStatus::Closed {
                counts.all += cell.n;
            }
            if cell.status != TicketStatus::Open {
                continue;
            }
            *queues.entry(cell.queue).or_default() += cell.n;
            match cell.assignee {
                None => counts.unassigned += cell.n,
                Some(user) if user == self.actor().user_id => counts.mine += cell.n,
                Some(_) => {}
            }
        }
        counts.queues = queues.into_iter().collect();
        Ok(counts)
    }
}
