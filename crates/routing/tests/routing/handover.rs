//! What the one claim allows each asker.

use crate::world::{QUEUE, World, agent, queue};
use domain::offer::OfferState;
use domain::work_item::WorkItemState;
use routing::{ClaimPolicy, Ineligible, Refusal};

/// Agents 1 and 2 are ready with one slot each; agent 1 is asked for the item.
fn offered() -> (World, domain::WorkItemId) {
    let mut w = World::new();
    w.add_ready_agent(1);
    w.pass(1);
    w.add_ready_agent(2);
    let item = w.arrive();
    w.route();
    assert_eq!(w.whose(item), Some(agent(1)));
    (w, item)
}

#[test]
fn only_the_asked_agent_accepts_and_only_in_time() {
    let (mut w, item) = offered();
    assert_eq!(w.accept(item, 2), Err(Refusal::OfferOver));
    w.pass(20);
    assert_eq!(w.accept(item, 1), Err(Refusal::OfferOver));
    assert_eq!(w.decline(item), Err(Refusal::OfferOver));
    w.pass(-1);
    assert!(w.accept(item, 1).is_ok());
    assert_eq!(w.accept(item, 1), Err(Refusal::OfferOver));
}

#[test]
fn taking_an_item_withdraws_the_offer_to_another() {
    let (mut w, item) = offered();
    let claim = w.claim(item, agent(2), ClaimPolicy::Take).unwrap();
    let offer = claim.offer.unwrap();
    assert_eq!(offer.state(), OfferState::Withdrawn);
    assert_eq!(offer.end_reason(), Some("taken"));
    assert_eq!(
        claim.holder.map(|h| (h.user_id, h.load)),
        Some((agent(1), 0))
    );
    assert_eq!(w.agents[&agent(2)].load, 1);
    let again = w.claim(item, agent(1), ClaimPolicy::Take);
    assert_eq!(again, Err(Refusal::AlreadyTaken));
}

#[test]
fn taking_what_one_is_asked_for_accepts_it() {
    let (mut w, item) = offered();
    let claim = w.claim(item, agent(1), ClaimPolicy::Take).unwrap();
    assert_eq!(claim.offer.unwrap().state(), OfferState::Accepted);
    assert_eq!(claim.agent.load, 1);
}

#[test]
fn an_agent_may_take_work_on_a_break_but_not_beyond_her_slots() {
    let (mut w, item) = offered();
    let (second, now) = (w.arrive(), w.now);
    w.edit_agent(2, |a| *a = a.clone().become_not_ready(None, now));
    let claim = w.claim(item, agent(2), ClaimPolicy::Take).unwrap();
    assert_eq!(claim.overridden, [Ineligible::NotReady]);
    let more = w.claim(second, agent(2), ClaimPolicy::Take);
    assert_eq!(more, Err(Refusal::Ineligible(Ineligible::Capacity)));
}

#[test]
fn a_supervisor_may_exceed_capacity_and_it_is_counted() {
    let (mut w, item) = offered();
    w.accept(item, 1).unwrap();
    let second = w.arrive();
    let claim = w.claim(second, agent(1), ClaimPolicy::Assign).unwrap();
    assert_eq!(claim.over_capacity, 1);
    assert_eq!(claim.overridden, [Ineligible::Capacity]);
    assert_eq!(claim.agent.load, 2);
}

#[test]
fn the_router_overrides_nothing() {
    let (mut w, item) = offered();
    let reason =
        Box::new(serde_json::from_value(w.offers.values().next().unwrap().reason.clone()).unwrap());
    let offer = |w: &World| ClaimPolicy::Offer {
        id: w.items[&item].offer_id().unwrap(),
        reason: Box::clone(&reason),
    };
    let policy = offer(&w);
    assert_eq!(
        w.claim(item, agent(2), policy.clone()),
        Err(Refusal::AlreadyTaken)
    );
    w.decline(item).unwrap();
    let refused = |why| Err(Refusal::Ineligible(why));
    assert_eq!(
        w.claim(item, agent(1), policy.clone()),
        refused(Ineligible::Excluded)
    );
    w.vanish(2);
    assert_eq!(
        w.claim(item, agent(2), policy.clone()),
        refused(Ineligible::Disconnected)
    );
    w.connect(2);
    w.edit_queue(QUEUE, |q| q.members.retain(|m| m.user_id != agent(2)));
    assert_eq!(
        w.claim(item, agent(2), policy),
        refused(Ineligible::NotMember)
    );
}

#[test]
fn a_transfer_needs_a_ready_colleague_with_a_slot_and_ends_the_givers_work() {
    let (mut w, item) = offered();
    let waiting = w.claim(item, agent(2), ClaimPolicy::Transfer);
    assert_eq!(waiting, Err(Refusal::NotAssigned));
    w.accept(item, 1).unwrap();
    w.vanish(2);
    let absent = w.claim(item, agent(2), ClaimPolicy::Transfer);
    assert_eq!(absent, Err(Refusal::Ineligible(Ineligible::Disconnected)));
    w.connect(2);
    w.pass(30);
    let claim = w.claim(item, agent(2), ClaimPolicy::Transfer).unwrap();
    let giver = claim.holder.unwrap();
    assert_eq!((giver.load, giver.released_at), (0, w.now));
    assert_eq!(w.whose(item), Some(agent(2)));
}

#[test]
fn a_reopened_item_returns_to_its_agent_only_if_she_has_room() {
    let (mut w, item) = offered();
    w.accept(item, 1).unwrap();
    let again = w.arrive();
    let full = w.claim(again, agent(1), ClaimPolicy::Reopen);
    assert_eq!(full, Err(Refusal::Ineligible(Ineligible::Capacity)));
    w.close(item).unwrap();
    assert!(w.claim(again, agent(1), ClaimPolicy::Reopen).is_ok());
    assert_eq!(w.items[&again].state(), WorkItemState::Active);
}

#[test]
fn a_finished_item_is_claimed_by_nobody() {
    let (mut w, item) = offered();
    w.close(item).unwrap();
    for policy in [
        ClaimPolicy::Take,
        ClaimPolicy::Assign,
        ClaimPolicy::Transfer,
    ] {
        assert_eq!(w.claim(item, agent(2), policy), Err(Refusal::ItemOver));
    }
}

#[test]
fn an_item_moved_to_another_queue_keeps_its_time() {
    let (mut w, item) = offered();
    w.add_queue(2);
    w.accept(item, 1).unwrap();
    let since = w.items[&item].eligible_since;
    w.pass(60);
    w.requeue(item, queue(2)).unwrap();
    let row = &w.items[&item];
    assert_eq!(
        (row.state(), row.eligible_since),
        (WorkItemState::Queued, since)
    );
    assert_eq!(w.agents[&agent(1)].load, 0);
}
