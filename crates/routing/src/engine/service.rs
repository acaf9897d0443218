//! Whether a queue is served: its hours, who is there, and where its items go when it is not.

use super::Engine;
use super::timers::Timer;
use crate::decision::Rule;
use crate::rule::{self, Service};
use domain::queue::Queue;
use domain::work_item::WorkItem;
use domain::{QueueId, UserId};

impl Engine {
    /// Notes whether the queue is open and staffed now, and when it opens or closes next.
    pub(super) fn look_at_queue(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get(id) else {
            return;
        };
        let hours = queue.routing.hours.as_ref();
        let openness = hours.map(|hours| hours.at(self.clock));
        let is_closed = openness.is_some_and(|o| !o.is_open);
        let turns = openness.filter(|_| queue.archived_at.is_none());
        let turns = turns.and_then(|o| o.until);
        let is_unstaffed = minds_staff(queue) && !self.is_staffed(queue);
        self.timers.set(Timer::QueueTurns(id), turns);
        put(&mut self.closed, id, is_closed);
        put(&mut self.unstaffed, id, is_unstaffed);
    }

    pub(super) fn place_items_of(&mut self, id: QueueId) {
        for item in self.queued.of(&id).collect::<Vec<_>>() {
            self.place_item(item);
        }
    }

    /// Items overflow to this queue only while it is there to take them.
    pub(super) fn place_items_that_lead_to(&mut self, id: QueueId) {
        let leads = |q: &&Queue| q.routing.overflow.is_some_and(|o| o.to == id);
        let sources = self.queues.values().filter(leads).map(|q| q.id);
        for source in sources.collect::<Vec<_>>() {
            self.place_items_of(source);
        }
    }

    /// Her coming or going may staff a queue or leave it empty.
    pub(super) fn staff_changed(&mut self, user: UserId) {
        let queues = self.memberships.get(&user).into_iter().flatten();
        let queues = queues.filter_map(|(id, _)| self.queues.get(*id));
        let changed: Vec<_> = queues
            .filter(|queue| minds_staff(queue))
            .filter(|queue| {
                let was = !self.unstaffed.contains(&queue.id);
                was != (self.is_present(user) || (was && self.is_staffed(queue)))
            })
            .map(|queue| queue.id)
            .collect();
        for id in changed {
            let is_unstaffed = !self.unstaffed.contains(&id);
            put(&mut self.unstaffed, id, is_unstaffed);
            self.place_items_of(id);
        }
    }

    pub(super) fn overflow(&self, item: &WorkItem, queue: &Queue) -> Option<(QueueId, Rule)> {
        let target = queue.routing.overflow.and_then(|o| self.queues.get(o.to));
        let service = Service {
            is_closed: self.closed.contains(&queue.id),
            is_staffed: !self.unstaffed.contains(&queue.id),
            has_overflow: target.is_some_and(|q| q.archived_at.is_none()),
        };
        rule::overflow(item, queue, service, self.clock)
    }

    fn is_staffed(&self, queue: &Queue) -> bool {
        queue.members.iter().any(|m| self.is_present(m.user_id))
    }

    fn is_present(&self, user: UserId) -> bool {
        let agent = self.agents.get(user);
        agent.is_some_and(|a| rule::unready(a, self.presence(user)).is_none())
    }
}

/// Does it make a difference whether anybody of the queue is there?
fn minds_staff(queue: &Queue) -> bool {
    queue.routing.overflow.is_some_and(|o| o.when_unstaffed)
}

fn put<T: Ord>(set: &mut std::collections::BTreeSet<T>, key: T, is_in: bool) {
    if is_in {
        set.insert(key);
    } else {
        set.remove(&key);
    }
}
