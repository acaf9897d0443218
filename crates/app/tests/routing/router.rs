//! The router itself: beside others, after others, and in its own loop.

use crate::world::{Agent, World, code, handle};
use app::work::{self, Transfer};
use app::{agents, offers, router};
use domain::agent_state::AgentStatus;
use domain::work_item::WorkItemState;
use std::time::Duration;
use store::{for_each_backend, leases, routing as stored};
use tokio_util::sync::CancellationToken;

/// A small generator, so that a failing history can be told by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

for_each_backend! {
    async fn two_routers_at_once_never_assign_twice(db) {
        let world = World::new(db).await;
        let mut team = Vec::new();
        for n in 0..4 {
            let agent = world.agent(&format!("agent{n}")).await;
            world.capacity(&agent, 3).await;
            team.push(agent);
        }
        let mut waiting = Vec::new();
        for _ in 0..20 {
            waiting.push(world.ticket().await.id);
        }
        let both: Vec<_> = (0..2).map(|_| {
            let (app, mut router) = (handle(&world), world.router());
            tokio::spawn(async move { router.step(&app).await })
        }).collect();
        for router in both {
            router.await.unwrap().unwrap();
        }
        for agent in &team {
            assert_eq!(world.state(agent).await.load, 3, "full, not overfull");
        }
        let mut queued = 0;
        for ticket in waiting {
            queued += usize::from(world.item(ticket).await.state() == WorkItemState::Queued);
        }
        assert_eq!(queued, 20 - 12);
        world.recount().await;
    }

    async fn a_router_that_lost_its_shard_decides_nothing(db) {
        let world = World::new(db).await;
        let agent = world.agent("first").await;
        let mut router = world.router();
        router.step(&world.app).await.unwrap();
        let tx = world.app.store.begin_global("test.shard").await.unwrap();
        leases::release_shard(&tx, world.app.config.node, world.shard).await.unwrap();
        leases::take_shards(&tx, world.app.config.node, 64).await.unwrap();
        world.app.commit(tx, ()).await.unwrap();
        world.ticket().await;
        assert_eq!(code(router.step(&world.app).await), "SHARD_LOST");
        assert!(world.offer_to(&agent).await.is_none());
    }

    async fn load_never_drifts(db) {
        let world = World::new(db).await;
        let seed = 0x5eed_2026;
        let mut dice = Dice(seed);
        let mut team = Vec::new();
        for n in 0..3 {
            let agent = world.agent(&format!("agent{n}")).await;
            world.capacity(&agent, 2).await;
            team.push(agent);
        }
        let input = app::queues::SaveQueue { name: "Other".into(), ..Default::default() };
        let other = app::queues::save(&world.app, &world.boss, input).await.unwrap().id;
        let mut router = world.router();
        let mut all = Vec::new();
        for step in 0..100 {
            let agent = &team[dice.roll(team.len())];
            if all.is_empty() || dice.roll(5) == 0 {
                all.push(world.ticket().await.id);
            }
            let ticket = all[dice.roll(all.len())];
            at_random(&world, &mut dice, agent, ticket, other).await;
            if dice.roll(2) == 0 {
                router.step(&world.app).await.unwrap_or_else(|e| panic!("seed {seed}, step {step}: {e}"));
            }
            // Each claim counts anew, so only a look after every deed sees a drift.
            world.recount().await;
        }
    }

    async fn the_loop_of_a_node_offers_by_itself_and_stops_in_order(db) {
        let world = World::new(db).await;
        let agent = world.agent("first").await;
        let stop = CancellationToken::new();
        let mut hint = world.app.bus.watch(world.tenant);
        let routing = tokio::spawn(router::run(handle(&world), stop.clone()));
        world.ticket().await;
        let offered = async {
            while world.offer_to(&agent).await.is_none() {
                hint.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), offered).await.expect("she is asked");
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(20), routing).await.expect("it stops").unwrap();
        let left = leases::shards_of(&world.app.read(), world.app.config.node).await.unwrap();
        assert_eq!(left, [], "its shards are free for others");
    }
}

/// One deed of somebody; what the rules refuse is refused, what they allow must keep the counts.
async fn at_random(
    world: &World<'_>,
    dice: &mut Dice,
    agent: &Agent,
    ticket: domain::TicketId,
    other: domain::QueueId,
) {
    let app = &world.app;
    let offer = world.offer_to(agent).await;
    match (dice.roll(11), offer) {
        (0 | 1, Some(offer)) => drop(offers::accept(app, &agent.actor, offer.id).await),
        (2, Some(offer)) => drop(offers::decline(app, &agent.actor, offer.id, None).await),
        (3, _) => drop(work::take(app, &agent.actor, ticket).await),
        (4, _) => drop(work::assign(app, &world.boss, ticket, Some(agent.id())).await),
        (5, _) => drop(work::assign(app, &world.boss, ticket, None).await),
        (6, _) => world.close(ticket).await,
        (7, _) => drop(world.customer_writes_again(ticket).await),
        (8, _) => {
            let to = if dice.roll(2) == 0 {
                other
            } else {
                world.queue
            };
            let transfer = Transfer {
                to,
                keep_position: dice.roll(2) == 0,
                note: None,
            };
            drop(work::transfer(app, &world.boss, ticket, &transfer).await);
        }
        (9, _) => {
            let status = AgentStatus::ALL[dice.roll(AgentStatus::ALL.len())];
            agents::set_state(app, &world.boss, Some(agent.id()), status, None)
                .await
                .unwrap();
        }
        _ => world.pass(dice.roll(40) as i64),
    }
    let read = app.read();
    let held = stored::held_by(&read, world.tenant, agent.id())
        .await
        .unwrap();
    assert!(held.iter().all(|item| !item.state().is_over()));
}
