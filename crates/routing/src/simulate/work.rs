//! What happens to contacts and agents: offers, answers, work, wrap-up and shifts.

use super::measure::{Micros, micros};
use super::rows::{instant, place, queue_id};
use super::run::{Contact, Event, Simulation};
use super::staff::Worker;
use crate::OfferDecision;
use domain::offer::{NewOffer, Offer};
use domain::work_item::{CompletedReason, WorkItemState};
use domain::{InvalidTransition, OfferId};
use uuid::Uuid;

/// An answer in the last instant of ringing still counts.
const INSTANT: Micros = 1;

impl Simulation<'_> {
    /// A contact that found nobody free and a full queue is turned away.
    pub(super) fn block_if_full(&mut self, number: u64) {
        let Some(contact) = self.contacts.get(&number) else {
            return;
        };
        let queue = self
            .scenario
            .classes
            .get(contact.class)
            .map_or(0, |c| c.queue);
        let max = self.scenario.queues.get(queue).and_then(|q| q.max_waiting);
        let waiting = self.router.engine.waiting(queue_id(queue));
        // The contact itself is one of those who wait.
        if contact.item.state() == WorkItemState::Queued && max.is_some_and(|max| waiting > max) {
            self.leaves(number, |tally, _| tally.blocked += 1);
        }
    }

    fn leaves(&mut self, number: u64, keep: impl FnOnce(&mut super::measure::Tally, Micros)) {
        if let Some(mut contact) = self.contacts.remove(&number) {
            if let Ok(item) = contact.item.clone().complete(CompletedReason::Closed) {
                contact.item = item;
            }
            self.router.put_item(&mut contact.item);
            self.settled(&contact, keep);
        }
    }

    pub(super) fn gives_up(&mut self, number: u64) {
        let Some(contact) = self.contacts.get_mut(&number) else {
            return;
        };
        if !contact.item.state().is_waiting() {
            return;
        }
        let asked = contact.agent;
        if let Some(mut offer) = contact.offer.take() {
            if let Ok(ended) = offer.clone().withdraw("abandoned", instant(self.now)) {
                offer = ended;
            }
            self.router.put_offer(&mut offer);
        }
        self.leaves(number, |tally, wait| tally.abandoned.push(wait));
        if let Some(agent) = asked {
            self.change(agent, |worker| worker.ringing -= 1);
            self.goes_home_if_due(agent);
        }
        self.route();
    }

    pub(super) fn offers(&mut self, decision: &OfferDecision) {
        let number = place(decision.item_id.uuid()) as u64;
        let agent = place(decision.user_id.uuid());
        let Some(mut contact) = self.contacts.remove(&number) else {
            return;
        };
        self.note(&contact, agent, &decision.reason);
        if self.scenario.select == crate::Select::RoundRobin {
            self.router.put_turn(decision.queue_id, decision.user_id);
        }
        if contact.measured {
            let group = self.workers.get(agent).map_or(0, |w| w.group);
            if let Some(tally) = self.groups.get_mut(group) {
                tally.offers += 1;
            }
            if let Some(tally) = self.tallies.get_mut(contact.class) {
                tally.offers += 1;
            }
        }
        contact.agent = Some(agent);
        // The engine offers only what waits, so the transition holds.
        let _ = self.ring(&mut contact, decision);
        self.contacts.insert(number, contact);
    }

    /// Rings at the agent's, or connects at once.
    fn ring(
        &mut self,
        contact: &mut Contact,
        decision: &OfferDecision,
    ) -> Result<(), InvalidTransition> {
        let rules = &self.scenario.offer;
        let answers =
            rules.answer_probability >= 1.0 || self.answers.unit() <= rules.answer_probability;
        let after_s = rules.answer.draw_s(&mut self.answers);
        let answers = answers && after_s <= rules.ring_s;
        let id = OfferId::from_uuid(Uuid::from_u128(u128::from(self.decisions)));
        contact.item = contact.item.clone().offer(id, decision.user_id)?;
        let after = micros(after_s);
        if answers && after == 0 {
            return self.connect(contact);
        }
        let now = instant(self.now);
        let mut offer = Offer::open(
            NewOffer {
                id,
                tenant_id: contact.item.tenant_id,
                work_item_id: contact.item.id,
                ticket_id: contact.item.ticket_id,
                queue_id: contact.item.queue_id,
                user_id: decision.user_id,
                reason: serde_json::Value::Null,
                expires_at: instant(
                    self.now + micros(rules.ring_s) + if answers { INSTANT } else { 0 },
                ),
            },
            now,
        );
        self.router.put_offer(&mut offer);
        self.router.put_item(&mut contact.item);
        contact.offer = Some(offer);
        if let Some(agent) = contact.agent {
            self.change(agent, |worker| worker.ringing += 1);
        }
        if answers {
            self.plan(
                self.now + after,
                Event::Answer(contact.number, contact.item.offer_count),
            );
        }
        Ok(())
    }

    pub(super) fn answer_comes(&mut self, number: u64, offer_count: i64) {
        let Some(mut contact) = self.contacts.remove(&number) else {
            return;
        };
        let due = contact.item.offer_count == offer_count;
        if due && let Some(offer) = contact.offer.take() {
            if let Ok(mut accepted) = offer.accept(instant(self.now)) {
                self.router.put_offer(&mut accepted);
            }
            if let Some(agent) = contact.agent {
                self.change(agent, |worker| worker.ringing -= 1);
            }
            // An open offer is of a contact that rings.
            let _ = self.connect(&mut contact);
        }
        self.contacts.insert(number, contact);
        self.route();
    }

    /// The agent has the contact in hand from now on.
    fn connect(&mut self, contact: &mut Contact) -> Result<(), InvalidTransition> {
        let Some(agent) = contact.agent else {
            return Ok(());
        };
        let scenario = self.scenario;
        if let Some(user) = self.workers.get(agent).map(|w| w.row.user_id) {
            contact.item = contact.item.clone().assign(user)?;
        }
        self.router.put_item(&mut contact.item);
        self.settled(contact, |tally, wait| tally.answered.push(wait));
        let group = self.workers.get(agent).map_or(0, |w| w.group);
        if contact.measured
            && let Some(tally) = self.groups.get_mut(group)
        {
            tally.answered += 1;
        }
        let (Some(class), Some(group)) = (
            scenario.classes.get(contact.class),
            scenario.groups.get(group),
        ) else {
            return Ok(());
        };
        let law = group.handle.get(&contact.class).unwrap_or(&class.handle);
        let (work_s, now, number) = (law.draw_s(&mut self.handling), self.now, contact.number);
        let speeds = group.speed_by_load.as_deref();
        self.change(agent, |worker| {
            worker
                .desk(&class.channel)
                .start(number, work_s, speeds, now);
        });
        self.plan_finish(agent, contact.class);
        Ok(())
    }

    fn plan_finish(&mut self, agent: usize, class: usize) {
        let scenario = self.scenario;
        let Some(worker) = self.workers.get_mut(agent) else {
            return;
        };
        let speeds = scenario
            .groups
            .get(worker.group)
            .and_then(|g| g.speed_by_load.as_deref());
        let channel = scenario.classes.get(class).map_or("", |c| &c.channel);
        let desk = worker.desk(channel);
        if let Some(at) = desk.next_finish(speeds, self.now) {
            let change = desk.change;
            self.plan(at, Event::Finish(agent, class, change));
        }
    }

    pub(super) fn finishes(&mut self, agent: usize, class: usize, change: u64) {
        let (scenario, now) = (self.scenario, self.now);
        let channel = scenario.classes.get(class).map_or("", |c| &c.channel);
        let mut finished = None;
        self.change(agent, |worker| {
            let group = scenario.groups.get(worker.group);
            let speeds = group.and_then(|g| g.speed_by_load.as_deref());
            let desk = worker.desk(channel);
            if desk.change == change {
                finished = desk.finish(speeds, now);
                worker.wrapping += usize::from(finished.is_some());
            }
        });
        let Some(number) = finished else {
            return;
        };
        self.plan_finish(agent, class);
        let group = self
            .workers
            .get(agent)
            .and_then(|w| scenario.groups.get(w.group));
        let wrap_up = group.map_or(0.0, |g| g.wrap_up.draw_s(&mut self.wrap_up));
        match micros(wrap_up) {
            0 => self.wrap_up_ends(number),
            wrap_up => self.plan(now.saturating_add(wrap_up), Event::WrapUpEnds(number)),
        }
    }

    pub(super) fn wrap_up_ends(&mut self, number: u64) {
        let Some(mut contact) = self.contacts.remove(&number) else {
            return;
        };
        if let Ok(item) = contact.item.clone().complete(CompletedReason::Closed) {
            contact.item = item;
        }
        if let Some(agent) = contact.agent {
            let now = instant(self.now);
            self.change(agent, |worker| {
                worker.wrapping -= 1;
                worker.row.released_at = now;
            });
            if let Some(worker) = self.workers.get_mut(agent) {
                self.router.put_agent(&mut worker.row);
            }
            self.leaves_instead(agent);
        }
        self.router.put_item(&mut contact.item);
        self.route();
    }

    pub(super) fn rings_out(&mut self, number: u64) {
        let Some(contact) = self.contacts.get_mut(&number) else {
            return;
        };
        let (Some(offer), Some(agent)) = (contact.offer.take(), contact.agent.take()) else {
            return;
        };
        let now = instant(self.now);
        if let Ok(mut offer) = offer.expire(now) {
            self.router.put_offer(&mut offer);
        }
        if let Ok(item) = contact.item.clone().offer_ended() {
            contact.item = item;
        }
        self.router.put_item(&mut contact.item);
        let measured = contact.measured;
        let pause = micros(self.scenario.offer.after_no_answer_s);
        let until = self.now.saturating_add(pause);
        self.change(agent, |worker| worker.ringing -= 1);
        let Some(worker) = self.workers.get_mut(agent) else {
            return;
        };
        if let Some(tally) = self.groups.get_mut(worker.group) {
            tally.no_answer += u64::from(measured);
        }
        if pause > 0 && worker.on_duty {
            worker.paused_until = Some(until);
            worker.row = worker.row.clone().become_not_ready(None, now);
            self.router.put_agent(&mut worker.row);
            self.plan(until, Event::PauseEnds(agent));
        }
        self.goes_home_if_due(agent);
    }

    pub(super) fn pause_ends(&mut self, agent: usize) {
        let now = self.now;
        let Some(worker) = self.workers.get_mut(agent) else {
            return;
        };
        if worker.paused_until != Some(now) {
            return;
        }
        worker.paused_until = None;
        if worker.on_duty {
            worker.row = worker.row.clone().become_available(instant(now));
            self.router.put_agent(&mut worker.row);
        }
        self.route();
    }

    pub(super) fn shift_ends(&mut self, group: usize) {
        if let Some(plan) = self.plans.get_mut(group) {
            plan.advance();
            if let Some(at) = plan.next_change() {
                self.plan(at, Event::Shift(group));
            }
        }
        self.change_shift(group);
        self.route();
    }

    /// Brings or sends home as many as the plan says: first those with nothing in hand, the others
    /// as they finish.
    pub(super) fn change_shift(&mut self, group: usize) {
        let Some(target) = self.plans.get(group).map(|plan| plan.target) else {
            return;
        };
        let of_group = |w: &&(usize, &Worker)| w.1.group == group;
        let workers: Vec<_> = self.workers.iter().enumerate().collect();
        let hers = workers.iter().filter(of_group);
        let (on, off): (Vec<_>, Vec<_>) = hers.partition(|(_, w)| w.on_duty);
        let come: Vec<_> = off
            .iter()
            .map(|(n, _)| *n)
            .take(target.saturating_sub(on.len()))
            .collect();
        let idle = on.iter().rev().filter(|(_, w)| w.has_nothing_in_hand());
        let excess = on.len().saturating_sub(target);
        let go: Vec<_> = idle.map(|(n, _)| *n).take(excess).collect();
        if let Some(plan) = self.plans.get_mut(group) {
            plan.excess = excess - go.len();
        }
        for agent in come {
            self.comes(agent);
        }
        for agent in go {
            self.goes(agent);
        }
    }

    fn comes(&mut self, agent: usize) {
        let now = instant(self.now);
        self.change(agent, |worker| {
            // Who is still busy with her last contact has not been away.
            if worker.has_nothing_in_hand() {
                worker.row.released_at = now;
            }
            worker.on_duty = true;
            worker.paused_until = None;
            worker.row = worker.row.clone().become_available(now);
        });
        if let Some(worker) = self.workers.get_mut(agent) {
            self.router.put_agent(&mut worker.row);
        }
    }

    fn goes(&mut self, agent: usize) {
        let now = instant(self.now);
        self.change(agent, |worker| {
            worker.on_duty = false;
            worker.row = worker.row.clone().become_not_ready(None, now);
        });
        if let Some(worker) = self.workers.get_mut(agent) {
            self.router.put_agent(&mut worker.row);
        }
    }

    /// Who finishes a contact while too many are there takes no other.
    fn leaves_instead(&mut self, agent: usize) {
        let Some(worker) = self.workers.get(agent).filter(|w| w.on_duty) else {
            return;
        };
        if let Some(plan) = self.plans.get_mut(worker.group)
            && plan.excess > 0
        {
            plan.excess -= 1;
            self.goes(agent);
        }
    }

    /// Who stayed only because her phone rang.
    fn goes_home_if_due(&mut self, agent: usize) {
        if self
            .workers
            .get(agent)
            .is_some_and(Worker::has_nothing_in_hand)
        {
            self.leaves_instead(agent);
        }
    }

    /// Changes an agent and keeps the books of her group.
    fn change(&mut self, agent: usize, change: impl FnOnce(&mut Worker)) {
        let Some(worker) = self.workers.get_mut(agent) else {
            return;
        };
        let books = |w: &Worker| {
            let load = i64::try_from(w.load()).unwrap_or(i64::MAX);
            let here = w.on_duty || !w.has_nothing_in_hand();
            [i64::from(here), i64::from(w.is_busy()), load]
        };
        let before = books(worker);
        change(worker);
        let after = books(worker);
        if let Some(tally) = self.groups.get_mut(worker.group) {
            for ((meter, before), after) in tally.meters().into_iter().zip(before).zip(after) {
                if after != before {
                    meter.add(after - before, self.now);
                }
            }
        }
    }
}
