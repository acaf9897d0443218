//! Callers as `app` knows them.

use crate::auth::{Bearer, Gate, Refusal, Session, SocketId};
use app::{App, access, agents, events};
use async_trait::async_trait;
use domain::ConnectionId;
use domain::event::ScopeKey;
use domain::permission::Actor;
use futures_util::future::BoxFuture;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Revocations are hints and may be lost between nodes; this often the rows are asked.
const ASKED_AGAIN: Duration = Duration::from_secs(60);

/// The row of a socket decides whether its agent gets work: a lost race is tried again.
const TRIES: usize = 3;

pub struct AppGate {
    app: App,
    connections: Mutex<HashMap<SocketId, ConnectionId>>,
}

impl AppGate {
    pub fn new(app: App) -> Self {
        Self {
            app,
            connections: Mutex::default(),
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<SocketId, ConnectionId>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the caller hears. Faults of ours are logged here, since they become a plain refusal.
fn refused(error: app::Error) -> Refusal {
    match error {
        app::Error::Unavailable { .. } => Refusal::Unavailable,
        error => {
            tracing::error!(error = ?error, "a caller could not be proven");
            Refusal::Unavailable
        }
    }
}

#[async_trait]
impl Gate for AppGate {
    async fn authenticate(&self, bearer: &Bearer) -> Result<Session, Refusal> {
        match access::authenticate(&self.app, bearer.reveal()).await {
            Ok(Some(proof)) => Ok(Session {
                actor: proof.actor,
                expires_at: proof.expires_at,
            }),
            Ok(None) => Err(Refusal::Invalid),
            Err(error) => Err(refused(error)),
        }
    }

    fn ended(&self, actor: &Actor) -> BoxFuture<'static, ()> {
        let (app, actor) = (self.app.clone(), actor.clone());
        // Listening begins before the look at the rows: what ends in between is heard.
        let mut revocations = app.bus.revocations();
        Box::pin(async move {
            let mut looks = interval_at(Instant::now(), ASKED_AGAIN);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    heard = revocations.recv() => match heard {
                        Ok(revocation) if revocation.ends(&actor) => return,
                        Ok(_) => {}
                        Err(RecvError::Lagged(_)) => looks.reset_immediately(),
                        Err(RecvError::Closed) => return,
                    },
                    _ = looks.tick() => {
                        // A database that is away ends nobody's session.
                        if let Ok(false) = access::still_holds(&app, &actor).await {
                            return;
                        }
                    }
                }
            }
        })
    }

    async fn scope(&self, actor: &Actor) -> Result<BTreeSet<ScopeKey>, Refusal> {
        events::keys_of(&self.app, actor).await.map_err(refused)
    }

    async fn connected(&self, actor: &Actor, socket: SocketId) {
        for _ in 0..TRIES {
            match agents::connected(&self.app, actor).await {
                Ok(connection) => {
                    self.connections().insert(socket, connection);
                    return;
                }
                Err(error) => tracing::warn!(error = ?error, "a connection was not noted"),
            }
        }
    }

    async fn disconnected(&self, actor: &Actor, socket: SocketId) {
        let noted = self.connections().remove(&socket);
        let Some(connection) = noted else { return };
        for _ in 0..TRIES {
            match agents::disconnected(&self.app, actor.tenant_id, connection).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(error = ?error, "the end of a connection was not noted")
                }
            }
        }
    }
}
