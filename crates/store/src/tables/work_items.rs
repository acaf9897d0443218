//! What is routed.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "work_items")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub ticket_id: Uuid,
    pub queue_id: Uuid,
    pub channel: String,
    pub weight: i64,
    pub priority: i64,
    pub state: String,
    pub agent_id: Option<Uuid>,
    pub offer_id: Option<Uuid>,
    pub completed_reason: Option<String>,
    pub eligible_since: Time,
    pub queue_since: Time,
    pub exclusions: Json,
    pub preferred_id: Option<Uuid>,
    pub preferred_until: Option<Time>,
    pub offer_count: i64,
    pub created_at: Time,
    pub version: i64,
}

no_relations!();
