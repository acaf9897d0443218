//! The demo: a shop that does not exist, with a past, colleagues and customers who keep writing.
//!
//! Invariants: everything goes through the doors that real customers and people use (the signed
//! webhook entrance, the worker, the use cases); nothing here is reachable unless a demo was
//! started on a database of its own; the same seed lives the same past.

mod cast;
mod desk;
mod dice;
mod live;
mod network;
mod past;
#[cfg(test)]
mod tests;
mod words;

pub use live::live;
pub use network::Story;
pub use past::{Plan, Progress, live_through};

pub const TENANT: &str = "Moa Shop 모아상점";
pub const OWNER_EMAIL: &str = "demo@meari.local";
pub const OWNER_NAME: &str = "Sam Han 한샘";
/// No secret: the sign-in page of the demo shows it.
pub const PASSWORD: &str = "echo over the hills";
