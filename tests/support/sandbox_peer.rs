//! The other side of the `sandbox` channel: records what our server sends, and can be told to
//! delay, refuse, lose an answer, or die.
//!
//! It keeps what a real provider keeps: a message stored before its answer was lost stays stored,
//! the same idempotency key never stores twice, and lookups by client id find it.

use crate::{ports, wait};
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// What happens to the next `POST /messages`, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Not stored; this status, with `retry-after` when given.
    Refuse {
        status: u16,
        retry_after: Option<u32>,
    },
    /// Stored, but the answer waits until [`SandboxPeer::release`]. A dropped connection loses it.
    StoreAndHold,
    /// Not stored, and the answer waits until [`SandboxPeer::release`] (then it is stored).
    HoldThenStore,
}

/// A message the peer holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: String,
    pub client_id: String,
    pub body: Value,
    pub deleted: bool,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub what: &'static str,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug, Default)]
struct Records {
    script: VecDeque<Next>,
    stored: Vec<Stored>,
    by_key: HashMap<String, usize>,
    seen: Vec<Seen>,
    held: usize,
    refuses_account: bool,
}

#[derive(Debug, Default)]
struct Shared {
    records: Mutex<Records>,
    release: Notify,
}

impl Shared {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Peer = State<Arc<Shared>>;

/// Runs on a runtime of its own: ending that is the only way to cut connections in the middle.
#[derive(Debug)]
pub struct SandboxPeer {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl SandboxPeer {
    pub async fn start() -> anyhow::Result<Self> {
        let mut peer = Self {
            shared: Arc::default(),
            address: ports::free()?,
            runtime: None,
        };
        peer.revive().await?;
        Ok(peer)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds to what happens next; without a script every message is accepted.
    pub fn script(&self, next: impl IntoIterator<Item = Next>) {
        self.shared.records().script.extend(next);
    }

    /// From now on `GET /account` says that the credentials are dead, or alive again.
    pub fn refuse_account(&self, refuses: bool) {
        self.shared.records().refuses_account = refuses;
    }

    /// Lets every held answer go.
    pub fn release(&self) {
        self.shared.release.notify_waiters();
    }

    /// Stops listening and cuts every connection; what is stored stays.
    pub fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Listens again on the same address.
    pub async fn revive(&mut self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        // The old life may still be letting go of the port.
        let address = self.address;
        let listener = wait::until("the peer's port", || async move {
            Ok(Some(std::net::TcpListener::bind(address)?))
        })
        .await?;
        listener.set_nonblocking(true)?;
        let router = router(self.shared.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        self.runtime = Some(runtime);
        Ok(())
    }

    pub fn stored(&self) -> Vec<Stored> {
        self.shared.records().stored.clone()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.records().seen.clone()
    }

    /// Waits until `count` messages are stored, and answers them.
    pub async fn until_stored(&self, count: usize) -> anyhow::Result<Vec<Stored>> {
        wait::until(&format!("{count} messages at the peer"), || async {
            let stored = self.stored();
            Ok((stored.len() >= count).then_some(stored))
        })
        .await
    }

    /// Waits until `count` answers are held back.
    pub async fn until_held(&self, count: usize) -> anyhow::Result<()> {
        wait::until(&format!("{count} held answers"), || async {
            Ok((self.shared.records().held >= count).then_some(()))
        })
        .await
    }
}

impl Drop for SandboxPeer {
    fn drop(&mut self) {
        // A runtime may not wait for its end inside another one.
        self.die();
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/account", get(account))
        .route("/messages", post(send).get(look_up))
        .route("/messages/{id}", patch(edit).delete(delete))
        .route(
            "/messages/{id}/reactions",
            post(|s, h, b| note("react", s, h, b)),
        )
        .route("/typing", post(|s, h, b| note("typing", s, h, b)))
        .route("/read", post(|s, h, b| note("read", s, h, b)))
        .route("/media", post(upload))
        .route("/people/{handle}", get(person))
        .with_state(shared)
}

fn json_of(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn record(peer: &Shared, what: &'static str, headers: HeaderMap, body: Bytes) {
    peer.records().seen.push(Seen {
        what,
        headers,
        body,
    });
}

async fn account(State(peer): Peer, headers: HeaderMap) -> Response {
    record(&peer, "account", headers, Bytes::new());
    if peer.records().refuses_account {
        let refusal = json!({ "error": "revoked", "code": "revoked" });
        return (StatusCode::UNAUTHORIZED, Json(refusal)).into_response();
    }
    Json(json!({ "account": "moa", "address": "@moa" })).into_response()
}

async fn note(
    what: &'static str,
    State(peer): Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Json<Value> {
    record(&peer, what, headers, body);
    Json(json!({}))
}

async fn upload(State(peer): Peer, headers: HeaderMap, body: Bytes) -> Json<Value> {
    record(&peer, "upload", headers, body);
    let count = peer.records().seen.len();
    Json(json!({ "id": format!("media-{count}") }))
}

async fn person(Path(handle): Path<String>) -> Json<Value> {
    Json(json!({ "handle": format!("@{handle}"), "name": handle }))
}

/// Stores once per idempotency key, as a provider that honours the header does.
fn store(records: &mut Records, key: Option<String>, body: &Bytes) -> Value {
    if let Some(at) = key.as_ref().and_then(|key| records.by_key.get(key)) {
        return json!({ "id": records.stored[*at].id });
    }
    let body = json_of(body);
    let id = format!("sbx-{}", records.stored.len() + 1);
    if let Some(key) = key {
        records.by_key.insert(key, records.stored.len());
    }
    records.stored.push(Stored {
        id: id.clone(),
        client_id: body["client_id"].as_str().unwrap_or_default().to_owned(),
        body,
        deleted: false,
    });
    json!({ "id": id })
}

async fn hold(peer: &Shared) {
    let released = peer.release.notified();
    peer.records().held += 1;
    released.await;
}

async fn send(State(peer): Peer, headers: HeaderMap, body: Bytes) -> Response {
    let key = headers
        .get("idempotency-key")
        .and_then(|k| k.to_str().ok())
        .map(str::to_owned);
    record(&peer, "send", headers, body.clone());
    let next = peer.records().script.pop_front();
    match next {
        Some(Next::Refuse {
            status,
            retry_after,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let after = retry_after.map(|seconds| ("retry-after", seconds.to_string()));
            (
                status,
                AppendHeaders(after),
                Json(json!({ "error": "scripted", "code": "scripted" })),
            )
                .into_response()
        }
        Some(Next::HoldThenStore) => {
            hold(&peer).await;
            Json(store(&mut peer.records(), key, &body)).into_response()
        }
        Some(Next::StoreAndHold) => {
            let answer = store(&mut peer.records(), key, &body);
            hold(&peer).await;
            Json(answer).into_response()
        }
        None => Json(store(&mut peer.records(), key, &body)).into_response(),
    }
}

async fn look_up(
    State(peer): Peer,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    record(&peer, "look_up", headers, Bytes::new());
    let wanted = query.get("client_id");
    let found = peer
        .records()
        .stored
        .iter()
        .find(|m| Some(&m.client_id) == wanted)
        .map(|m| m.id.clone());
    match found {
        Some(id) => Json(json!({ "id": id })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn edit(
    State(peer): Peer,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Json<Value> {
    record(&peer, "edit", headers, body.clone());
    let text = json_of(&body)["text"].take();
    if let Some(message) = peer.records().stored.iter_mut().find(|m| m.id == id) {
        message.body["text"] = text;
    }
    Json(json!({}))
}

async fn delete(State(peer): Peer, Path(id): Path<String>, headers: HeaderMap) -> Json<Value> {
    record(&peer, "delete", headers, Bytes::new());
    if let Some(message) = peer.records().stored.iter_mut().find(|m| m.id == id) {
        message.deleted = true;
    }
    Json(json!({}))
}
