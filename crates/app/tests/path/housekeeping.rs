//! What is forgotten, when, and what never is.

use crate::peer::{Answer, Peer};
use crate::world::{World, about, message, person, post};
use app::{housekeeping, inboxes, uploads};
use domain::message::MessageState;
use serde_json::json;
use store::queries::deliveries;
use store::{events, for_each_backend};
use tokio_util::sync::CancellationToken;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

async fn tidy(world: &World<'_>) {
    housekeeping::tidy(&world.app, &CancellationToken::new()).await;
    world.work().await;
}

async fn log(world: &World<'_>) -> usize {
    let read = world.app.read();
    events::after(&read, world.inbox.tenant_id, 0, 1000)
        .await
        .unwrap()
        .len()
}

for_each_backend! {
    async fn events_go_after_a_week_and_cases_stay(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        let before = log(&world).await;
        world.pass(6 * DAY);
        tidy(&world).await;
        assert!(log(&world).await >= before);
        world.pass(2 * DAY);
        tidy(&world).await;
        assert!(log(&world).await < before, "{before} events were there");
        assert_eq!(world.messages().await.len(), 1);
    }

    async fn what_came_for_nobody_goes_after_a_day_and_what_cannot_be_read_stays(db) {
        let world = World::new(db).await;
        world.hear(json!({ "id": "bad", "type": "message", "from": person("sofia") })).await;
        inboxes::disconnect(&world.app, world.actor(), world.inbox.id).await.unwrap();
        world.work().await;
        let gone = world.stored_inbox().await;
        post(&world.app, &gone, &[message("m1", "sofia", "for nobody")]).await.unwrap();
        world.pass(23 * HOUR);
        tidy(&world).await;
        let unrouted = || async { deliveries::unrouted_count(&world.app.read()).await.unwrap() };
        assert_eq!(unrouted().await, 1);
        world.pass(2 * HOUR);
        tidy(&world).await;
        assert_eq!(unrouted().await, 0);
        world.pass(90 * DAY);
        tidy(&world).await;
        let dead = world.dead().await;
        assert_eq!(dead.len(), 1, "a dead letter waits for a person");
        app::dead_letters::replay(&world.app, world.actor(), dead[0].id).await.unwrap();
        world.work().await;
        assert!(world.dead().await[0].last_error.as_deref().is_some_and(|e| e.contains("message_id")));
    }

    async fn a_receipt_whose_message_never_came_is_forgotten_after_a_week(db) {
        let world = World::new(db).await;
        world.hear(message("m1", "sofia", "Hello?")).await;
        let receipt = about("receipt", "sandbox-client-yes", "sofia", json!({ "state": "read" }));
        world.hear(receipt).await;
        world.pass(8 * DAY);
        tidy(&world).await;
        world.reply("yes").await;
        world.work().await;
        assert_eq!(world.ours().await.state, MessageState::Sent, "nothing was left of the receipt");
    }

    async fn an_upload_nobody_sent_goes_with_its_file(db) {
        let world = World::new(db).await;
        let (app, actor) = (&world.app, world.actor());
        let made = uploads::create(app, actor, "a.txt", "text/plain", 5).await.unwrap();
        let bytes = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from("hello"))]);
        uploads::fill(app, actor, made.id, bytes).await.unwrap();
        world.pass(23 * HOUR);
        tidy(&world).await;
        assert!(uploads::open(app, actor, made.id).await.is_ok());
        world.pass(2 * HOUR);
        tidy(&world).await;
        assert!(uploads::open(app, actor, made.id).await.is_err());
    }

    async fn every_hour_each_account_in_use_is_asked_whether_it_lives(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        let before = peer.asked("GET /account").len();
        tidy(&world).await;
        assert_eq!(peer.asked("GET /account").len(), before + 1);
        inboxes::disconnect(&world.app, world.actor(), world.inbox.id).await.unwrap();
        world.work().await;
        tidy(&world).await;
        assert_eq!(peer.asked("GET /account").len(), before + 1);
    }

    async fn two_checks_of_one_account_never_run_at_once(db) {
        let peer = Peer::start().await;
        let world = World::at(db, &peer, "unknown").await;
        let other = app::testing::app_on(&world.app, db.reopen().await).await;
        peer.script("GET /account", vec![Answer::Json(200, json!({ "account": "moa" })); 8]);
        for _ in 0..4 {
            inboxes::check(&world.app, world.actor(), world.inbox.id).await.unwrap();
        }
        for _ in 0..8 {
            let (here, there) = tokio::join!(app::jobs::run_due(&world.app), app::jobs::run_due(&other));
            here.unwrap();
            there.unwrap();
        }
        assert!(peer.asked("GET /account").len() >= 5, "connecting and four checks");
        assert_eq!(peer.at_once_max(), 1, "credentials that rotate survive one use at a time");
    }
}
