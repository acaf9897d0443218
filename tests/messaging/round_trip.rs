//! A customer's words reach an agent, and her answer reaches the customer, once.

use support::desk;
use support::follower::Follower;
use support::sandbox::{self, Inbox};
use support::sandbox_peer::SandboxPeer;
use support::server::Server;

#[tokio::test]
async fn a_customer_is_offered_to_an_agent_who_answers_once() -> anyhow::Result<()> {
    let (_server, owner) = Server::with_owner().await?;
    let peer = SandboxPeer::start().await?;
    let inbox = Inbox::connect(&owner, &peer, "idempotent").await?;
    let mut screen = Follower::start(&owner, None).await?;
    desk::available(&owner, 5).await?;

    let question = sandbox::message("q1", "seoyeon", "환불 되나요?");
    assert_eq!(inbox.post(&question).await?, 200);
    let offer = screen
        .until("an offer", |change| change["offerState"] == "OFFERED")
        .await?;
    let ticket = desk::accept(&owner, &offer).await?;
    desk::message_when(&owner, &ticket, "the question", |message| {
        message["text"] == "환불 되나요?" && message["direction"] == "INBOUND"
    })
    .await?;
    let me = desk::ticket(&owner, &ticket).await?;
    assert_eq!(me["workItem"]["agentId"], me["assignee"]["id"], "{me}");

    let answer = desk::reply(&owner, &ticket, "a1", "네, 가능합니다.").await?;
    let stored = peer.until_stored(1).await?;
    assert_eq!(stored[0].body["text"], "네, 가능합니다.", "{stored:?}");
    assert_eq!(stored[0].body["to"], "seoyeon", "{stored:?}");
    screen
        .until("the answer to be sent", |change| {
            change["id"] == answer.as_str() && change["messageState"] == "SENT"
        })
        .await?;
    assert_eq!(peer.stored().len(), 1);
    Ok(())
}
