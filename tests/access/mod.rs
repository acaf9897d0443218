//! The public API: its protocols, its examples.

mod examples;
mod graphql_conformance;
