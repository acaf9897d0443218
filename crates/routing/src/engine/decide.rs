//! The decision: due timers first, then what must end, then the waiting lines, earliest deadline
//! first, each against the best agent.

use super::Engine;
use super::agents::Ask;
use super::timers::Timer;
use super::waiting::{LineKey, Side};
use crate::decision::{Decisions, Ending, OfferDecision, Reason, Requeue, Rule, RunnerUp};
use crate::rule::{DemandClass, ItemKey};
use domain::{OfferId, Time};
use std::collections::BTreeSet;

const RUNNERS_UP_MAX: usize = 3;

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
        decisions.offers = self.offer_waiting();
        decisions.next_wake = self.timers.next();
        decisions
    }

    fn advance(&mut self, now: Time) {
        self.clock = self.clock.max(now);
        while let Some(timer) = self.timers.pop_due(self.clock) {
            match timer {
                Timer::OfferExpires(id) => self.place_offer(id),
                Timer::ItemOpens(id) => self.place_item(id),
                Timer::AgentIsLost(user) => self.place_offers_and_agent(user, None),
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

    /// Merges the lines by key. An agent who gets an item is fuller for the rest of this decision
    /// and as before after it: only images change what the engine knows.
    fn offer_waiting(&mut self) -> Vec<OfferDecision> {
        let mut offers = Vec::new();
        let mut reserved = Vec::new();
        let mut fronts: BTreeSet<(ItemKey, LineKey)> = self
            .waiting
            .hopeful()
            .filter_map(|line| Some((self.waiting.first(line)?, line.clone())))
            .collect();
        while let Some((key, line)) = fronts.pop_first() {
            let offer = self.best_offer(key);
            // Who stands in line behind an item without an agent finds nobody either.
            if offer.is_some() || line.side == Side::Beside {
                let next = self.waiting.next(&line, key);
                fronts.extend(next.map(|next| (next, line.clone())));
            }
            if let Some(offer) = offer {
                reserved.extend(
                    self.ready
                        .reserve(offer.user_id, &line.channel, line.weight),
                );
                offers.push(offer);
            }
        }
        // Until an offer is a fact, lines that lost its agent to it may still get her.
        let agents: BTreeSet<_> = offers.iter().map(|o| o.user_id).collect();
        let queues = agents.iter().flat_map(|user| self.ready.queues(*user));
        self.waiting.hope_only_in(&queues.collect());
        for reservation in reserved.into_iter().rev() {
            self.ready.restore(reservation);
        }
        offers
    }

    fn best_offer(&self, key: ItemKey) -> Option<OfferDecision> {
        let item = self.items.get(key.id)?;
        let queue = self.queues.get(item.queue_id)?;
        let exclusions = item.exclusions.iter().filter(|e| e.until > self.clock);
        let excluded: BTreeSet<_> = exclusions.map(|e| e.user_id).collect();
        let ask = Ask {
            queue,
            channel: &item.channel,
            weight: item.weight,
            eligible_since: item.eligible_since,
            excluded: &excluded.into_iter().collect::<Vec<_>>(),
            now: self.clock,
        };
        let candidates = self.ready.first(&ask, 1 + RUNNERS_UP_MAX);
        let (best, others) = candidates.split_first()?;
        Some(OfferDecision {
            item_id: item.id,
            user_id: best.id,
            queue_id: queue.id,
            reason: Reason {
                rule: Rule::LongestIdle,
                key: Some(key.deadline),
                score: Some((*best).into()),
                demand_class: Some(DemandClass::of(item, queue)),
                config_version: Some(queue.version),
                runner_up: others.iter().map(|k| RunnerUp::from(*k)).collect(),
                excluded: self.ready.excluded(&ask),
            },
        })
    }
}
