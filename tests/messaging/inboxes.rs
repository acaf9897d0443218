//! Accounts are connected, checked, lost, brought back and let go without losing a message.

use serde_json::{Value, json};
use support::graphql::Client;
use support::sandbox_peer::{Next, SandboxPeer};
use support::server::Server;
use support::wait;
use support::webhook::Signer;

const SECRET: &str = "whsec_bW9hLXNpZ25pbmctc2VjcmV0LTEyMzQ1Njc4";

const CONNECT: &str = "mutation($input: ConnectInboxInput!) { connectInbox(input: $input) {
    problem { code message field } authorizeUrl inbox { id state account webhookUrl settings } } }";
const RECONNECT: &str = "mutation($id: ID!, $secrets: JSON!) {
    reconnectInbox(id: $id, secrets: $secrets) { problem { code message } inbox { id state } } }";
const DISCONNECT: &str = "mutation($id: ID!) { disconnectInbox(id: $id) {
    problem { code message } inbox { state } } }";
const CHECK: &str = "mutation($id: ID!) { checkInbox(id: $id) { problem { code message } } }";
const INBOXES: &str = "{ inboxes { id state problem account lastInboundAt } queues { id } }";
const TICKETS: &str = "{ tickets(first: 50) { edges { node { id messageHead
    conversations { id } messages(first: 50) { text state direction problem } } } } }";
const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) {
    problem { code message } message { id state } } }";

struct Shop {
    server: Server,
    owner: Client,
    peer: SandboxPeer,
}

impl Shop {
    async fn open() -> anyhow::Result<Self> {
        let (server, owner) = Server::with_owner().await?;
        let peer = SandboxPeer::start().await?;
        Ok(Self {
            server,
            owner,
            peer,
        })
    }

    fn form(&self, queue: &Value) -> Value {
        json!({ "input": {
            "channel": "sandbox", "name": "Moa", "queueId": queue,
            "settings": { "account": "moa", "base_url": self.peer.url() },
            "secrets": { "signing_secret": SECRET },
        } })
    }

    async fn queue(&self) -> anyhow::Result<Value> {
        Ok(self.owner.data(INBOXES, json!({})).await?["queues"][0]["id"].clone())
    }

    async fn connect(&self) -> anyhow::Result<Value> {
        let form = self.form(&self.queue().await?);
        Ok(self.owner.done(CONNECT, form).await?["inbox"].clone())
    }

    async fn inboxes(&self) -> anyhow::Result<Vec<Value>> {
        let data = self.owner.data(INBOXES, json!({})).await?;
        Ok(data["inboxes"].as_array().cloned().unwrap_or_default())
    }

    async fn until_state(&self, state: &str) -> anyhow::Result<Value> {
        wait::until(&format!("the inbox to be {state}"), || async {
            let inboxes = self.inboxes().await?;
            match inboxes.iter().find(|inbox| inbox["state"] == state) {
                Some(inbox) => Ok(Some(inbox.clone())),
                None => anyhow::bail!("there are {inboxes:?}"),
            }
        })
        .await
    }

    async fn tickets(&self) -> anyhow::Result<Vec<Value>> {
        let data = self.owner.data(TICKETS, json!({})).await?;
        let edges = data["tickets"]["edges"].as_array().cloned();
        Ok(edges
            .unwrap_or_default()
            .iter()
            .map(|edge| edge["node"].clone())
            .collect())
    }

    async fn post(&self, inbox: &Value, number: u32, account: &str) -> anyhow::Result<u16> {
        let url = inbox["webhookUrl"].as_str().unwrap_or_default();
        let path = url.find("/webhooks/").map_or(url, |at| &url[at..]);
        let body = json!({ "account": account, "events": [{
            "id": format!("e{number}"), "type": "message", "from": { "id": "seoyeon" },
            "message_id": format!("m{number}"), "text": format!("hello {number}"),
        }] });
        let signer = Signer::new(SECRET)?;
        let id = format!("msg_{number}");
        signer.post(&self.server.url(path), &id, &body).await
    }

    /// A customer wrote; answers her ticket.
    async fn customer(&self, inbox: &Value) -> anyhow::Result<Value> {
        anyhow::ensure!(self.post(inbox, 1, "moa").await? / 100 == 2);
        wait::until("a ticket", || async { Ok(self.tickets().await?.pop()) }).await
    }

    async fn reply(&self, ticket: &Value, client_id: &str) -> anyhow::Result<Value> {
        let input = json!({
            "conversationId": ticket["conversations"][0]["id"], "clientId": client_id,
            "text": format!("answer {client_id}"), "seen": ticket["messageHead"],
        });
        let data = self.owner.data(SEND, json!({ "input": input })).await?;
        Ok(data["sendMessage"].clone())
    }
}

#[tokio::test]
async fn an_account_is_connected_once_and_shows_no_secret() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let inbox = shop.connect().await?;
    assert_eq!(inbox["state"], "CONNECTED");
    assert_eq!(inbox["account"], "moa");
    assert_eq!(
        inbox["settings"],
        json!({ "account": "moa", "base_url": shop.peer.url() })
    );
    let form = shop.form(&shop.queue().await?);
    let again = shop.owner.data(CONNECT, form).await?["connectInbox"].clone();
    assert_eq!(again["problem"]["code"], "CONFLICT", "{again}");
    assert_eq!(shop.inboxes().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_account_whose_provider_does_not_answer_is_not_stored() -> anyhow::Result<()> {
    let mut shop = Shop::open().await?;
    let form = shop.form(&shop.queue().await?);
    shop.peer.die();
    let refused = shop.owner.data(CONNECT, form).await?["connectInbox"].clone();
    assert_eq!(refused["problem"]["code"], "PROVIDER_REFUSED", "{refused}");
    assert!(shop.inboxes().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_dead_token_keeps_the_message_until_the_account_is_reconnected() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let inbox = shop.connect().await?;
    let ticket = shop.customer(&inbox).await?;
    shop.peer.refuse_account(true);
    shop.peer.script([Next::Refuse {
        status: 401,
        retry_after: None,
    }]);
    let queued = shop.reply(&ticket, "first").await?;
    assert_eq!(queued["problem"], Value::Null, "{queued}");
    let dead = shop.until_state("NEEDS_RECONNECT").await?;
    assert!(dead["problem"].is_string(), "{dead}");
    let blocked = shop.reply(&ticket, "second").await?;
    assert_eq!(blocked["problem"]["code"], "NEEDS_RECONNECT", "{blocked}");
    assert!(shop.peer.stored().is_empty());

    shop.peer.refuse_account(false);
    let variables = json!({ "id": inbox["id"], "secrets": { "signing_secret": SECRET } });
    let back = shop.owner.done(RECONNECT, variables).await?;
    assert_eq!(back["inbox"]["id"], inbox["id"]);
    let stored = shop.peer.until_stored(1).await?;
    assert_eq!(stored[0].client_id, "first");
    Ok(())
}

#[tokio::test]
async fn a_check_finds_a_dead_token_and_its_recovery() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let inbox = shop.connect().await?;
    let check = || shop.owner.done(CHECK, json!({ "id": inbox["id"] }));
    shop.peer.refuse_account(true);
    check().await?;
    shop.until_state("NEEDS_RECONNECT").await?;
    shop.peer.refuse_account(false);
    check().await?;
    let well = shop.until_state("CONNECTED").await?;
    assert_eq!(well["problem"], Value::Null);
    Ok(())
}

#[tokio::test]
async fn a_disconnected_account_is_quiet_and_comes_back_with_its_history() -> anyhow::Result<()> {
    let mut shop = Shop::open().await?;
    let inbox = shop.connect().await?;
    shop.customer(&inbox).await?;
    shop.owner
        .done(DISCONNECT, json!({ "id": inbox["id"] }))
        .await?;
    shop.until_state("DISCONNECTED").await?;
    // An entrance is believed for a moment after it was looked up; a new process believes nothing.
    shop.server.kill().await?;
    shop.server.restart().await?;
    // The provider is not told to go away, and nothing of it is shown.
    assert_eq!(shop.post(&inbox, 2, "moa").await? / 100, 2);
    let again = shop.connect().await?;
    assert_eq!(again["id"], inbox["id"]);
    assert_eq!(again["webhookUrl"], inbox["webhookUrl"]);
    wait::until("its next message", || async {
        let status = shop.post(&again, 3, "moa").await?;
        anyhow::ensure!(status / 100 == 2, "answered {status}");
        let texts = serde_json::to_string(&shop.tickets().await?)?;
        anyhow::ensure!(!texts.contains("hello 2"), "{texts}");
        Ok((texts.contains("hello 3") && texts.contains("hello 1")).then_some(()))
    })
    .await
}

#[tokio::test]
async fn an_event_for_another_account_is_taken_but_shown_to_nobody() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let inbox = shop.connect().await?;
    assert_eq!(shop.post(&inbox, 7, "somebody-else").await? / 100, 2);
    let ticket = shop.customer(&inbox).await?;
    assert_eq!(shop.tickets().await?.len(), 1);
    assert!(!ticket.to_string().contains("hello 7"));
    Ok(())
}
