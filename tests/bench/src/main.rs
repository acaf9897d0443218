//! Meari's benchmarks: each path beside the barest program that could do the same work.
//!
//! Every number is a ratio taken in one run: rounds of ours and of the floor alternate, so that
//! whatever else the machine does meets both, and medians are compared. A floor is never helped
//! and never hindered: it has the same tables, the same rows and the same durability.
//!
//! `bench` runs everything; `bench NAME…` only some. It ends with a table and fails when a goal is
//! missed. `MEARI_TEST_BIN` names the release binary, `scripts/postgres.sh` gives PostgreSQL.

mod broadcast;
mod fan_out;
mod http;
mod inbox;
mod ingest;
mod latency;
mod memory;

use anyhow::Context;
use goals::{numbers, table};
use std::process::ExitCode;
use table::Table;

/// What writes most comes last: PostgreSQL goes on writing for minutes after its part.
const ALL: &[&str] = &[
    "memory",
    "latency",
    "fan-out",
    "ingest-sqlite",
    "inbox",
    "ingest-postgres",
];

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Floors that are servers run as processes of their own, like ours.
    match arguments.first().map(String::as_str) {
        Some("floor-broadcast") => return broadcast::serve(&arguments[1..]).await,
        Some("floor-inbox") => return inbox::floor::serve(&arguments[1..]).await,
        _ => {}
    }
    let wanted: Vec<&str> = match arguments.as_slice() {
        [] => ALL.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    let mut table = Table::default();
    for name in wanted {
        table::say(&format!("{name} …"));
        settle().await?;
        let measured = match name {
            "ingest-sqlite" => ingest::on_sqlite(&mut table).await,
            "ingest-postgres" => ingest::on_postgres(&mut table).await,
            "latency" => latency::measure(&mut table).await,
            "fan-out" => fan_out::measure(&mut table).await,
            "inbox" => inbox::measure(&mut table).await,
            "memory" => memory::measure(&mut table).await,
            _ => anyhow::bail!("there is no {name}; there are {ALL:?}"),
        };
        measured.with_context(|| name.to_owned())?;
    }
    table.print();
    Ok(table.verdict())
}

/// What the piece before left unwritten is not paid by the next one.
async fn settle() -> anyhow::Result<()> {
    let synced = tokio::process::Command::new("sync").status().await;
    anyhow::ensure!(synced.context("sync")?.success(), "sync failed");
    Ok(())
}
