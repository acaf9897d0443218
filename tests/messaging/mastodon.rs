//! The long-lived entrance, against a Mastodon server that nobody here wrote.

use serde_json::{Value, json};
use support::graphql::Client;
use support::mastodon::{BUSINESS, CUSTOMER, Mastodon};
use support::server::Server;
use support::wait;

const CONNECT: &str = "mutation($input: ConnectInboxInput!) { connectInbox(input: $input) {
    problem { code message field } inbox { id state address } } }";
const QUEUES: &str = "{ queues { id } }";
const TICKETS: &str = "{ tickets(first: 50) { edges { node { id messageHead
    conversations { id } messages(first: 50) { text direction state } } } } }";
const SEND: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) {
    problem { code message } message { id } } }";

async fn connect(owner: &Client, peer: &Mastodon) -> anyhow::Result<Value> {
    let queue = owner.data(QUEUES, json!({})).await?["queues"][0]["id"].clone();
    let input = json!({
        "channel": "mastodon", "name": "Moa", "queueId": queue,
        "settings": { "base_url": peer.url() },
        "secrets": { "access_token": Mastodon::token(BUSINESS) },
    });
    let payload = owner.done(CONNECT, json!({ "input": input })).await?;
    Ok(payload["inbox"].clone())
}

/// Inbound texts of all tickets, with how often each is there.
async fn texts(owner: &Client) -> anyhow::Result<Vec<String>> {
    let data = owner.data(TICKETS, json!({})).await?;
    let mut texts = Vec::new();
    for edge in data["tickets"]["edges"].as_array().into_iter().flatten() {
        for message in edge["node"]["messages"].as_array().into_iter().flatten() {
            if message["direction"] == "INBOUND" {
                texts.push(message["text"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    Ok(texts)
}

async fn until_text(owner: &Client, wanted: &str) -> anyhow::Result<()> {
    wait::until(wanted, || async {
        let texts = texts(owner).await?;
        anyhow::ensure!(texts.iter().any(|t| t.contains(wanted)), "{texts:?}");
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn a_toot_becomes_a_ticket_and_its_answer_is_read_back() -> anyhow::Result<()> {
    let (_server, owner) = Server::with_owner().await?;
    let peer = Mastodon::start().await?;
    let inbox = connect(&owner, &peer).await?;
    assert_eq!(inbox["state"], "CONNECTED");
    let toot = peer
        .toot(
            CUSTOMER,
            &format!("@{BUSINESS} is the moon jar in?"),
            "direct",
        )
        .await?;
    until_text(&owner, "moon jar").await?;
    let data = owner.data(TICKETS, json!({})).await?;
    let ticket = &data["tickets"]["edges"][0]["node"];
    let input = json!({
        "conversationId": ticket["conversations"][0]["id"], "clientId": "answer-1",
        "text": "It is, come by.", "seen": ticket["messageHead"],
    });
    owner.done(SEND, json!({ "input": input })).await?;
    let replies = wait::until("the answer at the peer", || async {
        let replies = peer.replies(CUSTOMER, &toot).await?;
        Ok((!replies.is_empty()).then_some(replies))
    })
    .await?;
    assert_eq!(replies.len(), 1);
    assert_eq!(replies[0]["visibility"], "direct");
    let content = replies[0]["content"].as_str().unwrap_or_default();
    assert!(
        content.contains("come by") && content.contains(CUSTOMER),
        "{content}"
    );
    Ok(())
}

#[tokio::test]
async fn nothing_is_missed_or_doubled_when_either_side_restarts() -> anyhow::Result<()> {
    let (mut server, owner) = Server::with_owner().await?;
    let mut peer = Mastodon::start().await?;
    connect(&owner, &peer).await?;
    let toot = |n: u32| format!("@{BUSINESS} question {n}.");
    peer.toot(CUSTOMER, &toot(1), "public").await?;
    until_text(&owner, "question 1.").await?;

    server.kill().await?;
    peer.toot(CUSTOMER, &toot(2), "public").await?;
    server.restart().await?;
    until_text(&owner, "question 2.").await?;

    peer.kill().await?;
    peer.restart().await?;
    peer.toot(CUSTOMER, &toot(3), "public").await?;
    until_text(&owner, "question 3.").await?;
    let all = texts(&owner).await?;
    for n in 1..=3 {
        let text = format!("question {n}.");
        assert_eq!(
            all.iter().filter(|t| t.contains(&text)).count(),
            1,
            "{all:?}"
        );
    }
    Ok(())
}
