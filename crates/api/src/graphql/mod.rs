//! The public graph: one file per noun with its type, queries and mutations.

pub mod agent;
pub mod audit;
pub mod auth;
pub mod change;
pub mod context;
pub mod error;
pub mod live;
pub mod page;
pub mod people;
pub mod presence;
pub mod queue;
pub mod schema;
pub mod skill;
pub mod team;
pub mod tokens;
pub mod words;
