//! The decision: due timers first, then what must end, then the waiting lines against the agents,
//! the first front first, each against the best agent.

use super::Engine;
use super::agents::{Ask, ProfileId};
use super::timers::Timer;
use super::waiting::{LineId, Taken};
use crate::decision::{
    Decisions, Ending, OfferDecision, Overflow, Reason, Requeue, Rule, RunnerUp,
};
use crate::rank::{Asked, Front, FrontKey, ItemKey, Share, Waiting};
use crate::rule::{self, DemandClass};
use domain::policy::Order;
use domain::work_item::WorkItem;
use domain::{OfferId, QueueId, Time, UserId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

const RUNNERS_UP_MAX: usize = 3;

/// One queue against the agents of one profile: they all see the same first item.
type Pairing = (QueueId, ProfileId);

/// A decision that is being made.
#[derive(Debug, Default)]
struct Draft {
    /// Lines that wait for one agent, where they or she are hopeful.
    kept: BTreeMap<Pairing, BTreeSet<LineId>>,
    taken: Taken,
    /// How many items of each queue are spoken for.
    counts: BTreeMap<QueueId, usize>,
    turns: BTreeMap<QueueId, UserId>,
    offers: Vec<OfferDecision>,
}

impl Engine {
    /// What should happen now. The same rows give the same answer until an image changes them;
    /// time never runs backwards: an earlier `now` counts as the latest one seen.
    pub fn decide(&mut self, now: Time) -> Decisions {
        self.advance(now);
        let mut decisions = Decisions::default();
        for (id, rule) in &self.endings {
            let Some(ending) = self.end(*id, *rule) else {
                continue;
            };
            match rule {
                Rule::OfferExpired => decisions.expiries.push(ending),
                _ => decisions.withdrawals.push(ending),
            }
        }
        for (id, rule) in &self.orphans {
            decisions
                .requeues
                .extend(self.items.get(*id).map(|item| Requeue {
                    item_id: item.id,
                    queue_id: item.queue_id,
                    reason: Reason::plain(*rule),
                }));
        }
        for (id, (to, rule)) in &self.overflows {
            let overflow = self.items.get(*id).map(|item| Overflow {
                item_id: item.id,
                from: item.queue_id,
                to: *to,
                reason: Reason::plain(*rule),
            });
            decisions.overflows.extend(overflow);
        }
        decisions.offers = self.offer_waiting();
        decisions.next_wake = self.timers.next();
        decisions
    }

    fn advance(&mut self, now: Time) {
        self.clock = self.clock.max(now);
        loop {
            // All that are due, before any is handled: handling one sets others anew, and a lost
            // agent whose timer an expired offer took away would keep her other offers.
            let due: Vec<Timer> = std::iter::from_fn(|| self.timers.pop_due(self.clock)).collect();
            if due.is_empty() {
                return;
            }
            due.into_iter().for_each(|timer| self.ring(timer));
        }
    }

    fn ring(&mut self, timer: Timer) {
        match timer {
            Timer::OfferExpires(id) => self.place_offer(id),
            Timer::ItemOpens(id) => self.place_item(id),
            Timer::AgentIsLost(user) => self.place_offers_and_agent(user, None),
            Timer::QueueTurns(queue) => {
                self.look_at_queue(queue);
                self.place_items_of(queue);
            }
        }
    }

    fn end(&self, id: OfferId, rule: Rule) -> Option<Ending> {
        let offer = self.offers.get(id)?;
        Some(Ending {
            offer_id: id,
            item_id: offer.work_item_id,
            user_id: offer.user_id,
            reason: Reason::plain(rule),
        })
    }

    /// An agent who gets an item is fuller for the rest of this decision and as before after it:
    /// only images change what the engine knows.
    fn offer_waiting(&mut self) -> Vec<OfferDecision> {
        let mut draft = Draft {
            kept: self.hopeful_kept(),
            ..Draft::default()
        };
        let pairings = self.hopeful(&draft);
        let mut reserved = Vec::new();
        let mut fronts = self.fronts(&pairings, &draft);
        while let Some(Reverse((key, pairing))) = fronts.pop() {
            // A pairing looks worse the more of it is spoken for (orders where it may look better
            // weigh all anew); so the first one that looks as it did is the first of all.
            let now = self.front(pairing, &draft);
            if now != Some(key) {
                fronts.extend(now.map(|now| Reverse((now, pairing))));
                continue;
            }
            let Some(offer) = self.best_offer(key.item, &draft) else {
                continue;
            };
            if let Some(item) = self.items.get(offer.item_id) {
                let seat = self
                    .ready
                    .reserve(offer.user_id, &item.channel, item.weight);
                reserved.extend(seat);
            }
            self.waiting.take(offer.item_id, &mut draft.taken);
            *draft.counts.entry(offer.queue_id).or_default() += 1;
            draft.turns.insert(offer.queue_id, offer.user_id);
            draft.offers.push(offer);
            if matches!(self.policy.order, Order::Fqr | Order::Gcmu) {
                // One item less here makes the share of every other queue larger, and behind an
                // old item may stand one that is handled faster: pairings can look better.
                fronts = self.fronts(&pairings, &draft);
            } else {
                fronts.push(Reverse((key, pairing)));
            }
        }
        for reservation in reserved.into_iter().rev() {
            self.ready.restore(reservation);
        }
        // Until an offer is a fact, its item and its agent are still to be had.
        let offers = draft.offers;
        self.waiting.hope_only_for(offers.iter().map(|o| o.item_id));
        self.ready.hope_only_for(offers.iter().map(|o| o.user_id));
        offers
    }

    /// Where an item may find an agent: a new item in a line, or somebody with new room.
    fn hopeful(&self, draft: &Draft) -> Vec<Pairing> {
        let lines = self.waiting.hopeful();
        let queues = lines.filter(|(_, line)| line.only.is_none());
        let queues: BTreeSet<_> = queues.map(|(_, line)| line.queue).collect();
        let by_line = queues
            .into_iter()
            .flat_map(|q| self.ready.serving(q).map(move |p| (q, p)));
        let profiles: BTreeSet<_> = self.ready.hopeful().map(|(_, p)| p).collect();
        let by_agent = profiles
            .into_iter()
            .flat_map(|p| self.ready.served_by(p).map(move |q| (q, p)));
        let by_agent = by_agent.filter(|(q, _)| self.waiting.has_items(*q));
        let all = by_line.chain(by_agent).chain(draft.kept.keys().copied());
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Of the lines that wait for one agent only those matter that are hopeful, or whose agent is.
    fn hopeful_kept(&self) -> BTreeMap<Pairing, BTreeSet<LineId>> {
        let mut kept: BTreeMap<Pairing, BTreeSet<LineId>> = BTreeMap::new();
        for (user, profile) in self.ready.hopeful() {
            for (queue, line) in self.waiting.kept_for(user) {
                kept.entry((queue, profile)).or_default().insert(line);
            }
        }
        for (id, line) in self.waiting.hopeful() {
            let profile = line.only.and_then(|user| self.ready.profile_id(user));
            if let Some(profile) = profile {
                kept.entry((line.queue, profile)).or_default().insert(id);
            }
        }
        kept
    }

    fn fronts(
        &self,
        pairings: &[Pairing],
        draft: &Draft,
    ) -> BinaryHeap<Reverse<(FrontKey, Pairing)>> {
        let fronts = pairings.iter();
        fronts
            .filter_map(|pairing| Some(Reverse((self.front(*pairing, draft)?, *pairing))))
            .collect()
    }

    /// The item that this queue has for these agents, and how it compares with those of others.
    fn front(&self, pairing: Pairing, draft: &Draft) -> Option<FrontKey> {
        let (queue, profile) = pairing;
        let kept = draft.kept.get(&pairing).into_iter().flatten();
        let lines = self.waiting.lines(queue).chain(self.waiting.named(kept));
        let mut open: Vec<_> = lines
            .filter(|(_, line)| {
                let key = &line.key;
                self.ready
                    .has_seat(profile, queue, &key.channel, key.weight)
            })
            .flat_map(|(id, line)| line.heads(id, &draft.taken))
            .filter(|key| {
                self.ask(key.id)
                    .is_some_and(|ask| self.ready.is_open(profile, &ask))
            })
            .collect();
        if self.policy.order == Order::Gcmu && open.len() > 1 {
            open = self.seen_as_heads(open, profile);
        }
        let keys = open.into_iter();
        keys.filter_map(|key| self.front_key(key, pairing, draft))
            .min()
    }

    /// Of each agent the oldest item that is open to her. They differ only where items of several
    /// weights or exclusions wait.
    fn seen_as_heads(&self, mut open: Vec<ItemKey>, profile: ProfileId) -> Vec<ItemKey> {
        open.sort_unstable_by_key(|key| (key.eligible_since, key.id));
        let mut blind = self.ready.ready_of(profile);
        open.retain(|key| {
            let Some(ask) = self.ask(key.id) else {
                return false;
            };
            let before = blind.len();
            blind.retain(|user| !self.ready.is_open_to(*user, &ask));
            blind.len() < before
        });
        open
    }

    fn front_key(&self, key: ItemKey, pairing: Pairing, draft: &Draft) -> Option<FrontKey> {
        let (profile, membership) = self.ready.member(pairing.1, pairing.0)?;
        let item = self.items.get(key.id)?;
        let handling = profile.traits.handling.get(item.demand());
        let all = || self.policy.handling_s.get(item.demand()).copied();
        let front = Front {
            item,
            queue: self.queues.get(item.queue_id)?,
            member_priority: membership.priority,
            handling_s: handling
                .map(|bits| f64::from_bits(*bits))
                .or_else(all)
                .unwrap_or(1.0),
            waiting: self.count(item.queue_id, draft),
        };
        Some(FrontKey::of(&front, &self.policy, self.clock))
    }

    fn count(&self, queue: QueueId, draft: &Draft) -> Waiting {
        if self.policy.order != Order::Fqr {
            return Waiting::default();
        }
        let waiting = |q: &QueueId| {
            let count = self.waiting.counts().get(q).copied().unwrap_or(0);
            count.saturating_sub(draft.counts.get(q).copied().unwrap_or(0))
        };
        Waiting {
            here: waiting(&queue),
            all: self.waiting.counts().keys().map(waiting).sum(),
            share: Share(self.policy.share(queue) / self.shares),
        }
    }

    /// `None`: the item is unknown, or its queue is.
    fn ask(&self, item: domain::WorkItemId) -> Option<Ask<'_>> {
        let item: &WorkItem = self.items.get(item)?;
        let queue = self.queues.get(item.queue_id)?;
        let exclusions = item.exclusions.iter().filter(|e| e.until > self.clock);
        let excluded: BTreeSet<_> = exclusions.map(|e| e.user_id).collect();
        Some(Ask {
            item,
            required: rule::required(item, queue, self.clock),
            excluded: excluded.into_iter().collect(),
            only: rule::kept_for(item, self.clock),
            now: self.clock,
        })
    }

    fn best_offer(&self, key: ItemKey, draft: &Draft) -> Option<OfferDecision> {
        let ask = self.ask(key.id)?;
        let item = ask.item;
        let queue = self.queues.get(item.queue_id)?;
        let known = || self.turns.get(queue.id).map(|turn| turn.user_id);
        let select = rule::select(queue, &self.policy);
        let asked = Asked {
            policy: &self.policy,
            select,
            item,
            turn: draft.turns.get(&queue.id).copied().or_else(known),
        };
        let candidates = self.ready.first(&ask, &asked, 1 + RUNNERS_UP_MAX);
        let (best, others) = candidates.split_first()?;
        Some(OfferDecision {
            item_id: item.id,
            user_id: best.key.id,
            queue_id: queue.id,
            reason: Reason {
                rule: select.into(),
                key: Some(key.at),
                score: Some(best.score),
                demand_class: Some(DemandClass::of(item, queue, self.clock)),
                config_version: Some(queue.version),
                runner_up: others.iter().map(|seat| RunnerUp::from(*seat)).collect(),
                excluded: self.ready.excluded(&ask),
            },
        })
    }
}
