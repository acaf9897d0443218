//! One action at a provider, request by request, so that a crash anywhere leaves at most one
//! request whose fate is unknown, and that one is settled by what the channel allows.

use super::End;
use crate::outbound::{Errand, ExecuteError, Policy};
use crate::{App, Error, Result};
use channels::{Action, Channel, Outcome, Repeat, Response, SendKind, Step};
use chrono::Duration;
use store::jobs::{self, StoredJob};

/// More steps than any channel needs; a loop in channel code must not become a loop on the wire.
const STEPS_MAX: usize = 40;
/// Longest pause between two steps that a channel may ask for.
const DELAY_MAX: std::time::Duration = std::time::Duration::from_secs(5);
/// Time beyond a request's own limit in which its answer is stored.
const MARGIN: Duration = Duration::seconds(30);

/// Pauses between attempts to store an answer; together shorter than [`MARGIN`].
const KEEP_PAUSES: [std::time::Duration; 12] = {
    let mut pauses = [std::time::Duration::from_secs(2); 12];
    pauses[0] = std::time::Duration::from_millis(50);
    pauses[1] = std::time::Duration::from_millis(250);
    pauses
};

/// What came of an action.
pub(super) enum Driven {
    Outcome(Outcome),
    /// No outcome yet: end the job like this.
    End(End),
    /// Certainly not sent: the provider is away.
    Away(String),
}

/// What the executor needs to know about one action.
pub(super) struct Drive<'a> {
    pub app: &'a App,
    pub job: &'a StoredJob,
    pub channel: &'static dyn Channel,
    pub view: channels::Inbox,
    pub action: Action,
    /// For sends: how to find out whether a send arrived.
    pub look_up: Option<Action>,
    pub kind: SendKind,
    pub peer: Option<String>,
}

impl Drive<'_> {
    pub async fn run(self) -> Result<Driven> {
        let mut so_far = self.stored_steps().await?;
        let mut doubtful = self.job.vanished;
        for _ in 0..STEPS_MAX {
            let request = match self.channel.perform(&self.view, &self.action, &so_far) {
                Step::Done(outcome) => return Ok(Driven::Outcome(outcome)),
                Step::Call(request) => Errand::Request(Box::new(request)),
                Step::Mail(submission) => Errand::Mail(submission),
            };
            // The claim before this one may have sent exactly this request.
            if std::mem::take(&mut doubtful)
                && !request.repeat().is_safe()
                && let Some(settled) = self.out_of_doubt("the process ended while sending").await
            {
                return Ok(settled);
            }
            if let Some(delay) = request.delay() {
                // The provider works on the step before; the lock covers this wait.
                crate::wait::after(delay.min(DELAY_MAX)).await;
            }
            match self.call(&request).await? {
                Called::Answered(response) if self.leaves_doubt(&request, &response) => {
                    let reason = format!("the provider answered {}", response.status);
                    return Ok(self.after_doubt(reason).await);
                }
                Called::Answered(response) => {
                    if let Err(error) = self.keep(so_far.len(), &response).await {
                        tracing::warn!(error = %error, "an answer of a provider could not be stored");
                        return Ok(Driven::End(self.still_in_doubt("the answer was lost")));
                    }
                    so_far.push(response);
                }
                Called::Over(driven) => return Ok(driven),
                Called::Doubt(reason) => return Ok(self.after_doubt(reason).await),
            }
        }
        Err(Error::internal(format!(
            "{} needs more than {STEPS_MAX} steps",
            self.channel.manifest().kind
        )))
    }

    /// A server or gateway that failed may have done it all the same. A mail server's reply code
    /// is its verdict.
    fn leaves_doubt(&self, errand: &Errand, response: &Response) -> bool {
        let Errand::Request(request) = errand else {
            return false;
        };
        let failed = matches!(response.status, 500 | 502 | 504);
        failed && self.look_up.is_some() && !request.repeat.is_safe()
    }

    /// What certainly did not arrive is tried again later, not at once: whatever broke off this
    /// request breaks off the next one too.
    async fn after_doubt(&self, reason: String) -> Driven {
        match self.out_of_doubt(&reason).await {
            Some(settled) => settled,
            None => Driven::End(End::Retry {
                after: None,
                error: reason,
            }),
        }
    }

    async fn stored_steps(&self) -> Result<Vec<Response>> {
        let stored = jobs::steps(&self.app.read(), self.job.id).await?;
        stored
            .into_iter()
            .map(|value| serde_json::from_value(value).map_err(Error::internal))
            .collect()
    }

    /// The answer is durable before the next step is taken. Nobody else knows it, so a database
    /// that is away is asked again while the claim surely holds.
    async fn keep(&self, step: usize, response: &Response) -> Result<()> {
        for pause in KEEP_PAUSES {
            match self.keep_once(step, response).await {
                Err(Error::Unavailable { .. } | Error::Conflict { .. }) => {
                    crate::wait::after(pause).await;
                }
                done => return done,
            }
        }
        self.keep_once(step, response).await
    }

    async fn keep_once(&self, step: usize, response: &Response) -> Result<()> {
        let tx = self.app.begin(self.job.tenant_id, "keep_step").await?;
        let value = serde_json::to_value(response).map_err(Error::internal)?;
        jobs::step(
            &tx,
            self.job,
            i64::try_from(step).unwrap_or(i64::MAX),
            value,
        )
        .await?;
        self.app.commit(tx, ()).await
    }

    async fn call(&self, request: &Errand) -> Result<Called> {
        let timeout = Duration::from_std(request.timeout()).unwrap_or(MARGIN) + MARGIN;
        if self
            .job
            .locked_until
            .is_none_or(|until| until < self.app.now() + timeout)
        {
            let tx = self.app.begin(self.job.tenant_id, "extend_job").await?;
            jobs::extend(&tx, self.job, self.app.now() + timeout).await?;
            self.app.commit(tx, ()).await?;
        }
        let policy = Policy {
            peer: self.peer.clone(),
            ..crate::inboxes::policy(self.channel, &self.view)
        };
        Ok(match self.app.outbound.run(request, &policy).await {
            Ok(response) => Called::Answered(response),
            Err(ExecuteError::Limited { after }) => Called::Over(Driven::End(End::Wait {
                until: Duration::from_std(after).unwrap_or(MARGIN),
            })),
            Err(ExecuteError::NotSent { reason }) => Called::Over(Driven::Away(reason)),
            Err(ExecuteError::MaybeSent { reason }) => match request.repeat() {
                Repeat::Harmless => Called::Over(Driven::End(End::Retry {
                    after: None,
                    error: reason,
                })),
                // It may be repeated, but who gives up cannot say that it was not sent.
                Repeat::Key(_) => Called::Over(Driven::End(End::InDoubt {
                    after: None,
                    error: reason,
                })),
                Repeat::Never => Called::Doubt(reason),
            },
            Err(ExecuteError::Refused { reason }) => {
                Called::Over(Driven::Outcome(Outcome::Rejected {
                    reason,
                    code: "refused".into(),
                }))
            }
            Err(ExecuteError::AnswerTooLarge { bytes_max }) => {
                Called::Over(Driven::Outcome(Outcome::Rejected {
                    reason: format!("the file is larger than {} MB", bytes_max / 1_000_000),
                    code: "too_large".into(),
                }))
            }
            Err(ExecuteError::NotStored(cause)) => {
                return Err(Error::unavailable(cause.to_string()));
            }
        })
    }

    /// Like [`Drive::settle_doubt`]; an error of ours leaves the doubt as it is.
    async fn out_of_doubt(&self, reason: &str) -> Option<Driven> {
        self.settle_doubt(reason).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "a send of unknown fate could not be settled, trying again");
            Some(Driven::End(self.still_in_doubt(reason)))
        })
    }

    /// `None`: it certainly did not arrive, send it (again).
    async fn settle_doubt(&self, reason: &str) -> Result<Option<Driven>> {
        let unknown = || {
            Driven::Outcome(Outcome::Unknown {
                reason: reason.to_owned(),
            })
        };
        // Only sends can double; everything else may simply be repeated.
        let Some(look_up) = &self.look_up else {
            return Ok(None);
        };
        if self.kind != SendKind::Lookup {
            return Ok(Some(unknown()));
        }
        let mut so_far = Vec::new();
        for _ in 0..STEPS_MAX {
            let request = match self.channel.perform(&self.view, look_up, &so_far) {
                Step::Done(Outcome::NotSent) => return Ok(None),
                Step::Done(sent @ Outcome::Sent { .. }) => return Ok(Some(Driven::Outcome(sent))),
                Step::Done(_) => return Ok(Some(Driven::End(self.still_in_doubt(reason)))),
                Step::Call(request) => Errand::Request(Box::new(request)),
                Step::Mail(submission) => Errand::Mail(submission),
            };
            match self.call(&request).await? {
                Called::Answered(response) => so_far.push(response),
                Called::Over(_) | Called::Doubt(_) => {
                    return Ok(Some(Driven::End(self.still_in_doubt(reason))));
                }
            }
        }
        Ok(Some(unknown()))
    }

    fn still_in_doubt(&self, reason: &str) -> End {
        End::InDoubt {
            after: Some(Duration::seconds(5)),
            error: reason.to_owned(),
        }
    }
}

enum Called {
    Answered(Response),
    Over(Driven),
    /// It may have arrived, and repeating it could double it.
    Doubt(String),
}
