//! A tagged ticket once per tag: `id` and every column after the tag are the ticket's own, so that a
//! list by tag is a list of tickets read from another table.
//!
//! The rows follow `tickets` by triggers: on both databases, whoever writes, in the same
//! transaction. A ticket without tags, as most are, costs one comparison. The rows of one ticket
//! are written under the lock of its own row, so that two writers cannot mix theirs.

use crate::table::Kind::{self, Id, Int, Text, Time};
use crate::table::{IndexOf, primary_key, table};
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "ticket_tags";

#[rustfmt::skip]
const COLUMNS: &[(&str, Kind)] = &[
    ("id", Id), ("tag", Text), ("tenant_id", Id), ("status", Text), ("priority", Int), ("contact_id", Id),
    ("queue_id", Id), ("assignee_id?", Id), ("channel", Text), ("last_message_at", Time), ("waiting_since?", Time),
];

/// The orders and columns of the indexes of `tickets`, within a tag.
#[rustfmt::skip]
const INDEXES: &[&[&str]] = &[
    &["tenant_id", "tag", "status", "last_message_at", "id"],
    &["tenant_id", "tag", "queue_id", "status", "last_message_at", "id"],
    &["tenant_id", "tag", "assignee_id", "status", "last_message_at", "id"],
    &["tenant_id", "tag", "status", "priority", "last_message_at", "id"],
];
const WAITING: IndexOf = IndexOf {
    table: TABLE,
    columns: &["tenant_id", "tag", "waiting_since", "id"],
    unique: false,
    filter: Some("waiting_since IS NOT NULL"),
};

const INSERT: &str = "INSERT INTO ticket_tags (id, tag, tenant_id, status, priority, contact_id, \
     queue_id, assignee_id, channel, last_message_at, waiting_since) \
     SELECT DISTINCT NEW.id, word.value, NEW.tenant_id, NEW.status, NEW.priority, NEW.contact_id, \
     NEW.queue_id, NEW.assignee_id, NEW.channel, NEW.last_message_at, NEW.waiting_since";

fn sqlite() -> Vec<String> {
    let insert = format!("{INSERT} FROM json_each(NEW.tags) AS word");
    vec![
        format!(
            "CREATE TRIGGER IF NOT EXISTS ticket_tags_insert AFTER INSERT ON tickets \
             WHEN NEW.tags <> '[]' BEGIN {insert}; END"
        ),
        format!(
            "CREATE TRIGGER IF NOT EXISTS ticket_tags_update AFTER UPDATE ON tickets \
             WHEN NEW.tags <> '[]' OR OLD.tags <> '[]' \
             BEGIN DELETE FROM ticket_tags WHERE id = OLD.id; {insert}; END"
        ),
        "CREATE TRIGGER IF NOT EXISTS ticket_tags_delete AFTER DELETE ON tickets \
         WHEN OLD.tags <> '[]' BEGIN DELETE FROM ticket_tags WHERE id = OLD.id; END"
            .to_owned(),
    ]
}

fn postgres() -> Vec<String> {
    let write = format!(
        "CREATE OR REPLACE FUNCTION ticket_tags_write() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN \
         IF TG_OP <> 'INSERT' THEN DELETE FROM ticket_tags WHERE id = OLD.id; END IF; \
         IF TG_OP <> 'DELETE' THEN {INSERT} FROM jsonb_array_elements_text(NEW.tags) AS word(value); END IF; \
         RETURN NULL; END $$"
    );
    let trigger = |name: &str, event: &str, when: &str| {
        format!(
            "CREATE OR REPLACE TRIGGER ticket_tags_{name} AFTER {event} ON tickets \
             FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION ticket_tags_write()"
        )
    };
    vec![
        write,
        trigger("insert", "INSERT", "NEW.tags <> '[]'"),
        trigger("update", "UPDATE", "NEW.tags <> '[]' OR OLD.tags <> '[]'"),
        trigger("delete", "DELETE", "OLD.tags <> '[]'"),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut statement = table(TABLE, COLUMNS);
        primary_key(&mut statement, &["id", "tag"]);
        manager.create_table(statement).await?;
        let plain = INDEXES.iter().map(|&columns| IndexOf {
            columns,
            filter: None,
            ..WAITING
        });
        let indexes = plain.chain([WAITING]).map(|index| index.sql());
        let triggers = match manager.get_database_backend() {
            DatabaseBackend::Postgres => postgres(),
            _ => sqlite(),
        };
        for sql in indexes.chain(triggers) {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "migrations go forward only; restore the backup instead".into(),
        ))
    }
}
