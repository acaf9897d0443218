//! Words of texts, the same for documents and for questions, and the jobs that keep them.
//!
//! Invariants: what was deleted cannot be found after its job has run, because a document is
//! always built from what is there now; tokens hold letters and digits only, so no token can mean
//! anything to a query language. Scripts without spaces (Han, Kana, Hangul) become overlapping
//! pairs: "배송이" is found by "배송", and nobody needs a dictionary.

use crate::jobs::{End, finish};
use crate::{App, Result};
use domain::contact::{Contact, Identity};
use domain::job::Job;
use domain::message::Message;
use domain::ticket::Ticket;
use domain::{ContactId, TenantId, TicketId};
use std::collections::{BTreeMap, BTreeSet};
use store::queries::search::{Match, TOKENS_MAX};
use store::queries::{contacts, identities, messages, search, tickets};
use store::{Db, StoredJob, Tx, jobs};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Characters of one text that are read.
const TEXT_CHARS_MAX: usize = 200_000;
/// Longer words are cut; nobody types them.
const TOKEN_CHARS_MAX: usize = 40;
const QUESTION_CHARS_MAX: usize = 200;
const QUESTION_TOKENS_MAX: usize = 24;
/// Newest messages of a ticket that can be found.
const MESSAGES_MAX: u64 = 200;

/// The tokens of a document.
pub fn tokens(text: &str) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    for run in runs(text, TEXT_CHARS_MAX) {
        if tokens.len() >= TOKENS_MAX {
            break;
        }
        match run {
            Run::Word(word) => {
                tokens.insert(word);
            }
            Run::Pairs(chars) => {
                tokens.extend(pairs(&chars));
                // Alone, the last character begins no pair but may be asked for.
                tokens.extend(chars.last().map(ToString::to_string));
            }
        }
    }
    tokens
}

/// What a person typed; `None` when it holds no word. The last word may still be unfinished.
pub fn question(text: &str) -> Option<Match> {
    let mut tokens = Vec::new();
    let mut last_is_prefix = false;
    for run in runs(text, QUESTION_CHARS_MAX) {
        match run {
            Run::Word(word) => {
                last_is_prefix = true;
                tokens.push(word);
            }
            Run::Pairs(chars) => {
                last_is_prefix = chars.len() == 1;
                if last_is_prefix {
                    tokens.extend(chars.first().map(ToString::to_string));
                } else {
                    tokens.extend(pairs(&chars));
                }
            }
        }
    }
    tokens.truncate(QUESTION_TOKENS_MAX);
    let finished = text.ends_with(char::is_whitespace);
    (!tokens.is_empty()).then_some(Match {
        last_is_prefix: last_is_prefix && !finished,
        tokens,
    })
}

enum Run {
    Word(String),
    /// Characters of a script that writes without spaces.
    Pairs(Vec<char>),
}

/// Cuts at everything that is neither letter nor digit, and where a script begins or ends.
fn runs(text: &str, chars_max: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut word = String::new();
    let mut chars = Vec::new();
    let mut letters = 0_usize;
    for c in folded(text).take(chars_max) {
        let without_spaces = has_no_spaces(c);
        if !without_spaces && !chars.is_empty() {
            runs.push(Run::Pairs(std::mem::take(&mut chars)));
        }
        let in_word = !without_spaces && (c.is_alphanumeric() || is_combining_mark(c));
        if !in_word && !word.is_empty() {
            runs.push(Run::Word(std::mem::take(&mut word)));
            letters = 0;
        }
        if without_spaces {
            chars.push(c);
        } else if in_word && letters < TOKEN_CHARS_MAX {
            word.push(c);
            letters += 1;
        }
    }
    if !word.is_empty() {
        runs.push(Run::Word(word));
    }
    if !chars.is_empty() {
        runs.push(Run::Pairs(chars));
    }
    runs
}

/// NFKC and lower case, without the accents of Latin, Greek and Cyrillic letters: "Café" is "cafe".
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .nfd()
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .nfc()
}

fn has_no_spaces(c: char) -> bool {
    matches!(c,
        '\u{3040}'..='\u{30ff}'          // Hiragana, Katakana
        | '\u{31f0}'..='\u{31ff}'        // Katakana extensions
        | '\u{3400}'..='\u{4dbf}'        // Han, extension A
        | '\u{4e00}'..='\u{9fff}'        // Han
        | '\u{f900}'..='\u{faff}'        // Han, compatibility
        | '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' // Hangul
        | '\u{20000}'..='\u{323af}'      // Han, later extensions
    ) && c.is_alphanumeric()
}

fn pairs(chars: &[char]) -> impl Iterator<Item = String> + '_ {
    chars.windows(2).map(|pair| pair.iter().collect())
}

/// What an indexed noun says now; `None` when it is gone.
enum Document {
    Ticket(TicketId, BTreeSet<String>),
    Contact(ContactId, BTreeSet<String>),
}

impl Document {
    /// For the jobs that index; others have none.
    async fn of(read: &impl Db, tenant: TenantId, job: &Job) -> Result<Option<Self>> {
        match job {
            Job::IndexTicket { ticket } => ticket_document(read, tenant, *ticket).await,
            Job::IndexContact { contact } => contact_document(read, tenant, *contact).await,
            _ => Ok(None),
        }
    }

    async fn put(&self, tx: &Tx, tenant: TenantId) -> Result<()> {
        match self {
            Self::Ticket(id, tokens) => search::put_ticket(tx, tenant, *id, tokens).await?,
            Self::Contact(id, tokens) => search::put_contact(tx, tenant, *id, tokens).await?,
        }
        Ok(())
    }
}

/// Writes the document of a ticket or contact anew.
pub(crate) async fn index(app: &App, job: &StoredJob) -> Result<End> {
    let document = Document::of(&app.read(), job.tenant_id, &job.job).await?;
    let tx = app.begin(job.tenant_id, "index").await?;
    if let Some(document) = document {
        document.put(&tx, job.tenant_id).await?;
    }
    finish(app, tx, job).await
}

/// The same for many jobs of one tenant, each noun once: what is read now holds what all of its
/// jobs were about.
pub(crate) async fn index_all(app: &App, tenant: TenantId, batch: &[StoredJob]) -> Result<()> {
    let read = app.read();
    let by_lane: BTreeMap<&str, &Job> = batch.iter().map(|j| (j.lane.as_str(), &j.job)).collect();
    let mut documents = Vec::with_capacity(by_lane.len());
    for job in by_lane.into_values() {
        documents.extend(Document::of(&read, tenant, job).await?);
    }
    let tx = app.store.begin_background(tenant, "index").await?;
    for document in documents {
        document.put(&tx, tenant).await?;
    }
    jobs::batch::finish(&tx, batch).await?;
    app.commit(tx, ()).await
}

/// Number, subject, tags, who it is about, and what was said.
async fn ticket_document(
    read: &impl Db,
    tenant: TenantId,
    id: TicketId,
) -> Result<Option<Document>> {
    let Some(ticket) = tickets::find(read, tenant, id).await? else {
        return Ok(None);
    };
    let contact = contacts::get(read, tenant, ticket.contact_id).await?;
    let identities = identities::of_contacts(read, tenant, &[contact.id]).await?;
    let newest = messages::before(read, tenant, id, i64::MAX, MESSAGES_MAX).await?;
    let tokens = words_of(&ticket, &contact, &identities, &newest);
    Ok(Some(Document::Ticket(id, tokens)))
}

/// Name, note and identities.
async fn contact_document(
    read: &impl Db,
    tenant: TenantId,
    id: ContactId,
) -> Result<Option<Document>> {
    let Some(contact) = contacts::find(read, tenant, id).await? else {
        return Ok(None);
    };
    let identities = identities::of_contacts(read, tenant, &[id]).await?;
    let mut tokens = person(&contact, &identities);
    tokens.extend(self::tokens(&contact.note));
    Ok(Some(Document::Contact(id, tokens)))
}

fn words_of(
    ticket: &Ticket,
    contact: &Contact,
    identities: &[Identity],
    newest: &[Message],
) -> BTreeSet<String> {
    let mut all = tokens(&format!("{} {}", ticket.number, ticket.subject));
    all.extend(person(contact, identities));
    all.extend(tokens(&ticket.tags.join(" ")));
    for message in newest.iter().filter(|message| message.deleted_at.is_none()) {
        if all.len() >= TOKENS_MAX {
            break;
        }
        all.extend(tokens(&message.text));
        for file in &message.attachments {
            all.extend(tokens(&file.name));
        }
    }
    all
}

fn person(contact: &Contact, identities: &[Identity]) -> BTreeSet<String> {
    let mut all = tokens(&contact.name);
    for identity in identities {
        all.extend(tokens(&identity.display));
        all.extend(tokens(&identity.handle));
        // Numbers are asked for without spaces and dashes.
        let digits: String = identity
            .handle
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        if digits.len() > 4 {
            all.insert(digits.chars().take(TOKEN_CHARS_MAX).collect());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(question_text: &str, document: &str) -> bool {
        let all = tokens(document);
        question(question_text).is_some_and(|m| {
            let last = m.tokens.len() - 1;
            m.tokens.iter().enumerate().all(|(i, token)| {
                all.contains(token)
                    || (m.last_is_prefix && i == last && all.iter().any(|t| t.starts_with(token)))
            })
        })
    }

    #[test]
    fn people_find_what_they_remember_in_their_language() {
        for (question, document) in [
            ("배송", "주문하신 상품의 배송이 시작되었습니다"),
            ("다", "배송이 시작되었습니다"),
            ("配送", "商品の配送はいつですか"),
            ("ですか", "商品の配送はいつですか"),
            ("refu", "Please REFUND my order"),
            ("cafe", "Café Zürich"),
            ("CAFÉ", "cafe"),
            ("ｆｕｌｌ", "full width"),
            ("01012345678", "call 01012345678 back"),
            ("#42", "42 Where is it?"),
        ] {
            assert!(finds(question, document), "{question} in {document}");
        }
        for (question, document) in [
            ("refund ", "refunds"),
            ("송배", "배송"),
            ("order 7", "order 8"),
        ] {
            assert!(!finds(question, document), "{question} in {document}");
        }
    }

    #[test]
    fn a_question_without_words_asks_nothing() {
        for text in ["", "   ", "!?—", "\" OR *"] {
            assert!(question(text).is_none_or(|m| m.tokens == ["or"]), "{text}");
        }
        assert_eq!(question("()*:'\\").map(|m| m.tokens), None);
    }

    #[test]
    fn a_hostile_text_gives_a_bounded_document_of_letters_and_digits() {
        let text = "a".repeat(1_000_000) + &"𝒜한b'\"\\\u{0} ".repeat(100_000);
        let tokens = tokens(&text);
        assert!(tokens.iter().all(|t| t.chars().count() <= TOKEN_CHARS_MAX));
        assert!(
            tokens
                .iter()
                .flat_map(|t| t.chars())
                .all(|c| c.is_alphanumeric() || is_combining_mark(c))
        );
    }
}
