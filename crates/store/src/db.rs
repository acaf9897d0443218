//! What queries run on: a [`Tx`](crate::Tx) or a [`Read`].
//!
//! `Db` is sealed, so that only these two exist and sea-orm stays inside the crate. After the
//! first failed statement a transaction refuses every other one, on both databases: Postgres
//! demands it, and SQLite may have rolled back the whole group behind our back.

use crate::error::StoreError;
use crate::run::Row;
use crate::sqlite::{self, Connection, Readers, Shared, is_held, lock};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    Statement,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bound values per statement; Postgres takes 65,535.
const POSTGRES_VALUES_MAX: usize = 30_000;

/// Something a query can run on.
pub trait Db: sealed::Sealed + Sync {}

pub(crate) use sealed::Sealed;

pub(crate) mod sealed {
    pub trait Sealed {
        fn conn(&self) -> &super::Conn;
    }
}

/// SELECT only: what is behind it refuses to write.
#[derive(Clone)]
pub struct Read {
    conn: Arc<Conn>,
}

impl Read {
    pub(crate) fn new(conn: Conn) -> Self {
        Self {
            conn: Arc::new(conn),
        }
    }
}

impl Db for Read {}

impl Sealed for Read {
    fn conn(&self) -> &Conn {
        &self.conn
    }
}

/// The way to the database: readers of either kind, a Postgres transaction, or a turn of the
/// SQLite writer.
pub enum Conn {
    Pool(DatabaseConnection),
    Readers(Readers),
    Own(Own),
    Turn(Arc<Door>),
}

/// One pooled Postgres transaction.
pub struct Own {
    pub(crate) txn: DatabaseTransaction,
    failed: AtomicBool,
}

impl Own {
    pub(crate) const fn new(txn: DatabaseTransaction) -> Self {
        Self {
            txn,
            failed: AtomicBool::new(false),
        }
    }
}

/// A turn's access to the writer's connection. The writer closes it when the turn is over, so a
/// late statement of an evicted turn cannot slip into somebody else's turn.
pub struct Door {
    connection: Shared,
    closed: AtomicBool,
    failed: AtomicBool,
}

impl Door {
    pub(crate) const fn new(connection: Shared) -> Self {
        Self {
            connection,
            closed: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        }
    }

    /// Waits for a statement in flight, then lets no other in.
    pub(crate) fn close(&self) {
        let _statement = lock(&self.connection);
        self.closed.store(true, Ordering::SeqCst);
    }

    /// A statement is in flight.
    pub(crate) fn is_busy(&self) -> bool {
        is_held(&self.connection)
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    async fn run<T, E: Into<DbErr>>(
        &self,
        statement: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, DbErr> {
        // Statements are no reason for the runtime to change tasks, so a long turn offers it.
        tokio::task::consume_budget().await;
        // A closed door is not worth waiting for the COMMIT of those who came after.
        if self.closed.load(Ordering::SeqCst) {
            return Err(evicted());
        }
        let connection = lock(&self.connection);
        if self.closed.load(Ordering::SeqCst) {
            return Err(evicted());
        }
        if self.failed() {
            return Err(refused());
        }
        note(&self.failed, statement(&connection).map_err(Into::into))
    }
}

impl Conn {
    pub(crate) fn failed(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Readers(_) => false,
            Self::Own(own) => own.failed.load(Ordering::SeqCst),
            Self::Turn(door) => door.failed(),
        }
    }

    /// Rows that one `INSERT` may carry. Postgres is far away and likes many; SQLite is at hand,
    /// and keeps a statement of one row prepared.
    pub(crate) fn rows_per_insert(&self, columns: usize) -> usize {
        match self.backend() {
            DbBackend::Sqlite => 1,
            _ => POSTGRES_VALUES_MAX / columns,
        }
    }
}

fn refused() -> DbErr {
    DbErr::Custom("an earlier statement of this transaction failed".into())
}

/// Nothing was written and a repetition may be faster: not the fault of the statement.
fn evicted() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(
        "the transaction was rolled back because it took too long".into(),
    ))
}

fn note<T>(failed: &AtomicBool, result: Result<T, DbErr>) -> Result<T, DbErr> {
    if result.is_err() {
        failed.store(true, Ordering::SeqCst);
    }
    result
}

impl Own {
    async fn run<T>(&self, statement: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        if self.failed.load(Ordering::SeqCst) {
            return Err(refused());
        }
        note(&self.failed, statement.await)
    }
}

impl Conn {
    pub(crate) fn backend(&self) -> DbBackend {
        match self {
            Self::Pool(_) | Self::Own(_) => DbBackend::Postgres,
            Self::Readers(_) | Self::Turn(_) => DbBackend::Sqlite,
        }
    }

    /// How many rows the statement changed.
    pub(crate) async fn execute(&self, statement: Statement) -> Result<u64, DbErr> {
        let result = match self {
            Self::Pool(pool) => pool.execute_raw(statement).await?,
            Self::Own(own) => own.run(own.txn.execute_raw(statement)).await?,
            Self::Readers(_) => return Err(DbErr::Custom("a reader writes nothing".into())),
            Self::Turn(door) => return door.run(|c| c.execute(&statement)).await,
        };
        Ok(result.rows_affected())
    }

    pub(crate) async fn query(&self, statement: Statement) -> Result<Vec<Row>, DbErr> {
        let found = match self {
            Self::Pool(pool) => pool.query_all_raw(statement).await?,
            Self::Own(own) => own.run(own.txn.query_all_raw(statement)).await?,
            Self::Readers(readers) => return Ok(rows(readers.query(statement).await?)),
            Self::Turn(door) => return door.run(|c| c.query(&statement)).await.map(rows),
        };
        Ok(found.into_iter().map(Row::Postgres).collect())
    }
}

fn rows(found: Vec<sqlite::Row>) -> Vec<Row> {
    found.into_iter().map(Row::Sqlite).collect()
}

/// A statement that must change exactly one row, or the caller has lost a race.
pub(crate) fn one_row(rows_affected: u64, noun: &'static str) -> Result<(), StoreError> {
    match rows_affected {
        1 => Ok(()),
        _ => Err(StoreError::lost_race(noun)),
    }
}
