//! Pages of contacts, and what a merge moves.

use crate::queries::contacts as rows;
use crate::queries::row::belongs;
use crate::queries::search::{self, Match};
use crate::queries::{conversations, tickets};
use crate::run::Fetch as _;
use crate::tables::{contacts, conversations as conversation_rows, tickets as ticket_rows};
use crate::{Db, StoreError};
use domain::contact::Contact;
use domain::conversation::Conversation;
use domain::ticket::Ticket;
use domain::{ContactId, TenantId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Matches a search lists, newest first.
const MATCHES_MAX: u64 = 1_000;

/// Contacts that were not merged away, newest first, `before` exclusive.
pub async fn page(
    db: &impl Db,
    tenant: TenantId,
    words: Option<&Match>,
    before: Option<ContactId>,
    limit: u64,
) -> Result<Vec<Contact>, StoreError> {
    let mut query = contacts::Entity::find()
        .filter(contacts::Column::TenantId.eq(tenant.uuid()))
        .filter(contacts::Column::MergedInto.is_null());
    if let Some(words) = words {
        let backend = db.conn().backend();
        let found = search::contacts_matching(backend, tenant, words)
            .limit(MATCHES_MAX)
            .to_owned();
        query = query.filter(contacts::Column::Id.in_subquery(found));
    }
    if let Some(before) = before {
        query = query.filter(contacts::Column::Id.lt(before.uuid()));
    }
    let found = query
        .order_by_desc(contacts::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    found.into_iter().map(rows::read).collect()
}

/// Contacts that were merged into `contact`, oldest first.
pub async fn merged_into(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
    limit: u64,
) -> Result<Vec<Contact>, StoreError> {
    let found = contacts::Entity::find()
        .filter(contacts::Column::TenantId.eq(tenant.uuid()))
        .filter(contacts::Column::MergedInto.eq(contact.uuid()))
        .order_by_asc(contacts::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    found.into_iter().map(rows::read).collect()
}

/// Up to `limit` tickets of a contact, in no order: those a merge has yet to move.
pub async fn tickets_of(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
    limit: u64,
) -> Result<Vec<Ticket>, StoreError> {
    let found = ticket_rows::Entity::find()
        .filter(ticket_rows::Column::TenantId.eq(tenant.uuid()))
        .filter(ticket_rows::Column::ContactId.eq(contact.uuid()))
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    found.into_iter().map(tickets::read).collect()
}

pub async fn conversations_of(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
    limit: u64,
) -> Result<Vec<Conversation>, StoreError> {
    let found = conversation_rows::Entity::find()
        .filter(conversation_rows::Column::TenantId.eq(tenant.uuid()))
        .filter(conversation_rows::Column::ContactId.eq(contact.uuid()))
        .order_by_asc(conversation_rows::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    found.into_iter().map(conversations::read).collect()
}

/// Up to `limit` conversations of the contact's identities that name somebody else.
pub async fn strayed_conversations(
    db: &impl Db,
    tenant: TenantId,
    contact: ContactId,
    limit: u64,
) -> Result<Vec<Conversation>, StoreError> {
    use crate::tables::identities;
    let hers: Vec<uuid::Uuid> = identities::Entity::find()
        .select_only()
        .column(identities::Column::Id)
        .filter(belongs(identities::Column::TenantId, tenant))
        .filter(identities::Column::ContactId.eq(contact.uuid()))
        .fetch_values(db.conn())
        .await?;
    let found = conversation_rows::Entity::find()
        .filter(conversation_rows::Column::TenantId.eq(tenant.uuid()))
        .filter(conversation_rows::Column::IdentityId.is_in(hers))
        .filter(conversation_rows::Column::ContactId.ne(contact.uuid()))
        .order_by_asc(conversation_rows::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    found.into_iter().map(conversations::read).collect()
}
