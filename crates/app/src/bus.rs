//! Hints between the parts of one process and between nodes: speed, never truth.
//!
//! Invariants: every hint may be lost, doubled or late without harm, because a periodic look at
//! the database finds the same work; wakes coalesce, so a slow listener holds at most one entry
//! per tenant; a lost request is an error that the caller retries. Nothing here blocks a use case.

mod local;
mod nats;
mod revocation;

pub use local::LocalBus;
pub use nats::NatsBus;
pub use revocation::Revocation;

use async_trait::async_trait;
use bytes::Bytes;
use domain::{NodeId, TenantId};
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};

/// How long a request to another node may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest request, answer or signal.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// Nobody serves this node now; the request did not arrive.
    #[error("node {0} does not listen")]
    NoNode(NodeId),
    /// The request may have been handled.
    #[error("node {0} did not answer in time")]
    TimedOut(NodeId),
    #[error("a bus message may hold at most {PAYLOAD_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the bus is not reachable")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Answers the requests of other nodes.
pub type Handler = Arc<dyn Fn(Bytes) -> BoxFuture<'static, Bytes> + Send + Sync>;

#[async_trait]
pub trait Bus: Send + Sync + fmt::Debug {
    /// "This tenant has new events or jobs." Returns at once.
    fn wake(&self, tenant: TenantId);

    /// Wakes of every tenant, coalesced per tenant.
    fn wakes(&self) -> Wakes;

    /// Wakes of one tenant: `changed().await`, any number of wakes between two looks is one.
    fn watch(&self, tenant: TenantId) -> watch::Receiver<u64>;

    /// A lossy broadcast for presence and typing.
    fn signal(&self, tenant: TenantId, payload: Bytes);

    fn signals(&self, tenant: TenantId) -> broadcast::Receiver<Bytes>;

    /// "Close what this ends." The rows already say so.
    fn revoked(&self, what: Revocation);

    fn revocations(&self) -> broadcast::Receiver<Revocation>;

    /// One question to one node, at most [`REQUEST_TIMEOUT`].
    async fn request(&self, node: NodeId, payload: Bytes) -> Result<Bytes, BusError>;

    /// Answers requests to `node` until the guard is dropped.
    async fn serve(&self, node: NodeId, handler: Handler) -> Result<Serving, BusError>;

    /// Whether hints reach other nodes now; only for health pages.
    fn is_live(&self) -> bool;
}

/// Ends serving when dropped.
pub struct Serving(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Serving {
    fn until_dropped(end: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(end)))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(end) = self.0.take() {
            end();
        }
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serving")
    }
}

/// The tenants that were woken since the last look.
#[derive(Debug, Clone)]
pub struct Wakes(Arc<Woken>);

#[derive(Debug, Default)]
struct Woken {
    tenants: Mutex<BTreeSet<TenantId>>,
    notify: Notify,
}

impl Wakes {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn push(&self, tenant: TenantId) {
        lock(&self.0.tenants).insert(tenant);
        self.0.notify.notify_one();
    }

    /// All woken tenants, at least one. Cancel-safe.
    pub async fn next(&mut self) -> BTreeSet<TenantId> {
        loop {
            let woken = std::mem::take(&mut *lock(&self.0.tenants));
            if !woken.is_empty() {
                return woken;
            }
            self.0.notify.notified().await;
        }
    }
}

/// A panic elsewhere must not silence the bus: the guarded data is valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
