//! SIGTERM: screens are told to come back, what is under way is finished, and what was accepted
//! waits for the next start.

use serde_json::json;
use support::desk;
use support::follower::Follower;
use support::sandbox::{self, Inbox};
use support::sandbox_peer::{Next, SandboxPeer};
use support::server::Server;

const RESTART: u16 = 1012;

#[tokio::test]
async fn a_stop_finishes_the_message_under_way_and_sends_screens_elsewhere() -> anyhow::Result<()> {
    let (mut server, owner) = Server::with_owner().await?;
    let peer = SandboxPeer::start().await?;
    let inbox = Inbox::connect(&owner, &peer, "unknown").await?;
    let mut screen = Follower::start(&owner, None).await?;
    desk::available(&owner, 5).await?;
    inbox
        .deliver(&sandbox::message("q", "sofia", "Hello?"))
        .await?;
    let offer = screen
        .until("an offer", |change| change["offerState"] == "OFFERED")
        .await?;
    let ticket = desk::accept(&owner, &offer).await?;
    let mut socket = owner.socket().await?;
    socket
        .subscribe("subscription { changes { cursor } }", json!({}))
        .await?;

    peer.script([Next::StoreAndHold]);
    desk::reply(&owner, &ticket, "a", "Hello!").await?;
    peer.until_held(1).await?;
    server.ask_to_stop()?;
    assert_eq!(socket.close_code().await?, Some(RESTART));
    peer.release();
    server.ended().await?;

    // Had the answer been lost, this kind of provider would leave the message in doubt.
    server.restart().await?;
    let answer = |message: &serde_json::Value| message["clientId"] == "a";
    let answer = desk::message_when(&owner, &ticket, "the answer", answer).await?;
    assert_eq!(answer["state"], "SENT", "{answer}");
    assert_eq!(peer.stored().len(), 1);
    Ok(())
}

#[tokio::test]
async fn what_was_accepted_before_a_stop_is_there_after_it() -> anyhow::Result<()> {
    let (mut server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let mut accepted = 0;
    server.ask_to_stop()?;
    // A stopping server answers for a while, then no more.
    while let Ok(200) = inbox
        .post(&sandbox::message(
            &format!("m{accepted}"),
            "sofia",
            "Hello?",
        ))
        .await
    {
        accepted += 1;
    }
    server.ended().await?;
    server.restart().await?;
    if accepted == 0 {
        return Ok(());
    }
    desk::worked_off(&owner, support::wait::DEADLINE).await?;
    let tickets = desk::tickets(&owner).await?;
    let id = tickets[0]["id"].as_str().unwrap_or_default();
    let stored = desk::messages(&owner, id).await?;
    assert_eq!((tickets.len(), stored.len()), (1, accepted));
    Ok(())
}
