//! The closed forms against values computed elsewhere: `fixtures/reference.json` holds facts that
//! were calculated for this project (closed forms, an exact birth-death chain and independent
//! simulations; each entry says how) and is under the licence of the repository.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first thing that cannot be"
)]

use routing::theory::{
    ErlangA, ErlangC, Target, agents_for_erlang_a, agents_for_erlang_c, erlang_b, general_asa_s,
    priority_waits_s, square_root_staffing,
};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../fixtures/reference.json")).unwrap()
}

fn scenario(id: &str) -> Value {
    let all = reference();
    let mut found = all["scenarios"].as_array().unwrap().iter();
    found.find(|s| s["id"] == id).unwrap().clone()
}

fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().unwrap()
}

fn count(row: &Value, name: &str) -> u32 {
    u32::try_from(row[name].as_u64().unwrap()).unwrap()
}

/// The file keeps seven digits.
fn near(ours: f64, row: &Value, name: &str) {
    let theirs = number(row, name);
    let off = (ours - theirs).abs() / theirs.abs().max(1e-9);
    assert!(off < 2e-6, "{name}: {ours} is not {theirs} in {row}");
}

#[test]
fn erlang_b_and_c_equal_the_table() {
    for row in reference()["erlang_c_table"].as_array().unwrap() {
        let (a, c, aht) = (
            number(row, "erlangs"),
            count(row, "agents"),
            number(row, "aht_s"),
        );
        near(erlang_b(a, c), row, "erlang_b");
        let line = ErlangC::new(a / aht, aht, c).unwrap();
        near(line.p_wait, row, "p_wait");
        near(line.asa_s(), row, "asa_s");
        near(line.service_level(20.0), row, "service_level");
        near(line.occupancy(), row, "occupancy");
    }
}

#[test]
fn erlang_c_knows_quantiles_and_the_length_of_the_line() {
    for (id, rate, aht, agents) in [
        ("R2", 100.0 / 1800.0, 180.0, 14),
        ("R3", 1.0 / 3.0, 300.0, 105),
    ] {
        let line = ErlangC::new(rate, aht, agents).unwrap();
        let row = &scenario(id)["reference"];
        near(line.mean_waiting(), row, "mean_queue");
        near(line.wait_quantile_s(0.9), row, "wait_p90_s");
        near(line.wait_quantile_s(0.95), row, "wait_p95_s");
    }
}

#[test]
fn erlang_a_equals_the_table() {
    for row in reference()["erlang_a_table"].as_array().unwrap() {
        let (a, aht) = (number(row, "erlangs"), number(row, "aht_s"));
        let line = ErlangA::new(
            a / aht,
            aht,
            number(row, "patience_s"),
            count(row, "agents"),
        )
        .unwrap();
        near(line.p_wait(), row, "p_wait");
        near(line.abandon_rate(), row, "abandon_rate");
        near(line.asa_s(), row, "asa_served_s");
        near(line.mean_wait_s(), row, "mean_wait_all_s");
        near(
            line.service_level(20.0),
            row,
            "served_within_T_over_offered",
        );
        near(line.occupancy(), row, "occupancy");
    }
}

#[test]
fn erlang_a_holds_in_overload_and_knows_its_quantiles() {
    for (id, rate) in [("R4", 0.8), ("R5", 1.0)] {
        let line = ErlangA::new(rate, 60.0, 120.0, 50).unwrap();
        let row = &scenario(id)["reference"];
        near(line.abandon_rate(), row, "abandon_rate");
        near(line.mean_waiting(), row, "mean_queue");
        near(line.wait_quantile_s(0.9), row, "wait_p90_all_s");
        near(line.wait_quantile_s(0.95), row, "wait_p95_all_s");
    }
}

#[test]
fn strict_priority_moves_waits_but_conserves_their_mean() {
    let waits = priority_waits_s(&[0.02, 0.05], 180.0, 14).unwrap();
    assert!((waits[0] - 10.635).abs() < 0.001, "{waits:?}");
    assert!((waits[1] - 106.350).abs() < 0.001, "{waits:?}");
    let mean = (0.02 * waits[0] + 0.05 * waits[1]) / 0.07;
    let plain = ErlangC::new(0.07, 180.0, 14).unwrap();
    assert!((mean - plain.asa_s()).abs() < 1e-9);
}

#[test]
fn variable_handling_times_wait_longer_by_the_published_factor() {
    let row = &scenario("R12")["reference"];
    let line = ErlangC::new(100.0 / 1800.0, 180.0, 12).unwrap();
    near(general_asa_s(&line, 1.2), row, "allen_cunneen_asa_s");
}

/// Half-hours of the reference day and the agents that were found for each by another program.
#[test]
fn staffing_of_the_reference_day_is_found_again() {
    let day = &reference()["second_pass"]["R15"];
    let target = Target {
        share: 0.8,
        within_s: 20.0,
    };
    let contacts = day["params"]["contacts_per_30min"].as_array().unwrap();
    for (i, n) in contacts.iter().enumerate() {
        let rate = n.as_f64().unwrap() / 1800.0;
        let c = agents_for_erlang_c(rate, 240.0, target).map(u64::from);
        assert_eq!(
            c,
            day["erlang_c"]["staff"][i].as_u64(),
            "Erlang C, interval {i}"
        );
        let a = agents_for_erlang_a(rate, 240.0, 150.0, target).map(u64::from);
        assert_eq!(
            a,
            day["erlang_a"]["staff"][i].as_u64(),
            "Erlang A, interval {i}"
        );
    }
}

#[test]
fn an_impossible_target_or_load_has_no_answer_and_no_panic() {
    assert_eq!(ErlangC::new(1.0, 60.0, 60), None);
    assert_eq!(ErlangA::new(1.0, 60.0, 0.0, 5), None);
    assert_eq!(ErlangA::new(1.0, 60.0, 60.0, 0), None);
    let never = Target {
        share: 1.1,
        within_s: 20.0,
    };
    assert_eq!(agents_for_erlang_c(0.01, 60.0, never), None);
}

#[test]
fn safety_staff_grows_with_the_root_of_the_load() {
    assert!((square_root_staffing(100.0, 0.5) - 105.0).abs() < 1e-12);
}
