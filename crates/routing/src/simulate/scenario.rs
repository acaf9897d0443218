//! What is simulated: customers, queues, agents and how offers are answered.

use super::random::{Arrivals, Interval, Law};
use domain::policy::{Order, Select};
use std::collections::BTreeMap;

/// A scenario that was read without a fault: every queue and class that is named exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub seed: u64,
    /// Arrivals stop after so many, or at the horizon.
    pub contacts: Option<u64>,
    pub horizon_s: Option<f64>,
    /// So many of the first are simulated but not measured.
    pub warmup_contacts: u64,
    pub order: Order,
    pub select: Select,
    pub queues: Vec<QueueSpec>,
    pub classes: Vec<ClassSpec>,
    pub groups: Vec<GroupSpec>,
    pub offer: OfferSpec,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QueueSpec {
    pub id: String,
    pub target_s: i64,
    pub short_abandon_s: f64,
    pub max_waiting: Option<usize>,
    pub share: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ClassSpec {
    pub id: String,
    /// Place in [`Scenario::queues`].
    pub queue: usize,
    pub channel: String,
    pub weight: i64,
    pub priority: i32,
    pub arrivals: Arrivals,
    pub handle: Law,
    pub patience: Option<Law>,
    /// Skill and lowest level, from the beginning and after some seconds of waiting.
    pub steps: Vec<StepSpec>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepSpec {
    pub after_s: i64,
    pub requires: Vec<(String, i32)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GroupSpec {
    pub id: String,
    pub count: Vec<Interval<u32>>,
    pub memberships: Vec<MembershipSpec>,
    pub skills: BTreeMap<String, i32>,
    pub capacity: BTreeMap<String, i64>,
    /// By place in [`Scenario::classes`], where it differs from the class's own.
    pub handle: BTreeMap<usize, Law>,
    pub speed_by_load: Option<Vec<f64>>,
    pub wrap_up: Law,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MembershipSpec {
    pub queue: usize,
    pub priority: i32,
    pub delay_s: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct OfferSpec {
    pub ring_s: f64,
    pub answer: Law,
    pub answer_probability: f64,
    pub after_no_answer_s: f64,
}

impl GroupSpec {
    /// The most agents who are ever there.
    pub fn largest(&self) -> u32 {
        self.count.iter().map(|i| i.value).max().unwrap_or(0)
    }
}
