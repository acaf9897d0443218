//! Entities, one file per noun. They never leave the crate: queries turn them into domain structs.

use crate::error::StoreError;
use domain::UnknownWord;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// Relations are queries with a tenant in them, never joins that sea-orm derives.
macro_rules! no_relations {
    () => {
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}
pub mod agent_state;
pub mod api_tokens;
pub mod attachment;
pub mod audit;
pub mod connection;
pub mod contact;
pub mod conversation;
pub mod delivery;
pub mod early_fact;
pub mod event;
pub mod identity;
pub mod inbox;
pub mod inbox_lease;
pub mod invitations;
pub mod job;
pub mod job_step;
pub mod jwt_keys;
pub mod memberships;
pub mod message;
pub mod meta;
pub mod node;
pub mod offer;
pub mod password_resets;
pub mod provider_app;
pub mod queue;
pub mod router_shard;
pub mod secrets;
pub mod sessions;
pub mod sign_in_attempts;
pub mod skill;
pub mod teams;
pub mod tenant;
pub mod tenants;
pub mod ticket;
pub mod users;
pub mod work_item;

/// A stored word of a `text_enum!`.
pub(crate) fn word<T: FromStr<Err = UnknownWord>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(StoreError::corrupt)
}

pub(crate) fn from_json<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(StoreError::corrupt)
}

pub(crate) fn to_json(value: &impl Serialize) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(StoreError::internal)
}
