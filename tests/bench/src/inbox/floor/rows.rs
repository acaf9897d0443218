//! Rows as they go out. Times stay the text that SQLite holds, ids stay as they are stored.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use uuid::Uuid;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub tickets: Tickets,
    pub ticket_counts: Counts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tickets {
    pub total: i64,
    pub total_is_capped: bool,
    pub edges: Vec<Edge>,
}

#[derive(Serialize)]
pub struct Edge {
    pub node: Node,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    id: Uuid,
    number: i64,
    subject: String,
    status: String,
    priority: i64,
    tags: Json<Vec<String>>,
    #[serde(skip)]
    pub contact_id: Uuid,
    #[serde(skip)]
    pub queue_id: Uuid,
    #[serde(skip)]
    pub assignee_id: Option<Uuid>,
    snoozed_until: Option<String>,
    channel: String,
    message_head: i64,
    pub read_position: i64,
    pub unread: i64,
    last_message_at: String,
    last_message_preview: String,
    last_message_inbound: bool,
    waiting_since: Option<String>,
    created_at: String,
    updated_at: String,
    closed_at: Option<String>,
    version: i64,
    pub contact: Option<Person>,
    pub queue: Option<Queue>,
    pub assignee: Option<Person>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    id: Uuid,
    name: String,
    avatar_url: Option<String>,
}

#[derive(Clone, Serialize)]
pub struct Queue {
    id: Uuid,
    name: String,
    color: i64,
}

#[derive(Default, Serialize)]
pub struct Counts {
    pub all: i64,
    pub mine: i64,
    pub unassigned: i64,
    pub open: i64,
    pub pending: i64,
    pub snoozed: i64,
    pub closed: i64,
    pub queues: Vec<QueueCount>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueCount {
    pub queue_id: Uuid,
    pub open: i64,
}

pub fn ticket(row: &SqliteRow) -> sqlx::Result<Node> {
    Ok(Node {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        subject: row.try_get("subject")?,
        status: row.try_get("status")?,
        priority: row.try_get("priority")?,
        tags: row.try_get("tags")?,
        contact_id: row.try_get("contact_id")?,
        queue_id: row.try_get("queue_id")?,
        assignee_id: row.try_get("assignee_id")?,
        snoozed_until: row.try_get("snoozed_until")?,
        channel: row.try_get("channel")?,
        message_head: row.try_get("message_head")?,
        read_position: 0,
        unread: 0,
        last_message_at: row.try_get("last_message_at")?,
        last_message_preview: row.try_get("last_message_preview")?,
        last_message_inbound: row.try_get("last_message_inbound")?,
        waiting_since: row.try_get("waiting_since")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        closed_at: row.try_get("closed_at")?,
        version: row.try_get("version")?,
        contact: None,
        queue: None,
        assignee: None,
    })
}

pub fn contact(row: &SqliteRow) -> sqlx::Result<Person> {
    Ok(Person {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        avatar_url: row.try_get("avatar_url")?,
    })
}

pub fn user(row: &SqliteRow) -> sqlx::Result<Person> {
    Ok(Person {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        avatar_url: None,
    })
}

pub fn queue(row: &SqliteRow) -> sqlx::Result<Queue> {
    Ok(Queue {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        color: row.try_get("color")?,
    })
}
