//! Opening a database: pools, schema check and migration, the lock on a data directory.
//!
//! SQLite: WAL, `synchronous=FULL`, one write connection, a pool of readers; the schema is migrated
//! at open, after a `VACUUM INTO` backup. Postgres: the schema is only checked; `Store::migrate`
//! changes it under an advisory lock.

use crate::accept::{Accepted, Acceptor, NewDelivery};
use crate::db::{Conn, Own, Read};
use crate::error::StoreError;
use crate::sqlite::{Access, Connection, Readers};
use crate::tx::Tx;
use crate::writer::{Rank, Writer};
use domain::{Clock, TenantId, Time};
use migrations::{Migrator, SCHEMA_VERSION};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqlxPostgresConnector, SqlxSqliteConnector,
    Statement, TransactionTrait,
};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where the data is. `Debug` hides the password a Postgres URL may carry.
#[derive(Clone)]
pub enum Url {
    Sqlite { path: PathBuf },
    Postgres(String),
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres:…"),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Options {
    pub url: Url,
    pub clock: Arc<dyn Clock>,
    /// Take the lock of the data directory: one server process on SQLite. Commands leave it.
    pub exclusive: bool,
    pub readers_max: u32,
    /// Postgres only: transactions at once.
    pub writers_max: u32,
    /// SQLite only: how long one use case may hold the writer without giving it work.
    pub turn_max: Duration,
}

impl Options {
    pub fn new(url: Url, clock: Arc<dyn Clock>) -> Self {
        Self {
            url,
            clock,
            exclusive: false,
            readers_max: readers(),
            writers_max: 16,
            // Far above what a use case does between two statements even on a starved machine, and
            // short enough to unblock the rest.
            turn_max: Duration::from_secs(2),
        }
    }

    /// For the server: nobody else may serve this SQLite file.
    pub const fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    read: Read,
    begin: Begin,
    acceptor: Acceptor,
    /// Held for the life of the store; the operating system frees it even after a crash.
    _lock: Option<std::fs::File>,
}

/// The way to a transaction; without the rest of the store, so that its tasks can hold one and
/// still end with it.
#[derive(Clone)]
pub(crate) struct Begin {
    clock: Arc<dyn Clock>,
    write: Write,
}

#[derive(Clone)]
enum Write {
    Sqlite(Writer),
    Postgres {
        pool: DatabaseConnection,
        /// One connection that only webhooks take, so that they never wait for a worker's.
        urgent: DatabaseConnection,
    },
}

impl Begin {
    pub async fn tx(
        &self,
        rank: Rank,
        tenant: Option<TenantId>,
        use_case: &'static str,
    ) -> Result<Tx, StoreError> {
        match &self.write {
            Write::Sqlite(writer) => {
                let turn = writer.turn(rank, use_case).await?;
                Ok(Tx::sqlite(turn, tenant, use_case, self.clock.now()))
            }
            Write::Postgres { pool, urgent } => {
                let pool = if rank == Rank::Urgent { urgent } else { pool };
                let own = Own::new(pool.begin().await?);
                Ok(Tx::postgres(own, tenant, use_case, self.clock.now()))
            }
        }
    }
}

impl Inner {
    fn new(begin: Begin, read: Conn, lock: Option<std::fs::File>) -> Self {
        Self {
            read: Read::new(read),
            acceptor: Acceptor::start(begin.clone()),
            begin,
            _lock: lock,
        }
    }
}

impl Store {
    pub async fn open(options: &Options) -> Result<Self, StoreError> {
        let inner = match &options.url {
            Url::Sqlite { path } => open_sqlite(path, options).await?,
            Url::Postgres(url) => open_postgres(url, options).await?,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Brings the schema to this version. SQLite does the same at open; Postgres only here.
    pub async fn migrate(url: &Url) -> Result<(), StoreError> {
        match url {
            Url::Sqlite { path } => migrate_sqlite(path).await,
            Url::Postgres(url) => migrate_postgres(url).await,
        }
    }

    /// A transaction of one use case in one tenant.
    pub async fn begin(&self, tenant: TenantId, use_case: &'static str) -> Result<Tx, StoreError> {
        self.tx(Rank::Queued, Some(tenant), use_case).await
    }

    /// The same for work that nobody waits for: on SQLite it lets all others go first.
    pub async fn begin_background(
        &self,
        tenant: TenantId,
        use_case: &'static str,
    ) -> Result<Tx, StoreError> {
        self.tx(Rank::Background, Some(tenant), use_case).await
    }

    /// A transaction over what belongs to no tenant: users, sessions, the installation.
    pub async fn begin_global(&self, use_case: &'static str) -> Result<Tx, StoreError> {
        self.tx(Rank::Queued, None, use_case).await
    }

    async fn tx(
        &self,
        rank: Rank,
        tenant: Option<TenantId>,
        use_case: &'static str,
    ) -> Result<Tx, StoreError> {
        self.inner.begin.tx(rank, tenant, use_case).await
    }

    /// The bulk path of webhooks: durable when it returns.
    pub async fn accept(&self, deliveries: Vec<NewDelivery>) -> Vec<Accepted> {
        self.inner.acceptor.accept(deliveries).await
    }

    /// SELECT only, never behind a writer.
    pub fn read(&self) -> Read {
        self.inner.read.clone()
    }

    pub fn now(&self) -> Time {
        self.inner.begin.clock.now()
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.inner.begin.write, Write::Sqlite(_))
    }

    /// How many group commits the SQLite writer made; `None` on Postgres.
    pub fn group_commits(&self) -> Option<u64> {
        match &self.inner.begin.write {
            Write::Sqlite(writer) => Some(writer.commits()),
            Write::Postgres { .. } => None,
        }
    }
}

/// Two for each processor: each holds a schema, statements and pages of its own.
fn readers() -> u32 {
    let processors = std::thread::available_parallelism().map_or(4, usize::from);
    u32::try_from(processors * 2).unwrap_or(16).clamp(4, 16)
}

async fn open_sqlite(path: &Path, options: &Options) -> Result<Inner, StoreError> {
    let lock = if options.exclusive {
        Some(lock(path)?)
    } else {
        None
    };
    migrate_sqlite(path).await?;
    let writer = Connection::open(path, Access::Write).map_err(StoreError::unavailable)?;
    let readers = Readers::open(path, options.readers_max)?;
    let begin = Begin {
        clock: Arc::clone(&options.clock),
        write: Write::Sqlite(Writer::start(writer, options.turn_max)),
    };
    Ok(Inner::new(begin, Conn::Readers(readers), lock))
}

/// One server per file: the lock lies beside it, so that commands can still open the database.
fn lock(path: &Path) -> Result<std::fs::File, StoreError> {
    let file = std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside(path, "lock"))
        .map_err(StoreError::unavailable)?;
    file.try_lock().map_err(|error| {
        StoreError::unavailable(format!("another server uses {} ({error})", path.display()))
    })?;
    Ok(file)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// By sea-orm's own driver, which is closed when the schema is as it should be.
async fn migrate_sqlite(path: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(StoreError::unavailable)?;
    let db = SqlxSqliteConnector::from_sqlx_sqlite_pool(pool);
    let result = bring_up(&db, path).await;
    db.close().await?;
    result
}

async fn bring_up(db: &DatabaseConnection, path: &Path) -> Result<(), StoreError> {
    match schema_version(db).await? {
        Some(SCHEMA_VERSION) => return Ok(()),
        Some(newer) if newer > SCHEMA_VERSION => return Err(wrong_schema(newer)),
        Some(older) => {
            let backup = beside(path, &format!("schema-{older}.backup"));
            // A backup of the same version exists only if an earlier migration failed half way.
            if !backup.exists() {
                let target = backup.to_string_lossy().into_owned();
                db.execute_raw(Statement::from_sql_and_values(
                    DbBackend::Sqlite,
                    "VACUUM INTO ?",
                    [target.into()],
                ))
                .await?;
            }
        }
        None => {}
    }
    run_migrations(db).await
}

async fn open_postgres(url: &str, options: &Options) -> Result<Inner, StoreError> {
    let connect = postgres(url)?;
    let readers = connect
        .clone()
        .options([("default_transaction_read_only", "on")]);
    let writers = PgPoolOptions::new()
        .max_connections(options.writers_max)
        .connect_with(connect.clone())
        .await
        .map_err(StoreError::unavailable)?;
    let writers = SqlxPostgresConnector::from_sqlx_postgres_pool(writers);
    match schema_version(&writers).await? {
        Some(v) if v == SCHEMA_VERSION || v == SCHEMA_VERSION - 1 => {}
        Some(v) => return Err(wrong_schema(v)),
        None => {
            return Err(StoreError::internal(
                "the database has no schema yet; run `meari migrate` first",
            ));
        }
    }
    let readers = PgPoolOptions::new()
        .max_connections(options.readers_max)
        .connect_lazy_with(readers);
    let urgent = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(connect);
    let begin = Begin {
        clock: Arc::clone(&options.clock),
        write: Write::Postgres {
            pool: writers,
            urgent: SqlxPostgresConnector::from_sqlx_postgres_pool(urgent),
        },
    };
    let readers = SqlxPostgresConnector::from_sqlx_postgres_pool(readers);
    Ok(Inner::new(begin, Conn::Pool(readers), None))
}

fn postgres(url: &str) -> Result<PgConnectOptions, StoreError> {
    // The parser's error may quote the URL, and with it the password.
    let options: PgConnectOptions = url
        .parse()
        .map_err(|_| StoreError::internal("the Postgres URL cannot be read"))?;
    Ok(options
        .application_name("meari")
        // A node that hangs inside a transaction must not hold its row locks for ever.
        .options([("idle_in_transaction_session_timeout", "10s")])
        .disable_statement_logging())
}

async fn migrate_postgres(url: &str) -> Result<(), StoreError> {
    // One connection, because the advisory lock belongs to a session.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(postgres(url)?)
        .await
        .map_err(StoreError::unavailable)?;
    let db = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    const KEY: &str = "hashtext('meari.migrate.' || current_schema())";
    db.execute_unprepared(&format!("SELECT pg_advisory_lock({KEY})"))
        .await?;
    let result = match schema_version(&db).await {
        Ok(Some(SCHEMA_VERSION)) => Ok(()),
        Ok(Some(newer)) if newer > SCHEMA_VERSION => Err(wrong_schema(newer)),
        Ok(_) => run_migrations(&db).await,
        Err(error) => Err(error),
    };
    // Closing the session frees the lock, whatever happened.
    db.close().await?;
    result
}

async fn run_migrations(db: &DatabaseConnection) -> Result<(), StoreError> {
    use sea_orm_migration::MigratorTrait;
    Migrator::up(db, None).await?;
    db.execute_raw(Statement::from_sql_and_values(
        db.get_database_backend(),
        "INSERT INTO meta (name, value) VALUES ('schema_version', $1) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [SCHEMA_VERSION.to_string().into()],
    ))
    .await?;
    Ok(())
}

/// `None`: an empty database.
async fn schema_version(db: &DatabaseConnection) -> Result<Option<i64>, StoreError> {
    let backend = db.get_database_backend();
    let exists = match backend {
        DbBackend::Postgres => {
            "SELECT 1 AS n FROM pg_tables \
             WHERE schemaname = current_schema() AND tablename = 'meta'"
        }
        _ => "SELECT 1 AS n FROM sqlite_master WHERE type = 'table' AND name = 'meta'",
    };
    let meta = db
        .query_one_raw(Statement::from_string(backend, exists))
        .await?;
    if meta.is_none() {
        return Ok(None);
    }
    let version = "SELECT value FROM meta WHERE name = 'schema_version'";
    let Some(row) = db
        .query_one_raw(Statement::from_string(backend, version))
        .await?
    else {
        return Ok(None);
    };
    let text: String = row.try_get("", "value")?;
    text.parse().map(Some).map_err(StoreError::corrupt)
}

fn wrong_schema(found: i64) -> StoreError {
    StoreError::internal(format!(
        "the database has schema {found}, this version of Meari needs {SCHEMA_VERSION}"
    ))
}
