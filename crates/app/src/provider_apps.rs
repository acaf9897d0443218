//! Developer apps at providers: one app serves many inboxes and carries the secrets they share.
//!
//! A tenant uses its own apps and those of the installation, and changes only its own.

use crate::inboxes::{self, Owner};
use crate::people::checked_name;
use crate::{App, Error, Result, audit};
use channels::Secrets;
use domain::inbox::ProviderApp;
use domain::permission::{Actor, Permission};
use domain::{ProviderAppId, Time};
use serde_json::{Value, json};
use store::Tx;
use store::queries::provider_apps;

const NAME_CHARS_MAX: usize = 100;

#[derive(Debug, Clone)]
pub struct Save {
    /// `None`: a new one.
    pub id: Option<ProviderAppId>,
    pub channel: String,
    pub name: String,
    pub base_url: Option<String>,
    pub settings: Value,
    /// Left out secrets stay as they are.
    pub secrets: Option<Value>,
}

pub async fn list(app: &App, actor: &Actor) -> Result<Vec<ProviderApp>> {
    actor.may(Permission::Administer)?;
    Ok(provider_apps::all(&app.read(), actor.tenant_id).await?)
}

pub async fn webhook_url(app: &App, actor: &Actor, row: &ProviderApp) -> Result<String> {
    actor.may(Permission::Administer)?;
    let key = provider_apps::webhook_key(&app.read(), actor.tenant_id, row.id).await?;
    let base = &app.config.public_url;
    Ok(format!("{base}/webhooks/{}/{key}", row.channel))
}

/// The settings of the form; what an app that registered itself remembers stays inside.
pub fn shown_settings(row: &ProviderApp) -> Value {
    let fields = channels::by_kind(&row.channel).map_or(&[][..], |c| c.manifest().app_fields);
    let settings = row.settings.as_object().into_iter().flatten();
    Value::Object(
        settings
            .filter(|(name, _)| fields.iter().any(|f| f.name == *name && !f.secret))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

pub async fn save(app: &App, actor: &Actor, input: Save) -> Result<ProviderApp> {
    actor.may(Permission::Administer)?;
    let channel = channels::by_kind(&input.channel)
        .ok_or_else(|| Error::invalid("channel", "there is no such channel"))?;
    let fields = channel.manifest().app_fields;
    if fields.is_empty() {
        return Err(Error::invalid("channel", "this channel has no apps"));
    }
    let tx = app.begin(actor.tenant_id, "save_provider_app").await?;
    let (mut row, secrets) = match input.id {
        None => {
            let form = inboxes::checked_form(fields, &input.settings, input.secrets.as_ref())?;
            let row = fresh(
                actor,
                &input.channel,
                Value::Object(form.settings),
                tx.now(),
            );
            (row, form.secrets)
        }
        Some(id) => {
            let row = own(&tx, actor, id, &input.channel).await?;
            let settings = inboxes::checked_settings(fields, &input.settings)?;
            let mut merged = row.settings.as_object().cloned().unwrap_or_default();
            merged.retain(|name, _| !fields.iter().any(|field| field.name == name));
            merged.extend(settings);
            let secrets = inboxes::checked_secrets(fields, input.secrets.as_ref())?;
            let settings = Value::Object(merged);
            (ProviderApp { settings, ..row }, secrets)
        }
    };
    row.name = checked_name("name", &input.name, NAME_CHARS_MAX)?;
    row.base_url = checked_base_url(input.base_url.as_deref())?;
    if input.id.is_none() {
        let key = format!("{:032x}", rand::random::<u128>());
        provider_apps::insert(&tx, &row, &key).await?;
    } else {
        provider_apps::update(&tx, &row).await?;
    }
    put_secrets(app, &tx, &row, &secrets).await?;
    let detail = json!({ "channel": row.channel, "name": row.name });
    audit::record(&tx, actor, "provider_app.save", row.id, detail).await?;
    app.commit(tx, row).await
}

fn fresh(actor: &Actor, channel: &str, settings: Value, now: Time) -> ProviderApp {
    ProviderApp {
        id: ProviderAppId::new(now),
        tenant_id: Some(actor.tenant_id),
        channel: channel.to_owned(),
        name: String::new(),
        base_url: None,
        settings,
        created_at: now,
    }
}

async fn own(tx: &Tx, actor: &Actor, id: ProviderAppId, channel: &str) -> Result<ProviderApp> {
    let row = provider_apps::get(tx, actor.tenant_id, id).await?;
    if row.tenant_id != Some(actor.tenant_id) {
        // It belongs to the installation, whose operator keeps it.
        return Err(Error::Forbidden);
    }
    if row.channel != channel {
        return Err(Error::invalid("channel", "an app stays with its channel"));
    }
    Ok(row)
}

fn checked_base_url(typed: Option<&str>) -> Result<Option<String>> {
    match typed.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => channels::address::base(text)
            .map(|url| Some(url.into()))
            .ok_or_else(|| Error::invalid("baseUrl", "must be an https address")),
    }
}

pub(crate) async fn put_secrets(
    app: &App,
    tx: &Tx,
    row: &ProviderApp,
    secrets: &Secrets,
) -> Result<()> {
    let owner = Owner {
        tenant: row.tenant_id,
        table: "provider_apps",
        row: row.id.uuid(),
    };
    inboxes::put_secrets(app, tx, owner, row.id, secrets).await
}
