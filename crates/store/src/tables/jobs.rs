//! Work after commit.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub kind: String,
    pub lane: String,
    pub node_id: Option<Uuid>,
    pub payload: Json,
    pub state: String,
    pub run_at: Time,
    pub attempts: i64,
    pub locked_by: Option<Uuid>,
    pub locked_until: Option<Time>,
    pub last_error: Option<String>,
    pub vanished: bool,
    pub created_at: Time,
}

no_relations!();
