//! The incremental engine: learns rows one image at a time and decides.

use crate::decision::Decisions;
use crate::reference;
use crate::rows::{RowImage, SeenPresence, Snapshot};
use domain::agent_state::AgentState;
use domain::offer::Offer;
use domain::queue::Queue;
use domain::work_item::WorkItem;
use domain::{OfferId, QueueId, Time, UserId, WorkItemId};
use std::collections::BTreeMap;

/// All that routing knows of one tenant.
#[derive(Debug, Default)]
pub struct Engine {
    items: BTreeMap<WorkItemId, WorkItem>,
    offers: BTreeMap<OfferId, Offer>,
    agents: BTreeMap<UserId, AgentState>,
    queues: BTreeMap<QueueId, Queue>,
    presences: BTreeMap<UserId, SeenPresence>,
}

impl Engine {
    /// Start, failover and doubt all begin here.
    pub fn from_rows(snapshot: Snapshot, _now: Time) -> Self {
        let mut engine = Self::default();
        let queues = snapshot
            .queues
            .into_iter()
            .map(|q| RowImage::Queue(Box::new(q)));
        let agents = snapshot
            .agents
            .into_iter()
            .map(|a| RowImage::Agent(Box::new(a)));
        let presences = snapshot.presences.into_iter().map(RowImage::Presence);
        let items = snapshot
            .work_items
            .into_iter()
            .map(|i| RowImage::WorkItem(Box::new(i)));
        let offers = snapshot
            .offers
            .into_iter()
            .map(|o| RowImage::Offer(Box::new(o)));
        for image in queues
            .chain(agents)
            .chain(presences)
            .chain(items)
            .chain(offers)
        {
            engine.apply(image);
        }
        engine
    }

    /// Learns a changed row. Returns whether it was news.
    pub fn apply(&mut self, image: RowImage) -> bool {
        match image {
            RowImage::WorkItem(i) => newer(&mut self.items, i.id, *i, |i| i.version),
            RowImage::Offer(o) => newer(&mut self.offers, o.id, *o, |o| o.version),
            RowImage::Agent(a) => newer(&mut self.agents, a.user_id, *a, |a| a.version),
            RowImage::Queue(q) => newer(&mut self.queues, q.id, *q, |q| q.version),
            RowImage::Presence(p) => {
                newer(&mut self.presences, p.presence.user_id, p, |p| p.version)
            }
        }
    }

    /// What should happen now. Changes nothing: the same rows give the same answer.
    pub fn decide(&mut self, now: Time) -> Decisions {
        reference::decide(&self.snapshot(), now)
    }

    /// The rows that the engine knows, for [`reference::explain`].
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            work_items: self.items.values().cloned().collect(),
            offers: self.offers.values().cloned().collect(),
            agents: self.agents.values().cloned().collect(),
            queues: self.queues.values().cloned().collect(),
            presences: self.presences.values().cloned().collect(),
        }
    }
}

fn newer<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, row: V, version: fn(&V) -> i64) -> bool {
    if rows
        .get(&key)
        .is_some_and(|known| version(&row) <= version(known))
    {
        return false;
    }
    rows.insert(key, row);
    true
}
