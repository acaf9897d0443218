//! The harness of the end-to-end tests: the real binary, its peers, and clients for both.
//!
//! Invariants: every server, peer and database is its own, on loopback, and dies with the value
//! that holds it; nothing waits for time, only for facts with a deadline ([`wait::until`]).
//! Errors are `anyhow::Result`: a test stops at the first surprise and prints its whole chain.

pub mod browser;
pub mod deaf_smtp;
pub mod desk;
pub mod follower;
pub mod graphql;
pub mod mail;
pub mod mastodon;
pub mod node;
pub mod people;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod sandbox;
pub mod sandbox_peer;
pub mod seed;
pub mod server;
pub mod socket;
pub mod wait;
pub mod webhook;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_owned)
}
