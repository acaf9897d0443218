//! Our own words come back, often before we know that they were sent.

use crate::peer::{Answer, Peer};
use crate::world::{World, about, echo, message};
use app::jobs;
use domain::message::{AuthorKind, Direction, MessageState};
use serde_json::json;
use store::for_each_backend;

/// A reply whose send has reached the provider and not returned.
async fn replying<'a>(
    world: &World<'a>,
    peer: &Peer,
    text: &str,
) -> tokio::task::JoinHandle<app::Result<usize>> {
    world.hear(message("m1", "sofia", "Hello?")).await;
    world.reply(text).await;
    peer.script("POST /messages", [Answer::StoreAndHold]);
    let app = world.handle();
    let sending = tokio::spawn(async move { jobs::run_due(&app).await });
    peer.until_held().await;
    sending
}

for_each_backend! {
    async fn an_echo_that_comes_before_the_send_returns_is_our_message(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        let sending = replying(&world, &peer, "Of  course\nwe can").await;
        // Networks tidy up white space.
        world.hear(echo("out-1", "sofia", "Of course we can")).await;
        let ours = world.ours().await;
        assert_eq!((ours.state, ours.external_id.as_deref()), (MessageState::Sent, Some("out-1")));
        assert_eq!(ours.author, AuthorKind::User);
        peer.release();
        sending.await.unwrap().unwrap();
        world.work().await;
        assert_eq!(world.ours().await.state, MessageState::Sent);
        assert_eq!(peer.stored().len(), 1);
        assert!(world.dead().await.is_empty());
    }

    async fn an_echo_that_repeats_our_client_id_is_known_whatever_it_says(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        let sending = replying(&world, &peer, "yes").await;
        let mut event = echo("out-1", "sofia", "YES!");
        event["client_id"] = "client-yes".into();
        world.hear(event).await;
        assert_eq!(world.ours().await.external_id.as_deref(), Some("out-1"));
        peer.release();
        sending.await.unwrap().unwrap();
        world.work().await;
        assert_eq!(world.ours().await.text, "yes");
    }

    async fn an_echo_nobody_recognises_waits_for_the_send_to_tell_its_id(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        let sending = replying(&world, &peer, "yes").await;
        world.hear(echo("out-1", "sofia", "👍 (sent from the shop)")).await;
        let ours = world.ours().await;
        assert_eq!((ours.text.as_str(), ours.external_id), ("yes", None));
        peer.release();
        sending.await.unwrap().unwrap();
        world.pass(2);
        world.work().await;
        let ours = world.ours().await;
        assert_eq!((ours.text.as_str(), ours.external_id.as_deref()), ("yes", Some("out-1")));
        assert!(world.dead().await.is_empty());
    }

    async fn an_echo_taken_for_a_colleague_goes_when_the_send_tells_its_id(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        let sending = replying(&world, &peer, "yes").await;
        world.hear(echo("out-1", "sofia", "👍")).await;
        // Long enough, and shorter than the claim of the send.
        world.pass(50);
        world.work().await;
        assert_eq!(world.messages().await.len(), 3, "it waited long enough");
        peer.release();
        sending.await.unwrap().unwrap();
        world.work().await;
        let messages = world.messages().await;
        let ours = messages.iter().find(|m| m.author == AuthorKind::User).unwrap();
        assert_eq!((ours.state, ours.external_id.as_deref()), (MessageState::Sent, Some("out-1")));
        let twin = messages.iter().find(|m| m.author == AuthorKind::OutsideAgent).unwrap();
        assert!(twin.deleted_at.is_some() && twin.text.is_empty() && twin.external_id.is_none());
        assert!(world.dead().await.is_empty());
    }

    async fn an_answer_from_the_providers_own_app_is_a_colleagues_and_opens_no_contact(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        let waiting = world.tickets().await.remove(0);
        assert!(waiting.waiting_since.is_some());
        let mut event = echo("o1", "sofia", "Hello from the phone");
        event["by_app"] = false.into();
        world.hear(event.clone()).await;
        event["id"] = "again".into();
        world.hear(event).await;
        let ours = world.ours().await;
        assert_eq!((ours.author, ours.state), (AuthorKind::OutsideAgent, MessageState::Sent));
        let ticket = world.tickets().await.remove(0);
        assert_eq!((ticket.contact_id, ticket.waiting_since), (waiting.contact_id, None));
    }

    async fn what_comes_before_our_message_is_known_is_applied_when_it_is(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        let sending = replying(&world, &peer, "yes").await;
        world.hear(about("receipt", "out-1", "sofia", json!({ "state": "read" }))).await;
        world.hear(about("reaction", "out-1", "sofia", json!({ "emoji": "❤" }))).await;
        assert_eq!(world.ours().await.state, MessageState::Queued);
        peer.release();
        sending.await.unwrap().unwrap();
        world.work().await;
        let ours = world.ours().await;
        assert_eq!((ours.state, ours.reactions.len()), (MessageState::Read, 1));
    }

    async fn what_comes_before_the_echo_is_applied_by_the_echo(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        let sending = replying(&world, &peer, "yes").await;
        world.hear(about("receipt", "out-1", "sofia", json!({ "state": "delivered" }))).await;
        world.hear(echo("out-1", "sofia", "yes")).await;
        assert_eq!(world.ours().await.state, MessageState::Delivered);
        peer.release();
        sending.await.unwrap().unwrap();
        world.work().await;
        assert_eq!(world.ours().await.state, MessageState::Delivered);
        world.hear(about("delete", "other", "sofia", json!({}))).await;
        world.hear(echo("other", "sofia", "from the phone")).await;
        let colleague = world.messages().await.into_iter()
            .find(|m| m.author == AuthorKind::OutsideAgent).unwrap();
        assert_eq!(colleague.direction, Direction::Outbound);
        assert!(colleague.deleted_at.is_some(), "it was taken back before we heard of it");
    }

    async fn the_later_pieces_of_a_long_text_are_known_by_the_first(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        world.reply("a long text").await;
        world.work().await;
        let ours = world.ours().await;
        let tx = world.app.begin(ours.tenant_id, "test.extra").await.unwrap();
        let ids = json!({ "ids": [ours.external_id, "piece-2"] });
        store::queries::messages::set_extra(&tx, ours.tenant_id, ours.id, ids).await.unwrap();
        world.app.commit(tx, ()).await.unwrap();
        world.hear(echo("piece-2", "sofia", "text (2/2)")).await;
        assert_eq!(world.ours().await.id, ours.id);
        world.hear(echo("piece-3", "sofia", "from the phone")).await;
        assert_eq!(world.messages().await.len(), 3);
    }
}
