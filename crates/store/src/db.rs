//! What queries run on: a [`Tx`](crate::Tx) or a [`Read`].
//!
//! `Db` is sealed, so that only these two exist and sea-orm stays inside the crate. After the
//! first failed statement a transaction refuses every other one, on both databases: Postgres
//! demands it, and SQLite may have rolled back the whole group behind our back.

use crate::error::StoreError;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, RuntimeErr, Statement,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something a query can run on.
pub trait Db: sealed::Sealed + Sync {}

pub(crate) use sealed::Sealed;

pub(crate) mod sealed {
    pub trait Sealed {
        fn conn(&self) -> &super::Conn;
    }
}

/// SELECT only: the pool behind it refuses to write.
#[derive(Clone)]
pub struct Read {
    conn: Arc<Conn>,
}

impl Read {
    pub(crate) fn new(pool: DatabaseConnection) -> Self {
        Self {
            conn: Arc::new(Conn::Pool(pool)),
        }
    }
}

impl Db for Read {}

impl Sealed for Read {
    fn conn(&self) -> &Conn {
        &self.conn
    }
}

/// The way to the database: a pool, a Postgres transaction, or a turn of the SQLite writer.
pub enum Conn {
    Pool(DatabaseConnection),
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

/// A turn's access to the writer's transaction. The writer closes it when the turn is over, so a
/// late statement of an evicted turn cannot slip into somebody else's turn.
pub struct Door {
    txn: tokio::sync::Mutex<Option<Arc<DatabaseTransaction>>>,
    failed: AtomicBool,
}

impl Door {
    pub(crate) fn new(txn: Arc<DatabaseTransaction>) -> Self {
        Self {
            txn: tokio::sync::Mutex::new(Some(txn)),
            failed: AtomicBool::new(false),
        }
    }

    /// Waits for a statement in flight, then lets no other in.
    pub(crate) async fn close(&self) {
        self.txn.lock().await.take();
    }

    /// A statement is in flight.
    pub(crate) fn is_busy(&self) -> bool {
        self.txn.try_lock().is_err()
    }

    pub(crate) fn failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }
}

impl Conn {
    pub(crate) fn failed(&self) -> bool {
        match self {
            Self::Pool(_) => false,
            Self::Own(own) => own.failed.load(Ordering::SeqCst),
            Self::Turn(door) => door.failed(),
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

/// Sends one statement along the way `$self` has, and remembers a failure.
macro_rules! forward {
    ($self:ident, $call:ident, $argument:expr) => {
        match $self {
            Conn::Pool(pool) => pool.$call($argument).await,
            Conn::Own(own) if own.failed.load(Ordering::SeqCst) => Err(refused()),
            Conn::Own(own) => note(&own.failed, own.txn.$call($argument).await),
            Conn::Turn(door) => {
                let txn = door.txn.lock().await;
                match &*txn {
                    Some(txn) if !door.failed() => note(&door.failed, txn.$call($argument).await),
                    Some(_) => Err(refused()),
                    None => Err(evicted()),
                }
            }
        }
    };
}

#[async_trait::async_trait]
impl ConnectionTrait for Conn {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Pool(pool) => pool.get_database_backend(),
            Self::Own(own) => own.txn.get_database_backend(),
            Self::Turn(_) => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        forward!(self, execute_raw, statement)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        forward!(self, execute_unprepared, sql)
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        forward!(self, query_one_raw, statement)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        forward!(self, query_all_raw, statement)
    }
}

/// A statement that must change exactly one row, or the caller has lost a race.
pub(crate) fn one_row(rows_affected: u64, noun: &'static str) -> Result<(), StoreError> {
    match rows_affected {
        1 => Ok(()),
        _ => Err(StoreError::lost_race(noun)),
    }
}
