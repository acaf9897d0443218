//! Screens follow the log: at once, over restarts, and never further than their viewer may see.

use anyhow::Context;
use serde_json::{Value, json};
use support::desk;
use support::follower::Follower;
use support::people;
use support::sandbox::{self, Inbox};
use support::server::{OWNER_EMAIL, OWNER_PASSWORD, Server};
use tokio::time::Instant;

const SAVE_SKILL: &str =
    "mutation($name: String!) { saveSkill(name: $name) { problem { code message } } }";

const QUEUES: &str = "{ queues { id name members { userId } } }";

const SAVE_QUEUE: &str =
    "mutation($input: QueueInput!) { saveQueue(input: $input) { problem { code message } } }";

const SESSIONS: &str = "{ sessions { id current } }";

const REVOKE: &str = "mutation($id: ID!) { revokeSession(id: $id) { problem { code message } } }";

const FORBIDDEN: u16 = 4403;

fn says(text: &'static str) -> impl Fn(&Value) -> bool {
    move |change| change["__typename"] == "MessageImage" && change["text"] == text
}

#[tokio::test]
async fn a_customers_message_appears_on_an_open_screen() -> anyhow::Result<()> {
    let (_server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let mut screen = Follower::start(&owner, None).await?;
    let posted_at = Instant::now();
    inbox
        .deliver(&sandbox::message("m1", "sofia", "Hello?"))
        .await?;
    screen.until("the message", says("Hello?")).await?;
    println!("posted → on the screen: {:?}", posted_at.elapsed());
    assert_eq!(screen.connects, 1);
    Ok(())
}

#[tokio::test]
async fn a_screen_goes_on_by_its_cursor_after_a_restart() -> anyhow::Result<()> {
    let (mut server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let mut screen = Follower::start(&owner, None).await?;
    inbox
        .deliver(&sandbox::message("m1", "sofia", "before"))
        .await?;
    screen.until("the first message", says("before")).await?;
    server.kill().await?;
    server.restart().await?;
    inbox
        .deliver(&sandbox::message("m2", "sofia", "while away"))
        .await?;
    screen
        .until("the second message", says("while away"))
        .await?;
    for text in ["before", "while away"] {
        let times = screen.seen.iter().filter(|c| says(text)(c)).count();
        assert_eq!(times, 1, "{text}: {:#?}", screen.seen);
    }
    assert_eq!(screen.resyncs, 0);
    Ok(())
}

#[tokio::test]
async fn a_cursor_of_another_log_is_told_to_fetch_anew_and_goes_on() -> anyhow::Result<()> {
    let (_server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let here = Follower::start(&owner, None).await?;
    let cursor = here.cursor.context("a follower knows where it is")?;
    // The epoch stands in front of the position.
    let mut screen = Follower::start(&owner, Some(format!("7{cursor}"))).await?;
    assert_eq!(screen.resyncs, 1);
    inbox
        .deliver(&sandbox::message("m1", "sofia", "Hello?"))
        .await?;
    screen.until("the message", says("Hello?")).await?;
    assert_eq!(screen.resyncs, 1);
    Ok(())
}

#[tokio::test]
async fn an_agent_is_not_shown_other_queues_until_she_belongs_to_them() -> anyhow::Result<()> {
    let (server, owner) = Server::with_owner().await?;
    let inbox = Inbox::connect_alone(&owner).await?;
    let agent = people::join(&server, &owner, "agent@example.com", "AGENT").await?;
    let mut screen = Follower::start(&agent, None).await?;
    inbox
        .deliver(&sandbox::message("m1", "sofia", "not for her"))
        .await?;
    desk::worked_off(&owner, support::wait::DEADLINE).await?;
    owner.done(SAVE_SKILL, json!({ "name": "mark" })).await?;
    screen
        .until("what everybody sees", |change| change["name"] == "mark")
        .await?;
    let hidden = [
        "TicketImage",
        "MessageImage",
        "OfferImage",
        "ConversationImage",
    ];
    let shown = |change: &&Value| hidden.iter().any(|name| change["__typename"] == *name);
    assert_eq!(screen.seen.iter().find(shown), None);

    let queues = owner.data(QUEUES, json!({})).await?;
    let queue = &queues["queues"][0];
    let mut members = queue["members"].as_array().cloned().unwrap_or_default();
    members.push(json!({ "userId": people::id(&agent).await? }));
    let input = json!({ "id": queue["id"], "name": queue["name"], "members": members });
    owner.done(SAVE_QUEUE, json!({ "input": input })).await?;
    while screen.resyncs == 0 {
        screen.step().await?;
    }
    inbox
        .deliver(&sandbox::message("m2", "sofia", "for her, too"))
        .await?;
    screen
        .until("her first message", says("for her, too"))
        .await?;
    assert_eq!(screen.seen.iter().find(|c| says("not for her")(c)), None);
    Ok(())
}

#[tokio::test]
async fn a_revoked_session_loses_its_screen_at_once() -> anyhow::Result<()> {
    let (server, owner) = Server::with_owner().await?;
    let other = server.client().sign_in(OWNER_EMAIL, OWNER_PASSWORD).await?;
    let mut screen = other.socket().await?;
    let sessions = other.data(SESSIONS, json!({})).await?;
    let sessions = sessions["sessions"].as_array().context("a list")?;
    let mine = sessions.iter().find(|session| session["current"] == true);
    let id = &mine.context("the session that asks")?["id"];
    owner.done(REVOKE, json!({ "id": id })).await?;
    assert_eq!(screen.close_code().await?, Some(FORBIDDEN));
    assert!(other.socket().await.is_err(), "and may not come back");
    Ok(())
}
