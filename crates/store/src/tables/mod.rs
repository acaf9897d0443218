//! Entities, one file per noun. They never leave the crate: queries turn them into domain structs.

pub mod api_tokens;
pub mod audit;
pub mod invitations;
pub mod jwt_keys;
pub mod memberships;
pub mod meta;
pub mod password_resets;
pub mod secrets;
pub mod sessions;
pub mod sign_in_attempts;
pub mod teams;
pub mod tenants;
pub mod users;
