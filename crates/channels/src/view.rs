//! What the pure code gets to see of an inbox and of a provider app, with secrets opened.
//!
//! Invariant: `Debug` of every type here never shows a secret, and secrets cannot be serialised.

use domain::{InboxId, ProviderAppId, TenantId, Time};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Opened secrets by field name.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.keys().map(|name| format!("{name}=[hidden]")))
            .finish()
    }
}

/// A developer app at a provider. `settings` hold no secrets by the manifest's field list.
#[derive(Debug, Clone, Default)]
pub struct ProviderApp {
    pub id: Option<ProviderAppId>,
    pub base_url: Option<String>,
    pub settings: Map<String, Value>,
    pub secrets: Secrets,
}

impl ProviderApp {
    pub fn setting(&self, name: &str) -> Option<&str> {
        text_of(&self.settings, name)
    }
}

/// One connected account as `parse`, `perform` and `session` see it.
#[derive(Debug, Clone)]
pub struct Inbox {
    pub tenant_id: TenantId,
    pub id: InboxId,
    /// The account's id at the provider; empty before the first connect.
    pub account: String,
    pub address: String,
    /// Where the provider is, when configuration says so; tests point it at a peer.
    pub base_url: Option<String>,
    /// The public address of this inbox's own entrance, for providers that are told where to post.
    pub webhook_url: Option<String>,
    pub settings: Map<String, Value>,
    pub secrets: Secrets,
    pub app: Option<ProviderApp>,
    /// The instant of this call; signatures with a timestamp need it.
    pub now: Time,
    /// Fresh random text of this call, for nonces and jitter.
    pub nonce: String,
}

impl Inbox {
    pub fn setting(&self, name: &str) -> Option<&str> {
        text_of(&self.settings, name)
    }

    /// A number that may have been stored as a number or as text.
    pub fn number(&self, name: &str) -> Option<u64> {
        let value = self.settings.get(name)?;
        value
            .as_u64()
            .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
    }

    /// The view that `Channel::verify` needs when the inbox carries its own secrets.
    pub fn own_app(&self) -> ProviderApp {
        ProviderApp {
            id: None,
            base_url: self.base_url.clone(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
        }
    }
}

fn text_of<'a>(settings: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    settings
        .get(name)
        .and_then(Value::as_str)
        .map(str::trim)
        .filter(|value| !value.is_empty())
}
