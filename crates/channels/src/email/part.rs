//! A mail as a part: one line of ours in front of the bytes as they came.
//!
//! The line says what only the session knows: the thread that was proved with the inbox's key,
//! and the size of a mail that was too large to be fetched whole. It is the first line, which no
//! sender can write, because what a sender writes comes after it.

use super::thread::{digest, hex, thread_of_address, thread_of_id};
use crate::inbound::{Malformed, Part};
use mail_parser::{Address, HeaderValue, Message, MessageParser};
use sha2::{Digest, Sha256};

const MARK: &str = "Meari-Part: 1;";
/// Ids and addresses of one header that are looked at.
const LIST_MAX: usize = 100;
const ID_CHARS_MAX: usize = 250;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Proved by a signature of ours.
    pub thread: Option<String>,
    /// Only the head was fetched of a mail of so many bytes.
    pub oversize: Option<u32>,
}

impl Known {
    pub fn before(&self, mail: &[u8]) -> Vec<u8> {
        let thread = self.thread.as_deref().unwrap_or("-");
        let mut bytes =
            format!("{MARK}{thread};{}\r\n", self.oversize.unwrap_or(0)).into_bytes();
        bytes.extend_from_slice(mail);
        bytes
    }

    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let wrong = || Malformed::new("a mail without the line that is put before it");
        let end = bytes.iter().position(|b| *b == b'\n').ok_or_else(wrong)?;
        let line = std::str::from_utf8(&bytes[..end]).map_err(|_| wrong())?;
        let rest = line.trim_end().strip_prefix(MARK).ok_or_else(wrong)?;
        let (thread, size) = rest.split_once(';').ok_or_else(wrong)?;
        let size: u32 = size.parse().map_err(|_| wrong())?;
        let known = Self {
            thread: (thread != "-").then(|| thread.to_owned()),
            oversize: (size > 0).then_some(size),
        };
        Ok((known, &bytes[end + 1..]))
    }
}

/// A fetched mail as the part that is stored.
pub fn part(account: &str, key: &str, mail: &[u8], oversize: Option<u32>) -> Part {
    let headers = MessageParser::default().parse_headers(mail);
    let headers = headers.unwrap_or_default();
    let known = Known {
        thread: proved_thread(key, &headers),
        oversize,
    };
    Part {
        account: account.to_owned(),
        lane: sender(&headers).unwrap_or_default(),
        dedupe: dedupe(&external_id(&headers, mail)),
        bytes: known.before(mail),
    }
}

pub fn dedupe(external_id: &str) -> String {
    digest(external_id.as_bytes())
}

/// Equal for every copy of a mail, wherever it lies. Senders that give all their mails the same
/// Message-ID exist, so date and sender belong to it; without an id, the bytes are the id.
pub fn external_id(headers: &Message<'_>, mail: &[u8]) -> String {
    let id = headers.message_id().map(str::trim).unwrap_or_default();
    if id.is_empty() {
        return format!("sha256:{}", hex(&Sha256::digest(mail)));
    }
    let id: String = id.chars().take(ID_CHARS_MAX).collect();
    if super::thread::is_shaped_like_ours(&id) {
        return id;
    }
    let date = headers.date().map(|d| d.to_rfc3339()).unwrap_or_default();
    let rest = format!("{date} {}", sender(headers).unwrap_or_default());
    format!("{id}#{}", &digest(rest.as_bytes())[..8])
}

pub fn sender(headers: &Message<'_>) -> Option<String> {
    addresses(headers.from()).next()
}

/// Lower-case addresses of a header, a bounded number of them.
pub fn addresses<'a>(header: Option<&'a Address<'_>>) -> impl Iterator<Item = String> + 'a {
    header
        .into_iter()
        .flat_map(Address::iter)
        .filter_map(|address| address.address.as_deref())
        .map(|address| address.trim().to_lowercase())
        .filter(|address| is_address(address))
        .take(LIST_MAX)
}

/// Enough to be safe in a header and an envelope; whether it exists is the mail server's business.
pub fn is_address(text: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || "<>,;:\"()[]\\".contains(c);
    text.len() <= 254
        && !text.contains(strange)
        && text
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains(|c: char| c.is_alphanumeric()) && !local.contains('@'))
}

pub fn ids(header: &HeaderValue<'_>) -> Vec<String> {
    let ids: Vec<&str> = match header {
        HeaderValue::Text(id) => vec![id],
        HeaderValue::TextList(ids) => ids.iter().map(AsRef::as_ref).collect(),
        _ => Vec::new(),
    };
    let fine = |id: &&str| {
        !id.is_empty() && id.len() <= ID_CHARS_MAX && !id.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'))
    };
    ids.into_iter()
        .filter(fine)
        .take(LIST_MAX)
        .map(str::to_owned)
        .collect()
}

/// The newest id of ours decides, then an address of ours.
fn proved_thread(key: &str, headers: &Message<'_>) -> Option<String> {
    let answered = ids(headers.in_reply_to());
    let earlier = ids(headers.references());
    let by_id = answered
        .iter()
        .chain(earlier.iter().rev())
        .find_map(|id| thread_of_id(key, id));
    by_id.or_else(|| {
        let delivered = ["Delivered-To", "X-Original-To", "Envelope-To"]
            .into_iter()
            .filter_map(|name| headers.header_raw(name))
            .map(|value| value.trim().to_owned());
        addresses(headers.to())
            .chain(addresses(headers.cc()))
            .chain(delivered)
            .find_map(|address| thread_of_address(key, &address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::thread::{message_id, reply_address};

    const KEY: &str = "reply-key";

    fn thread_of(headers: &str) -> Option<String> {
        let mail = format!("{headers}\r\n\r\ntext");
        let part = part("help@moa.example", KEY, mail.as_bytes(), None);
        Known::split(&part.bytes).unwrap().0.thread
    }

    #[test]
    fn an_answer_finds_its_thread_by_our_id_even_with_another_subject() {
        let id = message_id(KEY, "00112233aabbccdd", "c1", "moa.example").unwrap();
        let found = Some("00112233aabbccdd".to_owned());
        let direct = format!("From: a@b.example\r\nSubject: quite another\r\nIn-Reply-To: <{id}>");
        assert_eq!(thread_of(&direct), found);
        let later = format!("From: a@b.example\r\nReferences: <{id}>\r\n <x@b.example>");
        assert_eq!(thread_of(&later), found);
    }

    #[test]
    fn an_answer_that_lost_its_references_finds_its_thread_by_the_address() {
        let to = reply_address(KEY, "00112233aabbccdd", "help@moa.example").unwrap();
        let found = Some("00112233aabbccdd".to_owned());
        assert_eq!(thread_of(&format!("From: a@b.example\r\nTo: {to}")), found);
        let forwarded = format!("From: a@b.example\r\nTo: x@moa.example\r\nDelivered-To: {to}");
        assert_eq!(thread_of(&forwarded), found);
    }

    #[test]
    fn the_same_subject_or_a_forged_id_proves_nothing() {
        assert_eq!(thread_of("From: a@b.example\r\nSubject: Re: order 5"), None);
        let forged = "mr1.00112233aabbccdd.00112233aabbccdd.00112233aabbccdd@moa.example";
        let headers = format!("From: a@b.example\r\nIn-Reply-To: <{forged}>");
        assert_eq!(thread_of(&headers), None);
    }

    #[test]
    fn a_sender_cannot_write_the_line_that_is_ours() {
        let mail = b"Meari-Part: 1;00112233aabbccdd;0\r\nFrom: a@b.example\r\n\r\nx";
        let part = part("help@moa.example", KEY, mail, None);
        let (known, rest) = Known::split(&part.bytes).unwrap();
        assert_eq!((known.thread, rest), (None, &mail[..]));
    }

    #[test]
    fn copies_are_one_mail_and_careless_senders_do_not_lose_any() {
        let mail = |date: &str| format!("Message-ID: <same@shop>\r\nFrom: a@b.example\r\nDate: {date}\r\n\r\nx");
        let key = |mail: &str| part("h@m.example", KEY, mail.as_bytes(), None).dedupe;
        let (first, second) = (
            mail("Sat, 21 Nov 2026 10:00:00 +0900"),
            mail("Sat, 21 Nov 2026 11:00:00 +0900"),
        );
        assert_eq!(key(&first), key(&format!("Received: again\r\n{first}")));
        assert_ne!(key(&first), key(&second));
        assert_ne!(key("From: a@b.example\r\n\r\nx"), key("From: a@b.example\r\n\r\ny"));
    }
}
