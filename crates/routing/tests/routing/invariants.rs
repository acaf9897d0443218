//! What must hold after every step of every history.

use crate::world::World;
use domain::agent_state::AgentStatus;
use domain::offer::Offer;
use domain::work_item::WorkItemState;
use routing::{Decisions, Ineligible, reference};
use std::collections::BTreeMap;

/// I3 and I6 and the books: an item waits or is owned, never both; at most one open offer; `load`
/// is the sum of weights in her hands.
pub fn check_rows(w: &World) {
    let mut open: BTreeMap<_, usize> = BTreeMap::new();
    for offer in w.offers.values().filter(|o| o.is_open()) {
        *open.entry(offer.work_item_id).or_default() += 1;
        let item = &w.items[&offer.work_item_id];
        assert_eq!(
            item.offer_id(),
            Some(offer.id),
            "an open offer is its item's"
        );
        assert_eq!(item.agent_id(), Some(offer.user_id));
    }
    for item in w.items.values() {
        let offered = item.state() == WorkItemState::Offered;
        let n = open.get(&item.id).copied().unwrap_or(0);
        assert_eq!(
            n,
            usize::from(offered),
            "I3: one live offer, and only while offered"
        );
        let owned = item.agent_id().is_some();
        let queued = item.state() == WorkItemState::Queued;
        assert!(
            item.state().is_over() || owned != queued,
            "I6: waiting or owned"
        );
    }
    for agent in w.agents.values() {
        let load: i64 = w.held(agent.user_id).iter().map(|i| i.weight).sum();
        assert_eq!(agent.load, load, "load is what is in her hands");
    }
}

/// I4, I5, I7 of one decision, by the rows it was made from.
pub fn check_decision(w: &World, decisions: &Decisions) {
    let mut taken: BTreeMap<(domain::UserId, String), i64> = BTreeMap::new();
    let mut asked = std::collections::BTreeSet::new();
    for offer in &decisions.offers {
        assert!(asked.insert(offer.item_id), "I3: offered once");
        let item = &w.items[&offer.item_id];
        let agent = &w.agents[&offer.user_id];
        assert_eq!(
            item.state(),
            WorkItemState::Queued,
            "I6: only waiting items"
        );
        assert_eq!(agent.status, AgentStatus::Available, "I5: status");
        assert!(
            w.presences[&offer.user_id].presence.connected,
            "I5: browser"
        );
        let queue = &w.queues[&item.queue_id];
        for skill in &queue.required_skills {
            assert!(agent.level(skill.skill_id) >= skill.level_min, "I5: skill");
        }
        assert!(
            queue
                .routing
                .hours
                .as_ref()
                .is_none_or(|h| h.at(w.now).is_open),
            "I5: hours"
        );
        let others = item.preferred.filter(|p| p.until > w.now);
        assert!(
            others.is_none_or(|p| p.user_id == offer.user_id),
            "I5: kept"
        );
        let overdue =
            |o: &&Offer| o.is_open() && o.user_id == agent.user_id && o.expires_at <= w.now;
        assert_eq!(
            w.offers.values().find(overdue),
            None,
            "I5: silent agents are not asked"
        );
        let own = |channel: &str| agent.capacity.contains_key(channel);
        let pool = if own(&item.channel) {
            item.channel.as_str()
        } else {
            "*"
        };
        let held = w.held(agent.user_id);
        let same = held
            .iter()
            .filter(|i| i.channel == item.channel || (pool == "*" && !own(&i.channel)));
        let used: i64 = same.map(|i| i.weight).sum();
        let more = taken.entry((agent.user_id, pool.to_owned())).or_default();
        *more += item.weight;
        assert!(used + *more <= agent.slots(&item.channel), "I4: capacity");
    }
    check_order(w, decisions);
}

/// I7: who was asked for an item could not have been asked for an older one of its class instead.
fn check_order(w: &World, decisions: &Decisions) {
    let snapshot = w.snapshot();
    for offer in &decisions.offers {
        let item = &w.items[&offer.item_id];
        let older = w.items.values().filter(|i| {
            i.state() == WorkItemState::Queued
                && (&i.queue_id, &i.channel, i.priority, i.weight)
                    == (&item.queue_id, &item.channel, item.priority, item.weight)
                && i.class == item.class
                // Steps may ask for more with time; then the younger item may rightly be first.
                && i.criteria.is_empty()
                && item.criteria.is_empty()
                && (i.eligible_since, i.id) < (item.eligible_since, item.id)
                && !decisions.offers.iter().any(|o| o.item_id == i.id)
        });
        for older in older {
            let lines = reference::explain(&snapshot, older.id, w.now).unwrap_or_default();
            let why_not = lines
                .iter()
                .find(|l| l.user_id == offer.user_id)
                .and_then(|l| l.why_not);
            // One that is about to leave for another queue is not overtaken here.
            let leaves = decisions.overflows.iter().any(|o| o.item_id == older.id);
            assert!(
                leaves || matches!(why_not, Some(Ineligible::Excluded | Ineligible::Reserved)),
                "I7: {older:?} was overtaken"
            );
        }
    }
}
