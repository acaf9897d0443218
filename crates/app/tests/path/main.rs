//! Promises about the message path, on both databases: what a provider may do to us, and what its
//! customers and our agents are spared of it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where it expects"
)]

mod changes;
mod echoes;
mod entrance;
mod housekeeping;
mod media;
mod oauth;
mod peer;
mod sending;
mod world;
