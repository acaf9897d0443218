//! Tenants, users, memberships, sign-in sessions, invitations, teams and API tokens.

use crate::{
    ApiTokenId, AuditId, InvitationId, MembershipId, SessionId, TeamId, TenantId, Time, UserId,
    text_enum,
};
use serde::{Deserialize, Serialize};

text_enum! {
    /// What a member may do in one tenant. Order is power: a later role may do all of an earlier one.
    pub enum Role { Agent = "agent", Supervisor = "supervisor", Admin = "admin", Owner = "owner" }
}

text_enum! {
    /// What an API token may do; the member's role still limits it.
    pub enum TokenScope { Read = "read", Write = "write", Admin = "admin" }
}

/// One business using Meari.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    /// IANA zone, e.g. `Asia/Seoul`.
    pub time_zone: String,
    /// BCP 47 tag of the default language, `en` or `ko`.
    pub locale: String,
    pub created_at: Time,
}

/// A person; one e-mail address, any number of tenants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub locale: String,
    pub created_at: Time,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    pub id: MembershipId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub role: Role,
    pub created_at: Time,
    pub removed_at: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    pub id: InvitationId,
    pub tenant_id: TenantId,
    pub email: String,
    pub role: Role,
    pub invited_by: UserId,
    pub created_at: Time,
    pub expires_at: Time,
    pub accepted_at: Option<Time>,
    pub revoked_at: Option<Time>,
}

/// A signed-in browser or device. Refresh tokens rotate inside it; revoking it closes its sockets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub user_agent: String,
    pub ip: String,
    pub created_at: Time,
    pub last_seen_at: Time,
    pub expires_at: Time,
    pub revoked_at: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub name: String,
    pub scopes: Vec<TokenScope>,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
    pub expires_at: Option<Time>,
    pub revoked_at: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Team {
    pub id: TeamId,
    pub tenant_id: TenantId,
    pub name: String,
    pub members: Vec<UserId>,
}

/// What somebody did. `detail` never holds secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: AuditId,
    pub tenant_id: TenantId,
    /// `None` when nobody was signed in, e.g. a refused sign-in.
    pub actor_user_id: Option<UserId>,
    /// Set when the user acted through an API token.
    pub actor_token_id: Option<ApiTokenId>,
    /// `noun.verb`, e.g. `member.role`.
    pub action: String,
    pub node_id: Option<String>,
    pub detail: serde_json::Value,
    pub ip: String,
    pub created_at: Time,
}
