//! What a refusal means. Decided by status code; the words of the instance are shown, not read.

use crate::action::{Outcome, Response};
use domain::Time;
use serde::Deserialize;
use std::time::Duration;

/// The longest text of an instance that is repeated to an agent.
const WORDS_MAX: usize = 300;
const WAIT_MAX_SECONDS: i64 = 3600;

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    error: String,
}

pub fn refused(response: &Response, now: Time) -> Outcome {
    let words: String = response
        .json::<Problem>()
        .map(|problem| problem.error.chars().take(WORDS_MAX).collect())
        .unwrap_or_default();
    let reject = |reason: &str| Outcome::Rejected {
        reason: match words.as_str() {
            "" => reason.to_owned(),
            said => format!("{reason} The instance says: {said}"),
        },
        code: response.status.to_string(),
    };
    match response.status {
        401 => Outcome::CredentialsDied {
            reason: "The instance no longer accepts our access. Reconnect the account.".into(),
        },
        403 => reject(
            "The instance does not allow this. The account may lack a permission, be limited or blocked by this person.",
        ),
        404 | 410 => reject("The post or person is no longer there."),
        413 => reject("The file is too large for this instance."),
        422 => reject("The instance refuses this message as it is. Change it and send it again."),
        408 | 425 | 429 | 500.. => Outcome::Retry {
            after: wait(response, now),
            reason: format!("The instance answered {}.", response.status),
        },
        300..=399 => {
            reject("The instance has moved. Check its address in the connection's settings.")
        }
        status => reject(&format!("The instance answered {status}.")),
    }
}

/// `X-RateLimit-Reset` is an instant; `Retry-After` counts seconds.
pub fn wait(response: &Response, now: Time) -> Option<Duration> {
    let reset = response
        .header("x-ratelimit-reset")
        .filter(|_| response.status == 429)
        .and_then(|text| text.trim().parse::<Time>().ok())
        .map(|at| (at - now).num_seconds() + 1);
    let retry_after = response
        .header("retry-after")
        .and_then(|text| text.trim().parse::<i64>().ok());
    let seconds = reset.or(retry_after)?.clamp(1, WAIT_MAX_SECONDS);
    u64::try_from(seconds).ok().map(Duration::from_secs)
}
