//! Use cases and edges: the only floor where store, channels, routing and the network meet.
//!
//! One use case is one function is one transaction: `app::<noun>::<verb>(app, &actor, args)`.
//! What must happen outside is a job row, what screens must learn is an event row; after commit
//! the bus only hints. Nothing below this floor opens a connection or spawns a task.

// Edges: what touches the world outside the database.
pub mod blobs;
pub mod bus;
pub mod connect;
pub mod mailer;
pub mod outbound;
pub mod passwords;
pub mod secrets;
pub mod tokens;

pub mod app;
pub mod error;

// Use cases, one file per noun.
pub mod agents;
pub mod contacts;
pub mod conversations;
pub mod dead_letters;
pub mod demo;
pub mod events;
pub mod explain;
pub mod health;
pub mod housekeeping;
pub mod inbound;
pub mod inboxes;
pub mod jobs;
pub mod media;
pub mod node;
pub mod offers;
pub mod presence;
pub mod provider_apps;
pub mod queues;
pub mod reader;
pub mod reply;
pub mod router;
pub mod routing_policy;
pub mod search;
pub mod sessions;
pub mod skills;
pub mod teams;
pub mod tickets;
pub mod uploads;
pub mod visibility;
pub mod work;

mod race;
mod rows;
mod wait;

// People: who may enter, and what they did.
pub mod access;
pub mod api_tokens;
pub mod audit;
pub mod auth;
pub mod invitations;
pub mod key_rotation;
pub mod password_change;
pub mod people;
mod refresh_token;
pub mod setup;
pub mod throttle;

#[cfg(feature = "testing")]
pub mod testing;

pub use app::{App, Config, Parts};
pub use error::{Error, Result};
pub use reader::Reader;
