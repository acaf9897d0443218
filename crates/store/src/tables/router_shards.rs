//! Which node routes which tenants.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "router_shards")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub shard: i64,
    pub node_id: Option<Uuid>,
    pub epoch: i64,
    pub vacant_since: Option<Time>,
}

no_relations!();
