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

fn cluster() -> anyhow::Result<String> {
    std::env::var(VARIABLE)
        .with_context(|| format!("{VARIABLE} is not set: run under scripts/postgres.sh"))
}

impl Database {
    pub async fn new() -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let cluster = cluster()?;
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

    /// Ends every connection and lets nobody in, until [`Database::open`].
    pub async fn close(&self) -> anyhow::Result<()> {
        self.allow_connections(false).await?;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        let mut cluster = PgConnection::connect(&cluster()?).await?;
        sqlx::query(end)
            .bind(self.name())
            .execute(&mut cluster)
            .await?;
        Ok(())
    }

    pub async fn open(&self) -> anyhow::Result<()> {
        self.allow_connections(true).await
    }

    async fn allow_connections(&self, allow: bool) -> anyhow::Result<()> {
        let mut cluster = PgConnection::connect(&cluster()?).await?;
        let name = self.name();
        let statement = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}");
        // Names cannot be bound; this one is ours.
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut cluster)
            .await?;
        Ok(())
    }

    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
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
