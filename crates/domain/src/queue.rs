//! Queues, skills and proficiencies: the configuration routing reads.

use crate::hours::Hours;
use crate::policy::Select;
use crate::work_item::CriteriaStep;
use crate::{QueueId, SkillId, TenantId, Time, UserId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    pub id: QueueId,
    pub tenant_id: TenantId,
    pub name: String,
    /// Palette index for the dot in lists.
    pub color: i32,
    /// How long an offer stays open, seconds.
    pub offer_ttl_s: i64,
    /// Order key offset: target answer time, seconds.
    pub target_s: i64,
    /// Skills every item of this queue asks for, with the lowest level that will do.
    pub required_skills: Vec<RequiredSkill>,
    pub members: Vec<QueueMember>,
    #[serde(default)]
    pub routing: QueueRouting,
    pub archived_at: Option<Time>,
    pub version: i64,
}

/// What is special about how a queue routes; the default is nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueRouting {
    /// Which agent is asked; `None`: as the tenant's policy says.
    pub select: Option<Select>,
    /// Skills asked for besides the required ones, by the time an item has waited: each step
    /// replaces the one before.
    pub relax: Vec<CriteriaStep>,
    /// When the queue is served; `None`: always.
    pub hours: Option<Hours>,
    pub overflow: Option<Overflow>,
    pub sticky: Option<Sticky>,
}

/// Where waiting items go that nobody here serves; any of the conditions is enough. They keep
/// their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overflow {
    pub to: QueueId,
    /// After so many seconds in this queue.
    pub after_s: Option<i64>,
    /// While the queue is closed.
    pub when_closed: bool,
    /// While no member is available and connected.
    pub when_unstaffed: bool,
}

/// A customer who writes again gets the agent who helped her last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sticky {
    /// Only within so many seconds after that work ended.
    pub within_s: i64,
    /// How long the item waits for her before others are asked; 0: not at all.
    pub wait_s: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequiredSkill {
    pub skill_id: SkillId,
    /// 1–5.
    pub level_min: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueueMember {
    pub user_id: UserId,
    /// 1 serves first.
    pub priority: i32,
    /// Seconds an item must wait before this member is considered.
    pub delay_s: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skill {
    pub id: SkillId,
    pub tenant_id: TenantId,
    pub name: String,
    pub archived_at: Option<Time>,
}

/// How well an agent has a skill, 1–5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proficiency {
    pub skill_id: SkillId,
    pub level: i32,
}
