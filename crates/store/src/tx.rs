//! One use case, one transaction: rows, jobs and events commit together.
//!
//! `emit`, `enqueue` and `count` only fill a buffer; the flush writes it as the last statements
//! before COMMIT. Dropping a `Tx` rolls it back and its buffer vanishes.

use crate::counters::CountDelta;
use crate::db::{Conn, Db, Sealed};
use crate::error::StoreError;
use crate::flush::{Buffer, Flushed, flush};
use crate::jobs::NewJob;
use crate::writer::{End, Turn};
use domain::event::NewEvent;
use domain::{JobId, TenantId, Time};
use tokio::sync::oneshot;

/// A value that is durable now.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed<T> {
    pub value: T,
    /// Place of the last event this transaction emitted for its own tenant.
    pub seq: Option<i64>,
    /// Tenants that got events or jobs: wake their tails and workers.
    pub touched: Vec<TenantId>,
}

/// Not `Sync`-shared, not nested: awaiting anything but the `Tx` itself inside it is a fault.
pub struct Tx {
    conn: Conn,
    /// SQLite only: how the turn ends. Dropping it tells the writer to roll back.
    end: Option<oneshot::Sender<End>>,
    tenant: Option<TenantId>,
    use_case: &'static str,
    now: Time,
    buffer: Buffer,
}

impl Tx {
    pub(crate) fn postgres(
        own: crate::db::Own,
        tenant: Option<TenantId>,
        use_case: &'static str,
        now: Time,
    ) -> Self {
        Self {
            conn: Conn::Own(own),
            end: None,
            tenant,
            use_case,
            now,
            buffer: Buffer::new(now),
        }
    }

    pub(crate) fn sqlite(
        turn: Turn,
        tenant: Option<TenantId>,
        use_case: &'static str,
        now: Time,
    ) -> Self {
        Self {
            conn: Conn::Turn(turn.door),
            end: Some(turn.end),
            tenant,
            use_case,
            now,
            buffer: Buffer::new(now),
        }
    }

    /// The instant of this transaction, fixed when it began.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The tenant it was begun for; `None` in a global transaction.
    pub const fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// Appends to the tenant's log at commit. In a global transaction use [`Tx::emit_for`].
    pub fn emit(&mut self, event: NewEvent) {
        match self.tenant {
            Some(tenant) => self.emit_for(tenant, event),
            None => self.buffer.fault("an event without a tenant"),
        }
    }

    pub fn emit_for(&mut self, tenant: TenantId, event: NewEvent) {
        self.buffer.events.push((tenant, event));
    }

    /// Schedules work for after the commit. In a global transaction use [`Tx::enqueue_for`].
    pub fn enqueue(&mut self, job: NewJob) -> JobId {
        match self.tenant {
            Some(tenant) => self.enqueue_for(tenant, job),
            None => {
                self.buffer.fault("a job without a tenant");
                JobId::new(self.now)
            }
        }
    }

    pub fn enqueue_for(&mut self, tenant: TenantId, job: NewJob) -> JobId {
        let id = JobId::new(self.now);
        self.buffer.jobs.push((id, tenant, job));
        id
    }

    pub fn count(&mut self, delta: CountDelta) {
        match self.tenant {
            Some(tenant) => self.buffer.count(tenant, delta),
            None => self.buffer.fault("a count without a tenant"),
        }
    }

    /// Makes everything durable, or nothing. On SQLite it waits for its group.
    pub async fn commit<T>(self, value: T) -> Result<Committed<T>, StoreError> {
        let Self {
            conn,
            end,
            tenant,
            use_case,
            buffer,
            ..
        } = self;
        if let Some(what) = buffer.fault {
            return Err(StoreError::internal(format!("{use_case} wrote {what}")));
        }
        let touched = buffer.touched();
        let flushed = match (conn, end) {
            (Conn::Own(own), _) => commit_own(own, buffer, use_case).await?,
            (_, Some(end)) => commit_turn(end, buffer, use_case).await?,
            (_, None) => return Err(StoreError::internal("a transaction without an end")),
        };
        Ok(Committed {
            value,
            seq: tenant.and_then(|t| flushed.get(&t).copied()),
            touched,
        })
    }
}

async fn commit_own(
    own: crate::db::Own,
    buffer: Buffer,
    use_case: &'static str,
) -> Result<Flushed, StoreError> {
    let conn = Conn::Own(own);
    if conn.failed() {
        return Err(after_failure(use_case));
    }
    let flushed = flush(&conn, std::slice::from_ref(&buffer)).await?;
    if let Conn::Own(own) = conn {
        own.txn.commit().await?;
    }
    Ok(flushed.into_iter().next().unwrap_or_default())
}

async fn commit_turn(
    end: oneshot::Sender<End>,
    buffer: Buffer,
    use_case: &'static str,
) -> Result<Flushed, StoreError> {
    let (done, outcome) = oneshot::channel();
    end.send(End { buffer, done })
        .map_err(|_| StoreError::overdue(use_case))?;
    outcome
        .await
        .unwrap_or_else(|_| Err(StoreError::unavailable("the writer stopped")))
}

pub(crate) fn after_failure(use_case: &'static str) -> StoreError {
    StoreError::internal(format!(
        "{use_case} tried to commit after a failed statement"
    ))
}

impl Db for Tx {}

impl Sealed for Tx {
    fn conn(&self) -> &Conn {
        &self.conn
    }
}
