//! Where a message belongs: identity × inbox × thread is a conversation, and the conversations of
//! one contact share one open ticket, so that one customer who wrote, texted and called is one case.

use crate::{Result, rows};
use channels::Channel;
use chrono::Duration;
use domain::contact::{Contact, Identity};
use domain::conversation::Conversation;
use domain::inbox::Inbox;
use domain::ticket::{Priority, Ticket, TicketStatus};
use domain::{ConversationId, TicketId, Time};
use store::Tx;
use store::queries::{conversations, tickets};

/// A closed ticket is reopened by its customer within this time; later, a new one begins.
const REOPEN_DAYS: i64 = 14;
const SUBJECT_CHARS_MAX: usize = 120;

/// The conversation of a message and its ticket, made or reopened where needed.
pub struct Thread {
    pub conversation: Conversation,
    pub ticket: Ticket,
}

pub async fn find_or_open(
    tx: &mut Tx,
    inbox: &Inbox,
    identity: &Identity,
    contact: &Contact,
    thread: &str,
    first_text: &str,
) -> Result<Thread> {
    let tenant = inbox.tenant_id;
    let known = conversations::by_thread(tx, tenant, inbox.id, identity.id, thread).await?;
    let current = match &known {
        Some(conversation) => Some(tickets::lock(tx, tenant, conversation.ticket_id).await?),
        None => None,
    };
    let now = tx.now();
    let usable = current.filter(|ticket| takes_more(ticket, now));
    let ticket = match usable {
        Some(ticket) => ticket,
        None => match tickets::newest_open_of_contact(tx, tenant, contact.id).await? {
            Some(ticket) => tickets::lock(tx, tenant, ticket.id).await?,
            None => open_ticket(tx, inbox, contact, first_text).await?,
        },
    };
    let (is_new, mut conversation) = match known {
        Some(conversation) => (false, conversation),
        None => (
            true,
            new_conversation(inbox, identity, contact, &ticket, thread, now),
        ),
    };
    if is_new || conversation.ticket_id != ticket.id {
        conversation.ticket_id = ticket.id;
        conversation = rows::put_conversation(tx, &ticket, is_new, conversation).await?;
    }
    Ok(Thread {
        conversation,
        ticket,
    })
}

fn takes_more(ticket: &Ticket, now: Time) -> bool {
    match (ticket.status, ticket.closed_at) {
        (TicketStatus::Closed, Some(closed)) => now - closed < Duration::days(REOPEN_DAYS),
        (TicketStatus::Closed, None) => false,
        _ => true,
    }
}

pub fn new_conversation(
    inbox: &Inbox,
    identity: &Identity,
    contact: &Contact,
    ticket: &Ticket,
    thread: &str,
    now: Time,
) -> Conversation {
    Conversation {
        id: ConversationId::new(now),
        tenant_id: inbox.tenant_id,
        inbox_id: inbox.id,
        identity_id: identity.id,
        contact_id: contact.id,
        ticket_id: ticket.id,
        thread: thread.to_owned(),
        last_inbound_at: None,
        reply_until: None,
        created_at: now,
        version: 0,
    }
}

/// A new open ticket in the inbox's queue, without messages yet.
pub async fn open_ticket(
    tx: &mut Tx,
    inbox: &Inbox,
    contact: &Contact,
    first_text: &str,
) -> Result<Ticket> {
    let now = tx.now();
    let ticket = Ticket {
        id: TicketId::new(now),
        tenant_id: inbox.tenant_id,
        number: tickets::next_number(tx, inbox.tenant_id).await?,
        subject: subject_of(first_text),
        status: TicketStatus::Open,
        priority: Priority::Normal,
        tags: Vec::new(),
        contact_id: contact.id,
        queue_id: inbox.queue_id,
        assignee_id: None,
        snoozed_until: None,
        channel: inbox.channel.clone(),
        message_head: 0,
        last_message_at: now,
        last_message_preview: String::new(),
        last_message_inbound: true,
        waiting_since: None,
        created_at: now,
        updated_at: now,
        closed_at: None,
        version: 0,
    };
    rows::put_ticket(tx, None, ticket).await
}

/// The first line that says something, cut at a word.
fn subject_of(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    if line.chars().count() <= SUBJECT_CHARS_MAX {
        return line.to_owned();
    }
    let cut: String = line.chars().take(SUBJECT_CHARS_MAX).collect();
    let end = cut
        .rfind(char::is_whitespace)
        .filter(|at| *at > SUBJECT_CHARS_MAX / 2)
        .unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

/// Sets until when the channel lets us answer.
pub fn heard_from(
    mut conversation: Conversation,
    channel: &dyn Channel,
    view: &channels::Inbox,
    at: Time,
) -> Conversation {
    if conversation.last_inbound_at.is_none_or(|last| last < at) {
        conversation.last_inbound_at = Some(at);
        conversation.reply_until = channel.reply_until(view, at);
    }
    conversation
}

#[cfg(test)]
mod tests {
    use super::subject_of;

    #[test]
    fn a_subject_is_the_first_line_that_says_something() {
        assert_eq!(subject_of("\n  \n 안녕하세요 \n주문 문의"), "안녕하세요");
        assert_eq!(subject_of(""), "");
    }

    #[test]
    fn a_long_subject_is_cut_at_a_word_and_says_so() {
        let subject = subject_of(&"word ".repeat(60));
        assert!(subject.ends_with("word…"));
        assert!(subject.chars().count() <= 121);
        let korean = subject_of(&"가".repeat(500));
        assert_eq!(korean.chars().count(), 121);
    }
}
