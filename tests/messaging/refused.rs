//! What is not for us, or not from the network, leaves no trace but a figure.

use serde_json::json;
use support::desk;
use support::graphql::Client;
use support::sandbox::{self, ACCOUNT, Inbox};
use support::server::Server;
use support::wait::DEADLINE;
use support::webhook::{Signer, now_seconds};

/// One more than the server takes.
const TOO_LARGE: usize = (1 << 20) + 1;
/// As old as no honest sender's request.
const STALE_SECONDS: i64 = 3600;

async fn start() -> anyhow::Result<(Server, Client, Inbox)> {
    let (server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    Ok((server, owner, inbox))
}

fn body() -> anyhow::Result<Vec<u8>> {
    let event = sandbox::message("m1", "sofia", "Hello?");
    Ok(serde_json::to_vec(
        &json!({ "account": ACCOUNT, "events": [event] }),
    )?)
}

/// Nothing is stored: what comes after it is alone.
async fn only_the_next_message_is_there(owner: &Client, inbox: &Inbox) -> anyhow::Result<()> {
    inbox
        .deliver(&sandbox::message("next", "seoyeon", "next"))
        .await?;
    desk::worked_off(owner, DEADLINE).await?;
    let tickets = desk::tickets(owner).await?;
    assert_eq!(tickets.len(), 1, "{tickets:#?}");
    assert_eq!(tickets[0]["contact"]["name"], "seoyeon");
    assert_eq!(desk::jobs(owner, "DEAD").await?.len(), 0);
    Ok(())
}

async fn figure(server: &Server, name: &str) -> anyhow::Result<f64> {
    let text = reqwest::get(server.url("/metrics")).await?.text().await?;
    let values = text
        .lines()
        .filter(|line| line.starts_with(name))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    Ok(values.sum())
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_counted() -> anyhow::Result<()> {
    let (server, owner, inbox) = start().await?;
    let stranger = Signer::new("whsec_c3RyYW5nZXItc3RyYW5nZXItc3RyYW5nZXItMDE=")?;
    let now = now_seconds()?;
    let forged = stranger.request(&inbox.url, "m1", now, body()?)?;
    assert_eq!(forged.send().await?.status(), 401);
    let spoiled = inbox.signer.request(&inbox.url, "m1", now, body()?)?;
    let spoiled = spoiled.body(body()?.repeat(2));
    assert_eq!(spoiled.send().await?.status(), 401);
    let stale = inbox
        .signer
        .request(&inbox.url, "m1", now - STALE_SECONDS, body()?)?;
    assert_eq!(stale.send().await?.status(), 401);
    let rejected = figure(&server, "meari_webhooks_rejected_total").await?;
    assert_eq!(rejected.to_string(), "3");
    only_the_next_message_is_there(&owner, &inbox).await
}

#[tokio::test]
async fn an_account_nobody_connected_is_answered_and_counted() -> anyhow::Result<()> {
    let (server, owner, inbox) = start().await?;
    let event = sandbox::message("m1", "sofia", "Hello?");
    let body = json!({ "account": "somebody-else", "events": [event] });
    assert_eq!(inbox.signer.post(&inbox.url, "m1", &body).await?, 200);
    let unrouted = figure(&server, "meari_webhooks_unrouted_total").await?;
    assert_eq!(unrouted.to_string(), "1");
    only_the_next_message_is_there(&owner, &inbox).await
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() -> anyhow::Result<()> {
    let (_server, owner, inbox) = start().await?;
    let body = vec![b' '; TOO_LARGE];
    let request = inbox
        .signer
        .request(&inbox.url, "m1", now_seconds()?, body)?;
    assert_eq!(request.send().await?.status(), 413);
    only_the_next_message_is_there(&owner, &inbox).await
}

#[tokio::test]
async fn an_entrance_that_does_not_exist_is_not_found() -> anyhow::Result<()> {
    let (server, owner, inbox) = start().await?;
    for path in ["/webhooks/sandbox/none", "/webhooks/nothing/none"] {
        let event = sandbox::message("m1", "sofia", "Hello?");
        let body = json!({ "account": ACCOUNT, "events": [event] });
        let status = inbox.signer.post(&server.url(path), "m1", &body).await?;
        assert_eq!(status, 404, "{path}");
    }
    only_the_next_message_is_there(&owner, &inbox).await
}
