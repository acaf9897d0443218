//! What a message only points to: its files, and who its author is. Fetched after the message is
//! shown; a file that fails never loses the message.

use super::deliver::ask_again;
use super::drive::{Drive, Driven};
use super::{End, finish};
use crate::inboxes;
use crate::{App, Result, rows};
use channels::{Action, Outcome, Part, Peer, SendKind};
use chrono::Duration;
use domain::job::ATTEMPTS_MAX;
use domain::message::AttachmentState;
use domain::{AttachmentId, IdentityId, InboxId, MessageId};
use store::jobs::StoredJob;
use store::queries::{attachments, contacts, deliveries, identities, messages, tickets};

pub(super) async fn fetch(
    app: &App,
    job: &StoredJob,
    inbox: InboxId,
    message: MessageId,
    attachment: AttachmentId,
    media: &str,
) -> Result<End> {
    let driven = match carried(app, job, inbox, media).await? {
        Some(outcome) => Driven::Outcome(outcome),
        None => {
            let media = media.to_owned();
            drive(app, job, inbox, Action::FetchMedia { media }).await?
        }
    };
    let last = job.attempts >= i64::from(ATTEMPTS_MAX);
    let file = match driven {
        Driven::Outcome(Outcome::Media { blob, .. }) => Ok(blob),
        Driven::Outcome(Outcome::MediaGone) => Err((
            AttachmentState::Gone,
            "it is no longer at the provider".to_owned(),
        )),
        Driven::Outcome(Outcome::Rejected { reason, .. }) => Err((AttachmentState::Failed, reason)),
        Driven::Outcome(Outcome::Retry { reason, .. }) | Driven::Away(reason) if last => {
            Err((AttachmentState::Failed, reason))
        }
        Driven::Outcome(Outcome::Retry { after, reason }) => {
            ask_again(app, job).await?;
            let after = after.and_then(|after| Duration::from_std(after).ok());
            return Ok(End::Retry {
                after,
                error: reason,
            });
        }
        Driven::Away(reason) => {
            return Ok(End::Retry {
                after: None,
                error: reason,
            });
        }
        Driven::Outcome(other) => Err((
            AttachmentState::Failed,
            format!("the channel answered {other:?}"),
        )),
        Driven::End(End::Retry { error, .. }) if last => Err((AttachmentState::Failed, error)),
        Driven::End(end) => return Ok(end),
    };
    let mut tx = app.begin(job.tenant_id, "media_fetched").await?;
    let mut stored = attachments::get(&tx, job.tenant_id, attachment).await?;
    match file {
        Ok(blob) => {
            stored.attachment.state = AttachmentState::Ready;
            stored.attachment.size_bytes = i64::try_from(blob.size_bytes).ok();
            stored.attachment.media_type = blob.media_type;
            stored.blob = Some(blob.id);
        }
        Err((state, problem)) => {
            stored.attachment.state = state;
            stored.attachment.problem = Some(problem);
        }
    }
    attachments::update(&tx, &stored).await?;
    let message = messages::get(&tx, job.tenant_id, message).await?;
    let ticket = tickets::get(&tx, job.tenant_id, message.ticket_id).await?;
    rows::update_message(&mut tx, &ticket, message).await?;
    finish(app, tx, job).await
}

/// A file that came within its event lies in the stored delivery. `None`: it has to be fetched.
async fn carried(
    app: &App,
    job: &StoredJob,
    inbox: InboxId,
    media: &str,
) -> Result<Option<Outcome>> {
    let read = app.read();
    let inbox = store::queries::inboxes::get(&read, job.tenant_id, inbox).await?;
    let channel = crate::reply::channel_of(&inbox)?;
    let Some(dedupe) = channel.carrier(media) else {
        return Ok(None);
    };
    let found = deliveries::by_dedupe(&read, job.tenant_id, inbox.id, dedupe).await?;
    let bytes = found.and_then(|delivery| {
        let part = Part {
            account: delivery.account,
            lane: String::new(),
            dedupe: delivery.dedupe,
            bytes: delivery.body,
        };
        channel.carried(&part, media)
    });
    let Some(bytes) = bytes else {
        return Ok(Some(Outcome::MediaGone));
    };
    let mut writer = app.blobs.create(bytes.len() as u64).await?;
    writer.write(&bytes).await?;
    let blob = writer.finish().await?;
    Ok(Some(Outcome::Media { blob, name: None }))
}

/// A profile that cannot be had is no failure: the handle is shown instead.
pub(super) async fn profile(
    app: &App,
    job: &StoredJob,
    inbox: InboxId,
    identity: IdentityId,
) -> Result<End> {
    let known = identities::get(&app.read(), job.tenant_id, identity).await?;
    let peer = Peer {
        handle: known.handle.clone(),
        scope: known.scope.clone(),
        display: known.display.clone(),
        ..Peer::default()
    };
    let fresh = match drive(app, job, inbox, Action::FetchProfile { peer }).await? {
        Driven::Outcome(Outcome::Profile(peer)) => Some(peer),
        Driven::End(end) => return Ok(end),
        Driven::Outcome(_) | Driven::Away(_) => None,
    };
    let mut tx = app.begin(job.tenant_id, "profile_fetched").await?;
    if let Some(peer) = fresh {
        let mut identity = identities::get(&tx, job.tenant_id, identity).await?;
        let mut contact = contacts::get(&tx, job.tenant_id, identity.contact_id).await?;
        let unnamed = contact.name == identity.display || contact.name == identity.handle;
        if !peer.display.is_empty() {
            identity.display = peer.display;
        }
        identity.avatar_url = peer.avatar.or(identity.avatar_url);
        if let Some(name) = peer.name.filter(|name| unnamed && !name.trim().is_empty()) {
            contact.name = name.chars().take(200).collect();
        }
        contact.avatar_url = identity.avatar_url.clone().or(contact.avatar_url);
        rows::put_identity(&mut tx, false, identity).await?;
        rows::put_contact(&mut tx, false, contact).await?;
    }
    finish(app, tx, job).await
}

async fn drive(app: &App, job: &StoredJob, inbox: InboxId, action: Action) -> Result<Driven> {
    let read = app.read();
    let inbox = store::queries::inboxes::get(&read, job.tenant_id, inbox).await?;
    let view = inboxes::view(app, &read, &inbox).await?;
    Drive {
        app,
        job,
        channel: crate::reply::channel_of(&inbox)?,
        view,
        action,
        look_up: None,
        kind: SendKind::Idempotent,
        peer: None,
    }
    .run()
    .await
}
