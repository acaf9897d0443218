//! Connected accounts.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inboxes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub channel: String,
    pub name: String,
    pub provider_app_id: Option<Uuid>,
    pub webhook_key: String,
    pub account: String,
    pub address: String,
    pub queue_id: Uuid,
    pub settings: Json,
    pub state: String,
    pub problem: Option<String>,
    pub session_problem: Option<String>,
    pub session_cursor: Option<String>,
    pub last_inbound_at: Option<Time>,
    pub last_outbound_at: Option<Time>,
    pub created_at: Time,
    pub version: i64,
}

no_relations!();
