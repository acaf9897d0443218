//! Rows by key with their versions: an old image never overwrites a newer one.

use std::collections::{BTreeMap, VecDeque};

/// How many ended rows are remembered, so that a late image does not bring one back. Images come
/// from the log in order, late ones only by its short overlap with a snapshot.
const ENDED_MAX: usize = 4096;

/// The rows of one noun.
#[derive(Debug)]
pub(super) struct Known<K, V> {
    rows: BTreeMap<K, V>,
    version: fn(&V) -> i64,
    ended: BTreeMap<K, i64>,
    ended_order: VecDeque<K>,
}

impl<K: Ord + Copy, V> Known<K, V> {
    pub fn new(version: fn(&V) -> i64) -> Self {
        Self {
            rows: BTreeMap::new(),
            version,
            ended: BTreeMap::new(),
            ended_order: VecDeque::new(),
        }
    }

    pub fn get(&self, key: K) -> Option<&V> {
        self.rows.get(&key)
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values()
    }

    pub fn is_news(&self, key: K, row: &V) -> bool {
        let row_known = self.rows.get(&key).map(self.version);
        let known = row_known.or_else(|| self.ended.get(&key).copied());
        known.is_none_or(|known| (self.version)(row) > known)
    }

    /// Replaces the row and returns the one before.
    pub fn put(&mut self, key: K, row: V) -> Option<V> {
        self.ended.remove(&key);
        self.rows.insert(key, row)
    }

    /// Forgets the row of something that is over, but not yet its version.
    pub fn end(&mut self, key: K, row: &V) -> Option<V> {
        if self.ended.insert(key, (self.version)(row)).is_none() {
            self.ended_order.push_back(key);
        }
        while self.ended_order.len() > ENDED_MAX {
            if let Some(oldest) = self.ended_order.pop_front() {
                self.ended.remove(&oldest);
            }
        }
        self.rows.remove(&key)
    }

    /// Takes over what is known to have ended.
    pub fn remember_ended(&mut self, before: Self) {
        self.ended = before.ended;
        self.ended_order = before.ended_order;
    }
}

/// Many values under one key; empty sets do not stay.
#[derive(Debug)]
pub(super) struct Groups<K, V>(BTreeMap<K, std::collections::BTreeSet<V>>);

impl<K, V> Default for Groups<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord, V: Ord + Copy> Groups<K, V> {
    pub fn insert(&mut self, key: K, value: V) {
        self.0.entry(key).or_default().insert(value);
    }

    pub fn remove(&mut self, key: &K, value: &V) {
        if let Some(set) = self.0.get_mut(key) {
            set.remove(value);
            if set.is_empty() {
                self.0.remove(key);
            }
        }
    }

    pub fn len_of(&self, key: &K) -> usize {
        self.0.get(key).map_or(0, std::collections::BTreeSet::len)
    }

    pub fn of(&self, key: &K) -> impl Iterator<Item = V> + '_ {
        self.0.get(key).into_iter().flatten().copied()
    }
}
