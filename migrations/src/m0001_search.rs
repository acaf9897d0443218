//! The search index: FTS5 on SQLite, a tsvector column with GIN on Postgres. Tokens are made by
//! `app::search::tokens`, the databases only store and match them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const SQLITE: &str = "CREATE VIRTUAL TABLE IF NOT EXISTS ticket_search USING fts5(\
    ticket_id UNINDEXED, tokens, tokenize = 'unicode61')";

const POSTGRES: &str = "CREATE TABLE IF NOT EXISTS ticket_search (\
    ticket_id uuid PRIMARY KEY, tokens text NOT NULL, \
    document tsvector GENERATED ALWAYS AS (to_tsvector('simple', tokens)) STORED);\
    CREATE INDEX IF NOT EXISTS idx_ticket_search_document ON ticket_search USING gin (document)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = match manager.get_database_backend() {
            DatabaseBackend::Postgres => POSTGRES,
            _ => SQLITE,
        };
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "migrations go forward only; restore the backup instead".into(),
        ))
    }
}
