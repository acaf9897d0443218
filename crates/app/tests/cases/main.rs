//! Promises about cases: who sees them, how they are listed, found, merged and closed.

#![expect(clippy::unwrap_used, reason = "a test fails where it expects")]

mod lists;
mod merges;
mod search;
mod status;
mod world;
