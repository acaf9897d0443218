//! What comes in: twice, at once, in heaps, and spoiled.

use crate::world::{World, message, person, post};
use app::dead_letters;
use domain::inbox::InboxState;
use domain::message::Direction;
use serde_json::{Value, json};
use store::for_each_backend;

for_each_backend! {
    async fn two_servers_that_get_the_same_event_at_once_keep_one_message(db) {
        let world = World::new(db).await;
        let other = app::testing::app_on(&world.app, db.reopen().await).await;
        let event = [message("m1", "sofia", "Hello?")];
        let posts = (0..16).map(|n| {
            let app = if n % 2 == 0 { &world.app.app } else { &other.app };
            post(app, &world.inbox, &event)
        });
        let new: usize = futures_util::future::try_join_all(posts).await.unwrap().iter().sum();
        assert_eq!(new, 1);
        let (here, there) = tokio::join!(app::jobs::run_due(&world.app), app::jobs::run_due(&other));
        here.unwrap();
        there.unwrap();
        world.work().await;
        assert_eq!(world.messages().await.len(), 1);
    }

    async fn one_message_under_two_events_is_one_message(db) {
        let world = World::new(db).await;
        let mut again = message("m1", "sofia", "Hello?");
        again["id"] = "another event".into();
        world.post(&[message("m1", "sofia", "Hello?"), again]).await;
        world.work().await;
        assert_eq!(world.messages().await.len(), 1);
    }

    async fn a_heap_keeps_its_order_and_one_bad_event_spoils_no_other(db) {
        let world = World::new(db).await;
        let mut heap: Vec<Value> = (0..20)
            .map(|n| message(&format!("m{n}"), "sofia", &n.to_string()))
            .collect();
        // It names neither itself nor its words, and stands in the middle of her lane.
        heap[10] = json!({ "id": "bad", "type": "message", "from": person("sofia") });
        world.post(&heap).await;
        world.work().await;
        let texts: Vec<_> = world.messages().await.into_iter().map(|m| m.text).collect();
        let expected: Vec<_> = (0..20).filter(|n| *n != 10).map(|n| n.to_string()).collect();
        assert_eq!(texts, expected);
        let dead = world.dead().await;
        assert_eq!(dead.len(), 1);
        assert!(dead[0].last_error.as_deref().is_some_and(|e| e.contains("message_id")), "{dead:?}");
        dead_letters::replay(&world.app, world.actor(), dead[0].id).await.unwrap();
        world.work().await;
        assert_eq!(world.dead().await.len(), 1, "this program still cannot read it");
    }

    async fn keys_and_texts_no_database_takes_are_heard_all_the_same(db) {
        let world = World::new(db).await;
        let long = "x".repeat(20_000);
        let mut events = vec![
            message("zero\0id", "zero\0person", "zero\0text"),
            message(&long, &long, "long"),
            message("plain", "sofia", "plain"),
        ];
        events[0]["extra\0field"] = "\0".into();
        world.post(&events).await;
        world.post(&events).await;
        world.work().await;
        let mut texts = Vec::new();
        for ticket in world.tickets().await {
            texts.push(ticket.last_message_preview);
        }
        texts.sort();
        assert_eq!(texts, ["long", "plain", "zerotext"]);
        assert!(world.dead().await.is_empty(), "{:?}", world.dead().await);
    }

    async fn what_the_database_refuses_is_kept_under_other_keys_and_never_comes_back(db) {
        let world = World::new(db).await;
        refuse_poison(db).await;
        let mut poison = message("m1", "sofia", "poisoned");
        poison["id"] = "poison".into();
        world.post(&[message("m0", "sofia", "before"), poison, message("m2", "sofia", "after")]).await;
        world.work().await;
        let mut texts: Vec<_> = world.messages().await.into_iter().map(|m| m.text).collect();
        texts.sort();
        assert_eq!(texts, ["after", "before", "poisoned"]);
    }

    async fn messages_that_wait_together_take_one_turn_of_sqlite(db) {
        let world = World::new(db).await;
        let Some(before) = db.store.group_commits() else { return };
        let events: Vec<_> = (0..10)
            .map(|n| message(&format!("m{n}"), &format!("customer {}", n % 3), &format!("text {n}")))
            .collect();
        world.post(&events).await;
        app::jobs::run_due(&world.app).await.unwrap();
        assert_eq!(world.tickets().await.len(), 3);
        assert_eq!(db.store.group_commits(), Some(before + 2), "the webhook's and the turn");
    }

    async fn one_faulty_event_keeps_none_that_came_with_it(db) {
        let world = World::new(db).await;
        let faulty = json!({ "id": "bad", "type": "message" });
        world.post(&[message("m1", "sofia", "one"), faulty, message("m2", "sofia", "two")]).await;
        world.work().await;
        let texts: Vec<_> = world.messages().await.into_iter().map(|m| m.text).collect();
        assert_eq!(texts, ["one", "two"]);
        assert_eq!(world.dead().await.len(), 1);
    }

    async fn an_account_event_blocks_what_is_in_use_and_nothing_else(db) {
        let world = World::new(db).await;
        let died = |id: &str| json!({ "id": id, "type": "account", "credentials_died": true,
            "problem": "The password was changed." });
        world.post(&[died("a1")]).await;
        app::inboxes::disconnect(&world.app, world.actor(), world.inbox.id).await.unwrap();
        world.work().await;
        assert_eq!(world.stored_inbox().await.state, InboxState::Disconnected);
        assert!(world.dead().await.is_empty(), "{:?}", world.dead().await);
        // What comes for an account that was let go is taken and shown to nobody.
        let gone = world.stored_inbox().await;
        let new = post(&world.app, &gone, &[message("m9", "sofia", "late")]).await.unwrap();
        assert_eq!(new, 0);
        assert_eq!(dead_letters::unrouted_count(&world.app).await.unwrap(), 1);
        assert!(world.tickets().await.is_empty());
    }

    async fn a_dead_token_that_the_network_tells_of_alarms_and_blocks_the_composer(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        world.post(&[json!({ "id": "a1", "type": "account", "credentials_died": true,
            "problem": "The password was changed." })]).await;
        app::jobs::run_due(&world.app).await.unwrap();
        let inbox = world.stored_inbox().await;
        assert_eq!(inbox.state, InboxState::NeedsReconnect);
        assert_eq!(inbox.problem.as_deref(), Some("The password was changed."));
        let refused = world.try_reply("yes").await;
        assert_eq!(crate::world::code(refused), "NEEDS_RECONNECT");
        assert_eq!(world.only(Direction::Inbound).await.text, "Hello?");
    }
}

/// Makes the database refuse one key, as an index or encoding might.
pub async fn refuse_poison(db: &store::testing::TestDb) {
    let sql = if db.store.is_sqlite() {
        "CREATE TRIGGER no_poison BEFORE INSERT ON webhook_deliveries WHEN NEW.dedupe = 'poison' \
         BEGIN SELECT RAISE(ABORT, 'no'); END"
    } else {
        "ALTER TABLE webhook_deliveries ADD CONSTRAINT no_poison CHECK (dedupe <> 'poison')"
    };
    db.execute(sql).await;
}
