//! The floor on PostgreSQL: sqlx, one prepared statement and one commit per webhook, each
//! connection on its own.

use super::Stored;
use crate::http::Load;
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Both rows in one round trip: nothing that stores the same is faster.
const BOTH: &str = "WITH delivery AS (INSERT INTO webhook_deliveries \
    (id, tenant_id, inbox_id, channel, account, dedupe, body, state, received_at) \
    VALUES ($1, $2, $3, 'sandbox', $4, $5, $6, 'stored', now()) \
    ON CONFLICT (channel, account, dedupe) DO NOTHING RETURNING tenant_id) \
    INSERT INTO jobs \
    (id, tenant_id, kind, lane, payload, state, run_at, attempts, vanished, created_at) \
    SELECT $7, tenant_id, 'process_inbound', $8, $9::text::jsonb, 'waiting', now(), 0, false, now() \
    FROM delivery";

pub async fn insert(url: &str, connections: usize, rows: Vec<Stored>) -> anyhow::Result<Load> {
    let rows = Arc::new(rows);
    let next = Arc::new(AtomicUsize::new(0));
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(PgConnection::connect(url).await?);
    }
    let mut senders = JoinSet::new();
    let began = Instant::now();
    for mut connection in open {
        let (rows, next) = (Arc::clone(&rows), Arc::clone(&next));
        senders.spawn(async move {
            let mut latencies = Vec::new();
            while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                store(&mut connection, row).await?;
                latencies.push(sent.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(done) = senders.join_next().await {
        latencies.extend(done??);
    }
    Ok(Load::new(latencies, began.elapsed()))
}

async fn store(connection: &mut PgConnection, row: &Stored) -> anyhow::Result<()> {
    sqlx::query(BOTH)
        .bind(row.delivery)
        .bind(row.tenant)
        .bind(row.inbox)
        .bind(&row.account)
        .bind(&row.dedupe)
        .bind(&row.body)
        .bind(row.job)
        .bind(&row.lane)
        .bind(&row.payload)
        .execute(connection)
        .await?;
    Ok(())
}
