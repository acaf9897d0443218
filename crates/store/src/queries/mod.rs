//! Queries, one file per noun: reads take `&impl Db`, writes take the `Tx`.

pub(crate) mod row;

pub mod api_tokens;
pub mod attachments;
pub mod audit;
pub mod calls;
pub mod contact_lists;
pub mod contact_moves;
pub mod contacts;
pub mod conversations;
pub mod counts;
pub mod deliveries;
pub mod early_facts;
pub mod identities;
pub mod inboxes;
pub mod invitations;
pub mod jwt_keys;
pub mod memberships;
pub mod messages;
pub mod outbound;
pub mod password_resets;
pub mod provider_apps;
pub mod queues;
pub mod read_cursors;
pub mod scope;
pub mod search;
pub mod secrets;
pub mod sessions;
pub mod sign_in_attempts;
pub mod skills;
pub mod teams;
pub mod tenants;
pub mod ticket_lists;
pub mod tickets;
pub mod turns;
pub mod users;
