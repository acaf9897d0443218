//! An inbox of the sandbox channel and the customers who write to it, as its network would post them.

use crate::graphql::Client;
use crate::sandbox_peer::SandboxPeer;
use crate::wait;
use crate::webhook::Signer;
use anyhow::Context;
use serde_json::{Value, json};
use std::time::Duration;

/// What the peer calls the business account.
pub const ACCOUNT: &str = "moa";

const SECRET: &str = "whsec_bWVhcmktc2FuZGJveC1zaWduaW5nLXNlY3JldC0wMDE=";

/// How long the network tries to deliver an event, over any number of restarts.
const PATIENCE: Duration = Duration::from_secs(120);

const FIRST_QUEUE: &str = "{ queues { id } }";

const CONNECT: &str = "mutation($input: ConnectInboxInput!) {
    connectInbox(input: $input) { problem { code message } inbox { id state webhookUrl } }
}";

/// A connected account with the secret of its signatures.
#[derive(Debug, Clone)]
pub struct Inbox {
    pub id: String,
    pub url: String,
    pub signer: Signer,
}

impl Inbox {
    /// Connects an account whose replies go to `peer`; `send_kind` is what happens when the
    /// answer to one is lost.
    pub async fn connect(
        owner: &Client,
        peer: &SandboxPeer,
        send_kind: &str,
    ) -> anyhow::Result<Self> {
        let settings =
            json!({ "account": ACCOUNT, "base_url": peer.url(), "send_kind": send_kind });
        Self::connect_with(owner, settings).await
    }

    /// Connects an account whose replies go nowhere.
    pub async fn connect_alone(owner: &Client) -> anyhow::Result<Self> {
        Self::connect_with(owner, json!({ "account": ACCOUNT })).await
    }

    async fn connect_with(owner: &Client, settings: Value) -> anyhow::Result<Self> {
        let queues = owner.data(FIRST_QUEUE, json!({})).await?;
        let input = json!({
            "channel": "sandbox",
            "name": "Moa",
            "queueId": queues["queues"][0]["id"],
            "settings": settings,
            "secrets": { "signing_secret": SECRET },
        });
        let connected = owner.done(CONNECT, json!({ "input": input })).await?;
        let inbox = &connected["inbox"];
        anyhow::ensure!(inbox["state"] == "CONNECTED", "{inbox}");
        let told = |key: &str| inbox[key].as_str().map(str::to_owned);
        Ok(Self {
            id: told("id").context("an inbox has an id")?,
            url: told("webhookUrl").context("an inbox has a webhook address")?,
            signer: Signer::new(SECRET)?,
        })
    }

    /// Posts one event once, and answers the status.
    pub async fn post(&self, event: &Value) -> anyhow::Result<u16> {
        let id = event["id"].as_str().context("an event has an id")?;
        let body = json!({ "account": ACCOUNT, "events": [event] });
        self.signer.post(&self.url, id, &body).await
    }

    /// Posts one event again and again until it is accepted, as a provider does.
    pub async fn deliver(&self, event: &Value) -> anyhow::Result<()> {
        wait::within(PATIENCE, "a webhook to be accepted", || async {
            let status = self.post(event).await?;
            anyhow::ensure!(status == 200, "answered {status}");
            Ok(Some(()))
        })
        .await
    }
}

/// A customer's words as the network tells them. `id` names both the event and the message.
pub fn message(id: &str, from: &str, text: &str) -> Value {
    json!({
        "id": id,
        "type": "message",
        "message_id": id,
        "from": { "id": from, "handle": format!("@{from}"), "name": from },
        "text": text,
    })
}
