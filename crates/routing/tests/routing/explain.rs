//! Every waiting item has a visible reason, and settings that serve nobody are named.

use crate::world::{QUEUE, World, agent, queue, seconds, skill};
use domain::WorkItemId;
use domain::queue::{Overflow, Proficiency, RequiredSkill};
use domain::work_item::Preferred;
use routing::{
    ClaimPolicy, Explainer, FaultKind, Ineligible, WaitReason, Waiting, faults, rehearse,
};

fn why(w: &World, item: WorkItemId) -> Waiting {
    let snapshot = w.snapshot();
    let waiting = Explainer::of(&snapshot, w.now).waiting(&w.items[&item]);
    waiting.unwrap()
}

fn reason(w: &World, item: WorkItemId) -> WaitReason {
    why(w, item).reason
}

#[test]
fn a_waiting_item_says_what_it_waits_for_at_each_step_of_the_way() {
    let mut w = World::new();
    let item = w.arrive();
    assert_eq!(reason(&w, item), WaitReason::NoMembers);
    w.hire(1);
    w.join(QUEUE, 1);
    let level = |level_min| RequiredSkill {
        skill_id: skill(1),
        level_min,
    };
    w.edit_queue(QUEUE, |q| q.required_skills = vec![level(3)]);
    assert_eq!(reason(&w, item), WaitReason::SkillNobodyHas);
    w.edit_agent(1, |a| {
        a.capacity.insert("*".into(), 0);
        a.proficiencies.push(Proficiency {
            skill_id: skill(1),
            level: 3,
        });
    });
    assert_eq!(reason(&w, item), WaitReason::NoCapacity);
    w.edit_agent(1, |a| {
        a.capacity.insert("*".into(), 1);
    });
    assert_eq!(reason(&w, item), WaitReason::NobodySignedIn);
    let now = w.now;
    w.edit_agent(1, |a| *a = a.clone().become_available(now));
    assert_eq!(reason(&w, item), WaitReason::NobodyReady, "no browser");
    w.connect(1);
    let other = w.arrive();
    w.claim(other, agent(1), ClaimPolicy::Assign).unwrap();
    assert_eq!(reason(&w, item), WaitReason::AllAtCapacity);
    assert_eq!(why(&w, item).excluded, [(Ineligible::Capacity, 1)]);
    w.close(other).unwrap();
    w.edit_queue(QUEUE, |q| q.members[0].delay_s = 40);
    let delayed = why(&w, item);
    assert_eq!(delayed.reason, WaitReason::Delay);
    assert_eq!(delayed.until, Some(w.now + seconds(40)));
    w.edit_queue(QUEUE, |q| q.members[0].delay_s = 0);
    assert_eq!(reason(&w, item), WaitReason::Next);
    w.route();
    assert_eq!(reason(&w, item), WaitReason::Offered);
    w.decline(item).unwrap();
    assert_eq!(reason(&w, item), WaitReason::Excluded);
    w.claim(item, agent(1), ClaimPolicy::Take).unwrap();
    let snapshot = w.snapshot();
    let none = Explainer::of(&snapshot, w.now).waiting(&w.items[&item]);
    assert_eq!(none, None, "it waits no more");
}

#[test]
fn an_item_that_is_kept_or_about_to_leave_says_so() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let until = w.now + seconds(20);
    let item = w.arrive_with(|i| {
        i.preferred = Some(Preferred {
            user_id: agent(9),
            until,
        });
    });
    let kept = why(&w, item);
    assert_eq!(
        (kept.reason, kept.until),
        (WaitReason::Reserved, Some(until))
    );
    w.add_queue(2);
    w.vanish(1);
    w.edit_queue(QUEUE, |q| {
        q.routing.overflow = Some(Overflow {
            to: queue(2),
            after_s: None,
            when_closed: false,
            when_unstaffed: true,
        });
    });
    assert_eq!(reason(&w, item), WaitReason::Overflow);
}

#[test]
fn an_explanation_of_the_first_is_whom_the_engine_asks() {
    let mut w = World::new();
    (1..=4).for_each(|n| w.add_ready_agent(n));
    w.edit_agent(3, |a| a.released_at -= seconds(99));
    let item = w.arrive();
    let snapshot = w.snapshot();
    let explainer = Explainer::of(&snapshot, w.now);
    let first = explainer.candidates(&w.items[&item]).unwrap()[0].user_id;
    w.route();
    assert_eq!(w.whose(item), Some(first));
}

#[test]
fn settings_by_which_work_waits_for_ever_are_named() {
    let mut w = World::new();
    let kinds = |w: &World| -> Vec<_> {
        let found = faults(&w.snapshot(), w.now);
        found.into_iter().map(|f| f.kind).collect()
    };
    assert_eq!(kinds(&w), [FaultKind::QueueWithoutMembers]);
    w.add_ready_agent(1);
    assert_eq!(kinds(&w), []);
    let needs = |n: u128| RequiredSkill {
        skill_id: skill(n),
        level_min: 2,
    };
    w.edit_queue(QUEUE, |q| q.required_skills = vec![needs(1), needs(2)]);
    assert_eq!(kinds(&w), [FaultKind::SkillNobodyHas; 2]);
    w.add_ready_agent(2);
    for n in [1, 2] {
        w.edit_agent(n, |a| {
            a.proficiencies.push(Proficiency {
                skill_id: skill(n),
                level: 5,
            });
        });
    }
    assert_eq!(kinds(&w), [FaultKind::SkillsNobodyJoins]);
    w.edit_queue(QUEUE, |q| q.required_skills.clear());
    for n in [1, 2] {
        w.edit_agent(n, |a| {
            a.capacity.insert("*".into(), 0);
        });
    }
    assert_eq!(kinds(&w), [FaultKind::NoCapacity]);
}

#[test]
fn a_rehearsal_counts_open_offers_as_not_made_and_changes_nothing() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let first = w.arrive();
    w.pass(1);
    w.arrive_with(|i| i.priority = 3);
    w.route();
    let before = w.snapshot();
    let asked = rehearse(before.clone(), w.now).offers;
    assert_eq!(asked.len(), 1, "she has one slot");
    assert_ne!(
        asked[0].item_id, first,
        "by the deadline the urgent one goes first"
    );
    let mut fifo = before.clone();
    fifo.policy.order = routing::Order::Fifo;
    assert_eq!(rehearse(fifo, w.now).offers[0].item_id, first);
    assert_eq!(w.snapshot(), before);
}
