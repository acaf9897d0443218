//! The incremental engine: learns rows one image at a time and decides from indexes.
//!
//! Invariants: after every call each index is a function of (rows, clock), because a change takes
//! the touched rows out of the indexes and puts them back by their new values; `decide` leaves the
//! indexes as it found them. So an engine that followed a history equals one built from its rows.

mod agents;
mod decide;
mod known;
mod profile;
mod service;
mod timers;
mod waiting;

use crate::decision::Rule;
use crate::rank::ItemKey;
use crate::rows::{RowImage, SeenPresence, Snapshot};
use crate::rule::{self, Ineligible, SHARED};
use agents::AgentIndex;
use domain::agent_state::AgentState;
use domain::image::Presence;
use domain::offer::Offer;
use domain::policy::{Order, Policy, Turn};
use domain::queue::Queue;
use domain::work_item::{WorkItem, WorkItemState};
use domain::{OfferId, QueueId, Time, UserId, WorkItemId};
use known::{Groups, Known};
use profile::{Membership, Pool, Ready, Traits};
use std::collections::{BTreeMap, BTreeSet};
use timers::{Timer, Timers};
use waiting::{LineKey, Side, WaitingIndex};

/// All that routing knows of one tenant.
#[derive(Debug)]
pub struct Engine {
    policy: Policy,
    turns: Known<QueueId, Turn>,
    items: Known<WorkItemId, WorkItem>,
    offers: Known<OfferId, Offer>,
    agents: Known<UserId, AgentState>,
    queues: Known<QueueId, Queue>,
    presences: Known<UserId, SeenPresence>,
    memberships: BTreeMap<UserId, BTreeMap<QueueId, Membership>>,
    /// The different delays of a queue's members: a few, where members may be thousands.
    delays: BTreeMap<QueueId, BTreeSet<i64>>,
    /// Queues outside their hours.
    closed: BTreeSet<QueueId>,
    /// Queues without a present member, of those for which that makes a difference.
    unstaffed: BTreeSet<QueueId>,
    /// Σ shares of the queues in use.
    shares: f64,
    /// Offered and assigned items by agent.
    held: Groups<UserId, WorkItemId>,
    /// Queued items by queue, whatever the queue's state.
    queued: Groups<QueueId, WorkItemId>,
    offers_of_item: Groups<WorkItemId, OfferId>,
    offers_of_agent: Groups<UserId, OfferId>,
    ready: AgentIndex,
    waiting: WaitingIndex,
    timers: Timers,
    /// Open offers that should end.
    endings: BTreeMap<OfferId, Rule>,
    /// Items in nobody's hands.
    orphans: BTreeMap<WorkItemId, Rule>,
    /// Waiting items that should go to another queue.
    overflows: BTreeMap<WorkItemId, (QueueId, Rule)>,
    clock: Time,
}

impl Engine {
    /// Start, failover and doubt all begin here.
    pub fn from_rows(snapshot: Snapshot, now: Time) -> Self {
        let mut engine = Self {
            turns: Known::new(|t: &Turn| t.version),
            items: Known::new(|i: &WorkItem| i.version),
            offers: Known::new(|o: &Offer| o.version),
            agents: Known::new(|a: &AgentState| a.version),
            queues: Known::new(|q: &Queue| q.version),
            presences: Known::new(|p: &SeenPresence| p.version),
            memberships: BTreeMap::new(),
            delays: BTreeMap::new(),
            closed: BTreeSet::new(),
            unstaffed: BTreeSet::new(),
            held: Groups::default(),
            queued: Groups::default(),
            offers_of_item: Groups::default(),
            offers_of_agent: Groups::default(),
            ready: AgentIndex::default(),
            policy: snapshot.policy,
            shares: 0.0,
            waiting: WaitingIndex::default(),
            timers: Timers::default(),
            endings: BTreeMap::new(),
            orphans: BTreeMap::new(),
            overflows: BTreeMap::new(),
            clock: now,
        };
        for queue in snapshot.queues {
            engine.apply_queue(queue);
        }
        for presence in snapshot.presences {
            engine.apply_presence(presence);
        }
        for agent in snapshot.agents {
            engine.apply_agent(agent);
        }
        for item in snapshot.work_items {
            engine.apply_item(item);
        }
        for offer in snapshot.offers {
            engine.apply_offer(offer);
        }
        for turn in snapshot.turns {
            engine.apply_turn(turn);
        }
        engine
    }

    /// Learns a changed row. Returns whether it was news.
    pub fn apply(&mut self, image: RowImage) -> bool {
        match image {
            RowImage::WorkItem(item) => self.apply_item(*item),
            RowImage::Offer(offer) => self.apply_offer(*offer),
            RowImage::Agent(agent) => self.apply_agent(*agent),
            RowImage::Queue(queue) => self.apply_queue(*queue),
            RowImage::Presence(presence) => self.apply_presence(presence),
            RowImage::Policy(policy) => self.apply_policy(*policy),
            RowImage::Turn(turn) => self.apply_turn(turn),
        }
    }

    /// The rows that the engine knows, for [`reference::explain`](crate::reference::explain).
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

    /// How many items of this queue wait without an offer.
    pub fn waiting(&self, queue: QueueId) -> usize {
        self.queued.len_of(&queue)
    }

    /// Another order or another selection: every index is another one.
    fn apply_policy(&mut self, policy: Policy) -> bool {
        if policy.version <= self.policy.version {
            return false;
        }
        let known = Snapshot {
            policy,
            ..self.snapshot()
        };
        let new = Self::from_rows(known, self.clock);
        let old = std::mem::replace(self, new);
        self.items.remember_ended(old.items);
        self.offers.remember_ended(old.offers);
        true
    }

    fn apply_turn(&mut self, turn: Turn) -> bool {
        let is_news = self.turns.is_news(turn.queue_id, &turn);
        if is_news {
            self.turns.put(turn.queue_id, turn);
        }
        is_news
    }

    fn apply_item(&mut self, item: WorkItem) -> bool {
        let id = item.id;
        if !self.items.is_news(id, &item) {
            return false;
        }
        let agent = item.agent_id().filter(|_| !item.state().is_over());
        let queued = (item.state() == WorkItemState::Queued).then_some(item.queue_id);
        let old = if item.state().is_over() {
            self.items.end(id, &item)
        } else {
            self.items.put(id, item)
        };
        let old_agent = old.as_ref().and_then(WorkItem::agent_id);
        if let Some(old) = &old {
            self.queued.remove(&old.queue_id, &id);
        }
        if let Some(queue) = queued {
            self.queued.insert(queue, id);
        }
        if let Some(user) = old_agent {
            self.held.remove(&user, &id);
        }
        if let Some(user) = agent {
            self.held.insert(user, id);
        }
        self.place_item(id);
        for offer in self.offers_of_item.of(&id).collect::<Vec<_>>() {
            self.place_offer(offer);
        }
        for user in [old_agent, agent].into_iter().flatten() {
            self.place_agent(user, None);
        }
        true
    }

    fn apply_offer(&mut self, offer: Offer) -> bool {
        let (id, item, user) = (offer.id, offer.work_item_id, offer.user_id);
        if !self.offers.is_news(id, &offer) {
            return false;
        }
        if offer.is_open() {
            self.offers.put(id, offer);
            self.offers_of_item.insert(item, id);
            self.offers_of_agent.insert(user, id);
        } else {
            self.offers.end(id, &offer);
            self.offers_of_item.remove(&item, &id);
            self.offers_of_agent.remove(&user, &id);
        }
        self.place_offer(id);
        self.place_item(item);
        self.place_agent(user, None);
        true
    }

    fn apply_agent(&mut self, agent: AgentState) -> bool {
        let user = agent.user_id;
        if !self.agents.is_news(user, &agent) {
            return false;
        }
        let same = self.agents.get(user).is_some_and(|old| {
            old.proficiencies == agent.proficiencies
                && old.channels_off == agent.channels_off
                && old.capacity.keys().eq(agent.capacity.keys())
        });
        let is_new = self.agents.put(user, agent).is_none();
        let traits = (!same).then(|| self.traits(user));
        self.place_offers_and_agent(user, traits);
        if is_new {
            for item in self.held.of(&user).collect::<Vec<_>>() {
                self.place_item(item);
            }
        }
        self.staff_changed(user);
        true
    }

    fn apply_presence(&mut self, presence: SeenPresence) -> bool {
        let user = presence.presence.user_id;
        if !self.presences.is_news(user, &presence) {
            return false;
        }
        self.presences.put(user, presence);
        self.place_offers_and_agent(user, None);
        self.staff_changed(user);
        true
    }

    /// Configuration changes are rare: everybody and everything of the queue is placed anew.
    fn apply_queue(&mut self, queue: Queue) -> bool {
        let id = queue.id;
        if !self.queues.is_news(id, &queue) {
            return false;
        }
        let select = rule::select(&queue, &self.policy);
        let mut members = BTreeMap::new();
        for m in &queue.members {
            // The first entry counts when somebody is listed twice.
            members.entry(m.user_id).or_insert(Membership {
                priority: m.priority,
                delay_s: m.delay_s,
                select,
            });
        }
        let delays = queue.members.iter().map(|m| m.delay_s).collect();
        self.delays.insert(id, delays);
        let old = self.queues.put(id, queue);
        let in_use = self.queues.values().filter(|q| q.archived_at.is_none());
        self.shares = in_use.map(|q| self.policy.share(q.id)).sum();
        let old_members = old.iter().flat_map(|q| &q.members).map(|m| m.user_id);
        let touched: BTreeSet<_> = old_members.chain(members.keys().copied()).collect();
        for user in touched {
            let memberships = self.memberships.entry(user).or_default();
            match members.get(&user) {
                Some(membership) => memberships.insert(id, *membership),
                None => memberships.remove(&id),
            };
            let traits = self.traits(user);
            self.place_agent(user, Some(traits));
        }
        self.look_at_queue(id);
        self.place_items_of(id);
        self.place_items_that_lead_to(id);
        true
    }

    fn traits(&self, user: UserId) -> Traits {
        let mut traits = Traits {
            memberships: self.memberships.get(&user).cloned().unwrap_or_default(),
            ..Traits::default()
        };
        if let Some(agent) = self.agents.get(user) {
            for p in &agent.proficiencies {
                traits.skills.entry(p.skill_id).or_insert(p.level);
            }
            traits.channels_off.clone_from(&agent.channels_off);
            let kinds = agent.capacity.keys().filter(|kind| *kind != SHARED);
            traits.kinds = kinds.cloned().collect();
        }
        let own = self.policy.agents.get(&user).map(|a| &a.handling_s);
        // Only this order asks for it; else it would split profiles for nothing.
        let own = own.filter(|_| self.policy.order == Order::Gcmu);
        let bits = own.into_iter().flatten();
        traits.handling = bits.map(|(k, s)| (k.clone(), s.to_bits())).collect();
        traits
    }

    /// Offers first: whether one of hers is overdue decides whether she is ready.
    fn place_offers_and_agent(&mut self, user: UserId, traits: Option<Traits>) {
        for offer in self.offers_of_agent.of(&user).collect::<Vec<_>>() {
            self.place_offer(offer);
        }
        self.place_agent(user, traits);
    }

    fn place_item(&mut self, id: WorkItemId) {
        let item = self.items.get(id);
        match item.and_then(|i| self.orphaned(i)) {
            Some(rule) => self.orphans.insert(id, rule),
            None => self.orphans.remove(&id),
        };
        let queued = item
            .filter(|i| i.state() == WorkItemState::Queued)
            .and_then(|i| Some((i, self.queues.get(i.queue_id)?)))
            .filter(|(_, queue)| queue.archived_at.is_none());
        let overflow = queued.and_then(|(item, queue)| self.overflow(item, queue));
        let stays = queued.filter(|_| overflow.is_none());
        let waits = stays.filter(|(_, queue)| !self.closed.contains(&queue.id));
        let opens = waits.and_then(|(item, queue)| self.next_opening(item, queue));
        let flows = stays
            .into_iter()
            .flat_map(|(item, queue)| rule::overflow_turns(item, queue));
        let flows = flows.filter(|at| *at > self.clock);
        let place = waits.map(|(item, queue)| {
            let excludes = item.exclusions.iter().any(|e| e.until > self.clock);
            let side = if excludes { Side::Beside } else { Side::InLine };
            let only = rule::kept_for(item, self.clock);
            let criteria = rule::criteria(item, queue, self.clock);
            let criteria = criteria.map(|r| (r.skill_id, r.level_min)).collect();
            (
                LineKey::of(item, side, only, criteria),
                ItemKey::of(item, queue, self.policy.order),
            )
        });
        match overflow {
            Some(overflow) => self.overflows.insert(id, overflow),
            None => self.overflows.remove(&id),
        };
        let turns = opens.into_iter().chain(flows).min();
        self.timers.set(Timer::ItemOpens(id), turns);
        self.waiting.put(id, place);
    }

    fn orphaned(&self, item: &WorkItem) -> Option<Rule> {
        let offer = item.offer_id().and_then(|id| self.offers.get(id));
        let agent = item.agent_id().and_then(|id| self.agents.get(id));
        rule::orphaned(item, offer, agent)
    }

    fn place_offer(&mut self, id: OfferId) {
        let offer = self.offers.get(id);
        let ending = offer.and_then(|o| self.ending(o));
        let expires = offer.filter(|_| ending.is_none()).map(|o| o.expires_at);
        self.timers.set(Timer::OfferExpires(id), expires);
        match ending {
            Some(rule) => self.endings.insert(id, rule),
            None => self.endings.remove(&id),
        };
        if let Some(user) = self.offers.get(id).map(|o| o.user_id) {
            self.place_agent(user, None);
        }
    }

    fn ending(&self, offer: &Offer) -> Option<Rule> {
        let (item, user) = (self.items.get(offer.work_item_id), offer.user_id);
        let agent = self.agents.get(user);
        rule::ending(offer, item, agent, self.presence(user), self.clock)
    }

    fn place_agent(&mut self, user: UserId, traits: Option<Traits>) {
        if self.agents.get(user).is_none() {
            return;
        }
        let lost_at = rule::lost_at(self.presence(user)).filter(|at| *at > self.clock);
        self.timers.set(Timer::AgentIsLost(user), lost_at);
        if let Some(traits) = traits {
            self.ready.join(user, traits);
        } else if !self.ready.knows(user) {
            self.ready.join(user, self.traits(user));
        }
        let Some(readiness) = self.agents.get(user).map(|a| self.readiness(a)) else {
            return;
        };
        self.ready.put(user, readiness);
    }

    fn readiness(&self, agent: &AgentState) -> Result<Ready, Ineligible> {
        let user = agent.user_id;
        if let Some(why) = rule::unready(agent, self.presence(user)) {
            return Err(why);
        }
        let expired = |id| self.endings.get(&id) == Some(&Rule::OfferExpired);
        if self.offers_of_agent.of(&user).any(expired) {
            return Err(Ineligible::NotResponding);
        }
        let held = self.held.of(&user).filter_map(|id| self.items.get(id));
        let held: Vec<_> = held.collect();
        let pools = self.ready.profile_of(user).into_iter();
        let pools = pools.flat_map(|profile| profile.pools()).map(|kind| Pool {
            slots: agent.slots(kind),
            spare: rule::spare_slots(agent, kind, held.iter().copied()),
        });
        Ok(Ready {
            load: held
                .iter()
                .fold(0, |sum, i| i64::saturating_add(sum, i.weight)),
            tier: self.policy.tier(user),
            released_at: agent.released_at,
            pools: pools.collect(),
        })
    }

    fn presence(&self, user: UserId) -> Option<&Presence> {
        self.presences.get(user).map(|p| &p.presence)
    }

    /// When this item may be offered to somebody to whom it may not be offered now.
    fn next_opening(&self, item: &WorkItem, queue: &Queue) -> Option<Time> {
        let exclusions = item.exclusions.iter().map(|e| e.until);
        let delays = self.delays.get(&item.queue_id).into_iter().flatten();
        let steps = item.criteria.iter().chain(&queue.routing.relax);
        let steps = steps.map(|step| &step.after_s);
        let openings = delays.chain(steps);
        let openings = openings.map(|s| rule::later(item.eligible_since, *s));
        let kept = item.preferred.map(|p| p.until);
        let instants = exclusions.chain(kept).chain(openings);
        instants.filter(|at| *at > self.clock).min()
    }
}
