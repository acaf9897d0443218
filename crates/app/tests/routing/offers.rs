//! What becomes of an offer.

use crate::world::{World, code};
use app::{agents, offers};
use domain::agent_state::{AgentPresence, AgentStatus, NOT_RESPONDING};
use domain::offer::OfferState;
use domain::work_item::WorkItemState;
use store::for_each_backend;

for_each_backend! {
    async fn unanswered_offer_goes_to_next_agent(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        let ticket = world.ticket().await;
        let place = world.item(ticket.id).await.eligible_since;
        let mut router = world.router();
        router.step(&world.app).await.unwrap();
        let offer = world.offer_to(&first).await.expect("the longest idle is asked");
        assert!(world.offer_to(&second).await.is_none());

        world.pass(20);
        router.step(&world.app).await.unwrap();
        assert_eq!(world.end_of(&offer).await.0, OfferState::Expired);
        let state = world.state(&first).await;
        assert_eq!(state.status, AgentStatus::NotReady);
        assert_eq!(state.reason.as_deref(), Some(NOT_RESPONDING));
        assert!(world.offer_to(&second).await.is_some(), "the next one is asked");
        assert_eq!(world.item(ticket.id).await.eligible_since, place);
        world.recount().await;
    }

    async fn an_accepted_offer_gives_the_ticket(db) {
        let world = World::new(db).await;
        let agent = world.agent("first").await;
        let ticket = world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&agent).await.unwrap();
        let (accepted, given) = offers::accept(&world.app, &agent.actor, offer.id).await.unwrap();
        assert_eq!(accepted.state(), OfferState::Accepted);
        assert_eq!(given.assignee_id, Some(agent.id()));
        assert_eq!(world.item(ticket.id).await.state(), WorkItemState::Active);
        let again = offers::accept(&world.app, &agent.actor, offer.id).await.unwrap();
        assert_eq!(again.0.state(), OfferState::Accepted, "a doubled click is no error");
        world.recount().await;
    }

    async fn an_offer_cannot_be_accepted_after_its_time_even_if_nobody_marked_it(db) {
        let world = World::new(db).await;
        let agent = world.agent("first").await;
        let ticket = world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&agent).await.unwrap();
        world.pass(20);
        assert_eq!(code(offers::accept(&world.app, &agent.actor, offer.id).await), "EXPIRED");
        assert_eq!(code(offers::decline(&world.app, &agent.actor, offer.id, None).await), "EXPIRED");
        assert_eq!(world.stored_ticket(ticket.id).await.assignee_id, None);
    }

    async fn an_offer_to_somebody_else_does_not_exist(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&first).await.unwrap();
        assert_eq!(code(offers::accept(&world.app, &second.actor, offer.id).await), "NOT_FOUND");
        assert_eq!(code(offers::accept(&world.app, &world.boss, offer.id).await), "NOT_FOUND");
    }

    async fn a_declined_offer_goes_on_and_the_agent_stays_available(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        world.ticket().await;
        let mut router = world.router();
        router.step(&world.app).await.unwrap();
        let offer = world.offer_to(&first).await.unwrap();
        offers::decline(&world.app, &first.actor, offer.id, Some("lunch")).await.unwrap();
        assert_eq!(world.end_of(&offer).await, (OfferState::Declined, Some("lunch".into())));
        router.step(&world.app).await.unwrap();
        assert!(world.offer_to(&second).await.is_some());
        assert_eq!(world.state(&first).await.status, AgentStatus::Available);
        world.recount().await;
    }

    async fn a_lone_agent_who_declined_is_asked_again_after_a_while(db) {
        let world = World::new(db).await;
        let agent = world.agent("lone").await;
        world.ticket().await;
        let mut router = world.router();
        router.step(&world.app).await.unwrap();
        let offer = world.offer_to(&agent).await.unwrap();
        offers::decline(&world.app, &agent.actor, offer.id, None).await.unwrap();
        let next = router.step(&world.app).await.unwrap().expect("time will make a difference");
        assert!(world.offer_to(&agent).await.is_none());
        db.clock.advance(next - world.app.now());
        router.step(&world.app).await.unwrap();
        assert!(world.offer_to(&agent).await.is_some());
    }

    async fn offers_are_withdrawn_when_the_browser_vanished_30_s_ago(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        // Long enough that the offer does not run out before.
        let input = app::queues::SaveQueue {
            id: Some(world.queue), name: "General".into(), offer_ttl_s: Some(120), ..Default::default()
        };
        app::queues::save(&world.app, &world.boss, input).await.unwrap();
        world.ticket().await;
        let mut router = world.router();
        router.step(&world.app).await.unwrap();
        let offer = world.offer_to(&first).await.unwrap();
        agents::disconnected(&world.app, world.tenant, first.connection).await.unwrap();
        world.pass(29);
        router.step(&world.app).await.unwrap();
        assert!(world.offer_to(&first).await.is_some(), "a reload of the page is forgiven");
        world.pass(1);
        router.step(&world.app).await.unwrap();
        assert_eq!(world.end_of(&offer).await, (OfferState::Withdrawn, Some("agent_vanished".into())));
        assert!(world.offer_to(&second).await.is_some());
        assert_eq!(world.state(&first).await.status, AgentStatus::Available, "nobody blames her");
        let reader = app::Reader::new(app::App::clone(&world.app), world.boss.clone());
        assert_eq!(reader.agent(first.id()).await.unwrap().presence, AgentPresence::Lost);
        assert_eq!(reader.agent(second.id()).await.unwrap().presence, AgentPresence::Offered);
        world.recount().await;
    }

    async fn an_agent_who_goes_offline_is_not_asked_any_more(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        world.ticket().await;
        let mut router = world.router();
        router.step(&world.app).await.unwrap();
        world.status(&first.actor, AgentStatus::Offline).await;
        router.step(&world.app).await.unwrap();
        assert!(world.offer_to(&first).await.is_none());
        assert!(world.offer_to(&second).await.is_some());
        world.recount().await;
    }

    async fn closing_a_ticket_withdraws_its_offer(db) {
        let world = World::new(db).await;
        let agent = world.agent("first").await;
        let ticket = world.ticket().await;
        let mut router = world.router();
        router.step(&world.app).await.unwrap();
        let offer = world.offer_to(&agent).await.unwrap();
        world.close(ticket.id).await;
        assert_eq!(world.end_of(&offer).await, (OfferState::Withdrawn, Some("closed".into())));
        assert_eq!(world.state(&agent).await.load, 0);
        assert_eq!(code(offers::accept(&world.app, &agent.actor, offer.id).await), "EXPIRED");
        router.step(&world.app).await.unwrap();
        assert!(world.offer_to(&agent).await.is_none());
    }

    async fn a_restart_in_the_middle_of_an_offer_expires_it_and_keeps_the_place(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        let old = world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&first).await.unwrap();
        let place = world.item(old.id).await.eligible_since;
        world.capacity(&second, 1).await;
        // The router is gone; meanwhile the offer runs out and younger work comes.
        world.pass(60);
        let young = world.ticket().await;
        world.route().await;
        assert_eq!(world.end_of(&offer).await.0, OfferState::Expired);
        assert_eq!(world.item(old.id).await.eligible_since, place);
        let next = world.offer_to(&second).await.unwrap();
        assert_eq!(next.ticket_id, old.id, "the old one is still first");
        assert_eq!(world.item(young.id).await.state(), WorkItemState::Queued);
        world.recount().await;
    }
}
