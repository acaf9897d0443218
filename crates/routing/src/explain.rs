//! Answers for people: why is this still waiting, who would get it, what is wrong with the settings,
//! and where would everything go with others. Slow and by the reference: nobody waits for it but the
//! person who asked.

use crate::decision::Decisions;
use crate::engine::Engine;
use crate::reference::{Candidate, World};
use crate::rows::Snapshot;
use crate::rule::{self, Ineligible, Required};
use domain::agent_state::AgentState;
use domain::queue::Queue;
use domain::work_item::{WorkItem, WorkItemState};
use domain::{QueueId, SkillId, Time, UserId, text_enum};
use std::collections::{BTreeMap, BTreeSet};

text_enum! {
    /// What a waiting item waits for.
    pub enum WaitReason {
        /// Somebody is asked right now.
        Offered = "offered",
        QueueArchived = "queue_archived",
        /// Outside the queue's hours.
        Closed = "closed",
        NoMembers = "no_members",
        /// No member has the skills that are asked for, whoever is there.
        SkillNobodyHas = "skill_nobody_has",
        /// The members who could do it have no slots at all for this channel.
        NoCapacity = "no_capacity",
        NobodySignedIn = "nobody_signed_in",
        /// Those who could do it pause, do not respond or have no browser open.
        NobodyReady = "nobody_ready",
        AllAtCapacity = "all_at_capacity",
        /// The only free members are asked when it has waited longer.
        Delay = "delay",
        /// It is kept for its own agent for a while.
        Reserved = "reserved",
        /// Everybody free has declined or missed it a moment ago.
        Excluded = "excluded",
        /// It is about to go to another queue.
        Overflow = "overflow",
        /// Somebody is free: it is asked next, or older work goes first.
        Next = "next",
    }
}

/// Why an item still waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    pub reason: WaitReason,
    /// When time alone changes the answer.
    pub until: Option<Time>,
    /// How many members cannot be asked, and why.
    pub excluded: Vec<(Ineligible, usize)>,
}

/// One moment's rows, for many questions.
pub struct Explainer<'a> {
    snapshot: &'a Snapshot,
    world: World<'a>,
    agents: BTreeMap<UserId, &'a AgentState>,
    now: Time,
}

impl<'a> Explainer<'a> {
    pub fn of(snapshot: &'a Snapshot, now: Time) -> Self {
        Self {
            snapshot,
            world: World::of(snapshot, now),
            agents: snapshot.agents.iter().map(|a| (a.user_id, a)).collect(),
            now,
        }
    }

    /// Who would be asked for this item, the first one first, then everybody else with the reason.
    /// The item need not exist. `None`: its queue is unknown.
    pub fn candidates(&self, item: &WorkItem) -> Option<Vec<Candidate>> {
        self.world.candidates(item)
    }

    /// `None`: it does not wait, or its queue is unknown.
    pub fn waiting(&self, item: &WorkItem) -> Option<Waiting> {
        let queue = *self.world.queues.get(&item.queue_id)?;
        let plain = |reason, until| Waiting {
            reason,
            until,
            excluded: Vec::new(),
        };
        match item.state() {
            WorkItemState::Queued => Some(self.queued(item, queue)),
            WorkItemState::Offered => {
                let mut offers = self.snapshot.offers.iter();
                let offer = offers.find(|o| Some(o.id) == item.offer_id());
                Some(plain(WaitReason::Offered, offer.map(|o| o.expires_at)))
            }
            _ => None,
        }
    }

    fn queued(&self, item: &WorkItem, queue: &Queue) -> Waiting {
        let mut excluded: BTreeMap<Ineligible, usize> = BTreeMap::new();
        let mut is_next = false;
        // Of those who could ever do it, how far the one got who came furthest.
        let mut furthest = None;
        let required = rule::required(item, queue, self.now);
        let members: BTreeSet<_> = queue.members.iter().map(|m| m.user_id).collect();
        for user in &members {
            let Some(agent) = self.agents.get(user) else {
                // A member who never signed in.
                *excluded.entry(Ineligible::Offline).or_default() += 1;
                furthest = furthest.max(required.is_empty().then_some(Ineligible::Offline));
                continue;
            };
            match self.world.check(item, queue, agent) {
                Ok(_) => is_next = true,
                Err(why) => {
                    *excluded.entry(why).or_default() += 1;
                    if is_able(agent, item, &required) {
                        furthest = furthest.max(Some(why));
                    }
                }
            }
        }
        let reason = if queue.archived_at.is_some() {
            WaitReason::QueueArchived
        } else if self.world.overflow(item, queue).is_some() {
            WaitReason::Overflow
        } else if rule::is_closed(queue, self.now) {
            WaitReason::Closed
        } else if members.is_empty() {
            WaitReason::NoMembers
        } else if is_next {
            WaitReason::Next
        } else {
            furthest.map_or_else(|| self.unable(queue, &required), reason_of)
        };
        Waiting {
            reason,
            until: self.turns(item, queue),
            excluded: excluded.into_iter().collect(),
        }
    }

    /// Nobody could ever do it: is it the skills or the slots?
    fn unable(&self, queue: &Queue, required: &Required) -> WaitReason {
        let mut members = queue.members.iter();
        let skilled = members.any(|m| {
            let agent = self.agents.get(&m.user_id);
            agent.is_some_and(|a| rule::is_skilled(a, required))
        });
        if skilled {
            WaitReason::NoCapacity
        } else {
            WaitReason::SkillNobodyHas
        }
    }

    fn turns(&self, item: &WorkItem, queue: &Queue) -> Option<Time> {
        let since = item.eligible_since;
        let delays = queue.members.iter().map(|m| m.delay_s);
        let steps = item.criteria.iter().chain(&queue.routing.relax);
        let waits = delays.chain(steps.map(|step| step.after_s));
        let waits = waits.map(|s| rule::later(since, s));
        let exclusions = item.exclusions.iter().map(|e| e.until);
        let kept = item.preferred.map(|p| p.until);
        let hours = queue.routing.hours.as_ref();
        let hours = hours.and_then(|hours| hours.at(self.now).until);
        let flows = rule::overflow_turns(item, queue);
        let all = waits.chain(exclusions).chain(kept).chain(hours);
        all.chain(flows).filter(|at| *at > self.now).min()
    }
}

/// Could she do it if she were there and free?
fn is_able(agent: &AgentState, item: &WorkItem, required: &Required) -> bool {
    rule::is_skilled(agent, required) && agent.slots(&item.channel) >= item.weight
}

const fn reason_of(furthest: Ineligible) -> WaitReason {
    match furthest {
        Ineligible::QueueArchived => WaitReason::QueueArchived,
        Ineligible::Closed => WaitReason::Closed,
        Ineligible::NotMember => WaitReason::NoMembers,
        Ineligible::Offline => WaitReason::NobodySignedIn,
        Ineligible::NotReady
        | Ineligible::Disconnected
        | Ineligible::Finishing
        | Ineligible::NotResponding
        | Ineligible::ChannelOff => WaitReason::NobodyReady,
        Ineligible::Skill => WaitReason::SkillNobodyHas,
        Ineligible::Capacity => WaitReason::AllAtCapacity,
        Ineligible::Delay => WaitReason::Delay,
        Ineligible::Reserved => WaitReason::Reserved,
        Ineligible::Excluded => WaitReason::Excluded,
    }
}

text_enum! {
    /// Settings by which work would wait for ever.
    pub enum FaultKind {
        QueueWithoutMembers = "queue_without_members",
        /// The queue asks for a skill, at a level, that no member has.
        SkillNobodyHas = "skill_nobody_has",
        /// Each skill is there, but no member has all of them.
        SkillsNobodyJoins = "skills_nobody_joins",
        /// No member has a slot for anything.
        NoCapacity = "no_capacity",
        /// The hours never open.
        NeverOpen = "never_open",
        /// The overflow leads to a queue that is archived or gone.
        OverflowLeadsNowhere = "overflow_leads_nowhere",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub kind: FaultKind,
    pub queue_id: QueueId,
    pub skill_id: Option<SkillId>,
}

/// What supervisors should know of the settings, in the order of the queues.
pub fn faults(snapshot: &Snapshot, now: Time) -> Vec<Fault> {
    let in_use = snapshot.queues.iter().filter(|q| q.archived_at.is_none());
    in_use.flat_map(|q| faults_of(snapshot, q, now)).collect()
}

fn faults_of(snapshot: &Snapshot, queue: &Queue, now: Time) -> Vec<Fault> {
    let fault = |kind, skill_id| Fault {
        kind,
        queue_id: queue.id,
        skill_id,
    };
    let mut faults = Vec::new();
    let members: BTreeSet<_> = queue.members.iter().map(|m| m.user_id).collect();
    let agents = snapshot.agents.iter();
    let agents: Vec<_> = agents.filter(|a| members.contains(&a.user_id)).collect();
    if members.is_empty() {
        faults.push(fault(FaultKind::QueueWithoutMembers, None));
    } else {
        let required = queue.required_skills.iter();
        let lacks = |(skill, level): (SkillId, i32)| agents.iter().all(|a| a.level(skill) < level);
        let required: Required = required.map(|r| (r.skill_id, r.level_min)).collect();
        let missing: Vec<_> = required.clone().into_iter().filter(|r| lacks(*r)).collect();
        for (skill, _) in &missing {
            faults.push(fault(FaultKind::SkillNobodyHas, Some(*skill)));
        }
        if missing.is_empty()
            && !required.is_empty()
            && !agents.iter().any(|a| rule::is_skilled(a, &required))
        {
            faults.push(fault(FaultKind::SkillsNobodyJoins, None));
        }
        let has_none = |a: &&AgentState| {
            a.slots(rule::SHARED) <= 0 && a.capacity.values().all(|slots| *slots <= 0)
        };
        // Who has no row yet has the default, which is more than none.
        if agents.len() == members.len() && agents.iter().all(has_none) {
            faults.push(fault(FaultKind::NoCapacity, None));
        }
    }
    let openness = queue.routing.hours.as_ref().map(|hours| hours.at(now));
    if openness.is_some_and(|o| !o.is_open && o.until.is_none()) {
        faults.push(fault(FaultKind::NeverOpen, None));
    }
    if let Some(overflow) = queue.routing.overflow {
        let leads = |q: &Queue| q.id == overflow.to && q.archived_at.is_none();
        if !snapshot.queues.iter().any(leads) {
            faults.push(fault(FaultKind::OverflowLeadsNowhere, None));
        }
    }
    faults
}

/// What the router would do if nobody had been asked yet: open offers count as not made.
pub fn rehearse(mut snapshot: Snapshot, now: Time) -> Decisions {
    for item in &mut snapshot.work_items {
        if let Ok(waiting) = item.clone().offer_ended() {
            *item = waiting;
        }
    }
    snapshot.offers.clear();
    Engine::from_rows(snapshot, now).decide(now)
}
