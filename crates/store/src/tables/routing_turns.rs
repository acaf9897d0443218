//! Whom each queue asked last, where that decides who is next.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "routing_turns")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub queue_id: Uuid,
    pub tenant_id: Uuid,
    pub user_id: Uuid,
    pub version: i64,
}

no_relations!();
