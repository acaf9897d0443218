//! The last statements before COMMIT: numbers the events and writes events, jobs and counts.
//!
//! The row of the tenant is the lock that makes its sequence gap-free and in commit order. It is
//! taken last, tenants in id order, so transactions hold it briefly and cannot deadlock on it.

use crate::counters::CountDelta;
use crate::db::Conn;
use crate::error::StoreError;
use crate::jobs::NewJob;
use domain::event::NewEvent;
use domain::job::JobState;
use domain::{JobId, TenantId, Time};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict, Query, SimpleExpr};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Last sequence number per tenant that got events.
pub(crate) type Flushed = BTreeMap<TenantId, i64>;

/// What a transaction wants to add besides its own rows.
pub(crate) struct Buffer {
    pub now: Time,
    pub events: Vec<(TenantId, NewEvent)>,
    pub jobs: Vec<(JobId, TenantId, NewJob)>,
    counts: BTreeMap<(Uuid, Uuid, Uuid, &'static str), i64>,
    /// A mistake of the use case that must not commit.
    pub fault: Option<&'static str>,
}

impl Buffer {
    pub const fn new(now: Time) -> Self {
        Self {
            now,
            events: Vec::new(),
            jobs: Vec::new(),
            counts: BTreeMap::new(),
            fault: None,
        }
    }

    pub fn fault(&mut self, what: &'static str) {
        self.fault.get_or_insert(what);
    }

    pub fn count(&mut self, tenant: TenantId, delta: CountDelta) {
        // A key column cannot be NULL, so the zero uuid stands for "nobody".
        let assignee = delta.assignee.map_or(Uuid::nil(), Into::into);
        let cell = (
            tenant.uuid(),
            delta.queue.uuid(),
            assignee,
            delta.status.as_str(),
        );
        *self.counts.entry(cell).or_default() += delta.n;
    }

    pub fn touched(&self) -> Vec<TenantId> {
        let events = self.events.iter().map(|(tenant, _)| *tenant);
        let jobs = self.jobs.iter().map(|(_, tenant, _)| *tenant);
        events
            .chain(jobs)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }
}

/// Writes all buffers, in order; returns the last sequence numbers of each.
pub(crate) async fn flush(db: &Conn, buffers: &[Buffer]) -> Result<Vec<Flushed>, StoreError> {
    let flushed = flush_events(db, buffers).await?;
    flush_jobs(db, buffers).await?;
    flush_counts(db, buffers).await?;
    Ok(flushed)
}

async fn flush_events(db: &Conn, buffers: &[Buffer]) -> Result<Vec<Flushed>, StoreError> {
    let mut amounts: BTreeMap<TenantId, i64> = BTreeMap::new();
    for (tenant, _) in buffers.iter().flat_map(|b| &b.events) {
        *amounts.entry(*tenant).or_default() += 1;
    }
    let mut heads: BTreeMap<TenantId, i64> = BTreeMap::new();
    for (tenant, n) in amounts {
        heads.insert(tenant, take_sequence(db, tenant, n).await? - n);
    }
    let mut rows = Vec::new();
    let mut flushed = Vec::with_capacity(buffers.len());
    for buffer in buffers {
        let mut last = Flushed::new();
        for (tenant, event) in &buffer.events {
            let head = heads.entry(*tenant).or_default();
            *head += 1;
            last.insert(*tenant, *head);
            rows.push(event_row(*tenant, *head, event, buffer.now)?);
        }
        flushed.push(last);
    }
    insert_rows(
        db,
        "events",
        &["tenant_id", "seq", "kind", "scope", "image", "at"],
        rows,
        None,
    )
    .await?;
    Ok(flushed)
}

async fn take_sequence(db: &Conn, tenant: TenantId, n: i64) -> Result<i64, StoreError> {
    let seq = || Alias::new("event_seq");
    let statement = Query::update()
        .table(Alias::new("tenants"))
        .value(seq(), Expr::col(seq()).add(n))
        .and_where(Expr::col(Alias::new("id")).eq(tenant.uuid()))
        .returning_col(seq())
        .to_owned();
    let row = db
        .row(&statement)
        .await?
        .ok_or(StoreError::not_found("tenant"))?;
    row.get("event_seq")
}

fn event_row(
    tenant: TenantId,
    seq: i64,
    event: &NewEvent,
    at: Time,
) -> Result<Vec<SimpleExpr>, StoreError> {
    let scope: Vec<String> = event.scope.iter().map(ToString::to_string).collect();
    let image = serde_json::to_string(&event.image).map_err(StoreError::internal)?;
    Ok(vec![
        tenant.uuid().into(),
        seq.into(),
        event.image.kind().into(),
        scope.join(" ").into(),
        image.into(),
        at.into(),
    ])
}

async fn flush_jobs(db: &Conn, buffers: &[Buffer]) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    for buffer in buffers {
        for (id, tenant, new) in &buffer.jobs {
            rows.push(job_row(*id, *tenant, new, buffer.now)?);
        }
    }
    insert_jobs(db, rows).await
}

fn job_row(
    id: JobId,
    tenant: TenantId,
    new: &NewJob,
    now: Time,
) -> Result<Vec<SimpleExpr>, StoreError> {
    let payload = serde_json::to_value(&new.job).map_err(StoreError::internal)?;
    Ok(vec![
        id.uuid().into(),
        tenant.uuid().into(),
        new.job.kind().into(),
        new.lane.as_str().into(),
        new.node.map(Uuid::from).into(),
        payload.into(),
        JobState::Waiting.as_str().into(),
        new.run_at.unwrap_or(now).into(),
        0i64.into(),
        false.into(),
        now.into(),
    ])
}

async fn insert_jobs(db: &Conn, rows: Vec<Vec<SimpleExpr>>) -> Result<(), StoreError> {
    let columns = [
        "id",
        "tenant_id",
        "kind",
        "lane",
        "node_id",
        "payload",
        "state",
        "run_at",
        "attempts",
        "vanished",
        "created_at",
    ];
    insert_rows(db, "jobs", &columns, rows, None).await
}

async fn flush_counts(db: &Conn, buffers: &[Buffer]) -> Result<(), StoreError> {
    let mut cells = BTreeMap::new();
    for (cell, n) in buffers.iter().flat_map(|b| &b.counts) {
        *cells.entry(*cell).or_insert(0i64) += n;
    }
    // In key order, so that two Postgres transactions meet the same rows in the same order.
    let rows = cells
        .into_iter()
        .filter(|(_, n)| *n != 0)
        .map(|((tenant, queue, assignee, status), n)| {
            vec![
                tenant.into(),
                queue.into(),
                assignee.into(),
                status.into(),
                n.into(),
            ]
        })
        .collect();
    let columns = ["tenant_id", "queue_id", "assignee_id", "status", "n"];
    let n = Alias::new("n");
    let add = OnConflict::columns(columns.iter().take(4).map(|c| Alias::new(*c)))
        .value(
            n.clone(),
            Expr::col((Alias::new("ticket_counts"), n.clone()))
                .add(Expr::col((Alias::new("excluded"), n))),
        )
        .to_owned();
    insert_rows(db, "ticket_counts", &columns, rows, Some(add)).await
}

/// As few inserts as the database likes.
async fn insert_rows(
    db: &Conn,
    table: &'static str,
    columns: &[&'static str],
    rows: Vec<Vec<SimpleExpr>>,
    on_conflict: Option<OnConflict>,
) -> Result<(), StoreError> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new(table))
            .columns(columns.iter().map(|c| Alias::new(*c)));
        for row in rows.by_ref().take(db.rows_per_insert(columns.len())) {
            insert.values(row).map_err(StoreError::internal)?;
        }
        if let Some(on_conflict) = &on_conflict {
            insert.on_conflict(on_conflict.clone());
        }
        db.run(&insert).await?;
    }
    Ok(())
}
