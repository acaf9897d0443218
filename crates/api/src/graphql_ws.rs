//! graphql-transport-ws: one loop per socket, everything bounded.
//!
//! A socket belongs to a session: it closes when the session is revoked, or when its token has been
//! expired for a while and was not renewed by `renewSocket`. The server asks for a sign of life every
//! ping; two that stay without any word mean the peer is gone. A drain closes each socket at its own
//! moment of the spread, so that clients do not come back all at once.

mod connection;
mod operations;
mod protocol;

use crate::auth::{Bearer, Gate, Session, SocketId};
use crate::fault::{Code, Fault};
use crate::graphql_http::Endpoint;
use crate::live::Hub;
use async_graphql::Executor;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Bounds and rhythms of a socket.
#[derive(Debug, Clone)]
pub struct Settings {
    pub init_timeout: Duration,
    pub ping_every: Duration,
    /// A peer that takes no bytes for this long is gone.
    pub write_timeout: Duration,
    /// How long a socket outlives its token, so that a renewal in flight is not cut off.
    pub expiry_grace: Duration,
    pub subscriptions_max: usize,
    pub message_bytes_max: usize,
    /// Origins that may connect besides the server's own host, e.g. `https://app.example`.
    pub origins: Vec<String>,
    /// Drained sockets close spread over this time.
    pub drain_spread: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            init_timeout: Duration::from_secs(10),
            ping_every: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            expiry_grace: Duration::from_secs(30),
            subscriptions_max: 50,
            message_bytes_max: 256 << 10,
            origins: Vec::new(),
            drain_spread: Duration::from_secs(5),
        }
    }
}

/// All sockets of this process.
pub struct Sockets<E> {
    endpoint: Arc<Endpoint<E>>,
    hub: Arc<Hub<E>>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    draining: watch::Sender<bool>,
    open: TaskTracker,
    next_id: AtomicU64,
}

impl<E: Executor> Sockets<E> {
    pub fn new(
        endpoint: Arc<Endpoint<E>>,
        hub: Arc<Hub<E>>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new(Self {
            endpoint,
            hub,
            clock,
            settings,
            draining: watch::channel(false).0,
            open: TaskTracker::new(),
            next_id: AtomicU64::new(1),
        })
    }

    /// Takes over an upgrade request of `/graphql`.
    pub fn accept(
        self: &Arc<Self>,
        headers: &HeaderMap,
        peer: crate::auth::Peer,
        upgrade: WebSocketUpgrade,
    ) -> Response {
        if !origin_is_welcome(headers, &self.settings.origins) {
            return (StatusCode::FORBIDDEN, "This origin may not connect.").into_response();
        }
        if *self.draining.borrow() {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let sockets = Arc::clone(self);
        let token = self.open.token();
        let max = self.settings.message_bytes_max;
        upgrade
            .protocols([protocol::SUBPROTOCOL])
            // The library's default of 128 KiB would be most of an idle socket's memory.
            .read_buffer_size(4 << 10)
            .max_message_size(max)
            .max_frame_size(max)
            .on_upgrade(move |socket| async move {
                connection::serve(sockets, socket, peer).await;
                drop(token);
            })
    }

    /// Closes every socket with 1012, spread over `drain_spread`, and waits until they are gone.
    pub async fn drain(&self) {
        self.draining.send_replace(true);
        self.open.close();
        self.open.wait().await;
    }

    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    fn next_id(&self) -> SocketId {
        SocketId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }
}

/// Browsers name the page's origin; programs do not. No cookie is read on a socket, so this only keeps
/// foreign pages from using up sockets and from trying tokens.
fn origin_is_welcome(headers: &HeaderMap, origins: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    (own.is_some() && own == host) || origins.iter().any(|known| known == origin)
}

/// The socket that an operation came by, in its resolver's context.
#[derive(Clone)]
pub struct SocketHandle {
    gate: Arc<dyn Gate>,
    session: Arc<watch::Sender<Session>>,
}

impl SocketHandle {
    /// Puts the socket under a new token of the same session.
    pub async fn renew(&self, access_token: &str) -> Result<(), Fault> {
        let refused = || {
            Fault::new(
                Code::Unauthenticated,
                "This token does not renew the socket.",
            )
        };
        let bearer = Bearer::new(access_token).ok_or_else(refused)?;
        let renewed = self
            .gate
            .authenticate(&bearer)
            .await
            .map_err(|refusal| refusal.fault())?;
        let same = {
            let current = self.session.borrow();
            let (old, new) = (&current.actor, &renewed.actor);
            (old.tenant_id, old.user_id) == (new.tenant_id, new.user_id)
                && old.credential == new.credential
        };
        if !same {
            return Err(refused());
        }
        self.session.send_replace(renewed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_page_may_not_connect() {
        let headers = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "meari.example".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            headers
        };
        let known = ["https://app.example".to_owned()];
        let welcome = |origin| origin_is_welcome(&headers(origin), &known);
        assert!(welcome(None) && welcome(Some("https://meari.example")));
        assert!(welcome(Some("https://app.example")));
        for foreign in [
            "https://evil.example",
            "null",
            "https://meari.example.evil",
            "https://app.example:81",
        ] {
            assert!(!welcome(Some(foreign)), "{foreign}");
        }
    }
}
