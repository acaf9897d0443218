//! The production engine on a virtual clock: against theory, against chains solved here, and what
//! the reader of scenarios refuses.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first thing that cannot be"
)]

mod answers;
mod chain;
mod chats;
mod closed_forms;
mod cohort;
mod faults;
mod queues;
mod runs;
mod skills;
mod speeds;

use routing::simulate::{Report, Scenario, simulate};

pub fn scenario(text: &str) -> Scenario {
    text.parse().unwrap()
}

pub fn run(scenario: &Scenario) -> Report {
    simulate(scenario, &mut |_| {})
}
