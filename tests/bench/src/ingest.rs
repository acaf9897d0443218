//! Durable webhook ingest: signed bodies of 1 kB, one in ten a repetition, over 64 connections,
//! beside prepared inserts of the same rows.
//!
//! Every round has a server and a database of its own: what one round left to be worked off must
//! not slow the next one. Ours verifies, splits and processes while it is measured; a floor only
//! inserts.

mod postgres;
mod sqlite;

use crate::http::{self, Load};
use crate::numbers::{median, percentile_ms};
use crate::table::{Goal, Table};
use anyhow::Context;
use serde_json::{Value, json};
use support::graphql::Client;
use support::postgres::Database;
use support::sandbox::{ACCOUNT, Inbox};
use support::seed::Seed;
use support::server::{Options, Server};
use support::webhook::now_seconds;
use uuid::Uuid;

const WEBHOOKS: usize = 20_000;
const CONNECTIONS: usize = 64;
const CUSTOMERS: u64 = 1_000;
const REPEATED_ONE_IN: u64 = 10;
const BODY_BYTES: usize = 1024;
const ROUNDS: usize = 3;

/// One webhook as the provider sends it.
#[derive(Clone)]
struct Webhook {
    id: String,
    customer: String,
    event: Value,
}

impl Webhook {
    fn new(id: String, customer: String) -> Self {
        let mut event = support::sandbox::message(&id, &customer, "");
        let missing = BODY_BYTES.saturating_sub(body(&event).len());
        event["text"] = "x".repeat(missing).into();
        Self {
            id,
            customer,
            event,
        }
    }
}

fn body(event: &Value) -> Vec<u8> {
    json!({ "account": ACCOUNT, "events": [event] })
        .to_string()
        .into_bytes()
}

/// The same webhooks for every round and both sides.
fn plan() -> Vec<Webhook> {
    let mut seed = Seed::of(1);
    let mut all: Vec<Webhook> = Vec::with_capacity(WEBHOOKS);
    for n in 0..WEBHOOKS {
        let earlier = usize::try_from(seed.below(n as u64)).unwrap_or(0);
        let webhook = match all.get(earlier) {
            Some(webhook) if seed.below(REPEATED_ONE_IN) == 0 => webhook.clone(),
            _ => Webhook::new(
                format!("m{n}"),
                format!("customer-{}", seed.below(CUSTOMERS)),
            ),
        };
        all.push(webhook);
    }
    all
}

/// What Meari stores of a webhook before it answers: a delivery and the job that processes it.
struct Stored {
    delivery: Uuid,
    job: Uuid,
    tenant: Uuid,
    inbox: Uuid,
    account: String,
    dedupe: String,
    body: Vec<u8>,
    lane: String,
    payload: String,
}

/// The rows of each webhook; one that comes again has the same unique key and is not stored.
fn rows(webhooks: &[Webhook]) -> Vec<Stored> {
    // Ids as ours: the time leads, so that indexes grow at their end.
    let id = |n: usize| Uuid::from_u128((0x019a_a000_0000_u128 << 80) | n as u128);
    let account = "inb_01ka0000000000000000000000";
    let row = |(n, webhook): (usize, &Webhook)| Stored {
        delivery: id(2 * n),
        job: id(2 * n + 1),
        tenant: id(0),
        inbox: id(1),
        account: account.to_owned(),
        dedupe: webhook.id.clone(),
        body: webhook.event.to_string().into_bytes(),
        lane: format!("in:{account}:{}", webhook.customer),
        payload: json!({ "ProcessInbound": { "delivery": "dlv_01ka0000000000000000000000" } })
            .to_string(),
    };
    webhooks.iter().enumerate().map(row).collect()
}

async fn ours(server: Server, owner: Client, webhooks: &[Webhook]) -> anyhow::Result<Load> {
    let inbox = Inbox::connect_alone(&owner).await?;
    let path = inbox.url.strip_prefix(&server.url(""));
    let path = path.context("the webhook address is the server's")?;
    let seconds = now_seconds()?;
    let mut requests = Vec::with_capacity(webhooks.len());
    for webhook in webhooks {
        let body = body(&webhook.event);
        requests.push(http::signed(
            &inbox.signer,
            path,
            &webhook.id,
            seconds,
            &body,
        )?);
    }
    http::closed_loop(server.address(), CONNECTIONS, requests).await
}

/// Rounds of one side.
#[derive(Default)]
struct Rounds {
    per_second: Vec<f64>,
    p99_ms: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, load: &Load) {
        self.per_second.push(load.per_second);
        self.p99_ms.push(percentile_ms(&load.latencies, 0.99));
    }
}

pub async fn on_sqlite(table: &mut Table) -> anyhow::Result<()> {
    let webhooks = plan();
    let (mut measured, mut floor) = (Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        let (server, owner) = Server::with_owner().await?;
        measured.add(&ours(server, owner, &webhooks).await?);
        let options = Options::new()?;
        options.set_up().await?;
        let path = options.data_dir().join("meari.db");
        floor
            .per_second
            .push(sqlite::alone(&path, rows(&webhooks)).await?);
        let options = Options::new()?;
        options.set_up().await?;
        let path = options.data_dir().join("meari.db");
        let latencies = sqlite::queued(&path, CONNECTIONS, rows(&webhooks)).await?;
        floor.p99_ms.push(percentile_ms(&latencies, 0.99));
    }
    let (ours, floor_rate) = (median(measured.per_second), median(floor.per_second));
    table.ratio("ingest, SQLite", "/s", ours, floor_rate, Goal::AtLeast(1.5));
    let (ours, floor_p99) = (median(measured.p99_ms), median(floor.p99_ms));
    table.ratio(
        "ingest, SQLite, p99",
        "ms",
        ours,
        floor_p99,
        Goal::AtMost(3.0),
    );
    Ok(())
}

pub async fn on_postgres(table: &mut Table) -> anyhow::Result<()> {
    let webhooks = plan();
    let (mut measured, mut floor) = (Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        let database = Database::new().await?;
        let (server, owner) = Server::with_owner_on(&database).await?;
        measured.add(&ours(server, owner, &webhooks).await?);
        let database = Database::new().await?;
        Options::new()?
            .database(&database.url)
            .run(&["migrate"])
            .await?;
        floor.add(&postgres::insert(&database.url, CONNECTIONS, rows(&webhooks)).await?);
    }
    let (ours, floor_rate) = (median(measured.per_second), median(floor.per_second));
    table.ratio(
        "ingest, PostgreSQL",
        "/s",
        ours,
        floor_rate,
        Goal::AtLeast(0.6),
    );
    let (ours, floor_p99) = (median(measured.p99_ms), median(floor.p99_ms));
    table.ratio(
        "ingest, PostgreSQL, p99",
        "ms",
        ours,
        floor_p99,
        Goal::AtMost(3.0),
    );
    Ok(())
}
