//! One mailbox folder over IMAP, sans-IO: sign in, catch up behind the cursor, then wait in IDLE.
//!
//! Invariants: the folder is opened read-only, so nothing of the business's mailbox changes; mails
//! are handed over in the order of their UIDs and the next ones are asked for when these are
//! stored. When the server renumbers the folder (UIDVALIDITY), only what arrived since the last
//! known day is looked at again, and copies are recognised by their Message-ID: what was handled
//! or deleted long ago does not come back.

use super::account::Account;
use super::login::{self, Login};
use super::part::part;
use super::position::Position;
use super::wire::{Condition, Fetched, Frames, Reply, Status, quoted, read};
use crate::action::Outcome;
use crate::session::{self, Cursor, Endpoint, Input, Output, Session};
use crate::view::Inbox;
use crate::action::Protection;
use chrono::DateTime;
use domain::Time;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A larger mail is told of, but stays in the mailbox.
pub const MAIL_BYTES_MAX: usize = 25 * 1024 * 1024;
const GROUP_BYTES_MAX: usize = 1024 * 1024;
const GROUP_MAX: usize = 20;
const SIZES_MAX: usize = 200;
const QUEUE_MAX: usize = 10_000;
/// A server may be slow, but not silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Well below the half hour after which servers hang up, and what NATs remember.
const IDLE_AGAIN: Duration = Duration::from_secs(9 * 60);
/// Without IDLE.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What the server was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Connection,
    SignIn,
    Folder,
    News,
    Sizes,
    Mails,
    Idle,
    IdleEnd,
    Noop,
}

pub struct Mailbox {
    inbox: Inbox,
    account: Account,
    /// Only whether it could be read.
    trial: bool,
    position: Position,
    /// Since when this account is ours to read.
    connected: Time,
    frames: Frames,
    login: Login,
    asked: Asked,
    tag: u32,
    validity: Option<u32>,
    next_uid: Option<u32>,
    news: bool,
    found: VecDeque<u32>,
    sized: VecDeque<(u32, u32)>,
    group: Vec<(u32, u32)>,
    fetched: BTreeMap<u32, Fetched>,
    unstored: Option<Cursor>,
    failures: u32,
    refusals: u32,
    silent_at: Option<Time>,
    look_at: Option<Time>,
    open_at: Option<Time>,
}

impl Mailbox {
    pub fn new(inbox: Inbox, account: Account, cursor: Option<&Cursor>, trial: bool) -> Self {
        let connected = inbox.setting("connected_at");
        let connected = connected.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
        Self {
            connected: connected.map_or(inbox.now, |at| at.to_utc()),
            login: Login::new(&account),
            inbox,
            account,
            trial,
            position: Position::of(cursor),
            frames: Frames::default(),
            asked: Asked::Nothing,
            tag: 0,
            validity: None,
            next_uid: None,
            news: false,
            found: VecDeque::new(),
            sized: VecDeque::new(),
            group: Vec::new(),
            fetched: BTreeMap::new(),
            unstored: None,
            failures: 0,
            refusals: 0,
            silent_at: None,
            look_at: None,
            open_at: None,
        }
    }

    fn open(&mut self, now: Time, out: &mut Vec<Output>) {
        let (host, port) = (self.account.imap_host.clone(), self.account.imap_port);
        self.frames = Frames::default();
        self.login = Login::new(&self.account);
        self.asked = Asked::Connection;
        self.open_at = None;
        self.silent_at = Some(now + SILENCE_MAX);
        out.push(Output::Open(match self.account.imap_protection {
            Protection::Tls => Endpoint::Tls { host, port },
            Protection::StartTls | Protection::Clear => Endpoint::Tcp { host, port },
        }));
    }

    fn ask(&mut self, asked: Asked, command: &str, now: Time, out: &mut Vec<Output>) {
        self.tag += 1;
        self.asked = asked;
        self.silent_at = Some(now + SILENCE_MAX);
        out.push(Output::Write(
            format!("M{} {command}\r\n", self.tag).into_bytes(),
        ));
    }

    fn received(&mut self, bytes: &[u8], now: Time, out: &mut Vec<Output>) {
        self.frames.feed(bytes);
        if self.silent_at.is_some() {
            self.silent_at = Some(now + SILENCE_MAX);
        }
        loop {
            match self.frames.next(MAIL_BYTES_MAX + GROUP_BYTES_MAX) {
                Ok(Some(frame)) => self.heard(read(&frame), now, out),
                Ok(None) => return,
                Err(too_much) => return self.fail(&too_much.to_string(), now, out),
            }
            if self.asked == Asked::Nothing && self.open_at.is_some() {
                return;
            }
        }
    }

    fn heard(&mut self, reply: Reply, now: Time, out: &mut Vec<Output>) {
        match reply {
            Reply::Exists if self.asked == Asked::Idle => self.end_idle(now, out),
            Reply::Exists => self.news = true,
            Reply::Search(uids) if self.asked == Asked::News => self.note(uids),
            Reply::Fetch(fetched) if matches!(self.asked, Asked::Sizes | Asked::Mails) => {
                if let Some(uid) = fetched.uid {
                    self.fetched.insert(uid, fetched);
                }
            }
            Reply::Status(status) if self.asked == Asked::Folder && status.tag.is_none() => {
                match status.code.as_str() {
                    "UIDVALIDITY" => self.validity = status.value.trim().parse().ok(),
                    "UIDNEXT" => self.next_uid = status.value.trim().parse().ok(),
                    _ => {}
                }
            }
            reply if self.asked == Asked::SignIn => self.sign_in(reply, now, out),
            Reply::Status(status) if status.tag == Some(format!("M{}", self.tag)) => {
                self.answered(status, now, out);
            }
            Reply::Continue if self.asked == Asked::Idle => {
                self.silent_at = None;
                self.look_at = Some(now + IDLE_AGAIN);
            }
            _ => {}
        }
    }

    fn sign_in(&mut self, reply: Reply, now: Time, out: &mut Vec<Output>) {
        match self.login.heard(reply, self.frames.is_empty()) {
            login::Next::Wait => {}
            login::Next::Write(bytes) => out.push(Output::Write(bytes)),
            login::Next::Encrypt => {
                self.frames = Frames::default();
                out.push(Output::Encrypt {
                    host: self.account.imap_host.clone(),
                });
            }
            login::Next::Done => self.open_folder(now, out),
            login::Next::Refused(refusal) => self.refused(refusal, now, out),
            login::Next::Broken(reason) => self.fail(&reason, now, out),
        }
    }

    fn open_folder(&mut self, now: Time, out: &mut Vec<Output>) {
        self.refusals = 0;
        (self.validity, self.next_uid) = (None, None);
        match quoted(&self.account.folder) {
            Some(folder) => self.ask(Asked::Folder, &format!("EXAMINE {folder}"), now, out),
            None => self.over(self.no_folder(), out),
        }
    }

    fn no_folder(&self) -> Outcome {
        Outcome::Rejected {
            reason: format!("The mailbox has no folder {:?}.", self.account.folder),
            code: "no_folder".into(),
        }
    }

    /// Some servers say nothing about why: then it may be a passing fault, and only the third
    /// refusal in a row is believed.
    fn refused(&mut self, refusal: login::Refusal, now: Time, out: &mut Vec<Output>) {
        self.refusals += 1;
        if self.trial || refusal.certain || self.refusals >= 3 {
            self.over(refusal.outcome, out);
        } else {
            self.fail("the mail server refused the sign-in", now, out);
        }
    }

    fn over(&mut self, outcome: Outcome, out: &mut Vec<Output>) {
        self.asked = Asked::Nothing;
        out.push(Output::Close);
        out.push(Output::Ended(outcome));
    }

    /// The end of the command that was asked.
    fn answered(&mut self, status: Status, now: Time, out: &mut Vec<Output>) {
        let fine = status.condition == Condition::Ok;
        match std::mem::replace(&mut self.asked, Asked::Nothing) {
            Asked::Folder if !fine => self.over(self.no_folder(), out),
            Asked::Folder => self.opened_folder(now, out),
            Asked::Mails if !fine => self.pass_over(now, out),
            Asked::Mails => self.hand_over(now, out),
            // A server that offers IDLE and then refuses it is asked by the clock.
            Asked::Idle if !fine => {
                self.login.forget("IDLE");
                self.rest(now, out);
            }
            Asked::Idle | Asked::IdleEnd | Asked::Noop => self.look(now, out),
            Asked::News | Asked::Sizes if !fine => self.fail(&status.words, now, out),
            Asked::News => self.go_on(now, out),
            Asked::Sizes => self.took_sizes(now, out),
            Asked::Nothing | Asked::Connection | Asked::SignIn => {}
        }
    }

    fn opened_folder(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.trial {
            return self.over(Outcome::Ok, out);
        }
        self.failures = 0;
        out.push(Output::Health {
            live: true,
            note: String::new(),
        });
        if self.position.opened(self.validity, self.connected) {
            out.push(Output::Advance(self.position.cursor()));
        }
        self.look(now, out);
    }

    /// Is there something behind the cursor?
    fn look(&mut self, now: Time, out: &mut Vec<Output>) {
        self.news = false;
        self.look_at = None;
        self.found.clear();
        let after = self.position.uid.saturating_add(1);
        let since = self.position.since.map(|day| format!(" SINCE {}", day.format("%-d-%b-%Y")));
        let command = format!("UID SEARCH UID {after}:*{}", since.unwrap_or_default());
        self.ask(Asked::News, &command, now, out);
    }

    fn note(&mut self, mut uids: Vec<u32>) {
        // `5:*` names the last mail even when it is older.
        uids.retain(|uid| *uid > self.position.uid);
        uids.sort_unstable();
        uids.dedup();
        self.news |= uids.len() > QUEUE_MAX;
        uids.truncate(QUEUE_MAX);
        self.found = uids.into();
    }

    /// The next thing to ask: mails, sizes, or nothing until something happens.
    fn go_on(&mut self, now: Time, out: &mut Vec<Output>) {
        self.fetched.clear();
        if !self.sized.is_empty() {
            return self.fetch(now, out);
        }
        if self.found.is_empty() {
            return self.rest(now, out);
        }
        let count = self.found.len().min(SIZES_MAX);
        let uids = list(self.found.iter().take(count).copied());
        let command = format!("UID FETCH {uids} (UID RFC822.SIZE INTERNALDATE)");
        self.ask(Asked::Sizes, &command, now, out);
    }

    fn took_sizes(&mut self, now: Time, out: &mut Vec<Output>) {
        let count = self.found.len().min(SIZES_MAX);
        for uid in self.found.drain(..count) {
            let Some(fetched) = self.fetched.get(&uid) else {
                continue;
            };
            // What is gone meanwhile has no size and is not asked for.
            if let Some(size) = fetched.size
                && !self.position.is_history(fetched.at)
            {
                self.sized.push_back((uid, size));
            }
        }
        self.go_on(now, out);
    }

    fn fetch(&mut self, now: Time, out: &mut Vec<Output>) {
        let (mut group, mut bytes) = (Vec::new(), 0usize);
        while let Some((uid, size)) = self.sized.front().copied() {
            let fits = bytes.saturating_add(size as usize) <= GROUP_BYTES_MAX;
            if !group.is_empty() && (!fits || group.len() >= GROUP_MAX) {
                break;
            }
            bytes = bytes.saturating_add(size as usize);
            group.push((uid, size));
            self.sized.pop_front();
        }
        let uids = list(group.iter().map(|(uid, _)| *uid));
        let what = if group.iter().any(|(_, size)| *size as usize > MAIL_BYTES_MAX) {
            "BODY.PEEK[HEADER]"
        } else {
            "BODY.PEEK[]"
        };
        self.group = group;
        self.ask(Asked::Mails, &format!("UID FETCH {uids} (UID INTERNALDATE {what})"), now, out);
    }

    fn hand_over(&mut self, now: Time, out: &mut Vec<Output>) {
        let key = self.account.reply_key.clone();
        for (uid, size) in std::mem::take(&mut self.group) {
            self.position.uid = uid;
            let fetched = self.fetched.remove(&uid).unwrap_or_default();
            self.position.day = self.position.day.max(fetched.at.map(|at| at.date_naive()));
            let Some(mail) = fetched.bytes.filter(|mail| !mail.is_empty()) else {
                continue;
            };
            let oversize = (size as usize > MAIL_BYTES_MAX).then_some(size);
            let cursor = self.position.cursor();
            self.unstored = Some(cursor.clone());
            out.push(Output::Deliver {
                part: part(&self.inbox.account, &key, &mail, oversize),
                cursor,
            });
        }
        if self.unstored.is_none() {
            out.push(Output::Advance(self.position.cursor()));
            self.go_on(now, out);
        } else {
            self.silent_at = None;
        }
    }

    /// The server cannot give these mails: one by one, and what it cannot give alone is left.
    fn pass_over(&mut self, now: Time, out: &mut Vec<Output>) {
        let group = std::mem::take(&mut self.group);
        if let [(uid, _)] = group[..] {
            self.position.uid = uid;
            out.push(Output::Advance(self.position.cursor()));
        } else {
            for (uid, _) in group.into_iter().rev() {
                // As if each were as large as a whole group.
                self.sized.push_front((uid, u32::try_from(GROUP_BYTES_MAX).unwrap_or(u32::MAX)));
            }
        }
        self.go_on(now, out);
    }

    fn rest(&mut self, now: Time, out: &mut Vec<Output>) {
        if self.position.caught_up(self.next_uid) {
            out.push(Output::Advance(self.position.cursor()));
        }
        if std::mem::take(&mut self.news) {
            self.look(now, out);
        } else if self.login.offers("IDLE") {
            self.ask(Asked::Idle, "IDLE", now, out);
        } else {
            self.asked = Asked::Nothing;
            self.silent_at = None;
            self.look_at = Some(now + LOOK_EVERY);
        }
    }

    fn end_idle(&mut self, now: Time, out: &mut Vec<Output>) {
        self.asked = Asked::IdleEnd;
        self.look_at = None;
        self.silent_at = Some(now + SILENCE_MAX);
        out.push(Output::Write(b"DONE\r\n".to_vec()));
    }

    /// The connection is of no use any more.
    fn fail(&mut self, reason: &str, now: Time, out: &mut Vec<Output>) {
        out.push(Output::Close);
        self.closed(reason, now, out);
    }

    fn closed(&mut self, reason: &str, now: Time, out: &mut Vec<Output>) {
        let reason = format!("The mailbox cannot be read: {reason}.");
        if self.trial {
            return self.over(Outcome::Retry { after: None, reason }, out);
        }
        self.failures = self.failures.saturating_add(1);
        self.asked = Asked::Nothing;
        self.found.clear();
        self.sized.clear();
        self.group.clear();
        self.fetched.clear();
        (self.silent_at, self.look_at) = (None, None);
        self.open_at = Some(now + session::back_off(&self.inbox.nonce, self.failures));
        out.push(Output::Health {
            live: false,
            note: reason,
        });
    }

    fn timer(&mut self, now: Time, out: &mut Vec<Output>) {
        let due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        if due(self.open_at) {
            self.open(now, out);
        } else if due(self.silent_at) {
            self.fail("the mail server fell silent", now, out);
        } else if due(self.look_at) && self.asked == Asked::Idle {
            self.end_idle(now, out);
        } else if due(self.look_at) {
            self.look_at = None;
            self.ask(Asked::Noop, "NOOP", now, out);
        }
    }
}

fn list(uids: impl Iterator<Item = u32>) -> String {
    let uids: Vec<String> = uids.map(|uid| uid.to_string()).collect();
    uids.join(",")
}

impl Session for Mailbox {
    fn handle(&mut self, input: Input, now: Time) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Start => self.open(now, &mut out),
            Input::Opened => {
                self.asked = Asked::SignIn;
                self.silent_at = Some(now + SILENCE_MAX);
                if let Some(bytes) = self.login.opened() {
                    out.push(Output::Write(bytes));
                }
            }
            Input::Received(bytes) => self.received(&bytes, now, &mut out),
            Input::Closed { reason, .. } => self.closed(&reason, now, &mut out),
            Input::Timer => self.timer(now, &mut out),
            Input::Stored(cursor) if self.unstored.as_ref() == Some(&cursor) => {
                self.unstored = None;
                if self.asked == Asked::Nothing && self.open_at.is_none() {
                    self.go_on(now, &mut out);
                }
            }
            Input::Stored(_) | Input::Pong | Input::Answered { .. } => {}
            Input::Perform { job, .. } => out.push(Output::Done {
                job,
                outcome: Outcome::Unsupported,
            }),
            Input::Stop => {
                out.push(Output::Close);
                return out;
            }
        }
        if out.iter().any(|o| matches!(o, Output::Ended(_))) {
            return out;
        }
        let times = [self.silent_at, self.look_at, self.open_at];
        if let Some(next) = times.into_iter().flatten().min() {
            out.push(Output::TimerAt(next));
        }
        out
    }
}
