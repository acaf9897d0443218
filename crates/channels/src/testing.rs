//! Views for the tests of every channel.

use crate::{Channel, FieldKind, Inbox, ProviderApp, Response, Secrets};
use domain::{InboxId, TenantId, Time};
use serde_json::{Map, Value, json};

/// A word that must never show up in any `Debug` output.
pub const SECRET: &str = "hunter2-do-not-show";

/// A connected inbox: every secret field is [`SECRET`], every choice its first option.
pub fn inbox(channel: &dyn Channel) -> Inbox {
    let manifest = channel.manifest();
    let mut settings = Map::new();
    let mut secrets = Secrets::default();
    for field in manifest.fields {
        let value = match field.kind {
            FieldKind::Url => "https://provider.test",
            FieldKind::Choice => field.options.first().copied().unwrap_or_default(),
            FieldKind::Text => "shop",
            FieldKind::Number | FieldKind::Switch => continue,
        };
        if field.secret {
            secrets.set(field.name, SECRET);
        } else {
            settings.insert(field.name.into(), value.into());
        }
    }
    Inbox {
        tenant_id: TenantId::from_uuid(uuid::Uuid::nil()),
        id: InboxId::from_uuid(uuid::Uuid::nil()),
        account: "shop".into(),
        address: "shop".into(),
        base_url: Some("https://provider.test".into()),
        settings,
        secrets,
        app: Some(app(channel)),
        now: Time::default(),
        nonce: "nonce-1".into(),
    }
}

pub fn app(channel: &dyn Channel) -> ProviderApp {
    let mut app = ProviderApp {
        base_url: Some("https://provider.test".into()),
        ..ProviderApp::default()
    };
    for field in channel.manifest().app_fields {
        if field.secret {
            app.secrets.set(field.name, SECRET);
        } else {
            app.settings
                .insert(field.name.into(), "public-value".into());
        }
    }
    app
}

pub fn answer(status: u16, body: &Value) -> Response {
    Response {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
        blob: None,
    }
}

pub fn empty(status: u16) -> Response {
    answer(status, &json!({}))
}
