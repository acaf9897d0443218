//! The door: who may come in, and the durable place of everything that did.

use super::refused;
use crate::{App, Result, inboxes};
use channels::{Channel, Part, ProviderApp, RawRequest, Verdict};
use domain::inbox::{Inbox, InboxState};
use domain::{InboxId, ProviderAppId, TenantId, Time};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use store::queries::{inboxes as inbox_rows, provider_apps};
use store::{Accepted as Stored, NewDelivery};

/// How long a looked-up entrance is believed. A disconnect is seen this much later at most, and
/// what comes in between is kept all the same.
const FRESH: Duration = Duration::from_secs(2);
const CACHED_MAX: usize = 10_000;
const PARTS_MAX: usize = 1_000;
/// Longer than the ids of any provider, shorter than what an index takes.
const KEY_BYTES_MAX: usize = 300;

/// What the transport answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Accepted {
    /// Durable: answer 2xx.
    Stored { new: usize },
    Challenge {
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
    },
    /// Bad signature: 401, nothing is stored.
    Rejected,
    /// No such entrance: 404.
    UnknownEntrance,
}

/// A looked-up webhook key.
#[derive(Clone)]
struct Entrance {
    app: ProviderApp,
    /// Present when the key belongs to one inbox; otherwise parts are routed by their account.
    inbox: Option<Inbox>,
}

impl Entrance {
    /// A disconnected inbox that carried its own secrets.
    fn is_closed(&self) -> bool {
        let disconnected = |inbox: &Inbox| inbox.state == InboxState::Disconnected;
        self.inbox.as_ref().is_some_and(disconnected) && self.app.secrets.is_empty()
    }
}

/// Entrances by (channel, key), so that a flood of webhooks does not become a flood of queries.
#[derive(Default)]
pub struct Entrances(RwLock<BTreeMap<Key, (Time, Arc<Entrance>)>>);

/// Channel kind and webhook key.
type Key = (String, String);

impl Entrances {
    fn get(&self, app: &App, channel: &str, key: &str) -> Option<Arc<Entrance>> {
        let cache = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (at, entrance) = cache.get(&(channel.to_owned(), key.to_owned()))?;
        let age = (app.now() - *at).to_std().unwrap_or(Duration::MAX);
        (age < FRESH).then(|| entrance.clone())
    }

    fn put(&self, app: &App, channel: &str, key: &str, entrance: Arc<Entrance>) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED_MAX {
            cache.clear();
        }
        cache.insert((channel.to_owned(), key.to_owned()), (app.now(), entrance));
    }
}

/// A provider's request as the transport read it. Header names are lower case.
pub struct Raw {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// Takes a request from the wire. Its address is the configured one: `Host` is the sender's word.
pub async fn receive(app: &App, kind: &str, key: &str, raw: Raw) -> Result<Accepted> {
    let raw = RawRequest {
        method: raw.method,
        path: raw.path,
        query: raw.query,
        headers: raw.headers,
        body: raw.body,
        received_at: app.now(),
        public_url: format!("{}/webhooks/{kind}/{key}", app.config.public_url),
    };
    accept(app, kind, key, &raw).await
}

/// Verifies, splits and stores one webhook request. `Ok(Stored)` means durable.
pub async fn accept(app: &App, kind: &str, key: &str, raw: &RawRequest) -> Result<Accepted> {
    let Some(channel) = channels::by_kind(kind) else {
        return Ok(Accepted::UnknownEntrance);
    };
    let Some(entrance) = entrance(app, kind, key).await? else {
        return Ok(Accepted::UnknownEntrance);
    };
    if entrance.is_closed() {
        // Its secrets are gone with it, so nothing can be verified and nothing is kept; but an
        // error would make the provider repeat and at last switch off its other accounts.
        metrics::counter!("meari_webhooks_unrouted_total", "channel" => kind.to_owned())
            .increment(1);
        return Ok(Accepted::Stored { new: 0 });
    }
    match channel.verify(&entrance.app, raw) {
        Verdict::Accept => {}
        Verdict::Challenge {
            status,
            content_type,
            body,
        } => {
            return Ok(Accepted::Challenge {
                status,
                content_type,
                body,
            });
        }
        Verdict::Reject => {
            metrics::counter!("meari_webhooks_rejected_total", "channel" => kind.to_owned())
                .increment(1);
            return Ok(Accepted::Rejected);
        }
    }
    let parts = match channel.split(raw) {
        Ok(parts) if parts.len() <= PARTS_MAX => parts,
        // Authentic but unreadable: kept whole, so that a fixed parser can replay it.
        Ok(_) | Err(_) => vec![whole(raw)],
    };
    let new = store_parts(
        app,
        channel,
        entrance.inbox.as_ref(),
        entrance.app.id,
        raw.received_at,
        parts,
    )
    .await?;
    Ok(Accepted::Stored { new })
}

fn whole(raw: &RawRequest) -> Part {
    let digest = Sha256::digest(&raw.body);
    Part {
        account: String::new(),
        lane: "malformed".into(),
        dedupe: format!("raw:{}", crate::secrets::hex(&digest)),
        bytes: raw.body.clone(),
    }
}

/// Stores parts of a verified request, or of a session, and returns how many were new.
pub async fn store_parts(
    app: &App,
    channel: &'static dyn Channel,
    inbox: Option<&Inbox>,
    provider_app: Option<ProviderAppId>,
    received_at: Time,
    parts: Vec<Part>,
) -> Result<usize> {
    let kind = channel.manifest().kind;
    let mut deliveries = Vec::with_capacity(parts.len());
    for part in parts {
        let target = match inbox {
            Some(inbox) if is_for(&part, inbox) => target_of(inbox),
            Some(_) => None,
            None => routed(app, provider_app, kind, &part.account).await?,
        };
        if target.is_none() {
            metrics::counter!("meari_webhooks_unrouted_total", "channel" => kind).increment(1);
        }
        deliveries.push(delivery(kind, target, received_at, part));
    }
    let tenants: BTreeSet<TenantId> = deliveries.iter().filter_map(|d| Some(d.inbox?.0)).collect();
    let mut new = 0;
    let accepted = app.store.accept(deliveries.clone()).await;
    for (accepted, delivery) in accepted.into_iter().zip(deliveries) {
        match accepted {
            Stored::Stored(_) => new += 1,
            Stored::Duplicate | Stored::Unrouted(_) => {}
            // The provider sends the whole request again; what is stored is a duplicate then.
            Stored::Refused(error) if refused::is_passing(&error) => return Err(error.into()),
            // Nothing would change by sending it again: it must not come back for ever.
            Stored::Refused(_) => refused::keep(app, delivery).await?,
        }
    }
    for tenant in tenants {
        app.bus.wake(tenant);
    }
    metrics::counter!("meari_webhooks_accepted_total", "channel" => kind).increment(new as u64);
    Ok(new)
}

/// A disconnected account's events are kept unrouted: the provider gets its 2xx, agents see nothing.
fn target_of(inbox: &Inbox) -> Option<(TenantId, InboxId)> {
    (inbox.state != InboxState::Disconnected).then_some((inbox.tenant_id, inbox.id))
}

/// The entrance of one account gets what belongs to this account; a part that names none
/// (unreadable, or a channel without accounts) is taken as it is.
fn is_for(part: &Part, inbox: &Inbox) -> bool {
    part.account.is_empty() || inbox.account.is_empty() || part.account == inbox.account
}

pub(crate) fn delivery(
    kind: &'static str,
    target: Option<(TenantId, InboxId)>,
    received_at: Time,
    part: Part,
) -> NewDelivery {
    // Accounts of two inboxes may repeat event ids; the inbox keeps their dedupe keys apart.
    let account = match target {
        Some((_, inbox)) => inbox.to_string(),
        None => part.account,
    };
    NewDelivery {
        inbox: target,
        channel: kind.to_owned(),
        lane: format!("in:{}:{}", key(&account), key(&part.lane)),
        account: key(&account).into_owned(),
        dedupe: key(&part.dedupe).into_owned(),
        body: part.bytes,
        received_at,
    }
}

/// A stranger's text as a key of ours: what a database or its index could refuse stands for itself
/// by its digest, so that equal keys stay equal and different ones different.
fn key(text: &str) -> Cow<'_, str> {
    if text.len() <= KEY_BYTES_MAX && !text.contains('\0') {
        return text.into();
    }
    format!("sha256:{}", crate::secrets::hex(&Sha256::digest(text))).into()
}

/// The connected inbox of an account, for entrances that serve a whole provider app.
async fn routed(
    app: &App,
    provider_app: Option<ProviderAppId>,
    kind: &str,
    account: &str,
) -> Result<Option<(TenantId, InboxId)>> {
    let Some(provider_app) = provider_app else {
        return Ok(None);
    };
    let found = inbox_rows::by_account(&app.read(), provider_app, kind, account).await?;
    Ok(found.iter().find_map(target_of))
}

async fn entrance(app: &App, kind: &str, key: &str) -> Result<Option<Arc<Entrance>>> {
    if let Some(entrance) = app.entrances.get(app, kind, key) {
        return Ok(Some(entrance));
    }
    let Some(found) = look_up(app, kind, key).await? else {
        return Ok(None);
    };
    let found = Arc::new(found);
    app.entrances.put(app, kind, key, found.clone());
    Ok(Some(found))
}

async fn look_up(app: &App, kind: &str, key: &str) -> Result<Option<Entrance>> {
    let read = app.read();
    if let Some(inbox) = inbox_rows::by_webhook_key(&read, kind, key).await? {
        let view = inboxes::view(app, &read, &inbox).await?;
        let verifier = match view.app.clone() {
            Some(provider_app) if view.secrets.is_empty() => provider_app,
            _ => view.own_app(),
        };
        return Ok(Some(Entrance {
            app: verifier,
            inbox: Some(inbox),
        }));
    }
    let Some(row) = provider_apps::by_webhook_key(&read, kind, key).await? else {
        return Ok(None);
    };
    let app_view = inboxes::open_app(app, &read, &row).await?;
    Ok(Some(Entrance {
        app: app_view,
        inbox: None,
    }))
}
