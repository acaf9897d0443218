//! The scenarios of the fixtures, against values that were computed elsewhere.

use crate::{near, run, scenario};
use routing::simulate::{Measures, Report};
use routing::theory::{ErlangA, ErlangC, priority_waits_s};

/// Where a number settles quickly.
const EXACT: f64 = 0.01;
/// Waits settle slowly: three standard errors of a run as long as these.
const WAITS: f64 = 0.15;
const SHARES: f64 = 0.05;
const LITTLE: f64 = 0.005;

fn report(text: &str, contacts: u64) -> Report {
    let mut scenario = scenario(text);
    scenario.contacts = Some(contacts);
    let report = run(&scenario);
    let residual = report.littles_law_residual.0;
    assert!(residual < LITTLE, "Little's law is off by {residual}");
    report
}

#[test]
fn a_loss_system_blocks_as_erlang_b_says() {
    let text = include_str!("../fixtures/scenarios/r01-erlang-b-loss.json");
    let r = report(text, 300_000);
    let blocked = r.total.blocked as f64 / r.total.offered as f64;
    near("blocked", blocked, 0.050_221_78, EXACT);
    near(
        "carried",
        r.agents["trunks"].mean_load.0 * 25.0,
        18.995_56,
        EXACT,
    );
    assert_eq!(r.total.abandoned, 0);
    assert_eq!(r.total.wait_max_s.0.to_bits(), 0, "nobody waits");
}

#[test]
fn a_patient_line_waits_as_erlang_c_says() {
    let text = include_str!("../fixtures/scenarios/r02-erlang-c.json");
    let r = report(text, 300_000);
    let exact = ErlangC::new(0.055_555_56, 180.0, 14).unwrap();
    near("p_wait", r.total.p_wait.0, exact.p_wait, SHARES);
    near("asa", r.total.asa_s.0, exact.asa_s(), WAITS);
    near("sl1", r.total.sl1.0, exact.service_level(20.0), EXACT);
    near(
        "occupancy",
        r.agents["team"].occupancy.0,
        exact.occupancy(),
        EXACT,
    );
}

fn as_erlang_a(r: &Measures, exact: &ErlangA) {
    near("abandoned", r.abandon_rate.0, exact.abandon_rate(), 0.08);
    near("mean wait", r.mean_wait_s.0, exact.mean_wait_s(), 0.08);
    near("asa", r.asa_s.0, exact.asa_s(), 0.08);
    near("p_wait", r.p_wait.0, exact.p_wait(), 0.03);
    near("sl1", r.sl1.0, exact.service_level(20.0), EXACT);
    near("p90", r.wait_p90_s.0, exact.wait_quantile_s(0.9), 0.08);
}

#[test]
fn an_impatient_line_waits_and_loses_as_erlang_a_says() {
    let text = include_str!("../fixtures/scenarios/r04-erlang-a.json");
    let r = report(text, 300_000);
    let exact = ErlangA::new(0.8, 60.0, 120.0, 50).unwrap();
    as_erlang_a(&r.total, &exact);
    near(
        "occupancy",
        r.agents["team"].occupancy.0,
        exact.occupancy(),
        EXACT,
    );
    near("sl4", r.total.sl4.0, 0.973_099_7, EXACT);
}

#[test]
fn overload_is_shed_as_erlang_a_says_and_the_four_service_levels_differ() {
    let text = include_str!("../fixtures/scenarios/r04-erlang-a.json");
    let text = text
        .replace("0.8", "1.0")
        .replace("\"short_abandon_s\": 5", "\"short_abandon_s\": 20");
    let r = report(&text, 200_000);
    near("abandoned", r.total.abandon_rate.0, 0.168_228_6, SHARES);
    near("mean wait", r.total.mean_wait_s.0, 20.187_43, SHARES);
    near("sl1", r.total.sl1.0, 0.383_617_2, SHARES);
    near("sl2", r.total.sl2.0, 0.439_788, SHARES);
    near("sl3", r.total.sl3.0, 0.383_617_2 + 0.127_722_6, SHARES);
    near("sl4", r.total.sl4.0, 0.461_205, SHARES);
}

/// With two agents more than the fixture has, so that a short run settles.
#[test]
fn strict_priority_waits_as_cobham_says() {
    let text = include_str!("../fixtures/scenarios/r06-strict-priority.json");
    let text = text.replace("\"count\": 14", "\"count\": 16");
    let r = report(&text, 300_000);
    let exact = priority_waits_s(&[0.02, 0.05], 180.0, 16).unwrap();
    near("high", r.classes["high"].asa_s.0, exact[0], WAITS);
    near("low", r.classes["low"].asa_s.0, exact[1], WAITS);
}

#[test]
fn pooled_agents_serve_as_one_team_and_dedicated_ones_as_two() {
    let text = include_str!("../fixtures/scenarios/r08-dedicated-and-pooled.json");
    let r = report(text, 400_000);
    let rate = 0.038_888_89;
    let alone = ErlangA::new(rate, 180.0, 90.0, 8).unwrap();
    let together = ErlangA::new(2.0 * rate, 180.0, 90.0, 16).unwrap();
    for (queues, exact) in [
        (["dedicated-a", "dedicated-b"], &alone),
        (["pooled-a", "pooled-b"], &together),
    ] {
        for queue in queues {
            as_erlang_a(&r.queues[queue], exact);
        }
    }
}

#[test]
fn lognormal_handling_times_wait_as_independent_simulations_found() {
    let text = include_str!("../fixtures/scenarios/r12-lognormal.json");
    let r = report(text, 300_000);
    near("asa", r.total.asa_s.0, 45.175, WAITS);
    near("sl1", r.total.sl1.0, 0.636_66, SHARES);
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
