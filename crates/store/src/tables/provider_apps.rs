//! Developer apps at providers.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_apps")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Option<Uuid>,
    pub channel: String,
    pub name: String,
    pub webhook_key: String,
    pub base_url: Option<String>,
    pub settings: Json,
    pub created_at: Time,
}

no_relations!();
