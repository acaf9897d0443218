//! Fresh databases for tests, and one test body for both of them.
//!
//! Postgres is not optional: without `MEARI_TEST_POSTGRES_URL` its half of every test fails.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot have its database must fail loudly"
)]

use crate::{Options, Store, Url};
use domain::clock::{ManualClock, from_micros};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub const POSTGRES_URL: &str = "MEARI_TEST_POSTGRES_URL";

/// A database of its own, empty but migrated, with a clock that stands still.
pub struct TestDb {
    pub store: Store,
    pub clock: ManualClock,
    pub url: Url,
    schema: Option<(String, String)>,
    _dir: Option<tempfile::TempDir>,
}

impl TestDb {
    /// Noon, 1 July 2026: what "now" is until the test moves the clock.
    pub fn clock() -> ManualClock {
        ManualClock::at(from_micros(1_782_907_200_000_000))
    }

    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("meari.db");
        Self::open(Url::Sqlite { path }, None, Some(dir)).await
    }

    pub async fn postgres() -> Self {
        let Ok(base) = std::env::var(POSTGRES_URL) else {
            panic!("{POSTGRES_URL} is not set; `make test` starts a Postgres and exports it");
        };
        let schema = fresh_schema_name();
        execute(&base, &format!("CREATE SCHEMA {schema}")).await;
        let joint = if base.contains('?') { '&' } else { '?' };
        let url = Url::Postgres(format!("{base}{joint}options=-csearch_path%3D{schema}"));
        Store::migrate(&url).await.expect("the schema migrates");
        Self::open(url, Some((base, schema)), None).await
    }

    async fn open(
        url: Url,
        schema: Option<(String, String)>,
        dir: Option<tempfile::TempDir>,
    ) -> Self {
        let clock = Self::clock();
        let store = Store::open(&Self::options(url.clone(), &clock))
            .await
            .expect("the test database opens");
        Self {
            store,
            clock,
            url,
            schema,
            _dir: dir,
        }
    }

    fn options(url: Url, clock: &ManualClock) -> Options {
        Options {
            readers_max: 4,
            // A busy test machine must not look like a hanging use case.
            turn_max: Duration::from_secs(30),
            ..Options::new(url, Arc::new(clock.clone()))
        }
    }

    /// A second store on the same database: another process, as far as the database can tell.
    pub async fn reopen(&self) -> Store {
        Store::open(&Self::options(self.url.clone(), &self.clock))
            .await
            .expect("the test database opens again")
    }

    /// One statement past the store, for what only a foreign hand does to a database.
    pub async fn execute(&self, sql: &str) {
        match &self.url {
            Url::Sqlite { path } => {
                execute(&format!("sqlite://{}", path.display()), sql).await;
            }
            Url::Postgres(url) => execute(url, sql).await,
        }
    }

    /// Removes what the test left. A failed test skips this, so its schema can be looked at.
    pub async fn close(self) {
        drop(self.store);
        if let Some((base, schema)) = self.schema {
            execute(&base, &format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }
}

fn fresh_schema_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let id = domain::NodeId::new(domain::Clock::now(&domain::SystemClock))
        .uuid()
        .simple();
    format!("test_{id}_{n}")
}

async fn execute(url: &str, sql: &str) {
    use sea_orm::ConnectionTrait;
    let db = sea_orm::Database::connect(url)
        .await
        .expect("the database of the tests answers");
    db.execute_unprepared(sql)
        .await
        .expect("the statement runs");
    db.close().await.expect("the connection closes");
}

/// Runs each body on a fresh SQLite file and in a fresh Postgres schema:
/// `for_each_backend! { async fn a_promise(db) { db.store… } }`.
/// The body borrows the [`TestDb`]; the calling crate needs `tokio` with `macros`.
#[macro_export]
macro_rules! for_each_backend {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn body($db: &$crate::testing::TestDb) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let db = $crate::testing::TestDb::sqlite().await;
                body(&db).await;
                db.close().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let db = $crate::testing::TestDb::postgres().await;
                body(&db).await;
                db.close().await;
            }
        }
    )*};
}
