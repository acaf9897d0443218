//! What a step of a channel asks for, whatever it travels by.

use super::{ExecuteError, Outbound, Policy, smtp, timeout_of};
use channels::{HttpRequest, Repeat, Response, Submission};
use std::time::Duration;

#[derive(Debug)]
pub enum Errand {
    Request(Box<HttpRequest>),
    Mail(Box<Submission>),
}

impl Errand {
    pub fn delay(&self) -> Option<Duration> {
        match self {
            Self::Request(request) => request.delay,
            Self::Mail(_) => None,
        }
    }

    /// What a second one does when the answer to the first was lost. A mail server takes a mail
    /// twice.
    pub fn repeat(&self) -> Repeat {
        match self {
            Self::Request(request) => request.repeat.clone(),
            Self::Mail(submission) if submission.mail.is_none() => Repeat::Harmless,
            Self::Mail(_) => Repeat::Never,
        }
    }

    pub fn timeout(&self) -> Duration {
        match self {
            Self::Request(request) => timeout_of(request),
            Self::Mail(_) => smtp::TIMEOUT,
        }
    }
}

impl Outbound {
    pub async fn run(&self, errand: &Errand, policy: &Policy) -> Result<Response, ExecuteError> {
        match errand {
            Errand::Request(request) => self.execute(request, policy).await,
            Errand::Mail(submission) => self.submit(submission, policy).await,
        }
    }
}
