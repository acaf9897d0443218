//! The public graph: one file per noun with its type, queries and mutations.

pub mod agent;
pub mod attachment;
pub mod audit;
pub mod auth;
pub mod call;
pub mod change;
pub mod contact;
pub mod context;
pub mod conversation;
pub mod error;
pub mod live;
pub mod loaders;
pub mod message;
pub mod offer;
pub mod page;
pub mod people;
pub mod presence;
pub mod queue;
pub mod schema;
pub mod skill;
pub mod team;
pub mod ticket;
pub mod tokens;
pub mod words;
