//! What people do with work, and who wins.

use crate::world::{World, code, handle};
use app::work::{self, Transfer};
use app::{offers, people};
use domain::agent_state::AgentStatus;
use domain::offer::OfferState;
use domain::work_item::WorkItemState;
use store::for_each_backend;

for_each_backend! {
    async fn of_many_who_take_one_ticket_one_wins(db) {
        let world = World::new(db).await;
        let mut rivals = Vec::new();
        for n in 0..6 {
            rivals.push(world.agent(&format!("rival{n}")).await);
        }
        let ticket = world.ticket().await;
        let races: Vec<_> = rivals.iter().map(|rival| {
            let (app, actor) = (handle(&world), rival.actor.clone());
            tokio::spawn(async move { work::take(&app, &actor, ticket.id).await })
        }).collect();
        let mut winners = Vec::new();
        for (race, rival) in races.into_iter().zip(&rivals) {
            match race.await.unwrap() {
                Ok(ticket) => winners.push(ticket.assignee_id),
                lost => assert_eq!(code(lost), "ALREADY_TAKEN", "{}", rival.id()),
            }
        }
        assert_eq!(winners, [world.stored_ticket(ticket.id).await.assignee_id]);
        world.recount().await;
    }

    async fn taking_beats_an_open_offer_to_somebody_else(db) {
        let world = World::new(db).await;
        let (asked, quick) = (world.agent("asked").await, world.agent("quick").await);
        let ticket = world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&asked).await.unwrap();
        work::take(&world.app, &quick.actor, ticket.id).await.unwrap();
        assert_eq!(world.end_of(&offer).await, (OfferState::Withdrawn, Some("taken".into())));
        assert_eq!(code(offers::accept(&world.app, &asked.actor, offer.id).await), "ALREADY_TAKEN");
        world.recount().await;
    }

    async fn accepting_and_assigning_at_once_leaves_one_owner(db) {
        let world = World::new(db).await;
        let (asked, other) = (world.agent("asked").await, world.agent("other").await);
        let ticket = world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&asked).await.unwrap();
        let (app, boss, to) = (handle(&world), world.boss.clone(), other.id());
        let assign = tokio::spawn(async move { work::assign(&app, &boss, ticket.id, Some(to)).await });
        let (app, actor) = (handle(&world), asked.actor.clone());
        let accept = tokio::spawn(async move { offers::accept(&app, &actor, offer.id).await });
        // A supervisor outranks whoever has it, so she always succeeds.
        assign.await.unwrap().unwrap();
        if let Err(error) = accept.await.unwrap() {
            assert_eq!(code::<()>(Err(error)), "ALREADY_TAKEN");
        }
        assert_eq!(world.stored_ticket(ticket.id).await.assignee_id, Some(to));
        world.recount().await;
    }

    async fn a_full_agent_cannot_take_more_but_a_supervisor_can_give_it_and_it_is_counted(db) {
        let world = World::new(db).await;
        let agent = world.agent("full").await;
        world.capacity(&agent, 1).await;
        let (one, two) = (world.ticket().await, world.ticket().await);
        work::take(&world.app, &agent.actor, one.id).await.unwrap();
        assert_eq!(code(work::take(&world.app, &agent.actor, two.id).await), "OVER_CAPACITY");
        let done = work::assign(&world.app, &world.boss, two.id, Some(agent.id())).await.unwrap();
        assert_eq!(done.over_capacity, 1);
        assert_eq!(done.ticket.assignee_id, Some(agent.id()));
        assert_eq!(world.state(&agent).await.load, 2);
        world.recount().await;
    }

    async fn an_agent_may_not_assign_others_but_may_give_back_her_own(db) {
        let world = World::new(db).await;
        let (her, other) = (world.agent("her").await, world.agent("other").await);
        let ticket = world.ticket().await;
        let place = world.item(ticket.id).await.eligible_since;
        work::assign(&world.app, &her.actor, ticket.id, Some(her.id())).await.unwrap();
        let refused = work::assign(&world.app, &other.actor, ticket.id, None).await;
        assert_eq!(code(refused), "FORBIDDEN");
        let refused = work::assign(&world.app, &her.actor, ticket.id, Some(other.id())).await;
        assert_eq!(code(refused), "FORBIDDEN");
        let back = work::assign(&world.app, &her.actor, ticket.id, None).await.unwrap();
        assert_eq!(back.ticket.assignee_id, None);
        let item = world.item(ticket.id).await;
        assert_eq!((item.state(), item.eligible_since), (WorkItemState::Queued, place));
        world.recount().await;
    }

    async fn a_reopened_ticket_goes_to_its_last_agent_if_she_has_room(db) {
        let world = World::new(db).await;
        let (last, _other) = (world.agent("last").await, world.agent("other").await);
        let ticket = world.ticket().await;
        work::take(&world.app, &last.actor, ticket.id).await.unwrap();
        world.close(ticket.id).await;
        assert_eq!(world.state(&last).await.load, 0);
        world.pass(3600);
        let ticket = world.customer_writes_again(ticket.id).await;
        assert_eq!(ticket.assignee_id, Some(last.id()));
        assert_eq!(world.item(ticket.id).await.state(), WorkItemState::Active);
        world.recount().await;
    }

    async fn a_reopened_ticket_waits_when_its_last_agent_is_away_or_full(db) {
        let world = World::new(db).await;
        let last = world.agent("last").await;
        world.capacity(&last, 1).await;
        let (one, two) = (world.ticket().await, world.ticket().await);
        work::take(&world.app, &last.actor, one.id).await.unwrap();
        world.close(one.id).await;
        work::take(&world.app, &last.actor, two.id).await.unwrap();
        let one = world.customer_writes_again(one.id).await;
        assert_eq!(one.assignee_id, None, "she is full");
        world.close(two.id).await;
        world.status(&last.actor, AgentStatus::NotReady).await;
        let two = world.customer_writes_again(two.id).await;
        assert_eq!(two.assignee_id, None, "she is away");
        assert_eq!(world.item(two.id).await.state(), WorkItemState::Queued);
        world.recount().await;
    }

    async fn another_message_does_not_move_a_ticket_that_is_worked(db) {
        let world = World::new(db).await;
        let agent = world.agent("her").await;
        let ticket = world.ticket().await;
        work::take(&world.app, &agent.actor, ticket.id).await.unwrap();
        let before = world.item(ticket.id).await;
        world.customer_writes_again(ticket.id).await;
        assert_eq!(world.item(ticket.id).await, before);
        assert_eq!(world.stored_ticket(ticket.id).await.assignee_id, Some(agent.id()));
    }

    async fn a_transferred_ticket_keeps_its_place_unless_told_otherwise(db) {
        let world = World::new(db).await;
        let agent = world.agent("her").await;
        let input = app::queues::SaveQueue { name: "Billing".into(), ..Default::default() };
        let billing = app::queues::save(&world.app, &world.boss, input).await.unwrap();
        let (keeps, begins) = (world.ticket().await, world.ticket().await);
        let place = world.item(keeps.id).await.eligible_since;
        work::take(&world.app, &agent.actor, keeps.id).await.unwrap();
        world.pass(100);
        let mut transfer = Transfer { to: billing.id, keep_position: true, note: Some("an invoice".into()) };
        let moved = work::transfer(&world.app, &agent.actor, keeps.id, &transfer).await.unwrap();
        assert_eq!((moved.queue_id, moved.assignee_id), (billing.id, None));
        assert_eq!(moved.message_head, 1, "the note came along");
        assert_eq!(world.item(keeps.id).await.eligible_since, place);
        transfer.keep_position = false;
        work::transfer(&world.app, &world.boss, begins.id, &transfer).await.unwrap();
        assert_eq!(world.item(begins.id).await.eligible_since, world.app.now());
        world.recount().await;
    }

    async fn what_a_removed_member_worked_on_waits_again(db) {
        let world = World::new(db).await;
        let agent = world.agent("leaver").await;
        let (worked, offered) = (world.ticket().await, world.ticket().await);
        work::take(&world.app, &agent.actor, worked.id).await.unwrap();
        world.route().await;
        people::remove(&world.app, &world.boss, agent.id()).await.unwrap();
        for ticket in [worked.id, offered.id] {
            assert_eq!(world.item(ticket).await.state(), WorkItemState::Queued);
        }
        world.recount().await;
        let refused = work::assign(&world.app, &world.boss, worked.id, Some(agent.id())).await;
        assert_eq!(code(refused), "INVALID");
    }
}
