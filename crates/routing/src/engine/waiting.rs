//! Waiting items in lines. A line holds items that differ in nothing but their time of waiting, so
//! when its first item finds nobody, no other item of the line does, and only the first is looked
//! at. Items that exclude somebody right now stand beside the line and are each looked at: they
//! are few, because an exclusion ends within minutes.

use crate::rank::ItemKey;
use domain::work_item::WorkItem;
use domain::{QueueId, SkillId, UserId, WorkItemId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// Equal in all that decides who may get an item, except time and exclusions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineKey {
    pub queue: QueueId,
    pub channel: String,
    pub class: String,
    pub priority: i32,
    pub weight: i64,
    pub side: Side,
    /// For whom alone they wait now.
    pub only: Option<UserId>,
    /// What the steps ask for that the item has reached.
    pub criteria: Vec<(SkillId, i32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    InLine,
    /// Excludes somebody.
    Beside,
}

impl LineKey {
    pub fn of(
        item: &WorkItem,
        side: Side,
        only: Option<UserId>,
        criteria: Vec<(SkillId, i32)>,
    ) -> Self {
        Self {
            queue: item.queue_id,
            channel: item.channel.clone(),
            class: item.class.clone(),
            priority: item.priority,
            weight: item.weight,
            side,
            only,
            criteria,
        }
    }
}

/// Stands for a line while it is not empty.
pub(super) type LineId = u64;

#[derive(Debug)]
pub(super) struct Line {
    pub key: LineKey,
    items: BTreeSet<ItemKey>,
}

#[derive(Debug, Default)]
pub(super) struct WaitingIndex {
    lines: BTreeMap<LineId, Line>,
    ids: BTreeMap<LineKey, LineId>,
    /// Lines that wait for anybody.
    by_queue: BTreeMap<QueueId, BTreeSet<LineId>>,
    /// Lines that wait for one agent alone. There may be thousands, and she looks at hers only.
    kept: BTreeMap<(UserId, QueueId), BTreeSet<LineId>>,
    counts: BTreeMap<QueueId, usize>,
    places: BTreeMap<WorkItemId, (LineId, ItemKey)>,
    /// Lines of which an item may find an agent; all others are known to wait in vain until
    /// somebody has more room.
    hopeful: BTreeSet<LineId>,
    next_id: LineId,
}

impl WaitingIndex {
    /// Puts the item where it belongs, or takes it out.
    pub fn put(&mut self, id: WorkItemId, place: Option<(LineKey, ItemKey)>) {
        if let Some((line, key)) = self.places.remove(&id) {
            self.take_out(line, &key);
        }
        if let Some((key, item)) = place {
            *self.counts.entry(key.queue).or_default() += 1;
            let line = self.open(key);
            if let Some(line) = self.lines.get_mut(&line) {
                line.items.insert(item);
            }
            self.hopeful.insert(line);
            self.places.insert(id, (line, item));
        }
    }

    fn open(&mut self, key: LineKey) -> LineId {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let id = self.next_id;
        self.next_id += 1;
        self.ids.insert(key.clone(), id);
        let ids = match key.only {
            Some(user) => self.kept.entry((user, key.queue)).or_default(),
            None => self.by_queue.entry(key.queue).or_default(),
        };
        ids.insert(id);
        let items = BTreeSet::new();
        self.lines.insert(id, Line { key, items });
        id
    }

    fn take_out(&mut self, id: LineId, key: &ItemKey) {
        let Some(line) = self.lines.get_mut(&id) else {
            return;
        };
        let queue = line.key.queue;
        line.items.remove(key);
        if line.items.is_empty()
            && let Some(line) = self.lines.remove(&id)
        {
            self.ids.remove(&line.key);
            self.hopeful.remove(&id);
            self.close(id, &line.key);
        }
        if let Some(n) = self.counts.get_mut(&queue) {
            *n -= 1;
            if *n == 0 {
                self.counts.remove(&queue);
            }
        }
    }

    fn close(&mut self, id: LineId, key: &LineKey) {
        if let Some(user) = key.only {
            if let Some(ids) = self.kept.get_mut(&(user, key.queue)) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.kept.remove(&(user, key.queue));
                }
            }
        } else if let Some(ids) = self.by_queue.get_mut(&key.queue) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_queue.remove(&key.queue);
            }
        }
    }

    pub fn hopeful(&self) -> impl Iterator<Item = (LineId, &LineKey)> {
        let ids = self.hopeful.iter();
        ids.filter_map(|id| Some((*id, &self.lines.get(id)?.key)))
    }

    /// Lines that wait for her alone, by queue.
    pub fn kept_for(&self, user: UserId) -> impl Iterator<Item = (QueueId, LineId)> + '_ {
        let all = (user, QueueId::from_uuid(uuid::Uuid::nil()))
            ..=(user, QueueId::from_uuid(uuid::Uuid::max()));
        let queues = self.kept.range(all);
        queues.flat_map(|((_, queue), ids)| ids.iter().map(|id| (*queue, *id)))
    }

    /// Only the lines of these items stay hopeful.
    pub fn hope_only_for(&mut self, items: impl Iterator<Item = WorkItemId>) {
        let places = items.filter_map(|id| self.places.get(&id));
        self.hopeful = places.map(|(line, _)| *line).collect();
    }

    /// Those that wait for anybody.
    pub fn lines(&self, queue: QueueId) -> impl Iterator<Item = (LineId, &Line)> {
        self.named(self.by_queue.get(&queue).into_iter().flatten())
    }

    pub fn named<'a>(
        &'a self,
        ids: impl Iterator<Item = &'a LineId>,
    ) -> impl Iterator<Item = (LineId, &'a Line)> {
        ids.filter_map(|id| Some((*id, self.lines.get(id)?)))
    }

    /// Notes that this item is spoken for until the decision is made.
    pub fn take(&self, id: WorkItemId, taken: &mut Taken) {
        if let Some((line, key)) = self.places.get(&id) {
            let in_line = self
                .lines
                .get(line)
                .is_some_and(|l| l.key.side == Side::InLine);
            if in_line {
                taken.up_to.insert(*line, *key);
            } else {
                taken.beside.insert(*key);
            }
        }
    }

    pub fn has_items(&self, queue: QueueId) -> bool {
        self.counts.contains_key(&queue)
    }

    /// Items that wait in each queue in use.
    pub fn counts(&self) -> &BTreeMap<QueueId, usize> {
        &self.counts
    }
}

/// Items spoken for by a decision that is being made.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Of a line always the first ones.
    up_to: BTreeMap<LineId, ItemKey>,
    beside: BTreeSet<ItemKey>,
}

impl Line {
    /// Items that may find somebody where the others of the line do not: the first that is not
    /// spoken for, or all of those that exclude somebody.
    pub fn heads<'a>(&'a self, id: LineId, taken: &'a Taken) -> impl Iterator<Item = ItemKey> + 'a {
        let (start, n) = match self.key.side {
            Side::InLine => (
                taken.up_to.get(&id).map_or(Unbounded, |key| Excluded(*key)),
                1,
            ),
            Side::Beside => (Unbounded, usize::MAX),
        };
        let rest = self.items.range((start, Unbounded));
        rest.filter(|key| !taken.beside.contains(key))
            .take(n)
            .copied()
    }
}
