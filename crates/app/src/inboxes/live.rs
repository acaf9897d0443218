//! One action at a provider, held in memory only: answers of connecting, checking and refreshing
//! may hold tokens, so no step of them is ever stored. Called outside any transaction.

use crate::outbound::{Errand, ExecuteError, Policy};
use crate::{App, Result};
use channels::{Action, Channel, Connect, Outcome, Step};
use std::time::Duration;

/// More steps than any channel needs; a loop in channel code must not become a loop on the wire.
const STEPS_MAX: usize = 20;

/// Performs `action` to its end. A provider that cannot be reached is `Outcome::Retry`.
pub async fn perform(
    app: &App,
    channel: &'static dyn Channel,
    view: &channels::Inbox,
    action: &Action,
) -> Result<Outcome> {
    let policy = policy(channel, view);
    let tries = matches!(action, Action::Connect(Connect::Form) | Action::Check);
    if let Some(session) = channel.trial(view).filter(|_| tries) {
        match super::trial::run(app, session).await {
            Outcome::Ok => {}
            refused => return Ok(refused),
        }
    }
    let mut so_far = Vec::new();
    for _ in 0..STEPS_MAX {
        let errand = match channel.perform(view, action, &so_far) {
            Step::Done(outcome) => return Ok(outcome),
            Step::Call(request) => Errand::Request(Box::new(request)),
            Step::Mail(submission) => Errand::Mail(submission),
        };
        if let Some(delay) = errand.delay() {
            crate::wait::after(delay.min(Duration::from_secs(5))).await;
        }
        match app.outbound.run(&errand, &policy).await {
            Ok(response) => so_far.push(response),
            Err(ExecuteError::Limited { after }) => {
                return Ok(Outcome::Retry {
                    after: Some(after),
                    reason: "our own rate limit for this account is reached".into(),
                });
            }
            Err(ExecuteError::NotSent { reason } | ExecuteError::MaybeSent { reason }) => {
                return Ok(Outcome::Retry {
                    after: None,
                    reason: format!("the provider cannot be reached: {reason}"),
                });
            }
            Err(ExecuteError::Refused { reason }) => {
                return Ok(Outcome::Rejected {
                    reason,
                    code: "refused".into(),
                });
            }
            Err(error @ ExecuteError::AnswerTooLarge { .. }) => {
                return Ok(Outcome::Rejected {
                    reason: error.to_string(),
                    code: "too_large".into(),
                });
            }
            Err(ExecuteError::NotStored(cause)) => {
                return Err(crate::Error::unavailable(cause.to_string()));
            }
        }
    }
    Err(crate::Error::internal(format!(
        "{} needs more than {STEPS_MAX} steps",
        channel.manifest().kind
    )))
}

/// Rate limits are the channel's, kept per inbox. The address an administrator typed is as trusted
/// as one from the configuration.
pub fn policy(channel: &dyn Channel, view: &channels::Inbox) -> Policy {
    let paces = channel.paces(view);
    Policy {
        base_url: base_url(view),
        rate: paces.account.into(),
        peer_rate: paces.peer.map(Into::into),
        ..Policy::of_account(view.id.to_string())
    }
}

pub fn base_url(view: &channels::Inbox) -> Option<String> {
    let typed = view.base_url.as_deref().or(view.setting("base_url"))?;
    channels::address::base(typed).map(String::from)
}
