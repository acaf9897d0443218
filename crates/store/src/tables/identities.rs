//! Handles of contacts on channels.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "identities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub contact_id: Uuid,
    pub merged_from: Option<Uuid>,
    pub channel: String,
    pub scope: String,
    pub handle: String,
    pub display: String,
    pub avatar_url: Option<String>,
    pub created_at: Time,
}

no_relations!();
