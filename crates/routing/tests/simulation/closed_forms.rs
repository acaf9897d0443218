//! The scenarios of the fixtures, against values that were computed elsewhere.

use crate::runs::Runs;
use crate::scenario;
use routing::simulate::{Measures, Report};
use routing::theory::{ErlangA, ErlangC, priority_waits_s};

#[test]
fn a_loss_system_blocks_as_erlang_b_says() {
    let runs = Runs::of(
        include_str!("../fixtures/scenarios/r01-erlang-b-loss.json"),
        8_000,
    );
    runs.agree("blocked", 0.050_221_78, |r| {
        r.total.blocked as f64 / r.total.offered as f64
    });
    runs.agree("carried", 18.995_56, |r| {
        r.agents["trunks"].mean_load.0 * 25.0
    });
    assert!(runs.all(|r| r.total.abandoned == 0));
    assert!(runs.all(|r| r.total.wait_max_s.0 <= 0.0), "nobody waits");
}

#[test]
fn a_patient_line_waits_as_erlang_c_says() {
    let text = include_str!("../fixtures/scenarios/r02-erlang-c.json");
    let runs = Runs::of(text, 8_000);
    let exact = ErlangC::new(0.055_555_56, 180.0, 14).unwrap();
    runs.agree("p_wait", exact.p_wait, |r| r.total.p_wait.0);
    runs.agree("asa", exact.asa_s(), |r| r.total.asa_s.0);
    runs.agree("sl1", exact.service_level(20.0), |r| r.total.sl1.0);
    runs.agree("occupancy", exact.occupancy(), |r| {
        r.agents["team"].occupancy.0
    });
}

fn as_erlang_a(runs: &Runs, exact: &ErlangA, part: impl Fn(&Report) -> &Measures) {
    runs.agree("abandoned", exact.abandon_rate(), |r| {
        part(r).abandon_rate.0
    });
    runs.agree("mean wait", exact.mean_wait_s(), |r| part(r).mean_wait_s.0);
    runs.agree("asa", exact.asa_s(), |r| part(r).asa_s.0);
    runs.agree("p_wait", exact.p_wait(), |r| part(r).p_wait.0);
    runs.agree("sl1", exact.service_level(20.0), |r| part(r).sl1.0);
    runs.agree("p90", exact.wait_quantile_s(0.9), |r| part(r).wait_p90_s.0);
}

#[test]
fn an_impatient_line_waits_and_loses_as_erlang_a_says() {
    let text = include_str!("../fixtures/scenarios/r04-erlang-a.json");
    let runs = Runs::of(text, 8_000);
    let exact = ErlangA::new(0.8, 60.0, 120.0, 50).unwrap();
    as_erlang_a(&runs, &exact, |r| &r.total);
    runs.agree("occupancy", exact.occupancy(), |r| {
        r.agents["team"].occupancy.0
    });
    runs.agree("sl4", 0.973_099_7, |r| r.total.sl4.0);
}

#[test]
fn overload_is_shed_as_erlang_a_says_and_the_four_service_levels_differ() {
    let text = include_str!("../fixtures/scenarios/r04-erlang-a.json");
    let text = text
        .replace("0.8", "1.0")
        .replace("\"short_abandon_s\": 5", "\"short_abandon_s\": 20");
    let runs = Runs::of(&text, 8_000);
    runs.agree("abandoned", 0.168_228_6, |r| r.total.abandon_rate.0);
    runs.agree("mean wait", 20.187_43, |r| r.total.mean_wait_s.0);
    runs.agree("sl1", 0.383_617_2, |r| r.total.sl1.0);
    runs.agree("sl2", 0.439_788, |r| r.total.sl2.0);
    runs.agree("sl3", 0.383_617_2 + 0.127_722_6, |r| r.total.sl3.0);
    runs.agree("sl4", 0.461_205, |r| r.total.sl4.0);
}

#[test]
fn strict_priority_waits_as_cobham_says() {
    let text = include_str!("../fixtures/scenarios/r06-strict-priority.json");
    let runs = Runs::of(text, 8_000);
    let exact = priority_waits_s(&[0.02, 0.05], 180.0, 14).unwrap();
    let first_come = ErlangC::new(0.07, 180.0, 14).unwrap().asa_s();
    runs.agree("high", exact[0], |r| r.classes["high"].asa_s.0);
    runs.differ("high", first_come, |r| r.classes["high"].asa_s.0);
    runs.agree("low", exact[1], |r| r.classes["low"].asa_s.0);
}

#[test]
fn pooled_agents_serve_as_one_team_and_dedicated_ones_as_two() {
    let text = include_str!("../fixtures/scenarios/r08-dedicated-and-pooled.json");
    let runs = Runs::of(text, 10_000);
    let rate = 0.038_888_89;
    let alone = ErlangA::new(rate, 180.0, 90.0, 8).unwrap();
    let together = ErlangA::new(2.0 * rate, 180.0, 90.0, 16).unwrap();
    for (queues, exact) in [
        (["dedicated-a", "dedicated-b"], &alone),
        (["pooled-a", "pooled-b"], &together),
    ] {
        for queue in queues {
            as_erlang_a(&runs, exact, |r| &r.queues[queue]);
        }
    }
    runs.differ("pooled", alone.abandon_rate(), |r| {
        r.queues["pooled-a"].abandon_rate.0
    });
}

/// The references are simulations of others, with half-widths of their own.
#[test]
fn lognormal_handling_times_wait_as_independent_simulations_found() {
    let text = include_str!("../fixtures/scenarios/r12-lognormal.json");
    let runs = Runs::of(text, 8_000);
    runs.agree_within("asa", (45.175_36, 0.923_09), |r| r.total.asa_s.0);
    runs.agree_within("sl1", (0.636_66, 0.002_946_7), |r| r.total.sl1.0);
}

#[test]
fn equal_seeds_give_byte_identical_decision_logs_and_other_seeds_do_not() {
    let text = include_str!("../fixtures/scenarios/r06-strict-priority.json");
    let log_of = |seed| {
        let mut scenario = scenario(text);
        (scenario.seed, scenario.contacts) = (seed, Some(20_000));
        let mut log = String::new();
        let report = routing::simulate::simulate(&scenario, &mut |line| log.push_str(line));
        assert_eq!(log.lines().count() as u64, report.decisions);
        (log, report)
    };
    let (first, again, other) = (log_of(7), log_of(7), log_of(8));
    assert!(first == again, "one seed, two stories");
    assert_ne!(first.1.decision_log_sha256, other.1.decision_log_sha256);
}
