//! From the greeting of an IMAP server to a signed-in connection.
//!
//! Invariants: with STARTTLS nothing is said before the connection is encrypted, and what came in
//! before that, in clear text, is not believed afterwards; a password never leaves over an
//! unprotected connection to another machine (`Account` sees to that).

use super::account::Account;
use super::wire::{Condition, Reply, Status, quoted};
use crate::action::{Outcome, Protection};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Greeting,
    AskedForTls,
    Handshake,
    AskedWhatItCan,
    /// The server wants the credentials.
    Challenge,
    Password,
    AskedAgainWhatItCan,
}

pub struct Login {
    at: At,
    protection: Protection,
    user: String,
    password: String,
    offers: Vec<String>,
}

pub struct Refusal {
    /// The server said by a code that these credentials are wrong.
    pub certain: bool,
    pub outcome: Outcome,
}

pub enum Next {
    Wait,
    Write(Vec<u8>),
    Encrypt,
    Done,
    Refused(Refusal),
    Broken(String),
}

/// Codes of RFC 5530 after which the same credentials will be refused again.
const CERTAIN: &[&str] = &[
    "AUTHENTICATIONFAILED",
    "AUTHORIZATIONFAILED",
    "EXPIRED",
    "PRIVACYREQUIRED",
    "CONTACTADMIN",
    "NOPERM",
];
/// And those after which waiting helps.
const PASSING: &[&str] = &["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"];

impl Login {
    pub fn new(account: &Account) -> Self {
        Self {
            at: At::Greeting,
            protection: account.imap_protection,
            user: account.user.clone(),
            password: account.password.clone(),
            offers: Vec::new(),
        }
    }

    pub fn offers(&self, what: &str) -> bool {
        self.offers.iter().any(|offered| offered == what)
    }

    pub fn forget(&mut self, what: &str) {
        self.offers.retain(|offered| offered != what);
    }

    /// The connection is up, or encrypted now.
    pub fn opened(&mut self) -> Option<Vec<u8>> {
        (self.at == At::Handshake).then(|| self.ask(At::AskedWhatItCan, "CAPABILITY"))
    }

    fn ask(&mut self, at: At, command: &str) -> Vec<u8> {
        self.at = at;
        format!("L {command}\r\n").into_bytes()
    }

    /// `nothing_more`: no bytes came after this reply.
    pub fn heard(&mut self, reply: Reply, nothing_more: bool) -> Next {
        match (self.at, reply) {
            (At::Greeting, Reply::Status(status)) => self.greeted(&status),
            (_, Reply::Status(status)) if status.condition == Condition::Bye => {
                Next::Broken(format!("the mail server says {}", status.words))
            }
            (_, Reply::Capability(offers)) => {
                self.offers = offers;
                Next::Wait
            }
            (At::AskedForTls, Reply::Status(status)) if status.tag.is_some() => {
                match status.condition {
                    // Words after the consent were not encrypted: somebody in between spoke them.
                    Condition::Ok if nothing_more => {
                        self.at = At::Handshake;
                        self.offers.clear();
                        Next::Encrypt
                    }
                    Condition::Ok => Next::Broken("it spoke before the encryption began".into()),
                    _ => Next::Refused(Refusal {
                        certain: true,
                        outcome: Outcome::Rejected {
                            reason: "The mail server does not offer STARTTLS. Choose TLS.".into(),
                            code: "no_starttls".into(),
                        },
                    }),
                }
            }
            (At::AskedWhatItCan, Reply::Status(status)) if status.tag.is_some() => self.identify(),
            (At::Challenge, Reply::Continue) => {
                self.at = At::Password;
                let plain = format!("\0{}\0{}", self.user, self.password);
                Next::Write(format!("{}\r\n", STANDARD.encode(plain)).into_bytes())
            }
            (At::Challenge | At::Password, Reply::Status(status)) if status.tag.is_some() => {
                if status.condition == Condition::Ok {
                    // What it can may depend on who asks.
                    return Next::Write(self.ask(At::AskedAgainWhatItCan, "CAPABILITY"));
                }
                refused(&status)
            }
            (At::AskedAgainWhatItCan, Reply::Status(status)) if status.tag.is_some() => Next::Done,
            _ => Next::Wait,
        }
    }

    fn greeted(&mut self, status: &Status) -> Next {
        match (status.condition, self.protection) {
            (Condition::Ok, Protection::StartTls) => {
                Next::Write(self.ask(At::AskedForTls, "STARTTLS"))
            }
            (Condition::Ok, _) => Next::Write(self.ask(At::AskedWhatItCan, "CAPABILITY")),
            (Condition::PreAuth, Protection::Tls | Protection::Clear) => {
                Next::Write(self.ask(At::AskedAgainWhatItCan, "CAPABILITY"))
            }
            _ => Next::Broken(format!("the mail server says {}", status.words)),
        }
    }

    fn identify(&mut self) -> Next {
        if self.offers("AUTH=PLAIN") {
            return Next::Write(self.ask(At::Challenge, "AUTHENTICATE PLAIN"));
        }
        let rejected = |reason: &str| {
            Next::Refused(Refusal {
                certain: true,
                outcome: Outcome::Rejected {
                    reason: reason.into(),
                    code: "no_login".into(),
                },
            })
        };
        if self.offers("LOGINDISABLED") {
            return rejected("The mail server allows no sign-in by password on this connection.");
        }
        match (quoted(&self.user), quoted(&self.password)) {
            (Some(user), Some(password)) => {
                Next::Write(self.ask(At::Password, &format!("LOGIN {user} {password}")))
            }
            _ => rejected("This mail server takes only ASCII letters in user name and password."),
        }
    }
}

fn refused(status: &Status) -> Next {
    let code = status.code.as_str();
    if PASSING.contains(&code) {
        return Next::Broken(format!("the mail server says {}", status.words));
    }
    Next::Refused(Refusal {
        certain: CERTAIN.contains(&code),
        outcome: Outcome::CredentialsDied {
            reason: format!(
                "The mail server refuses user name or password: {}",
                status.words
            ),
        },
    })
}
