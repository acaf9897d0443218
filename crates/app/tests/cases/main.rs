//! Promises about cases: who sees them, how they are listed, found, merged and closed.

mod lists;
mod merges;
mod search;
mod status;
mod world;
