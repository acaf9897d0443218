//! The bus of one process, and the local half of the bus of many nodes.

use super::{
    Bus, BusError, Handler, PAYLOAD_BYTES_MAX, REQUEST_TIMEOUT, Revocation, Serving, Wakes, Woken,
    lock,
};
use async_trait::async_trait;
use bytes::Bytes;
use domain::{NodeId, TenantId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use tokio::sync::{broadcast, watch};

/// A listener that lags further behind loses the oldest signals.
const SIGNALS_MAX: usize = 256;
const REVOCATIONS_MAX: usize = 1024;

#[derive(Clone)]
pub struct LocalBus(Arc<Hub>);

struct Hub {
    wakes: Mutex<Vec<Weak<Woken>>>,
    watches: Mutex<HashMap<TenantId, watch::Sender<u64>>>,
    signals: Mutex<HashMap<TenantId, broadcast::Sender<Bytes>>>,
    revocations: broadcast::Sender<Revocation>,
    handlers: Mutex<HashMap<NodeId, Handler>>,
}

impl fmt::Debug for LocalBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalBus")
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self(Arc::new(Hub {
            wakes: Mutex::default(),
            watches: Mutex::default(),
            signals: Mutex::default(),
            revocations: broadcast::Sender::new(REVOCATIONS_MAX),
            handlers: Mutex::default(),
        }))
    }
}

impl LocalBus {
    pub(super) fn handler(&self, node: NodeId) -> Option<Handler> {
        lock(&self.0.handlers).get(&node).cloned()
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn wake(&self, tenant: TenantId) {
        lock(&self.0.wakes).retain(|listener| match listener.upgrade() {
            Some(woken) => {
                Wakes(woken).push(tenant);
                true
            }
            None => false,
        });
        let mut watches = lock(&self.0.watches);
        if let Some(sender) = watches.get(&tenant) {
            if sender.receiver_count() == 0 {
                watches.remove(&tenant);
            } else {
                sender.send_modify(|n| *n = n.wrapping_add(1));
            }
        }
    }

    fn wakes(&self) -> Wakes {
        let wakes = Wakes::new();
        lock(&self.0.wakes).push(Arc::downgrade(&wakes.0));
        wakes
    }

    fn watch(&self, tenant: TenantId) -> watch::Receiver<u64> {
        lock(&self.0.watches).entry(tenant).or_default().subscribe()
    }

    fn signal(&self, tenant: TenantId, payload: Bytes) {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return;
        }
        let mut signals = lock(&self.0.signals);
        if let Some(sender) = signals.get(&tenant) {
            // An error means that the last listener left.
            if sender.send(payload).is_err() {
                signals.remove(&tenant);
            }
        }
    }

    fn signals(&self, tenant: TenantId) -> broadcast::Receiver<Bytes> {
        lock(&self.0.signals)
            .entry(tenant)
            .or_insert_with(|| broadcast::Sender::new(SIGNALS_MAX))
            .subscribe()
    }

    fn revoked(&self, what: Revocation) {
        // No listener is no problem: then no socket is open here.
        let _ = self.0.revocations.send(what);
    }

    fn revocations(&self) -> broadcast::Receiver<Revocation> {
        self.0.revocations.subscribe()
    }

    async fn request(&self, node: NodeId, payload: Bytes) -> Result<Bytes, BusError> {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(BusError::TooLarge);
        }
        let handler = self.handler(node).ok_or(BusError::NoNode(node))?;
        tokio::time::timeout(REQUEST_TIMEOUT, handler(payload))
            .await
            .map_err(|_| BusError::TimedOut(node))
    }

    async fn serve(&self, node: NodeId, handler: Handler) -> Result<Serving, BusError> {
        lock(&self.0.handlers).insert(node, Arc::clone(&handler));
        let hub = Arc::downgrade(&self.0);
        Ok(Serving::until_dropped(move || {
            if let Some(hub) = hub.upgrade() {
                let mut handlers = lock(&hub.handlers);
                // A later `serve` of the same node has taken over: leave it alone.
                if handlers
                    .get(&node)
                    .is_some_and(|h| Arc::ptr_eq(h, &handler))
                {
                    handlers.remove(&node);
                }
            }
        }))
    }

    fn is_live(&self) -> bool {
        true
    }
}
