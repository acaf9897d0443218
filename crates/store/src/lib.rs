//! The only SQL of the house: entities, queries, transactions, and the tables of jobs and events.
//!
//! Invariants:
//! - A use case writes through one [`Tx`]; everything it changes, enqueues and emits commits
//!   together or not at all. Events of a tenant are numbered without gaps, in commit order.
//! - sea-orm types never leave this crate; callers see domain structs and [`StoreError`].
//! - Every query names its tenant. The exceptions (people, sign-in, webhook routing) say why.
//! - Two tasks belong to an open store and end with it: the SQLite writer and the webhook
//!   acceptor. Both exist so that a cancelled caller cannot tear a commit apart.

mod accept;
mod allowance;
mod db;
mod error;
mod flush;
mod open;
mod run;
mod sqlite;
#[cfg(test)]
mod tests;
mod tx;
mod writer;

pub mod counters;
pub mod events;
pub mod jobs;
pub mod leases;
pub mod queries;
pub mod routing;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

mod tables;

pub use accept::{Accepted, NewDelivery, deliver};
pub use counters::CountDelta;
pub use db::{Db, Read};
pub use error::StoreError;
pub use jobs::{NewJob, StoredJob};
pub use migrations::SCHEMA_VERSION;
pub use open::{Options, Store, Url};
pub use tx::{Committed, Tx};
