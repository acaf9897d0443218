//! The whole round on software that nobody here wrote: a toot is offered and accepted on screen,
//! answered there, and the answer is read back from the peer; also when everything dies in between.

use super::shop::Shop;
use anyhow::Context;
use support::browser::Story;
use support::mastodon::CUSTOMER;

const QUESTION: &str = "환불 되나요?";
const ANSWER: &str = "네, 가능합니다. 영수증을 보내 주세요.";

#[tokio::test]
async fn a_toot_is_accepted_and_answered_on_screen_and_read_back() -> anyhow::Result<()> {
    let shop = Shop::open().await?;
    let mut agent = Story::start("answer", &shop.server.url(""), &[QUESTION, ANSWER])?;
    agent.reaches("available").await?;
    let toot = shop.hear(CUSTOMER, QUESTION).await?;
    agent.go_on().await?;
    let typed = agent.reaches("typed").await;
    typed.with_context(|| format!("the server's log ends with\n{}", shop.server.log()))?;
    agent.go_on().await?;
    agent.ends().await?;
    shop.has_answered(&toot, ANSWER).await
}

#[tokio::test]
async fn nothing_is_lost_or_said_twice_when_peer_and_server_die() -> anyhow::Result<()> {
    let mut shop = Shop::open().await?;
    let mut agent = Story::start("answer", &shop.server.url(""), &[QUESTION, ANSWER, "rough"])?;
    agent.reaches("available").await?;
    shop.peer.kill().await?;
    shop.peer.restart().await?;
    let toot = shop.hear(CUSTOMER, QUESTION).await?;
    agent.go_on().await?;

    agent.reaches("typed").await?;
    shop.server.kill().await?;
    agent.go_on().await?;
    agent.reaches("waiting").await?;
    shop.peer.kill().await?;
    shop.server.restart().await?;
    agent.go_on().await?;
    agent.reaches("handed-over").await?;
    shop.peer.restart().await?;
    agent.go_on().await?;
    agent.ends().await?;
    shop.has_answered(&toot, ANSWER).await
}
