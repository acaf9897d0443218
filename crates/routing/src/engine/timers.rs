//! The instants at which an answer may change although no row does.

use domain::{OfferId, QueueId, Time, UserId, WorkItemId};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    OfferExpires(OfferId),
    /// An exclusion ends, one more member may be asked, or it overflows.
    ItemOpens(WorkItemId),
    AgentIsLost(UserId),
    /// A queue opens or closes.
    QueueTurns(QueueId),
}

/// At most one instant per timer.
#[derive(Debug, Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Time, Timer)>,
    set: BTreeMap<Timer, Time>,
}

impl Timers {
    pub fn set(&mut self, timer: Timer, at: Option<Time>) {
        if let Some(old) = self.set.remove(&timer) {
            self.queue.remove(&(old, timer));
        }
        if let Some(at) = at {
            self.set.insert(timer, at);
            self.queue.insert((at, timer));
        }
    }

    pub fn pop_due(&mut self, now: Time) -> Option<Timer> {
        let (at, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.set(timer, None);
        Some(timer)
    }

    pub fn next(&self) -> Option<Time> {
        self.queue.first().map(|(at, _)| *at)
    }
}
