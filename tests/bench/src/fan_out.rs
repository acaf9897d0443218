//! One event to 1,000 sockets of agents, each under its own scope, beside a bare broadcast of the
//! same bytes.
//!
//! The floor begins with the byte that says "now", and ours when the event is in the log: from each
//! round, which begins with the mutation that causes the event, the time is taken off that the same
//! mutation needs for a ticket nobody follows. The whole round stands beside it.

use crate::numbers::median;
use crate::table::{Goal, Table};
use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::graphql::Client;
use support::people;
use support::process::Process;
use support::sandbox::{self, Inbox};
use support::server::Server;
use support::{desk, ports, wait};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

const SUBSCRIBERS: usize = 1_000;
const AGENTS: usize = 10;
const EVENTS: usize = 60;
/// The first ones fill caches on both sides.
const WARM_UP: usize = 10;
const PATIENCE: Duration = Duration::from_secs(20);

const CHANGES: &str = "subscription { changes { cursor resync changes { __typename
    ... on TicketImage { id number subject status queueId assigneeId messageHead version }
} } }";

const SUBJECT: &str = "mutation($id: ID!, $subject: String!) {
    setTicketSubject(id: $id, subject: $subject) { problem { code message } ticket { id } }
}";

const SAVE_QUEUE: &str = "mutation($input: QueueInput!) {
    saveQueue(input: $input) { problem { code message } queue { id } }
}";

const TRANSFER: &str = "mutation($id: ID!, $queue: ID!) {
    transferTicket(id: $id, queueId: $queue) { problem { code message } ticket { id } }
}";

/// Counts who has seen the event that is under way.
#[derive(Default)]
struct Audience {
    seen: AtomicUsize,
    complete: Notify,
    /// The last payload, for the floor.
    sample: std::sync::Mutex<String>,
}

impl Audience {
    /// Every event carries this word, and nothing else does.
    const MARK: &str = "fan-out";

    fn saw(&self, text: &str) {
        if !text.contains(Self::MARK) {
            return;
        }
        if self.seen.fetch_add(1, Ordering::Relaxed) + 1 == SUBSCRIBERS {
            if let Ok(mut sample) = self.sample.lock() {
                text.clone_into(&mut sample);
            }
            self.complete.notify_one();
        }
    }

    async fn everybody(&self) -> anyhow::Result<()> {
        let complete = timeout(PATIENCE, self.complete.notified()).await;
        let seen = self.seen.swap(0, Ordering::Relaxed);
        complete.with_context(|| format!("{seen} of {SUBSCRIBERS} saw the event"))
    }
}

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let (server, owner) = Server::with_owner().await?;
    // Closed tickets: their changes are events of their own and of nothing else.
    let inbox = Inbox::connect_alone(&owner).await?;
    let unfollowed = ticket(&owner, &inbox, "1").await?;
    move_out_of_sight(&owner, &unfollowed).await?;
    desk::close(&owner, &unfollowed).await?;
    let ticket = ticket(&owner, &inbox, "2").await?;
    desk::close(&owner, &ticket).await?;
    let agents = agents(&server, &owner).await?;
    let audience = Arc::new(Audience::default());
    for n in 0..SUBSCRIBERS {
        let token = agents[n % AGENTS].token().context("agents are signed in")?;
        subscribe(&server, token, &audience).await?;
    }
    change(&owner, &ticket, 0).await?;
    audience.everybody().await?;
    let sample = audience.sample.lock().map(|text| text.clone());
    let mut floor = Floor::start(sample.unwrap_or_default()).await?;
    let (mut rounds, mut mutations, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=EVENTS {
        let began = Instant::now();
        let caused = change(&owner, &ticket, n);
        tokio::try_join!(caused, audience.everybody())?;
        rounds.push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        change(&owner, &unfollowed, n).await?;
        mutations.push(began.elapsed().as_secs_f64() * 1e3);
        bare.push(floor.round().await?);
    }
    let settled = |all: Vec<f64>| median(all[WARM_UP..].to_vec());
    let per_second = |millis: f64| SUBSCRIBERS as f64 / millis * 1e3;
    let (round, mutation, bare) = (settled(rounds), settled(mutations), settled(bare));
    let (ours, whole, floor) = (round - mutation, per_second(round), per_second(bare));
    table.ratio(
        "fan-out to 1,000, deliveries",
        "/s",
        per_second(ours),
        floor,
        Goal::AtLeast(0.7),
    );
    let counted = "… with the mutation and its commit";
    table.ratio(counted, "/s", whole, floor, Goal::Noted);
    Ok(())
}

/// The ticket of a customer who writes for the first time.
async fn ticket(owner: &Client, inbox: &Inbox, customer: &str) -> anyhow::Result<String> {
    let known = desk::tickets(owner).await?;
    inbox
        .deliver(&sandbox::message(customer, customer, "hello"))
        .await?;
    let ticket = wait::until("a ticket", || async {
        let mut tickets = desk::tickets(owner).await?.into_iter();
        Ok(tickets.find(|ticket| known.iter().all(|old| old["id"] != ticket["id"])))
    })
    .await?;
    let id = ticket["id"].as_str().context("a ticket has an id")?;
    Ok(id.to_owned())
}

/// Into a queue without agents: nobody but the owner may see its changes.
async fn move_out_of_sight(owner: &Client, ticket: &str) -> anyhow::Result<()> {
    let input = json!({ "name": "Nobody's" });
    let saved = owner.done(SAVE_QUEUE, json!({ "input": input })).await?;
    let variables = json!({ "id": ticket, "queue": saved["queue"]["id"] });
    owner.done(TRANSFER, variables).await.map(drop)
}

/// Agents of the ticket's queue.
async fn agents(server: &Server, owner: &Client) -> anyhow::Result<Vec<Client>> {
    let (mut agents, mut members) = (Vec::new(), Vec::new());
    for n in 0..AGENTS {
        let agent = people::join(server, owner, &format!("a{n}@example.com"), "AGENT").await?;
        members.push(json!({ "userId": people::id(&agent).await?, "priority": 1 }));
        agents.push(agent);
    }
    let queues = owner.data("{ queues { id name } }", json!({})).await?;
    let queue = &queues["queues"][0];
    let input = json!({ "id": queue["id"], "name": queue["name"], "members": members });
    owner.done(SAVE_QUEUE, json!({ "input": input })).await?;
    Ok(agents)
}

async fn change(owner: &Client, ticket: &str, n: usize) -> anyhow::Result<()> {
    let subject = format!("{} {n:04}", Audience::MARK);
    let variables = json!({ "id": ticket, "subject": subject });
    owner.done(SUBJECT, variables).await.map(drop)
}

async fn subscribe(server: &Server, token: &str, audience: &Arc<Audience>) -> anyhow::Result<()> {
    let socket = follow(server, token).await?;
    tokio::spawn(watch(socket, Arc::clone(audience)));
    Ok(())
}

/// One socket with one subscription; returns when the server follows.
pub async fn follow(server: &Server, token: &str) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let mut socket = connect(server.address(), "/graphql", Some("graphql-transport-ws")).await?;
    let init = json!({ "type": "connection_init", "payload": { "accessToken": token } });
    say(&mut socket, &init).await?;
    heard(&mut socket, "connection_ack").await?;
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": CHANGES } });
    say(&mut socket, &subscribe).await?;
    heard(&mut socket, "next").await?;
    Ok(socket)
}

async fn connect(
    address: SocketAddr,
    path: &str,
    protocol: Option<&str>,
) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let mut request = format!("ws://{address}{path}").into_client_request()?;
    if let Some(protocol) = protocol {
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", protocol.parse()?);
    }
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4 << 10);
    let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
    Ok(socket)
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: &Value) -> anyhow::Result<()> {
    Ok(socket.send(Message::text(message.to_string())).await?)
}

async fn heard(socket: &mut WebSocketStream<TcpStream>, kind: &str) -> anyhow::Result<()> {
    loop {
        let message = socket.next().await.context("the server closed")??;
        let Message::Text(text) = message else {
            continue;
        };
        let message: Value = serde_json::from_str(text.as_str())?;
        if message["type"] == kind {
            return Ok(());
        }
        anyhow::ensure!(message["type"] == "ping", "instead of {kind}: {message}");
        say(socket, &json!({ "type": "pong" })).await?;
    }
}

/// Both sides are read by the same client.
async fn watch(mut socket: WebSocketStream<TcpStream>, audience: Arc<Audience>) {
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        if text.as_str() == PING && say(&mut socket, &json!({ "type": "pong" })).await.is_err() {
            return;
        }
        audience.saw(text.as_str());
    }
}

const PING: &str = r#"{"type":"ping"}"#;

struct Floor {
    trigger: TcpStream,
    audience: Arc<Audience>,
    /// What is sent to everybody, as a line.
    line: String,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Floor {
    async fn start(payload: String) -> anyhow::Result<Self> {
        let (subscribers, trigger) = (ports::free()?, ports::free()?);
        let folder = tempfile::tempdir()?;
        let process = floor_process(
            &[
                "floor-broadcast",
                &subscribers.to_string(),
                &trigger.to_string(),
            ],
            &folder.path().join("log"),
        )?;
        let stream = wait::until("the floor", || async move {
            Ok(Some(TcpStream::connect(trigger).await?))
        })
        .await?;
        stream.set_nodelay(true)?;
        let audience = Arc::new(Audience::default());
        for _ in 0..SUBSCRIBERS {
            let socket = connect(subscribers, "/", None).await?;
            tokio::spawn(watch(socket, Arc::clone(&audience)));
        }
        Ok(Self {
            trigger: stream,
            audience,
            line: format!("{payload}\n"),
            _process: process,
            _folder: folder,
        })
    }

    /// Milliseconds until everybody has it.
    async fn round(&mut self) -> anyhow::Result<f64> {
        let began = Instant::now();
        self.trigger.write_all(self.line.as_bytes()).await?;
        self.audience.everybody().await?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }
}

/// This program again, as a floor.
pub fn floor_process(arguments: &[&str], log: &Path) -> anyhow::Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments);
    Process::start(command, log)
}
