//! Promises of routing, told one by one, and histories in which the engine, a fresh engine and the
//! reference must never disagree.

mod handover;
mod history;
mod invariants;
mod promises;
mod world;
