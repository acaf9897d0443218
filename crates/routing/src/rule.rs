//! The rule in small pieces: what is asked for, capacity and who may not be asked.
//! Both the reference and the engine are built from these, so that they differ in search only.

use crate::decision::Rule;
use domain::agent_state::{AgentState, AgentStatus};
use domain::image::Presence;
use domain::offer::Offer;
use domain::queue::{Queue, QueueMember, RequiredSkill};
use domain::work_item::{CriteriaStep, WorkItem, WorkItemState};
use domain::{QueueId, SkillId, Time, UserId, text_enum};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A connection may be gone this long before the agent counts as lost and her offers are withdrawn.
/// New offers stop at once.
const LOST_AFTER_S: i64 = 30;

const EXCLUSION_STEP_S: i64 = 30;
const EXCLUSION_MAX_S: i64 = 300;

text_enum! {
    /// Why an agent is not asked. The order is the order of the checks: the first that fails names it.
    pub enum Ineligible {
        QueueArchived = "queue_archived",
        NotMember = "not_member",
        Offline = "offline",
        NotReady = "not_ready",
        /// Available, but no browser is connected.
        Disconnected = "disconnected",
        /// Another offer to her is overdue and about to expire.
        NotResponding = "not_responding",
        Skill = "skill",
        Capacity = "capacity",
        /// The item has not waited long enough for this member.
        Delay = "delay",
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

/// Which step of its own criteria the item has reached.
pub(crate) fn criteria(item: &WorkItem, now: Time) -> &[RequiredSkill] {
    let reached = |step: &&CriteriaStep| later(item.eligible_since, step.after_s) <= now;
    let steps = item.criteria.iter().filter(reached);
    // The first of equals counts, as everywhere.
    let last = steps.reduce(|a, b| if b.after_s > a.after_s { b } else { a });
    last.map_or(&[], |step| &step.skills)
}

/// All that is asked for now: by the queue, and by the step that the item has reached.
pub(crate) fn required(item: &WorkItem, queue: &Queue, now: Time) -> Required {
    let mut required = Required::new();
    for skill in queue.required_skills.iter().chain(criteria(item, now)) {
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

/// How long an agent who declined or missed an item is not asked for it again. It grows with the
/// item's offers so that one item does not hammer one agent, and is capped so that a lone agent
/// gets it again.
pub fn exclusion_s(offer_count: i64) -> i64 {
    offer_count
        .saturating_mul(EXCLUSION_STEP_S)
        .clamp(EXCLUSION_STEP_S, EXCLUSION_MAX_S)
}
