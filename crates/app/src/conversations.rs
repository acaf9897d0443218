//! Writing first: a conversation that we begin.

use crate::inbound::threads;
use crate::reply::channel_of;
use crate::visibility::may_see;
use crate::{App, Error, Reader, Result, audit, race, rows, work};
use domain::contact::{Contact, Identity};
use domain::conversation::{Conversation, ReplyRefusal};
use domain::inbox::{Inbox, InboxState};
use domain::permission::{Actor, Permission};
use domain::ticket::Ticket;
use domain::{ContactId, IdentityId, InboxId};
use routing::ClaimPolicy;
use serde_json::json;
use store::Tx;
use store::queries::{contacts, identities, inboxes};

const HANDLE_CHARS_MAX: usize = 200;

/// Whom we write to.
#[derive(Debug, Clone, PartialEq)]
pub enum Peer {
    Known(IdentityId),
    /// An address the contact gave us, such as a number or a mail address.
    Handle(String),
}

/// Opens the conversation, and a ticket for it unless the contact has an open one. Nothing is
/// sent yet; whoever begins a new case works it.
pub async fn start(
    app: &App,
    actor: &Actor,
    contact: ContactId,
    inbox: InboxId,
    peer: Peer,
) -> Result<(Conversation, Ticket)> {
    actor.may(Permission::WorkTickets)?;
    let peer = &peer;
    race::again(|| async move {
        let mut tx = app.begin(actor.tenant_id, "start_conversation").await?;
        let inbox = inboxes::get(&tx, actor.tenant_id, inbox).await?;
        let contact = contacts::get(&tx, actor.tenant_id, contact).await?;
        let may_start = channel_of(&inbox)?.manifest().capabilities.start;
        if !may_start {
            let message = "on this channel only the customer can begin a conversation";
            return Err(Error::conflict("UNSUPPORTED", message));
        }
        may_send(&inbox)?;
        if contact.merged_into.is_some() {
            return Err(Error::conflict(
                "MERGED",
                "this contact was merged into another one",
            ));
        }
        let identity = identity(&mut tx, &inbox, &contact, peer).await?;
        let thread = threads::find_or_open(&mut tx, &inbox, &identity, &contact, "", "").await?;
        let ticket = mine(&mut tx, actor, thread.ticket).await?;
        let conversation = thread.conversation;
        let detail = json!({ "inbox": inbox.id, "ticket": ticket.id });
        audit::record(&tx, actor, "conversation.start", conversation.id, detail).await?;
        app.commit(tx, (conversation, ticket)).await
    })
    .await
}

fn may_send(inbox: &Inbox) -> Result<()> {
    match inbox.state {
        InboxState::Connected => Ok(()),
        InboxState::Disconnected => Err(Error::conflict(
            "DISCONNECTED",
            format!("{} is disconnected", inbox.name),
        )),
        InboxState::Connecting | InboxState::NeedsReconnect => Err(Error::conflict(
            "NEEDS_RECONNECT",
            format!("{} must be connected again by an administrator", inbox.name),
        )),
    }
}

async fn identity(tx: &mut Tx, inbox: &Inbox, contact: &Contact, peer: &Peer) -> Result<Identity> {
    let tenant = inbox.tenant_id;
    let handle = match peer {
        Peer::Known(id) => {
            let known = identities::find(tx, tenant, *id).await?;
            return known
                .filter(|i| i.contact_id == contact.id && i.channel == inbox.channel)
                .ok_or_else(|| {
                    Error::invalid(
                        "identityId",
                        "the contact has no such address on this channel",
                    )
                });
        }
        Peer::Handle(text) => handle(text)?,
    };
    match identities::by_handle(tx, tenant, &inbox.channel, "", &handle).await? {
        Some(known) if known.contact_id == contact.id => Ok(known),
        Some(_) => Err(Error::conflict(
            "CONFLICT",
            "this address belongs to another contact; merge them first",
        )),
        None => {
            let identity = Identity {
                id: IdentityId::new(tx.now()),
                tenant_id: tenant,
                contact_id: contact.id,
                merged_from: None,
                channel: inbox.channel.clone(),
                scope: String::new(),
                display: handle.clone(),
                handle,
                avatar_url: None,
                created_at: tx.now(),
            };
            rows::put_identity(tx, true, identity).await
        }
    }
}

fn handle(text: &str) -> Result<String> {
    let text = text.trim();
    let length = text.chars().count();
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if length == 0 || length > HANDLE_CHARS_MAX || text.chars().any(odd) {
        let message = format!("an address has 1 to {HANDLE_CHARS_MAX} characters and no spaces");
        return Err(Error::invalid("handle", message));
    }
    Ok(text.to_owned())
}

/// A case without any message is new: the agent who begins it works it. One that exists already
/// stays with whoever has it, and must be one she sees.
async fn mine(tx: &mut Tx, actor: &Actor, ticket: Ticket) -> Result<Ticket> {
    if ticket.message_head == 0 && ticket.assignee_id.is_none() {
        return work::give(tx, ticket, actor.user_id, ClaimPolicy::Assign)
            .await
            .map(|(t, _)| t);
    }
    if may_see(tx, actor, &ticket).await? {
        return Ok(ticket);
    }
    Err(Error::conflict(
        "CONFLICT",
        "colleagues of another queue work on an open case of this contact",
    ))
}

impl Reader {
    /// Why no reply may be sent in a conversation now; `None` means one may.
    pub async fn reply_refusal(&self, conversation: &Conversation) -> Result<Option<ReplyRefusal>> {
        let inboxes = self.inboxes().await?;
        let inbox = inboxes
            .iter()
            .find(|inbox| inbox.id == conversation.inbox_id);
        let state = inbox.map_or(InboxState::Disconnected, |inbox| inbox.state);
        Ok(conversation.reply(state, self.now()).err())
    }
}
