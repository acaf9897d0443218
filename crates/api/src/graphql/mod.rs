//! The public graph: one file per noun with its type, queries and mutations.

pub mod audit;
pub mod auth;
pub mod change;
pub mod context;
pub mod error;
pub mod live;
pub mod page;
pub mod people;
pub mod presence;
pub mod schema;
pub mod tokens;
pub mod words;
