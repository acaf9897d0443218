//! What a fact does to a message or ticket, as plain functions: applying one twice, late or early
//! gives the same state. Each returns whether anything changed.

use channels::{Media, ReceiptState};
use chrono::Duration;
use domain::message::{Attachment, AttachmentState, Direction, Message, MessageState, Reaction};
use domain::ticket::Ticket;
use domain::{AttachmentId, Time};

/// Longest text that is kept; no supported channel allows more.
pub const TEXT_CHARS_MAX: usize = 200_000;
const PREVIEW_CHARS_MAX: usize = 140;
pub const ATTACHMENTS_MAX: usize = 20;
const REACTIONS_MAX: usize = 100;

/// A provider's clock that is further off than this is not a clock but another unit.
const AGE_DAYS_MAX: i64 = 365;

/// When it happened: by the provider's clock unless that is in our future or absurdly far back.
pub fn plausible(at: Option<Time>, received_at: Time) -> Time {
    let oldest = received_at - Duration::days(AGE_DAYS_MAX);
    at.filter(|at| (oldest..=received_at).contains(at))
        .unwrap_or(received_at)
}

pub fn attachments_of(now: Time, media: &[Media]) -> Vec<Attachment> {
    let kept = media.iter().take(ATTACHMENTS_MAX);
    kept.map(|file| attachment_of(now, file)).collect()
}

pub fn attachment_of(now: Time, media: &Media) -> Attachment {
    Attachment {
        id: AttachmentId::new(now),
        state: AttachmentState::Pending,
        name: media.name.chars().take(200).collect(),
        media_type: media.media_type.clone(),
        size_bytes: media.size_bytes.and_then(|n| i64::try_from(n).ok()),
        problem: None,
    }
}

/// Lets the ticket's row show its newest message.
pub fn follow_message(ticket: &mut Ticket, message: &Message, channel: &str) {
    ticket.last_message_at = message.created_at;
    ticket.last_message_preview = preview(message);
    ticket.last_message_inbound = message.direction == Direction::Inbound;
    channel.clone_into(&mut ticket.channel);
}

pub fn preview(message: &Message) -> String {
    if message.deleted_at.is_some() {
        return String::new();
    }
    let text = message
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    match (text.is_empty(), message.attachments.first()) {
        (true, Some(file)) => format!("📎 {}", file.name),
        _ => text.chars().take(PREVIEW_CHARS_MAX).collect(),
    }
}

/// An older edit never replaces a newer one.
pub fn edit(message: &mut Message, text: String, html: Option<String>, at: Time) -> bool {
    if message.deleted_at.is_some()
        || message.edited_at.is_some_and(|last| last >= at)
        || message.text == text
    {
        return false;
    }
    message.text = text.chars().take(TEXT_CHARS_MAX).collect();
    message.html = html;
    message.edited_at = Some(at);
    true
}

/// Ours follow theirs: the words go, the line stays.
pub fn delete(message: &mut Message, at: Time) -> bool {
    if message.deleted_at.is_some() {
        return false;
    }
    message.deleted_at = Some(at);
    message.text.clear();
    message.html = None;
    true
}

/// A removal that names no emoji takes back whatever the person had.
pub fn react(message: &mut Message, by: String, emoji: String, removed: bool) -> bool {
    if removed && emoji.is_empty() {
        let before = message.reactions.len();
        message.reactions.retain(|r| r.by != by);
        return message.reactions.len() != before;
    }
    let had = message
        .reactions
        .iter()
        .any(|r| r.by == by && r.emoji == emoji);
    match (removed, had) {
        (false, false) if message.reactions.len() < REACTIONS_MAX => {
            message.reactions.push(Reaction { emoji, by });
            true
        }
        (true, true) => {
            message
                .reactions
                .retain(|r| !(r.by == by && r.emoji == emoji));
            true
        }
        _ => false,
    }
}

pub fn receive(message: &mut Message, state: ReceiptState, problem: Option<String>) -> bool {
    let next = message.state.receipt(state.message_state());
    if next == message.state {
        return false;
    }
    message.state = next;
    message.problem = problem.filter(|_| next == MessageState::Failed);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::message::{AuthorKind, MessageKind};
    use domain::{MessageId, TenantId, TicketId};

    fn message(now: Time) -> Message {
        Message {
            id: MessageId::new(now),
            tenant_id: TenantId::new(now),
            ticket_id: TicketId::new(now),
            conversation_id: None,
            direction: Direction::Outbound,
            kind: MessageKind::Text,
            state: MessageState::Sent,
            author: AuthorKind::User,
            author_user_id: None,
            author_name: String::new(),
            text: "first".into(),
            html: None,
            external_id: None,
            client_id: None,
            quoted_id: None,
            reactions: Vec::new(),
            attachments: Vec::new(),
            problem: None,
            position: 1,
            sent_at: now,
            created_at: now,
            edited_at: None,
            deleted_at: None,
            version: 0,
        }
    }

    fn at(second: i64) -> Time {
        domain::clock::from_micros(second * 1_000_000)
    }

    #[test]
    fn a_clock_is_believed_unless_it_is_ahead_or_counts_in_another_unit() {
        let received = at(1_790_000_000);
        let late = at(1_790_000_000 - 3 * 24 * 3600);
        assert_eq!(
            plausible(Some(late), received),
            late,
            "a repeat of days ago"
        );
        for absurd in [1_790_000_001, 1_790_000, 1_790_000_000_000] {
            assert_eq!(plausible(Some(at(absurd)), received), received);
        }
        assert_eq!(plausible(None, received), received);
    }

    #[test]
    fn a_late_older_edit_does_not_undo_a_newer_one() {
        let mut m = message(at(0));
        assert!(edit(&mut m, "newer".into(), None, at(20)));
        assert!(!edit(&mut m, "older".into(), None, at(10)));
        assert_eq!(m.text, "newer");
    }

    #[test]
    fn a_deleted_message_keeps_its_line_and_loses_its_words_for_good() {
        let mut m = message(at(0));
        assert!(delete(&mut m, at(5)));
        assert!(!edit(&mut m, "back again".into(), None, at(9)));
        assert!(m.text.is_empty() && preview(&m).is_empty());
    }

    #[test]
    fn receipts_never_go_backwards() {
        let mut m = message(at(0));
        assert!(receive(&mut m, ReceiptState::Read, None));
        assert!(!receive(&mut m, ReceiptState::Delivered, None));
        assert_eq!(m.state, MessageState::Read);
    }

    #[test]
    fn one_person_reacts_with_one_emoji_once() {
        let mut m = message(at(0));
        assert!(react(&mut m, "alice".into(), "⭐".into(), false));
        assert!(!react(&mut m, "alice".into(), "⭐".into(), false));
        assert!(react(&mut m, "alice".into(), "⭐".into(), true));
        assert!(m.reactions.is_empty());
    }

    #[test]
    fn a_removal_without_an_emoji_takes_back_what_this_person_had_and_nobody_elses() {
        let mut m = message(at(0));
        for by in ["alice", "bob"] {
            assert!(react(&mut m, by.into(), "⭐".into(), false));
        }
        assert!(react(&mut m, "alice".into(), String::new(), true));
        assert!(!react(&mut m, "alice".into(), String::new(), true));
        let left: Vec<_> = m.reactions.iter().map(|r| r.by.as_str()).collect();
        assert_eq!(left, ["bob"]);
    }
}
