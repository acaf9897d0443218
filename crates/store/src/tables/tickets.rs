//! Cases.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub number: i64,
    pub subject: String,
    pub status: String,
    pub priority: i64,
    pub tags: Json,
    pub contact_id: Uuid,
    pub queue_id: Uuid,
    pub assignee_id: Option<Uuid>,
    pub snoozed_until: Option<Time>,
    pub channel: String,
    pub message_head: i64,
    pub last_message_at: Time,
    pub last_message_preview: String,
    pub last_message_inbound: bool,
    pub waiting_since: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    pub closed_at: Option<Time>,
    pub version: i64,
}

no_relations!();
