//! End-to-end tests: one binary, one file per promise, against the real server process.

mod access;
mod browser;
mod data;
mod layer;
mod messaging;
mod operation;
