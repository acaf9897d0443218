//! Who wrote: a peer at the provider becomes an identity, an identity belongs to a contact.

use crate::{Result, rows};
use channels::Peer;
use domain::contact::{Contact, Identity};
use domain::inbox::Inbox;
use domain::job::Job;
use domain::{ContactId, IdentityId};
use store::queries::{contacts, identities};
use store::{NewJob, Tx};

const NAME_CHARS_MAX: usize = 200;

/// Finds or makes the identity of a peer and its contact. Handles are compared within their scope
/// only: equal handles of two pages or instances are two people until somebody merges them.
pub async fn identify(tx: &mut Tx, inbox: &Inbox, peer: &Peer) -> Result<(Identity, Contact)> {
    let tenant = inbox.tenant_id;
    if let Some(identity) = known(tx, inbox, peer).await? {
        let contact = contacts::get(tx, tenant, identity.contact_id).await?;
        return refresh(tx, identity, contact, peer).await;
    }
    let now = tx.now();
    let contact = Contact {
        id: ContactId::new(now),
        tenant_id: tenant,
        name: shown_name(peer),
        locale: peer.locale.clone(),
        note: String::new(),
        avatar_url: peer.avatar.clone(),
        merged_into: None,
        created_at: now,
        version: 0,
    };
    let contact = rows::put_contact(tx, true, contact).await?;
    let identity = Identity {
        id: IdentityId::new(now),
        tenant_id: tenant,
        contact_id: contact.id,
        merged_from: None,
        channel: inbox.channel.clone(),
        scope: peer.scope.clone(),
        handle: peer.handle.clone(),
        display: display(peer),
        avatar_url: peer.avatar.clone(),
        created_at: now,
    };
    let identity = rows::put_identity(tx, true, identity).await?;
    if peer.name.is_none() {
        tx.enqueue(NewJob::new(
            Job::FetchProfile {
                inbox: inbox.id,
                identity: identity.id,
            },
            format!("profile:{}", identity.id),
        ));
    }
    Ok((identity, contact))
}

/// A fresher picture of somebody who is known. News of a stranger make no contact.
pub async fn follow(tx: &mut Tx, inbox: &Inbox, peer: &Peer) -> Result<()> {
    if let Some(identity) = known(tx, inbox, peer).await? {
        let contact = contacts::get(tx, inbox.tenant_id, identity.contact_id).await?;
        refresh(tx, identity, contact, peer).await?;
    }
    Ok(())
}

/// The identity of a peer: by her handle, else by the one she had, which is no longer hers then.
async fn known(tx: &mut Tx, inbox: &Inbox, peer: &Peer) -> Result<Option<Identity>> {
    let (tenant, channel) = (inbox.tenant_id, &inbox.channel);
    let known = identities::by_handle(tx, tenant, channel, &peer.scope, &peer.handle).await?;
    let Some(former) = peer.former.as_ref().filter(|_| known.is_none()) else {
        return Ok(known);
    };
    let Some(mut identity) =
        identities::by_handle(tx, tenant, channel, &peer.scope, former).await?
    else {
        return Ok(None);
    };
    identity.handle.clone_from(&peer.handle);
    Ok(Some(rows::put_identity(tx, false, identity).await?))
}

/// Takes over a changed display name or picture. A name that an agent corrected is not touched:
/// only a contact that still shows the old provider name follows the new one.
async fn refresh(
    tx: &mut Tx,
    mut identity: Identity,
    mut contact: Contact,
    peer: &Peer,
) -> Result<(Identity, Contact)> {
    let shown = display(peer);
    let changed = (!peer.display.is_empty() && identity.display != shown)
        || (peer.avatar.is_some() && identity.avatar_url != peer.avatar);
    if changed {
        let follows = contact.name == identity.display || contact.name == identity.handle;
        identity.display = shown;
        identity.avatar_url = peer.avatar.clone().or(identity.avatar_url);
        identity = rows::put_identity(tx, false, identity).await?;
        if follows || contact.avatar_url != identity.avatar_url {
            if follows {
                contact.name = shown_name(peer);
            }
            contact.avatar_url = identity.avatar_url.clone();
            contact = rows::put_contact(tx, false, contact).await?;
        }
    }
    Ok((identity, contact))
}

fn display(peer: &Peer) -> String {
    let text = if peer.display.is_empty() {
        &peer.handle
    } else {
        &peer.display
    };
    text.chars().take(NAME_CHARS_MAX).collect()
}

fn shown_name(peer: &Peer) -> String {
    match peer.name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => name.chars().take(NAME_CHARS_MAX).collect(),
        _ => display(peer),
    }
}
