//! One body runs on both buses; the NATS one against a real `nats-server` on a free port.

use super::*;
use domain::{SessionId, Time};
use futures_util::FutureExt as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

struct NatsServer {
    child: Child,
    url: String,
}

impl NatsServer {
    /// Lets the server choose its port and reads it from the log.
    fn start() -> Self {
        let mut child = Command::new(binary())
            .args(["--addr", "127.0.0.1", "--port", "-1"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("nats-server must be installed (Debian package nats-server)");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("client connections on ")
                    .map(|(_, address)| address.trim().to_owned())
            })
            .expect("nats-server did not say where it listens");
        // Somebody must read on, or the server would block on a full pipe.
        std::thread::spawn(move || lines.count());
        Self {
            child,
            url: format!("nats://{address}"),
        }
    }

    async fn bus(&self) -> NatsBus {
        let bus = NatsBus::connect(&self.url, "test").await.unwrap();
        // A hint published before the other node has subscribed is lost, as it may be.
        let settled = async { while bus.settle().await.is_err() {} };
        timeout(SOON, settled).await.unwrap();
        bus
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian puts the server where only root's search path looks.
fn binary() -> &'static str {
    let debian = "/usr/sbin/nats-server";
    if std::path::Path::new(debian).exists() {
        debian
    } else {
        "nats-server"
    }
}

fn tenant() -> TenantId {
    TenantId::new(Time::default())
}

fn echo(prefix: &'static str) -> Handler {
    Arc::new(move |payload| {
        async move { Bytes::from([prefix.as_bytes(), &payload].concat()) }.boxed()
    })
}

/// What every bus promises; `here` and `there` may be the same or two nodes.
async fn keeps_its_promises(here: &dyn Bus, there: &dyn Bus) {
    let (mine, other) = (tenant(), tenant());
    let mut wakes = there.wakes();
    let mut watch = there.watch(mine);
    here.wake(mine);
    assert_eq!(timeout(SOON, wakes.next()).await.unwrap(), [mine].into());
    timeout(SOON, watch.changed()).await.unwrap().unwrap();

    let mut signals = there.signals(mine);
    here.signal(other, Bytes::from_static(b"not for us"));
    here.signal(mine, Bytes::from_static(b"typing"));
    let signal = timeout(SOON, signals.recv()).await.unwrap().unwrap();
    assert_eq!(signal, "typing");

    let mut revocations = there.revocations();
    let session = Revocation::Session(SessionId::new(Time::default()));
    here.revoked(session);
    let revoked = timeout(SOON, revocations.recv()).await.unwrap().unwrap();
    assert_eq!(revoked, session);

    let node = NodeId::new(Time::default());
    let refused = here.request(node, Bytes::new()).await;
    assert!(matches!(refused, Err(BusError::NoNode(n)) if n == node));
    let serving = there.serve(node, echo("re: ")).await.unwrap();
    let answer = here.request(node, Bytes::from_static(b"hello")).await;
    assert_eq!(answer.unwrap(), "re: hello");
    drop(serving);
    let too_large = Bytes::from(vec![0; PAYLOAD_BYTES_MAX + 1]);
    assert!(here.request(node, too_large).await.is_err());
}

#[tokio::test]
async fn a_local_bus_keeps_its_promises() {
    let bus = LocalBus::default();
    keeps_its_promises(&bus, &bus).await;
}

#[tokio::test]
async fn a_nats_bus_keeps_its_promises_within_one_node_and_between_two() {
    let server = NatsServer::start();
    let (here, there) = (server.bus().await, server.bus().await);
    keeps_its_promises(&here, &here).await;
    keeps_its_promises(&here, &there).await;
    assert!(here.is_live());
}

#[tokio::test]
async fn ten_thousand_wakes_of_one_tenant_are_one_for_a_slow_listener() {
    let bus = LocalBus::default();
    let (mut wakes, mut watch) = (bus.wakes(), bus.watch(tenant()));
    let (a, b) = (tenant(), tenant());
    for _ in 0..10_000 {
        bus.wake(a);
        bus.wake(b);
    }
    assert_eq!(wakes.next().await, [a, b].into());
    assert!(wakes.next().now_or_never().is_none());
    assert!(watch.changed().now_or_never().is_none());
}

#[tokio::test]
async fn a_silent_node_is_a_timeout_and_a_lost_listener_leaves_nothing_behind() {
    tokio::time::pause();
    let bus = LocalBus::default();
    let node = NodeId::new(Time::default());
    let never: Handler = Arc::new(|_| std::future::pending().boxed());
    let _serving = bus.serve(node, never).await.unwrap();
    let answer = bus.request(node, Bytes::new()).await;
    assert!(matches!(answer, Err(BusError::TimedOut(n)) if n == node));
}

#[tokio::test]
async fn without_nats_local_hints_still_work_and_requests_fail_fast() {
    let nowhere = NatsBus::connect("nats://127.0.0.1:1", "test")
        .await
        .unwrap();
    assert!(!nowhere.is_live());
    let (tenant, mut wakes) = (tenant(), nowhere.wakes());
    nowhere.wake(tenant);
    assert_eq!(timeout(SOON, wakes.next()).await.unwrap(), [tenant].into());
    let node = NodeId::new(Time::default());
    let answer = timeout(SOON, nowhere.request(node, Bytes::new())).await;
    assert!(answer.unwrap().is_err());
}

#[tokio::test]
async fn hints_of_a_foreign_kind_are_ignored() {
    let server = NatsServer::start();
    let (here, there) = (server.bus().await, server.bus().await);
    let (tenant, mut wakes) = (tenant(), there.wakes());
    for (subject, payload) in [
        ("test.wake", "garbage"),
        ("test.wake", "\u{fffd}"),
        ("test.signal.garbage", "x"),
        ("test.revoked", ""),
    ] {
        here.client.publish(subject, payload.into()).await.unwrap();
    }
    here.wake(tenant);
    assert_eq!(timeout(SOON, wakes.next()).await.unwrap(), [tenant].into());
}
