//! One fact of a provider applied to the rows, inside the worker's transaction.
//!
//! Facts may repeat, come out of order, or come before their message: each branch is written so
//! that applying it twice, late or early gives the same rows.

use super::changes::{catch_up, change, fetch_files, known, must_wait_for};
use super::effects::{TEXT_CHARS_MAX, attachments_of, follow_message, plausible};
use super::people::{follow, identify};
use super::threads::{self, Thread};
use crate::{App, Result, inboxes, rows, work};
use channels::{Channel, Inbound, InboundMessage, Peer};
use domain::inbox::Inbox;
use domain::message::{AuthorKind, Direction, Message, MessageKind, MessageState};
use domain::ticket::Ticket;
use domain::{MessageId, Time};
use serde_json::Value;
use store::Tx;
use store::queries::early_facts;

/// What became of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Done,
    /// It cannot be told yet what it means. Nothing was changed; ask again in a moment.
    Later,
}

pub struct Context<'a> {
    pub app: &'a App,
    pub inbox: Inbox,
    pub channel: &'static dyn Channel,
    pub received_at: Time,
    /// A customer wrote to the inbox.
    pub heard: bool,
}

impl Context<'_> {
    pub async fn apply(&mut self, tx: &mut Tx, fact: Inbound) -> Result<Applied> {
        if let Some(external_id) = must_wait_for(tx, &self.inbox, &fact).await? {
            let fact = serde_json::to_value(&fact).map_err(crate::Error::internal)?;
            early_facts::insert(tx, self.inbox.tenant_id, self.inbox.id, &external_id, fact)
                .await?;
            return Ok(Applied::Done);
        }
        match fact {
            Inbound::Message(message) if message.own_echo => {
                return self.own_echo(tx, *message).await;
            }
            Inbound::Message(message) => self.customer_message(tx, *message).await,
            Inbound::Edit { .. }
            | Inbound::Delete { .. }
            | Inbound::Receipt { .. }
            | Inbound::Reaction { .. } => change(tx, &self.inbox, self.received_at, fact).await,
            // Typing is lossy and never reaches the database.
            Inbound::Typing { .. } => Ok(()),
            Inbound::Profile(profile) => follow(tx, &self.inbox, &profile.peer).await,
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
        }?;
        Ok(Applied::Done)
    }

    async fn customer_message(&mut self, tx: &mut Tx, fact: InboundMessage) -> Result<()> {
        if known(tx, &self.inbox, &fact.external_id).await?.is_some() {
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
            fact.subject.as_deref().unwrap_or(&fact.text),
        )
        .await?;
        let Thread {
            conversation,
            ticket,
        } = thread;
        let mut message = self.blank(tx, &ticket, &fact, kind);
        message.conversation_id = Some(conversation.id);
        message.author_name = contact.name.clone();
        if let Some(quoted) = &fact.quoted {
            message.quoted_id = known(tx, &self.inbox, quoted).await?.map(|m| m.id);
        }
        message.attachments = attachments_of(tx.now(), &fact.attachments);
        let before = ticket.clone();
        let mut ticket = ticket;
        let message =
            rows::insert_message(tx, &mut ticket, Some(self.inbox.id), message, fact.extra).await?;
        fetch_files(tx, &self.inbox, &message, &fact.attachments).await?;

        let view = inboxes::view_without_secrets(self.app, &self.inbox);
        let heard = threads::heard_from(conversation, self.channel, &view, message.sent_at);
        rows::put_conversation(tx, &ticket, false, heard).await?;
        follow_message(&mut ticket, &message, &self.inbox.channel);
        if fact.automatic && before.message_head > 0 {
            // Two machines must not keep each other, or an agent, awake.
            rows::put_ticket(tx, Some(&before), ticket).await?;
            self.heard = true;
            return Ok(());
        }
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
        self.heard = true;
        catch_up(tx, &self.inbox, ticket, message).await?;
        Ok(())
    }

    pub(super) fn blank(
        &self,
        tx: &Tx,
        ticket: &Ticket,
        fact: &InboundMessage,
        kind: MessageKind,
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
            sent_at: plausible(fact.at, self.received_at),
            created_at: now,
            edited_at: None,
            deleted_at: None,
            version: 0,
        }
    }

    /// What is told about an account that is not in use is of no use either.
    async fn account_problem(&mut self, tx: &mut Tx, died: bool, reason: String) -> Result<()> {
        let mut fresh =
            store::queries::inboxes::get(tx, self.inbox.tenant_id, self.inbox.id).await?;
        if !fresh.state.may_send() {
            return Ok(());
        }
        self.inbox = if died {
            inboxes::lose_credentials(tx, fresh, reason).await?
        } else {
            fresh.problem = Some(reason);
            rows::put_inbox(tx, fresh).await?
        };
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
        if known(tx, &self.inbox, &external_id).await?.is_some() {
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
