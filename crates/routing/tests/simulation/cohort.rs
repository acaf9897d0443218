//! Rules of simulation, told by scenarios so small that their outcome is known exactly.

use crate::{run, scenario};
use routing::simulate::Report;

/// One class, one queue, one group of agents.
fn one_team(class: &str, team: &str, rest: &str) -> Report {
    run(&scenario(&format!(
        r#"{{"contacts": 4000, "warmup_contacts": 0, {rest}
        "queues": [{{"id": "q", "target_s": 20}}],
        "classes": [{{"id": "c", "queue": "q", {class}}}],
        "agents": [{{"id": "team", "queues": [{{"queue": "q", "priority": 1, "delay_s": 0}}], {team}}}]}}"#
    )))
}

const RARE: &str = r#""arrivals": {"poisson_per_s": 0.00001}, "handle_s": {"fixed": 60}"#;

#[test]
fn a_contact_for_a_free_agent_never_waits() {
    let r = one_team(RARE, r#""count": 5"#, "");
    assert_eq!(r.total.answered, 4000);
    assert_eq!(r.total.p_wait.0.to_bits(), 0);
    assert_eq!(r.littles_law_residual.0.to_bits(), 0);
    assert_eq!(r.decisions, 4000);
}

#[test]
fn ringing_counts_as_waiting_and_not_as_occupancy() {
    let rest = r#""offer": {"ring_s": 15, "answer_s": {"fixed": 15}},"#;
    let r = one_team(RARE, r#""count": 50"#, rest);
    assert_eq!(
        r.total.asa_s.0.to_bits(),
        15.0_f64.to_bits(),
        "answered at the last instant"
    );
    assert_eq!(r.total.offers_per_contact.0.to_bits(), 1.0_f64.to_bits());
    let share = 60.0 * 0.000_01 / 50.0;
    assert!((r.agents["team"].occupancy.0 / share - 1.0).abs() < 0.1);
}

#[test]
fn an_offer_that_rings_too_long_goes_to_the_next_agent_and_keeps_its_place() {
    let rest = r#""offer": {"ring_s": 15, "answer_probability": 0.8, "after_no_answer_s": 60},"#;
    let r = one_team(RARE, r#""count": 50"#, rest);
    let offers = r.total.offers_per_contact.0;
    assert!((offers - 1.25).abs() < 0.03, "1 / 0.8, not {offers}");
    let asa = r.total.asa_s.0;
    assert!(
        (asa - 15.0 * (offers - 1.0)).abs() < 1e-6,
        "15 s for each of them, not {asa}"
    );
    assert_eq!(r.agents["team"].no_answer + 4000, r.agents["team"].offers);
}

#[test]
fn wrap_up_keeps_an_agent_busy_without_a_contact_in_hand() {
    let team = r#""count": 1, "wrap_up_s": {"fixed": 60}"#;
    let r = one_team(RARE, team, "");
    let (busy, load) = (r.agents["team"].occupancy.0, r.agents["team"].mean_load.0);
    assert!(
        (busy / load - 2.0).abs() < 0.01,
        "{busy} is not twice {load}"
    );
}

#[test]
fn a_delay_opens_a_queue_to_a_second_group_only_after_it() {
    let text = r#"{"contacts": 3000, "warmup_contacts": 0,
        "queues": [{"id": "q"}],
        "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.001}, "handle_s": {"exp": 600}}],
        "agents": [
          {"id": "first", "count": 1, "queues": [{"queue": "q"}]},
          {"id": "later", "count": 20, "queues": [{"queue": "q", "delay_s": 30}]}]}"#;
    let r = run(&scenario(text));
    assert_eq!(r.total.wait_max_s.0.to_bits(), 30.0_f64.to_bits());
    assert!(r.agents["later"].answered > 500);
}

#[test]
fn requirements_relax_with_waiting() {
    let text = r#"{"contacts": 2000, "warmup_contacts": 0,
        "queues": [{"id": "q"}],
        "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.00001}, "handle_s": {"exp": 60},
          "requires": [{"skill": "billing", "level": 3}],
          "relax": [{"after_s": 20, "requires": [{"skill": "billing", "level": 2}]}, {"after_s": 40, "requires": []}]}],
        "agents": [{"id": "novices", "count": 2, "queues": [{"queue": "q"}], "skills": {"billing": 2}}]}"#;
    let r = run(&scenario(text));
    assert!(
        (r.total.wait_p50_s.0 - 20.0).abs() < 1e-9,
        "{:?}",
        r.total.wait_p50_s
    );
    let r = run(&scenario(&text.replace(r#"{"billing": 2}"#, "{}")));
    assert!(
        (r.total.wait_p50_s.0 - 40.0).abs() < 1e-9,
        "{:?}",
        r.total.wait_p50_s
    );
}

#[test]
fn a_shift_plan_repeats_and_who_leaves_finishes_the_contact_in_hand() {
    let team =
        r#""count": {"intervals": [{"length_s": 100, "count": 3}, {"length_s": 100, "count": 0}]}"#;
    let class = r#""arrivals": {"poisson_per_s": 0.001}, "handle_s": {"fixed": 30}"#;
    let r = one_team(class, team, "");
    assert_eq!(r.total.answered, 4000, "nobody is lost");
    assert!(
        r.total.wait_max_s.0 <= 100.0,
        "the next shift takes all who wait"
    );
    assert!(
        r.total.p_wait.0 > 0.4,
        "half of them come while nobody is there"
    );
}

#[test]
fn a_horizon_stops_arrivals() {
    let r = one_team(RARE, r#""count": 5"#, r#""horizon_s": 50000000,"#);
    assert!(r.contacts < 4000 && r.contacts > 300, "{}", r.contacts);
    assert_eq!(r.total.offered, r.contacts);
}

#[test]
fn contacts_that_nobody_can_answer_do_not_stop_the_clock() {
    let team = r#""count": 1, "capacity": {"chat": 1}"#;
    let r = one_team(RARE, team, "");
    assert_eq!((r.contacts, r.total.answered), (4000, 0));
}
