//! A tenant's rows in memory, changed only as the store would change them: fresh rows go through
//! the crate's rule, new rows get the next version, and their images go to the engine.

use domain::agent_state::AgentState;
use domain::clock::from_micros;
use domain::image::Presence;
use domain::offer::Offer;
use domain::queue::{Queue, QueueMember, QueueRouting};
use domain::work_item::{CompletedReason, WorkItem};
use domain::{OfferId, QueueId, SkillId, TenantId, TicketId, Time, UserId, WorkItemId};
use routing::{
    Claim, ClaimPolicy, ClaimRows, Decisions, Engine, Policy, Refusal, Release, RowImage,
    SeenPresence, Snapshot, Turn, claim, complete, decline, end_offer, overflow, recover,
    reference, requeue,
};
use std::collections::BTreeMap;
use uuid::Uuid;

pub const QUEUE: u128 = 1;
pub const CHANNEL: &str = "sandbox";

pub fn agent(n: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(n))
}

pub fn queue(n: u128) -> QueueId {
    QueueId::from_uuid(Uuid::from_u128(n))
}

pub fn skill(n: u128) -> SkillId {
    SkillId::from_uuid(Uuid::from_u128(n))
}

pub fn seconds(n: i64) -> chrono::TimeDelta {
    chrono::TimeDelta::seconds(n)
}

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(7))
}

pub struct World {
    pub now: Time,
    pub items: BTreeMap<WorkItemId, WorkItem>,
    pub offers: BTreeMap<OfferId, Offer>,
    pub agents: BTreeMap<UserId, AgentState>,
    pub queues: BTreeMap<QueueId, Queue>,
    pub presences: BTreeMap<UserId, SeenPresence>,
    pub policy: Policy,
    pub turns: BTreeMap<QueueId, Turn>,
    pub engine: Engine,
    /// Images that the engine has not seen yet.
    pub unseen: Vec<RowImage>,
    /// Every image ever, to be told again.
    pub told: Vec<RowImage>,
    next: u128,
}

impl World {
    /// One queue without members, at the beginning of time.
    pub fn new() -> Self {
        let now = from_micros(1_700_000_000_000_000);
        let mut world = Self {
            now,
            items: BTreeMap::new(),
            offers: BTreeMap::new(),
            agents: BTreeMap::new(),
            queues: BTreeMap::new(),
            presences: BTreeMap::new(),
            policy: Policy::default(),
            turns: BTreeMap::new(),
            engine: Engine::from_rows(Snapshot::default(), now),
            unseen: Vec::new(),
            told: Vec::new(),
            next: 1000,
        };
        world.add_queue(QUEUE);
        world
    }

    fn fresh(&mut self) -> Uuid {
        self.next += 1;
        Uuid::from_u128(self.next)
    }

    // -- rows ------------------------------------------------------------------------------

    fn tell(&mut self, image: RowImage) {
        self.unseen.push(image);
    }

    pub fn put_item(&mut self, mut row: WorkItem) {
        row.version += 1;
        self.items.insert(row.id, row.clone());
        self.tell(RowImage::WorkItem(Box::new(row)));
    }

    pub fn put_offer(&mut self, mut row: Offer) {
        row.version += 1;
        self.offers.insert(row.id, row.clone());
        self.tell(RowImage::Offer(Box::new(row)));
    }

    pub fn put_agent(&mut self, mut row: AgentState) {
        row.version += 1;
        self.agents.insert(row.user_id, row.clone());
        self.tell(RowImage::Agent(Box::new(row)));
    }

    pub fn put_queue(&mut self, mut row: Queue) {
        row.version += 1;
        self.queues.insert(row.id, row.clone());
        self.tell(RowImage::Queue(Box::new(row)));
    }

    pub fn put_presence(&mut self, presence: Presence) {
        self.next += 1;
        let version = i64::try_from(self.next).unwrap();
        let row = SeenPresence { presence, version };
        self.presences.insert(row.presence.user_id, row.clone());
        self.tell(RowImage::Presence(row));
    }

    pub fn edit_policy(&mut self, edit: impl FnOnce(&mut Policy)) {
        edit(&mut self.policy);
        self.policy.version += 1;
        self.tell(RowImage::Policy(Box::new(self.policy.clone())));
    }

    /// Notes whom the queue asked last.
    fn put_turn(&mut self, queue_id: QueueId, user_id: UserId) {
        let version = self.turns.get(&queue_id).map_or(1, |t| t.version + 1);
        let turn = Turn {
            queue_id,
            user_id,
            version,
        };
        self.turns.insert(queue_id, turn);
        self.tell(RowImage::Turn(turn));
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            work_items: self.items.values().cloned().collect(),
            offers: self.offers.values().cloned().collect(),
            agents: self.agents.values().cloned().collect(),
            queues: self.queues.values().cloned().collect(),
            presences: self.presences.values().cloned().collect(),
            policy: self.policy.clone(),
            turns: self.turns.values().copied().collect(),
        }
    }

    pub fn catch_up(&mut self) {
        for image in std::mem::take(&mut self.unseen) {
            self.told.push(image.clone());
            self.engine.apply(image);
        }
    }

    // -- configuration and people ------------------------------------------------------------

    pub fn add_queue(&mut self, n: u128) {
        self.put_queue(Queue {
            id: queue(n),
            tenant_id: tenant(),
            name: format!("queue {n}"),
            color: 0,
            offer_ttl_s: 20,
            target_s: 300,
            required_skills: Vec::new(),
            members: Vec::new(),
            routing: QueueRouting::default(),
            archived_at: None,
            version: 0,
        });
    }

    pub fn edit_queue(&mut self, n: u128, edit: impl FnOnce(&mut Queue)) {
        let mut row = self.queues[&queue(n)].clone();
        edit(&mut row);
        self.put_queue(row);
    }

    pub fn edit_agent(&mut self, n: u128, edit: impl FnOnce(&mut AgentState)) {
        let mut row = self.agents[&agent(n)].clone();
        edit(&mut row);
        self.put_agent(row);
    }

    /// An offline agent in no queue.
    pub fn hire(&mut self, n: u128) {
        self.put_agent(AgentState::offline(agent(n), tenant(), self.now));
    }

    /// A member of the queue, signed in and ready, with one slot for everything.
    pub fn add_ready_agent(&mut self, n: u128) {
        self.hire(n);
        self.join(QUEUE, n);
        self.edit_agent(n, |a| {
            a.capacity.insert("*".into(), 1);
        });
        self.log_in(n);
    }

    pub fn join(&mut self, queue_n: u128, n: u128) {
        self.edit_queue(queue_n, |q| {
            q.members.push(QueueMember {
                user_id: agent(n),
                priority: 1,
                delay_s: 0,
            });
        });
    }

    pub fn log_in(&mut self, n: u128) {
        let now = self.now;
        self.edit_agent(n, |a| *a = a.clone().become_available(now));
        self.connect(n);
    }

    pub fn connect(&mut self, n: u128) {
        self.put_presence(Presence {
            user_id: agent(n),
            connected: true,
            gone_at: None,
        });
    }

    pub fn vanish(&mut self, n: u128) {
        self.put_presence(Presence {
            user_id: agent(n),
            connected: false,
            gone_at: Some(self.now),
        });
    }

    // -- work ----------------------------------------------------------------------------------

    pub fn arrive(&mut self) -> WorkItemId {
        self.arrive_with(|_| {})
    }

    pub fn arrive_with(&mut self, edit: impl FnOnce(&mut WorkItem)) -> WorkItemId {
        let ticket = TicketId::from_uuid(self.fresh());
        let mut item =
            WorkItem::queued(tenant(), ticket, queue(QUEUE), CHANNEL.into(), 0, self.now);
        item.id = WorkItemId::from_uuid(self.fresh());
        edit(&mut item);
        let id = item.id;
        self.put_item(item);
        id
    }

    fn open_offer_of(&self, item: &WorkItem) -> Option<Offer> {
        let offer = self.offers.get(&item.offer_id()?)?;
        offer.is_open().then(|| offer.clone())
    }

    fn holder_of(&self, item: &WorkItem) -> Option<AgentState> {
        self.agents.get(&item.agent_id()?).cloned()
    }

    pub fn held(&self, user: UserId) -> Vec<WorkItem> {
        let hers = |i: &&WorkItem| i.agent_id() == Some(user) && !i.state().is_over();
        self.items.values().filter(hers).cloned().collect()
    }

    pub fn claim(
        &mut self,
        item: WorkItemId,
        user: UserId,
        policy: ClaimPolicy,
    ) -> Result<Claim, Refusal> {
        let item = self.items[&item].clone();
        let rows = ClaimRows {
            offer: self.open_offer_of(&item),
            agent: self.agents[&user].clone(),
            presence: self.presences.get(&user).map(|p| p.presence.clone()),
            held: self.held(user),
            holder: self.holder_of(&item),
            queue: self.queues[&item.queue_id].clone(),
            item,
        };
        let claim = claim(rows, policy, self.now)?;
        let stored = claim.clone();
        self.put_item(stored.item);
        stored.offer.into_iter().for_each(|o| self.put_offer(o));
        self.put_agent(stored.agent);
        stored.holder.into_iter().for_each(|h| self.put_agent(h));
        Ok(claim)
    }

    pub fn accept(&mut self, item: WorkItemId, n: u128) -> Result<Claim, Refusal> {
        self.claim(item, agent(n), ClaimPolicy::Accept)
    }

    fn store(&mut self, release: Result<Release, Refusal>) -> Result<(), Refusal> {
        let release = release?;
        self.put_item(release.item);
        release.offer.into_iter().for_each(|o| self.put_offer(o));
        release.agent.into_iter().for_each(|a| self.put_agent(a));
        Ok(())
    }

    pub fn decline(&mut self, item: WorkItemId) -> Result<(), Refusal> {
        let row = self.items[&item].clone();
        let offer = self.open_offer_of(&row).ok_or(Refusal::OfferOver)?;
        let agent = self.agents[&offer.user_id].clone();
        self.store(decline(row, offer, agent, None, &self.policy, self.now))
    }

    pub fn close(&mut self, item: WorkItemId) -> Result<(), Refusal> {
        let row = self.items[&item].clone();
        let (offer, agent) = (self.open_offer_of(&row), self.holder_of(&row));
        let closed = complete(row, offer, agent, CompletedReason::Closed, self.now);
        self.store(closed)
    }

    pub fn requeue(&mut self, item: WorkItemId, to: QueueId) -> Result<(), Refusal> {
        let row = self.items[&item].clone();
        let (offer, agent) = (self.open_offer_of(&row), self.holder_of(&row));
        self.store(requeue(row, offer, agent, to, self.now))
    }

    // -- the router ------------------------------------------------------------------------------

    /// Applies decisions on fresh rows, as the router does. Lost races are refused, not errors.
    pub fn carry_out(&mut self, decisions: &Decisions) -> usize {
        let mut done = 0;
        for ending in decisions.expiries.iter().chain(&decisions.withdrawals) {
            let Some(offer) = self.offers.get(&ending.offer_id).cloned() else {
                continue;
            };
            let item = self.items[&offer.work_item_id].clone();
            let agent = self.agents.get(&offer.user_id).cloned();
            let presence = self.presences.get(&offer.user_id);
            let presence = presence.map(|p| p.presence.clone());
            let ended = end_offer(
                item,
                offer,
                agent,
                presence.as_ref(),
                &self.policy,
                self.now,
            );
            done += usize::from(self.store(ended).is_ok());
        }
        for orphan in &decisions.requeues {
            let item = self.items[&orphan.item_id].clone();
            let (offer, agent) = (self.open_offer_of(&item), self.holder_of(&item));
            done += usize::from(self.store(recover(item, offer, agent, self.now)).is_ok());
        }
        for o in &decisions.overflows {
            let (item, from) = (self.items[&o.item_id].clone(), &self.queues[&o.from]);
            let moved = overflow(item, from, &self.queues[&o.to], self.now);
            done += usize::from(self.store(moved).is_ok());
        }
        for offer in &decisions.offers {
            let policy = ClaimPolicy::Offer {
                id: OfferId::from_uuid(self.fresh()),
                reason: Box::new(offer.reason.clone()),
            };
            if self.claim(offer.item_id, offer.user_id, policy).is_ok() {
                self.put_turn(offer.queue_id, offer.user_id);
                done += 1;
            }
        }
        done
    }

    /// Routes until nothing is left to do now. The engine must agree with the reference each time.
    pub fn route(&mut self) -> Vec<Decisions> {
        let mut all = Vec::new();
        loop {
            self.catch_up();
            let decisions = self.engine.decide(self.now);
            assert_eq!(decisions, reference::decide(&self.snapshot(), self.now));
            let (empty, done) = (decisions.is_empty(), self.carry_out(&decisions));
            all.push(decisions);
            if empty || done == 0 {
                return all;
            }
        }
    }

    pub fn pass(&mut self, n: i64) {
        self.now += seconds(n);
    }

    /// Who is asked for the item, or works it.
    pub fn whose(&self, item: WorkItemId) -> Option<UserId> {
        self.items[&item].agent_id()
    }
}
