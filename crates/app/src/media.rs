//! Links to files, because an `<img>` cannot send a bearer.
//!
//! Invariants: a link names one file and ends within [`LINK_LIFE`], or [`PROVIDER_LINK_LIFE`] when it
//! goes out to the customer anyway; a forged, ended or altered link and a file that is not here are
//! the same answer. Links are made only while a message is shown to somebody who sees it, or sent.

use crate::uploads::{self, Media};
use crate::{App, Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use domain::{AttachmentId, TenantId, Time};
use store::queries::attachments;

/// The longest life of a link.
pub const LINK_LIFE: TimeDelta = TimeDelta::minutes(15);
/// Some providers show a picture from its link for as long as anybody looks at the message.
const PROVIDER_LINK_LIFE: TimeDelta = TimeDelta::days(7);
/// Links made within this span are equal, so that a browser keeps the picture it has.
const LINK_STEP: TimeDelta = TimeDelta::minutes(5);
const PURPOSE: &str = "media-link";
const PROOF_BYTES: usize = 32;
const NAMED_BYTES: usize = 16 + 16 + 8;

/// The file of a link that [`link`] made.
pub async fn open_link(app: &App, token: &str) -> Result<Media> {
    let missing = || Error::not_found("attachment");
    let (tenant, id, until) = named(app, token).ok_or_else(missing)?;
    if until <= app.now() {
        return Err(missing());
    }
    let db = app.read();
    uploads::opened(app, attachments::get(&db, tenant, id).await?).await
}

/// The path of a short-lived link to one file. The caller has checked that the viewer sees it.
pub fn link(app: &App, tenant: TenantId, id: AttachmentId) -> Result<String> {
    link_until(app, tenant, id, end_of_links_made(app.now()))
}

/// The path by which a provider fetches a file that goes out to a customer.
pub(crate) fn provider_link(app: &App, tenant: TenantId, id: AttachmentId) -> Result<String> {
    link_until(app, tenant, id, app.now() + PROVIDER_LINK_LIFE)
}

fn link_until(app: &App, tenant: TenantId, id: AttachmentId, until: Time) -> Result<String> {
    let mut named = Vec::with_capacity(NAMED_BYTES + PROOF_BYTES);
    named.extend_from_slice(tenant.uuid().as_bytes());
    named.extend_from_slice(id.uuid().as_bytes());
    named.extend_from_slice(&until.timestamp().to_be_bytes());
    let proof = app
        .vault
        .installation()
        .sign(PURPOSE, &named)
        .map_err(Error::internal)?;
    named.extend_from_slice(&proof);
    Ok(format!("/m/{}", URL_SAFE_NO_PAD.encode(named)))
}

fn end_of_links_made(now: Time) -> Time {
    let into_step = now.timestamp().rem_euclid(LINK_STEP.num_seconds());
    now - TimeDelta::seconds(into_step) + LINK_LIFE
}

fn named(app: &App, token: &str) -> Option<(TenantId, AttachmentId, Time)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (named, proof) = bytes.split_at_checked(NAMED_BYTES)?;
    if !app.vault.installation().is_signed(PURPOSE, named, proof) {
        return None;
    }
    let (tenant, rest) = named.split_at_checked(16)?;
    let (attachment, until) = rest.split_at_checked(16)?;
    let until = i64::from_be_bytes(until.try_into().ok()?);
    Some((
        uuid::Uuid::from_slice(tenant).ok()?.into(),
        uuid::Uuid::from_slice(attachment).ok()?.into(),
        DateTime::from_timestamp(until, 0)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_lives_ten_to_fifteen_minutes() {
        for seconds in [0, 1, 299, 300, 12_345] {
            let now = Time::default() + TimeDelta::seconds(seconds);
            let life = end_of_links_made(now) - now;
            assert!(life <= LINK_LIFE && life > LINK_LIFE - LINK_STEP, "{life}");
        }
    }
}
