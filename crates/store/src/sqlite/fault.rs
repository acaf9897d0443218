//! SQLite's errors on their way through sea-orm, with the code that says what to do about them.

use sea_orm::{DbErr, RuntimeErr};
use std::sync::Arc;

/// What SQLite said. The code is the extended one; its low byte is the class.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message} (SQLite {code})")]
pub(crate) struct Fault {
    pub code: i32,
    pub message: String,
}

impl Fault {
    const BUSY: i32 = 5;
    const INTERRUPTED: i32 = 9;
    const PRIMARY_KEY_TAKEN: i32 = 1555;
    const UNIQUE_TAKEN: i32 = 2067;

    /// The fault that sea-orm carried.
    pub fn of(error: &DbErr) -> Option<&Self> {
        let (DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
        else {
            return None;
        };
        match &**cause {
            sqlx::Error::AnyDriverError(fault) => fault.downcast_ref(),
            _ => None,
        }
    }

    pub fn is_busy(&self) -> bool {
        self.code & 0xff == Self::BUSY
    }

    pub fn is_interrupt(&self) -> bool {
        self.code & 0xff == Self::INTERRUPTED
    }

    pub fn is_duplicate(&self) -> bool {
        matches!(self.code, Self::PRIMARY_KEY_TAKEN | Self::UNIQUE_TAKEN)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        // An error that has no code is a misuse of ours.
        let code = error.sqlite_error().map_or(1, |e| e.extended_code);
        Self {
            code,
            message: error.to_string(),
        }
    }
}

impl From<Fault> for DbErr {
    fn from(fault: Fault) -> Self {
        let cause = sqlx::Error::AnyDriverError(Box::new(fault));
        Self::Exec(RuntimeErr::SqlxError(Arc::new(cause)))
    }
}
