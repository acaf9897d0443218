//! Connections that only read.

use super::connection::{Access, Connection, lock, off_thread};
use super::fault::Fault;
use super::values::Row;
use crate::error::StoreError;
use sea_orm::{DbErr, RuntimeErr, Statement};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Longest that a read may keep a thread of the runtime. What takes longer begins anew elsewhere.
const BRIEF: Duration = Duration::from_millis(2);

#[derive(Clone)]
pub struct Readers {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    places: Arc<Semaphore>,
    /// The one used last is the warmest.
    idle: Mutex<Vec<Connection>>,
}

/// A connection that comes back when it is dropped.
struct Loan {
    connection: Option<Connection>,
    readers: Arc<Inner>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Loan {
    fn drop(&mut self) {
        lock(&self.readers.idle).extend(self.connection.take());
    }
}

impl Loan {
    fn connection(&self) -> Result<&Connection, DbErr> {
        self.connection.as_ref().ok_or_else(closed)
    }
}

fn closed() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the readers are closed".into()))
}

impl Readers {
    /// Opens one, so that a file that cannot be read is known at the start.
    pub fn open(path: &Path, max: u32) -> Result<Self, StoreError> {
        let first = Connection::open(path, Access::Read).map_err(StoreError::unavailable)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                places: Arc::new(Semaphore::new(max as usize)),
                idle: Mutex::new(vec![first]),
            }),
        })
    }

    async fn loan(&self) -> Result<Loan, DbErr> {
        let place = Arc::clone(&self.inner.places);
        let place = place.acquire_owned().await.map_err(|_| closed())?;
        let idle = lock(&self.inner.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.inner.path, Access::Read)?,
        };
        Ok(Loan {
            connection: Some(connection),
            readers: Arc::clone(&self.inner),
            _place: place,
        })
    }

    pub async fn query(&self, statement: Statement) -> Result<Vec<Row>, DbErr> {
        let loan = self.loan().await?;
        let brief = loan.connection()?.query_within(BRIEF, &statement);
        match brief {
            Err(error) if Fault::of(&error).is_some_and(Fault::is_interrupt) => {
                off_thread(move || loan.connection()?.query(&statement)).await?
            }
            result => result,
        }
    }
}
