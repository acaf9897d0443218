//! Calls, as tickets show them.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "calls")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub ticket_id: Uuid,
    pub conversation_id: Uuid,
    pub contact_id: Uuid,
    pub direction: String,
    pub state: String,
    pub agent_id: Option<Uuid>,
    pub node: Option<Uuid>,
    pub started_at: Time,
    pub answered_at: Option<Time>,
    pub ended_at: Option<Time>,
    pub version: i64,
}

no_relations!();
