//! Files of messages and uploads that wait for one.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attachments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub message_id: Option<Uuid>,
    pub uploaded_by: Option<Uuid>,
    pub state: String,
    pub name: String,
    pub media_type: String,
    pub size_bytes: Option<i64>,
    pub blob: Option<String>,
    pub source: Option<String>,
    pub problem: Option<String>,
    pub ordinal: i64,
    pub created_at: Time,
}

no_relations!();
