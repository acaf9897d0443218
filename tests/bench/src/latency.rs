//! From "accepted" to the screen: 200 messages a second, in an open loop, and one subscriber.
//!
//! The clock of a message starts when its 2xx arrives and stops when the subscriber holds it.

use crate::http::{self, Connection};
use crate::numbers::percentile_ms;
use crate::table::{Goal, Table};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use support::sandbox::{self, ACCOUNT, Inbox};
use support::server::Server;
use support::socket::Socket;
use support::webhook::now_seconds;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

const MESSAGES: u64 = 4_000;
const EVERY: Duration = Duration::from_millis(5);
const CUSTOMERS: u64 = 200;
/// Senders that take turns, so that a late answer delays nobody.
const CONNECTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(30);

const CHANGES: &str = "subscription { changes { cursor changes { __typename
    ... on MessageImage { id ticketId text direction messageState: state position }
    ... on TicketImage { id number status queueId assigneeId messageHead version }
} } }";

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let (server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let mut socket = owner.socket().await?;
    let subscription = socket.subscribe(CHANGES, json!({})).await?;
    socket.next(&subscription).await?;
    let listening = tokio::spawn(listen(socket, subscription));
    let accepted = post_all(&server, &inbox).await?;
    let seen = timeout(PATIENCE, listening)
        .await
        .context("not every message was seen")???;
    let latencies: Vec<Duration> = accepted
        .iter()
        .filter_map(|(text, at)| Some(seen.get(text)?.saturating_duration_since(*at)))
        .collect();
    anyhow::ensure!(latencies.len() as u64 == MESSAGES, "messages went missing");
    let p50 = percentile_ms(&latencies, 0.5);
    table.plain(
        "accepted → subscriber, 200/s, p50",
        "ms",
        p50,
        Goal::AtMost(20.0),
    );
    let p99 = percentile_ms(&latencies, 0.99);
    table.plain(
        "accepted → subscriber, 200/s, p99",
        "ms",
        p99,
        Goal::AtMost(100.0),
    );
    Ok(())
}

/// When each text was first seen, until all were.
async fn listen(
    mut socket: Socket,
    subscription: String,
) -> anyhow::Result<HashMap<String, Instant>> {
    let mut seen = HashMap::new();
    while (seen.len() as u64) < MESSAGES {
        let data = socket.next(&subscription).await?;
        let now = Instant::now();
        let changes = data["changes"]["changes"].as_array();
        let texts = changes.into_iter().flatten().filter_map(message_text);
        for text in texts {
            seen.entry(text.to_owned()).or_insert(now);
        }
    }
    Ok(seen)
}

fn message_text(change: &Value) -> Option<&str> {
    (change["__typename"] == "MessageImage").then(|| change["text"].as_str())?
}

/// Posts one message every [`EVERY`], whatever the answers take; says when each was accepted.
async fn post_all(server: &Server, inbox: &Inbox) -> anyhow::Result<HashMap<String, Instant>> {
    let path = inbox.url.strip_prefix(&server.url(""));
    let path = path
        .context("the webhook address is the server's")?
        .to_owned();
    let (done, mut accepted) = mpsc::unbounded_channel();
    let mut senders = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(server.address()).await?;
        let (queue, mut requests) = mpsc::unbounded_channel::<(String, Vec<u8>)>();
        let done = done.clone();
        tokio::spawn(async move {
            while let Some((text, request)) = requests.recv().await {
                let answer = connection.send(&request).await.map(|answer| answer.status);
                let told = (text, answer, Instant::now());
                if done.send(told).is_err() {
                    return;
                }
            }
        });
        senders.push(queue);
    }
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for (n, sender) in (0..MESSAGES).zip(senders.iter().cycle()) {
        ticks.tick().await;
        let text = format!("message {n}");
        let customer = format!("customer-{}", n % CUSTOMERS);
        let event = sandbox::message(&format!("m{n}"), &customer, &text);
        let request = signed(inbox, &path, &event)?;
        sender
            .send((text, request))
            .ok()
            .context("a sender ended")?;
    }
    drop((senders, done));
    let mut all = HashMap::new();
    while let Some((text, status, at)) = accepted.recv().await {
        let status = status?;
        anyhow::ensure!(status == 200, "answered {status}");
        all.insert(text, at);
    }
    Ok(all)
}

fn signed(inbox: &Inbox, path: &str, event: &Value) -> anyhow::Result<Vec<u8>> {
    let id = event["id"].as_str().context("an event has an id")?;
    let body = json!({ "account": ACCOUNT, "events": [event] }).to_string();
    http::signed(&inbox.signer, path, id, now_seconds()?, body.as_bytes())
}
