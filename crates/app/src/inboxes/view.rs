//! What the pure channel code gets to see of an inbox, with secrets opened where a call needs them.

use crate::secrets::{Place, Sealer};
use crate::{App, Error, Result};
use channels::{ProviderApp, Secrets};
use domain::inbox::Inbox;
use domain::{ProviderAppId, TenantId};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use store::Db;
use store::queries::{provider_apps, secrets, tenants};
use uuid::Uuid;

/// For parsing: needs no secret, so none is opened.
pub fn view_without_secrets(app: &App, inbox: &Inbox) -> channels::Inbox {
    channels::Inbox {
        tenant_id: inbox.tenant_id,
        id: inbox.id,
        account: inbox.account.clone(),
        address: inbox.address.clone(),
        base_url: app.config.base_urls.get(&inbox.channel).cloned(),
        webhook_url: None,
        settings: object(&inbox.settings),
        secrets: Secrets::default(),
        app: None,
        now: app.now(),
        nonce: format!("{:032x}", rand::random::<u128>()),
    }
}

/// For calls to the provider and signature checks. Keep it in memory only.
pub async fn view(app: &App, db: &impl Db, inbox: &Inbox) -> Result<channels::Inbox> {
    let mut view = view_without_secrets(app, inbox);
    view.secrets = open(
        app,
        db,
        Some(inbox.tenant_id),
        "inboxes",
        inbox.id.uuid(),
        &inbox.id.to_string(),
    )
    .await?;
    if super::connect::channel_of(inbox)?.manifest().uses_webhook {
        view.webhook_url = Some(super::entrance(app, db, inbox).await?);
    }
    if let Some(id) = inbox.provider_app_id {
        view.app = Some(app_view(app, db, inbox.tenant_id, id).await?);
    }
    Ok(view)
}

pub async fn app_view(
    app: &App,
    db: &impl Db,
    tenant: TenantId,
    id: ProviderAppId,
) -> Result<ProviderApp> {
    open_app(app, db, &provider_apps::get(db, tenant, id).await?).await
}

pub async fn open_app(
    app: &App,
    db: &impl Db,
    row: &domain::inbox::ProviderApp,
) -> Result<ProviderApp> {
    let secrets = open(
        app,
        db,
        row.tenant_id,
        "provider_apps",
        row.id.uuid(),
        &row.id.to_string(),
    )
    .await?;
    Ok(ProviderApp {
        id: Some(row.id),
        base_url: row.base_url.clone(),
        settings: object(&row.settings),
        secrets,
    })
}

/// Opens every secret of one row. `tenant` is `None` for rows of the installation.
async fn open(
    app: &App,
    db: &impl Db,
    tenant: Option<TenantId>,
    table: &'static str,
    owner: Uuid,
    row: &str,
) -> Result<Secrets> {
    let sealed = secrets::of_owner(db, tenant, owner).await?;
    if sealed.is_empty() {
        return Ok(Secrets::default());
    }
    let own;
    let sealer: &Sealer = match tenant {
        None => app.vault.installation(),
        Some(tenant) => {
            let wrapped = tenants::data_key(db, tenant).await?;
            own = app
                .vault
                .tenant(tenant, &wrapped)
                .map_err(Error::internal)?;
            &own
        }
    };
    sealed
        .iter()
        .map(|secret| {
            let named = super::seal::place_row(row, &secret.name);
            let place = Place {
                table,
                column: "secret",
                row: &named,
            };
            let plain = sealer
                .open(place, &secret.sealed)
                .map_err(Error::internal)?;
            let text =
                String::from_utf8(plain.expose_secret().to_vec()).map_err(Error::internal)?;
            Ok((secret.name.clone(), text))
        })
        .collect()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
