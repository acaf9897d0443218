//! A PostgreSQL database of its own for each test, in the cluster of `scripts/postgres.sh`.

use anyhow::Context;
use sqlx::{Connection, PgConnection, Row};
use std::sync::atomic::{AtomicU32, Ordering};

/// Set by `scripts/postgres.sh`.
pub const VARIABLE: &str = "MEARI_TEST_POSTGRES_URL";

/// The cluster dies after the run, so databases are not dropped one by one.
#[derive(Debug)]
pub struct Database {
    pub url: String,
}

impl Database {
    pub async fn new() -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let cluster = std::env::var(VARIABLE)
            .with_context(|| format!("{VARIABLE} is not set: run under scripts/postgres.sh"))?;
        let name = format!(
            "e2e_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let mut connection = PgConnection::connect(&cluster).await?;
        // Names cannot be bound; this one is made of digits.
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await?;
        let (base, _) = cluster.rsplit_once('/').context("a URL with a database")?;
        Ok(Self {
            url: format!("{base}/{name}"),
        })
    }

    /// The only number that `query` answers.
    pub async fn number(&self, query: &'static str) -> anyhow::Result<i64> {
        let mut connection = PgConnection::connect(&self.url).await?;
        Ok(sqlx::query(query)
            .fetch_one(&mut connection)
            .await?
            .try_get(0)?)
    }

    /// Ends every other connection to this database, as a failover would.
    pub async fn cut_connections(&self) -> anyhow::Result<()> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        sqlx::query(cut).execute(&mut connection).await?;
        Ok(())
    }
}
