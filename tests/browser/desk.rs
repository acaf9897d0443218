//! What happens to an agent at her desk: newer messages, no mouse, a colleague who is faster.

use super::shop::{Shop, token_in_mail};
use anyhow::Context;
use serde_json::json;
use support::browser::{self, Story};
use support::mastodon::{CUSTOMER, STRANGER};

const QUESTION: &str = "Where is my order?";
const SECOND: &str = "And can I still change the address?";
const ANSWER: &str = "It leaves tomorrow.";

#[tokio::test]
async fn who_has_not_read_the_newest_message_is_asked_before_it_is_answered() -> anyhow::Result<()>
{
    let shop = Shop::open().await?;
    let toot = shop.hear(CUSTOMER, QUESTION).await?;
    shop.has_heard(QUESTION).await?;
    let words = [QUESTION, SECOND, ANSWER];
    let mut agent = Story::start("newer", &shop.server.url(""), &words)?;
    agent.reaches("deaf").await?;
    shop.hear(CUSTOMER, SECOND).await?;
    shop.has_heard(SECOND).await?;
    agent.go_on().await?;
    agent.ends().await?;
    let replies = shop.peer.replies(CUSTOMER, &toot).await?;
    assert!(replies.len() <= 1, "{replies:#?}");
    Ok(())
}

#[tokio::test]
async fn a_ticket_is_answered_and_closed_in_korean_without_a_mouse() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let toot = shop.hear(CUSTOMER, QUESTION).await?;
    shop.has_heard(QUESTION).await?;
    browser::run("keyboard", &shop.server.url(""), &[QUESTION, ANSWER]).await?;
    shop.has_answered(&toot, ANSWER).await
}

async fn judged(language: &str) -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    shop.hear(STRANGER, "Olá! Vocês entregam em Lisboa?")
        .await?;
    shop.has_heard("Lisboa").await?;
    shop.hear(CUSTOMER, QUESTION).await?;
    shop.has_heard(QUESTION).await?;
    let words = [language, QUESTION];
    browser::run("accessible", &shop.server.url(""), &words)
        .await
        .map(drop)
}

#[tokio::test]
async fn no_page_has_an_accessibility_finding_in_english() -> anyhow::Result<()> {
    judged("en").await
}

#[tokio::test]
async fn no_page_has_an_accessibility_finding_in_korean() -> anyhow::Result<()> {
    judged("ko").await
}

const INVITE: &str = "mutation { invite(email: \"jihun@example.com\", role: AGENT) {
    problem { code message } invitation { id }
} }";

const STAFF: &str = "mutation($input: QueueInput!) { saveQueue(input: $input) {
    problem { code message } queue { id }
} }";

/// Everybody of the tenant works in its first queue.
async fn staff(shop: &Shop) -> anyhow::Result<()> {
    let document = "{ queues { id name } members { user { id } } }";
    let data = shop.owner.data(document, json!({})).await?;
    let members = data["members"].as_array().cloned().unwrap_or_default();
    let members: Vec<_> = members
        .iter()
        .map(|member| json!({ "userId": member["user"]["id"] }))
        .collect();
    let queue = &data["queues"][0];
    let input = json!({ "id": queue["id"], "name": queue["name"], "members": members });
    let input = json!({ "input": input });
    shop.owner.done(STAFF, input).await.map(drop)
}

#[tokio::test]
async fn one_of_two_gets_the_ticket_and_the_other_is_told() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    shop.owner.done(INVITE, json!({})).await?;
    let token = token_in_mail(&shop.server, "/invitation#").await?;
    let mut story = Story::start("race", &shop.server.url(""), &[&token, QUESTION])?;
    story.reaches("joined").await?;
    staff(&shop).await?;
    story.go_on().await?;
    story.reaches("available").await?;
    shop.hear(CUSTOMER, QUESTION).await?;
    story.go_on().await?;
    let printed = story.ends().await?;
    let document = "{ tickets(first: 2) { edges { node { assignee { name email } } } } }";
    let data = shop.owner.data(document, json!({})).await?;
    let assignee = &data["tickets"]["edges"][0]["node"]["assignee"];
    let name = assignee["name"].as_str().context("somebody has it")?;
    let agent_won = printed.contains("Park Jihun won");
    assert_eq!(agent_won, name == "Park Jihun", "{printed}: {assignee}");
    Ok(())
}
