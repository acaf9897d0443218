//! The specification, written to be read: slow, without an index and without memory. The engine
//! must decide exactly this. Also answers "why her?" and "why still waiting?" in full.

use crate::decision::{Decisions, Ending, OfferDecision, Reason, Requeue, Rule, RunnerUp};
use crate::rows::Snapshot;
use crate::rule::{self, AgentKey, DemandClass, Ineligible, ItemKey};
use domain::agent_state::AgentState;
use domain::image::Presence;
use domain::offer::Offer;
use domain::queue::Queue;
use domain::work_item::{WorkItem, WorkItemState};
use domain::{QueueId, Time, UserId, WorkItemId};
use std::collections::BTreeMap;

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
    for item in world.waiting() {
        if let Some(offer) = world.best_offer(item) {
            world.hold(offer.user_id, item);
            decisions.offers.push(offer);
        }
    }
    decisions.next_wake = world.next_wake();
    decisions
}

/// Every agent of the tenant, whether she may be asked for this item now, and if not, why.
/// Those who may come first, in the order in which they would be asked. `None`: no such item
/// waits, or its queue is unknown.
pub fn explain(snapshot: &Snapshot, item: WorkItemId, now: Time) -> Option<Vec<Candidate>> {
    let world = World::of(snapshot, now);
    let item = snapshot.work_items.iter().find(|i| i.id == item)?;
    let queue = world.queues.get(&item.queue_id)?;
    let mut candidates: Vec<_> = snapshot
        .agents
        .iter()
        .map(|agent| (world.check(item, queue, agent), agent.user_id))
        .collect();
    candidates.sort_by_key(|(verdict, id)| (verdict.is_err(), verdict.ok(), verdict.err(), *id));
    Some(
        candidates
            .into_iter()
            .map(|(verdict, user_id)| Candidate {
                user_id,
                score: verdict.ok().map(Into::into),
                why_not: verdict.err(),
            })
            .collect(),
    )
}

/// One line of the answer to "who would get it now?".
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Candidate {
    pub user_id: UserId,
    pub score: Option<crate::Score>,
    pub why_not: Option<Ineligible>,
}

struct World<'a> {
    snapshot: &'a Snapshot,
    now: Time,
    queues: BTreeMap<QueueId, &'a Queue>,
    presences: BTreeMap<UserId, &'a Presence>,
    /// What is in each agent's hands, offers included.
    held: BTreeMap<UserId, Vec<&'a WorkItem>>,
}

impl<'a> World<'a> {
    fn of(snapshot: &'a Snapshot, now: Time) -> Self {
        let mut held: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for item in snapshot.work_items.iter().filter(|i| !i.state().is_over()) {
            if let Some(agent) = item.agent_id() {
                held.entry(agent).or_default().push(item);
            }
        }
        Self {
            snapshot,
            now,
            queues: snapshot.queues.iter().map(|q| (q.id, q)).collect(),
            presences: snapshot
                .presences
                .iter()
                .map(|p| (p.presence.user_id, &p.presence))
                .collect(),
            held,
        }
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

    /// Queued items of queues in use, the first to serve first.
    fn waiting(&self) -> Vec<&'a WorkItem> {
        let queued = self.snapshot.work_items.iter();
        let mut waiting: Vec<_> = queued
            .filter(|i| i.state() == WorkItemState::Queued)
            .filter_map(|i| Some((self.queues.get(&i.queue_id)?, i)))
            .filter(|(queue, _)| queue.archived_at.is_none())
            .map(|(queue, i)| (ItemKey::of(i, queue), i))
            .collect();
        waiting.sort_by_key(|(key, _)| *key);
        waiting.into_iter().map(|(_, item)| item).collect()
    }

    fn best_offer(&self, item: &WorkItem) -> Option<OfferDecision> {
        let queue = self.queues.get(&item.queue_id)?;
        let mut eligible = Vec::new();
        let mut excluded: BTreeMap<Ineligible, usize> = BTreeMap::new();
        for agent in &self.snapshot.agents {
            match self.check(item, queue, agent) {
                Ok(key) => eligible.push(key),
                Err(Ineligible::NotMember) => {}
                Err(why) => *excluded.entry(why).or_default() += 1,
            }
        }
        eligible.sort();
        let best = *eligible.first()?;
        Some(OfferDecision {
            item_id: item.id,
            user_id: best.id,
            queue_id: queue.id,
            reason: Reason {
                rule: Rule::LongestIdle,
                key: Some(ItemKey::of(item, queue).deadline),
                score: Some(best.into()),
                demand_class: Some(DemandClass::of(item, queue)),
                config_version: Some(queue.version),
                runner_up: eligible[1..]
                    .iter()
                    .take(3)
                    .map(|k| RunnerUp::from(*k))
                    .collect(),
                excluded: excluded.into_iter().collect(),
            },
        })
    }

    /// May this agent be asked for this item now? If so, her place among those who may.
    fn check(
        &self,
        item: &WorkItem,
        queue: &Queue,
        agent: &AgentState,
    ) -> Result<AgentKey, Ineligible> {
        if queue.archived_at.is_some() {
            return Err(Ineligible::QueueArchived);
        }
        let member = rule::member(queue, agent.user_id).ok_or(Ineligible::NotMember)?;
        if let Some(why) = rule::unready(agent, self.presences.get(&agent.user_id).copied()) {
            return Err(why);
        }
        if self.has_overdue_offer(agent.user_id) {
            return Err(Ineligible::NotResponding);
        }
        if !rule::is_skilled(agent, &queue.required_skills) {
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
        if rule::is_excluded(item, agent.user_id, self.now) {
            return Err(Ineligible::Excluded);
        }
        Ok(AgentKey {
            member_priority: member.priority,
            load: held
                .iter()
                .fold(0, |sum, i| i64::saturating_add(sum, i.weight)),
            released_at: agent.released_at,
            id: agent.user_id,
        })
    }

    /// The earliest instant after now that can change an answer.
    fn next_wake(&self) -> Option<Time> {
        let open = self.open_offers().into_iter();
        let expiries = open
            .filter(|o| self.ending(o).is_none())
            .map(|o| o.expires_at);
        let openings = self.waiting().into_iter().flat_map(|item| {
            let exclusions = item.exclusions.iter().map(|e| e.until);
            let queue = self.queues.get(&item.queue_id);
            let members = queue.into_iter().flat_map(|q| &q.members);
            exclusions.chain(members.map(|m| rule::later(item.eligible_since, m.delay_s)))
        });
        let agents = self.snapshot.agents.iter();
        let losses = agents.filter_map(|a| self.lost_at(a.user_id));
        let instants = expiries.chain(openings).chain(losses);
        instants.filter(|at| *at > self.now).min()
    }

    /// Takes note that an item decided a moment ago occupies her.
    fn hold(&mut self, user: UserId, item: &'a WorkItem) {
        self.held.entry(user).or_default().push(item);
    }

    fn held(&self, user: UserId) -> &[&'a WorkItem] {
        self.held.get(&user).map_or(&[], Vec::as_slice)
    }

    fn has_overdue_offer(&self, user: UserId) -> bool {
        let hers = |o: &&Offer| o.is_open() && o.user_id == user;
        let mut offers = self.snapshot.offers.iter().filter(hers);
        offers.any(|o| self.ending(o) == Some(Rule::OfferExpired))
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
