//! What can go wrong in the store, in the words a caller can act on.

use crate::sqlite::Fault;
use sea_orm::{DbErr, RuntimeErr, SqlErr};
use std::sync::Arc;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// Cloneable, because one failed COMMIT fails every turn of its group.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("no such {noun}")]
    NotFound { noun: &'static str },
    /// A lost race or a row that exists already. Read again and retry, or tell the user.
    #[error("conflict: {what}")]
    Conflict { what: String },
    /// The database is gone, full or busy: nothing was written, try later.
    #[error("the database is unavailable: {source}")]
    Unavailable { source: Source },
    /// A stored value that no version of Meari writes, or a damaged file.
    #[error("corrupt data: {what}")]
    Corrupt { what: String },
    #[error("store failure: {source}")]
    Internal { source: Source },
}

impl StoreError {
    pub const fn not_found(noun: &'static str) -> Self {
        Self::NotFound { noun }
    }

    /// The row changed since it was read.
    pub fn lost_race(noun: &'static str) -> Self {
        Self::Conflict {
            what: format!("the {noun} was changed by somebody else"),
        }
    }

    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    pub(crate) fn corrupt(what: impl ToString) -> Self {
        Self::Corrupt {
            what: what.to_string(),
        }
    }

    pub(crate) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            source: Arc::from(source.into()),
        }
    }

    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal {
            source: Arc::from(source.into()),
        }
    }

    /// A turn held the writer longer than allowed and was rolled back: it may be repeated.
    pub(crate) fn overdue(use_case: &'static str) -> Self {
        Self::unavailable(format!(
            "the transaction of {use_case} was rolled back because it took too long"
        ))
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(what)) => return Self::Conflict { what },
            Some(_) => return Self::internal(error),
            None => {}
        }
        if let Some(fault) = Fault::of(&error) {
            return Self::from(fault.clone());
        }
        match &error {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => Self::unavailable(error),
            DbErr::Type(_) | DbErr::Json(_) | DbErr::TryIntoErr { .. } => Self::corrupt(error),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause)) => verdict(cause).of(error),
            _ => Self::internal(error),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        if fault.is_duplicate() {
            return Self::Conflict {
                what: fault.message,
            };
        }
        sqlite_verdict(fault.code).of(fault)
    }
}

enum Verdict {
    Race,
    Gone,
    Damaged,
    Fault,
}

impl Verdict {
    fn of(self, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        match self {
            Self::Race => StoreError::Conflict {
                what: error.to_string(),
            },
            Self::Gone => StoreError::unavailable(error),
            Self::Damaged => StoreError::corrupt(error),
            Self::Fault => StoreError::internal(error),
        }
    }
}

fn verdict(error: &sqlx::Error) -> Verdict {
    use sqlx::Error::{ColumnDecode, Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
    match error {
        Io(_) | PoolClosed | PoolTimedOut | Tls(_) | WorkerCrashed => Verdict::Gone,
        ColumnDecode { .. } => Verdict::Damaged,
        sqlx::Error::Database(cause) => {
            let code = cause.code().unwrap_or_default();
            // Migrations run on sea-orm's own driver.
            let sqlite = cause
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some();
            if sqlite {
                sqlite_verdict(code.parse().unwrap_or(1))
            } else {
                postgres_verdict(&code)
            }
        }
        _ => Verdict::Fault,
    }
}

/// The low byte of SQLite's extended code is the class of the failure.
fn sqlite_verdict(code: i32) -> Verdict {
    const BUSY: i32 = 5;
    const READ_ONLY: i32 = 8;
    const IO_ERROR: i32 = 10;
    const DAMAGED: i32 = 11;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    const NOT_A_DATABASE: i32 = 26;
    match code & 0xff {
        BUSY | READ_ONLY | IO_ERROR | FULL | CANNOT_OPEN => Verdict::Gone,
        DAMAGED | NOT_A_DATABASE => Verdict::Damaged,
        _ => Verdict::Fault,
    }
}

/// 40001 and 40P01 are lost races; classes 08, 53, 57 and 58 say that the server is not there for us.
fn postgres_verdict(code: &str) -> Verdict {
    match code {
        "40001" | "40P01" | "55P03" => Verdict::Race,
        "XX001" | "XX002" => Verdict::Damaged,
        _ if ["08", "53", "57", "58"].iter().any(|c| code.starts_with(c)) => Verdict::Gone,
        _ => Verdict::Fault,
    }
}
