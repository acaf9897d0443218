//! Tenants: the row also carries the sequence of the log and of ticket numbers.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub time_zone: String,
    pub locale: String,
    pub event_seq: i64,
    pub ticket_number: i64,
    pub log_epoch: i64,
    pub data_key: Vec<u8>,
    pub created_at: Time,
}

no_relations!();
