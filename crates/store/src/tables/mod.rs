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

pub mod agent_states;
pub mod api_tokens;
pub mod attachments;
pub mod audit;
pub mod calls;
pub mod connections;
pub mod contact_moves;
pub mod contacts;
pub mod conversations;
pub mod deliveries;
pub mod early_facts;
pub mod events;
pub mod identities;
pub mod inbox_leases;
pub mod inboxes;
pub mod invitations;
pub mod job_steps;
pub mod jobs;
pub mod jwt_keys;
pub mod memberships;
pub mod messages;
pub mod meta;
pub mod nodes;
pub mod offers;
pub mod password_resets;
pub mod provider_apps;
pub mod queues;
pub mod read_cursors;
pub mod router_shards;
pub mod routing_policies;
pub mod routing_turns;
pub mod secrets;
pub mod sessions;
pub mod sign_in_attempts;
pub mod skills;
pub mod teams;
pub mod tenants;
pub mod ticket_counts;
pub mod ticket_mentions;
pub mod ticket_numbers;
pub mod tickets;
pub mod users;
pub mod work_items;

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
