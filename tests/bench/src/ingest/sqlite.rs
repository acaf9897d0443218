//! The floor on SQLite: rusqlite, prepared inserts, one FULL commit per webhook, in WAL.

use super::Stored;
use anyhow::Context;
use rusqlite::{Connection, Statement, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;

const AT: &str = "2026-01-01T00:00:00.000000+00:00";

const DELIVERY: &str = "INSERT INTO webhook_deliveries \
    (id, tenant_id, inbox_id, channel, account, dedupe, body, state, received_at) \
    VALUES (?, ?, ?, 'sandbox', ?, ?, ?, 'stored', ?) \
    ON CONFLICT (channel, account, dedupe) DO NOTHING";

const JOB: &str = "INSERT INTO jobs \
    (id, tenant_id, kind, lane, payload, state, run_at, attempts, vanished, created_at) \
    VALUES (?, ?, 'process_inbound', ?, ?, 'waiting', ?, 0, 0, ?)";

/// Rows per second of one thread that does nothing else.
pub async fn alone(path: &Path, rows: Vec<Stored>) -> anyhow::Result<f64> {
    let path = path.to_owned();
    spawn_blocking(move || {
        let began = Instant::now();
        commit_each(&path, rows.iter().map(|row| (row, None)))?;
        Ok(rows.len() as f64 / began.elapsed().as_secs_f64())
    })
    .await?
}

/// What each of `callers` waits for who share that thread first come, first served.
pub async fn queued(
    path: &Path,
    callers: usize,
    rows: Vec<Stored>,
) -> anyhow::Result<Vec<Duration>> {
    let path: PathBuf = path.to_owned();
    let rows = Arc::new(rows);
    let (calls, queue) = mpsc::channel::<(usize, oneshot::Sender<()>)>();
    let thread = {
        let rows = Arc::clone(&rows);
        spawn_blocking(move || {
            let work = queue.into_iter().map(|(n, done)| (&rows[n], Some(done)));
            commit_each(&path, work)
        })
    };
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (calls, next, amount) = (calls.clone(), Arc::clone(&next), rows.len());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= amount {
                    return anyhow::Ok(latencies);
                }
                let asked = Instant::now();
                let (done, stored) = oneshot::channel();
                calls.send((n, done)).ok().context("the writer ended")?;
                stored.await?;
                latencies.push(asked.elapsed());
            }
        });
    }
    drop(calls);
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    thread.await??;
    Ok(latencies)
}

fn commit_each<'a>(
    path: &Path,
    work: impl Iterator<Item = (&'a Stored, Option<oneshot::Sender<()>>)>,
) -> anyhow::Result<()> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let (mut delivery, mut job) = (connection.prepare(DELIVERY)?, connection.prepare(JOB)?);
    for (row, done) in work {
        commit(&connection, &mut delivery, &mut job, row)?;
        if let Some(done) = done {
            // Whoever asked is gone: then nobody measures it.
            let _ = done.send(());
        }
    }
    Ok(())
}

fn commit(
    connection: &Connection,
    delivery: &mut Statement<'_>,
    job: &mut Statement<'_>,
    row: &Stored,
) -> anyhow::Result<()> {
    let behavior = TransactionBehavior::Immediate;
    let transaction = rusqlite::Transaction::new_unchecked(connection, behavior)?;
    let stored = delivery.execute(params![
        row.delivery.as_bytes(),
        row.tenant.as_bytes(),
        row.inbox.as_bytes(),
        row.account,
        row.dedupe,
        row.body,
        AT,
    ])?;
    if stored == 1 {
        job.execute(params![
            row.job.as_bytes(),
            row.tenant.as_bytes(),
            row.lane,
            row.payload,
            AT,
            AT,
        ])?;
    }
    Ok(transaction.commit()?)
}
