//! Mail through a server: `smtps://user:password@host` or `smtp://host:587?tls=required`.

use super::{Mail, MailError, Mailer, message, sender};
use async_trait::async_trait;
use domain::Time;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::time::Duration;
use url::Url;

/// For each command, and for the connection.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);
const MAIL_TIMEOUT: Duration = Duration::from_secs(60);

pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpMailer")
    }
}

impl SmtpMailer {
    /// Connects on the first mail, so a mail server that is away does not hold the start.
    /// Must be called and dropped within a tokio runtime: the connection pool lives on it.
    pub fn new(url: &SecretString, from: &str) -> Result<Self, MailError> {
        check(url.expose_secret())?;
        tokio::runtime::Handle::try_current().map_err(|error| settings(&error.to_string()))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(|error| settings(&error.to_string()))?
            .timeout(Some(COMMAND_TIMEOUT))
            .build();
        Ok(Self {
            transport,
            from: sender(from)?,
        })
    }
}

fn settings(reason: &str) -> MailError {
    MailError::Settings {
        reason: reason.to_owned(),
    }
}

/// A password must not travel in clear text, except within this machine.
fn check(url: &str) -> Result<(), MailError> {
    let url = Url::parse(url).map_err(|_| settings("the SMTP URL is malformed"))?;
    if !matches!(url.scheme(), "smtp" | "smtps") {
        return Err(settings("the SMTP URL must begin with smtp:// or smtps://"));
    }
    let encrypted = url.scheme() == "smtps"
        || url
            .query_pairs()
            .any(|(k, v)| k == "tls" && v == "required");
    let here = matches!(
        url.host_str(),
        Some("localhost" | "127.0.0.1" | "[::1]" | "::1")
    );
    if url.password().is_some() && !encrypted && !here {
        return Err(settings(
            "a password needs encryption: use smtps://, or smtp://host:587?tls=required",
        ));
    }
    Ok(())
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail, now: Time) -> Result<(), MailError> {
        let message = message(&self.from, mail, now)?;
        let sending = self.transport.send(message);
        match tokio::time::timeout(MAIL_TIMEOUT, sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(MailError::Rejected {
                reason: error.to_string(),
            }),
            Ok(Err(error)) => Err(MailError::Unavailable(Box::new(error))),
            Err(late) => Err(MailError::Unavailable(Box::new(late))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_in_clear_text_is_refused_at_start_and_never_shown() {
        for (url, fine) in [
            ("smtps://u:hunter2@mail.example.com", true),
            ("smtp://u:hunter2@mail.example.com:587?tls=required", true),
            ("smtp://mail.example.com:25", true),
            ("smtp://u:hunter2@127.0.0.1:2525", true),
            ("smtp://u:hunter2@mail.example.com:587", false),
            (
                "smtp://u:hunter2@mail.example.com:587?tls=opportunistic",
                false,
            ),
            ("http://u:hunter2@mail.example.com", false),
            ("hunter2", false),
        ] {
            let result = SmtpMailer::new(&url.into(), "Meari <desk@example.com>");
            assert_eq!(result.is_ok(), fine, "{url}");
            assert!(!format!("{result:?}").contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn a_malformed_sender_is_refused_at_start() {
        let result = SmtpMailer::new(&"smtp://localhost".into(), "nobody");
        assert!(matches!(result, Err(MailError::Settings { .. })));
    }
}
