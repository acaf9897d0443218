//! The rule in small pieces: what is asked for, capacity and who may not be asked.
//! Both the reference and the engine are built from these, so that they differ in search only.

use crate::decision::Rule;
use domain::agent_state::{AgentState, AgentStatus};
use domain::image::Presence;
use domain::offer::Offer;
use domain::policy::{Policy, Select};
use domain::queue::{Overflow, Queue, QueueMember, RequiredSkill};
use domain::work_item::{CriteriaStep, WorkItem, WorkItemState};
use domain::{QueueId, SkillId, Time, UserId, text_enum};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connection may be gone this long before the agent counts as lost and her offers are withdrawn.
/// New offers stop at once.
const LOST_AFTER_S: i64 = 30;

const OVERFLOW_REST_S: i64 = 1;

text_enum! {
    /// Why an agent is not asked. The order is the order of the checks: the first that fails names it.
    pub enum Ineligible {
        QueueArchived = "queue_archived",
        /// Outside the queue's hours.
        Closed = "closed",
        NotMember = "not_member",
        Offline = "offline",
        NotReady = "not_ready",
        /// Available, but no browser is connected.
        Disconnected = "disconnected",
        /// She ends what she has and then takes a break or leaves.
        Finishing = "finishing",
        /// Another offer to her is overdue and about to expire.
        NotResponding = "not_responding",
        /// She takes nothing new of this channel now.
        ChannelOff = "channel_off",
        Skill = "skill",
        Capacity = "capacity",
        /// The item has not waited long enough for this member.
        Delay = "delay",
        /// It waits for somebody else first.
        Reserved = "reserved",
        /// She declined or missed this item a moment ago.
        Excluded = "excluded",
    }
}

/// What an item asks for. Items of one class are served in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DemandClass {
    pub queue_id: QueueId,
    pub channel: String,
    /// Skills with the lowest level that will do, as the queue and the item say now.
    pub skills: Vec<(SkillId, i32)>,
}

impl DemandClass {
    pub(crate) fn of(item: &WorkItem, queue: &Queue, now: Time) -> Self {
        Self {
            queue_id: queue.id,
            channel: item.channel.clone(),
            skills: required(item, queue, now).into_iter().collect(),
        }
    }
}

/// Skills with the lowest level that will do.
pub(crate) type Required = BTreeMap<SkillId, i32>;

/// The step that an item has reached.
fn step(steps: &[CriteriaStep], since: Time, now: Time) -> &[RequiredSkill] {
    let reached = |step: &&CriteriaStep| later(since, step.after_s) <= now;
    let steps = steps.iter().filter(reached);
    // The first of equals counts, as everywhere.
    let last = steps.reduce(|a, b| if b.after_s > a.after_s { b } else { a });
    last.map_or(&[], |step| &step.skills)
}

/// What is asked for by the steps that the item has reached: its own and those of its queue.
pub(crate) fn criteria<'a>(
    item: &'a WorkItem,
    queue: &'a Queue,
    now: Time,
) -> impl Iterator<Item = &'a RequiredSkill> {
    let since = item.eligible_since;
    let of_queue = step(&queue.routing.relax, since, now);
    step(&item.criteria, since, now).iter().chain(of_queue)
}

/// All that is asked for now: by the queue, and by the steps that the item has reached.
pub(crate) fn required(item: &WorkItem, queue: &Queue, now: Time) -> Required {
    let mut required = Required::new();
    for skill in queue
        .required_skills
        .iter()
        .chain(criteria(item, queue, now))
    {
        let level = required.entry(skill.skill_id).or_insert(skill.level_min);
        *level = skill.level_min.max(*level);
    }
    required
}

/// `at + seconds`, held inside the calendar: configured numbers may be absurd.
pub(crate) fn later(at: Time, seconds: i64) -> Time {
    let edge = if seconds < 0 {
        Time::MIN_UTC
    } else {
        Time::MAX_UTC
    };
    chrono::TimeDelta::try_seconds(seconds)
        .and_then(|d| at.checked_add_signed(d))
        .unwrap_or(edge)
}

/// The pool of all channel kinds to which an agent gives no slots of their own.
pub(crate) const SHARED: &str = "*";

/// The pool of slots from which an item of this channel kind takes.
pub(crate) fn pool<'a>(agent: &AgentState, channel: &'a str) -> &'a str {
    if agent.capacity.contains_key(channel) {
        channel
    } else {
        SHARED
    }
}

/// Slots that `held` items leave free for `channel`; negative when a person overrode the limit.
pub(crate) fn spare_slots<'a>(
    agent: &AgentState,
    channel: &str,
    held: impl IntoIterator<Item = &'a WorkItem>,
) -> i64 {
    let used = held
        .into_iter()
        .filter(|item| pool(agent, channel) == pool(agent, &item.channel))
        .fold(0_i64, |sum, item| sum.saturating_add(item.weight));
    agent.slots(channel).saturating_sub(used)
}

pub(crate) fn is_skilled(agent: &AgentState, required: &Required) -> bool {
    required
        .iter()
        .all(|(skill, least)| agent.level(*skill) >= *least)
}

/// By how much she is able: the sum of her levels in what is asked for.
pub(crate) fn levels(agent: &AgentState, required: &Required) -> i64 {
    let levels = required.keys().map(|skill| i64::from(agent.level(*skill)));
    levels.sum()
}

/// Slots of `channel` and how many of them `held` items use.
pub(crate) fn occupied<'a>(
    agent: &AgentState,
    channel: &str,
    held: impl IntoIterator<Item = &'a WorkItem>,
) -> (i64, i64) {
    let slots = agent.slots(channel);
    let spare = spare_slots(agent, channel, held);
    (slots.saturating_sub(spare), slots)
}

pub(crate) fn member(queue: &Queue, user: UserId) -> Option<&QueueMember> {
    queue.members.iter().find(|m| m.user_id == user)
}

pub(crate) fn is_excluded(item: &WorkItem, user: UserId, now: Time) -> bool {
    item.exclusions
        .iter()
        .any(|e| e.user_id == user && e.until > now)
}

/// Why her status or her connection keeps work from her, if they do.
pub(crate) fn unready(agent: &AgentState, presence: Option<&Presence>) -> Option<Ineligible> {
    match agent.status {
        AgentStatus::Offline => Some(Ineligible::Offline),
        AgentStatus::NotReady => Some(Ineligible::NotReady),
        AgentStatus::Available if !presence.is_some_and(|p| p.connected) => {
            Some(Ineligible::Disconnected)
        }
        AgentStatus::Available if agent.next.is_some() => Some(Ineligible::Finishing),
        AgentStatus::Available => None,
    }
}

/// When an agent without a connection counts as lost. `None`: she is connected.
pub(crate) fn lost_at(presence: Option<&Presence>) -> Option<Time> {
    match presence {
        Some(p) if p.connected => None,
        Some(Presence {
            gone_at: Some(at), ..
        }) => Some(later(*at, LOST_AFTER_S)),
        // Never seen, or seen without a time of going: there is no grace to give.
        _ => Some(Time::MIN_UTC),
    }
}

/// Why an open offer should end now, if it should. A lost item or agent weighs more than the time:
/// nobody is blamed for not answering what she could not see.
pub(crate) fn ending(
    offer: &Offer,
    item: Option<&WorkItem>,
    agent: Option<&AgentState>,
    presence: Option<&Presence>,
    now: Time,
) -> Option<Rule> {
    if item.is_none_or(|i| i.offer_id() != Some(offer.id)) {
        return Some(Rule::ItemGone);
    }
    if agent.is_none_or(|a| a.status == AgentStatus::Offline) {
        return Some(Rule::AgentOffline);
    }
    if lost_at(presence).is_some_and(|at| at <= now) {
        return Some(Rule::AgentVanished);
    }
    (offer.expires_at <= now).then_some(Rule::OfferExpired)
}

/// Why an item is in nobody's hands although it says otherwise, if so. `offer` is its open offer,
/// `agent` the row of who has it.
pub(crate) fn orphaned(
    item: &WorkItem,
    offer: Option<&Offer>,
    agent: Option<&AgentState>,
) -> Option<Rule> {
    match item.state() {
        WorkItemState::Offered if !offer.is_some_and(Offer::is_open) => Some(Rule::OfferGone),
        state if state.is_assigned() && agent.is_none() => Some(Rule::AgentGone),
        _ => None,
    }
}

/// Which agent this queue asks.
pub(crate) fn select(queue: &Queue, policy: &Policy) -> Select {
    queue.routing.select.unwrap_or(policy.select)
}

pub(crate) fn is_closed(queue: &Queue, now: Time) -> bool {
    let hours = queue.routing.hours.as_ref();
    hours.is_some_and(|hours| !hours.at(now).is_open)
}

/// For whom alone the item waits now.
pub(crate) fn kept_for(item: &WorkItem, now: Time) -> Option<UserId> {
    let preferred = item.preferred.filter(|p| p.until > now);
    preferred.map(|p| p.user_id)
}

/// What is known of a queue besides its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    pub is_closed: bool,
    /// A member is available and connected.
    pub is_staffed: bool,
    /// The queue that it names for overflow is there to take items.
    pub has_overflow: bool,
}

/// Why a waiting item should go to the other queue now, if it should.
pub(crate) fn overflow(
    item: &WorkItem,
    queue: &Queue,
    service: Service,
    now: Time,
) -> Option<(QueueId, Rule)> {
    let overflow = queue.routing.overflow.filter(|_| service.has_overflow)?;
    if rest_until(item) > now {
        return None;
    }
    let waited = waited_out(item, overflow).is_some_and(|at| at <= now);
    let rule = if overflow.when_closed && service.is_closed {
        Rule::OverflowClosed
    } else if overflow.when_unstaffed && !service.is_staffed {
        Rule::OverflowUnstaffed
    } else if waited {
        Rule::OverflowWaited
    } else {
        return None;
    };
    Some((overflow.to, rule))
}

/// Instants at which time alone may make the item overflow.
pub(crate) fn overflow_turns(item: &WorkItem, queue: &Queue) -> impl Iterator<Item = Time> {
    let overflow = queue.routing.overflow;
    let rest = overflow.map(|_| rest_until(item));
    let waited = overflow.and_then(|overflow| waited_out(item, overflow));
    rest.into_iter().chain(waited)
}

fn waited_out(item: &WorkItem, overflow: Overflow) -> Option<Time> {
    Some(later(item.queue_since, overflow.after_s?))
}

/// An item that came from another queue rests a moment: should queues ever lead round in a circle,
/// it goes round no faster than this.
fn rest_until(item: &WorkItem) -> Time {
    if item.queue_since == item.created_at {
        Time::MIN_UTC
    } else {
        later(item.queue_since, OVERFLOW_REST_S)
    }
}
