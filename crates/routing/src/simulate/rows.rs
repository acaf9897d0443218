//! The rows of the simulated tenant, and the production engine that follows them.

use super::measure::Micros;
use super::scenario::{ClassSpec, GroupSpec, Scenario};
use crate::Engine;
use crate::rows::{RowImage, SeenPresence, Snapshot};
use crate::rule::SHARED;
use domain::agent_state::AgentState;
use domain::image::Presence;
use domain::offer::Offer;
use domain::policy::{AgentRule, MemberPriority, Policy, Turn};
use domain::queue::{Proficiency, Queue, QueueMember, QueueRouting, RequiredSkill};
use domain::work_item::{CriteriaStep, WorkItem};
use domain::{QueueId, SkillId, TenantId, TicketId, Time, UserId, WorkItemId};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The calendar begins in 2000, so that no instant comes near its edges.
const BEGINNING_S: i64 = 946_684_800;

/// Ids are the places of things in their lists, from 1 on: ties go in the order of the file.
fn id(place: usize) -> Uuid {
    Uuid::from_u128(place as u128 + 1)
}

pub(super) fn queue_id(place: usize) -> QueueId {
    QueueId::from_uuid(id(place))
}

/// The place behind an id.
pub(super) fn place(id: Uuid) -> usize {
    usize::try_from(id.as_u128().saturating_sub(1)).unwrap_or(usize::MAX)
}

pub(super) fn instant(at: Micros) -> Time {
    domain::clock::from_micros(BEGINNING_S.saturating_mul(1_000_000).saturating_add(at))
}

pub(super) fn micros_of(at: Time) -> Micros {
    at.timestamp_micros() - BEGINNING_S * 1_000_000
}

fn tenant() -> TenantId {
    TenantId::from_uuid(Uuid::nil())
}

/// Skills in the order of their names.
fn skills(scenario: &Scenario) -> BTreeMap<&str, SkillId> {
    let of_agents = scenario.groups.iter().flat_map(|g| g.skills.keys());
    let steps = scenario.classes.iter().flat_map(|c| &c.steps);
    let of_classes = steps.flat_map(|s| s.requires.iter().map(|(skill, _)| skill));
    let names = of_agents.chain(of_classes).map(String::as_str);
    let names: std::collections::BTreeSet<_> = names.collect();
    let numbered = names.into_iter().enumerate();
    numbered
        .map(|(n, name)| (name, SkillId::from_uuid(id(n))))
        .collect()
}

/// What an arriving contact of each class looks like.
pub(super) fn contacts(scenario: &Scenario) -> Vec<WorkItem> {
    let skills = skills(scenario);
    let now = instant(0);
    let contact = |class: &ClassSpec| {
        let queue = queue_id(class.queue);
        let ticket = TicketId::from_uuid(Uuid::nil());
        let channel = class.channel.clone();
        let mut item = WorkItem::queued(tenant(), ticket, queue, channel, class.priority, now);
        item.class.clone_from(&class.id);
        item.weight = class.weight;
        // A class that asks for nothing ever needs no steps.
        let steps = class.steps.iter();
        let steps: Vec<_> = steps
            .map(|step| criteria(step.after_s, &step.requires, &skills))
            .collect();
        if steps.iter().any(|step| !step.skills.is_empty()) {
            item.criteria = steps;
        }
        item
    };
    scenario.classes.iter().map(contact).collect()
}

fn criteria(
    after_s: i64,
    requires: &[(String, i32)],
    ids: &BTreeMap<&str, SkillId>,
) -> CriteriaStep {
    let skills = requires.iter().filter_map(|(skill, level)| {
        Some(RequiredSkill {
            skill_id: *ids.get(skill.as_str())?,
            level_min: *level,
        })
    });
    CriteriaStep {
        after_s,
        skills: skills.collect(),
    }
}

/// Everybody off shift, nobody waiting.
pub(super) fn snapshot(scenario: &Scenario) -> Snapshot {
    let mut snapshot = Snapshot {
        queues: scenario
            .queues
            .iter()
            .enumerate()
            .map(|(n, spec)| Queue {
                id: queue_id(n),
                tenant_id: tenant(),
                name: spec.id.clone(),
                color: 0,
                offer_ttl_s: 0,
                target_s: spec.target_s,
                required_skills: Vec::new(),
                members: Vec::new(),
                routing: QueueRouting::default(),
                archived_at: None,
                version: 1,
            })
            .collect(),
        policy: Policy {
            order: scenario.order,
            select: scenario.select,
            member_priority: MemberPriority::RanksQueues,
            seed: scenario.seed,
            shares: scenario
                .queues
                .iter()
                .enumerate()
                .map(|(n, q)| (queue_id(n), q.share))
                .collect(),
            handling_s: scenario
                .classes
                .iter()
                .map(|c| (c.id.clone(), c.handle.mean_s()))
                .collect(),
            version: 1,
            ..Policy::default()
        },
        ..Snapshot::default()
    };
    let skills = skills(scenario);
    for (tier, group) in scenario.groups.iter().enumerate() {
        for _ in 0..group.largest() {
            hire(&mut snapshot, scenario, (tier, group), &skills);
        }
    }
    snapshot
}

fn hire(
    snapshot: &mut Snapshot,
    scenario: &Scenario,
    (tier, group): (usize, &GroupSpec),
    skills: &BTreeMap<&str, SkillId>,
) {
    let user_id = UserId::from_uuid(id(snapshot.agents.len()));
    let mut agent = AgentState::offline(user_id, tenant(), instant(0));
    agent.version = 1;
    agent.capacity.clone_from(&group.capacity);
    // Channels that the file does not name have no slots.
    agent.capacity.insert(SHARED.to_owned(), 0);
    let levels = group.skills.iter();
    let levels = levels.filter_map(|(skill, level)| {
        Some(Proficiency {
            skill_id: *skills.get(skill.as_str())?,
            level: *level,
        })
    });
    agent.proficiencies = levels.collect();
    for m in &group.memberships {
        if let Some(queue) = snapshot.queues.get_mut(m.queue) {
            queue.members.push(QueueMember {
                user_id,
                priority: m.priority,
                delay_s: m.delay_s,
            });
        }
    }
    let own = group.handle.iter();
    let own = own.filter_map(|(c, law)| Some((scenario.classes.get(*c)?.id.clone(), law.mean_s())));
    let rule = AgentRule {
        tier: i64::try_from(tier).unwrap_or(i64::MAX),
        handling_s: own.collect(),
    };
    snapshot.policy.agents.insert(user_id, rule);
    let presence = Presence {
        user_id,
        connected: true,
        gone_at: None,
    };
    snapshot.presences.push(SeenPresence {
        presence,
        version: 1,
    });
    snapshot.agents.push(agent);
}

/// The engine, told of every change as the log would tell it.
#[derive(Debug)]
pub(super) struct Router {
    pub engine: Engine,
    turns: i64,
}

impl Router {
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            engine: Engine::from_rows(snapshot, instant(0)),
            turns: 0,
        }
    }

    pub fn put_item(&mut self, item: &mut WorkItem) {
        item.version += 1;
        self.engine
            .apply(RowImage::WorkItem(Box::new(item.clone())));
    }

    pub fn put_offer(&mut self, offer: &mut Offer) {
        offer.version += 1;
        self.engine.apply(RowImage::Offer(Box::new(offer.clone())));
    }

    pub fn put_agent(&mut self, agent: &mut AgentState) {
        agent.version += 1;
        self.engine.apply(RowImage::Agent(Box::new(agent.clone())));
    }

    pub fn put_turn(&mut self, queue_id: QueueId, user_id: UserId) {
        self.turns += 1;
        self.engine.apply(RowImage::Turn(Turn {
            queue_id,
            user_id,
            version: self.turns,
        }));
    }
}

/// A contact's id; the order of arrival is the order of ids.
pub(super) fn item_id(contact: u64) -> WorkItemId {
    WorkItemId::from_uuid(Uuid::from_u128(u128::from(contact) + 1))
}
