//! The specification, written to be read: slow, without an index and without memory. The engine
//! must decide exactly this. Also answers "why her?" and "why still waiting?" in full.

use crate::decision::{
    Decisions, Ending, OfferDecision, Overflow, Reason, Requeue, Rule, RunnerUp, Score,
};
use crate::rank::{AgentKey, Asked, Front, FrontKey, ItemKey, Seat, Share, Standing, Waiting};
use crate::rows::Snapshot;
use crate::rule::{self, DemandClass, Ineligible, Service};
use domain::agent_state::AgentState;
use domain::image::Presence;
use domain::offer::Offer;
use domain::policy::{Policy, Select};
use domain::queue::{Queue, QueueMember};
use domain::work_item::{WorkItem, WorkItemState};
use domain::{QueueId, Time, UserId, WorkItemId};
use std::collections::{BTreeMap, BTreeSet};

/// What should happen now, by these rows.
pub fn decide(snapshot: &Snapshot, now: Time) -> Decisions {
    let mut world = World::of(snapshot, now);
    let mut decisions = Decisions::default();
    for offer in world.open_offers() {
        match world.ending(offer) {
            Some(Rule::OfferExpired) => decisions.expiries.push(end(offer, Rule::OfferExpired)),
            Some(rule) => decisions.withdrawals.push(end(offer, rule)),
            None => {}
        }
    }
    decisions.requeues = world.requeues();
    decisions.overflows = world.overflows();
    let staying = world.staying();
    while let Some(offer) = world.next_offer() {
        world.hold(&offer);
        decisions.offers.push(offer);
    }
    decisions.next_wake = world.next_wake(&staying);
    decisions
}

/// Every agent of the tenant, whether she may be asked for this item now, and if not, why.
/// Those who may come first, in the order in which they would be asked. `None`: no such item
/// waits, or its queue is unknown.
pub fn explain(snapshot: &Snapshot, item: WorkItemId, now: Time) -> Option<Vec<Candidate>> {
    let item = snapshot.work_items.iter().find(|i| i.id == item)?;
    candidates(snapshot, item, now)
}

/// The same for an item that may not exist yet: who would get a new contact now? `None`: its queue
/// is unknown.
pub fn candidates(snapshot: &Snapshot, item: &WorkItem, now: Time) -> Option<Vec<Candidate>> {
    World::of(snapshot, now).candidates(item)
}

/// One line of the answer to "who would get it now?".
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Candidate {
    pub user_id: UserId,
    pub score: Option<crate::Score>,
    pub why_not: Option<Ineligible>,
}

pub(crate) struct World<'a> {
    snapshot: &'a Snapshot,
    now: Time,
    pub queues: BTreeMap<QueueId, &'a Queue>,
    presences: BTreeMap<UserId, &'a Presence>,
    /// Queues outside their hours.
    closed: BTreeSet<QueueId>,
    /// Agents with an offer that is overdue.
    silent: BTreeSet<UserId>,
    /// What is in each agent's hands, offers included.
    held: BTreeMap<UserId, Vec<&'a WorkItem>>,
    /// Whom each queue asked last.
    turns: BTreeMap<QueueId, UserId>,
    /// Items that are offered by this very decision.
    decided: BTreeSet<WorkItemId>,
}

impl<'a> World<'a> {
    pub fn of(snapshot: &'a Snapshot, now: Time) -> Self {
        let mut held: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for item in snapshot.work_items.iter().filter(|i| !i.state().is_over()) {
            if let Some(agent) = item.agent_id() {
                held.entry(agent).or_default().push(item);
            }
        }
        let mut world = Self {
            snapshot,
            now,
            queues: snapshot.queues.iter().map(|q| (q.id, q)).collect(),
            closed: BTreeSet::new(),
            silent: BTreeSet::new(),
            presences: snapshot
                .presences
                .iter()
                .map(|p| (p.presence.user_id, &p.presence))
                .collect(),
            held,
            turns: snapshot
                .turns
                .iter()
                .map(|t| (t.queue_id, t.user_id))
                .collect(),
            decided: BTreeSet::new(),
        };
        let queues = snapshot.queues.iter();
        let closed = queues.filter(|q| rule::is_closed(q, now)).map(|q| q.id);
        world.closed = closed.collect();
        let open = world.open_offers().into_iter();
        let overdue = open.filter(|o| world.ending(o) == Some(Rule::OfferExpired));
        world.silent = overdue.map(|o| o.user_id).collect();
        world
    }

    pub fn candidates(&self, item: &WorkItem) -> Option<Vec<Candidate>> {
        let queue = self.queues.get(&item.queue_id)?;
        let agents = self.snapshot.agents.iter();
        let mut candidates: Vec<_> = agents
            .map(|agent| (self.check(item, queue, agent), agent.user_id))
            .collect();
        candidates.sort_by_key(|(verdict, id)| {
            let key = verdict.ok().map(|seat| seat.key);
            (verdict.is_err(), key, verdict.err(), *id)
        });
        let lines = candidates.into_iter().map(|(verdict, user_id)| Candidate {
            user_id,
            score: verdict.ok().map(|seat| seat.score),
            why_not: verdict.err(),
        });
        Some(lines.collect())
    }

    fn policy(&self) -> &'a Policy {
        &self.snapshot.policy
    }

    fn open_offers(&self) -> Vec<&'a Offer> {
        let mut offers: Vec<_> = self
            .snapshot
            .offers
            .iter()
            .filter(|o| o.is_open())
            .collect();
        offers.sort_by_key(|o| o.id);
        offers
    }

    /// Why an open offer should end now, if it should.
    fn ending(&self, offer: &Offer) -> Option<Rule> {
        let mut items = self.snapshot.work_items.iter();
        let item = items.find(|i| i.id == offer.work_item_id);
        let presence = self.presences.get(&offer.user_id).copied();
        rule::ending(offer, item, self.agent(offer.user_id), presence, self.now)
    }

    /// Items in the hands of nobody: put back in their place.
    fn requeues(&self) -> Vec<Requeue> {
        let mut requeues: Vec<_> = self
            .snapshot
            .work_items
            .iter()
            .filter_map(|item| {
                let rule = self.orphaned(item)?;
                Some(Requeue {
                    item_id: item.id,
                    queue_id: item.queue_id,
                    reason: Reason::plain(rule),
                })
            })
            .collect();
        requeues.sort_by_key(|r| r.item_id);
        requeues
    }

    fn orphaned(&self, item: &WorkItem) -> Option<Rule> {
        let mut offers = self.snapshot.offers.iter();
        let offer = offers.find(|o| Some(o.id) == item.offer_id());
        let agent = item.agent_id().and_then(|id| self.agent(id));
        rule::orphaned(item, offer, agent)
    }

    /// Queued items of queues in use.
    fn queued(&self) -> impl Iterator<Item = (&'a WorkItem, &'a Queue)> {
        let items = self.snapshot.work_items.iter();
        items
            .filter(|i| i.state() == WorkItemState::Queued && !self.decided.contains(&i.id))
            .filter_map(|i| Some((i, *self.queues.get(&i.queue_id)?)))
            .filter(|(_, queue)| queue.archived_at.is_none())
    }

    /// Those of them that do not leave for another queue now.
    fn staying(&self) -> Vec<(&'a WorkItem, &'a Queue)> {
        let stay = self.queued().filter(|(i, q)| self.overflow(i, q).is_none());
        stay.collect()
    }

    /// Those of them that wait for somebody of an open queue.
    fn waiting(&self) -> Vec<(&'a WorkItem, &'a Queue)> {
        let mut waiting = self.staying();
        waiting.retain(|(_, q)| !self.closed.contains(&q.id));
        waiting
    }

    fn overflows(&self) -> Vec<Overflow> {
        let all = self.queued().filter_map(|(item, queue)| {
            let (to, rule) = self.overflow(item, queue)?;
            Some(Overflow {
                item_id: item.id,
                from: queue.id,
                to,
                reason: Reason::plain(rule),
            })
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|o| o.item_id);
        all
    }

    pub fn overflow(&self, item: &WorkItem, queue: &Queue) -> Option<(QueueId, Rule)> {
        let target = |to: QueueId| self.queues.get(&to).copied();
        let target = queue.routing.overflow.and_then(|o| target(o.to));
        let present = |user: UserId| {
            let presence = self.presences.get(&user).copied();
            let agent = self.agent(user);
            agent.is_some_and(|a| rule::unready(a, presence).is_none())
        };
        let service = Service {
            is_closed: self.closed.contains(&queue.id),
            is_staffed: queue.members.iter().any(|m| present(m.user_id)),
            has_overflow: target.is_some_and(|q| q.archived_at.is_none()),
        };
        rule::overflow(item, queue, service, self.now)
    }

    /// Of all items for which somebody may be asked, the first; and the best agent for it.
    fn next_offer(&self) -> Option<OfferDecision> {
        let waiting = self.waiting();
        let agents = self.snapshot.agents.iter();
        let fronts = agents.flat_map(|agent| self.fronts(agent, &waiting));
        let first = fronts.min()?;
        let mut waiting = waiting.into_iter();
        let (item, queue) = waiting.find(|(i, _)| i.id == first.item.id)?;
        self.best_offer(item, queue)
    }

    /// What this agent could be asked for. An order that compares heads sees of each queue only
    /// the oldest item that is open to her.
    fn fronts(&self, agent: &AgentState, waiting: &[(&'a WorkItem, &'a Queue)]) -> Vec<FrontKey> {
        let open = waiting
            .iter()
            .filter(|(i, q)| self.check(i, q, agent).is_ok());
        let mut open: Vec<_> = open.copied().collect();
        if self.policy().order.compares_heads() {
            open.sort_by_key(|(i, _)| (i.eligible_since, i.id));
            let mut seen = BTreeSet::new();
            open.retain(|(_, queue)| seen.insert(queue.id));
        }
        let fronts = open.into_iter().filter_map(|(item, queue)| {
            let front = Front {
                item,
                queue,
                member_priority: rule::member(queue, agent.user_id)?.priority,
                handling_s: self.policy().handling_s(agent.user_id, item.demand()),
                waiting: self.count(queue, waiting),
            };
            Some(FrontKey::of(&front, self.policy(), self.now))
        });
        fronts.collect()
    }

    fn count(&self, queue: &Queue, waiting: &[(&'a WorkItem, &'a Queue)]) -> Waiting {
        let in_use = self.queues.values().filter(|q| q.archived_at.is_none());
        let shares: f64 = in_use.map(|q| self.policy().share(q.id)).sum();
        Waiting {
            here: waiting
                .iter()
                .filter(|(i, _)| i.queue_id == queue.id)
                .count(),
            all: waiting.len(),
            share: Share(self.policy().share(queue.id) / shares),
        }
    }

    fn best_offer(&self, item: &WorkItem, queue: &Queue) -> Option<OfferDecision> {
        let mut eligible = Vec::new();
        let mut excluded: BTreeMap<Ineligible, usize> = BTreeMap::new();
        for agent in &self.snapshot.agents {
            match self.check(item, queue, agent) {
                Ok(seat) => eligible.push(seat),
                Err(Ineligible::NotMember) => {}
                Err(why) => *excluded.entry(why).or_default() += 1,
            }
        }
        eligible.sort_by_key(|seat| seat.key);
        let best = *eligible.first()?;
        Some(OfferDecision {
            item_id: item.id,
            user_id: best.key.id,
            queue_id: queue.id,
            reason: Reason {
                rule: rule::select(queue, self.policy()).into(),
                key: Some(ItemKey::of(item, queue, self.policy().order).at),
                score: Some(best.score),
                demand_class: Some(DemandClass::of(item, queue, self.now)),
                config_version: Some(queue.version),
                runner_up: eligible[1..]
                    .iter()
                    .take(3)
                    .map(|seat| RunnerUp::from(*seat))
                    .collect(),
                excluded: excluded.into_iter().collect(),
            },
        })
    }

    /// May this agent be asked for this item now? If so, her place among those who may.
    pub fn check(
        &self,
        item: &WorkItem,
        queue: &Queue,
        agent: &AgentState,
    ) -> Result<Seat, Ineligible> {
        if queue.archived_at.is_some() {
            return Err(Ineligible::QueueArchived);
        }
        if self.closed.contains(&queue.id) {
            return Err(Ineligible::Closed);
        }
        let member = rule::member(queue, agent.user_id).ok_or(Ineligible::NotMember)?;
        if let Some(why) = rule::unready(agent, self.presences.get(&agent.user_id).copied()) {
            return Err(why);
        }
        if self.silent.contains(&agent.user_id) {
            return Err(Ineligible::NotResponding);
        }
        if agent.channels_off.contains(&item.channel) {
            return Err(Ineligible::ChannelOff);
        }
        let required = rule::required(item, queue, self.now);
        if !rule::is_skilled(agent, &required) {
            return Err(Ineligible::Skill);
        }
        let held = self.held(agent.user_id);
        let spare = rule::spare_slots(agent, &item.channel, held.iter().copied());
        if item.weight > spare {
            return Err(Ineligible::Capacity);
        }
        if rule::later(item.eligible_since, member.delay_s) > self.now {
            return Err(Ineligible::Delay);
        }
        if rule::kept_for(item, self.now).is_some_and(|user| user != agent.user_id) {
            return Err(Ineligible::Reserved);
        }
        if rule::is_excluded(item, agent.user_id, self.now) {
            return Err(Ineligible::Excluded);
        }
        let levels = rule::levels(agent, &required);
        let select = rule::select(queue, self.policy());
        Ok(self.seat(item, member, agent, (select, levels)))
    }

    /// Her place among those who may be asked.
    fn seat(
        &self,
        item: &WorkItem,
        member: &QueueMember,
        agent: &AgentState,
        (select, levels): (Select, i64),
    ) -> Seat {
        let held = self.held(agent.user_id);
        let (used, slots) = rule::occupied(agent, &item.channel, held.iter().copied());
        let standing = Standing {
            load: held
                .iter()
                .fold(0, |sum, i| i64::saturating_add(sum, i.weight)),
            used,
            slots,
            tier: self.policy().tier(agent.user_id),
            released_at: agent.released_at,
        };
        let asked = Asked {
            policy: self.policy(),
            select,
            item,
            turn: self.turns.get(&item.queue_id).copied(),
        };
        let (rank, since) = standing.rank(select);
        Seat {
            key: AgentKey {
                member_priority: asked.member_priority(member.priority),
                rank: asked.rank(rank, levels, agent.user_id),
                since,
                id: agent.user_id,
            },
            score: Score {
                member_priority: member.priority,
                load: standing.load,
                idle_since: agent.released_at,
            },
        }
    }

    /// The earliest instant after now that can change an answer.
    fn next_wake(&self, staying: &[(&WorkItem, &Queue)]) -> Option<Time> {
        let open = self.open_offers().into_iter();
        let expiries = open
            .filter(|o| self.ending(o).is_none())
            .map(|o| o.expires_at);
        let waiting = staying.iter().filter(|(_, q)| !self.closed.contains(&q.id));
        let openings = waiting.flat_map(|(item, queue)| {
            let delays = queue.members.iter().map(|m| m.delay_s);
            let steps = item.criteria.iter().chain(&queue.routing.relax);
            let openings = delays.chain(steps.map(|step| step.after_s));
            let exclusions = item.exclusions.iter().map(|e| e.until);
            let kept = item.preferred.map(|p| p.until);
            exclusions
                .chain(kept)
                .chain(openings.map(|s| rule::later(item.eligible_since, s)))
        });
        let agents = self.snapshot.agents.iter();
        let losses = agents.filter_map(|a| self.lost_at(a.user_id));
        let overflows = staying.iter().flat_map(|(i, q)| rule::overflow_turns(i, q));
        let in_use = self.queues.values().filter(|q| q.archived_at.is_none());
        let hours = in_use.filter_map(|q| q.routing.hours.as_ref());
        let turns = hours.filter_map(|hours| hours.at(self.now).until);
        let instants = expiries.chain(openings).chain(losses);
        let instants = instants.chain(overflows).chain(turns);
        instants.filter(|at| *at > self.now).min()
    }

    /// Takes note that an item decided a moment ago occupies her.
    fn hold(&mut self, offer: &OfferDecision) {
        let mut items = self.snapshot.work_items.iter();
        let item = items.find(|i| i.id == offer.item_id);
        self.held.entry(offer.user_id).or_default().extend(item);
        self.turns.insert(offer.queue_id, offer.user_id);
        self.decided.insert(offer.item_id);
    }

    fn held(&self, user: UserId) -> &[&'a WorkItem] {
        self.held.get(&user).map_or(&[], Vec::as_slice)
    }

    fn lost_at(&self, user: UserId) -> Option<Time> {
        rule::lost_at(self.presences.get(&user).copied())
    }

    fn agent(&self, user: UserId) -> Option<&'a AgentState> {
        self.snapshot.agents.iter().find(|a| a.user_id == user)
    }
}

fn end(offer: &Offer, rule: Rule) -> Ending {
    Ending {
        offer_id: offer.id,
        item_id: offer.work_item_id,
        user_id: offer.user_id,
        reason: Reason::plain(rule),
    }
}
