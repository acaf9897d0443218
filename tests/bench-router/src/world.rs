//! A tenant in memory, as large as the goals name: everybody has her hands full, and a long line
//! waits.

use crate::dice::Dice;
use crate::stopwatch::Stopwatch;
use anyhow::Context;
use domain::agent_state::{AgentState, AgentStatus};
use domain::clock::from_micros;
use domain::image::Presence;
use domain::offer::Offer;
use domain::policy::Select;
use domain::queue::{Proficiency, Queue, QueueMember, QueueRouting, RequiredSkill};
use domain::work_item::{CompletedReason, Preferred, WorkItem};
use domain::{OfferId, QueueId, SkillId, TenantId, TicketId, Time, UserId, WorkItemId};
use routing::{ClaimPolicy, ClaimRows, Decisions, Engine, RowImage, SeenPresence, Snapshot, claim};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Duration;
use uuid::Uuid;

const QUEUES: usize = 100;
const CHANNELS: [&str; 4] = ["telegram", "line", "sms", "email"];
const PROFILES: usize = 200;
/// Queues that each profile serves, so that it sees twenty of four hundred classes.
const SERVED: usize = 5;

/// What the engine took, once for each agent who was freed.
#[derive(Default)]
pub struct Laps {
    /// To learn that her work is over, and to decide what she is offered.
    pub decisions: Vec<Duration>,
    /// That, and to learn of the offer, of its answer and of the next arrival.
    pub turns: Vec<Duration>,
}

pub struct World {
    pub now: Time,
    engine: Engine,
    agents: Vec<AgentState>,
    queues: BTreeMap<QueueId, Queue>,
    items: BTreeMap<WorkItemId, WorkItem>,
    held: BTreeMap<UserId, WorkItemId>,
    dice: Dice,
    next: u128,
    /// Spent by the engine on images and decisions since the last item was freed.
    in_engine: Duration,
}

fn uuid(kind: u128, n: usize) -> Uuid {
    Uuid::from_u128((kind << 64) + n as u128)
}

fn tenant() -> TenantId {
    TenantId::from_uuid(uuid(1, 0))
}

fn queue_id(n: usize) -> QueueId {
    QueueId::from_uuid(uuid(2, n))
}

fn user_id(n: usize) -> UserId {
    UserId::from_uuid(uuid(3, n))
}

fn skill_id(n: usize) -> SkillId {
    SkillId::from_uuid(uuid(4, n))
}

impl World {
    pub fn new(agents: usize, waiting: usize) -> Self {
        let now = from_micros(1_700_000_000_000_000);
        let mut world = Self {
            now,
            engine: Engine::from_rows(Snapshot::default(), now),
            agents: Vec::new(),
            queues: (0..QUEUES).map(|n| (queue_id(n), queue(n))).collect(),
            items: BTreeMap::new(),
            held: BTreeMap::new(),
            dice: Dice(1),
            next: 0,
            in_engine: Duration::ZERO,
        };
        for n in 0..agents {
            world.hire(n);
        }
        for n in 0..agents {
            let place = world.dice.index(SERVED);
            let queue = queue_id((n % PROFILES * 7 + place * 13) % QUEUES);
            let item = world.item(queue);
            let Ok(item) = item.assign(user_id(n)) else {
                continue;
            };
            world.held.insert(user_id(n), item.id);
            world.items.insert(item.id, item);
        }
        for _ in 0..waiting {
            let queue = queue_id(world.dice.index(QUEUES));
            let item = world.item(queue);
            world.items.insert(item.id, item);
        }
        world.engine = Engine::from_rows(world.snapshot(), now);
        world.engine.decide(now);
        world
    }

    /// One slot, and the skills of a profile.
    fn hire(&mut self, n: usize) {
        let now = self.now;
        let mut agent = AgentState::offline(user_id(n), tenant(), now);
        agent.status = AgentStatus::Available;
        agent.version = 1;
        agent.load = 1;
        agent.capacity.insert("*".into(), 1);
        agent.proficiencies = (0..4)
            .map(|skill| Proficiency {
                skill_id: skill_id(skill),
                level: 1 + ((n % PROFILES + skill) % 5) as i32,
            })
            .collect();
        self.agents.push(agent);
        for place in 0..SERVED {
            let id = queue_id((n % PROFILES * 7 + place * 13) % QUEUES);
            if let Some(queue) = self.queues.get_mut(&id) {
                queue.members.push(QueueMember {
                    user_id: user_id(n),
                    priority: 1,
                    delay_s: 0,
                });
            }
        }
    }

    /// Waiting, one in fifty kept for an agent of its own for a while.
    fn item(&mut self, queue: QueueId) -> WorkItem {
        self.next += 1;
        let ticket = TicketId::from_uuid(Uuid::from_u128(self.next));
        let channel = CHANNELS[self.dice.index(CHANNELS.len())].to_owned();
        let mut item = WorkItem::queued(tenant(), ticket, queue, channel, 0, self.now);
        item.id = WorkItemId::from_uuid(Uuid::from_u128(self.next));
        item.version = 1;
        item.eligible_since -= chrono::TimeDelta::seconds(self.dice.small(3_600));
        if self.dice.index(50) == 0 {
            let user = user_id(self.dice.index(self.agents.len().max(1)));
            item.preferred = Some(Preferred {
                user_id: user,
                until: self.now + chrono::TimeDelta::seconds(self.dice.small(120)),
            });
        }
        item
    }

    pub fn snapshot(&self) -> Snapshot {
        let presence = |agent: &AgentState| SeenPresence {
            presence: Presence {
                user_id: agent.user_id,
                connected: true,
                gone_at: None,
            },
            version: 1,
        };
        Snapshot {
            work_items: self.items.values().cloned().collect(),
            agents: self.agents.clone(),
            queues: self.queues.values().cloned().collect(),
            presences: self.agents.iter().map(presence).collect(),
            ..Snapshot::default()
        }
    }

    /// Frees agents one after the other; each is offered the next item, takes it, and somebody new
    /// arrives.
    pub fn turn_over(&mut self, n: usize) -> anyhow::Result<Laps> {
        let mut laps = Laps::default();
        for _ in 0..n {
            self.now += chrono::TimeDelta::milliseconds(1);
            self.in_engine = Duration::ZERO;
            let Some(freed) = self.frees_somebody()? else {
                continue;
            };
            let watch = Stopwatch::start();
            for image in freed {
                self.engine.apply(image);
            }
            let decisions = self.engine.decide(self.now);
            let decided = watch.elapsed();
            anyhow::ensure!(!decisions.offers.is_empty(), "somebody waits for everybody");
            self.carry_out(&decisions)?;
            self.somebody_arrives()?;
            laps.decisions.push(decided);
            laps.turns.push(decided + self.in_engine);
        }
        Ok(laps)
    }

    fn frees_somebody(&mut self) -> anyhow::Result<Option<[RowImage; 2]>> {
        let at = self.dice.index(self.agents.len());
        let agent = &mut self.agents[at];
        let item = self.held.remove(&agent.user_id);
        let Some(item) = item.and_then(|id| self.items.remove(&id)) else {
            return Ok(None);
        };
        let mut done = item.complete(CompletedReason::Closed)?;
        done.version += 1;
        agent.version += 1;
        agent.load = 0;
        agent.released_at = self.now;
        Ok(Some([
            RowImage::WorkItem(Box::new(done)),
            RowImage::Agent(Box::new(agent.clone())),
        ]))
    }

    fn somebody_arrives(&mut self) -> anyhow::Result<()> {
        let queue = queue_id(self.dice.index(QUEUES));
        let item = self.item(queue);
        self.items.insert(item.id, item.clone());
        self.tell(RowImage::WorkItem(Box::new(item)));
        let watch = Stopwatch::start();
        let nobody = self.engine.decide(self.now);
        self.in_engine += watch.elapsed();
        self.carry_out(&nobody)
    }

    fn tell(&mut self, image: RowImage) {
        let watch = Stopwatch::start();
        self.engine.apply(image);
        self.in_engine += watch.elapsed();
    }

    /// Every offer is made and accepted at once, as rows and images.
    fn carry_out(&mut self, decisions: &Decisions) -> anyhow::Result<()> {
        for offer in &decisions.offers {
            self.next += 1;
            let id = OfferId::from_uuid(Uuid::from_u128(self.next));
            let reason = Box::new(offer.reason.clone());
            self.claim(
                offer.item_id,
                offer.user_id,
                None,
                ClaimPolicy::Offer { id, reason },
            )?;
        }
        Ok(())
    }

    fn claim(
        &mut self,
        item: WorkItemId,
        user: UserId,
        offer: Option<Offer>,
        policy: ClaimPolicy,
    ) -> anyhow::Result<()> {
        let is_offer = matches!(policy, ClaimPolicy::Offer { .. });
        let item = self.items.get(&item).context("it waits")?.clone();
        let at = usize::try_from(user.uuid().as_u128() & u128::from(u64::MAX))?;
        let held: Vec<_> = offer.iter().map(|_| item.clone()).collect();
        let rows = ClaimRows {
            offer,
            agent: self.agents[at].clone(),
            presence: Some(Presence {
                user_id: user,
                connected: true,
                gone_at: None,
            }),
            held,
            holder: None,
            queue: self
                .queues
                .get(&item.queue_id)
                .context("it is there")?
                .clone(),
            item,
        };
        let mut claim = claim(rows, policy, self.now)?;
        claim.item.version += 1;
        claim.agent.version += 1;
        self.items.insert(claim.item.id, claim.item.clone());
        self.agents[at] = claim.agent.clone();
        self.held.insert(user, claim.item.id);
        let item_id = claim.item.id;
        self.tell(RowImage::WorkItem(Box::new(claim.item)));
        self.tell(RowImage::Agent(Box::new(claim.agent)));
        if let Some(mut offer) = claim.offer {
            offer.version += 1;
            self.tell(RowImage::Offer(Box::new(offer.clone())));
            if is_offer {
                self.claim(item_id, user, Some(offer), ClaimPolicy::Accept)?;
            }
        }
        Ok(())
    }

    /// The naive way for one freed agent: look at every item, ask whether it waits and is open to
    /// her, keep the first.
    pub fn scan_s(&self) -> f64 {
        let agent = &self.agents[0];
        let hers = |q: &&Queue| q.members.iter().any(|m| m.user_id == agent.user_id);
        let queues: BTreeSet<_> = self.queues.values().filter(hers).map(|q| q.id).collect();
        let watch = Stopwatch::start();
        let items = self.items.values();
        let open = items.filter(|i| i.agent_id().is_none() && queues.contains(&i.queue_id));
        black_box(open.min_by_key(|i| (i.eligible_since, i.id)));
        watch.elapsed().as_secs_f64()
    }
}

fn queue(n: usize) -> Queue {
    Queue {
        id: queue_id(n),
        tenant_id: tenant(),
        name: format!("queue {n}"),
        color: 0,
        offer_ttl_s: 30,
        target_s: 60 + (n as i64 % 5) * 60,
        required_skills: vec![RequiredSkill {
            skill_id: skill_id(n % 4),
            level_min: 1,
        }],
        members: Vec::new(),
        routing: QueueRouting {
            select: n.is_multiple_of(2).then_some(Select::LongestIdle),
            ..QueueRouting::default()
        },
        archived_at: None,
        version: 1,
    }
}
