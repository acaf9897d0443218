//! Promises of routing in the app: offers, claims by people, and the router beside them, on both
//! databases.

mod claims;
mod offers;
mod router;
mod settings;
mod world;
