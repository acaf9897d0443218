//! The public graph: one file per noun with its type, queries and mutations.

pub mod change;
pub mod context;
pub mod error;
pub mod live;
pub mod page;
pub mod presence;
pub mod schema;
pub mod words;
