//! One running node: its lease and its loops. Everything here may be killed at any instant; what
//! was accepted is in rows, and the next start goes on from them.

use crate::{App, Result, housekeeping, jobs, router, sessions};
use chrono::TimeDelta;
use std::time::Duration;
use store::{jobs as job_rows, leases};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const RENEW_EVERY: Duration = Duration::from_secs(3);
const LEASE: TimeDelta = TimeDelta::seconds(10);
/// How long a stop waits for what is under way.
pub const DRAIN: Duration = Duration::from_secs(25);

/// What this node does besides serving requests.
#[derive(Debug, Clone, Copy)]
pub struct Roles {
    pub worker: bool,
    pub router: bool,
}

impl Roles {
    fn text(self) -> String {
        let named = [("worker", self.worker), ("router", self.router)];
        named
            .iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(",")
    }
}

/// The loops of this node. Dropping it without [`Node::stop`] is what a crash does.
pub struct Node {
    app: App,
    stop: CancellationToken,
    loops: JoinSet<()>,
}

/// Joins the installation and starts the loops.
pub async fn start(app: App, roles: Roles) -> Result<Node> {
    let mut tx = app.store.begin_global("join_node").await?;
    let until = tx.now() + LEASE;
    leases::join(&mut tx, app.config.node, &roles.text(), until).await?;
    if app.store.is_sqlite() {
        // The file lock says that whoever held these claims is gone.
        job_rows::release_all(&tx).await?;
    }
    app.commit(tx, ()).await?;
    let stop = CancellationToken::new();
    let mut loops = JoinSet::new();
    loops.spawn(renew(app.clone(), stop.clone()));
    if roles.worker {
        loops.spawn(jobs::work(app.clone(), stop.clone()));
        loops.spawn(housekeeping::run(app.clone(), stop.clone()));
        loops.spawn(sessions::run(app.clone(), stop.clone()));
    }
    if roles.router {
        loops.spawn(router::run(app.clone(), stop.clone()));
    }
    Ok(Node { app, stop, loops })
}

async fn renew(app: App, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = crate::wait::after(RENEW_EVERY) => {}
        }
        if let Err(error) = renew_once(&app).await {
            tracing::warn!(error = %error, "the lease of this node could not be renewed");
        }
    }
}

async fn renew_once(app: &App) -> Result<()> {
    let mut tx = app.store.begin_global("renew_node").await?;
    leases::renew(&tx, app.config.node, app.now() + LEASE).await?;
    leases::bury_dead(&mut tx).await?;
    app.commit(tx, ()).await
}

impl Node {
    /// Takes nothing new, finishes what is under way (at most [`DRAIN`]), and leaves.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let drained = tokio::time::timeout(DRAIN, async {
            while self.loops.join_next().await.is_some() {}
        });
        if drained.await.is_err() {
            tracing::warn!("some work did not finish in time; it goes on at the next start");
            self.loops.abort_all();
        }
        if let Err(error) = leave(&self.app).await {
            tracing::warn!(error = %error, "this node could not say goodbye; its lease runs out by itself");
        }
    }
}

async fn leave(app: &App) -> Result<()> {
    let mut tx = app.store.begin_global("leave_node").await?;
    leases::leave(&mut tx, app.config.node).await?;
    app.commit(tx, ()).await
}
