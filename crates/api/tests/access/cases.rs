//! Rules of tickets, messages, conversations, contacts, uploads and calls.

use crate::rules::{DONE, Foreign, Row, Rule, mutation, query};
use domain::permission::Permission::{Read, WorkTickets};

/// A query for one node: `null` for somebody of another tenant.
fn one(field: &'static str, rest: fn(&crate::world::World) -> String) -> Row {
    Row {
        foreign: Foreign::NotFound,
        ..query(field, Rule::Needs(Read), rest)
    }
}

fn work(field: &'static str, rest: fn(&crate::world::World) -> String) -> Row {
    mutation(field, Rule::Needs(WorkTickets), Foreign::NotFound, rest)
}

pub fn rows() -> Vec<Row> {
    [reads(), tickets(), messages(), contacts()].concat()
}

fn reads() -> Vec<Row> {
    use Rule::Needs;
    vec![
        query("tickets", Needs(Read), |_| {
            "(first: 5) { total edges { node { id subject messages(first: 5) { text } } } }".into()
        }),
        query("ticketCounts", Needs(Read), |_| {
            "{ all open queues { queueId open } }".into()
        }),
        query("contacts", Needs(Read), |_| {
            "(first: 5) { edges { node { id name identities { handle } } } }".into()
        }),
        query("calls", Needs(Read), |_| {
            "(first: 5) { edges { node { id } } }".into()
        }),
        one("ticket", |w| {
            format!("(id: \"{}\") {{ id subject contact {{ name }} }}", w.ticket)
        }),
        one("contact", |w| {
            format!("(id: \"{}\") {{ id name }}", w.contact)
        }),
        one("conversation", |w| {
            format!("(id: \"{}\") {{ id contact {{ name }} }}", w.conversation)
        }),
        one("message", |w| {
            format!("(id: \"{}\") {{ id text }}", w.message)
        }),
    ]
}

fn tickets() -> Vec<Row> {
    vec![
        work("takeTicket", |w| format!("(id: \"{}\") {DONE}", w.ticket)),
        work("assignTicket", |w| format!("(id: \"{}\") {DONE}", w.ticket)),
        work("transferTicket", |w| {
            format!("(id: \"{}\", queueId: \"{}\") {DONE}", w.ticket, w.queue)
        }),
        work("setTicketStatus", |w| {
            format!("(id: \"{}\", status: OPEN) {DONE}", w.ticket)
        }),
        work("setTicketPriority", |w| {
            format!("(id: \"{}\", priority: HIGH) {DONE}", w.ticket)
        }),
        work("setTicketTags", |w| {
            format!("(id: \"{}\", add: [\"vip\"]) {DONE}", w.ticket)
        }),
        work("setTicketSubject", |w| {
            format!("(id: \"{}\", subject: \"canary\") {DONE}", w.ticket)
        }),
        work("markTicketRead", |w| {
            format!("(id: \"{}\", position: 1) {DONE}", w.ticket)
        }),
    ]
}

fn messages() -> Vec<Row> {
    vec![
        work("sendMessage", |w| {
            format!(
                "(input: {{conversationId: \"{}\", text: \"hi\", clientId: \"c1\", seen: 99}}) {DONE}",
                w.conversation
            )
        }),
        work("addNote", |w| {
            format!(
                "(ticketId: \"{}\", text: \"hi\", clientId: \"c2\") {DONE}",
                w.ticket
            )
        }),
        work("cancelMessage", |w| {
            format!("(id: \"{}\") {DONE}", w.message)
        }),
        work("retryMessage", |w| {
            format!("(id: \"{}\") {DONE}", w.message)
        }),
        work("markMessageSent", |w| {
            format!("(id: \"{}\") {DONE}", w.message)
        }),
        work("editMessage", |w| {
            format!("(id: \"{}\", text: \"hi\") {DONE}", w.message)
        }),
        work("deleteMessage", |w| {
            format!("(id: \"{}\") {DONE}", w.message)
        }),
        mutation(
            "createUpload",
            Rule::Needs(WorkTickets),
            Foreign::NothingNamed,
            |_| format!("(name: \"a.png\", mediaType: \"image/png\", sizeBytes: 10) {DONE}"),
        ),
    ]
}

fn contacts() -> Vec<Row> {
    vec![
        work("startConversation", |w| {
            format!(
                "(contactId: \"{}\", inboxId: \"{}\", handle: \"@x\") {DONE}",
                w.contact, w.inbox.id
            )
        }),
        work("updateContact", |w| {
            format!("(id: \"{}\", note: \"vip\") {DONE}", w.contact)
        }),
        work("mergeContacts", |w| {
            // The second one exists nowhere; the first one decides what a stranger hears.
            let nobody = "con_01m7wk4wpye00ttfbcsbf4vg9a";
            format!("(into: \"{}\", from: \"{nobody}\") {DONE}", w.contact)
        }),
        work("unmergeContact", |w| {
            format!("(id: \"{}\") {DONE}", w.contact)
        }),
    ]
}
