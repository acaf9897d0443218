//! The bus of many nodes over NATS core. A hint reaches listeners of this process at once, and
//! the other nodes when NATS is there; when it is away, only their speed suffers.
//!
//! Deliberately absent: JetStream, KV, queue groups.

use super::{
    Bus, BusError, Handler, LocalBus, PAYLOAD_BYTES_MAX, REQUEST_TIMEOUT, Revocation, Serving,
    Wakes,
};
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, RequestErrorKind, Subscriber};
use async_trait::async_trait;
use bytes::Bytes;
use domain::{NodeId, TenantId};
use futures_util::StreamExt as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(2);
/// Signals and revocations that wait for the connection; more are dropped.
const OUTGOING_MAX: usize = 1024;
const REQUESTS_MAX: usize = 64;

pub struct NatsBus {
    local: LocalBus,
    pub(super) client: Client,
    prefix: Arc<str>,
    wakes_out: Wakes,
    signals_out: mpsc::Sender<(String, Bytes)>,
    _pumps: JoinSet<()>,
}

impl fmt::Debug for NatsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NatsBus({})", self.prefix)
    }
}

impl NatsBus {
    /// Connects in the background and for ever again. `prefix` separates installations that
    /// share one NATS; it must be one subject token.
    pub async fn connect(url: &str, prefix: &str) -> Result<Self, BusError> {
        let client = ConnectOptions::new()
            .name("meari")
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(CONNECT_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT))
            .reconnect_delay_callback(|attempt| {
                Duration::from_millis(50 << attempt.min(6)).min(RECONNECT_DELAY_MAX)
            })
            .connect(url)
            .await
            .map_err(away)?;
        let local = LocalBus::default();
        let wakes_out = Wakes::new();
        let (signals_out, signals) = mpsc::channel(OUTGOING_MAX);
        let wake_subject = format!("{prefix}.wake");
        let hints = [
            client.subscribe(wake_subject.clone()).await.map_err(away)?,
            client
                .subscribe(format!("{prefix}.signal.*"))
                .await
                .map_err(away)?,
            client
                .subscribe(format!("{prefix}.revoked"))
                .await
                .map_err(away)?,
        ];
        let mut pumps = JoinSet::new();
        for subscription in hints {
            pumps.spawn(receive(subscription, local.clone(), prefix.to_owned()));
        }
        pumps.spawn(send_wakes(client.clone(), wakes_out.clone(), wake_subject));
        pumps.spawn(send_signals(client.clone(), signals));
        Ok(Self {
            local,
            client,
            prefix: prefix.into(),
            wakes_out,
            signals_out,
            _pumps: pumps,
        })
    }

    fn node_subject(&self, node: NodeId) -> String {
        format!("{}.node.{node}", self.prefix)
    }

    /// Returns when the server has done all that this node asked before. A flush only empties our
    /// own buffer; the server answers one connection in order, so that an answer is the proof.
    pub(super) async fn settle(&self) -> Result<(), BusError> {
        let nobody = format!("{}.nobody", self.prefix);
        match self.client.request(nobody, Bytes::new()).await {
            Err(error) if error.kind() != RequestErrorKind::NoResponders => Err(away(error)),
            _ => Ok(()),
        }
    }
}

fn away(source: impl std::error::Error + Send + Sync + 'static) -> BusError {
    BusError::Away(Box::new(source))
}

/// Hints of other nodes become hints here. What is not understood is ignored: a hint from a
/// newer version must not hurt.
async fn receive(mut subscription: Subscriber, local: LocalBus, prefix: String) {
    while let Some(message) = subscription.next().await {
        let Some(topic) = message
            .subject
            .strip_prefix(prefix.as_str())
            .and_then(|rest| rest.strip_prefix('.'))
        else {
            continue;
        };
        let text = || std::str::from_utf8(&message.payload).ok();
        match topic.split_once('.').unwrap_or((topic, "")) {
            ("wake", "") => {
                if let Some(tenant) = text().and_then(|t| t.parse().ok()) {
                    local.wake(tenant);
                }
            }
            ("revoked", "") => {
                if let Some(what) = text().and_then(|t| t.parse().ok()) {
                    local.revoked(what);
                }
            }
            ("signal", tenant) => {
                if let Ok(tenant) = tenant.parse() {
                    local.signal(tenant, message.payload);
                }
            }
            _ => {}
        }
    }
}

async fn send_wakes(client: Client, mut wakes: Wakes, subject: String) {
    loop {
        for tenant in wakes.next().await {
            let payload = Bytes::from(tenant.to_string());
            if let Err(error) = client.publish(subject.clone(), payload).await {
                tracing::debug!(%error, "a wake was not published; the periodic look finds it");
            }
        }
    }
}

async fn send_signals(client: Client, mut signals: mpsc::Receiver<(String, Bytes)>) {
    while let Some((subject, payload)) = signals.recv().await {
        if let Err(error) = client.publish(subject, payload).await {
            tracing::debug!(%error, "a signal was not published");
        }
    }
}

#[async_trait]
impl Bus for NatsBus {
    fn wake(&self, tenant: TenantId) {
        self.local.wake(tenant);
        self.wakes_out.push(tenant);
    }

    fn wakes(&self) -> Wakes {
        self.local.wakes()
    }

    fn watch(&self, tenant: TenantId) -> watch::Receiver<u64> {
        self.local.watch(tenant)
    }

    fn signal(&self, tenant: TenantId, payload: Bytes) {
        if payload.len() > PAYLOAD_BYTES_MAX {
            return;
        }
        let subject = format!("{}.signal.{tenant}", self.prefix);
        // Full means that NATS is away or slow; signals are lossy by contract.
        let _ = self.signals_out.try_send((subject, payload.clone()));
        self.local.signal(tenant, payload);
    }

    fn signals(&self, tenant: TenantId) -> broadcast::Receiver<Bytes> {
        self.local.signals(tenant)
    }

    fn revoked(&self, what: Revocation) {
        let subject = format!("{}.revoked", self.prefix);
        let payload = Bytes::from(what.to_string());
        if self.signals_out.try_send((subject, payload)).is_err() {
            tracing::warn!(
                "other nodes were not told of a revocation; they close its sockets when its token expires"
            );
        }
        self.local.revoked(what);
    }

    fn revocations(&self) -> broadcast::Receiver<Revocation> {
        self.local.revocations()
    }

    async fn request(&self, node: NodeId, payload: Bytes) -> Result<Bytes, BusError> {
        // `no_echo` keeps our own messages away from us, so our own node is asked directly.
        if self.local.handler(node).is_some() {
            return self.local.request(node, payload).await;
        }
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(BusError::TooLarge);
        }
        // The outer limit also covers a connection that is away and buffers the request.
        let answer = self.client.request(self.node_subject(node), payload);
        match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
            Ok(Ok(message)) => Ok(message.payload),
            Ok(Err(error)) => Err(match error.kind() {
                RequestErrorKind::NoResponders => BusError::NoNode(node),
                RequestErrorKind::TimedOut => BusError::TimedOut(node),
                _ => away(error),
            }),
            Err(_) => Err(BusError::TimedOut(node)),
        }
    }

    async fn serve(&self, node: NodeId, handler: Handler) -> Result<Serving, BusError> {
        let subscription = self
            .client
            .subscribe(self.node_subject(node))
            .await
            .map_err(away)?;
        // A request published by another node after this line must find the subscription.
        if self.is_live() {
            self.settle().await?;
        }
        let here = self.local.serve(node, Arc::clone(&handler)).await?;
        let task = tokio::spawn(answer(subscription, self.client.clone(), handler));
        let task = AbortOnDropHandle::new(task);
        Ok(Serving::until_dropped(move || {
            drop(here);
            drop(task);
        }))
    }

    fn is_live(&self) -> bool {
        self.client.connection_state() == State::Connected
    }
}

async fn answer(mut requests: Subscriber, client: Client, handler: Handler) {
    let permits = Arc::new(Semaphore::new(REQUESTS_MAX));
    // Dropping the set with this task stops what is still being answered.
    let mut running = JoinSet::new();
    while let Some(request) = requests.next().await {
        while running.try_join_next().is_some() {}
        let Some(reply) = request.reply else { continue };
        if request.payload.len() > PAYLOAD_BYTES_MAX {
            continue;
        }
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let (client, handler) = (client.clone(), Arc::clone(&handler));
        running.spawn(async move {
            let _permit = permit;
            // The asker gives up after the same time, so a later answer helps nobody.
            let answer = tokio::time::timeout(REQUEST_TIMEOUT, handler(request.payload)).await;
            if let Ok(payload) = answer
                && let Err(error) = client.publish(reply, payload).await
            {
                tracing::debug!(%error, "an answer to another node was not published");
            }
        });
    }
}
