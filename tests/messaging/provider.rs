//! A provider that is busy, and an account that is let go, as the agent sees it on her screen.

use serde_json::{Value, json};
use support::desk;
use support::graphql::Client;
use support::sandbox::{self, Inbox};
use support::sandbox_peer::{Next, SandboxPeer};
use support::server::Server;
use support::wait::DEADLINE;

const DISCONNECT: &str = "mutation($id: ID!) { disconnectInbox(id: $id) {
    problem { code message } inbox { state } } }";

struct Shop {
    _server: Server,
    owner: Client,
    peer: SandboxPeer,
    inbox: Inbox,
    ticket: String,
}

impl Shop {
    /// A customer who wrote, and a provider that is busy for so many seconds.
    async fn busy(seconds: u32) -> anyhow::Result<Self> {
        let (server, owner) = Server::with_owner().await?;
        let peer = SandboxPeer::start().await?;
        // The kind that must never be sent twice.
        let inbox = Inbox::connect(&owner, &peer, "unknown").await?;
        inbox
            .deliver(&sandbox::message("m1", "sofia", "Hello?"))
            .await?;
        desk::worked_off(&owner, DEADLINE).await?;
        let ticket = desk::tickets(&owner).await?[0]["id"].clone();
        peer.script([Next::Refuse {
            status: 429,
            retry_after: Some(seconds),
        }]);
        Ok(Self {
            _server: server,
            owner,
            peer,
            inbox,
            ticket: ticket.as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Our answer, as soon as it is in this state.
    async fn answer_when(&self, state: &'static str) -> anyhow::Result<Value> {
        let is_it = |message: &Value| message["clientId"] == "a" && message["state"] == state;
        desk::message_when(&self.owner, &self.ticket, state, is_it).await
    }

    async fn answer_that_waits(&self) -> anyhow::Result<String> {
        desk::reply(&self.owner, &self.ticket, "a", "Hello!").await?;
        let waits = |message: &Value| message["clientId"] == "a" && message["problem"].is_string();
        let what = "the reason it waits for";
        let waiting = desk::message_when(&self.owner, &self.ticket, what, waits).await?;
        anyhow::ensure!(waiting["state"] == "QUEUED", "{waiting}");
        Ok(waiting["problem"].as_str().unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn a_busy_provider_is_waited_for_in_sight_and_asked_once_more() -> anyhow::Result<()> {
    let shop = Shop::busy(2).await?;
    assert!(shop.answer_that_waits().await?.contains("429"));
    let sent = shop.answer_when("SENT").await?;
    assert_eq!(sent["problem"], Value::Null);
    assert_eq!(shop.peer.stored().len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_waits_in_an_account_that_is_let_go_fails_with_a_reason() -> anyhow::Result<()> {
    let shop = Shop::busy(3).await?;
    shop.answer_that_waits().await?;
    let id = json!({ "id": shop.inbox.id });
    shop.owner.done(DISCONNECT, id).await?;
    let failed = shop.answer_when("FAILED").await?;
    let problem = failed["problem"].to_string();
    assert!(problem.contains("Moa was disconnected"), "{problem}");
    assert!(shop.peer.stored().is_empty());
    Ok(())
}
