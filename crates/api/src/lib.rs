//! The transports: GraphQL over HTTP and WebSocket, webhooks, media, web assets, health.
//!
//! Invariants: no rule of the business lives here; every write goes through a function of `app`, every
//! read through the scoped reader that `app` hands out. The transports stand on small seams
//! ([`auth::Gate`], [`live::EventLog`], [`webhooks::Entrance`], [`media::Files`], [`health::Readiness`])
//! and on any schema, so they are tested against a toy; [`house`] puts them over the real `app`.

pub mod assets;
pub mod auth;
pub mod fault;
pub mod graphql;
pub mod graphql_http;
pub mod graphql_ws;
pub mod health;
pub mod house;
pub mod live;
pub mod media;
pub mod oauth;
pub mod operation;
pub mod outer;
pub mod router;
pub mod webhooks;
