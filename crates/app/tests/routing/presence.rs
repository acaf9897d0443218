//! Who hears about whom, and who reads the log.

use crate::world::{Agent, World, code};
use app::{events, presence};
use domain::permission::Actor;
use domain::{TicketId, Time, UserId};
use futures_util::StreamExt;
use std::pin::pin;
use store::testing::TestDb;

fn outsider(agent: &Agent) -> Actor {
    Actor {
        user_id: UserId::new(Time::default()),
        ..agent.actor.clone()
    }
}

#[tokio::test]
async fn only_who_sees_the_ticket_hears_who_types_in_it() {
    let db = TestDb::sqlite().await;
    let world = World::new(&db).await;
    let (writer, colleague) = (world.agent("ann").await, world.agent("ben").await);
    let ticket = world.ticket().await;
    let mut hears = pin!(presence::follow(&world.app, &colleague.actor));
    let mut herself = pin!(presence::follow(&world.app, &writer.actor));
    let mut outside = pin!(presence::follow(&world.app, &outsider(&writer)));

    presence::tell(&world.app, &writer.actor, ticket.id, true)
        .await
        .unwrap();

    let signal = hears.next().await.unwrap();
    assert_eq!((signal.user_id, signal.ticket_id), (writer.id(), ticket.id));
    assert_eq!((signal.user_name.as_str(), signal.typing), ("ann", true));
    assert_eq!(signal.expires_at, world.app.now() + presence::LIFE);
    // Signals keep their order: whoever hears this one first has heard nothing before.
    let marker = marker(&world, ticket.id);
    world.app.bus.signal(world.tenant, marker.into());
    assert_eq!(outside.next().await.unwrap().user_name, "marker");
    assert_eq!(herself.next().await.unwrap().user_name, "marker");
}

/// A signal for the whole tenant, as another node would send it.
fn marker(world: &World<'_>, ticket: TicketId) -> String {
    let user = UserId::new(Time::default());
    let until = world.app.now().to_rfc3339();
    format!(
        r#"{{"ticket":"{ticket}","user":"{user}","name":"marker","typing":false,"expires_at":"{until}","scope":["tenant"]}}"#
    )
}

#[tokio::test]
async fn nobody_tells_about_a_ticket_she_does_not_see() {
    let db = TestDb::sqlite().await;
    let world = World::new(&db).await;
    let agent = world.agent("ann").await;
    let ticket = world.ticket().await;
    let told = presence::tell(&world.app, &outsider(&agent), ticket.id, true).await;
    assert_eq!(code(told), "NOT_FOUND");
}

#[tokio::test]
async fn one_person_cannot_flood_the_others() {
    let db = TestDb::sqlite().await;
    let world = World::new(&db).await;
    let agent = world.agent("ann").await;
    let ticket = world.ticket().await;
    let mut told = 0;
    let refused = loop {
        match presence::tell(&world.app, &agent.actor, ticket.id, true).await {
            Ok(()) => told += 1,
            Err(error) => break error,
        }
        assert!(told < 1_000, "nothing stops her");
    };
    assert!(
        matches!(refused, app::Error::RateLimited { .. }),
        "{refused}"
    );
    world.pass(presence::LIFE.num_seconds());
    let later = presence::tell(&world.app, &agent.actor, ticket.id, true).await;
    assert!(later.is_ok(), "{later:?}");
}

#[tokio::test]
async fn the_raw_log_is_read_in_pages_by_supervisors_only() {
    let db = TestDb::sqlite().await;
    let world = World::new(&db).await;
    let agent = world.agent("ann").await;
    let ticket = world.ticket().await;
    let refused = events::page(&world.app, &agent.actor, None, 100).await;
    assert_eq!(code(refused), "FORBIDDEN");

    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let page = events::page(&world.app, &world.boss, cursor, 2)
            .await
            .unwrap();
        assert!(!page.resync);
        if cursor == Some(page.cursor) {
            break;
        }
        cursor = Some(page.cursor);
        seen.extend(page.events);
    }
    let seqs: Vec<i64> = seen.iter().map(|event| event.seq).collect();
    assert!(seqs.is_sorted() && !seqs.is_empty(), "{seqs:?}");
    let is_ticket = |event: &&domain::event::Event| matches!(&event.image, domain::image::Image::Ticket(t) if t.id == ticket.id);
    assert!(seen.iter().any(|event| is_ticket(&event)));

    let ahead = cursor.map(|at| domain::event::Cursor {
        seq: at.seq + 1,
        ..at
    });
    let lost = events::page(&world.app, &world.boss, ahead, 2)
        .await
        .unwrap();
    assert!(lost.resync && lost.events.is_empty());
}
