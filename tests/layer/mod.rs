//! The harness itself: each of its parts does what tests rely on.

mod browser;
mod mastodon;
mod postgres;
mod process;
mod sandbox_peer;
mod webhook;
