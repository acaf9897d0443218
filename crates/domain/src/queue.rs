//! Queues, skills and proficiencies: the configuration routing reads.

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
    pub archived_at: Option<Time>,
    pub version: i64,
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
