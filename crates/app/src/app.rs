//! The handle every use case takes: store, clock and edges, made once by the server.

use crate::Result;
use crate::access::Access;
use crate::blobs::Blobs;
use crate::bus::Bus;
use crate::inbound::Entrances;
use crate::mailer::Mailer;
use crate::outbound::Outbound;
use crate::passwords::Passwords;
use crate::presence::Tellers;
use crate::secrets::Vault;
use domain::{Clock, NodeId, TenantId, Time};
use std::sync::Arc;
use store::{Committed, Read, Store, Tx};

/// What the server gives.
pub struct Parts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub bus: Arc<dyn Bus>,
    pub mailer: Arc<dyn Mailer>,
    pub outbound: Outbound,
    pub passwords: Passwords,
    pub vault: Vault,
    pub blobs: Blobs,
    pub config: Config,
}

/// The parts, and what is remembered between requests. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub parts: Parts,
    /// Webhook keys that were looked up a moment ago.
    pub(crate) entrances: Entrances,
    pub(crate) access: Access,
    pub(crate) tellers: Tellers,
}

/// Settings that use cases read.
#[derive(Debug, Clone)]
pub struct Config {
    pub node: NodeId,
    /// Where the world reaches us, without a trailing slash. Signatures and mails use it.
    pub public_url: String,
    /// Provider base URLs by channel kind; only tests and on-premise peers set them.
    pub base_urls: std::collections::BTreeMap<String, String>,
    /// Shown on the sign-in page of a demo: e-mail and password.
    pub demo: Option<(String, String)>,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::ops::Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl App {
    pub fn new(parts: Parts) -> Self {
        let access = Access::new(&*parts.bus);
        Self(Arc::new(Inner {
            parts,
            entrances: Entrances::default(),
            access,
            tellers: Tellers::default(),
        }))
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }

    pub fn read(&self) -> Read {
        self.store.read()
    }

    pub async fn begin(&self, tenant: TenantId, use_case: &'static str) -> Result<Tx> {
        Ok(self.store.begin(tenant, use_case).await?)
    }

    /// Commits, then hints to tails, workers and routers that there is something new.
    pub async fn commit<T>(&self, tx: Tx, value: T) -> Result<T> {
        Ok(self.committed(tx, value).await?.value)
    }

    /// Like [`App::commit`], for callers who need the place in the log.
    pub async fn committed<T>(&self, tx: Tx, value: T) -> Result<Committed<T>> {
        let committed = tx.commit(value).await?;
        for tenant in &committed.touched {
            self.bus.wake(*tenant);
        }
        Ok(committed)
    }
}
