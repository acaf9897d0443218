//! A reply against a provider that is slow, busy, broken, gone, or tired of us: it waits in sight
//! of its agent or fails with a reason, and the customer never gets it twice.

use crate::peer::{Answer, Peer};
use crate::world::{SECRET, World, code, connected, message};
use app::inboxes::{self, Connecting};
use app::reply::{self, Sent};
use domain::inbox::InboxState;
use domain::message::{Direction, MessageState};
use serde_json::{Value, json};
use store::for_each_backend;

const SEND: &str = "POST /messages";

async fn asked(world: &World<'_>, text: &str) {
    world.hear(message("m1", "sofia", "Hello?")).await;
    world.reply(text).await;
    world.work().await;
}

for_each_backend! {
    async fn a_provider_that_wants_time_gets_it_and_others_are_not_delayed(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        let other = connected(&world.app, world.actor(), json!({ "account": "other" })).await;
        peer.script(SEND, [Answer::Later(429, 60)]);
        asked(&world, "yes").await;
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Queued);
        assert!(ours.problem.is_some_and(|why| why.contains("429")), "it says why it waits");
        world.pass(30);
        crate::world::post(&world.app, &other, &[message("o1", "minjun", "Hi")]).await.unwrap();
        world.work().await;
        let newest = world.tickets().await.remove(0);
        assert_eq!(newest.last_message_preview, "Hi");
        world.reply("at once").await;
        world.work().await;
        assert_eq!(world.tickets().await[0].last_message_preview, "at once");
        assert_eq!(peer.asked(SEND).len(), 1, "not before its time");
        let sent = |messages: Vec<domain::message::Message>| {
            messages.iter().any(|m| m.text == "at once" && m.state == MessageState::Sent)
        };
        let read = world.app.read();
        let id = newest.id;
        let of_other = store::queries::messages::after(&read, newest.tenant_id, id, 0, 10).await.unwrap();
        assert!(sent(of_other));
        world.pass(31);
        world.work().await;
        assert_eq!(peer.stored().len(), 1);
    }

    async fn a_broken_provider_fails_the_message_with_its_reason_in_the_end(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        peer.script(SEND, vec![Answer::Json(500, Value::Null); 5]);
        asked(&world, "yes").await;
        for _ in 0..5 {
            world.pass(100);
            world.work().await;
        }
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Failed);
        assert!(ours.problem.is_some_and(|why| why.contains("500")));
        assert_eq!(peer.asked(SEND).len(), 5);
        // The agent sends it again, and it goes once.
        reply::retry(&world.app, world.actor(), ours.id).await.unwrap();
        world.work().await;
        let ours = world.ours().await;
        assert_eq!((ours.state, ours.problem, peer.stored().len()), (MessageState::Sent, None, 1));
    }

    async fn a_lost_answer_is_looked_up_where_the_provider_can_be_asked(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "lookup").await;
        peer.script(SEND, [Answer::StoreAndHangUp]);
        asked(&world, "yes").await;
        assert_eq!(world.ours().await.state, MessageState::Sent);
        assert_eq!((peer.asked(SEND).len(), peer.stored().len()), (1, 1));
    }

    async fn a_lost_answer_or_a_broken_server_leaves_the_choice_to_a_person_elsewhere(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        peer.script(SEND, [Answer::StoreAndHangUp, Answer::Json(500, Value::Null)]);
        asked(&world, "yes").await;
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Unknown);
        let seen = reply::mark_sent(&world.app, world.actor(), ours.id).await.unwrap();
        assert_eq!(seen.state, MessageState::Sent);
        world.reply("again").await;
        world.work().await;
        let last = world.messages().await.pop().unwrap();
        assert_eq!(last.state, MessageState::Unknown);
        assert_eq!(peer.asked(SEND).len(), 2, "neither was repeated");
    }

    async fn a_bad_gateway_is_asked_about_before_anything_is_sent_again(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "lookup").await;
        peer.script(SEND, [Answer::Json(502, Value::Null)]);
        asked(&world, "yes").await;
        assert_eq!(peer.asked("GET /messages").len(), 1);
        assert_eq!(peer.asked(SEND).len(), 1, "not again at once");
        world.pass(2);
        world.work().await;
        assert_eq!((world.ours().await.state, peer.stored().len()), (MessageState::Sent, 1));
    }

    async fn a_lost_answer_is_repeated_where_the_provider_knows_the_key(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        peer.script(SEND, [Answer::StoreAndHangUp, Answer::HangUp]);
        asked(&world, "yes").await;
        for _ in 0..3 {
            world.pass(10);
            world.work().await;
        }
        assert_eq!(world.ours().await.state, MessageState::Sent);
        assert_eq!((peer.asked(SEND).len(), peer.stored().len()), (3, 1));
    }

    async fn answers_that_never_come_leave_the_message_in_doubt_not_failed(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        peer.script(SEND, vec![Answer::StoreAndHangUp; 5]);
        asked(&world, "yes").await;
        for _ in 0..5 {
            world.pass(300);
            world.work().await;
        }
        assert_eq!(world.ours().await.state, MessageState::Unknown);
        assert_eq!((peer.asked(SEND).len(), peer.stored().len()), (5, 1));
    }

    async fn a_provider_that_is_away_is_waited_for_in_sight_and_not_for_ever(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        drop(peer);
        asked(&world, "yes").await;
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Queued);
        assert!(ours.problem.is_some_and(|why| why.contains("cannot be reached")));
        world.pass(16 * 60);
        world.work().await;
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Failed, "nothing ever left: {ours:?}");
        assert!(ours.problem.is_some_and(|why| why.contains("15 minutes")));
    }

    async fn behind_a_dead_token_messages_wait_in_sight_and_go_after_a_reconnect(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        peer.script(SEND, [Answer::Json(401, Value::Null)]);
        peer.script("GET /account", vec![Answer::Json(401, Value::Null); 2]);
        asked(&world, "yes").await;
        assert_eq!(world.stored_inbox().await.state, InboxState::NeedsReconnect);
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Queued);
        assert!(ours.problem.is_some_and(|why| why.contains("connected again")));
        assert_eq!(code(world.try_reply("second").await), "NEEDS_RECONNECT");
        let secrets = json!({ "signing_secret": SECRET });
        let back = inboxes::reconnect(&world.app, world.actor(), world.inbox.id, &secrets).await.unwrap();
        let Connecting::Connected(back) = back else { panic!("no consent page") };
        assert_eq!((back.id, back.problem), (world.inbox.id, None));
        world.work().await;
        let ours = world.ours().await;
        assert_eq!((ours.state, ours.problem), (MessageState::Sent, None));
        assert_eq!(peer.stored().len(), 1);
    }

    async fn behind_a_disconnected_account_messages_fail_with_a_reason(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        peer.script(SEND, [Answer::Later(429, 60)]);
        asked(&world, "yes").await;
        inboxes::disconnect(&world.app, world.actor(), world.inbox.id).await.unwrap();
        world.pass(61);
        world.work().await;
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Failed);
        assert!(ours.problem.is_some_and(|why| why.contains("Moa was disconnected")));
        assert_eq!(code(world.try_reply("second").await), "DISCONNECTED");
        assert_eq!(peer.asked(SEND).len(), 1);
        // The same account comes back, and the agent decides what still has to be said.
        let settings = json!({ "account": "moa", "base_url": peer.url() });
        let again = connected(&world.app, world.actor(), settings).await;
        assert_eq!(again.id, world.inbox.id);
        reply::retry(&world.app, world.actor(), ours.id).await.unwrap();
        world.work().await;
        assert_eq!((world.ours().await.state, peer.stored().len()), (MessageState::Sent, 1));
    }

    async fn an_edit_the_provider_refuses_is_told_to_the_agent(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        asked(&world, "yes").await;
        let ours = world.ours().await;
        let too_late = json!({ "error": "too late to edit" });
        peer.script("PATCH /messages/out-1", [Answer::Json(422, too_late)]);
        reply::edit(&world.app, world.actor(), ours.id, "no".into()).await.unwrap();
        world.work().await;
        let told = world.ours().await.problem.unwrap();
        assert!(told.contains("still sees the old text") && told.contains("too late"), "{told}");
        reply::edit(&world.app, world.actor(), ours.id, "perhaps".into()).await.unwrap();
        world.work().await;
        assert_eq!(world.ours().await.problem, None);
        assert!(world.dead().await.is_empty());
    }

    async fn an_edit_behind_a_dead_token_waits_for_the_reconnect(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        asked(&world, "yes").await;
        let ours = world.ours().await;
        peer.script("PATCH /messages/out-1", [Answer::Json(401, Value::Null)]);
        peer.script("GET /account", vec![Answer::Json(401, Value::Null); 2]);
        reply::edit(&world.app, world.actor(), ours.id, "no".into()).await.unwrap();
        world.work().await;
        assert_eq!(world.stored_inbox().await.state, InboxState::NeedsReconnect);
        let secrets = json!({ "signing_secret": SECRET });
        inboxes::reconnect(&world.app, world.actor(), world.inbox.id, &secrets).await.unwrap();
        world.work().await;
        let edits = peer.asked("PATCH /messages/out-1");
        assert_eq!(edits.len(), 2);
        assert_eq!(edits[1].json()["text"], "no");
    }

    async fn a_reply_that_meets_a_new_message_is_shown_it_and_never_a_conflict(db) {
        let world = World::new(db).await;
        world.hear(message("m0", "sofia", "Hello?")).await;
        for round in 1..=8 {
            let id = format!("m{round}");
            world.post(&[message(&id, "sofia", &id)]).await;
            let answer = format!("answer {round}");
            let (heard, sent) =
                tokio::join!(app::jobs::run_due(&world.app), world.try_reply(&answer));
            heard.unwrap();
            match sent {
                Ok(Sent::Queued(_)) => {}
                Ok(Sent::Newer(newer)) => assert!(newer.iter().any(|m| m.text == id), "{newer:?}"),
                Err(error) => panic!("round {round}: {error:?}"),
            }
            world.work().await;
        }
        let inbound = world.messages().await.into_iter().filter(|m| m.direction == Direction::Inbound);
        assert_eq!(inbound.count(), 9);
        assert!(world.dead().await.is_empty());
    }
}
