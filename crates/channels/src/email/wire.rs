//! IMAP on the wire: a stream of bytes cut into responses, and what a response says.
//!
//! Invariants: nothing of unbounded size is kept; a response is looked at once it is whole, so a
//! large literal costs no more than its bytes; nesting is bounded before the parser, which
//! recurses, sees it. Status lines are read here, because their codes decide what happens next
//! and the parser's list of codes is closed; data is read by `imap-proto`.

use chrono::{DateTime, FixedOffset};
use imap_proto::{AttributeValue, MailboxDatum, Response};

/// A response without its literals.
const LINE_MAX: usize = 1024 * 1024;
/// Deeper than anything we ask for.
const NESTING_MAX: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mail server sent more than can be taken")]
pub struct TooMuch;

/// Bytes in, whole responses out.
#[derive(Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Where the line that is looked at begins; before it are lines and literals of the same
    /// response.
    line: usize,
    /// How far the line was searched for its end.
    searched: usize,
}

impl Frames {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The next whole response with its line end. `literal_max` bounds all literals together.
    pub fn next(&mut self, literal_max: usize) -> Result<Option<Vec<u8>>, TooMuch> {
        loop {
            if self.line > literal_max + LINE_MAX {
                return Err(TooMuch);
            }
            let from = self.searched.max(self.line);
            let rest = self.buffer.get(from..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.searched = self.buffer.len().max(self.line);
                return if self.searched - self.line > LINE_MAX {
                    Err(TooMuch)
                } else {
                    Ok(None)
                };
            };
            let end = from + end + 1;
            match literal(&self.buffer[self.line..end]) {
                Some(length) if length > literal_max => return Err(TooMuch),
                Some(length) => self.line = end + length,
                None => {
                    let rest = self.buffer.split_off(end);
                    (self.line, self.searched) = (0, 0);
                    return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
                }
            }
        }
    }
}

/// The length that a line which ends in `{123}` announces.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_suffix(b"}")?;
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = std::str::from_utf8(&line[open + 1..]).ok()?;
    digits.parse().ok()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Ok,
    No,
    Bad,
    Bye,
    PreAuth,
}

/// `A1 NO [AUTHENTICATIONFAILED] words`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `None`: untagged.
    pub tag: Option<String>,
    pub condition: Condition,
    /// In capitals; empty without one.
    pub code: String,
    pub value: String,
    pub words: String,
}

/// What was asked about one mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    pub uid: Option<u32>,
    pub size: Option<u32>,
    /// When it arrived.
    pub at: Option<DateTime<FixedOffset>>,
    pub bytes: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Status(Status),
    /// `+`: the server waits for more.
    Continue,
    Capability(Vec<String>),
    Exists,
    Search(Vec<u32>),
    Fetch(Fetched),
    /// Of no interest, or of a kind nobody documented.
    Other,
}

pub fn read(frame: &[u8]) -> Reply {
    if frame.starts_with(b"+") {
        return Reply::Continue;
    }
    if let Some(status) = status(frame) {
        return Reply::Status(status);
    }
    if let Some(words) = text(frame).strip_prefix("* CAPABILITY ") {
        return Reply::Capability(words.split_whitespace().map(str::to_uppercase).collect());
    }
    if nesting(frame) > NESTING_MAX {
        return Reply::Other;
    }
    match Response::parse(frame) {
        Ok((_, Response::MailboxData(MailboxDatum::Exists(_)))) => Reply::Exists,
        Ok((_, Response::MailboxData(MailboxDatum::Search(uids)))) => Reply::Search(uids),
        Ok((_, Response::Fetch(_, values))) => Reply::Fetch(fetched(values)),
        _ => Reply::Other,
    }
}

fn fetched(values: Vec<AttributeValue<'_>>) -> Fetched {
    let mut fetched = Fetched::default();
    for value in values {
        match value {
            AttributeValue::Uid(uid) => fetched.uid = Some(uid),
            AttributeValue::Rfc822Size(size) => fetched.size = Some(size),
            AttributeValue::InternalDate(date) => fetched.at = arrival(&date),
            AttributeValue::BodySection { data, .. } => {
                fetched.bytes = Some(data.map(std::borrow::Cow::into_owned).unwrap_or_default());
            }
            _ => {}
        }
    }
    fetched
}

/// ` 1-Nov-2026 09:00:00 +0900`.
fn arrival(date: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_str(date.trim(), "%d-%b-%Y %H:%M:%S %z").ok()
}

/// The words of a frame that has no literal.
fn text(frame: &[u8]) -> &str {
    let line = frame.split(|byte| matches!(byte, b'\r' | b'\n')).next();
    std::str::from_utf8(line.unwrap_or_default()).unwrap_or_default()
}

fn status(frame: &[u8]) -> Option<Status> {
    // A server may write its words in any charset; the beginning is ASCII.
    let line = String::from_utf8_lossy(frame);
    let line = line.lines().next()?;
    let (tag, rest) = line.split_once(' ')?;
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let condition = match word.to_ascii_uppercase().as_str() {
        "OK" => Condition::Ok,
        "NO" => Condition::No,
        "BAD" => Condition::Bad,
        "BYE" => Condition::Bye,
        "PREAUTH" => Condition::PreAuth,
        _ => return None,
    };
    let (inside, words) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((inside, words)) => (inside, words),
        None => ("", rest),
    };
    let (code, value) = inside.split_once(' ').unwrap_or((inside, ""));
    Some(Status {
        tag: (tag != "*").then(|| tag.to_owned()),
        condition,
        code: code.to_ascii_uppercase(),
        value: value.to_owned(),
        words: words.trim().chars().take(300).collect(),
    })
}

/// How deep parentheses lie in each other. What is quoted counts too: that only refuses more.
/// A frame's literals are counted as well when they are text; those of mails are skipped.
fn nesting(frame: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0usize, 0usize, 0);
    while at < frame.len() {
        let end = frame[at..].iter().position(|byte| *byte == b'\n');
        let end = end.map_or(frame.len(), |end| at + end + 1);
        let line = &frame[at..end];
        for byte in line {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        at = end + literal(line).unwrap_or(0);
    }
    deepest
}

/// A quoted string, or nothing when it cannot be one.
pub fn quoted(text: &str) -> Option<String> {
    let fine = text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control());
    fine.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(stream: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let (mut frames, mut found) = (Frames::default(), Vec::new());
        for bytes in stream.chunks(piece) {
            frames.feed(bytes);
            while let Some(frame) = frames.next(1000).expect("nothing is too large") {
                found.push(frame);
            }
        }
        assert!(frames.is_empty());
        found
    }

    const STREAM: &[u8] = b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n\
        * 3 FETCH (UID 7 BODY[] {24}\r\nSubject: {3}\r\n\r\n* 9 NO\r\n INTERNALDATE \" 1-Nov-2026 09:00:00 +0900\")\r\n\
        A1 OK done\r\n";

    #[test]
    fn responses_are_the_same_however_the_network_cuts_them() {
        let whole = all(STREAM, STREAM.len());
        assert_eq!(whole.len(), 3);
        for piece in 1..40 {
            assert_eq!(all(STREAM, piece), whole, "pieces of {piece} bytes");
        }
    }

    #[test]
    fn a_literal_is_kept_to_the_byte_and_never_read_as_a_response() {
        let frames = all(STREAM, 5);
        let Reply::Fetch(fetched) = read(&frames[1]) else {
            panic!("{:?}", read(&frames[1]))
        };
        assert_eq!(fetched.uid, Some(7));
        let at = fetched.at.expect("a date").to_rfc3339();
        assert_eq!(at, "2026-11-01T09:00:00+09:00");
        assert_eq!(
            fetched.bytes.as_deref(),
            Some(&b"Subject: {3}\r\n\r\n* 9 NO\r\n"[..])
        );
    }

    #[test]
    fn hostile_sizes_are_refused_before_they_are_kept() {
        let mut frames = Frames::default();
        frames.feed(b"* 1 FETCH (BODY[] {99999999999}\r\n");
        assert_eq!(frames.next(1000), Err(TooMuch));
        let mut frames = Frames::default();
        frames.feed(&vec![b'x'; LINE_MAX + 2]);
        assert_eq!(frames.next(1000), Err(TooMuch));
        let mut frames = Frames::default();
        for _ in 0..LINE_MAX {
            frames.feed(b"{900}\r\n");
            frames.feed(&[b'x'; 900]);
            if frames.next(1000).is_err() {
                return;
            }
        }
        panic!("many literals together were taken");
    }

    #[test]
    fn deep_nesting_is_not_handed_to_a_parser_that_recurses() {
        let mut frame = b"* 1 FETCH (BODYSTRUCTURE ".to_vec();
        frame.extend(vec![b'('; 200_000]);
        frame.extend(b"\r\n");
        assert_eq!(read(&frame), Reply::Other);
    }

    #[test]
    fn codes_decide_and_words_are_only_shown() {
        let Reply::Status(status) = read(b"A7 NO [authenticationfailed] no [way]\r\n") else {
            panic!()
        };
        assert_eq!(status.code, "AUTHENTICATIONFAILED");
        assert_eq!(status.words, "no [way]");
        assert_eq!(status.tag.as_deref(), Some("A7"));
        let Reply::Status(status) = read(b"* OK [UIDVALIDITY 17] x\r\n") else {
            panic!()
        };
        assert_eq!((status.tag, status.value.as_str()), (None, "17"));
        assert_eq!(read(b"* SEARCH 2 5 9\r\n"), Reply::Search(vec![2, 5, 9]));
        assert_eq!(read(b"* SEARCH\r\n"), Reply::Search(vec![]));
        assert_eq!(read(b"* 12 EXISTS\r\n"), Reply::Exists);
    }

    #[test]
    fn a_password_cannot_break_out_of_its_quotes() {
        assert_eq!(quoted(r#"a"b\c"#).as_deref(), Some(r#""a\"b\\c""#));
        assert_eq!(quoted("a\r\nA2 DELETE INBOX"), None);
        assert_eq!(quoted("비밀"), None);
    }
}
