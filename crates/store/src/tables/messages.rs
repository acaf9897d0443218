//! Messages; attachments are rows of their own.

use domain::Time;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub ticket_id: Uuid,
    pub conversation_id: Option<Uuid>,
    pub inbox_id: Option<Uuid>,
    pub direction: String,
    pub kind: String,
    pub state: String,
    pub author: String,
    pub author_user_id: Option<Uuid>,
    pub author_name: String,
    pub text: String,
    pub html: Option<String>,
    pub external_id: Option<String>,
    pub client_id: Option<String>,
    pub quoted_id: Option<Uuid>,
    pub reactions: Json,
    pub extra: Json,
    pub problem: Option<String>,
    pub position: i64,
    pub sent_at: Time,
    pub created_at: Time,
    pub edited_at: Option<Time>,
    pub deleted_at: Option<Time>,
    pub version: i64,
}

no_relations!();
