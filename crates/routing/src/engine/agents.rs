//! Agents by what they can do. Agents with equal traits share one profile, and a profile keeps
//! its ready agents ordered for every pool of slots, so that "the best for this item" looks at the
//! head of a few ordered sets and never at all agents.

use super::profile::{Membership, Profile, Ready, Row, Traits};
use crate::decision::Score;
use crate::rank::{AgentKey, Asked, Seat};
use crate::rule::{Ineligible, Required, later};
use domain::work_item::WorkItem;
use domain::{QueueId, Time, UserId};
use std::collections::{BTreeMap, BTreeSet};

pub(super) type ProfileId = u32;

#[derive(Debug, Clone)]
struct Place {
    profile: ProfileId,
    readiness: Result<Ready, Ineligible>,
}

/// What is asked of the index: who may get this item?
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub item: &'a WorkItem,
    pub required: Required,
    /// Agents who may not be asked for this very item.
    pub excluded: Vec<UserId>,
    /// For whom alone it waits now.
    pub only: Option<UserId>,
    pub now: Time,
}

impl Ask<'_> {
    fn may(&self, user: UserId) -> bool {
        !self.excluded.contains(&user) && self.only.is_none_or(|only| only == user)
    }
}

#[derive(Debug, Default)]
pub(super) struct AgentIndex {
    profiles: BTreeMap<ProfileId, Profile>,
    profile_of: BTreeMap<Traits, ProfileId>,
    by_queue: BTreeMap<QueueId, BTreeSet<ProfileId>>,
    places: BTreeMap<UserId, Place>,
    next_profile: ProfileId,
    /// Agents who have room that they had not.
    hopeful: BTreeSet<UserId>,
}

impl AgentIndex {
    /// Puts her where she belongs now.
    pub fn put(&mut self, user: UserId, readiness: Result<Ready, Ineligible>) {
        let Some(before) = self.places.get(&user) else {
            return;
        };
        let gained = match (&before.readiness, &readiness) {
            (_, Err(_)) => false,
            (Err(_), Ok(_)) => true,
            (Ok(was), Ok(is)) => is.exceeds(was),
        };
        let profile = before.profile;
        if gained {
            self.hopeful.insert(user);
        }
        self.replace(user, Place { profile, readiness });
    }

    /// Counts her into the profile with these traits, and out of the one she had.
    pub fn join(&mut self, user: UserId, traits: Traits) {
        let profile = match self.profile_of.get(&traits) {
            Some(id) => *id,
            None => self.open_profile(traits),
        };
        if let Some(joined) = self.profiles.get_mut(&profile) {
            joined.agents += 1;
        }
        if let Some(old) = self.places.remove(&user) {
            self.quit(user, &old);
        }
        // Not ready for anything until she is put.
        let readiness = Err(Ineligible::Offline);
        self.replace(user, Place { profile, readiness });
    }

    pub fn knows(&self, user: UserId) -> bool {
        self.places.contains_key(&user)
    }

    pub fn profile_of(&self, user: UserId) -> Option<&Profile> {
        self.profiles.get(&self.places.get(&user)?.profile)
    }

    /// An item decided a moment ago occupies her. Undone by [`Self::restore`].
    pub fn reserve(&mut self, user: UserId, channel: &str, weight: i64) -> Option<Reserved> {
        let place = self.places.get(&user)?.clone();
        let mut after = place.clone();
        let pool = self.profiles.get(&place.profile)?.pool(channel);
        if let Ok(ready) = &mut after.readiness {
            ready.load = ready.load.saturating_add(weight);
            if let Some(pool) = ready.pools.get_mut(pool) {
                pool.spare = pool.spare.saturating_sub(weight);
            }
        }
        self.replace(user, after);
        Some(Reserved { user, place })
    }

    pub fn restore(&mut self, reserved: Reserved) {
        self.replace(reserved.user, reserved.place);
    }

    /// May anybody of this profile be asked?
    pub fn is_open(&self, profile: ProfileId, ask: &Ask<'_>) -> bool {
        if let Some(only) = ask.only {
            let hers = self.places.get(&only).map(|place| place.profile);
            return hers == Some(profile) && self.is_open_to(only, ask);
        }
        let queue = ask.item.queue_id;
        let Some((profile, membership)) = self.member(profile, queue) else {
            return false;
        };
        profile.takes(&ask.item.channel)
            && profile.is_skilled(&ask.required)
            && is_open(membership, ask)
            && rows(profile, membership, ask).any(|row| row.iter().any(|(.., id)| ask.may(*id)))
    }

    /// May this agent be asked?
    pub fn is_open_to(&self, user: UserId, ask: &Ask<'_>) -> bool {
        let Some(place) = self.places.get(&user) else {
            return false;
        };
        let Some((profile, membership)) = self.member(place.profile, ask.item.queue_id) else {
            return false;
        };
        let room = |r: &Ready| profile.has_room(r, &ask.item.channel, ask.item.weight);
        place.readiness.as_ref().is_ok_and(room)
            && profile.takes(&ask.item.channel)
            && profile.is_skilled(&ask.required)
            && is_open(membership, ask)
            && ask.may(user)
    }

    /// The first `n` who may be asked, the best first.
    pub fn first(&self, ask: &Ask<'_>, asked: &Asked<'_>, n: usize) -> Vec<Seat> {
        let mut best = Vec::new();
        for (profile, membership) in self.members(ask.item.queue_id) {
            let able = profile.takes(&ask.item.channel) && profile.is_skilled(&ask.required);
            if !able || !is_open(membership, ask) {
                continue;
            }
            let levels = profile.levels(&ask.required);
            let may = |id: &UserId| ask.may(*id);
            for row in rows(profile, membership, ask) {
                let first = Profile::first_of(row, asked, may, n).into_iter();
                best.extend(first.map(|(rank, since, id)| AgentKey {
                    member_priority: asked.member_priority(membership.priority),
                    rank: asked.rank(*rank, levels, *id),
                    since: *since,
                    id: *id,
                }));
            }
        }
        best.sort_unstable();
        // Going round, a row may name somebody twice.
        best.dedup();
        best.truncate(n);
        let seats = best.into_iter().filter_map(|key| self.seat(key, ask));
        seats.collect()
    }

    fn seat(&self, key: AgentKey, ask: &Ask<'_>) -> Option<Seat> {
        let place = self.places.get(&key.id)?;
        let (_, membership) = self.member(place.profile, ask.item.queue_id)?;
        let ready = place.readiness.as_ref().ok()?;
        let score = Score {
            member_priority: membership.priority,
            load: ready.load,
            idle_since: ready.released_at,
        };
        Some(Seat { key, score })
    }

    /// How many members cannot be asked, by the first reason.
    pub fn excluded(&self, ask: &Ask<'_>) -> Vec<(Ineligible, usize)> {
        let mut counts: BTreeMap<Ineligible, usize> = BTreeMap::new();
        for (profile, membership) in self.members(ask.item.queue_id) {
            for (why, n) in &profile.unready {
                *counts.entry(*why).or_default() += n;
            }
            if !profile.takes(&ask.item.channel) {
                *counts.entry(Ineligible::ChannelOff).or_default() += profile.ready;
                continue;
            }
            if !profile.is_skilled(&ask.required) {
                *counts.entry(Ineligible::Skill).or_default() += profile.ready;
                continue;
            }
            let rows = rows(profile, membership, ask);
            let room: usize = rows.map(BTreeSet::len).sum();
            *counts.entry(Ineligible::Capacity).or_default() += profile.ready - room;
            if is_open(membership, ask) {
                let waits = |user: &UserId| self.has_room(*user, profile, ask);
                let kept = ask.only.map_or(0, |only| room - usize::from(waits(&only)));
                *counts.entry(Ineligible::Reserved).or_default() += kept;
                let excluded = ask.excluded.iter().filter(|user| waits(user));
                let excluded = excluded.filter(|user| ask.only.is_none_or(|o| o == **user));
                *counts.entry(Ineligible::Excluded).or_default() += excluded.count();
            } else {
                *counts.entry(Ineligible::Delay).or_default() += room;
            }
        }
        counts.into_iter().filter(|(_, n)| *n > 0).collect()
    }

    /// Is she one of this profile, with room for the item?
    fn has_room(&self, user: UserId, profile: &Profile, ask: &Ask<'_>) -> bool {
        let place = self.places.get(&user);
        let hers = place.and_then(|p| self.profiles.get(&p.profile));
        let ready = place.and_then(|p| p.readiness.as_ref().ok());
        hers.is_some_and(|hers| std::ptr::eq(hers, profile))
            && ready.is_some_and(|r| profile.has_room(r, &ask.item.channel, ask.item.weight))
    }

    /// Profiles that serve this queue.
    pub fn serving(&self, queue: QueueId) -> impl Iterator<Item = ProfileId> + '_ {
        self.by_queue.get(&queue).into_iter().flatten().copied()
    }

    /// Ready agents of a profile.
    pub fn ready_of(&self, id: ProfileId) -> BTreeSet<UserId> {
        let profile = self.profiles.get(&id);
        let ready = profile.into_iter().flat_map(Profile::everybody);
        ready.collect()
    }

    pub fn member(&self, id: ProfileId, queue: QueueId) -> Option<(&Profile, Membership)> {
        let profile = self.profiles.get(&id)?;
        Some((profile, *profile.traits.memberships.get(&queue)?))
    }

    fn members(&self, queue: QueueId) -> impl Iterator<Item = (&Profile, Membership)> {
        self.serving(queue)
            .filter_map(move |id| self.member(id, queue))
    }

    pub fn hopeful(&self) -> impl Iterator<Item = (UserId, ProfileId)> + '_ {
        let users = self.hopeful.iter();
        users.filter_map(|user| Some((*user, self.places.get(user)?.profile)))
    }

    pub fn profile_id(&self, user: UserId) -> Option<ProfileId> {
        self.places.get(&user).map(|place| place.profile)
    }

    /// The queues that a profile serves.
    pub fn served_by(&self, id: ProfileId) -> impl Iterator<Item = QueueId> + '_ {
        let profile = self.profiles.get(&id).into_iter();
        profile.flat_map(|profile| profile.traits.memberships.keys().copied())
    }

    pub fn hope_only_for(&mut self, agents: impl Iterator<Item = UserId>) {
        self.hopeful = agents.collect();
    }

    /// Has anybody of this profile room for so much? Asked before anything that costs more.
    pub fn has_seat(&self, id: ProfileId, queue: QueueId, channel: &str, weight: i64) -> bool {
        self.member(id, queue).is_some_and(|(profile, membership)| {
            let mut rows = profile.with_room(channel, weight, membership.select);
            rows.next().is_some()
        })
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

    fn open_profile(&mut self, traits: Traits) -> ProfileId {
        let id = self.next_profile;
        self.next_profile += 1;
        for queue in traits.memberships.keys() {
            self.by_queue.entry(*queue).or_default().insert(id);
        }
        self.profile_of.insert(traits.clone(), id);
        self.profiles.insert(id, Profile::of(traits));
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

fn rows<'a>(
    profile: &'a Profile,
    membership: Membership,
    ask: &Ask<'_>,
) -> impl Iterator<Item = &'a Row> {
    profile.with_room(&ask.item.channel, ask.item.weight, membership.select)
}

fn is_open(membership: Membership, ask: &Ask<'_>) -> bool {
    later(ask.item.eligible_since, membership.delay_s) <= ask.now
}
