//! The public API: its protocols, its examples, its files.

mod examples;
mod files;
mod graphql_conformance;
