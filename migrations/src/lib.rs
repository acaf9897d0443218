//! The schema of Meari, for SQLite and Postgres, by one portable builder. Forward only:
//! expand, backfill, contract. A released migration is never edited.

#![expect(
    elided_lifetimes_in_paths,
    reason = "async_trait in the migration trait does not accept the explicit form"
)]

use sea_orm_migration::prelude::*;

mod m0001_first;
mod m0001_search;
mod m0001_tags;
mod table;

/// Schema version this binary writes; `serve` accepts it and the one before.
pub const SCHEMA_VERSION: i64 = 1;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::Migration),
            Box::new(m0001_search::Migration),
            Box::new(m0001_tags::Migration),
        ]
    }
}
