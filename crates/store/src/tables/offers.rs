//! Reservations of agents.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "offers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub work_item_id: Uuid,
    pub ticket_id: Uuid,
    pub queue_id: Uuid,
    pub user_id: Uuid,
    pub state: String,
    pub end_reason: Option<String>,
    pub reason: Json,
    pub created_at: Time,
    pub expires_at: Time,
    pub ended_at: Option<Time>,
    pub version: i64,
}

no_relations!();
