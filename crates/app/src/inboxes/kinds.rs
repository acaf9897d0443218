//! What can be connected, in the viewer's language: forms, icons and limits of every channel.

use crate::{App, Error, Result};
use channels::{Capabilities, Field, Label, Manifest};
use domain::permission::{Actor, Permission};
use store::queries::users;

/// A channel as the admin form and the composer need it.
#[derive(Debug, Clone)]
pub struct Kind {
    pub kind: &'static str,
    pub name: &'static str,
    pub icon: &'static str,
    pub fields: Vec<KindField>,
    pub app_fields: Vec<KindField>,
    pub uses_oauth: bool,
    pub uses_provider_app: bool,
    pub limits: KindLimits,
    pub reply_window_hours: Option<u32>,
    pub capabilities: Capabilities,
}

#[derive(Debug, Clone, Copy)]
pub struct KindLimits {
    pub text_max: usize,
    pub text_unit: &'static str,
    pub attachment_bytes_max: u64,
    pub attachment_types: &'static [&'static str],
}

#[derive(Debug, Clone)]
pub struct KindField {
    pub name: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub kind: &'static str,
    pub required: bool,
    pub secret: bool,
    pub options: &'static [&'static str],
}

pub async fn kinds(app: &App, actor: &Actor) -> Result<Vec<Kind>> {
    actor.may(Permission::Read)?;
    let viewer = users::find(&app.read(), actor.user_id)
        .await?
        .ok_or(Error::not_found("user"))?;
    Ok(channels::ALL
        .iter()
        .map(|channel| kind(channel.manifest(), &viewer.locale))
        .collect())
}

fn kind(manifest: &'static Manifest, locale: &str) -> Kind {
    let text = |label: &'static Label| label.text(locale);
    let fields = |fields: &'static [Field]| {
        fields
            .iter()
            .map(|field| KindField {
                name: field.name,
                label: text(&field.label),
                help: text(&field.help),
                kind: field.kind.as_str(),
                required: field.required,
                secret: field.secret,
                options: field.options,
            })
            .collect()
    };
    Kind {
        kind: manifest.kind,
        name: text(&manifest.name),
        icon: manifest.icon,
        fields: fields(manifest.fields),
        app_fields: fields(manifest.app_fields),
        uses_oauth: manifest.uses_oauth,
        uses_provider_app: manifest.uses_provider_app,
        limits: KindLimits {
            text_max: manifest.limits.text_max,
            text_unit: manifest.limits.text_unit.as_str(),
            attachment_bytes_max: manifest.limits.attachment_bytes_max,
            attachment_types: manifest.limits.attachment_types,
        },
        reply_window_hours: manifest.reply_window_hours,
        capabilities: manifest.capabilities,
    }
}
