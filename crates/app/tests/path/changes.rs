//! What customers and networks do to messages after they were written, in whatever order it comes.

use crate::media::PNG;
use crate::peer::{Answer, Peer};
use crate::world::{World, about, message, person};
use domain::message::{AttachmentState, Direction, MessageKind, MessageState};
use serde_json::{Value, json};
use store::for_each_backend;

fn edit(id: &str, text: &str, at: &str) -> Value {
    about("edit", id, "sofia", json!({ "text": text, "at": at }))
}

for_each_backend! {
    async fn edits_deletes_and_reactions_reach_the_message_they_are_about(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Helo")).await;
        world.hear(edit("m1", "Hello", "2026-07-01T11:00:00Z")).await;
        world.hear(about("reaction", "m1", "minjun", json!({ "emoji": "🎉" }))).await;
        let heard = world.only(Direction::Inbound).await;
        assert_eq!((heard.text.as_str(), heard.reactions.len()), ("Hello", 1));
        assert!(heard.edited_at.is_some());
        assert_eq!(world.tickets().await[0].last_message_preview, "Hello");
        world.hear(about("reaction", "m1", "minjun", json!({ "emoji": "🎉", "removed": true }))).await;
        world.hear(about("delete", "m1", "sofia", json!({}))).await;
        let heard = world.only(Direction::Inbound).await;
        assert!(heard.deleted_at.is_some() && heard.text.is_empty() && heard.reactions.is_empty());
        assert_eq!(world.tickets().await[0].last_message_preview, "");
    }

    async fn a_person_whose_handle_changes_stays_the_same_person(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        let mut moved = message("m2", "BR.77", "It is me");
        moved["from"]["former"] = json!("sofia");
        world.hear(moved).await;
        world.hear(message("m3", "BR.77", "Are you there?")).await;
        let tickets = world.tickets().await;
        assert_eq!((tickets.len(), tickets[0].message_head), (1, 3));
        // The old handle is free: whoever uses it from now on is somebody else.
        world.hear(message("m4", "sofia", "Hi")).await;
        assert_eq!(world.tickets().await.len(), 2);
    }

    async fn news_of_a_stranger_make_no_contact(db) {
        let world = World::new(db).await;
        world.hear(json!({ "id": "p1", "type": "profile", "from": person("nobody") })).await;
        assert!(world.dead().await.is_empty());
        let read = world.app.read();
        let tenant = world.inbox.tenant_id;
        let found = store::queries::identities::by_handle(&read, tenant, "sandbox", "", "nobody").await;
        assert_eq!(found.unwrap(), None);
    }

    async fn edits_and_deletes_that_come_before_their_message_wait_for_it(db) {
        let world = World::new(db).await;
        world.hear(message("m0", "sofia", "first")).await;
        world.hear(edit("m1", "newer", "2026-07-01T11:30:00Z")).await;
        world.hear(edit("m1", "older", "2026-07-01T11:00:00Z")).await;
        world.hear(about("reaction", "m1", "minjun", json!({ "emoji": "🎉" }))).await;
        world.hear(about("delete", "m2", "sofia", json!({}))).await;
        assert_eq!(world.messages().await.len(), 1);
        world.hear(message("m1", "sofia", "oldest")).await;
        world.hear(message("m2", "sofia", "never said")).await;
        let messages = world.messages().await;
        assert_eq!(messages[1].text, "newer");
        assert_eq!(messages[1].reactions.len(), 1);
        assert!(messages[2].deleted_at.is_some() && messages[2].text.is_empty());
        assert!(world.dead().await.is_empty());
    }

    async fn an_edit_brings_its_new_picture_and_keeps_the_old_one(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "idempotent").await;
        let file = |name: &str| json!({ "url": format!("{}/{name}", peer.url()), "name": name });
        for route in ["GET /a.png", "GET /b.png"] {
            peer.script(route, [Answer::Bytes("image/png", PNG.to_vec())]);
        }
        let mut event = message("m1", "sofia", "look");
        event["attachments"] = json!([file("a.png")]);
        world.hear(event).await;
        let mut event = edit("m1", "look", "2026-07-01T11:30:00Z");
        event["attachments"] = json!([file("a.png"), file("b.png")]);
        world.hear(event).await;
        let heard = world.only(Direction::Inbound).await;
        let names: Vec<_> = heard.attachments.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["a.png", "b.png"]);
        assert!(heard.attachments.iter().all(|a| a.state == AttachmentState::Ready), "{heard:#?}");
        assert_eq!(peer.asked("GET /a.png").len(), 1);
    }

    async fn receipts_never_take_a_message_back(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        world.reply("yes").await;
        world.work().await;
        let id = "sandbox-client-yes";
        for (told, state) in [
            ("read", MessageState::Read),
            ("delivered", MessageState::Read),
            ("sent", MessageState::Read),
            ("failed", MessageState::Read),
        ] {
            world.hear(about("receipt", id, "sofia", json!({ "state": told }))).await;
            assert_eq!(world.ours().await.state, state, "after {told}");
        }
    }

    async fn a_failure_that_is_told_after_the_send_says_why_and_stays(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        world.reply("yes").await;
        world.work().await;
        let told = json!({ "state": "failed", "problem": "Sofia has blocked this account" });
        world.hear(about("receipt", "sandbox-client-yes", "sofia", told)).await;
        world.hear(about("receipt", "sandbox-client-yes", "sofia", json!({ "state": "sent" }))).await;
        let ours = world.ours().await;
        assert_eq!(ours.state, MessageState::Failed);
        assert_eq!(ours.problem.as_deref(), Some("Sofia has blocked this account"));
    }

    async fn read_up_to_here_reads_what_was_sent_until_then_in_that_thread(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        for text in ["one", "two"] {
            world.reply(text).await;
            world.work().await;
            world.pass(60);
        }
        let until = "2026-07-01T12:00:30Z";
        let mut event = json!({ "id": "up to", "type": "receipt", "state": "read", "until": until,
            "from": person("minjun") });
        world.hear(event.clone()).await;
        event["from"] = person("sofia");
        event["id"] = "up to again".into();
        world.hear(event).await;
        let states: Vec<_> = world.messages().await.iter().map(|m| m.state).collect();
        assert_eq!(states, [MessageState::Received, MessageState::Read, MessageState::Sent]);
    }

    async fn a_clock_that_is_off_neither_hides_a_message_nor_locks_it(db) {
        let world = World::new(db).await;
        let now = world.app.now();
        for (id, at) in [("m1", "2099-01-01T00:00:00Z"), ("m2", "1970-01-21T15:00:00Z")] {
            let mut event = message(id, "sofia", id);
            event["at"] = at.into();
            world.hear(event).await;
        }
        let messages = world.messages().await;
        assert!(messages.iter().all(|m| m.sent_at == now), "{messages:#?}");
        world.hear(edit("m1", "from the future", "2099-01-01T00:00:00Z")).await;
        world.pass(60);
        world.hear(edit("m1", "corrected", "2026-07-01T12:00:50Z")).await;
        assert_eq!(world.messages().await[0].text, "corrected");
        let late = "2026-06-28T12:00:00Z";
        let mut event = message("m3", "sofia", "repeated for days");
        event["at"] = late.into();
        world.hear(event).await;
        assert_eq!(world.messages().await[2].sent_at.to_rfc3339(), "2026-06-28T12:00:00+00:00");
    }

    async fn a_kind_we_do_not_know_is_a_line_that_keeps_what_came(db) {
        let world = World::new(db).await;
        let event = json!({ "id": "p1", "type": "payment", "message_id": "p1", "amount": 5,
            "from": person("sofia") });
        world.hear(event).await;
        let nameless = json!({ "id": "w1", "type": "weather" });
        world.hear(nameless).await;
        let heard = world.only(Direction::Inbound).await;
        assert_eq!((heard.kind, heard.text.as_str()), (MessageKind::Unsupported, "payment"));
        let (_, extra) = store::queries::messages::route(&world.app.read(), heard.tenant_id, heard.id)
            .await.unwrap();
        assert_eq!(extra["raw"]["amount"], 5);
        assert!(world.dead().await.is_empty());
    }
}
