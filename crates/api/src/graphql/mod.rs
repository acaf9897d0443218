//! The public graph: one file per noun with its type, queries and mutations.

pub mod change;
pub mod context;
pub mod error;
pub mod page;
pub mod words;
