//! The production engine on a virtual clock: against theory, against chains solved here, and what
//! the reader of scenarios refuses.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first thing that cannot be"
)]

mod closed_forms;
mod cohort;
mod faults;
mod markov;

use routing::simulate::{Report, Scenario, simulate};

pub fn scenario(text: &str) -> Scenario {
    text.parse().unwrap()
}

pub fn run(scenario: &Scenario) -> Report {
    simulate(scenario, &mut |_| {})
}

/// Within `share` of the expected value.
pub fn near(what: &str, ours: f64, expected: f64, share: f64) {
    let off = (ours - expected).abs() / expected.abs();
    assert!(
        off <= share,
        "{what}: {ours} is {:.2} % away from {expected}",
        off * 100.0
    );
}
