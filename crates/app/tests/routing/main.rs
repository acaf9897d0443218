//! Promises of routing in the app: offers, claims by people, and the router beside them, on both
//! databases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails where it expects"
)]

mod claims;
mod offers;
mod policies;
mod presence;
mod races;
mod router;
mod settings;
mod world;
