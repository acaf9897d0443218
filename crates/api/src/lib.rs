//! The transports: GraphQL over HTTP and WebSocket, webhooks, media, web assets, health.
//!
//! Invariants: no rule of the business lives here; every write goes through a function of `app`, every
//! read through the scoped reader that `app` hands out. The transports stand on two small seams,
//! [`auth::Gate`] and the schema itself, so they are tested against a toy schema.

pub mod auth;
pub mod fault;
pub mod graphql_http;
pub mod graphql_ws;
pub mod live;
pub mod operation;
pub mod router;
