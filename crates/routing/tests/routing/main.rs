//! Promises of routing, told one by one, and histories in which the engine, a fresh engine and the
//! reference must never disagree.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stop at the first thing that cannot be"
)]

mod bad_input;
mod explain;
mod handover;
mod history;
mod invariants;
mod policies;
mod promises;
mod service;
mod world;
