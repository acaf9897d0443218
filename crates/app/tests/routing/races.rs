//! Many agents reach for the same tickets at once, while the router offers them and a supervisor
//! hands them out: each ticket ends with one owner, and nobody has more than her slots.
//!
//! A few schedules each time; `MEARI_RACE_SCHEDULES=500` runs as many. A failure names its seed.

use crate::world::{Agent, World, handle};
use app::work::{self, Assignment};
use app::{App, Error, Reader, offers};
use domain::permission::Actor;
use domain::{TicketId, UserId};
use store::for_each_backend;
use tokio::task::JoinSet;

const SCHEDULES: u64 = 8;
const TEAM: usize = 50;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Take,
    Accept,
    Decline,
    BeAssigned,
}

/// What a deed won: the ticket is hers, perhaps beyond her slots.
type Win = Option<(TicketId, UserId, i64)>;

async fn act(app: App, boss: Actor, me: Actor, ticket: TicketId, deed: Deed) -> Result<Win, Error> {
    let offer = || async {
        let mine = Reader::new(app.clone(), me.clone()).offers().await?;
        Ok::<_, Error>(mine.into_iter().next())
    };
    let ticket = match deed {
        Deed::Take => work::take(&app, &me, ticket).await?,
        Deed::Accept => match offer().await? {
            Some(offer) => offers::accept(&app, &me, offer.id).await?.1,
            None => return Ok(None),
        },
        Deed::Decline => {
            if let Some(offer) = offer().await? {
                offers::decline(&app, &me, offer.id, None).await?;
            }
            return Ok(None);
        }
        Deed::BeAssigned => {
            let Assignment {
                ticket,
                over_capacity,
            } = work::assign(&app, &boss, ticket, Some(me.user_id)).await?;
            return Ok(Some((ticket.id, me.user_id, over_capacity)));
        }
    };
    Ok(Some((ticket.id, me.user_id, 0)))
}

async fn race(world: &World<'_>, team: &[Agent], seed: u64) {
    let mut dice = Dice(seed);
    let mut tickets = Vec::new();
    for _ in 0..=dice.roll(3) {
        tickets.push(world.ticket().await.id);
    }
    let with_boss = dice.roll(3) == 0;
    let (first, n) = (dice.roll(team.len()), 2 + dice.roll(team.len() - 1));
    let mut all = JoinSet::new();
    let at_start = dice.roll(2) == 0;
    if at_start {
        world.route().await;
    }
    for agent in team.iter().cycle().skip(first).take(n) {
        let deed = match dice.roll(8) {
            0..=2 => Deed::Take,
            3..=5 => Deed::Accept,
            6 => Deed::Decline,
            _ if with_boss => Deed::BeAssigned,
            _ => Deed::Take,
        };
        let ticket = tickets[dice.roll(tickets.len())];
        let (app, boss, me) = (handle(world), world.boss.clone(), agent.actor.clone());
        all.spawn(act(app, boss, me, ticket, deed));
    }
    world.route().await;
    let mut wins = Vec::new();
    while let Some(done) = all.join_next().await {
        match done.unwrap() {
            Ok(win) => wins.extend(win),
            // Somebody was faster, or there was no room.
            Err(Error::Conflict { .. }) => {}
            Err(other) => panic!("seed {seed}: {other:?}"),
        }
    }
    world.route().await;
    for ticket in &tickets {
        let owner = world.item(*ticket).await;
        let won: Vec<_> = wins.iter().filter(|(id, ..)| id == ticket).collect();
        if !with_boss {
            assert!(won.len() <= 1, "seed {seed}: two owners: {won:?}");
        }
        if let [(_, user, _)] = won.as_slice() {
            assert_eq!(owner.agent_id(), Some(*user), "seed {seed}: who won has it");
        }
    }
    let beyond = |user| {
        wins.iter()
            .filter(|(_, u, _)| *u == user)
            .map(|(.., over)| over)
            .sum::<i64>()
    };
    for agent in team {
        let load = world.state(agent).await.load;
        let counted = beyond(agent.id());
        assert!(
            load <= 1 + counted,
            "seed {seed}: load {load} of one slot, {counted} counted"
        );
    }
    world.recount().await;
    for ticket in tickets {
        world.close(ticket).await;
    }
}

for_each_backend! {
    async fn whoever_reaches_for_a_ticket_at_once_it_has_one_owner_and_nobody_too_much(db) {
        let schedules = std::env::var("MEARI_RACE_SCHEDULES").ok().and_then(|n| n.parse().ok());
        let world = World::new(db).await;
        let mut team = Vec::new();
        for n in 0..TEAM {
            let agent = world.agent(&format!("agent{n}")).await;
            world.capacity(&agent, 1).await;
            team.push(agent);
        }
        for seed in 0..schedules.unwrap_or(SCHEDULES) {
            race(&world, &team, seed).await;
        }
    }
}
