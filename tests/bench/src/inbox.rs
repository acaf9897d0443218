//! The page an agent looks at all day: fifty tickets with contact, queue, assignee, what is unread,
//! and the numbers beside each view, over GraphQL, at a million tickets.
//!
//! The floor answers the same rows of the same file by the same SQL, without GraphQL, permissions
//! or a store in between.

pub mod floor;
mod seed;

use crate::fan_out::floor_process;
use crate::http::{self, Connection};
use crate::numbers::median;
use crate::table::{self, Goal, Table};
use anyhow::Context;
use serde_json::{Value, json};
use std::net::SocketAddr;
use support::server::{OWNER_EMAIL, Options, Server};
use support::{ports, wait};
use tokio::net::TcpStream;
use tokio::time::Instant;

const MANY: u32 = 1_000_000;
const FEW: u32 = 100_000;
pub const PAGE: usize = 50;
const CONNECTIONS: usize = 8;
const REQUESTS: usize = 400;
const ROUNDS: usize = 7;

/// What the web app asks when somebody opens the inbox.
const DOCUMENT: &str = "query Inbox($filter: TicketFilter, $first: Int!, $offset: Int!) {
  tickets(filter: $filter, sort: NEWEST, first: $first, offset: $offset) {
    __typename total totalIsCapped
    edges { __typename node {
      __typename id number subject status priority tags channel snoozedUntil
      messageHead readPosition unread lastMessageAt lastMessagePreview lastMessageInbound waitingSince
      createdAt updatedAt closedAt version
      contact { __typename id name avatarUrl }
      queue { __typename id name color }
      assignee { __typename id name }
    } }
  }
  ticketCounts {
    __typename all mine unassigned open pending snoozed closed queues { __typename queueId open }
  }
}";

pub async fn measure(table: &mut Table) -> anyhow::Result<()> {
    let (many, many_request) = seeded(MANY).await?;
    let (few, few_request) = seeded(FEW).await?;
    let ours = page(many.address(), &many_request).await?;
    let floor_address = ports::free()?;
    let path = many.data_dir().join("meari.db");
    let arguments = [
        "floor-inbox",
        &floor_address.to_string(),
        &path.to_string_lossy(),
    ];
    let folder = tempfile::tempdir()?;
    let _floor = floor_process(&arguments, &folder.path().join("log"))?;
    wait::until("the floor", || async move {
        Ok(Some(TcpStream::connect(floor_address).await?))
    })
    .await?;
    let floor_request = http::post("/", &[], b"");
    let bare = page(floor_address, &floor_request).await?;
    same(&ours["data"], &bare)?;

    let (mut at_many, mut at_few, mut at_floor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        at_many.push(rate(many.address(), &many_request).await?);
        at_floor.push(rate(floor_address, &floor_request).await?);
        at_few.push(rate(few.address(), &few_request).await?);
    }
    let (many, few, floor) = (median(at_many), median(at_few), median(at_floor));
    table.ratio(
        "inbox page at 1,000,000 tickets",
        "/s",
        many,
        floor,
        Goal::AtLeast(0.4),
    );
    let cost = |rate: f64| 1e3 / rate;
    table.ratio(
        "inbox page, 1,000,000 against 100,000",
        "ms",
        cost(many),
        cost(few),
        Goal::AtMost(1.3),
    );
    Ok(())
}

/// A server with that many tickets, and the request for its inbox.
async fn seeded(tickets: u32) -> anyhow::Result<(Server, Vec<u8>)> {
    let options = Options::new()?;
    options.set_up().await?;
    let began = Instant::now();
    let path = options.data_dir().join("meari.db");
    tokio::task::spawn_blocking(move || seed::tickets(&path, tickets)).await??;
    let seconds = began.elapsed().as_secs();
    table::say(&format!(
        "    {tickets} tickets are there after {seconds} s"
    ));
    let token = options
        .run(&["token", "create", "--user", OWNER_EMAIL, "--name", "bench"])
        .await?;
    let server = options.start().await?;
    let filter = json!({ "status": ["OPEN", "PENDING", "SNOOZED"] });
    let variables = json!({ "filter": filter, "first": PAGE, "offset": 0 });
    let body = json!({ "query": DOCUMENT, "variables": variables }).to_string();
    let headers = [
        format!("authorization: Bearer {}", token.trim()),
        "accept: application/graphql-response+json".to_owned(),
    ];
    let request = http::post("/graphql", &headers, body.as_bytes());
    Ok((server, request))
}

async fn page(address: SocketAddr, request: &[u8]) -> anyhow::Result<Value> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.send(request).await?;
    serde_json::from_slice(answer.body).context("a page is JSON")
}

/// Both sides answer the same page; else they did not do the same work.
fn same(ours: &Value, floor: &Value) -> anyhow::Result<()> {
    let numbers = |page: &Value| -> Vec<Value> {
        let edges = page["tickets"]["edges"].as_array();
        let number = |edge: &Value| edge["node"]["number"].clone();
        edges.into_iter().flatten().map(number).collect()
    };
    let (left, right) = (numbers(ours), numbers(floor));
    anyhow::ensure!(left.len() == PAGE && left == right, "{ours}\n{floor}");
    for field in ["all", "open", "closed", "unassigned"] {
        let (left, right) = (&ours["ticketCounts"][field], &floor["ticketCounts"][field]);
        anyhow::ensure!(left == right, "{field}: {left} and {right}");
    }
    Ok(())
}

async fn rate(address: SocketAddr, request: &[u8]) -> anyhow::Result<f64> {
    let requests = vec![request.to_vec(); REQUESTS];
    Ok(http::closed_loop(address, CONNECTIONS, requests)
        .await?
        .per_second)
}
