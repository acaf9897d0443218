//! SQLite without a thread in between: a statement runs where it is asked for.
//!
//! A point read takes some ten microseconds, and a visit to another thread costs more than that on
//! both sides. What may take long leaves the threads of the runtime: a COMMIT, which waits for the
//! disk, and a read that turns out not to be brief.

mod connection;
mod fault;
mod readers;
mod values;

pub(crate) use connection::{Access, Connection, Shared, is_held, lock, off_thread};
pub(crate) use fault::Fault;
pub(crate) use readers::Readers;
pub(crate) use values::Row;
