//! Webhook parts as they came in.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Option<Uuid>,
    pub inbox_id: Option<Uuid>,
    pub channel: String,
    pub account: String,
    pub dedupe: String,
    pub body: Vec<u8>,
    pub state: String,
    pub problem: Option<String>,
    pub received_at: Time,
}

no_relations!();
