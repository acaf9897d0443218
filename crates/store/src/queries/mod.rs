//! Queries, one file per noun: reads take `&impl Db`, writes take the `Tx`.

pub mod api_tokens;
pub mod audit;
pub mod invitations;
pub mod jwt_keys;
pub mod memberships;
pub mod password_resets;
pub mod secrets;
pub mod sessions;
pub mod sign_in_attempts;
pub mod teams;
pub mod tenants;
pub mod users;
