//! Which node runs the session of an inbox.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox_leases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub inbox_id: Uuid,
    pub node_id: Uuid,
    pub epoch: i64,
    pub expires_at: Time,
}

no_relations!();
