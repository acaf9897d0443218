//! People outside.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contacts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub name: String,
    pub locale: Option<String>,
    pub note: String,
    pub avatar_url: Option<String>,
    pub merged_into: Option<Uuid>,
    pub created_at: Time,
    pub version: i64,
}

no_relations!();
