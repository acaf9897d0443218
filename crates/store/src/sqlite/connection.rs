//! One connection to a SQLite file.

use super::fault::Fault;
use super::values::{Column, Row, bind};
use sea_orm::{DbErr, Statement};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;
use tokio::time::Instant;

/// Statements that a connection keeps prepared.
const PREPARED_MAX: usize = 128;
/// SQLite looks at the deadline every so many of its instructions: about each tenth of a millisecond.
const INSTRUCTIONS: i32 = 1_000;
/// How long a command may hold the file before a server gives up waiting for it.
const BUSY: Duration = Duration::from_secs(5);

pub(crate) enum Access {
    /// WAL, and each COMMIT is on the disk before it returns.
    Write,
    Read,
}

pub(crate) struct Connection {
    sqlite: rusqlite::Connection,
    deadline: Arc<Mutex<Option<Instant>>>,
}

/// The writer's connection: for one statement at a time, whoever asks.
pub(crate) type Shared = Arc<Mutex<Connection>>;

/// A panic inside a statement leaves a connection that SQLite itself keeps in order.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Somebody else's statement is running.
pub(crate) fn is_held<T>(mutex: &Mutex<T>) -> bool {
    matches!(mutex.try_lock(), Err(TryLockError::WouldBlock))
}

/// For what waits for the disk.
pub(crate) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, DbErr> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| DbErr::Custom(error.to_string()))
}

impl Connection {
    pub fn open(path: &Path, access: Access) -> Result<Self, Fault> {
        let sqlite = rusqlite::Connection::open(path)?;
        sqlite.busy_timeout(BUSY)?;
        sqlite.set_prepared_statement_cache_capacity(PREPARED_MAX);
        sqlite.pragma_update(None, "foreign_keys", "ON")?;
        match access {
            Access::Write => {
                sqlite.pragma_update(None, "journal_mode", "WAL")?;
                // NORMAL may lose the last commits on power loss; a 200 to a provider is a promise.
                sqlite.pragma_update(None, "synchronous", "FULL")?;
            }
            Access::Read => sqlite.pragma_update(None, "query_only", "ON")?,
        }
        let deadline: Arc<Mutex<Option<Instant>>> = Arc::default();
        if matches!(access, Access::Read) {
            let deadline = Arc::clone(&deadline);
            let is_over = move || lock(&deadline).is_some_and(|at| at < Instant::now());
            sqlite.progress_handler(INSTRUCTIONS, Some(is_over))?;
        }
        Ok(Self { sqlite, deadline })
    }

    /// All rows of a statement.
    pub fn query(&self, statement: &Statement) -> Result<Vec<Row>, DbErr> {
        let mut prepared = self
            .sqlite
            .prepare_cached(&statement.sql)
            .map_err(Fault::from)?;
        bind(&mut prepared, values(statement))?;
        let columns = Column::all(&prepared);
        let mut rows = prepared.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(Fault::from)? {
            found.push(Row::read(&columns, row)?);
        }
        Ok(found)
    }

    /// The same, given up with an interrupt when it is not done after `brief`. For readers only:
    /// an interrupted write would take its transaction along.
    pub fn query_within(&self, brief: Duration, statement: &Statement) -> Result<Vec<Row>, DbErr> {
        *lock(&self.deadline) = Some(Instant::now() + brief);
        let result = self.query(statement);
        *lock(&self.deadline) = None;
        result
    }

    /// How many rows it changed.
    pub fn execute(&self, statement: &Statement) -> Result<u64, Fault> {
        let mut prepared = self.sqlite.prepare_cached(&statement.sql)?;
        bind(&mut prepared, values(statement))?;
        Ok(prepared.raw_execute()? as u64)
    }

    /// One word about the transaction: `SAVEPOINT`, `RELEASE`, `COMMIT` and their kin.
    pub fn control(&self, sql: &str) -> Result<(), Fault> {
        self.sqlite.prepare_cached(sql)?.raw_execute()?;
        Ok(())
    }

    pub fn is_in_transaction(&self) -> bool {
        !self.sqlite.is_autocommit()
    }

    /// Does not wait for another process that writes.
    pub fn begin_now(&self) -> Result<(), Fault> {
        self.sqlite.busy_timeout(Duration::ZERO)?;
        let begun = self.control(BEGIN);
        self.sqlite.busy_timeout(BUSY)?;
        begun
    }

    pub fn begin(&self) -> Result<(), Fault> {
        self.control(BEGIN)
    }
}

const BEGIN: &str = "BEGIN IMMEDIATE";

fn values(statement: &Statement) -> &[sea_orm::Value] {
    statement.values.as_ref().map_or(&[], |values| &values.0)
}
