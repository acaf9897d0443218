//! One fact of a provider applied to the rows, inside the worker's transaction.
//!
//! Facts may repeat, come out of order, or come before their message: each branch is written so
//! that applying it twice, late or early gives the same rows.

use super::early_facts_of;
use super::effects::{
    TEXT_CHARS_MAX, attachments_of, delete, edit, follow_message, preview, react, receive,
};
use super::people::identify;
use super::threads::{self, Thread};
use crate::{App, Result, inboxes, rows, work};
use channels::{Channel, Inbound, InboundMessage, Media, Peer, Receipt, ReceiptState};
use domain::inbox::Inbox;
use domain::job::Job;
use domain::message::{AuthorKind, Direction, Message, MessageKind, MessageState};
use domain::ticket::Ticket;
use domain::{MessageId, Time};
use serde_json::Value;
use store::queries::attachments::StoredAttachment;
use store::queries::{attachments, early_facts, messages, outbound, tickets};
use store::{NewJob, Tx};

pub struct Context<'a> {
    pub app: &'a App,
    pub inbox: Inbox,
    pub channel: &'static dyn Channel,
    pub received_at: Time,
}

impl Context<'_> {
    pub async fn apply(&mut self, tx: &mut Tx, fact: Inbound) -> Result<()> {
        if let Some(external_id) = self.must_wait_for(tx, &fact).await? {
            let fact = serde_json::to_value(&fact).map_err(crate::Error::internal)?;
            early_facts::insert(tx, self.inbox.tenant_id, self.inbox.id, &external_id, fact)
                .await?;
            return Ok(());
        }
        match fact {
            Inbound::Message(message) if message.own_echo => self.own_echo(tx, *message).await,
            Inbound::Message(message) => self.customer_message(tx, *message).await,
            Inbound::Edit {
                external_id,
                text,
                html,
                at,
                ..
            } => self.edited(tx, &external_id, text, html, at).await,
            Inbound::Delete { external_id, at } => self.deleted(tx, &external_id, at).await,
            Inbound::Receipt {
                of, state, problem, ..
            } => self.receipt(tx, of, state, problem).await,
            Inbound::Reaction {
                external_id,
                by,
                emoji,
                removed,
                ..
            } => self.reaction(tx, &external_id, &by, emoji, removed).await,
            // Typing is lossy and never reaches the database.
            Inbound::Typing { .. } => Ok(()),
            Inbound::Profile(profile) => identify(tx, &self.inbox, &profile.peer).await.map(drop),
            Inbound::AccountProblem {
                credentials_died,
                reason,
                ..
            } => self.account_problem(tx, credentials_died, reason).await,
            Inbound::Unknown {
                what,
                external_id,
                peer,
                thread,
                at,
                raw,
            } => {
                self.unknown(tx, what, external_id, peer, thread, at, raw)
                    .await
            }
        }
    }

    /// The id of the message this fact talks about, when that message is not here yet.
    async fn must_wait_for(&self, tx: &Tx, fact: &Inbound) -> Result<Option<String>> {
        let follows = match fact {
            Inbound::Edit { external_id, .. }
            | Inbound::Delete { external_id, .. }
            | Inbound::Reaction { external_id, .. }
            | Inbound::Receipt {
                of: Receipt::Message { external_id },
                ..
            } => external_id,
            _ => return Ok(None),
        };
        let known = self.message(tx, follows).await?.is_some();
        Ok((!known).then(|| follows.clone()))
    }

    async fn message(&self, tx: &Tx, external_id: &str) -> Result<Option<Message>> {
        Ok(messages::by_external_id(tx, self.inbox.tenant_id, self.inbox.id, external_id).await?)
    }

    async fn customer_message(&mut self, tx: &mut Tx, fact: InboundMessage) -> Result<()> {
        if self.message(tx, &fact.external_id).await?.is_some() {
            return Ok(());
        }
        self.store_inbound(tx, fact, MessageKind::Text).await
    }

    async fn store_inbound(
        &mut self,
        tx: &mut Tx,
        fact: InboundMessage,
        kind: MessageKind,
    ) -> Result<()> {
        let (identity, contact) = identify(tx, &self.inbox, &fact.peer).await?;
        let thread = threads::find_or_open(
            tx,
            &self.inbox,
            &identity,
            &contact,
            &fact.thread,
            &fact.text,
        )
        .await?;
        let Thread {
            conversation,
            ticket,
        } = thread;
        let sent_at = self.plausible(fact.at);
        let mut message = self.blank(tx, &ticket, &fact, kind, sent_at);
        message.conversation_id = Some(conversation.id);
        message.author_name = contact.name.clone();
        if let Some(quoted) = &fact.quoted {
            message.quoted_id = self.message(tx, quoted).await?.map(|m| m.id);
        }
        message.attachments = attachments_of(tx.now(), &fact.attachments);
        let before = ticket.clone();
        let mut ticket = ticket;
        let mut message =
            rows::insert_message(tx, &mut ticket, Some(self.inbox.id), message, fact.extra).await?;
        self.fetch_attachments(tx, &message, &fact.attachments)
            .await?;

        let view = inboxes::view_without_secrets(self.app, &self.inbox);
        let heard = threads::heard_from(conversation, self.channel, &view, sent_at);
        rows::put_conversation(tx, &ticket, false, heard).await?;
        follow_message(&mut ticket, &message, &self.inbox.channel);
        ticket.status = ticket.status.customer_wrote();
        ticket.snoozed_until = None;
        ticket.closed_at = None;
        ticket.waiting_since = ticket.waiting_since.or(Some(tx.now()));
        if ticket.subject.is_empty() {
            ticket.subject = message
                .text
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(120)
                .collect();
        }
        let ticket = work::customer_wrote(tx, before, ticket).await?;
        self.inbox_heard(tx).await?;
        for early in early_facts_of(tx, &self.inbox, &fact.external_id).await? {
            message = self.apply_to(tx, &ticket, message, early).await?;
        }
        Ok(())
    }

    /// Our own words came back. Either it is the message we are sending (then its id is learnt,
    /// even before the send call returned), or somebody answered in the provider's own app.
    async fn own_echo(&mut self, tx: &mut Tx, fact: InboundMessage) -> Result<()> {
        if self.message(tx, &fact.external_id).await?.is_some() {
            return Ok(());
        }
        let tenant = self.inbox.tenant_id;
        let pending = match &fact.client_id {
            Some(client) => outbound::by_client_id(tx, tenant, self.inbox.id, client).await?,
            None => None,
        };
        let pending = match pending {
            Some(message) => Some(message),
            None => {
                outbound::pending(tx, tenant, self.inbox.id, &fact.peer.handle, &fact.text).await?
            }
        };
        if let Some(mut message) = pending {
            message.external_id = Some(fact.external_id.clone());
            message.state = message.state.receipt(MessageState::Sent);
            message.problem = None;
            let ticket = tickets::get(tx, tenant, message.ticket_id).await?;
            messages::set_extra(tx, tenant, message.id, fact.extra).await?;
            rows::update_message(tx, &ticket, message).await?;
            return Ok(());
        }
        if fact.from_this_app == Some(true) || fact.peer.handle.is_empty() {
            return Ok(());
        }
        self.outside_agent(tx, fact).await
    }

    /// A colleague answered in the provider's app: outbound, opens no contact of our own account.
    async fn outside_agent(&mut self, tx: &mut Tx, fact: InboundMessage) -> Result<()> {
        let (identity, contact) = identify(tx, &self.inbox, &fact.peer).await?;
        let Thread {
            conversation,
            ticket,
        } = threads::find_or_open(
            tx,
            &self.inbox,
            &identity,
            &contact,
            &fact.thread,
            &fact.text,
        )
        .await?;
        let sent_at = self.plausible(fact.at);
        let mut message = self.blank(tx, &ticket, &fact, MessageKind::Text, sent_at);
        message.conversation_id = Some(conversation.id);
        message.direction = Direction::Outbound;
        message.state = MessageState::Sent;
        message.author = AuthorKind::OutsideAgent;
        message.attachments = attachments_of(tx.now(), &fact.attachments);
        let before = ticket.clone();
        let mut ticket = ticket;
        let message =
            rows::insert_message(tx, &mut ticket, Some(self.inbox.id), message, fact.extra).await?;
        self.fetch_attachments(tx, &message, &fact.attachments)
            .await?;
        follow_message(&mut ticket, &message, &self.inbox.channel);
        ticket.waiting_since = None;
        rows::put_ticket(tx, Some(&before), ticket).await?;
        Ok(())
    }

    fn blank(
        &self,
        tx: &Tx,
        ticket: &Ticket,
        fact: &InboundMessage,
        kind: MessageKind,
        sent_at: Time,
    ) -> Message {
        let now = tx.now();
        Message {
            id: MessageId::new(now),
            tenant_id: self.inbox.tenant_id,
            ticket_id: ticket.id,
            conversation_id: None,
            direction: Direction::Inbound,
            kind,
            state: MessageState::Received,
            author: AuthorKind::Contact,
            author_user_id: None,
            author_name: String::new(),
            text: fact.text.chars().take(TEXT_CHARS_MAX).collect(),
            html: fact.html.clone(),
            external_id: Some(fact.external_id.clone()),
            client_id: None,
            quoted_id: None,
            reactions: Vec::new(),
            attachments: Vec::new(),
            problem: None,
            position: 0,
            sent_at,
            created_at: now,
            edited_at: None,
            deleted_at: None,
            version: 0,
        }
    }

    /// A provider's clock is believed unless it is in our future.
    fn plausible(&self, at: Option<Time>) -> Time {
        at.filter(|at| *at <= self.received_at)
            .unwrap_or(self.received_at)
    }

    async fn fetch_attachments(
        &self,
        tx: &mut Tx,
        message: &Message,
        media: &[Media],
    ) -> Result<()> {
        for (ordinal, (attachment, media)) in message.attachments.iter().zip(media).enumerate() {
            let stored = StoredAttachment {
                tenant_id: message.tenant_id,
                attachment: attachment.clone(),
                message_id: Some(message.id),
                uploaded_by: None,
                blob: None,
                source: Some(media.media.clone()),
                ordinal: ordinal as i64,
                created_at: tx.now(),
            };
            attachments::insert(tx, &stored).await?;
            tx.enqueue(NewJob::new(
                Job::FetchMedia {
                    inbox: self.inbox.id,
                    message: message.id,
                    attachment: attachment.id,
                    media: media.media.clone(),
                },
                format!("media:{}", attachment.id),
            ));
        }
        Ok(())
    }

    async fn inbox_heard(&mut self, tx: &Tx) -> Result<()> {
        // A health figure for the channel page, not worth an event per message.
        store::queries::inboxes::touch(
            tx,
            self.inbox.tenant_id,
            self.inbox.id,
            Some(tx.now()),
            None,
        )
        .await?;
        Ok(())
    }

    async fn with_message<F>(&self, tx: &mut Tx, external_id: &str, change: F) -> Result<()>
    where
        F: FnOnce(&mut Message, Time) -> bool,
    {
        let Some(mut message) = self.message(tx, external_id).await? else {
            return Ok(());
        };
        if change(&mut message, tx.now()) {
            let ticket = tickets::get(tx, self.inbox.tenant_id, message.ticket_id).await?;
            let message = rows::update_message(tx, &ticket, message).await?;
            self.refresh_preview(tx, ticket, &message).await?;
        }
        Ok(())
    }

    /// The list row follows an edit or delete of the newest message.
    async fn refresh_preview(&self, tx: &mut Tx, ticket: Ticket, message: &Message) -> Result<()> {
        if message.position != ticket.message_head
            || ticket.last_message_preview == preview(message)
        {
            return Ok(());
        }
        let before = ticket.clone();
        let mut ticket = ticket;
        ticket.last_message_preview = preview(message);
        rows::put_ticket(tx, Some(&before), ticket).await?;
        Ok(())
    }

    async fn edited(
        &self,
        tx: &mut Tx,
        id: &str,
        text: String,
        html: Option<String>,
        at: Option<Time>,
    ) -> Result<()> {
        self.with_message(tx, id, |message, now| {
            edit(message, text, html, at.unwrap_or(now))
        })
        .await
    }

    async fn deleted(&self, tx: &mut Tx, id: &str, at: Option<Time>) -> Result<()> {
        self.with_message(tx, id, |message, now| delete(message, at.unwrap_or(now)))
            .await
    }

    async fn reaction(
        &self,
        tx: &mut Tx,
        id: &str,
        by: &Peer,
        emoji: String,
        removed: bool,
    ) -> Result<()> {
        let by = by.handle.clone();
        self.with_message(tx, id, |message, _| react(message, by, emoji, removed))
            .await
    }

    async fn receipt(
        &self,
        tx: &mut Tx,
        of: Receipt,
        state: ReceiptState,
        problem: Option<String>,
    ) -> Result<()> {
        let tenant = self.inbox.tenant_id;
        let found = match of {
            Receipt::Message { external_id } => {
                self.message(tx, &external_id).await?.into_iter().collect()
            }
            Receipt::Client { client_id } => {
                let found = outbound::by_client_id(tx, tenant, self.inbox.id, &client_id).await?;
                found.into_iter().collect()
            }
            Receipt::UpTo { peer, thread, time } => {
                outbound::up_to(tx, tenant, self.inbox.id, &peer.handle, &thread, time).await?
            }
        };
        for mut message in found {
            if receive(&mut message, state, problem.clone()) {
                let ticket = tickets::get(tx, tenant, message.ticket_id).await?;
                rows::update_message(tx, &ticket, message).await?;
            }
        }
        Ok(())
    }

    /// An early fact, applied to the message that has just been stored.
    async fn apply_to(
        &self,
        tx: &mut Tx,
        ticket: &Ticket,
        mut message: Message,
        fact: Inbound,
    ) -> Result<Message> {
        let now = tx.now();
        let changed = match fact {
            Inbound::Edit { text, html, at, .. } => {
                edit(&mut message, text, html, at.unwrap_or(now))
            }
            Inbound::Delete { at, .. } => delete(&mut message, at.unwrap_or(now)),
            Inbound::Reaction {
                by, emoji, removed, ..
            } => react(&mut message, by.handle, emoji, removed),
            Inbound::Receipt { state, problem, .. } => receive(&mut message, state, problem),
            _ => false,
        };
        if !changed {
            return Ok(message);
        }
        let message = rows::update_message(tx, ticket, message).await?;
        self.refresh_preview(tx, ticket.clone(), &message).await?;
        Ok(message)
    }

    async fn account_problem(&mut self, tx: &mut Tx, died: bool, reason: String) -> Result<()> {
        let mut inbox =
            store::queries::inboxes::get(tx, self.inbox.tenant_id, self.inbox.id).await?;
        if died {
            inbox.state = inbox.state.credentials_died()?;
        }
        inbox.problem = Some(reason);
        self.inbox = rows::put_inbox(tx, inbox).await?;
        Ok(())
    }

    /// A kind we do not know. With a peer it becomes a placeholder that keeps the raw event.
    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one fact, taken apart by the match"
    )]
    async fn unknown(
        &mut self,
        tx: &mut Tx,
        what: String,
        external_id: Option<String>,
        peer: Option<Peer>,
        thread: String,
        at: Option<Time>,
        raw: Value,
    ) -> Result<()> {
        let (Some(external_id), Some(peer)) = (external_id, peer) else {
            tracing::info!(channel = %self.inbox.channel, fact.kind = %what, "kept a delivery of an unknown kind");
            return Ok(());
        };
        if self.message(tx, &external_id).await?.is_some() {
            return Ok(());
        }
        let fact = InboundMessage {
            external_id,
            peer,
            thread,
            text: what,
            at,
            extra: serde_json::json!({ "raw": raw }),
            ..InboundMessage::default()
        };
        self.store_inbound(tx, fact, MessageKind::Unsupported).await
    }
}
