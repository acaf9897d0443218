//! Developer apps at providers, of the installation (no tenant) or of one tenant.

use crate::queries::row;
use crate::run::Fetch as _;
use crate::tables::provider_apps;
use crate::{Db, StoreError, Tx};
use domain::inbox::ProviderApp;
use domain::{ProviderAppId, TenantId};
use sea_orm::{
    ActiveModelTrait, ActiveValue::NotSet, ColumnTrait, Condition, EntityTrait, IntoActiveModel,
    QueryFilter, QueryOrder,
};

fn read(row: provider_apps::Model) -> ProviderApp {
    ProviderApp {
        id: row.id.into(),
        tenant_id: row.tenant_id.map(Into::into),
        channel: row.channel,
        name: row.name,
        base_url: row.base_url,
        settings: row.settings,
        created_at: row.created_at,
    }
}

fn row(app: &ProviderApp, webhook_key: &str) -> provider_apps::Model {
    provider_apps::Model {
        id: app.id.uuid(),
        tenant_id: app.tenant_id.map(Into::into),
        channel: app.channel.clone(),
        name: app.name.clone(),
        webhook_key: webhook_key.to_owned(),
        base_url: app.base_url.clone(),
        settings: app.settings.clone(),
        created_at: app.created_at,
    }
}

/// What a tenant may use: its own apps and those of the installation.
fn visible(tenant: TenantId) -> Condition {
    Condition::any()
        .add(provider_apps::Column::TenantId.eq(tenant.uuid()))
        .add(provider_apps::Column::TenantId.is_null())
}

pub async fn get(
    db: &impl Db,
    tenant: TenantId,
    id: ProviderAppId,
) -> Result<ProviderApp, StoreError> {
    let row = provider_apps::Entity::find_by_id(id.uuid())
        .filter(visible(tenant))
        .fetch_one(db.conn())
        .await?;
    row.map(read).ok_or(StoreError::not_found("provider app"))
}

pub async fn all(db: &impl Db, tenant: TenantId) -> Result<Vec<ProviderApp>, StoreError> {
    let rows = provider_apps::Entity::find()
        .filter(visible(tenant))
        .order_by_asc(provider_apps::Column::Id)
        .fetch_all(db.conn())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// The app a webhook URL names. Without a tenant: the key is what tells it.
pub async fn by_webhook_key(
    db: &impl Db,
    channel: &str,
    key: &str,
) -> Result<Option<ProviderApp>, StoreError> {
    let row = provider_apps::Entity::find()
        .filter(provider_apps::Column::WebhookKey.eq(key))
        .filter(provider_apps::Column::Channel.eq(channel))
        .fetch_one(db.conn())
        .await?;
    Ok(row.map(read))
}

pub async fn webhook_key(
    db: &impl Db,
    tenant: TenantId,
    id: ProviderAppId,
) -> Result<String, StoreError> {
    let row = provider_apps::Entity::find_by_id(id.uuid())
        .filter(visible(tenant))
        .fetch_one(db.conn())
        .await?;
    Ok(row
        .ok_or(StoreError::not_found("provider app"))?
        .webhook_key)
}

pub async fn insert(tx: &Tx, app: &ProviderApp, webhook_key: &str) -> Result<(), StoreError> {
    row::insert(tx, row(app, webhook_key)).await
}

/// The webhook key stays. An app changes hands never: its tenant is part of the condition.
pub async fn update(tx: &Tx, app: &ProviderApp) -> Result<(), StoreError> {
    let owner = match app.tenant_id {
        Some(tenant) => provider_apps::Column::TenantId.eq(tenant.uuid()),
        None => provider_apps::Column::TenantId.is_null(),
    };
    let seen = Condition::all()
        .add(provider_apps::Column::Id.eq(app.id.uuid()))
        .add(owner);
    let mut changed = row(app, "").into_active_model().reset_all();
    changed.webhook_key = NotSet;
    row::replace_columns(tx, changed, seen, "provider app").await
}
