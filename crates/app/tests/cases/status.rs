//! Closing, snoozing and reopening a case, and what they do to its work.

use crate::world::World;
use app::{Error, tickets, work};
use chrono::TimeDelta;
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::work_item::WorkItemState;
use store::counters;
use store::for_each_backend;
use store::routing as stored;

async fn with_work(world: &World<'_>) -> Ticket {
    let (ada, _) = world.contact("ada").await;
    let ticket = world
        .ticket(ada.id, |t| t.waiting_since = Some(t.created_at))
        .await;
    work::take(&world.app, &world.anna, ticket.id)
        .await
        .unwrap()
}

for_each_backend! {
    async fn closing_completes_the_work_and_reopening_makes_it_anew(db) {
        let world = World::new(db).await;
        let ticket = with_work(&world).await;
        let item = live(&world, ticket.id).await.unwrap();
        assert_eq!(item.state(), WorkItemState::Active);
        let closed = tickets::set_status(&world.app, &world.anna, ticket.id, TicketStatus::Closed, None).await.unwrap();
        assert_eq!((closed.status, closed.closed_at.is_some(), closed.waiting_since), (TicketStatus::Closed, true, None));
        assert!(live(&world, ticket.id).await.is_none());
        let pending = tickets::set_status(&world.app, &world.anna, ticket.id, TicketStatus::Pending, None).await;
        assert!(matches!(pending, Err(Error::Conflict { code: "INVALID_TRANSITION", .. })));
        let open = tickets::set_status(&world.app, &world.anna, ticket.id, TicketStatus::Open, None).await.unwrap();
        assert_eq!((open.status, open.closed_at), (TicketStatus::Open, None));
        assert!(live(&world, ticket.id).await.is_some());
        let counts = world.reader(&world.boss).ticket_counts().await.unwrap();
        assert_eq!((counts.open, counts.closed), (1, 0));
        let cells = counters::counts(&world.app.read(), world.tenant).await.unwrap();
        assert_eq!(cells.iter().map(|c| c.n).sum::<i64>(), 1);
    }

    async fn a_snooze_ends_by_the_clock_and_only_the_last_one_counts(db) {
        let world = World::new(db).await;
        let ticket = with_work(&world).await;
        let until = |minutes| Some(world.app.now() + TimeDelta::minutes(minutes));
        let snooze = |until| tickets::set_status(&world.app, &world.anna, ticket.id, TicketStatus::Snoozed, until);
        assert!(matches!(snooze(None).await, Err(Error::Invalid { .. })));
        assert!(matches!(snooze(until(-1)).await, Err(Error::Invalid { .. })));
        snooze(until(10)).await.unwrap();
        snooze(until(30)).await.unwrap();
        assert!(live(&world, ticket.id).await.is_none());
        let status = async || world.reader(&world.anna).ticket(ticket.id).await.unwrap().status;
        world.pass(15 * 60);
        world.work().await;
        assert_eq!(status().await, TicketStatus::Snoozed);
        world.pass(15 * 60);
        world.work().await;
        assert_eq!(status().await, TicketStatus::Open);
        assert!(live(&world, ticket.id).await.is_some());
    }

    async fn small_changes_are_checked_and_reach_the_work(db) {
        let world = World::new(db).await;
        let ticket = with_work(&world).await;
        let (app, anna, id) = (&world.app, &world.anna, ticket.id);
        tickets::set_priority(app, anna, id, Priority::Urgent).await.unwrap();
        assert_eq!(live(&world, id).await.unwrap().priority, Priority::Urgent as i32);
        let tagged = tickets::set_tags(app, anna, id, &["Late Delivery".into(), "VIP".into(), "vip".into()], &[]).await.unwrap();
        assert_eq!(tagged.tags, ["late-delivery", "vip"]);
        let tagged = tickets::set_tags(app, anna, id, &[], &["VIP".into()]).await.unwrap();
        assert_eq!(tagged.tags, ["late-delivery"]);
        for odd in ["", "a\"b", "a\\b", "x\u{0}", &"x".repeat(41)] {
            assert!(tickets::set_tags(app, anna, id, &[odd.to_owned()], &[]).await.is_err(), "{odd:?}");
        }
        assert!(tickets::set_subject(app, anna, id, "  ").await.is_err());
        assert_eq!(tickets::set_subject(app, anna, id, " new   words ").await.unwrap().subject, "new words");
        let hidden = tickets::set_subject(app, &world.ben, id, "mine?").await;
        assert!(matches!(hidden, Err(Error::NotFound { .. })));
    }
}

async fn live(world: &World<'_>, ticket: domain::TicketId) -> Option<domain::work_item::WorkItem> {
    stored::live_work_item_of_ticket(&world.app.read(), world.tenant, ticket)
        .await
        .unwrap()
}
