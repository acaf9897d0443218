//! Promises of sign-in, sessions, invitations, roles, tokens and audit, on both databases.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where it expects"
)]

mod desk;
mod entering;
mod holding;
