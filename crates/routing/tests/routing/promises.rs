//! What the router promises to customers and agents.

use crate::world::{QUEUE, World, agent, queue, seconds, skill};
use domain::agent_state::{AgentStatus, NOT_RESPONDING, NextStatus};
use domain::offer::OfferState;
use domain::queue::{Proficiency, RequiredSkill};
use domain::work_item::WorkItemState;
use routing::{ClaimPolicy, Ineligible, Rule, reference};

#[test]
fn unanswered_offer_goes_to_next_agent() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.pass(1);
    w.add_ready_agent(2);
    let item = w.arrive();
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
    w.pass(20);
    w.route();
    assert_eq!(w.whose(item), Some(agent(2)));
    let silent = &w.agents[&agent(1)];
    assert_eq!(silent.status, AgentStatus::NotReady);
    assert_eq!(silent.reason.as_deref(), Some(NOT_RESPONDING));
}

#[test]
fn longest_idle_agent_is_offered_first() {
    let mut w = World::new();
    for n in [1, 2, 3] {
        w.add_ready_agent(n);
    }
    for (n, idle_s) in [(1, 10), (2, 30), (3, 20)] {
        let since = w.now - seconds(idle_s);
        w.edit_agent(n, |a| a.released_at = since);
    }
    let items: Vec<_> = (0..3).map(|_| w.arrive()).collect();
    w.route();
    let asked: Vec<_> = items.iter().map(|i| w.whose(*i)).collect();
    assert_eq!(asked, [Some(agent(2)), Some(agent(3)), Some(agent(1))]);
}

#[test]
fn an_idle_agent_comes_before_a_busy_one_with_a_free_slot() {
    let mut w = World::new();
    for n in [1, 2] {
        w.add_ready_agent(n);
        w.edit_agent(n, |a| {
            a.capacity.insert("*".into(), 5);
        });
    }
    let since = w.now - seconds(100);
    w.edit_agent(1, |a| a.released_at = since);
    let items: Vec<_> = (0..4).map(|_| w.arrive()).collect();
    w.route();
    let asked: Vec<_> = items.iter().map(|i| w.whose(*i)).collect();
    assert_eq!(asked, [1, 2, 1, 2].map(|n| Some(agent(n))));
}

#[test]
fn an_agent_at_capacity_is_not_offered() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let (first, second) = (w.arrive(), w.arrive());
    w.route();
    assert_eq!(w.whose(second), None);
    w.accept(first, 1).unwrap();
    w.route();
    assert_eq!(w.whose(second), None, "an accepted item keeps its slot");
    w.close(first).unwrap();
    w.route();
    assert_eq!(w.whose(second), Some(agent(1)));
}

#[test]
fn channels_without_slots_of_their_own_share_the_default() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.edit_agent(1, |a| {
        a.capacity.insert("mail".into(), 1);
    });
    let first = w.arrive_with(|i| i.channel = "mastodon".into());
    let second = w.arrive_with(|i| i.channel = "telegram".into());
    let mail = w.arrive_with(|i| i.channel = "mail".into());
    w.route();
    assert_eq!(w.whose(first), Some(agent(1)));
    assert_eq!(w.whose(second), None);
    assert_eq!(w.whose(mail), Some(agent(1)));
}

#[test]
fn item_keeps_its_place_after_rona() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let old = w.arrive();
    w.route();
    let place = w.items[&old].eligible_since;
    w.pass(5);
    let young = w.arrive();
    w.pass(15);
    w.route();
    assert_eq!(w.items[&old].state(), WorkItemState::Queued);
    assert_eq!(w.items[&old].eligible_since, place);
    w.add_ready_agent(2);
    w.route();
    assert_eq!(w.whose(old), Some(agent(2)));
    assert_eq!(w.whose(young), None);
}

#[test]
fn no_offer_to_a_vanished_browser() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.vanish(1);
    let item = w.arrive();
    w.route();
    assert_eq!(w.whose(item), None);
    w.connect(1);
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn the_offer_of_a_lost_agent_is_withdrawn_without_blame() {
    let mut w = World::new();
    w.edit_queue(QUEUE, |q| q.offer_ttl_s = 120);
    w.add_ready_agent(1);
    let item = w.arrive();
    w.route();
    w.vanish(1);
    w.pass(29);
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)), "a reload is not a loss");
    w.pass(1);
    let decisions = w.route();
    assert_eq!(decisions[0].withdrawals[0].reason.rule, Rule::AgentVanished);
    assert_eq!(w.items[&item].state(), WorkItemState::Queued);
    assert_eq!(w.agents[&agent(1)].status, AgentStatus::Available);
    w.connect(1);
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn a_browser_that_returns_before_the_withdrawal_keeps_its_offer() {
    let mut w = World::new();
    w.edit_queue(QUEUE, |q| q.offer_ttl_s = 120);
    w.add_ready_agent(1);
    let item = w.arrive();
    w.route();
    w.vanish(1);
    w.pass(30);
    w.catch_up();
    assert_eq!(w.engine.decide(w.now).withdrawals.len(), 1);
    w.connect(1);
    w.route();
    assert_eq!(w.items[&item].state(), WorkItemState::Offered);
}

#[test]
fn skilled_item_waits_for_a_skilled_agent() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.edit_queue(QUEUE, |q| {
        q.required_skills.push(RequiredSkill {
            skill_id: skill(1),
            level_min: 3,
        });
    });
    let learn = |level| {
        vec![Proficiency {
            skill_id: skill(1),
            level,
        }]
    };
    w.edit_agent(1, |a| a.proficiencies = learn(2));
    let item = w.arrive();
    w.route();
    assert_eq!(w.whose(item), None);
    w.edit_agent(1, |a| a.proficiencies = learn(3));
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn decline_excludes_only_the_decliner() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.pass(1);
    w.add_ready_agent(2);
    let declined = w.arrive();
    w.route();
    w.decline(declined).unwrap();
    let other = w.arrive();
    w.route();
    assert_eq!(w.whose(declined), Some(agent(2)));
    assert_eq!(w.whose(other), Some(agent(1)), "she stays available");
    assert_eq!(w.agents[&agent(1)].status, AgentStatus::Available);
}

#[test]
fn a_lone_agent_is_asked_again_after_her_decline() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let item = w.arrive();
    w.route();
    w.decline(item).unwrap();
    let decisions = w.route();
    assert_eq!(w.whose(item), None);
    let next = decisions.last().and_then(|d| d.next_wake);
    assert_eq!(next, Some(w.now + seconds(w.policy.exclusion_s(1))));
    w.pass(w.policy.exclusion_s(1));
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn no_younger_item_overtakes_in_its_class() {
    let mut w = World::new();
    let mut items = Vec::new();
    for _ in 0..20 {
        items.push(w.arrive());
        w.pass(1);
    }
    w.add_ready_agent(1);
    for expected in items {
        w.route();
        let asked: Vec<_> = w.held(agent(1)).iter().map(|i| i.id).collect();
        assert_eq!(asked, [expected]);
        w.accept(expected, 1).unwrap();
        w.close(expected).unwrap();
    }
}

#[test]
fn a_priority_step_is_worth_a_minute_of_waiting() {
    let mut w = World::new();
    let old = w.arrive();
    w.pass(61);
    let urgent_late = w.arrive_with(|i| i.priority = 1);
    w.add_ready_agent(1);
    w.route();
    assert_eq!(w.whose(old), Some(agent(1)));
    w.close(old).unwrap();
    w.close(urgent_late).unwrap();
    let old = w.arrive();
    w.pass(59);
    let urgent = w.arrive_with(|i| i.priority = 1);
    w.route();
    assert_eq!(w.whose(urgent), Some(agent(1)));
    assert_eq!(w.whose(old), None);
}

#[test]
fn the_queue_with_the_shorter_target_is_served_first() {
    let mut w = World::new();
    w.add_queue(2);
    w.edit_queue(2, |q| q.target_s = 30);
    w.join(2, 1);
    let patient = w.arrive();
    w.pass(5);
    let hasty = w.arrive_with(|i| i.queue_id = queue(2));
    w.add_ready_agent(1);
    w.route();
    assert_eq!(w.whose(hasty), Some(agent(1)));
    assert_eq!(w.whose(patient), None);
}

#[test]
fn a_second_line_member_is_asked_only_after_the_delay() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.edit_queue(QUEUE, |q| q.members[0].delay_s = 45);
    let item = w.arrive();
    let decisions = w.route();
    assert_eq!(w.whose(item), None);
    assert_eq!(decisions[0].next_wake, Some(w.now + seconds(45)));
    w.pass(45);
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
}

#[test]
fn members_of_the_first_rank_are_asked_before_the_longest_idle() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.pass(60);
    w.add_ready_agent(2);
    w.edit_queue(QUEUE, |q| q.members[0].priority = 2);
    let item = w.arrive();
    w.route();
    assert_eq!(w.whose(item), Some(agent(2)));
}

#[test]
fn an_offer_ends_when_its_ticket_closes() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let item = w.arrive();
    w.route();
    let offer = w.items[&item].offer_id().unwrap();
    w.close(item).unwrap();
    assert_eq!(w.offers[&offer].state(), OfferState::Withdrawn);
    let next = w.arrive();
    w.route();
    assert_eq!(w.whose(next), Some(agent(1)));
}

#[test]
fn logout_ends_offers_but_keeps_the_work_she_owns() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.edit_agent(1, |a| {
        a.capacity.insert("*".into(), 2);
    });
    let (owned, asked) = (w.arrive(), w.arrive());
    w.route();
    w.accept(owned, 1).unwrap();
    let now = w.now;
    w.edit_agent(1, |a| *a = a.clone().go_offline(now));
    w.route();
    assert_eq!(w.items[&owned].state(), WorkItemState::Active);
    assert_eq!(w.whose(owned), Some(agent(1)));
    assert_eq!(w.items[&asked].state(), WorkItemState::Queued);
}

#[test]
fn an_offer_tells_why_her() {
    let mut w = World::new();
    for n in 1..=6 {
        w.add_ready_agent(n);
        w.pass(1);
    }
    w.vanish(6);
    let item = w.arrive();
    let decisions = w.route();
    let reason = &decisions[0].offers[0].reason;
    assert_eq!(reason.rule, Rule::LongestIdle);
    let next: Vec<_> = reason.runner_up.iter().map(|r| r.user_id).collect();
    assert_eq!(next, [agent(2), agent(3), agent(4)]);
    assert_eq!(reason.excluded, [(Ineligible::Disconnected, 1)]);
    let stored = &w.offers[&w.items[&item].offer_id().unwrap()].reason;
    assert_eq!(
        serde_json::from_value(stored.clone()).ok().as_ref(),
        Some(reason)
    );
}

#[test]
fn explain_names_every_agent_and_why_not() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.add_ready_agent(2);
    w.vanish(2);
    w.hire(3);
    let item = w.arrive();
    let lines = reference::explain(&w.snapshot(), item, w.now).unwrap();
    let told: Vec<_> = lines.iter().map(|l| (l.user_id, l.why_not)).collect();
    let expected = [
        (agent(1), None),
        (agent(3), Some(Ineligible::NotMember)),
        (agent(2), Some(Ineligible::Disconnected)),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_channel_switched_off_brings_her_nothing_new_of_it() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.edit_agent(1, |a| {
        a.capacity.insert("*".into(), 2);
        a.channels_off.insert("mail".into());
    });
    let mail = w.arrive_with(|i| i.channel = "mail".into());
    let other = w.arrive_with(|i| i.channel = "sandbox".into());
    w.route();
    assert_eq!((w.whose(mail), w.whose(other)), (None, Some(agent(1))));
    let lines = reference::explain(&w.snapshot(), mail, w.now).unwrap();
    assert_eq!(lines[0].why_not, Some(Ineligible::ChannelOff));
    // She may still help herself to one.
    w.claim(mail, agent(1), ClaimPolicy::Take).unwrap();
}

#[test]
fn who_finishes_first_is_asked_for_nothing_new_and_then_has_her_break() {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.edit_agent(1, |a| {
        a.capacity.insert("*".into(), 3);
    });
    let (first, second) = (w.arrive(), w.arrive());
    w.route();
    w.accept(first, 1).unwrap();
    w.accept(second, 1).unwrap();
    let lunch = NextStatus {
        status: AgentStatus::NotReady,
        reason: Some("lunch".into()),
    };
    let now = w.now;
    w.edit_agent(1, |a| *a = a.clone().finish_first(lunch, now));
    let third = w.arrive();
    w.route();
    assert_eq!(w.whose(third), None);
    w.close(first).unwrap();
    assert_eq!(w.agents[&agent(1)].status, AgentStatus::Available);
    w.pass(5);
    w.close(second).unwrap();
    let her = &w.agents[&agent(1)];
    assert_eq!(her.status, AgentStatus::NotReady);
    assert_eq!(her.reason.as_deref(), Some("lunch"));
    assert_eq!((her.status_since, &her.next), (w.now, &None));
}

#[test]
fn who_has_nothing_to_finish_goes_at_once_and_a_new_choice_takes_the_place_of_the_old() {
    let mut w = World::new();
    w.add_ready_agent(1);
    let leave = || NextStatus {
        status: AgentStatus::Offline,
        reason: None,
    };
    let now = w.now;
    let idle = w.agents[&agent(1)].clone();
    assert_eq!(idle.finish_first(leave(), now).status, AgentStatus::Offline);
    let item = w.arrive();
    w.route();
    w.accept(item, 1).unwrap();
    let busy = w.agents[&agent(1)].clone().finish_first(leave(), now);
    assert_eq!(busy.status, AgentStatus::Available);
    assert_eq!(busy.become_available(now).next, None);
}
