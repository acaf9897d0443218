//! Agents with equal traits, and the ready ones of them in the order in which they are asked.

use crate::rank::{Asked, Standing};
use crate::rule::{Ineligible, Required, SHARED};
use domain::policy::Select;
use domain::{QueueId, SkillId, Time, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// What decides which items an agent can get at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Traits {
    pub skills: BTreeMap<SkillId, i32>,
    pub memberships: BTreeMap<QueueId, Membership>,
    /// Channel kinds of which they take nothing new.
    pub channels_off: BTreeSet<String>,
    /// Channel kinds with slots of their own; all others share one pool.
    pub kinds: BTreeSet<String>,
    /// Handling times of her own, as bits: equal or not is all that counts here.
    pub handling: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Membership {
    pub priority: i32,
    pub delay_s: i64,
    /// How the queue selects among its agents.
    pub select: Select,
}

/// An agent who may be asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ready {
    pub load: i64,
    pub tier: i64,
    pub released_at: Time,
    /// The pools of her kinds in order, the shared one last.
    pub pools: Vec<Pool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pool {
    pub slots: i64,
    /// Negative when a person overrode the limit.
    pub spare: i64,
}

impl Ready {
    fn standing(&self, pool: Pool) -> Standing {
        Standing {
            load: self.load,
            used: pool.slots.saturating_sub(pool.spare),
            slots: pool.slots,
            tier: self.tier,
            released_at: self.released_at,
        }
    }

    fn key(&self, pool: Pool, select: Select, user: UserId) -> (i64, Time, UserId) {
        let (rank, since) = self.standing(pool).rank(select);
        (rank, since, user)
    }

    /// Has she room anywhere that she had not before?
    pub fn exceeds(&self, before: &Self) -> bool {
        let pairs = self.pools.iter().zip(&before.pools);
        self.pools.len() != before.pools.len() || pairs.into_iter().any(|(a, b)| a.spare > b.spare)
    }
}

/// Ready agents of one profile and one number of spare slots, in order.
pub(super) type Row = BTreeSet<(i64, Time, UserId)>;

#[derive(Debug, Default)]
pub(super) struct Profile {
    pub traits: Traits,
    pub agents: usize,
    pub unready: BTreeMap<Ineligible, usize>,
    pub ready: usize,
    /// For each selection of the queues served, by pool.
    rows: BTreeMap<Select, Vec<BySpare>>,
}

/// Spare slots → agents with exactly so many.
type BySpare = BTreeMap<i64, Row>;

impl Profile {
    pub fn of(traits: Traits) -> Self {
        let pools = vec![BTreeMap::new(); traits.kinds.len() + 1];
        let selects = traits.memberships.values().map(|m| m.select);
        Self {
            rows: selects.map(|select| (select, pools.clone())).collect(),
            traits,
            ..Self::default()
        }
    }

    /// Where the slots of this channel are counted.
    pub fn pool(&self, channel: &str) -> usize {
        let own = self.traits.kinds.iter().position(|kind| kind == channel);
        own.unwrap_or(self.traits.kinds.len())
    }

    /// The channel kinds by which [`Ready::pools`] are counted.
    pub fn pools(&self) -> impl Iterator<Item = &str> {
        let kinds = self.traits.kinds.iter().map(String::as_str);
        kinds.chain([SHARED])
    }

    pub fn takes(&self, channel: &str) -> bool {
        !self.traits.channels_off.contains(channel)
    }

    pub fn is_skilled(&self, required: &Required) -> bool {
        let level = |skill| self.traits.skills.get(skill).copied().unwrap_or(0);
        required.iter().all(|(skill, least)| level(skill) >= *least)
    }

    pub fn levels(&self, required: &Required) -> i64 {
        let level = |skill| self.traits.skills.get(skill).copied().unwrap_or(0);
        required.keys().map(|skill| i64::from(level(skill))).sum()
    }

    /// Ready agents with room for the item, in rows that are each in the order of `select`.
    pub fn with_room(
        &self,
        channel: &str,
        weight: i64,
        select: Select,
    ) -> impl Iterator<Item = &Row> {
        let pools = self.rows.get(&select);
        let by_spare = pools.and_then(|pools| pools.get(self.pool(channel)));
        let rows = by_spare.into_iter().flat_map(move |r| r.range(weight..));
        rows.map(|(_, row)| row)
    }

    /// The first `n` of a row for this item, where only a lot needs to look at all.
    pub fn first_of<'a>(
        row: &'a Row,
        asked: &Asked<'_>,
        may: impl Fn(&UserId) -> bool + 'a,
        n: usize,
    ) -> Vec<&'a (i64, Time, UserId)> {
        let all = row.iter();
        match (asked.select, asked.turn) {
            (Select::Random, _) => all.filter(|(.., id)| may(id)).collect(),
            (Select::RoundRobin, Some(last)) => {
                let after = Excluded((0, Time::MIN_UTC, last));
                let next = row.range((after, Unbounded)).chain(all);
                next.filter(|(.., id)| may(id)).take(n).collect()
            }
            _ => all.filter(|(.., id)| may(id)).take(n).collect(),
        }
    }

    pub fn enter(&mut self, user: UserId, readiness: &Result<Ready, Ineligible>) {
        match readiness {
            Err(why) => *self.unready.entry(*why).or_default() += 1,
            Ok(ready) => {
                self.ready += 1;
                for (select, pools) in &mut self.rows {
                    for (rows, pool) in pools.iter_mut().zip(&ready.pools) {
                        let row = rows.entry(pool.spare).or_default();
                        row.insert(ready.key(*pool, *select, user));
                    }
                }
            }
        }
    }

    pub fn leave(&mut self, user: UserId, readiness: &Result<Ready, Ineligible>) {
        match readiness {
            Err(why) => {
                if let Some(n) = self.unready.get_mut(why) {
                    *n = n.saturating_sub(1);
                }
            }
            Ok(ready) => {
                self.ready = self.ready.saturating_sub(1);
                for (select, pools) in &mut self.rows {
                    for (rows, pool) in pools.iter_mut().zip(&ready.pools) {
                        if let Some(row) = rows.get_mut(&pool.spare) {
                            row.remove(&ready.key(*pool, *select, user));
                            if row.is_empty() {
                                rows.remove(&pool.spare);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Every ready agent.
    pub fn everybody(&self) -> impl Iterator<Item = UserId> + '_ {
        let pools = self.rows.values().next();
        let pool = pools.and_then(|pools| pools.last()).into_iter();
        let pool = pool.flat_map(BTreeMap::values);
        pool.flatten().map(|(.., id)| *id)
    }

    /// Is she ready and has room for the item?
    pub fn has_room(&self, ready: &Ready, channel: &str, weight: i64) -> bool {
        let pool = ready.pools.get(self.pool(channel));
        pool.is_some_and(|p| p.spare >= weight)
    }
}
