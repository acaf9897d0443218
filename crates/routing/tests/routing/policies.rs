//! What a tenant's policy changes, and what people can ask about it.

use crate::world::{QUEUE, World, agent, queue, seconds, skill};
use domain::queue::{Proficiency, RequiredSkill};
use domain::work_item::CriteriaStep;
use routing::{ClaimPolicy, Ineligible, MemberPriority, Order, Refusal, reference};

/// A supervisor asks who would get a contact that is only thought of.
#[test]
fn who_would_get_a_new_contact_is_who_gets_it() {
    let mut w = World::new();
    for n in [1, 2, 3] {
        w.add_ready_agent(n);
    }
    let since = w.now - seconds(30);
    w.edit_agent(2, |a| a.released_at = since);
    let id = w.arrive();
    let thought_of = w.items[&id].clone();
    let mut without = w.snapshot();
    without.work_items.clear();
    let named = reference::candidates(&without, &thought_of, w.now).unwrap();
    assert_eq!(named.len(), 3);
    w.route();
    assert_eq!(w.whose(thought_of.id), Some(named[0].user_id));
    assert_eq!(named[0].user_id, agent(2));
}

#[test]
fn criteria_relax_with_time_and_the_claim_asks_for_the_same() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let (skill_id, user) = (skill(1), agent(1));
    w.edit_agent(1, |a| {
        a.proficiencies = vec![Proficiency { skill_id, level: 2 }]
    });
    let step = |after_s, level_min| CriteriaStep {
        after_s,
        skills: vec![RequiredSkill {
            skill_id,
            level_min,
        }],
    };
    let item = w.arrive_with(|i| i.criteria = vec![step(0, 5), step(30, 2)]);
    w.route();
    assert_eq!(w.whose(item), None);
    let refused = w.claim(item, user, ClaimPolicy::Take);
    assert_eq!(refused, Err(Refusal::Ineligible(Ineligible::Skill)));
    w.pass(29);
    w.route();
    assert_eq!(w.whose(item), None);
    w.pass(1);
    w.route();
    assert_eq!(w.whose(item), Some(user), "the engine woke by itself");
}

/// Two queues with one waiting item each, and one agent for both: whose item goes first?
fn first_of_two(edit: impl FnOnce(&mut World)) -> u128 {
    let mut w = World::new();
    w.add_queue(2);
    w.hire(1);
    w.edit_agent(1, |a| {
        a.capacity.insert("*".into(), 1);
    });
    for n in [1, 2] {
        w.join(n, 1);
        w.edit_queue(n, |q| q.target_s = 100);
    }
    for n in [1, 2] {
        w.arrive_with(|i| i.queue_id = queue(n));
        w.pass(10);
    }
    edit(&mut w);
    w.log_in(1);
    w.route();
    let asked = w.items.values().find(|i| i.agent_id().is_some()).unwrap();
    asked.queue_id.uuid().as_u128()
}

#[test]
fn each_order_has_its_own_first() {
    let order = |w: &mut World, order| w.edit_policy(|p| p.order = order);
    assert_eq!(first_of_two(|w| order(w, Order::Fifo)), 1);
    let short = |w: &mut World| w.edit_queue(2, |q| q.target_s = 20);
    for (of, first) in [
        (Order::Fifo, 1),
        (Order::Deadline, 2),
        (Order::WaitOverTarget, 2),
        (Order::Gcmu, 2),
    ] {
        let asked = first_of_two(|w| {
            short(w);
            order(w, of);
        });
        assert_eq!(asked, first, "{of}");
    }
    let strict = first_of_two(|w| {
        w.arrive_with(|i| (i.queue_id, i.priority) = (queue(2), 1));
        order(w, Order::Strict);
    });
    assert_eq!(strict, 2);
    let crowded = |w: &mut World| {
        w.arrive_with(|i| i.queue_id = queue(2));
        order(w, Order::Fqr);
    };
    assert_eq!(first_of_two(crowded), 2);
    let allowed = first_of_two(|w| {
        crowded(w);
        w.edit_policy(|p| p.shares = [(queue(2), 9.0)].into());
    });
    assert_eq!(allowed, 1, "a queue may hold its share");
    let quick = first_of_two(|w| {
        let mut slow = w.items.values().next().unwrap().clone();
        slow.class = "slow".into();
        w.put_item(slow);
        w.edit_policy(|p| {
            p.order = Order::Gcmu;
            p.handling_s = [("slow".into(), 900.0)].into();
        });
    });
    assert_eq!(quick, 2, "less work for the same saving");
}

#[test]
fn a_members_priority_may_rank_the_queues_of_an_agent() {
    let ranks = |what| {
        first_of_two(|w| {
            w.edit_queue(1, |q| q.members[0].priority = 2);
            w.edit_policy(|p| p.member_priority = what);
        })
    };
    assert_eq!(ranks(MemberPriority::RanksAgents), 1);
    assert_eq!(ranks(MemberPriority::RanksQueues), 2);
}

#[test]
fn a_full_queue_is_counted_without_those_who_are_asked_for() {
    let mut w = World::new();
    w.add_ready_agent(1);
    (0..3).for_each(|_| {
        w.arrive();
    });
    w.route();
    w.catch_up();
    assert_eq!(w.engine.waiting(queue(QUEUE)), 2);
}
