//! Mail that Meari itself sends: invitations and password resets. Customers' mail is a channel.
//!
//! Invariants: a subject or name never breaks out of its header or its HTML; a mail without a
//! mail server is a file that the person at the machine can read, never a lost mail; credentials
//! go over an encrypted connection or not at all. `Debug` shows no address, text or link.

mod folder;
mod smtp;
mod texts;

pub use folder::FolderMailer;
pub use smtp::SmtpMailer;
pub use texts::{Invitation, invitation, password_reset};

use async_trait::async_trait;
use domain::Time;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use std::fmt;

#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("text_bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Will be refused again: no such address, forbidden sender.
    #[error("the mail server refused the mail: {reason}")]
    Rejected { reason: String },
    /// Likely to pass: try again later. A second copy of such a mail does no harm.
    #[error("the mail could not be handed over now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the mail settings are wrong: {reason}")]
    Settings { reason: String },
}

#[async_trait]
pub trait Mailer: Send + Sync + fmt::Debug {
    async fn send(&self, mail: &Mail, now: Time) -> Result<(), MailError>;
}

fn sender(from: &str) -> Result<Mailbox, MailError> {
    from.parse().map_err(|_| MailError::Settings {
        reason: format!("{from:?} is not a sender like: Meari <desk@example.com>"),
    })
}

/// The message on the wire.
fn message(from: &Mailbox, mail: &Mail, now: Time) -> Result<Message, MailError> {
    let refuse = |error: &dyn fmt::Display| MailError::Rejected {
        reason: error.to_string(),
    };
    let to: Mailbox = mail.to.parse().map_err(|e| refuse(&e))?;
    let id = format!(
        "<{}@{}>",
        crate::secrets::hex(&rand::random::<[u8; 16]>()),
        from.email.domain()
    );
    // Holiday replies to such mails would only bounce around.
    let automatic = HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    );
    Message::builder()
        .from(from.clone())
        .to(to)
        .date(now.into())
        .message_id(Some(id))
        .raw_header(automatic)
        .subject(mail.subject.clone())
        .multipart(MultiPart::alternative_plain_html(
            mail.text.clone(),
            mail.html.clone(),
        ))
        .map_err(|e| refuse(&e))
}

#[cfg(test)]
mod tests;
