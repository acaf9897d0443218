//! The log of `app` for the fan-out.

use crate::live::{EventLog, Head, LogAway};
use app::{App, events};
use async_trait::async_trait;
use domain::TenantId;
use domain::event::Event;
use std::sync::Arc;
use tokio::sync::watch;

pub struct AppLog(pub App);

fn away(error: app::Error) -> LogAway {
    LogAway(error.to_string())
}

#[async_trait]
impl EventLog for AppLog {
    async fn head(&self, tenant: TenantId) -> Result<Head, LogAway> {
        let head = events::head(&self.0, tenant).await.map_err(away)?;
        Ok(Head {
            epoch: head.at.epoch,
            seq: head.at.seq,
            oldest: head.oldest,
        })
    }

    async fn after(
        &self,
        tenant: TenantId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Arc<Event>>, LogAway> {
        let read = events::after(&self.0, tenant, after, limit).await;
        let events = read.map_err(away)?;
        Ok(events.into_iter().map(Arc::new).collect())
    }

    fn wakes(&self, tenant: TenantId) -> watch::Receiver<u64> {
        events::wakes(&self.0, tenant)
    }
}
