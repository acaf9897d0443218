//! A full disk and a database that is away: providers are told to come again, everything recovers
//! by itself, and what was accepted before, between and after is there.

use super::stored;
use anyhow::Context;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use support::desk;
use support::graphql::Client;
use support::postgres::Database;
use support::sandbox::{self, Inbox};
use support::server::{OWNER_EMAIL, OWNER_PASSWORD, Options, Server};
use support::wait;

/// Gives the server a data folder on a small disk of its own, in a name space that ends with it.
const SMALL_DISK: &[&str] = &[
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    "mkdir -p \"$MEARI_DATA_DIR\" && mount -t tmpfs -o size=16m tmpfs \"$MEARI_DATA_DIR\" && exec \"$@\"",
    "sh",
];

const SETUP: &str = "mutation($input: SetupInput!) {
    setup(input: $input) { problem { code message } accessToken }
}";

const CUSTOMERS: usize = 16;

/// Jobs that were under way when the database went wait for their claim to end.
const CALM: Duration = Duration::from_secs(100);

/// A customer whose network posts again what was refused.
struct Customer {
    inbox: Inbox,
    posted: Vec<Value>,
    refused: Vec<Value>,
}

impl Customer {
    async fn of(owner: &Client) -> anyhow::Result<Self> {
        Ok(Self {
            inbox: Inbox::connect_alone(owner).await?,
            posted: Vec::new(),
            refused: Vec::new(),
        })
    }

    async fn post(&mut self) -> anyhow::Result<u16> {
        let id = format!("m{}", self.posted.len());
        let customer = format!("customer-{}", self.posted.len() % CUSTOMERS);
        let event = sandbox::message(&id, &customer, &id);
        self.posted.push(event.clone());
        let status = self.inbox.post(&event).await?;
        if status != 200 {
            self.refused.push(event);
        }
        Ok(status)
    }

    /// In the end everything is accepted, and there once.
    async fn finds_everything(mut self, owner: &Client) -> anyhow::Result<()> {
        for event in std::mem::take(&mut self.refused) {
            self.inbox.deliver(&event).await?;
        }
        desk::worked_off(owner, CALM).await?;
        stored::once(owner, &self.posted).await
    }

    async fn post_until(&mut self, wanted: u16) -> anyhow::Result<()> {
        let posting = async {
            loop {
                match self.post().await? {
                    status if status == wanted => return Ok(()),
                    200 | 503 => {}
                    other => anyhow::bail!("answered {other}"),
                }
            }
        };
        let posted = tokio::time::timeout(wait::DEADLINE, posting).await;
        posted.with_context(|| format!("never answered {wanted}"))?
    }
}

#[tokio::test]
async fn a_full_disk_refuses_webhooks_until_there_is_room_again() -> anyhow::Result<()> {
    let server = Options::new()?.launcher(SMALL_DISK).start().await?;
    let owner = set_up(&server).await?;
    let mut customer = Customer::of(&owner).await?;
    customer.post_until(200).await?;

    let pid = server.pid().context("it runs")?;
    let inside = server.data_dir().join("ballast");
    let ballast = Path::new(&format!("/proc/{pid}/root")).join(inside.strip_prefix("/")?);
    fill(&ballast)?;
    customer.post_until(503).await?;
    std::fs::remove_file(&ballast)?;
    customer.post_until(200).await?;

    customer.finds_everything(&owner).await
}

#[tokio::test]
async fn a_database_that_is_away_refuses_webhooks_until_it_is_back() -> anyhow::Result<()> {
    let database = Database::new().await?;
    let (server, owner) = Server::with_owner_on(&database).await?;
    let mut customer = Customer::of(&owner).await?;
    customer.post_until(200).await?;

    database.close().await?;
    customer.post_until(503).await?;
    let ready = reqwest::get(server.url("/readyz")).await?;
    assert_eq!(ready.status(), 503, "load balancers go elsewhere");
    database.open().await?;
    customer.post_until(200).await?;

    customer.finds_everything(&owner).await
}

async fn set_up(server: &Server) -> anyhow::Result<Client> {
    let input = json!({
        "tenant": "Moa", "email": OWNER_EMAIL, "name": "Owner", "password": OWNER_PASSWORD,
    });
    let session = server
        .client()
        .done(SETUP, json!({ "input": input }))
        .await?;
    let token = session["accessToken"].as_str();
    Ok(server.client().with_token(token.context("a session")?))
}

/// Writes until not a byte more fits.
fn fill(path: &Path) -> anyhow::Result<()> {
    let mut file = std::fs::File::create(path)?;
    for size in [1 << 16, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
    Ok(())
}
