//! What is from the network but cannot be read is kept, shown to admins, and can be replayed; the
//! network is never told to send it for ever.

use serde_json::{Value, json};
use support::desk;
use support::follower::Follower;
use support::graphql::Client;
use support::sandbox::{self, Inbox};
use support::server::Server;
use support::wait;
use support::webhook::now_seconds;

const REPLAY: &str =
    "mutation($id: ID!) { replayJob(id: $id) { problem { code message } job { state } } }";

const DISCARD: &str = "mutation($id: ID!) { discardJob(id: $id) { problem { code message } } }";

async fn dead_letter(owner: &Client) -> anyhow::Result<Value> {
    wait::until("a dead letter", || async {
        Ok(desk::jobs(owner, "DEAD").await?.first().cloned())
    })
    .await
}

#[tokio::test]
async fn an_unreadable_event_becomes_a_dead_letter_and_holds_up_nobody() -> anyhow::Result<()> {
    let (_server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let mut screen = Follower::start(&owner, None).await?;
    // A message that names neither itself nor its author.
    let bad = json!({ "id": "bad", "type": "message", "text": "Hello?" });
    assert_eq!(inbox.post(&bad).await?, 200);
    let told = screen
        .until("the dead letter", |c| c["__typename"] == "DeadLetterImage")
        .await?;
    inbox
        .deliver(&sandbox::message("good", "sofia", "good"))
        .await?;
    screen
        .until("the next message", |change| change["text"] == "good")
        .await?;

    let letter = dead_letter(&owner).await?;
    assert_eq!(letter["id"], told["jobId"]);
    assert!(
        letter["lastError"].to_string().contains("message_id"),
        "{letter}"
    );
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_is_tried_again_on_demand_and_ends_when_discarded() -> anyhow::Result<()> {
    let (_server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let mut screen = Follower::start(&owner, None).await?;
    let status = inbox
        .signer
        .request(&inbox.url, "bad", now_seconds()?, b"no JSON".to_vec())?
        .send()
        .await?
        .status();
    assert_eq!(status, 200, "the network must not repeat it for ever");
    let letter = dead_letter(&owner).await?;
    let variables = json!({ "id": letter["id"] });
    owner.done(REPLAY, variables.clone()).await?;
    let told = |screen: &Follower, resolved: bool| {
        let about =
            |change: &&Value| change["jobId"] == letter["id"] && change["resolved"] == resolved;
        screen.seen.iter().filter(about).count()
    };
    // It dies again, of the same cause: this program still cannot read it.
    while told(&screen, false) < 2 {
        screen.step().await?;
    }
    assert_eq!(
        told(&screen, true),
        1,
        "while it was tried again it was no dead letter"
    );
    owner.done(DISCARD, variables).await?;
    assert_eq!(desk::jobs(&owner, "DEAD").await?.len(), 0);
    Ok(())
}
