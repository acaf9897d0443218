//! What a queue may say of its own service: selection, steps, hours, overflow, returning customers.

use crate::world::{QUEUE, World, agent, queue, seconds, skill};
use domain::hours::{Hours, WeekSpell};
use domain::policy::Select;
use domain::queue::{Overflow, Proficiency, RequiredSkill};
use domain::work_item::{CriteriaStep, Preferred};
use routing::{ClaimPolicy, Ineligible, Refusal, Rule, reference};

const OTHER: u128 = 2;

/// The world begins at 22:13:20 UTC.
fn open_between(from_min: i32, to_min: i32) -> Hours {
    let week = (1..=7).map(|weekday| WeekSpell {
        weekday,
        from_min,
        to_min,
    });
    Hours {
        zone: "UTC".into(),
        week: week.collect(),
        holidays: Vec::new(),
    }
}

const OPENS_AT_22_20: (i32, i32) = (22 * 60 + 20, 23 * 60);

fn overflow(after_s: Option<i64>, when_closed: bool, when_unstaffed: bool) -> Option<Overflow> {
    Some(Overflow {
        to: queue(OTHER),
        after_s,
        when_closed,
        when_unstaffed,
    })
}

#[test]
fn two_queues_of_one_tenant_select_each_in_its_own_way() {
    let mut w = World::new();
    w.add_queue(OTHER);
    for n in [1, 2] {
        w.add_ready_agent(n);
        w.edit_agent(n, |a| {
            a.capacity.insert("*".into(), 5);
        });
        w.join(OTHER, n);
    }
    // The second is idle longer; the first has the lower tier.
    w.edit_agent(2, |a| a.released_at -= seconds(60));
    w.edit_policy(|p| p.agents.entry(agent(2)).or_default().tier = 1);
    w.edit_queue(QUEUE, |q| q.routing.select = Some(Select::LongestIdle));
    w.edit_queue(OTHER, |q| q.routing.select = Some(Select::TopDown));
    let idle = w.arrive();
    let top = w.arrive_with(|i| i.queue_id = queue(OTHER));
    w.route();
    assert_eq!(
        (w.whose(idle), w.whose(top)),
        (Some(agent(2)), Some(agent(1)))
    );
}

#[test]
fn another_selection_takes_effect_at_once_and_nobody_loses_a_place() {
    let mut w = World::new();
    let first = w.arrive();
    w.pass(5);
    let second = w.arrive();
    w.route();
    w.edit_policy(|p| p.select = Select::TopDown);
    w.edit_queue(QUEUE, |q| q.routing.select = Some(Select::RoundRobin));
    w.add_ready_agent(1);
    w.route();
    assert_eq!((w.whose(first), w.whose(second)), (Some(agent(1)), None));
}

#[test]
fn a_queue_asks_for_less_the_longer_its_items_wait() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.edit_agent(1, |a| {
        a.proficiencies = vec![Proficiency {
            skill_id: skill(1),
            level: 2,
        }]
    });
    let step = |after_s, level_min| CriteriaStep {
        after_s,
        skills: vec![RequiredSkill {
            skill_id: skill(1),
            level_min,
        }],
    };
    w.edit_queue(QUEUE, |q| q.routing.relax = vec![step(0, 5), step(30, 2)]);
    let item = w.arrive();
    let decided = w.route();
    assert_eq!(w.whose(item), None);
    let next = decided.last().unwrap().next_wake;
    assert_eq!(next, Some(w.now + seconds(30)));
    w.pass(30);
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn nobody_is_asked_outside_the_hours_and_the_router_wakes_when_they_begin() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let (from, to) = OPENS_AT_22_20;
    w.edit_queue(QUEUE, |q| q.routing.hours = Some(open_between(from, to)));
    let item = w.arrive();
    let decided = w.route();
    assert_eq!(w.whose(item), None);
    let why = reference::explain(&w.snapshot(), item, w.now).unwrap();
    assert_eq!(why[0].why_not, Some(Ineligible::Closed));
    let opens = w.now + seconds(400);
    assert_eq!(decided.last().unwrap().next_wake, Some(opens));
    // She may help herself all the same, but is given nothing.
    let reopened = w.claim(item, agent(1), ClaimPolicy::Reopen);
    assert_eq!(
        reopened.unwrap_err(),
        Refusal::Ineligible(Ineligible::Closed)
    );
    w.now = opens;
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn a_closed_queue_hands_its_work_on_with_its_place() {
    let mut w = World::new();
    w.add_queue(OTHER);
    w.hire(1);
    w.join(OTHER, 1);
    w.log_in(1);
    let (from, to) = OPENS_AT_22_20;
    w.edit_queue(QUEUE, |q| {
        q.routing.hours = Some(open_between(from, to));
        q.routing.overflow = overflow(None, true, false);
    });
    let item = w.arrive();
    let place = w.items[&item].eligible_since;
    w.pass(3);
    let decided = w.route();
    assert_eq!(decided[0].overflows[0].reason.rule, Rule::OverflowClosed);
    assert_eq!(w.items[&item].queue_id, queue(OTHER));
    assert_eq!(w.items[&item].eligible_since, place);
    assert_eq!(w.items[&item].queue_since, w.now);
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn an_item_overflows_when_it_has_waited_in_this_queue_not_in_all() {
    let mut w = World::new();
    w.add_queue(OTHER);
    w.edit_queue(QUEUE, |q| {
        q.routing.overflow = overflow(Some(60), false, false)
    });
    let item = w.arrive_with(|i| i.eligible_since -= seconds(500));
    let decided = w.route();
    assert_eq!(w.items[&item].queue_id, queue(QUEUE));
    assert_eq!(decided.last().unwrap().next_wake, Some(w.now + seconds(60)));
    w.pass(60);
    w.route();
    assert_eq!(w.items[&item].queue_id, queue(OTHER));
}

#[test]
fn work_leaves_a_queue_when_its_last_agent_does() {
    let mut w = World::new();
    w.add_queue(OTHER);
    w.edit_queue(QUEUE, |q| q.routing.overflow = overflow(None, false, true));
    w.add_ready_agent(1);
    w.add_ready_agent(2);
    w.edit_agent(1, |a| {
        a.capacity.insert("*".into(), 0);
    });
    w.edit_agent(2, |a| {
        a.capacity.insert("*".into(), 0);
    });
    let item = w.arrive();
    w.route();
    assert_eq!(w.items[&item].queue_id, queue(QUEUE), "somebody is there");
    let now = w.now;
    w.edit_agent(1, |a| *a = a.clone().go_offline(now));
    w.route();
    assert_eq!(w.items[&item].queue_id, queue(QUEUE), "one is left");
    w.vanish(2);
    w.route();
    assert_eq!(w.items[&item].queue_id, queue(OTHER));
}

#[test]
fn an_archived_queue_gets_no_overflow() {
    let mut w = World::new();
    w.add_queue(OTHER);
    w.edit_queue(QUEUE, |q| q.routing.overflow = overflow(None, false, true));
    let now = w.now;
    w.edit_queue(OTHER, |q| q.archived_at = Some(now));
    let item = w.arrive();
    w.route();
    assert_eq!(w.items[&item].queue_id, queue(QUEUE));
    w.edit_queue(OTHER, |q| q.archived_at = None);
    w.route();
    assert_eq!(w.items[&item].queue_id, queue(OTHER));
}

#[test]
fn a_returning_customer_waits_for_her_agent_and_then_for_anybody() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.add_ready_agent(2);
    let busy = w.arrive();
    w.claim(busy, agent(2), ClaimPolicy::Assign).unwrap();
    let until = w.now + seconds(45);
    let kept = |i: &mut domain::work_item::WorkItem| {
        i.preferred = Some(Preferred {
            user_id: agent(2),
            until,
        });
    };
    let item = w.arrive_with(kept);
    let hers = w.arrive_with(kept);
    let decided = w.route();
    assert_eq!(w.whose(item), None, "the other one is free and not asked");
    assert_eq!(decided.last().unwrap().next_wake, Some(until));
    w.close(busy).unwrap();
    w.route();
    assert_eq!(w.whose(item), Some(agent(2)), "she is free: she gets it");
    w.now = until;
    w.route();
    assert_eq!(w.whose(hers), Some(agent(1)), "the time is over: anybody");
}

#[test]
fn who_declines_a_returning_customer_is_not_waited_for() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let until = w.now + seconds(300);
    let item = w.arrive_with(|i| {
        i.preferred = Some(Preferred {
            user_id: agent(1),
            until,
        });
    });
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
    w.decline(item).unwrap();
    w.add_ready_agent(2);
    w.route();
    assert_eq!(w.whose(item), Some(agent(2)));
}
