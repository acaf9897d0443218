//! Queues with members and required skills.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "queues")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub name: String,
    pub color: i64,
    pub offer_ttl_s: i64,
    pub target_s: i64,
    pub required_skills: Json,
    pub members: Json,
    pub routing: Json,
    pub archived_at: Option<Time>,
    pub version: i64,
}

no_relations!();
