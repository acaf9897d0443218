//! Settings and clocks that make no sense: nothing panics, nothing is lost, and whatever waits says
//! what it waits for.

use crate::world::{QUEUE, World, agent, queue, seconds};
use domain::queue::{Overflow, Queue};
use domain::work_item::WorkItemState;
use routing::{ClaimPolicy, Engine, Explainer, Rule, WaitReason, reference};

/// Every waiting item has its reason.
fn all_tell(w: &World) {
    let snapshot = w.snapshot();
    let explainer = Explainer::of(&snapshot, w.now);
    for item in w.items.values().filter(|i| i.state().is_waiting()) {
        assert!(explainer.waiting(item).is_some(), "{item:?} is mute");
    }
}

fn leads_to(n: u128) -> impl FnOnce(&mut Queue) {
    move |q| {
        q.routing.overflow = Some(Overflow {
            to: queue(n),
            after_s: Some(0),
            when_closed: true,
            when_unstaffed: true,
        });
    }
}

#[test]
fn overflow_in_a_circle_moves_an_item_once_a_second_and_loses_it_never() {
    let mut w = World::new();
    w.add_queue(2);
    w.edit_queue(QUEUE, leads_to(2));
    w.edit_queue(2, leads_to(QUEUE));
    let item = w.arrive();
    w.pass(1);
    for _ in 0..10 {
        w.catch_up();
        let decisions = w.engine.decide(w.now);
        assert_eq!(decisions, reference::decide(&w.snapshot(), w.now));
        assert_eq!(w.carry_out(&decisions), 1);
        w.catch_up();
        let rests = w.engine.decide(w.now);
        assert!(rests.is_empty(), "{rests:?}");
        assert_eq!(rests.next_wake, Some(w.now + seconds(1)));
        all_tell(&w);
        w.pass(1);
    }
    assert_eq!(w.items[&item].queue_id, queue(QUEUE));
    assert_eq!(w.items[&item].state(), WorkItemState::Queued);
}

#[test]
fn work_of_an_agent_who_does_not_exist_any_more_waits_again_in_its_place() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let item = w.arrive();
    w.claim(item, agent(1), ClaimPolicy::Assign).unwrap();
    w.catch_up();
    w.agents.remove(&agent(1));
    w.engine = Engine::from_rows(w.snapshot(), w.now);
    let decided = w.route();
    assert_eq!(decided[0].requeues[0].reason.rule, Rule::AgentGone);
    assert_eq!(w.items[&item].state(), WorkItemState::Queued);
    all_tell(&w);
}

#[test]
fn capacity_zero_and_less_takes_nothing_and_is_told() {
    let mut w = World::new();
    w.add_ready_agent(1);
    for slots in [0, -3, i64::MIN] {
        w.edit_agent(1, |a| {
            a.capacity.insert("*".into(), slots);
        });
        let item = w.arrive();
        w.route();
        assert_eq!(w.whose(item), None);
        let snapshot = w.snapshot();
        let told = Explainer::of(&snapshot, w.now).waiting(&w.items[&item]);
        assert_eq!(told.unwrap().reason, WaitReason::NoCapacity);
    }
}

#[test]
fn a_clock_that_jumps_an_hour_either_way_loses_nothing_and_offers_go_on() {
    for jump in [3_600, -3_600] {
        let mut w = World::new();
        w.add_ready_agent(1);
        w.add_ready_agent(2);
        let first = w.arrive();
        w.route();
        assert!(w.whose(first).is_some());
        w.now += seconds(jump);
        // The router reads its rows anew when they refuse what it decided by the old clock.
        w.engine = Engine::from_rows(w.snapshot(), w.now);
        let second = w.arrive();
        w.route();
        let asked = [w.whose(first), w.whose(second)];
        let expected = if jump > 0 { 1 } else { 2 };
        let n = asked.iter().flatten().count();
        assert_eq!(
            n, expected,
            "one agent missed her offer forward, none backward: {asked:?}"
        );
        all_tell(&w);
    }
}
