//! The search indexes: FTS5 on SQLite, `tsvector` with GIN on Postgres. Tokens are made by
//! `app::search`, the databases only store and match them.
//!
//! The FTS5 tables keep no copy of the text, so words that were deleted are gone. `*_docs` gives
//! each noun the row of its document; a document written again gets a higher row, so the newest
//! activity is found first.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const SQLITE: &[&str] = &[
    "CREATE VIRTUAL TABLE IF NOT EXISTS ticket_search USING fts5(\
     tokens, content = '', contentless_delete = 1, tokenize = 'ascii')",
    "CREATE TABLE IF NOT EXISTS ticket_search_docs (\
     doc INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE IF NOT EXISTS contact_search USING fts5(\
     tokens, content = '', contentless_delete = 1, tokenize = 'ascii')",
    "CREATE TABLE IF NOT EXISTS contact_search_docs (\
     doc INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE)",
];

const POSTGRES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS ticket_search (id uuid PRIMARY KEY, document tsvector NOT NULL)",
    "CREATE INDEX IF NOT EXISTS idx_ticket_search_document ON ticket_search USING gin (document)",
    "CREATE TABLE IF NOT EXISTS contact_search (id uuid PRIMARY KEY, document tsvector NOT NULL)",
    "CREATE INDEX IF NOT EXISTS idx_contact_search_document ON contact_search USING gin (document)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DatabaseBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        for sql in statements {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "migrations go forward only; restore the backup instead".into(),
        ))
    }
}
