//! The first schema: every noun of the house, the three kinds of rows (rows, jobs, events) and leases.

use crate::table::Kind::{Blob, Bool, Id, Int, Json, Text, Time};
use crate::table::{IndexOf, Kind, primary_key, table};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

type Columns = &'static [(&'static str, Kind)];

/// `(table, primary key, columns)`; a trailing `?` means nullable.
#[rustfmt::skip]
const TABLES: &[(&str, &[&str], Columns)] = &[
    // -- the installation ------------------------------------------------------------------
    ("meta", &["name"], &[("name", Text), ("value", Text)]),
    ("nodes", &["id"], &[("id", Id), ("roles", Text), ("epoch", Int), ("expires_at", Time)]),
    ("router_shards", &["shard"], &[("shard", Int), ("node_id?", Id), ("epoch", Int), ("vacant_since?", Time)]),
    ("inbox_leases", &["inbox_id"], &[("inbox_id", Id), ("node_id", Id), ("epoch", Int), ("expires_at", Time)]),
    // -- people ----------------------------------------------------------------------------
    ("tenants", &["id"], &[("id", Id), ("name", Text), ("time_zone", Text), ("locale", Text), ("event_seq", Int),
        ("log_epoch", Int), ("data_key", Blob), ("created_at", Time)]),
    ("users", &["id"], &[("id", Id), ("email", Text), ("name", Text), ("locale", Text), ("password_hash?", Text),
        ("created_at", Time)]),
    ("memberships", &["id"], &[("id", Id), ("tenant_id", Id), ("user_id", Id), ("role", Text), ("created_at", Time),
        ("removed_at?", Time)]),
    ("invitations", &["id"], &[("id", Id), ("tenant_id", Id), ("email", Text), ("role", Text), ("invited_by", Id),
        ("token_hash", Text), ("created_at", Time), ("expires_at", Time), ("accepted_at?", Time),
        ("revoked_at?", Time)]),
    ("password_resets", &["token_hash"], &[("token_hash", Text), ("user_id", Id), ("created_at", Time),
        ("expires_at", Time), ("used_at?", Time)]),
    ("sessions", &["id"], &[("id", Id), ("user_id", Id), ("tenant_id", Id), ("family_hash", Text),
        ("refresh_hash", Text), ("previous_hash?", Text), ("handover?", Text), ("rotated_at?", Time),
        ("user_agent", Text), ("ip", Text), ("created_at", Time), ("last_seen_at", Time), ("expires_at", Time),
        ("revoked_at?", Time)]),
    ("sign_in_attempts", &["key"], &[("key", Text), ("failures", Int), ("blocked_until?", Time), ("updated_at", Time)]),
    ("api_tokens", &["id"], &[("id", Id), ("tenant_id", Id), ("user_id", Id), ("name", Text), ("secret_hash", Text),
        ("scopes", Json), ("created_at", Time), ("last_used_at?", Time), ("expires_at?", Time), ("revoked_at?", Time)]),
    ("teams", &["id"], &[("id", Id), ("tenant_id", Id), ("name", Text), ("members", Json), ("created_at", Time)]),
    ("audit", &["id"], &[("id", Id), ("tenant_id", Id), ("actor_user_id?", Id), ("actor_token_id?", Id),
        ("action", Text), ("node_id?", Text), ("detail", Json), ("ip", Text), ("created_at", Time)]),
    ("secrets", &["id"], &[("id", Id), ("tenant_id?", Id), ("owner", Id), ("name", Text), ("sealed", Text),
        ("created_at", Time)]),
    ("jwt_keys", &["kid"], &[("kid", Text), ("sealed", Text), ("created_at", Time), ("retired_at?", Time)]),
    // -- configuration ---------------------------------------------------------------------
    ("provider_apps", &["id"], &[("id", Id), ("tenant_id?", Id), ("channel", Text), ("name", Text),
        ("webhook_key", Text), ("base_url?", Text), ("settings", Json), ("created_at", Time)]),
    ("inboxes", &["id"], &[("id", Id), ("tenant_id", Id), ("channel", Text), ("name", Text),
        ("provider_app_id?", Id), ("webhook_key", Text), ("account", Text), ("address", Text), ("queue_id", Id),
        ("settings", Json), ("state", Text), ("problem?", Text), ("session_problem?", Text), ("session_cursor?", Text),
        ("last_inbound_at?", Time), ("last_outbound_at?", Time), ("created_at", Time), ("version", Int)]),
    ("queues", &["id"], &[("id", Id), ("tenant_id", Id), ("name", Text), ("color", Int), ("offer_ttl_s", Int),
        ("target_s", Int), ("required_skills", Json), ("members", Json), ("routing", Json), ("archived_at?", Time), ("version", Int)]),
    ("skills", &["id"], &[("id", Id), ("tenant_id", Id), ("name", Text), ("archived_at?", Time)]),
    ("agent_states", &["tenant_id", "user_id"], &[("tenant_id", Id), ("user_id", Id), ("status", Text),
        ("reason?", Text), ("capacity", Json), ("proficiencies", Json), ("channels_off", Json), ("next_status?", Text),
        ("next_reason?", Text), ("load", Int), ("released_at", Time), ("status_since", Time), ("version", Int)]),
    ("connections", &["id"], &[("id", Id), ("tenant_id", Id), ("user_id", Id), ("session_id?", Id), ("node_id", Id),
        ("since", Time), ("gone_at?", Time)]),
    // -- customers and their cases ---------------------------------------------------------
    ("contacts", &["id"], &[("id", Id), ("tenant_id", Id), ("name", Text), ("locale?", Text), ("note", Text),
        ("avatar_url?", Text), ("merged_into?", Id), ("created_at", Time), ("version", Int)]),
    ("identities", &["id"], &[("id", Id), ("tenant_id", Id), ("contact_id", Id), ("merged_from?", Id),
        ("channel", Text), ("scope", Text), ("handle", Text), ("display", Text), ("avatar_url?", Text),
        ("created_at", Time)]),
    // What a merge took from a contact, so that unmerge can give it back; nested merges stack up.
    ("contact_moves", &["node_id", "contact_id"], &[("tenant_id", Id), ("node_id", Id), ("contact_id", Id),
        ("ordinal", Int)]),
    ("tickets", &["id"], &[("id", Id), ("tenant_id", Id), ("number", Int), ("subject", Text), ("status", Text),
        ("priority", Int), ("tags", Json), ("contact_id", Id), ("queue_id", Id), ("assignee_id?", Id),
        ("snoozed_until?", Time), ("channel", Text), ("message_head", Int), ("last_message_at", Time),
        ("last_message_preview", Text), ("last_message_inbound", Bool), ("waiting_since?", Time),
        ("created_at", Time), ("updated_at", Time), ("closed_at?", Time), ("version", Int)]),
    // Apart from the tenant's row, which every transaction locks when it flushes.
    ("ticket_numbers", &["tenant_id"], &[("tenant_id", Id), ("last", Int)]),
    ("ticket_mentions", &["ticket_id", "user_id"], &[("tenant_id", Id), ("ticket_id", Id), ("user_id", Id)]),
    ("ticket_counts", &["tenant_id", "queue_id", "assignee_id", "status"], &[("tenant_id", Id), ("queue_id", Id),
        ("assignee_id", Id), ("status", Text), ("n", Int)]),
    ("read_cursors", &["ticket_id", "user_id"], &[("tenant_id", Id), ("ticket_id", Id), ("user_id", Id),
        ("position", Int)]),
    ("conversations", &["id"], &[("id", Id), ("tenant_id", Id), ("inbox_id", Id), ("identity_id", Id),
        ("contact_id", Id), ("ticket_id", Id), ("thread", Text), ("last_inbound_at?", Time), ("reply_until?", Time),
        ("created_at", Time), ("version", Int)]),
    ("messages", &["id"], &[("id", Id), ("tenant_id", Id), ("ticket_id", Id), ("conversation_id?", Id),
        ("inbox_id?", Id), ("direction", Text), ("kind", Text), ("state", Text), ("author", Text),
        ("author_user_id?", Id), ("author_name", Text), ("text", Text), ("html?", Text), ("external_id?", Text),
        ("client_id?", Text), ("quoted_id?", Id), ("reactions", Json), ("extra", Json), ("problem?", Text),
        ("position", Int), ("sent_at", Time), ("created_at", Time), ("edited_at?", Time), ("deleted_at?", Time),
        ("version", Int)]),
    ("attachments", &["id"], &[("id", Id), ("tenant_id", Id), ("message_id?", Id), ("uploaded_by?", Id),
        ("state", Text), ("name", Text), ("media_type", Text), ("size_bytes?", Int), ("blob?", Text),
        ("source?", Text), ("problem?", Text), ("ordinal", Int), ("created_at", Time)]),
    ("calls", &["id"], &[("id", Id), ("tenant_id", Id), ("ticket_id", Id), ("conversation_id", Id),
        ("contact_id", Id), ("direction", Text), ("state", Text), ("agent_id?", Id), ("node?", Id),
        ("started_at", Time), ("answered_at?", Time), ("ended_at?", Time), ("version", Int)]),
    // -- routing ---------------------------------------------------------------------------
    ("work_items", &["id"], &[("id", Id), ("tenant_id", Id), ("ticket_id", Id), ("queue_id", Id), ("channel", Text),
        ("weight", Int), ("priority", Int), ("state", Text), ("agent_id?", Id), ("offer_id?", Id),
        ("completed_reason?", Text), ("eligible_since", Time), ("queue_since", Time), ("exclusions", Json),
        ("preferred_id?", Id), ("preferred_until?", Time), ("offer_count", Int), ("created_at", Time),
        ("version", Int)]),
    ("routing_policies", &["tenant_id"], &[("tenant_id", Id), ("policy", Json), ("version", Int)]),
    ("routing_turns", &["queue_id"], &[("queue_id", Id), ("tenant_id", Id), ("user_id", Id), ("version", Int)]),
    ("offers", &["id"], &[("id", Id), ("tenant_id", Id), ("work_item_id", Id), ("ticket_id", Id), ("queue_id", Id),
        ("user_id", Id), ("state", Text), ("end_reason?", Text), ("reason", Json), ("created_at", Time),
        ("expires_at", Time), ("ended_at?", Time), ("version", Int)]),
    // -- the log, the jobs, the doors --------------------------------------------------------
    ("events", &["tenant_id", "seq"], &[("tenant_id", Id), ("seq", Int), ("kind", Text), ("scope", Text),
        ("image", Text), ("at", Time)]),
    ("jobs", &["id"], &[("id", Id), ("tenant_id", Id), ("kind", Text), ("lane", Text), ("node_id?", Id),
        ("payload", Json), ("state", Text), ("run_at", Time), ("attempts", Int), ("locked_by?", Id),
        ("locked_until?", Time), ("last_error?", Text), ("vanished", Bool), ("created_at", Time)]),
    ("job_steps", &["job_id", "step"], &[("job_id", Id), ("step", Int), ("response", Json), ("at", Time)]),
    ("webhook_deliveries", &["id"], &[("id", Id), ("tenant_id?", Id), ("inbox_id?", Id), ("channel", Text),
        ("account", Text), ("dedupe", Text), ("body", Blob), ("state", Text), ("problem?", Text),
        ("received_at", Time)]),
    // Receipts, edits and deletes that came before their message wait here.
    ("early_facts", &["id"], &[("id", Id), ("tenant_id", Id), ("inbox_id", Id), ("external_id", Text),
        ("fact", Json), ("received_at", Time)]),
];

const fn index(table: &'static str, columns: &'static [&'static str]) -> IndexOf {
    IndexOf {
        table,
        columns,
        unique: false,
        filter: None,
    }
}

const fn unique(table: &'static str, columns: &'static [&'static str]) -> IndexOf {
    IndexOf {
        table,
        columns,
        unique: true,
        filter: None,
    }
}

const fn when(of: IndexOf, filter: &'static str) -> IndexOf {
    IndexOf {
        filter: Some(filter),
        ..of
    }
}

const INDEXES: &[IndexOf] = &[
    unique("users", &["email"]),
    when(
        unique("memberships", &["tenant_id", "user_id"]),
        "removed_at IS NULL",
    ),
    index("memberships", &["user_id"]),
    unique("invitations", &["token_hash"]),
    index("invitations", &["tenant_id"]),
    index("sessions", &["user_id"]),
    unique("api_tokens", &["secret_hash"]),
    index("api_tokens", &["tenant_id", "user_id"]),
    index("password_resets", &["user_id"]),
    index("sign_in_attempts", &["updated_at"]),
    index("audit", &["tenant_id", "id"]),
    unique("secrets", &["owner", "name"]),
    unique("provider_apps", &["webhook_key"]),
    unique("inboxes", &["webhook_key"]),
    unique("inboxes", &["tenant_id", "channel", "account"]),
    index("inboxes", &["channel", "account"]),
    index("connections", &["tenant_id", "user_id"]),
    index("connections", &["node_id"]),
    unique("identities", &["tenant_id", "channel", "scope", "handle"]),
    index("identities", &["contact_id"]),
    unique("tickets", &["tenant_id", "number"]),
    // One per list order and per column agents filter by; each ends in (last_message_at, id).
    index("tickets", &["tenant_id", "last_message_at", "id"]),
    index("tickets", &["tenant_id", "status", "last_message_at", "id"]),
    index(
        "tickets",
        &["tenant_id", "queue_id", "status", "last_message_at", "id"],
    ),
    index(
        "tickets",
        &[
            "tenant_id",
            "assignee_id",
            "status",
            "last_message_at",
            "id",
        ],
    ),
    index(
        "tickets",
        &["tenant_id", "contact_id", "last_message_at", "id"],
    ),
    // Nobody's tickets: the other indexes cannot find them without passing everybody's.
    when(
        index("tickets", &["queue_id", "status", "last_message_at", "id"]),
        "assignee_id IS NULL",
    ),
    when(
        index("tickets", &["tenant_id", "waiting_since", "id"]),
        "waiting_since IS NOT NULL",
    ),
    index(
        "tickets",
        &["tenant_id", "status", "priority", "last_message_at", "id"],
    ),
    index("ticket_mentions", &["user_id", "ticket_id"]),
    index("contacts", &["tenant_id", "id"]),
    index("contacts", &["merged_into"]),
    index("contact_moves", &["contact_id", "node_id"]),
    when(
        index("tickets", &["snoozed_until"]),
        "snoozed_until IS NOT NULL",
    ),
    unique("conversations", &["inbox_id", "identity_id", "thread"]),
    index("conversations", &["ticket_id"]),
    index("conversations", &["contact_id"]),
    index("conversations", &["identity_id"]),
    unique("messages", &["ticket_id", "position"]),
    when(
        unique("messages", &["inbox_id", "external_id"]),
        "external_id IS NOT NULL",
    ),
    when(
        unique("messages", &["tenant_id", "client_id"]),
        "client_id IS NOT NULL",
    ),
    index("messages", &["conversation_id", "sent_at"]),
    index("attachments", &["message_id"]),
    index("calls", &["ticket_id"]),
    // An item is live once per ticket: the last guard against two agents on one case.
    when(
        unique("work_items", &["ticket_id"]),
        "state NOT IN ('completed', 'abandoned')",
    ),
    when(
        index("work_items", &["tenant_id", "state"]),
        "state NOT IN ('completed', 'abandoned')",
    ),
    when(unique("offers", &["work_item_id"]), "state = 'offered'"),
    when(
        index("offers", &["tenant_id", "state"]),
        "state = 'offered'",
    ),
    index("offers", &["user_id", "id"]),
    index("events", &["at"]),
    // At most one running job per lane; the next one is the lowest id that waits.
    when(unique("jobs", &["lane"]), "state = 'running'"),
    when(
        index("jobs", &["state", "run_at", "id"]),
        "state = 'waiting'",
    ),
    // A flood of customers' messages must not hide the rest of the work.
    when(
        index("jobs", &["run_at", "id"]),
        "state = 'waiting' AND kind NOT IN ('process_inbound', 'index_ticket', 'index_contact')",
    ),
    when(
        index("jobs", &["lane", "id"]),
        "state IN ('waiting', 'running')",
    ),
    when(index("jobs", &["tenant_id", "id"]), "state = 'dead'"),
    unique("webhook_deliveries", &["channel", "account", "dedupe"]),
    when(
        index("webhook_deliveries", &["received_at"]),
        "state = 'unrouted'",
    ),
    index("early_facts", &["inbox_id", "external_id"]),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, key, columns) in TABLES {
            let mut statement = table(name, columns);
            primary_key(&mut statement, key);
            manager.create_table(statement).await?;
        }
        for index in INDEXES {
            manager
                .get_connection()
                .execute_unprepared(&index.sql())
                .await?;
        }
        Ok(())
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration(
            "migrations go forward only; restore the backup instead".into(),
        ))
    }
}
