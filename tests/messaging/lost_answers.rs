//! `kill -9` while a provider has a message and we do not know it yet: whatever the provider
//! offers to find out, the customer never gets a second copy.

use serde_json::Value;
use std::time::Duration;
use support::desk;
use support::follower::Follower;
use support::graphql::Client;
use support::postgres::Database;
use support::sandbox::{self, Inbox};
use support::sandbox_peer::{Next, SandboxPeer};
use support::seed::Seed;
use support::server::Server;
use support::wait;

/// Long enough for an answer to arrive, to be read and to be stored.
const RACE_MAX: Duration = Duration::from_millis(20);
const RACES: u32 = 3;

struct Story {
    server: Server,
    owner: Client,
    peer: SandboxPeer,
    ticket: String,
    held: usize,
}

impl Story {
    /// A customer whose ticket an agent holds.
    async fn begin(send_kind: &str) -> anyhow::Result<Self> {
        let (server, owner) = Server::with_owner().await?;
        Self::begin_on(server, owner, send_kind).await
    }

    async fn begin_on(server: Server, owner: Client, send_kind: &str) -> anyhow::Result<Self> {
        let peer = SandboxPeer::start().await?;
        let inbox = Inbox::connect(&owner, &peer, send_kind).await?;
        let mut screen = Follower::start(&owner, None).await?;
        desk::available(&owner, 5).await?;
        inbox
            .deliver(&sandbox::message("q", "sofia", "Hello?"))
            .await?;
        let is_offer = |change: &Value| change["offerState"] == "OFFERED";
        let offer = screen.until("an offer", is_offer).await?;
        let ticket = desk::accept(&owner, &offer).await?;
        Ok(Self {
            server,
            owner,
            peer,
            ticket,
            held: 0,
        })
    }

    /// Replies, and returns when the peer does as `next` says with it.
    async fn reply(&mut self, client_id: &str, next: Next) -> anyhow::Result<()> {
        self.held += 1;
        self.peer.script([next]);
        desk::reply(&self.owner, &self.ticket, client_id, client_id).await?;
        self.peer.until_held(self.held).await
    }

    /// How often the peer was asked to send.
    fn sends(&self) -> usize {
        let seen = self.peer.seen();
        seen.iter().filter(|request| request.what == "send").count()
    }

    fn copies(&self, client_id: &str) -> usize {
        let stored = self.peer.stored();
        stored.iter().filter(|m| m.client_id == client_id).count()
    }

    /// Waits until nothing is under way any more, and answers what became of the message.
    async fn settled(&self, client_id: &str) -> anyhow::Result<String> {
        let ended = |message: &Value| {
            message["clientId"] == client_id
                && message["state"] != "QUEUED"
                && message["state"] != "SENDING"
        };
        let what = "the message to be settled";
        let message = desk::message_when(&self.owner, &self.ticket, what, ended).await?;
        Ok(message["state"].as_str().unwrap_or_default().to_owned())
    }

    async fn crash(&mut self) -> anyhow::Result<()> {
        self.server.kill().await?;
        self.server.restart().await
    }
}

#[tokio::test]
async fn a_provider_with_keys_is_asked_again_and_keeps_one_copy() -> anyhow::Result<()> {
    let mut story = Story::begin("idempotent").await?;
    story.reply("a", Next::StoreAndHold).await?;
    story.crash().await?;
    assert_eq!(story.settled("a").await?, "SENT");
    assert_eq!((story.sends(), story.copies("a")), (2, 1));
    Ok(())
}

#[tokio::test]
async fn a_provider_that_can_be_asked_is_asked_and_not_sent_to_again() -> anyhow::Result<()> {
    let mut story = Story::begin("lookup").await?;
    story.reply("a", Next::StoreAndHold).await?;
    story.crash().await?;
    assert_eq!(story.settled("a").await?, "SENT");
    assert_eq!((story.sends(), story.copies("a")), (1, 1));

    story.reply("b", Next::HoldThenStore).await?;
    story.crash().await?;
    assert_eq!(story.settled("b").await?, "SENT", "it had not arrived");
    assert_eq!((story.sends(), story.copies("b")), (3, 1));
    Ok(())
}

#[tokio::test]
async fn a_provider_that_cannot_tell_leaves_the_choice_to_a_person() -> anyhow::Result<()> {
    let mut story = Story::begin("unknown").await?;
    story.reply("a", Next::StoreAndHold).await?;
    story.crash().await?;
    assert_eq!(story.settled("a").await?, "UNKNOWN");
    assert_eq!((story.sends(), story.copies("a")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_comes_while_the_database_is_away_is_not_forgotten() -> anyhow::Result<()> {
    let database = Database::new().await?;
    let (server, owner) = Server::with_owner_on(&database).await?;
    let mut story = Story::begin_on(server, owner, "unknown").await?;
    story.reply("a", Next::StoreAndHold).await?;
    database.close().await?;
    story.peer.release();
    wait::until("the server to miss its database", || async {
        let ready = reqwest::get(story.server.url("/readyz")).await?;
        Ok((ready.status() == 503).then_some(()))
    })
    .await?;
    database.open().await?;
    assert_eq!(story.settled("a").await?, "SENT");
    assert_eq!((story.sends(), story.copies("a")), (1, 1));
    Ok(())
}

#[tokio::test]
async fn an_answer_that_races_with_the_kill_makes_no_second_copy() -> anyhow::Result<()> {
    let mut seed = Seed::of_this_run()?;
    println!("{}={}", support::seed::VARIABLE, seed.start);
    for send_kind in ["idempotent", "lookup", "unknown"] {
        let mut story = Story::begin(send_kind).await?;
        for race in 0..RACES {
            let client_id = format!("{send_kind} {race}");
            story.reply(&client_id, Next::StoreAndHold).await?;
            story.peer.release();
            story.server.live_for(seed.moment_below(RACE_MAX)).await?;
            story.crash().await?;
            let state = story.settled(&client_id).await?;
            let may_be_unknown = send_kind == "unknown" && state == "UNKNOWN";
            assert!(state == "SENT" || may_be_unknown, "{client_id}: {state}");
            assert_eq!(story.copies(&client_id), 1, "{client_id}");
        }
    }
    Ok(())
}
