//! The vocabulary of Meari: ids, nouns, state machines, permissions and the clock.
//!
//! Invariants: no IO, no async, no database and no transport types. Every transition is a
//! function by value that returns `Result<Self, InvalidTransition>`; time is always an argument.

pub mod agent_state;
pub mod call;
pub mod clock;
pub mod contact;
pub mod conversation;
pub mod event;
pub mod hours;
pub mod ids;
pub mod image;
pub mod inbox;
pub mod job;
pub mod message;
pub mod offer;
pub mod people;
pub mod permission;
pub mod policy;
pub mod queue;
pub mod text_enum;
pub mod ticket;
pub mod work_item;

pub use clock::{Clock, SystemClock};
pub use ids::*;
pub use text_enum::{InvalidTransition, UnknownWord};

/// Instants travel as UTC everywhere; zones exist only where people set calendars.
pub type Time = chrono::DateTime<chrono::Utc>;
