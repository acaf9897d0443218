//! Waiting items in lines. A line holds items that differ in nothing but their time of waiting, so
//! when its first item finds nobody, no other item of the line does, and only the first is looked
//! at. Items that exclude somebody right now stand beside the line and are each looked at: they
//! are few, because an exclusion ends within minutes.

use crate::rule::ItemKey;
use domain::work_item::WorkItem;
use domain::{QueueId, WorkItemId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// Equal in all that decides who may get an item, except time and exclusions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub queue: QueueId,
    pub channel: String,
    pub priority: i32,
    pub weight: i64,
    pub side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    InLine,
    /// Excludes somebody.
    Beside,
}

impl LineKey {
    pub fn of(item: &WorkItem, side: Side) -> Self {
        Self {
            queue: item.queue_id,
            channel: item.channel.clone(),
            priority: item.priority,
            weight: item.weight,
            side,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct WaitingIndex {
    lines: BTreeMap<QueueId, BTreeMap<LineKey, BTreeSet<ItemKey>>>,
    places: BTreeMap<WorkItemId, (LineKey, ItemKey)>,
    /// Lines of which an item may find an agent; all others are known to wait in vain.
    hopeful: BTreeSet<LineKey>,
}

impl WaitingIndex {
    /// Puts the item where it belongs, or takes it out.
    pub fn put(&mut self, id: WorkItemId, place: Option<(LineKey, ItemKey)>) {
        if let Some((line, key)) = self.places.remove(&id) {
            self.take_out(&line, &key);
        }
        if let Some((line, key)) = place {
            let lines = self.lines.entry(line.queue).or_default();
            lines.entry(line.clone()).or_default().insert(key);
            self.hopeful.insert(line.clone());
            self.places.insert(id, (line, key));
        }
    }

    fn take_out(&mut self, line: &LineKey, key: &ItemKey) {
        let Some(lines) = self.lines.get_mut(&line.queue) else {
            return;
        };
        if let Some(keys) = lines.get_mut(line) {
            keys.remove(key);
            if keys.is_empty() {
                lines.remove(line);
                self.hopeful.remove(line);
            }
        }
        if lines.is_empty() {
            self.lines.remove(&line.queue);
        }
    }

    /// Somebody of this queue has room that she had not.
    pub fn hope(&mut self, queue: QueueId) {
        let lines = self.lines.get(&queue).into_iter().flat_map(BTreeMap::keys);
        self.hopeful.extend(lines.cloned());
    }

    pub fn hopeful(&self) -> impl Iterator<Item = &LineKey> {
        self.hopeful.iter()
    }

    pub fn hope_only_in(&mut self, queues: &BTreeSet<QueueId>) {
        self.hopeful.retain(|line| queues.contains(&line.queue));
    }

    pub fn first(&self, line: &LineKey) -> Option<ItemKey> {
        self.keys(line)?.first().copied()
    }

    pub fn next(&self, line: &LineKey, after: ItemKey) -> Option<ItemKey> {
        let behind = (Excluded(after), Unbounded);
        self.keys(line)?.range(behind).next().copied()
    }

    fn keys(&self, line: &LineKey) -> Option<&BTreeSet<ItemKey>> {
        self.lines.get(&line.queue)?.get(line)
    }
}
