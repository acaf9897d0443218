//! Our own words come back: as the echo of what we are sending, or because a colleague answered
//! in the provider's own app. Neither is ever a customer's message.
//!
//! An echo may overtake the answer to the send that caused it. It is recognised by our client id,
//! by the provider's id (of any piece of a long text), or by its words; what cannot be told apart
//! while something is on its way to the same person waits for that to end.

use super::changes::{catch_up, fetch_files, known};
use super::effects::{attachments_of, follow_message};
use super::facts::{Applied, Context};
use super::people::identify;
use super::threads::{self, Thread};
use crate::{Result, rows};
use channels::InboundMessage;
use chrono::Duration;
use domain::inbox::Inbox;
use domain::message::{AuthorKind, Direction, Message, MessageKind, MessageState};
use domain::ticket::Ticket;
use store::Tx;
use store::queries::{messages, outbound, tickets};

/// Longer than any answer takes.
const ECHO_WAITS: Duration = Duration::seconds(45);

impl Context<'_> {
    pub(super) async fn own_echo(&mut self, tx: &mut Tx, fact: InboundMessage) -> Result<Applied> {
        let tenant = self.inbox.tenant_id;
        let handle = &fact.peer.handle;
        if known(tx, &self.inbox, &fact.external_id).await?.is_some()
            || outbound::is_piece(tx, tenant, self.inbox.id, handle, &fact.external_id).await?
        {
            return Ok(Applied::Done);
        }
        let on_its_way = outbound::on_its_way(tx, tenant, self.inbox.id, handle).await?;
        let by_client = match &fact.client_id {
            Some(client) => outbound::by_client_id(tx, tenant, self.inbox.id, client).await?,
            None => None,
        };
        let same_words = |message: &&Message| {
            message
                .text
                .split_whitespace()
                .eq(fact.text.split_whitespace())
        };
        let ours = by_client.or_else(|| on_its_way.iter().find(same_words).cloned());
        if let Some(message) = ours {
            self.learnt(tx, message, fact).await?;
            return Ok(Applied::Done);
        }
        if fact.from_this_app == Some(true) || handle.is_empty() {
            return Ok(Applied::Done);
        }
        let may_be_ours = fact.from_this_app.is_none() && !on_its_way.is_empty();
        if may_be_ours && tx.now() - self.received_at < ECHO_WAITS {
            return Ok(Applied::Later);
        }
        self.outside_agent(tx, fact).await?;
        Ok(Applied::Done)
    }

    /// The message we are sending has its id, even before the send call returned.
    async fn learnt(&self, tx: &mut Tx, mut message: Message, fact: InboundMessage) -> Result<()> {
        let tenant = self.inbox.tenant_id;
        message.external_id = Some(fact.external_id);
        message.state = message.state.receipt(MessageState::Sent);
        // A failure that was told before this is still one.
        message.problem = message
            .problem
            .filter(|_| message.state == MessageState::Failed);
        let ticket = tickets::get(tx, tenant, message.ticket_id).await?;
        messages::set_extra(tx, tenant, message.id, fact.extra).await?;
        let message = rows::update_message(tx, &ticket, message).await?;
        catch_up(tx, &self.inbox, ticket, message).await?;
        Ok(())
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
            fact.subject.as_deref().unwrap_or(&fact.text),
        )
        .await?;
        let mut message = self.blank(tx, &ticket, &fact, MessageKind::Text);
        message.conversation_id = Some(conversation.id);
        message.direction = Direction::Outbound;
        message.state = MessageState::Sent;
        message.author = AuthorKind::OutsideAgent;
        message.attachments = attachments_of(tx.now(), &fact.attachments);
        let before = ticket.clone();
        let mut ticket = ticket;
        let message =
            rows::insert_message(tx, &mut ticket, Some(self.inbox.id), message, fact.extra).await?;
        fetch_files(tx, &self.inbox, &message, &fact.attachments).await?;
        follow_message(&mut ticket, &message, &self.inbox.channel);
        ticket.waiting_since = None;
        let ticket = rows::put_ticket(tx, Some(&before), ticket).await?;
        catch_up(tx, &self.inbox, ticket, message).await?;
        Ok(())
    }
}

/// An echo that nobody recognised in time was shown as a colleague's answer. Now that the send has
/// told its id, that line goes: the words were said once.
pub async fn forget_twin(
    tx: &mut Tx,
    inbox: &Inbox,
    ticket: &Ticket,
    message: &Message,
    external_id: &str,
) -> Result<()> {
    let twin = known(tx, inbox, external_id).await?;
    let Some(mut twin) = twin.filter(|twin| twin.id != message.id) else {
        return Ok(());
    };
    twin.external_id = None;
    twin.text.clear();
    twin.html = None;
    twin.deleted_at = Some(tx.now());
    rows::update_message(tx, ticket, twin).await?;
    Ok(())
}
