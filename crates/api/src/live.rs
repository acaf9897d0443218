//! Live changes: the log of a tenant, fanned out to the sockets that may see it.
//!
//! - The log is the only truth. Every wake is a hint; a tick finds what a lost hint announced.
//! - One tail per tenant reads each event once and renders it once per distinct document and set of
//!   visible events; every socket with the same needs gets the same bytes.
//! - A socket's queue is bounded. When it overruns, the tail forgets the socket, and the socket reads
//!   the log itself from its cursor until it has caught up, then joins again: nothing is lost, nothing
//!   comes twice, and a stalled peer holds at most one queue of memory.
//! - The cursor also advances over events the viewer may not see, and travels with the keep-alive.
//! - A viewer whose own keys changed, or whose cursor the log no longer covers, gets `resync`.
//!
//! The resolver of `changes` takes [`Feed`] from its context and turns each [`Batch`] into its type.

mod subscription;
mod tail;

use crate::auth::{Gate, Refusal};
use crate::fault;
use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection};
use async_graphql::{Executor, Request, ServerError, Variables};
use async_trait::async_trait;
use domain::TenantId;
use domain::event::{Cursor, Event, ScopeKey};
use domain::permission::Actor;
use futures_util::{Stream, StreamExt};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
pub use subscription::Subscription;
use tail::{Joined, Tail};
use tokio::sync::watch;

/// Where a tenant's log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub epoch: i64,
    /// The last committed sequence; 0 for an empty log.
    pub seq: i64,
    /// The first sequence that is still kept; `seq + 1` when none is.
    pub oldest: i64,
}

/// The log could not be read now; reading again later is right.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the event log cannot be read: {0}")]
pub struct LogAway(pub String);

/// What the fan-out reads. `app` is the real one; tests keep a list in memory.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    async fn head(&self, tenant: TenantId) -> Result<Head, LogAway>;

    /// At most `limit` events with `seq > after`, in order and without a gap.
    async fn after(
        &self,
        tenant: TenantId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Arc<Event>>, LogAway>;

    /// Changes whenever the log may have grown. The value itself is not used.
    fn wakes(&self, tenant: TenantId) -> watch::Receiver<u64>;
}

/// What one `ChangeBatch` shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub cursor: Cursor,
    pub events: Vec<Arc<Event>>,
    pub resync: bool,
}

/// In the context of every `changes` subscription: either the subscription is being opened, or one
/// batch is being rendered.
#[derive(Debug, Clone)]
pub struct Feed(FeedState);

#[derive(Debug, Clone)]
enum FeedState {
    Opening(Arc<Mutex<Option<String>>>),
    Rendering(Arc<Batch>),
}

impl Feed {
    /// For the run that validates a subscription; the second value receives its `after`.
    pub fn opening() -> (Self, Arc<Mutex<Option<String>>>) {
        let noted = Arc::new(Mutex::new(None));
        (Self(FeedState::Opening(Arc::clone(&noted))), noted)
    }

    /// What the resolver returns a stream of. While opening it notes `after` and yields nothing.
    pub fn enter(&self, after: Option<String>) -> impl Stream<Item = Arc<Batch>> + use<> {
        let batch = match &self.0 {
            FeedState::Opening(noted) => {
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = after;
                None
            }
            FeedState::Rendering(batch) => Some(Arc::clone(batch)),
        };
        futures_util::stream::iter(batch)
    }

    /// The permission of the caller is checked when the subscription opens, not per batch.
    pub fn is_opening(&self) -> bool {
        matches!(self.0, FeedState::Opening(_))
    }
}

/// A `changes` document; equal documents are one object, so that their sockets share payloads.
#[derive(Debug)]
pub struct Document {
    /// Parsed once, not for each event.
    query: ExecutableDocument,
    operation_name: Option<String>,
    /// Those of the first subscriber. Only the argument `after` differs, and rendering ignores it.
    variables: Variables,
}

impl Document {
    fn request(&self, feed: Feed) -> Request {
        let mut request = Request::new("").variables(self.variables.clone());
        request.set_parsed_query(self.query.clone());
        request.operation_name.clone_from(&self.operation_name);
        request.data(feed)
    }
}

/// A rendered payload and the cursor that it carries.
#[derive(Debug, Clone)]
pub struct Frame {
    pub seq: i64,
    pub payload: Arc<str>,
}

/// Sizes and rhythms of the fan-out.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a lost wake may hide an event.
    pub tick: Duration,
    /// How often a cursor that moved over invisible events is sent.
    pub keep_alive: Duration,
    /// Frames that wait for one socket before it must read the log itself.
    pub queue_frames: usize,
    pub replay_page: usize,
    /// A client further behind than this refetches instead.
    pub replay_max: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(1),
            keep_alive: Duration::from_secs(10),
            queue_frames: 64,
            replay_page: 500,
            replay_max: 100_000,
        }
    }
}

/// The fan-out of one node.
pub struct Hub<E> {
    schema: E,
    log: Arc<dyn EventLog>,
    gate: Arc<dyn Gate>,
    settings: Settings,
    tails: Mutex<HashMap<TenantId, Arc<Tail>>>,
    documents: Mutex<HashMap<String, Weak<Document>>>,
}

impl<E: Executor> Hub<E> {
    pub fn new(
        schema: E,
        log: Arc<dyn EventLog>,
        gate: Arc<dyn Gate>,
        settings: Settings,
    ) -> Arc<Self> {
        Arc::new(Self {
            schema,
            log,
            gate,
            settings,
            tails: Mutex::default(),
            documents: Mutex::default(),
        })
    }

    /// The payloads of a `changes` subscription; `request` carries the caller in its data.
    pub fn subscribe(self: &Arc<Self>, actor: Actor, request: Request) -> Subscription<E> {
        Subscription::open(Arc::clone(self), actor, request)
    }

    /// Runs the resolver once, so that the document is validated and the caller's permission
    /// checked. The second value is its `after`.
    async fn open(
        &self,
        mut request: Request,
    ) -> Result<(Arc<Document>, Option<String>), Vec<ServerError>> {
        let key = document_key(&mut request).map_err(failed)?;
        let document = self.document(key, &mut request).map_err(failed)?;
        let (feed, noted) = Feed::opening();
        let request = request.data(feed);
        if let Some(mut response) = self.schema.execute_stream(request, None).next().await {
            fault::finish(&mut response);
            return Err(response.errors);
        }
        let after = noted.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok((document, after))
    }

    fn document(&self, key: String, request: &mut Request) -> Result<Arc<Document>, ServerError> {
        let mut documents = self
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = documents.get(&key).and_then(Weak::upgrade) {
            return Ok(known);
        }
        documents.retain(|_, document| document.strong_count() > 0);
        let document = Arc::new(Document {
            query: request.parsed_query()?.clone(),
            operation_name: request.operation_name.clone(),
            variables: request.variables.clone(),
        });
        documents.insert(key, Arc::downgrade(&document));
        Ok(document)
    }

    /// Sockets that stand in the fan-out now.
    pub fn subscriber_count(&self) -> usize {
        let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        tails.values().map(|tail| tail.len()).sum()
    }

    async fn head(&self, tenant: TenantId) -> Result<Head, Refusal> {
        self.log.head(tenant).await.map_err(away)
    }

    /// A gapless page of `(seq, target]`; empty when the log no longer holds what follows `seq`.
    async fn page(
        &self,
        tenant: TenantId,
        seq: i64,
        target: i64,
    ) -> Result<Vec<Arc<Event>>, Refusal> {
        let left = usize::try_from(target - seq).unwrap_or(usize::MAX);
        let limit = self.settings.replay_page.min(left);
        let page = self.log.after(tenant, seq, limit).await.map_err(away)?;
        let gapless = page.first().is_some_and(|event| event.seq == seq + 1);
        Ok(if gapless { page } else { Vec::new() })
    }

    async fn join(
        self: &Arc<Self>,
        tenant: TenantId,
        document: &Arc<Document>,
        keys: &BTreeSet<ScopeKey>,
        known: i64,
    ) -> Result<Joined, Refusal> {
        let head = self.head(tenant).await?;
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let tail = tails.entry(tenant).or_insert_with(|| {
            let tail = Arc::new(Tail::new(tenant, head));
            tokio::spawn(Arc::clone(self).run_tail(Arc::clone(&tail)));
            tail
        });
        Ok(Tail::join(
            tail,
            document,
            keys,
            known,
            self.settings.queue_frames,
        ))
    }

    async fn frame(&self, document: &Document, batch: Batch) -> Frame {
        let seq = batch.cursor.seq;
        let feed = Feed(FeedState::Rendering(Arc::new(batch)));
        let mut stream = self.schema.execute_stream(document.request(feed), None);
        let mut response = stream.next().await.unwrap_or_default();
        fault::finish(&mut response);
        let payload = serde_json::to_string(&response).unwrap_or_default().into();
        Frame { seq, payload }
    }
}

fn away(error: LogAway) -> Refusal {
    tracing::warn!("live changes wait: {error}");
    Refusal::Unavailable
}

fn failed(mut error: ServerError) -> Vec<ServerError> {
    fault::finish_error(&mut error);
    vec![error]
}

/// Whether the operation subscribes to `changes` and nothing else.
pub fn is_changes(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else {
        return false;
    };
    let Some(operation) = crate::operation::operation(document, name.as_deref()) else {
        return false;
    };
    let items = &operation.selection_set.node.items;
    operation.ty == OperationType::Subscription
        && matches!(&items[..], [only] if matches!(&only.node, Selection::Field(field) if field.node.name.node == "changes"))
}

/// Text, operation and variables without the one bound to `after`.
fn document_key(request: &mut Request) -> Result<String, ServerError> {
    let name = request.operation_name.clone();
    let document = request.parsed_query()?;
    let after = crate::operation::operation(document, name.as_deref()).and_then(|operation| {
        let first = operation.selection_set.node.items.first()?;
        let Selection::Field(field) = &first.node else {
            return None;
        };
        // A variable prints as `$name`; a literal prints with quotes.
        let value = field.node.get_argument("after")?.node.to_string();
        value.strip_prefix('$').map(str::to_owned)
    });
    let variables: std::collections::BTreeMap<_, _> = request
        .variables
        .iter()
        .filter(|(name, _)| Some(name.as_str()) != after.as_deref())
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    let variables = serde_json::to_string(&variables).unwrap_or_default();
    Ok(format!("{variables}\n{name:?}\n{}", request.query))
}
