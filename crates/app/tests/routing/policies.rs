//! How a tenant routes is a setting: it takes effect on the router that runs, nobody loses her
//! place, what is wrong is refused in words, and every waiting ticket says why it waits.

use crate::world::{Agent, World, code, handle};
use app::explain::{FaultKind, Ineligible, WaitReason};
use app::queues::{self, SaveQueue, Settings};
use app::routing_policy::{self, SavePolicy};
use app::{Error, Reader, offers};
use domain::hours::Hours;
use domain::policy::{Order, Select};
use domain::queue::{Overflow, Queue, Sticky};
use domain::ticket::Ticket;
use domain::{QueueId, UserId};
use store::for_each_backend;

async fn set(world: &World<'_>, input: SavePolicy) -> Result<(), Error> {
    routing_policy::save(&world.app, &world.boss, input)
        .await
        .map(|_| ())
}

async fn set_queue(
    world: &World<'_>,
    id: Option<QueueId>,
    name: &str,
    settings: Settings,
) -> Result<Queue, Error> {
    let input = SaveQueue {
        id,
        name: name.into(),
        settings,
        ..Default::default()
    };
    queues::save(&world.app, &world.boss, input).await
}

fn flows(to: QueueId) -> Settings {
    let overflow = Overflow {
        to,
        after_s: Some(60),
        when_closed: true,
        when_unstaffed: false,
    };
    Settings {
        overflow: Some(Some(overflow)),
        ..Default::default()
    }
}

/// Never open: a week without a spell.
fn closed() -> Settings {
    let hours = Hours {
        zone: "Asia/Seoul".into(),
        week: Vec::new(),
        holidays: Vec::new(),
    };
    Settings {
        hours: Some(Some(hours)),
        ..Default::default()
    }
}

fn boss(world: &World<'_>) -> Reader {
    Reader::new(handle(world), world.boss.clone())
}

async fn why(world: &World<'_>, ticket: &Ticket) -> WaitReason {
    let item = world.item(ticket.id).await;
    boss(world)
        .why_waiting(&item)
        .await
        .unwrap()
        .unwrap()
        .reason
}

async fn asked(world: &World<'_>, agent: &Agent) -> Option<domain::TicketId> {
    world.offer_to(agent).await.map(|offer| offer.ticket_id)
}

for_each_backend! {
    async fn another_order_takes_effect_on_the_router_that_runs_and_places_stay(db) {
        let world = World::new(db).await;
        let mut router = world.router();
        let mut tickets = Vec::new();
        for _ in 0..3 {
            tickets.push(world.ticket().await);
            world.pass(1);
        }
        let places = |items: &[domain::work_item::WorkItem]| items.iter().map(|i| i.eligible_since).collect::<Vec<_>>();
        let mut before = Vec::new();
        for ticket in &tickets {
            before.push(world.item(ticket.id).await);
        }
        router.step(&world.app).await.unwrap();
        // The last one is urgent: only a strict order puts hours of waiting behind it.
        app::tickets::set_priority(&world.app, &world.boss, tickets[2].id, domain::ticket::Priority::Urgent).await.unwrap();
        world.pass(7_200);
        let late = world.ticket().await;
        app::tickets::set_priority(&world.app, &world.boss, late.id, domain::ticket::Priority::Urgent).await.unwrap();
        set(&world, SavePolicy { order: Some(Order::Strict), select: Some(Select::TopDown), ..Default::default() }).await.unwrap();
        let agent = world.agent("first").await;
        world.capacity(&agent, 2).await;
        router.step(&world.app).await.unwrap();
        let mut urgent = Vec::new();
        for ticket in [&tickets[2], &late] {
            urgent.push(world.item(ticket.id).await.agent_id());
        }
        assert_eq!(urgent, [Some(agent.id()); 2]);
        let mut after = Vec::new();
        for ticket in &tickets {
            after.push(world.item(ticket.id).await);
        }
        assert_eq!(places(&before), places(&after));
        let offer = world.offer_to(&agent).await.unwrap();
        assert_eq!(offer.reason["rule"], "top_down", "the reason names the rule that decided");
    }

    async fn queues_go_round_their_agents_across_a_restart_of_the_router(db) {
        let world = World::new(db).await;
        let team = [world.agent("a").await, world.agent("b").await, world.agent("c").await];
        set_queue(&world, Some(world.queue), "General", Settings { select: Some(Some(Select::RoundRobin)), ..Default::default() }).await.unwrap();
        let mut order = Vec::new();
        for _ in 0..6 {
            let ticket = world.ticket().await;
            // A new router each time: the turn is a row, not a memory.
            world.route().await;
            order.push(world.item(ticket.id).await.agent_id().unwrap());
        }
        let mut ids: Vec<UserId> = team.iter().map(Agent::id).collect();
        ids.sort_unstable();
        let n = ids.iter().position(|id| *id == order[0]).unwrap();
        let expected: Vec<_> = (0..6).map(|i| ids[(n + i) % 3]).collect();
        assert_eq!(order, expected);
    }

    async fn work_of_a_channel_weighs_what_the_settings_say_and_a_refusal_lasts_as_long(db) {
        let world = World::new(db).await;
        let agent = world.agent("first").await;
        let weights = Some(vec![("sandbox".to_owned(), 3)]);
        let input = SavePolicy { weights, exclusion_s: Some(600), exclusion_max_s: Some(600), ..Default::default() };
        set(&world, input).await.unwrap();
        let ticket = world.ticket().await;
        world.route().await;
        assert_eq!(world.state(&agent).await.load, 3);
        let offer = world.offer_to(&agent).await.unwrap();
        offers::decline(&world.app, &agent.actor, offer.id, None).await.unwrap();
        world.pass(599);
        world.route().await;
        assert_eq!(why(&world, &ticket).await, WaitReason::Excluded);
        world.pass(1);
        world.route().await;
        assert_eq!(asked(&world, &agent).await, Some(ticket.id));
    }

    async fn settings_that_make_no_sense_are_refused_in_words(db) {
        let world = World::new(db).await;
        let nobody = UserId::new(world.app.now());
        let nowhere = QueueId::new(world.app.now());
        let faulty = [
            SavePolicy { shares: Some(vec![(nowhere, 1.0)]), ..Default::default() },
            SavePolicy { shares: Some(vec![(world.queue, f64::NAN)]), ..Default::default() },
            SavePolicy { shares: Some(vec![(world.queue, 1.0), (world.queue, 2.0)]), ..Default::default() },
            SavePolicy { handling_s: Some(vec![("fax".into(), 60.0)]), ..Default::default() },
            SavePolicy { weights: Some(vec![("sandbox".into(), 0)]), ..Default::default() },
            SavePolicy { tiers: Some(vec![(nobody, 1)]), ..Default::default() },
            SavePolicy { exclusion_s: Some(-1), ..Default::default() },
            SavePolicy { exclusion_s: Some(60), exclusion_max_s: Some(30), ..Default::default() },
        ];
        for input in faulty {
            assert_eq!(code(set(&world, input.clone()).await), "INVALID", "{input:?}");
        }
        let overflow = |overflow| Settings { overflow: Some(Some(overflow)), ..Default::default() };
        let to = world.queue;
        let no_condition = Overflow { to, after_s: None, when_closed: false, when_unstaffed: false };
        let mut mars = closed();
        if let Some(Some(hours)) = &mut mars.hours {
            hours.zone = "Mars/Base".into();
        }
        let sticky = Sticky { within_s: 1, wait_s: 0 };
        for settings in [overflow(no_condition), flows(nowhere), mars, Settings { sticky: Some(Some(sticky)), ..Default::default() }] {
            assert_eq!(code(set_queue(&world, None, "Other", settings.clone()).await), "INVALID", "{settings:?}");
        }
        let agent = world.agent("her").await;
        let tried = routing_policy::save(&world.app, &agent.actor, SavePolicy::default()).await;
        assert_eq!(code(tried), "FORBIDDEN");
    }

    async fn overflow_that_leads_round_in_a_circle_is_refused_by_name(db) {
        let world = World::new(db).await;
        let c = set_queue(&world, None, "C", Settings::default()).await.unwrap();
        let b = set_queue(&world, None, "B", flows(c.id)).await.unwrap();
        let a = set_queue(&world, None, "A", flows(b.id)).await.unwrap();
        let circle = set_queue(&world, Some(c.id), "C", flows(a.id)).await.unwrap_err();
        assert!(circle.to_string().contains("C → A → B → C"), "{circle}");
        let alone = set_queue(&world, Some(c.id), "C", flows(c.id)).await.unwrap_err();
        assert!(alone.to_string().contains("C → C"), "{alone}");
        assert_eq!(code(queues::archive(&world.app, &world.boss, c.id).await), "QUEUE_IN_USE");
    }

    async fn a_closed_queue_hands_tickets_on_and_says_so_until_then(db) {
        let world = World::new(db).await;
        let agent = world.agent("first").await;
        set_queue(&world, Some(world.queue), "General", closed()).await.unwrap();
        let ticket = world.ticket().await;
        world.route().await;
        assert_eq!(why(&world, &ticket).await, WaitReason::Closed);
        let faults = boss(&world).routing_faults().await.unwrap();
        assert_eq!(faults.iter().map(|f| f.kind).collect::<Vec<_>>(), [FaultKind::NeverOpen]);
        let night = set_queue(&world, None, "Night", Settings::default()).await.unwrap();
        world.serve(&agent.actor, night.id).await;
        set_queue(&world, Some(world.queue), "General", flows(night.id)).await.unwrap();
        world.route().await;
        let moved = world.stored_ticket(ticket.id).await;
        assert_eq!(moved.queue_id, night.id);
        assert_eq!(asked(&world, &agent).await, Some(ticket.id));
        assert_eq!(why(&world, &ticket).await, WaitReason::Offered);
        world.recount().await;
    }

    async fn a_returning_customer_waits_for_her_agent_within_its_time_only(db) {
        let world = World::new(db).await;
        let hers = world.agent("hers").await;
        world.capacity(&hers, 1).await;
        let sticky = Sticky { within_s: 3_600, wait_s: 120 };
        set_queue(&world, Some(world.queue), "General", Settings { sticky: Some(Some(sticky)), ..Default::default() }).await.unwrap();
        let ticket = world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&hers).await.unwrap();
        offers::accept(&world.app, &hers.actor, offer.id).await.unwrap();
        world.close(ticket.id).await;
        let other = world.ticket().await;
        world.route().await;
        let offer = world.offer_to(&hers).await.unwrap();
        offers::accept(&world.app, &hers.actor, offer.id).await.unwrap();
        let free = world.agent("free").await;
        world.customer_writes_again(ticket.id).await;
        world.route().await;
        assert_eq!(asked(&world, &free).await, None);
        assert_eq!(why(&world, &ticket).await, WaitReason::Reserved);
        world.pass(120);
        world.route().await;
        assert_eq!(asked(&world, &free).await, Some(ticket.id));
        // An hour later nobody waits for anybody.
        let offer = world.offer_to(&free).await.unwrap();
        offers::accept(&world.app, &free.actor, offer.id).await.unwrap();
        world.close(other.id).await;
        world.pass(3_601);
        let again = world.customer_writes_again(other.id).await;
        assert_eq!(again.assignee_id, None, "not given back to her");
        assert_eq!(world.item(other.id).await.preferred, None);
        world.recount().await;
    }

    async fn who_would_get_a_contact_is_told_before_one_comes(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        let away = world.agent("away").await;
        world.status(&away.actor, domain::agent_state::AgentStatus::NotReady).await;
        let reader = boss(&world);
        let all = reader.queue_candidates(world.queue, "sandbox").await.unwrap();
        let told: Vec<_> = all.iter().map(|c| (c.user_id, c.why_not)).collect();
        assert_eq!(told, [(first.id(), None), (second.id(), None), (away.id(), Some(Ineligible::NotReady))]);
        let ticket = world.ticket().await;
        let same = boss(&world).ticket_candidates(ticket.id).await.unwrap();
        assert_eq!(same, all);
        world.route().await;
        assert_eq!(asked(&world, &first).await, Some(ticket.id));
        let agent = Reader::new(handle(&world), first.actor.clone());
        assert_eq!(code(agent.queue_candidates(world.queue, "sandbox").await), "FORBIDDEN");
        assert_eq!(code(boss(&world).queue_candidates(world.queue, "fax").await), "INVALID");
    }

    async fn a_dry_run_tells_where_waiting_tickets_would_go_and_changes_nothing(db) {
        let world = World::new(db).await;
        let mut tickets = Vec::new();
        for _ in 0..3 {
            tickets.push(world.ticket().await);
        }
        let night = set_queue(&world, None, "Night", Settings::default()).await.unwrap();
        let mut settings = closed();
        settings.overflow = flows(night.id).overflow;
        let input = SaveQueue { id: Some(world.queue), name: "General".into(), settings, ..Default::default() };
        let told = boss(&world).rehearse(None, Some(input)).await.unwrap();
        assert_eq!(told.len(), 3);
        for fate in told {
            assert_eq!(fate.before.overflows_to, None);
            assert_eq!(fate.after.overflows_to, Some(night.id));
        }
        let strict = SavePolicy { order: Some(Order::Strict), ..Default::default() };
        let same = boss(&world).rehearse(Some(strict), None).await.unwrap();
        assert!(same.iter().all(|fate| fate.before == fate.after), "nobody is there in either case");
        let wrong = SavePolicy { exclusion_s: Some(-1), ..Default::default() };
        assert_eq!(code(boss(&world).rehearse(Some(wrong), None).await), "INVALID");
        assert_eq!(boss(&world).routing_policy().await.unwrap().order, Order::Deadline);
        world.route().await;
        for ticket in tickets {
            assert_eq!(world.stored_ticket(ticket.id).await.queue_id, world.queue);
        }
    }
}
