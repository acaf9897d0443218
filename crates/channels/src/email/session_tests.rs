//! The mailbox session against played servers: byte by byte, restarts, and servers that misbehave.

use super::CHANNEL;
use crate::action::Outcome;
use crate::session::{Cursor, Endpoint, Input, Output, Session};
use crate::testing::inbox;
use crate::{Channel, Inbox, Part};
use domain::Time;

/// What the session did, in words that tests can read.
#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    parts: Vec<Part>,
    cursor: Option<Cursor>,
    ended: Option<Outcome>,
    opened: Option<Endpoint>,
    encrypted: bool,
    live: Option<bool>,
    timer: Option<Time>,
}

struct Play {
    session: Box<dyn Session>,
    now: Time,
    seen: Seen,
    /// How many bytes arrive at a time.
    piece: usize,
}

fn with(name: &str, value: &str) -> Inbox {
    let mut inbox = inbox(&CHANNEL);
    inbox.settings.insert(name.into(), value.into());
    inbox.secrets.set("reply_key", "reply-key");
    inbox
}

fn plain() -> Inbox {
    with("imap_host", "127.0.0.1")
}

impl Play {
    fn of(session: Option<Box<dyn Session>>, now: Time) -> Self {
        let mut play = Self {
            session: session.expect("the settings are right"),
            now,
            seen: Seen::default(),
            piece: usize::MAX,
        };
        play.give(Input::Start);
        play
    }

    fn start(inbox: &Inbox, cursor: Option<&str>) -> Self {
        let cursor = cursor.map(|text| Cursor(text.to_owned()));
        Self::of(CHANNEL.session(inbox, cursor.as_ref()), inbox.now)
    }

    fn give(&mut self, input: Input) {
        for output in self.session.handle(input, self.now) {
            match output {
                Output::Write(bytes) => {
                    let text = String::from_utf8(bytes).expect("commands are ASCII here");
                    self.seen.lines.push(text.trim_end().to_owned());
                }
                Output::Deliver { part, cursor } => {
                    self.seen.parts.push(part);
                    self.seen.cursor = Some(cursor);
                }
                Output::Advance(cursor) => self.seen.cursor = Some(cursor),
                Output::Ended(outcome) => self.seen.ended = Some(outcome),
                Output::Open(endpoint) => self.seen.opened = Some(endpoint),
                Output::Encrypt { .. } => self.seen.encrypted = true,
                Output::Health { live, .. } => self.seen.live = Some(live),
                Output::TimerAt(at) => self.seen.timer = Some(at),
                _ => {}
            }
        }
    }

    /// The server speaks; `$` stands for the tag of the last command.
    fn says(&mut self, text: &str) {
        let tag = self.last().split(' ').next().unwrap_or_default().to_owned();
        let text = text.replace("$ ", &format!("{tag} ")).replace('\n', "\r\n");
        for bytes in text.as_bytes().chunks(self.piece.min(text.len().max(1))) {
            self.give(Input::Received(bytes.to_vec()));
        }
    }

    fn last(&self) -> &str {
        self.seen.lines.last().map_or("", String::as_str)
    }

    fn stored(&mut self) {
        if let Some(cursor) = self.seen.cursor.clone() {
            self.give(Input::Stored(cursor));
        }
    }

    fn sign_in(&mut self) {
        self.give(Input::Opened);
        self.says("* OK ready\n");
        assert!(self.last().ends_with("CAPABILITY"), "{}", self.last());
        self.says("* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE\n$ OK\n");
        assert!(self.last().ends_with("AUTHENTICATE PLAIN"));
        self.says("+ \n");
        // The credentials have no tag: the answer carries the one before.
        self.says_tagged("L OK [CAPABILITY IMAP4rev1] welcome\n");
        self.says("* CAPABILITY IMAP4rev1 IDLE\n$ OK\n");
    }

    fn says_tagged(&mut self, text: &str) {
        let text = text.replace('\n', "\r\n");
        self.give(Input::Received(text.into_bytes()));
    }

    fn folder(&mut self, validity: u32, next: u32) {
        assert!(self.last().contains("EXAMINE \"INBOX\""), "{}", self.last());
        self.says(&format!(
            "* 3 EXISTS\n* OK [UIDVALIDITY {validity}] x\n* OK [UIDNEXT {next}] x\n$ OK [READ-ONLY] done\n"
        ));
    }

    /// Answers a search and what follows with these mails, until the session waits.
    fn holds(&mut self, mails: &[(u32, &str)]) {
        let uids: Vec<String> = mails.iter().map(|(uid, _)| uid.to_string()).collect();
        self.says(&format!("* SEARCH {}\n$ OK\n", uids.join(" ")));
        if mails.is_empty() {
            return;
        }
        let mut sizes = String::new();
        let mut bodies = String::new();
        for (uid, mail) in mails {
            let length = mail.replace('\n', "\r\n").len();
            let day = "INTERNALDATE \"21-Nov-2026 10:00:00 +0900\"";
            sizes.push_str(&format!("* 1 FETCH (UID {uid} RFC822.SIZE {length} {day})\n"));
            bodies.push_str(&format!("* 1 FETCH (UID {uid} {day} BODY[] {{{length}}}\n{mail})\n"));
        }
        self.says(&format!("{sizes}$ OK\n"));
        self.says(&format!("{bodies}$ OK\n"));
        self.stored();
    }
}

fn mail(id: &str) -> String {
    format!("From: a@b.example\nMessage-ID: <{id}@b.example>\nSubject: {{9}}\n\n* BYE {id}\n")
}

fn texts(play: &Play) -> Vec<String> {
    let inbox = plain();
    let mut texts = Vec::new();
    for part in &play.seen.parts {
        for fact in CHANNEL.parse(&inbox, part).expect("a mail") {
            if let crate::Inbound::Message(message) = fact {
                texts.push(message.text);
            }
        }
    }
    texts
}

const CURSOR: &str = r#"{"validity":7,"uid":4,"day":"2026-11-20","since":null}"#;

#[test]
fn what_was_there_before_the_account_was_connected_stays_history() {
    let mut inbox = plain();
    let connected = "2026-11-21T01:00:00Z";
    inbox.settings.insert("connected_at".into(), connected.into());
    let mut play = Play::start(&inbox, None);
    play.sign_in();
    play.folder(7, 6);
    assert!(
        play.last().contains("UID SEARCH UID 1:* SINCE 20-Nov-2026"),
        "{}",
        play.last()
    );
    play.says("* SEARCH 4 5\n$ OK\n");
    // One came before, one while the house was still getting ready to look.
    play.says(
        "* 1 FETCH (UID 4 RFC822.SIZE 9 INTERNALDATE \"21-Nov-2026 09:58:00 +0900\")\n\
         * 2 FETCH (UID 5 RFC822.SIZE 9 INTERNALDATE \"21-Nov-2026 10:00:01 +0900\")\n$ OK\n",
    );
    assert!(play.last().contains("UID FETCH 5 (UID"), "{}", play.last());
    play.says("* 2 FETCH (UID 5 BODY[] {4}\nx: y)\n$ OK\n");
    play.stored();
    assert!(play.last().ends_with("IDLE"), "{}", play.last());
    let cursor = play.seen.cursor.expect("a cursor").0;
    assert!(cursor.contains("\"uid\":5") && cursor.contains("\"since\":null"), "{cursor}");
}

#[test]
fn an_older_mail_that_the_server_names_all_the_same_is_not_fetched() {
    let mut play = Play::start(&plain(), Some(CURSOR));
    play.sign_in();
    play.folder(7, 5);
    assert!(play.last().contains("UID SEARCH UID 5:*"), "{}", play.last());
    // `5:*` names the last mail although it is older.
    play.says("* SEARCH 4\n$ OK\n");
    assert!(play.seen.parts.is_empty());
    assert!(play.last().ends_with("IDLE"), "{}", play.last());
}

#[test]
fn mails_are_handed_over_in_order_and_the_bell_rings_for_more() {
    let (first, second) = (mail("one"), mail("two"));
    for piece in [1, 7, usize::MAX] {
        let mut play = Play::start(&plain(), Some(CURSOR));
        play.piece = piece;
        play.sign_in();
        play.folder(7, 7);
        play.holds(&[(6, &second), (5, &first)]);
        assert_eq!(texts(&play), ["* BYE one", "* BYE two"], "pieces of {piece}");
        // Stored: it looks whether there is more, and waits.
        assert!(play.last().ends_with("IDLE"), "{}", play.last());
        play.says("+ idling\n");
        play.says("* 4 EXISTS\n");
        assert_eq!(play.last(), "DONE");
        let tag = play.seen.lines.iter().rev().find(|l| l.ends_with("IDLE"));
        let tag = tag.and_then(|l| l.split(' ').next()).expect("a tag").to_owned();
        play.says_tagged(&format!("{tag} OK\n"));
        assert!(play.last().contains("UID SEARCH UID 7:*"), "{}", play.last());
    }
}

#[test]
fn nothing_more_is_asked_before_what_came_is_stored() {
    let mut play = Play::start(&plain(), Some(CURSOR));
    play.sign_in();
    play.folder(7, 9);
    play.says("* SEARCH 5 6\n$ OK\n");
    let big = 1024 * 1024;
    play.says(&format!(
        "* 1 FETCH (UID 5 RFC822.SIZE {big})\n* 2 FETCH (UID 6 RFC822.SIZE {big})\n$ OK\n"
    ));
    assert!(play.last().contains("UID FETCH 5 (UID"), "{}", play.last());
    play.says("* 1 FETCH (UID 5 BODY[] {4}\nx: y)\n$ OK\n");
    let asked = play.seen.lines.len();
    assert_eq!(play.seen.parts.len(), 1);
    play.stored();
    assert_eq!(play.seen.lines.len(), asked + 1);
    assert!(play.last().contains("UID FETCH 6 (UID"), "{}", play.last());
}

#[test]
fn a_renumbered_folder_is_read_again_since_yesterday_only() {
    let mut play = Play::start(&plain(), Some(CURSOR));
    play.sign_in();
    play.folder(8, 3);
    assert!(
        play.last().contains("UID SEARCH UID 1:* SINCE 19-Nov-2026"),
        "{}",
        play.last()
    );
    let known = play.seen.cursor.clone().expect("the doubt is stored first").0;
    let mut again = Play::start(&plain(), Some(&known));
    again.sign_in();
    again.folder(8, 3);
    assert!(again.last().contains("SINCE 19-Nov-2026"), "after a crash too");
    let mail = mail("one");
    play.holds(&[(2, &mail)]);
    assert!(play.last().ends_with("IDLE"), "{}", play.last());
    let cursor = play.seen.cursor.expect("a cursor").0;
    assert!(cursor.contains("\"since\":null") && cursor.contains("\"uid\":2"), "{cursor}");
}

#[test]
fn a_mail_keeps_its_key_when_the_folder_is_renumbered() {
    let key = |validity, uid| {
        let mut play = Play::start(&plain(), Some(CURSOR));
        play.sign_in();
        play.folder(validity, 9);
        play.holds(&[(uid, &mail("one"))]);
        play.seen.parts[0].dedupe.clone()
    };
    assert_eq!(key(7, 5), key(8, 1));
}

#[test]
fn a_mail_above_the_limit_is_announced_and_not_fetched() {
    let mut play = Play::start(&plain(), Some(CURSOR));
    play.sign_in();
    play.folder(7, 6);
    play.says("* SEARCH 5\n$ OK\n");
    play.says("* 1 FETCH (UID 5 RFC822.SIZE 40000000)\n$ OK\n");
    assert!(play.last().contains("BODY.PEEK[HEADER]"), "{}", play.last());
    play.says("* 1 FETCH (UID 5 BODY[HEADER] {30}\nFrom: a@b.example\nTo: c@d\n\n)\n$ OK\n");
    assert!(texts(&play)[0].contains("40 MB"), "{:?}", texts(&play));
}

#[test]
fn a_mail_the_server_cannot_give_holds_up_no_other() {
    let mut play = Play::start(&plain(), Some(CURSOR));
    play.sign_in();
    play.folder(7, 7);
    play.says("* SEARCH 5 6\n$ OK\n");
    play.says("* 1 FETCH (UID 5 RFC822.SIZE 9)\n* 2 FETCH (UID 6 RFC822.SIZE 9)\n$ OK\n");
    play.says("$ NO [SERVERBUG] cannot read\n");
    assert!(play.last().contains("UID FETCH 5 (UID"), "{}", play.last());
    play.says("$ NO [SERVERBUG] cannot read\n");
    assert!(play.last().contains("UID FETCH 6 (UID"), "{}", play.last());
}

#[test]
fn a_dead_password_ends_the_session_and_a_busy_server_does_not() {
    for (answer, over) in [
        ("L NO [AUTHENTICATIONFAILED] no\n", true),
        ("L NO [UNAVAILABLE] later\n", false),
        ("L NO perhaps\n", false),
    ] {
        let mut play = Play::start(&plain(), Some(CURSOR));
        play.give(Input::Opened);
        play.says("* OK ready\n");
        play.says("* CAPABILITY IMAP4rev1 AUTH=PLAIN\n$ OK\n");
        play.says("+ \n");
        play.says_tagged(answer);
        let died = matches!(play.seen.ended, Some(Outcome::CredentialsDied { .. }));
        assert_eq!(died, over, "{answer}");
        assert_eq!(play.seen.live, (!over).then_some(false), "{answer}");
    }
}

#[test]
fn nothing_is_said_before_the_encryption_began() {
    let mut inbox = plain();
    inbox.settings.insert("imap_security".into(), "starttls".into());
    let mut play = Play::start(&inbox, None);
    assert!(matches!(play.seen.opened, Some(Endpoint::Tcp { .. })));
    play.give(Input::Opened);
    play.says("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\n");
    assert_eq!(play.seen.lines, ["L STARTTLS"]);
    play.says("$ OK go ahead\n");
    assert!(play.seen.encrypted);
    assert_eq!(play.seen.lines.len(), 1, "it waits for the handshake");
    play.give(Input::Opened);
    assert_eq!(play.last(), "L CAPABILITY");
}

#[test]
fn words_slipped_in_behind_the_consent_break_the_connection() {
    let mut inbox = plain();
    inbox.settings.insert("imap_security".into(), "starttls".into());
    let mut play = Play::start(&inbox, None);
    play.give(Input::Opened);
    play.says("* OK ready\n");
    play.says("$ OK go ahead\n* PREAUTH you are somebody\n");
    assert!(!play.seen.encrypted);
    assert_eq!(play.seen.live, Some(false));
}

#[test]
fn a_trial_tells_what_is_wrong_and_changes_nothing() {
    let trial = |inbox: &Inbox| Play::of(CHANNEL.trial(inbox), inbox.now);
    let mut play = trial(&plain());
    play.sign_in();
    play.folder(7, 5);
    assert_eq!(play.seen.ended, Some(Outcome::Ok));
    assert!(play.seen.cursor.is_none() && play.seen.live.is_none());

    let mut play = trial(&plain());
    play.give(Input::Closed { status: None, reason: "connection refused".into() });
    let Some(Outcome::Retry { reason, .. }) = &play.seen.ended else { panic!() };
    assert!(reason.contains("connection refused"), "{reason}");

    let mut play = trial(&with("imap_host", "imap.moa.example"));
    assert!(matches!(play.seen.opened, Some(Endpoint::Tls { port: 993, .. })));
    play.sign_in();
    play.says("$ NO no such folder\n");
    assert!(matches!(&play.seen.ended, Some(Outcome::Rejected { code, .. }) if code == "no_folder"));
}

#[test]
fn a_silent_server_is_left_and_tried_again() {
    let mut play = Play::start(&plain(), Some(CURSOR));
    play.sign_in();
    play.now = play.seen.timer.expect("a limit");
    play.give(Input::Timer);
    assert_eq!(play.seen.live, Some(false));
    play.seen.opened = None;
    play.now = play.seen.timer.expect("another try");
    play.give(Input::Timer);
    assert!(play.seen.opened.is_some());
}

#[test]
fn without_a_bell_the_folder_is_asked_by_the_clock() {
    let mut play = Play::start(&plain(), Some(CURSOR));
    play.give(Input::Opened);
    play.says("* OK ready\n");
    play.says("* CAPABILITY IMAP4rev1\n$ OK\n");
    assert!(play.last().starts_with("L LOGIN \"help@moa.example\" \""));
    play.says("$ OK\n");
    play.says("* CAPABILITY IMAP4rev1\n$ OK\n");
    play.folder(7, 5);
    play.holds(&[]);
    play.now = play.seen.timer.expect("the next look");
    play.give(Input::Timer);
    assert!(play.last().ends_with("NOOP"), "{}", play.last());
}
