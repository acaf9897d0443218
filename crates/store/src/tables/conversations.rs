//! Threads of one identity on one inbox.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub inbox_id: Uuid,
    pub identity_id: Uuid,
    pub contact_id: Uuid,
    pub ticket_id: Uuid,
    pub thread: String,
    pub last_inbound_at: Option<Time>,
    pub reply_until: Option<Time>,
    pub created_at: Time,
    pub version: i64,
}

no_relations!();
