//! The router of a tenant: follows its log, lets the engine decide, makes each wish a fact.
//!
//! Invariants:
//! - It holds nothing that rows do not say. Start, failover, an error or any doubt all do the same:
//!   read the rows anew.
//! - Each decision is one transaction on fresh rows, with their versions and the epoch of the
//!   tenant's shard checked. So a second router, however stale, can lose races but break nothing.
//! - A hint makes it fast; the log alone makes it right.

mod apply;
mod node;

pub use node::run;

use crate::{App, Result};
use chrono::TimeDelta;
use domain::event::Cursor;
use domain::{TenantId, Time};
use routing::{Engine, RowImage};
use store::leases::Shard;
use store::{events, routing as stored};

/// Events read at once.
const PAGE: u64 = 500;
/// When decisions are refused although the rows were read anew: how long until the next try.
const PATIENCE: TimeDelta = TimeDelta::seconds(1);

/// The code of the error that says: another node routes this tenant now.
const SHARD_LOST: &str = "SHARD_LOST";

#[derive(Debug)]
pub struct Router {
    tenant: TenantId,
    shard: Shard,
    /// `None` until the rows are read.
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    engine: Engine,
    cursor: Cursor,
}

impl Router {
    /// `shard` is the tenant's, owned by this node.
    pub const fn new(tenant: TenantId, shard: Shard) -> Self {
        Self {
            tenant,
            shard,
            known: None,
        }
    }

    /// Learns what is new and applies decisions until there are none. Answers the instant at which
    /// time alone makes a difference.
    pub async fn step(&mut self, app: &App) -> Result<Option<Time>> {
        let done = self.settle(app).await;
        if done.is_err() {
            self.known = None;
        }
        done
    }

    async fn settle(&mut self, app: &App) -> Result<Option<Time>> {
        let mut doubted = false;
        loop {
            self.catch_up(app).await?;
            let Some(known) = &mut self.known else {
                continue;
            };
            let decisions = known.engine.decide(app.now());
            if decisions.is_empty() {
                return Ok(decisions.next_wake);
            }
            let applied = apply::all(app, self.tenant, self.shard, decisions).await?;
            // Lost races show up in the log; wishes that stay refused without news are doubt.
            if applied > 0 || self.catch_up(app).await? {
                continue;
            }
            self.known = None;
            if doubted {
                tracing::warn!(tenant.id = %self.tenant, "the rows refuse what the router decided from them");
                return Ok(Some(app.now() + PATIENCE));
            }
            doubted = true;
        }
    }

    /// Reads the log to its head, or everything when the log cannot tell. Answers whether there
    /// was news.
    async fn catch_up(&mut self, app: &App) -> Result<bool> {
        let read = app.read();
        let head = events::head(&read, self.tenant).await?;
        let Some(known) = &mut self.known else {
            return self.read_rows(app).await;
        };
        if known.cursor == head {
            return Ok(false);
        }
        if known.cursor.epoch != head.epoch || known.cursor.seq > head.seq {
            return self.read_rows(app).await;
        }
        loop {
            let page = events::after(&read, self.tenant, known.cursor.seq, PAGE).await?;
            let is_last = (page.len() as u64) < PAGE;
            for event in page {
                if event.seq != known.cursor.seq + 1 {
                    return self.read_rows(app).await;
                }
                known.cursor.seq = event.seq;
                if let Some(image) = RowImage::from_event(event.image, event.seq) {
                    known.engine.apply(image);
                }
            }
            if is_last {
                // Events that were pruned before they were read leave no page, only a gap.
                return if known.cursor.seq < head.seq {
                    self.read_rows(app).await
                } else {
                    Ok(true)
                };
            }
        }
    }

    async fn read_rows(&mut self, app: &App) -> Result<bool> {
        let now = app.now();
        let (snapshot, cursor) = stored::snapshot(&app.read(), self.tenant, now).await?;
        self.known = Some(Known {
            engine: Engine::from_rows(snapshot, now),
            cursor,
        });
        Ok(true)
    }
}
