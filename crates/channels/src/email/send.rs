//! A reply as a mail, and what the mail server's answer means.
//!
//! SMTP cannot be asked later whether it took a mail, so a lost answer stays unknown until a person
//! decides; sending it again carries the same Message-ID, by which most mailboxes show it once.

use super::account::Account;
use super::part::is_address;
use super::thread::{digest, message_id, reply_address};
use crate::action::{Action, Connect, Mail, Outcome, Outgoing, Response, Step, Submission};
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use serde_json::{Map, Value, json};

/// Base64 makes a third more of it, and most servers take 25 to 35 MB.
pub const FILES_BYTES_MAX: u64 = 18 * 1024 * 1024;
const REFERENCES_MAX: usize = 20;

type Ended = Result<Outcome, Stop>;

pub fn perform(inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
    let account = match Account::of(inbox) {
        Ok(account) => account,
        Err(reason) => return Step::Done(Outcome::rejected(reason, "bad_settings")),
    };
    let steps = Steps::new(so_far);
    let ended = match action {
        Action::Connect(Connect::Form) | Action::Check | Action::Refresh => {
            check(inbox, &account, steps)
        }
        Action::Send(out) => send(&account, out, steps),
        Action::Subscribe | Action::Disconnect => Ok(Outcome::Ok),
        Action::FetchMedia { .. } => Ok(Outcome::MediaGone),
        _ => Ok(Outcome::Unsupported),
    };
    match ended {
        Ok(outcome) => Step::Done(outcome),
        Err(stop) => *stop,
    }
}

fn submission(account: &Account, mail: Option<Mail>) -> Submission {
    Submission {
        host: account.smtp_host.clone(),
        port: account.smtp_port,
        protection: account.smtp_protection,
        user: account.user.clone(),
        password: account.password.clone(),
        mail,
    }
}

/// The IMAP half was tried before (`Channel::trial`).
fn check(inbox: &Inbox, account: &Account, mut steps: Steps<'_>) -> Ended {
    let answer = steps.submit(|| submission(account, None))?;
    if !answer.is_success() {
        return Ok(refused(answer));
    }
    let mut secrets = Secrets::default();
    // Threads that were signed once must stay provable, so the key never changes.
    if account.reply_key.is_empty() {
        secrets.set("reply_key", &inbox.nonce);
    }
    Ok(Outcome::Connected {
        account: account.address.clone(),
        address: account.address.clone(),
        settings: Map::new(),
        secrets,
    })
}

fn send(account: &Account, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    let bytes: u64 = out.attachments.iter().map(|file| file.size_bytes).sum();
    if bytes > FILES_BYTES_MAX {
        let reason = format!(
            "The files have {} MB together; a mail takes {} MB.",
            bytes / 1_000_000,
            FILES_BYTES_MAX / 1_000_000
        );
        return Ok(Outcome::rejected(reason, "too_large"));
    }
    let Some(mail) = mail(account, out) else {
        return Ok(Outcome::rejected(
            format!("{:?} is not an e-mail address.", out.peer.handle),
            "bad_address",
        ));
    };
    let (id, references) = (mail.message_id.clone(), mail.references.clone());
    let answer = steps.submit(|| submission(account, Some(mail)))?;
    Ok(if answer.is_success() {
        Outcome::Sent {
            external_id: id,
            extra: json!({ "references": references }),
        }
    } else {
        refused(answer)
    })
}

pub fn mail(account: &Account, out: &Outgoing) -> Option<Mail> {
    let extra = out.answering.as_ref().map(|target| &target.extra);
    let told = |name: &str| extra.and_then(|e| e.get(name)).and_then(Value::as_str);
    let list = |name: &str| -> Vec<String> {
        let values = extra.and_then(|e| e.get(name)).and_then(Value::as_array);
        let texts = values.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let to = told("reply_to").unwrap_or(&out.peer.handle).to_owned();
    if !is_address(&to) {
        return None;
    }
    let thread = if out.thread.is_empty() {
        digest(out.client_id.as_bytes())
    } else {
        out.thread.clone()
    };
    let answered = told("message_id").filter(|id| !id.is_empty()).map(str::to_owned);
    let mut references = list("references");
    references.extend(answered.clone());
    let old = references.len().saturating_sub(REFERENCES_MAX);
    references.drain(..old);
    let mut cc = list("cc");
    cc.retain(|address| is_address(address) && *address != to);
    Some(Mail {
        from: (account.sender_name.clone(), account.address.clone()),
        cc,
        reply_to: account
            .tagged
            .then(|| reply_address(&account.reply_key, &thread, &account.address))
            .flatten(),
        subject: subject(told("subject").unwrap_or_default(), account),
        message_id: message_id(&account.reply_key, &thread, &out.client_id, account.domain())?,
        in_reply_to: answered,
        references,
        text: out.text.clone(),
        attachments: out.attachments.clone(),
        to,
    })
}

/// `Re:` once, whatever language the customer's program wrote it in.
fn subject(theirs: &str, account: &Account) -> String {
    let theirs = theirs.trim();
    if theirs.is_empty() {
        return format!("Re: your message to {}", account.address);
    }
    let begins = theirs.split_once(':').map(|(begin, _)| begin.trim().to_lowercase());
    let known = ["re", "aw", "sv", "rv", "ref", "회신", "답장", "返信", "回复", "回覆"];
    match begins {
        Some(begin) if known.contains(&begin.as_str()) => theirs.to_owned(),
        _ => format!("Re: {theirs}"),
    }
}

/// By reply code and phase, never by words: those are only shown.
fn refused(answer: &Response) -> Outcome {
    let words = String::from_utf8_lossy(&answer.body);
    let reason = format!("The mail server answered {}: {}", answer.status, words.trim());
    let at_sign_in = answer.header("phase") == Some("sign-in");
    match answer.status {
        400..500 => Outcome::Retry {
            after: None,
            reason,
        },
        530 | 534 | 535 | 538 => Outcome::CredentialsDied { reason },
        500..600 if at_sign_in => Outcome::CredentialsDied { reason },
        status => Outcome::rejected(reason, status.to_string()),
    }
}
