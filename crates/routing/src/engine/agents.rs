//! Agents by what they can do. Agents with equal traits share one profile, and a profile keeps
//! its ready agents ordered for every pool of slots, so that "the best for this item" looks at the
//! head of a few ordered sets and never at all agents.

use crate::rule::{AgentKey, Ineligible, SHARED, later};
use domain::queue::Queue;
use domain::{QueueId, SkillId, Time, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// What decides which items an agent can get at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Traits {
    pub skills: BTreeMap<SkillId, i32>,
    pub memberships: BTreeMap<QueueId, Membership>,
    /// Channel kinds with slots of their own; all others share one pool.
    pub kinds: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Membership {
    pub priority: i32,
    pub delay_s: i64,
}

/// An agent who may be asked: by what she is ordered, and her spare slots per pool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ready {
    pub load: i64,
    pub released_at: Time,
    pub spare: BTreeMap<String, i64>,
}

type ProfileId = u32;
/// Ready agents of one profile in the order in which they are asked.
type Line = BTreeSet<(i64, Time, UserId)>;

#[derive(Debug, Default)]
struct Profile {
    traits: Traits,
    agents: usize,
    unready: BTreeMap<Ineligible, usize>,
    ready: usize,
    /// Pool → spare slots → agents with exactly so many.
    lines: BTreeMap<String, BTreeMap<i64, Line>>,
}

#[derive(Debug, Clone)]
struct Place {
    profile: ProfileId,
    readiness: Result<Ready, Ineligible>,
}

/// What is asked of the index: who may get this item?
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub queue: &'a Queue,
    pub channel: &'a str,
    pub weight: i64,
    pub eligible_since: Time,
    /// Agents who may not be asked for this very item.
    pub excluded: &'a [UserId],
    pub now: Time,
}

#[derive(Debug, Default)]
pub(super) struct AgentIndex {
    profiles: BTreeMap<ProfileId, Profile>,
    profile_of: BTreeMap<Traits, ProfileId>,
    by_queue: BTreeMap<QueueId, BTreeSet<ProfileId>>,
    places: BTreeMap<UserId, Place>,
    next_profile: ProfileId,
}

impl Profile {
    fn pool<'a>(&self, channel: &'a str) -> &'a str {
        if self.traits.kinds.contains(channel) {
            channel
        } else {
            SHARED
        }
    }

    fn is_skilled(&self, queue: &Queue) -> bool {
        queue.required_skills.iter().all(|r| {
            let level = self.traits.skills.get(&r.skill_id).copied();
            level.unwrap_or(0) >= r.level_min
        })
    }

    /// Ready agents with room for the item, in groups that are each in order.
    fn with_room(&self, ask: &Ask<'_>) -> impl Iterator<Item = &Line> {
        let pool = self.lines.get(self.pool(ask.channel));
        pool.into_iter()
            .flat_map(|by_spare| by_spare.range(ask.weight..))
            .map(|(_, line)| line)
    }

    fn enter(&mut self, user: UserId, readiness: &Result<Ready, Ineligible>) {
        match readiness {
            Err(why) => *self.unready.entry(*why).or_default() += 1,
            Ok(ready) => {
                self.ready += 1;
                for (pool, spare) in &ready.spare {
                    let by_spare = self.lines.entry(pool.clone()).or_default();
                    let line = by_spare.entry(*spare).or_default();
                    line.insert((ready.load, ready.released_at, user));
                }
            }
        }
    }

    fn leave(&mut self, user: UserId, readiness: &Result<Ready, Ineligible>) {
        match readiness {
            Err(why) => {
                if let Some(n) = self.unready.get_mut(why) {
                    *n = n.saturating_sub(1);
                }
            }
            Ok(ready) => {
                self.ready = self.ready.saturating_sub(1);
                for (pool, spare) in &ready.spare {
                    let Some(by_spare) = self.lines.get_mut(pool) else {
                        continue;
                    };
                    if let Some(line) = by_spare.get_mut(spare) {
                        line.remove(&(ready.load, ready.released_at, user));
                        if line.is_empty() {
                            by_spare.remove(spare);
                        }
                    }
                }
            }
        }
    }
}

impl AgentIndex {
    /// Puts her where she belongs now. Returns whether work that did not fit her may fit her now.
    pub fn put(
        &mut self,
        user: UserId,
        traits: Option<Traits>,
        readiness: Result<Ready, Ineligible>,
    ) -> bool {
        let before = self.places.get(&user).cloned();
        let profile = match (traits, &before) {
            (None, Some(place)) => place.profile,
            (traits, _) => self.join(user, traits.unwrap_or_default()),
        };
        let gained = match (&before, &readiness) {
            (_, Err(_)) => false,
            (Some(old), Ok(new)) if old.profile == profile => {
                old.readiness.as_ref().map_or(true, |was| more(was, new))
            }
            _ => true,
        };
        self.replace(user, Place { profile, readiness });
        gained
    }

    /// An item decided a moment ago occupies her. Undone by [`Self::restore`].
    pub fn reserve(&mut self, user: UserId, channel: &str, weight: i64) -> Option<Reserved> {
        let place = self.places.get(&user)?.clone();
        let mut after = place.clone();
        let profile = self.profiles.get(&place.profile)?;
        if let Ok(ready) = &mut after.readiness {
            ready.load = ready.load.saturating_add(weight);
            if let Some(spare) = ready.spare.get_mut(profile.pool(channel)) {
                *spare = spare.saturating_sub(weight);
            }
        }
        self.replace(user, after);
        Some(Reserved { user, place })
    }

    pub fn restore(&mut self, reserved: Reserved) {
        self.replace(reserved.user, reserved.place);
    }

    /// The first `n` who may be asked, the best first.
    pub fn first(&self, ask: &Ask<'_>, n: usize) -> Vec<AgentKey> {
        let mut best = Vec::new();
        for (profile, membership) in self.members(ask.queue.id) {
            if !profile.is_skilled(ask.queue) || !is_open(membership, ask) {
                continue;
            }
            for line in profile.with_room(ask) {
                let may = line.iter().filter(|(.., id)| !ask.excluded.contains(id));
                best.extend(may.take(n).map(|(load, released_at, id)| AgentKey {
                    member_priority: membership.priority,
                    load: *load,
                    released_at: *released_at,
                    id: *id,
                }));
            }
        }
        best.sort_unstable();
        best.truncate(n);
        best
    }

    /// How many members cannot be asked, by the first reason.
    pub fn excluded(&self, ask: &Ask<'_>) -> Vec<(Ineligible, usize)> {
        let mut counts: BTreeMap<Ineligible, usize> = BTreeMap::new();
        for (profile, membership) in self.members(ask.queue.id) {
            for (why, n) in &profile.unready {
                *counts.entry(*why).or_default() += n;
            }
            if !profile.is_skilled(ask.queue) {
                *counts.entry(Ineligible::Skill).or_default() += profile.ready;
                continue;
            }
            let room: usize = profile.with_room(ask).map(BTreeSet::len).sum();
            *counts.entry(Ineligible::Capacity).or_default() += profile.ready - room;
            if is_open(membership, ask) {
                let excluded = self.excluded_with_room(profile, ask);
                *counts.entry(Ineligible::Excluded).or_default() += excluded;
            } else {
                *counts.entry(Ineligible::Delay).or_default() += room;
            }
        }
        counts.into_iter().filter(|(_, n)| *n > 0).collect()
    }

    fn excluded_with_room(&self, profile: &Profile, ask: &Ask<'_>) -> usize {
        let waits_for_this = |user: &&UserId| {
            let ready = self
                .places
                .get(user)
                .and_then(|p| p.readiness.as_ref().ok());
            ready.is_some_and(|r| {
                let key = (r.load, r.released_at, **user);
                profile.with_room(ask).any(|line| line.contains(&key))
            })
        };
        ask.excluded.iter().filter(waits_for_this).count()
    }

    fn members(&self, queue: QueueId) -> impl Iterator<Item = (&Profile, Membership)> {
        let ids = self.by_queue.get(&queue).into_iter().flatten();
        ids.filter_map(move |id| {
            let profile = self.profiles.get(id)?;
            Some((profile, *profile.traits.memberships.get(&queue)?))
        })
    }

    /// Queues that she serves.
    pub fn queues(&self, user: UserId) -> Vec<QueueId> {
        let profile = self.places.get(&user).map(|p| p.profile);
        let profile = profile.and_then(|id| self.profiles.get(&id));
        profile
            .into_iter()
            .flat_map(|p| p.traits.memberships.keys().copied())
            .collect()
    }

    fn replace(&mut self, user: UserId, place: Place) {
        if let Some(old) = self.places.remove(&user)
            && let Some(profile) = self.profiles.get_mut(&old.profile)
        {
            profile.leave(user, &old.readiness);
        }
        if let Some(profile) = self.profiles.get_mut(&place.profile) {
            profile.enter(user, &place.readiness);
        }
        self.places.insert(user, place);
    }

    /// Counts her into the profile with these traits, and out of the one she had.
    fn join(&mut self, user: UserId, traits: Traits) -> ProfileId {
        let id = match self.profile_of.get(&traits) {
            Some(id) => *id,
            None => self.open_profile(traits),
        };
        if let Some(profile) = self.profiles.get_mut(&id) {
            profile.agents += 1;
        }
        if let Some(old) = self.places.remove(&user) {
            self.quit(user, &old);
        }
        id
    }

    fn open_profile(&mut self, traits: Traits) -> ProfileId {
        let id = self.next_profile;
        self.next_profile += 1;
        for queue in traits.memberships.keys() {
            self.by_queue.entry(*queue).or_default().insert(id);
        }
        self.profile_of.insert(traits.clone(), id);
        let profile = Profile {
            traits,
            ..Profile::default()
        };
        self.profiles.insert(id, profile);
        id
    }

    fn quit(&mut self, user: UserId, place: &Place) {
        let Some(profile) = self.profiles.get_mut(&place.profile) else {
            return;
        };
        profile.leave(user, &place.readiness);
        profile.agents -= 1;
        if profile.agents > 0 {
            return;
        }
        for queue in profile.traits.memberships.keys() {
            if let Some(ids) = self.by_queue.get_mut(queue) {
                ids.remove(&place.profile);
            }
        }
        self.profile_of.remove(&profile.traits);
        self.profiles.remove(&place.profile);
    }
}

/// How to put an agent back after a tentative decision.
#[derive(Debug)]
pub(super) struct Reserved {
    user: UserId,
    place: Place,
}

fn is_open(membership: Membership, ask: &Ask<'_>) -> bool {
    later(ask.eligible_since, membership.delay_s) <= ask.now
}

fn more(was: &Ready, new: &Ready) -> bool {
    let before = |pool| was.spare.get(pool).copied().unwrap_or(i64::MIN);
    new.spare.iter().any(|(pool, spare)| *spare > before(pool))
}
