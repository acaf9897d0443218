//! How a provider's echo or receipt finds the outbound message it speaks of.

use crate::queries::messages::all;
use crate::run::Fetch as _;
use crate::tables::{conversations, identities, messages};
use crate::{Db, StoreError};
use domain::message::{Direction, Message, MessageState};
use domain::{ConversationId, InboxId, MessageId, TenantId, Time};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};

/// A receipt "read up to here" changes at most this many messages.
const UP_TO_MAX: u64 = 200;
/// An echo belongs to one of the newest messages to its person.
const ON_ITS_WAY_MAX: u64 = 50;

fn of_inbox(inbox: InboxId) -> Select<messages::Entity> {
    messages::Entity::find()
        .filter(messages::Column::InboxId.eq(inbox.uuid()))
        .filter(messages::Column::Direction.eq(Direction::Outbound.as_str()))
}

/// Conversations of one person on one inbox: all her threads, or the one named.
fn threads_of(
    tenant: TenantId,
    inbox: InboxId,
    handle: &str,
    thread: Option<&str>,
) -> sea_orm::sea_query::SelectStatement {
    let people = identities::Entity::find()
        .select_only()
        .column(identities::Column::Id)
        .filter(identities::Column::TenantId.eq(tenant.uuid()))
        .filter(identities::Column::Handle.eq(handle))
        .into_query();
    let mut threads = conversations::Entity::find()
        .select_only()
        .column(conversations::Column::Id)
        .filter(conversations::Column::InboxId.eq(inbox.uuid()))
        .filter(conversations::Column::IdentityId.in_subquery(people));
    if let Some(thread) = thread {
        threads = threads.filter(conversations::Column::Thread.eq(thread));
    }
    threads.into_query()
}

/// By the idempotency key that went out with it.
pub async fn by_client_id(
    db: &impl Db,
    tenant: TenantId,
    inbox: InboxId,
    client_id: &str,
) -> Result<Option<Message>, StoreError> {
    let query = of_inbox(inbox).filter(messages::Column::ClientId.eq(client_id));
    Ok(all(db, tenant, query).await?.pop())
}

/// Messages to this person that wait or are being sent, oldest first: their provider ids are not
/// known yet.
pub async fn on_its_way(
    db: &impl Db,
    tenant: TenantId,
    inbox: InboxId,
    handle: &str,
) -> Result<Vec<Message>, StoreError> {
    let states = [
        MessageState::Queued,
        MessageState::Sending,
        MessageState::Unknown,
    ];
    let query = of_inbox(inbox)
        .filter(messages::Column::ExternalId.is_null())
        .filter(messages::Column::State.is_in(states.map(MessageState::as_str)))
        .filter(
            messages::Column::ConversationId.in_subquery(threads_of(tenant, inbox, handle, None)),
        )
        .order_by_asc(messages::Column::Id)
        .limit(ON_ITS_WAY_MAX);
    all(db, tenant, query).await
}

/// Whether this id is one of the `ids` that the channel kept with a message to this person: a long
/// text leaves as several.
pub async fn is_piece(
    db: &impl Db,
    tenant: TenantId,
    inbox: InboxId,
    handle: &str,
    external_id: &str,
) -> Result<bool, StoreError> {
    let rows = of_inbox(inbox)
        .filter(messages::Column::TenantId.eq(tenant.uuid()))
        .filter(messages::Column::ExternalId.is_not_null())
        .filter(
            messages::Column::ConversationId.in_subquery(threads_of(tenant, inbox, handle, None)),
        )
        .order_by_desc(messages::Column::Id)
        .limit(ON_ITS_WAY_MAX)
        .fetch_all(db.conn())
        .await?;
    let names = |extra: &serde_json::Value| {
        let ids = extra.get("ids").and_then(serde_json::Value::as_array);
        ids.is_some_and(|ids| ids.iter().any(|id| id == external_id))
    };
    Ok(rows.iter().any(|row| names(&row.extra)))
}

/// The messages a "read up to here" covers, newest first, without those that are read already.
pub async fn up_to(
    db: &impl Db,
    tenant: TenantId,
    inbox: InboxId,
    handle: &str,
    thread: &str,
    time: Time,
) -> Result<Vec<Message>, StoreError> {
    let growing = [MessageState::Sent, MessageState::Delivered];
    let query = of_inbox(inbox)
        .filter(messages::Column::State.is_in(growing.map(MessageState::as_str)))
        .filter(messages::Column::SentAt.lte(time))
        .filter(messages::Column::ConversationId.in_subquery(threads_of(
            tenant,
            inbox,
            handle,
            Some(thread),
        )))
        .order_by_desc(messages::Column::SentAt)
        .limit(UP_TO_MAX);
    all(db, tenant, query).await
}

/// What waits in a conversation to be sent; it is shown when its inbox needs a new connection.
pub async fn waiting(
    db: &impl Db,
    tenant: TenantId,
    conversation: ConversationId,
) -> Result<Vec<Message>, StoreError> {
    let query = messages::Entity::find()
        .filter(messages::Column::ConversationId.eq(conversation.uuid()))
        .filter(messages::Column::State.eq(MessageState::Queued.as_str()))
        .order_by_asc(messages::Column::Position)
        .limit(UP_TO_MAX);
    all(db, tenant, query).await
}

/// Provider id of a message and what its channel kept, once the provider knows it.
pub async fn target(
    db: &impl Db,
    tenant: TenantId,
    id: MessageId,
) -> Result<Option<(String, serde_json::Value)>, StoreError> {
    let query = messages::Entity::find_by_id(id.uuid());
    target_of(db, tenant, query).await
}

/// The newest customer message of a conversation: what a reply answers.
pub async fn last_inbound_target(
    db: &impl Db,
    tenant: TenantId,
    conversation: ConversationId,
) -> Result<Option<(String, serde_json::Value)>, StoreError> {
    let query = messages::Entity::find()
        .filter(messages::Column::ConversationId.eq(conversation.uuid()))
        .filter(messages::Column::Direction.eq(Direction::Inbound.as_str()))
        .filter(messages::Column::DeletedAt.is_null())
        .order_by_desc(messages::Column::Position);
    target_of(db, tenant, query).await
}

async fn target_of(
    db: &impl Db,
    tenant: TenantId,
    query: sea_orm::Select<messages::Entity>,
) -> Result<Option<(String, serde_json::Value)>, StoreError> {
    let row = query
        .filter(messages::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    Ok(row.and_then(|row| Some((row.external_id?, row.extra))))
}
