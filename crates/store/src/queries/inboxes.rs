//! Inboxes: connected accounts, and how a webhook finds its own.

use crate::db::Sealed as _;
use crate::queries::row;
use crate::run::{Fetch as _, Run as _};
use crate::tables::{inboxes, word};
use crate::{Db, StoreError, Tx};
use domain::inbox::{Inbox, InboxState};
use domain::{InboxId, ProviderAppId, TenantId, Time};
use sea_orm::sea_query::{Expr, ExprTrait, LockBehavior, LockType, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, Condition, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder, QuerySelect,
};

fn read(row: inboxes::Model) -> Result<Inbox, StoreError> {
    Ok(Inbox {
        id: row.id.into(),
        tenant_id: row.tenant_id.into(),
        channel: row.channel,
        name: row.name,
        provider_app_id: row.provider_app_id.map(Into::into),
        account: row.account,
        address: row.address,
        queue_id: row.queue_id.into(),
        settings: row.settings,
        state: word(&row.state)?,
        problem: row.problem,
        session_problem: row.session_problem,
        last_inbound_at: row.last_inbound_at,
        last_outbound_at: row.last_outbound_at,
        created_at: row.created_at,
        version: row.version,
    })
}

fn row(inbox: &Inbox, webhook_key: &str) -> inboxes::Model {
    inboxes::Model {
        id: inbox.id.uuid(),
        tenant_id: inbox.tenant_id.uuid(),
        channel: inbox.channel.clone(),
        name: inbox.name.clone(),
        provider_app_id: inbox.provider_app_id.map(Into::into),
        webhook_key: webhook_key.to_owned(),
        account: inbox.account.clone(),
        address: inbox.address.clone(),
        queue_id: inbox.queue_id.uuid(),
        settings: inbox.settings.clone(),
        state: inbox.state.as_str().to_owned(),
        problem: inbox.problem.clone(),
        session_problem: inbox.session_problem.clone(),
        session_cursor: None,
        last_inbound_at: inbox.last_inbound_at,
        last_outbound_at: inbox.last_outbound_at,
        created_at: inbox.created_at,
        version: inbox.version,
    }
}

pub async fn find(
    db: &impl Db,
    tenant: TenantId,
    id: InboxId,
) -> Result<Option<Inbox>, StoreError> {
    let row = inboxes::Entity::find_by_id(id.uuid())
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

pub async fn get(db: &impl Db, tenant: TenantId, id: InboxId) -> Result<Inbox, StoreError> {
    find(db, tenant, id)
        .await?
        .ok_or(StoreError::not_found("inbox"))
}

/// Those of the given ids that exist, for batched edges.
pub async fn by_ids(
    db: &impl Db,
    tenant: TenantId,
    ids: &[InboxId],
) -> Result<Vec<Inbox>, StoreError> {
    let rows = inboxes::Entity::find()
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .filter(inboxes::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// All inboxes of the tenant, oldest first: there are tens, not thousands.
pub async fn all(db: &impl Db, tenant: TenantId) -> Result<Vec<Inbox>, StoreError> {
    let rows = inboxes::Entity::find()
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .order_by_asc(inboxes::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// The inbox a webhook URL names. Without a tenant: the key is what tells it.
pub async fn by_webhook_key(
    db: &impl Db,
    channel: &str,
    key: &str,
) -> Result<Option<Inbox>, StoreError> {
    let row = inboxes::Entity::find()
        .filter(inboxes::Column::WebhookKey.eq(key))
        .filter(inboxes::Column::Channel.eq(channel))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// The inboxes that get what a provider app receives for one of its accounts. Without a tenant:
/// an app of the installation serves many of them.
pub async fn by_account(
    db: &impl Db,
    app: ProviderAppId,
    channel: &str,
    account: &str,
) -> Result<Vec<Inbox>, StoreError> {
    let rows = inboxes::Entity::find()
        .filter(inboxes::Column::Channel.eq(channel))
        .filter(inboxes::Column::Account.eq(account))
        .filter(inboxes::Column::ProviderAppId.eq(app.uuid()))
        .order_by_asc(inboxes::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// All inboxes of a channel in a state, of all tenants: what session tasks start from.
pub async fn of_channel(db: &impl Db, channel: &str) -> Result<Vec<Inbox>, StoreError> {
    let rows = inboxes::Entity::find()
        .filter(inboxes::Column::Channel.eq(channel))
        .order_by_asc(inboxes::Column::Id)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

/// The tenant's own inbox of this account, connected or not.
pub async fn of_account(
    db: &impl Db,
    tenant: TenantId,
    channel: &str,
    account: &str,
) -> Result<Option<Inbox>, StoreError> {
    let row = inboxes::Entity::find()
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .filter(inboxes::Column::Channel.eq(channel))
        .filter(inboxes::Column::Account.eq(account))
        .fetch_one(db.conn())
        .await?;
    row.map(read).transpose()
}

/// Inboxes of all tenants that should work, after the given one: what the hourly check walks.
pub async fn in_use(
    db: &impl Db,
    after: Option<InboxId>,
    limit: u64,
) -> Result<Vec<Inbox>, StoreError> {
    let mut query = inboxes::Entity::find()
        .filter(inboxes::Column::State.ne(InboxState::Disconnected.as_str()));
    if let Some(after) = after {
        query = query.filter(inboxes::Column::Id.gt(after.uuid()));
    }
    let rows = query
        .order_by_asc(inboxes::Column::Id)
        .limit(limit)
        .fetch_all(db.conn())
        .await?;
    rows.into_iter().map(read).collect()
}

pub async fn webhook_key(
    db: &impl Db,
    tenant: TenantId,
    id: InboxId,
) -> Result<String, StoreError> {
    let row = inboxes::Entity::find_by_id(id.uuid())
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    Ok(row.ok_or(StoreError::not_found("inbox"))?.webhook_key)
}

/// Where the session of the inbox goes on reading.
pub async fn session_cursor(
    db: &impl Db,
    tenant: TenantId,
    id: InboxId,
) -> Result<Option<String>, StoreError> {
    let row = inboxes::Entity::find_by_id(id.uuid())
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .fetch_one(db.conn())
        .await?;
    Ok(row.ok_or(StoreError::not_found("inbox"))?.session_cursor)
}

/// In the transaction that stores what was read up to there. Not a change screens see.
pub async fn set_session_cursor(
    tx: &Tx,
    tenant: TenantId,
    id: InboxId,
    cursor: &str,
) -> Result<(), StoreError> {
    let result = inboxes::Entity::update_many()
        .filter(inboxes::Column::Id.eq(id.uuid()))
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .col_expr(inboxes::Column::SessionCursor, Expr::val(cursor))
        .run(tx.conn())
        .await?;
    crate::db::one_row(result, "inbox")
}

/// Traffic marks, without a new version: they change with every message. Whoever finds the row
/// locked leaves it alone: somebody marks it at this moment, and waiting for him while holding the
/// lock of the tenant (a new ticket's number) would be a deadlock.
pub async fn touch(
    tx: &Tx,
    tenant: TenantId,
    id: InboxId,
    inbound_at: Option<Time>,
    outbound_at: Option<Time>,
) -> Result<(), StoreError> {
    let mut free = Query::select();
    free.column(inboxes::Column::Id)
        .from(inboxes::Entity)
        .and_where(Expr::col(inboxes::Column::Id).eq(id.uuid()))
        .and_where(Expr::col(inboxes::Column::TenantId).eq(tenant.uuid()))
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    let mut update = inboxes::Entity::update_many().filter(inboxes::Column::Id.in_subquery(free));
    if let Some(at) = inbound_at {
        update = update.col_expr(inboxes::Column::LastInboundAt, Expr::val(at));
    }
    if let Some(at) = outbound_at {
        update = update.col_expr(inboxes::Column::LastOutboundAt, Expr::val(at));
    }
    if inbound_at.is_some() || outbound_at.is_some() {
        update.run(tx.conn()).await?;
    }
    Ok(())
}

pub async fn insert(tx: &Tx, inbox: &Inbox, webhook_key: &str) -> Result<(), StoreError> {
    row::insert(tx, row(inbox, webhook_key)).await
}

/// Writes the inbox if its version is still the one that was read. Webhook key, session cursor
/// and traffic marks have their own ways.
pub async fn update(tx: &Tx, mut inbox: Inbox) -> Result<Inbox, StoreError> {
    let version = inbox.version;
    inbox.version += 1;
    let seen = Condition::all()
        .add(inboxes::Column::Id.eq(inbox.id.uuid()))
        .add(inboxes::Column::TenantId.eq(inbox.tenant_id.uuid()))
        .add(inboxes::Column::Version.eq(version));
    let mut changed = row(&inbox, "").into_active_model().reset_all();
    changed.webhook_key = NotSet;
    changed.session_cursor = NotSet;
    changed.last_inbound_at = NotSet;
    changed.last_outbound_at = NotSet;
    row::replace_columns(tx, changed, seen, "inbox").await?;
    Ok(inbox)
}

/// For good, with its webhook key. Conversations keep its id.
pub async fn delete(tx: &Tx, tenant: TenantId, id: InboxId) -> Result<(), StoreError> {
    let result = inboxes::Entity::delete_many()
        .filter(inboxes::Column::Id.eq(id.uuid()))
        .filter(inboxes::Column::TenantId.eq(tenant.uuid()))
        .run(tx.conn())
        .await?;
    crate::db::one_row(result, "inbox")
}
