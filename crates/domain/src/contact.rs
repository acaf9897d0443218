//! Contacts (people outside) and their identities (handles on channels).

use crate::{ContactId, IdentityId, TenantId, Time};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub id: ContactId,
    pub tenant_id: TenantId,
    pub name: String,
    pub locale: Option<String>,
    pub note: String,
    pub avatar_url: Option<String>,
    /// Set when this contact was merged into another one; unmerge clears it.
    pub merged_into: Option<ContactId>,
    pub created_at: Time,
    pub version: i64,
}

/// A person's handle on a channel; the link to a contact is reversible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub id: IdentityId,
    pub tenant_id: TenantId,
    pub contact_id: ContactId,
    /// Where `contact_id` pointed before a merge, so that unmerge can put it back.
    pub merged_from: Option<ContactId>,
    pub channel: String,
    /// Provider scope of the handle (instance host, page id …): equal handles of two scopes differ.
    pub scope: String,
    /// The provider's stable id of the person.
    pub handle: String,
    /// What people read: `@alice@example.social`, `+82 10-…`.
    pub display: String,
    pub avatar_url: Option<String>,
    pub created_at: Time,
}
