//! The routing row of each agent.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_states")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub status: String,
    pub reason: Option<String>,
    pub capacity: Json,
    pub proficiencies: Json,
    pub channels_off: Json,
    pub next_status: Option<String>,
    pub next_reason: Option<String>,
    pub load: i64,
    pub released_at: Time,
    pub status_since: Time,
    pub version: i64,
}

no_relations!();
