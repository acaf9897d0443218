//! What a refusal means. Decided by status; LINE's words are shown, never read.

use crate::action::{Outcome, Response};
use serde::Deserialize;

/// The longest text of LINE that is repeated to an agent.
const WORDS_MAX: usize = 300;

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

pub fn refused(response: &Response) -> Outcome {
    let refusal: Refusal = response.json().unwrap_or_default();
    let words: String = refusal.message.chars().take(WORDS_MAX).collect();
    let reject = |reason: &str| Outcome::Rejected {
        reason: match words.as_str() {
            "" => reason.to_owned(),
            said => format!("{reason} LINE says: {said}"),
        },
        code: response.status.to_string(),
    };
    match response.status {
        401 => Outcome::CredentialsDied {
            reason: "LINE no longer accepts the channel access token. Issue a new one.".into(),
        },
        403 => reject("The account's plan or role does not allow this at LINE."),
        404 | 410 => reject("LINE knows no such person or message; the person may have left."),
        413 => reject("The message is too large for LINE."),
        // Also the end of the month's quota: the wait is LINE's, or ours grows until it is given up.
        408 | 425 | 429 | 500.. => Outcome::Retry {
            after: response.retry_after(),
            reason: match response.status {
                429 => "LINE asks to slow down, or the month's messages are used up.".into(),
                status => format!("LINE answered {status}."),
            },
        },
        _ => reject("LINE refuses this as it is."),
    }
}
