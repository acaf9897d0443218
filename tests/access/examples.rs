//! The documented examples work as they stand: one story runs every file of `graphql/examples`.

use anyhow::Context;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use support::graphql::Client;
use support::server::{OWNER_EMAIL, OWNER_PASSWORD, Server};
use support::socket::Socket;
use support::webhook::Signer;
use support::{root, wait};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The files, and which of them were read.
#[derive(Default)]
struct Examples(RefCell<BTreeSet<String>>);

impl Examples {
    fn text(&self, name: &str) -> anyhow::Result<String> {
        self.0.borrow_mut().insert(name.to_owned());
        let path = root().join(format!("graphql/examples/{name}.graphql"));
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    fn unread(&self) -> anyhow::Result<Vec<String>> {
        let mut unread = Vec::new();
        for entry in std::fs::read_dir(root().join("graphql/examples"))? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if !self.0.borrow().contains(&*name) {
                unread.push(name.into_owned());
            }
        }
        Ok(unread)
    }
}

/// Connects a sandbox account and waits until it is connected.
async fn connected(owner: &Client, examples: &Examples) -> anyhow::Result<String> {
    let queues = owner
        .data(&examples.text("list-queues")?, json!({}))
        .await?;
    let input = json!({
        "channel": "sandbox", "name": "Shop", "queueId": queues["queues"][0]["id"],
        "settings": { "account": "shop" }, "secrets": { "signing_secret": SECRET },
    });
    let connect = examples.text("connect-inbox")?;
    let payload = owner.done(&connect, json!({ "input": input })).await?;
    let inbox = payload["inbox"].clone();
    wait::until("the inbox to be connected", || async {
        let document = "query ($id: ID!) { inbox(id: $id) { state problem } }";
        let data = owner.data(document, json!({ "id": inbox["id"] })).await?;
        if data["inbox"]["state"] == "CONNECTED" {
            return Ok(Some(()));
        }
        anyhow::bail!("{data}")
    })
    .await?;
    let webhook = inbox["webhookUrl"].as_str();
    Ok(webhook.context("the sandbox has an entrance")?.to_owned())
}

async fn customer_writes(webhook: &str) -> anyhow::Result<()> {
    let event = json!({
        "id": "e1", "type": "message", "at": "2026-11-20T10:00:00Z", "message_id": "m1",
        "from": { "id": "p1", "handle": "@maya", "name": "Maya" }, "text": "Where is my parcel?",
    });
    let body = json!({ "account": "shop", "events": [event] });
    let status = Signer::new(SECRET)?.post(webhook, "msg_1", &body).await?;
    anyhow::ensure!(status == 200, "the webhook answered {status}");
    Ok(())
}

/// Reads batches until one holds a change that is wanted.
async fn followed(
    socket: &mut Socket,
    operation: &str,
    wanted: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    loop {
        let data = socket.next(operation).await?;
        let changes = data["changes"]["changes"].as_array().cloned();
        let found = changes.unwrap_or_default().into_iter().find(&wanted);
        if let Some(change) = found {
            return Ok(change);
        }
    }
}

#[tokio::test]
async fn every_documented_example_works() -> anyhow::Result<()> {
    let examples = Examples::default();
    let server = Server::start().await?;
    let person = json!({ "email": OWNER_EMAIL, "password": OWNER_PASSWORD });
    let anybody = server.client();
    let session = anybody.done(&examples.text("sign-in")?, person).await?;
    let access = session["accessToken"].as_str().context("a token")?;
    let owner = server.client().with_token(access);

    let webhook = connected(&owner, &examples).await?;
    let mut socket = owner.socket().await?;
    let follow = examples.text("follow-changes")?;
    let following = socket.subscribe(&follow, json!({})).await?;
    let first = socket.next(&following).await?;
    assert!(first["changes"]["cursor"].is_string(), "{first}");
    customer_writes(&webhook).await?;
    let is_ticket = |change: &Value| change["__typename"] == "TicketImage";
    let ticket = followed(&mut socket, &following, is_ticket).await?;

    let listed = owner
        .data(&examples.text("list-tickets")?, json!({}))
        .await?;
    assert_eq!(listed["tickets"]["total"], 1, "{listed}");
    assert_eq!(listed["tickets"]["edges"][0]["node"]["id"], ticket["id"]);
    let read = owner
        .data(
            &examples.text("read-ticket")?,
            json!({ "id": ticket["id"] }),
        )
        .await?;
    let read = &read["ticket"];
    assert_eq!(read["messages"][0]["text"], "Where is my parcel?", "{read}");

    let reply = examples.text("reply")?;
    let answer = json!({ "input": {
        "conversationId": read["conversations"][0]["id"], "clientId": "r1",
        "seen": read["messageHead"], "text": "It arrives tomorrow.",
    }});
    let sent = owner.done(&reply, answer.clone()).await?;
    let is_sent =
        |change: &Value| change["id"] == sent["message"]["id"] && change["messageState"] == "SENT";
    followed(&mut socket, &following, is_sent).await?;

    let wanted = json!({ "name": "reports", "scopes": ["READ"] });
    let token = owner.done(&examples.text("create-token")?, wanted).await?;
    let secret = token["secret"].as_str().context("shown once")?;
    let program = server.client().with_token(secret);
    let log = program.data(&examples.text("read-log")?, json!({})).await?;
    let changes = log["events"]["changes"].as_array();
    assert!(
        changes.is_some_and(|all| all.iter().any(is_ticket)),
        "{log}"
    );
    assert_eq!(
        program.error_code(&reply, answer).await?.as_deref(),
        Some("FORBIDDEN")
    );
    assert_eq!(examples.unread()?, Vec::<String>::new(), "nobody ran these");
    Ok(())
}
