//! What a refusal means. Decided by codes; Telegram's words are shown, never read.

use crate::action::{Outcome, Response};
use serde::Deserialize;
use std::time::Duration;

/// The longest text of Telegram that is repeated to an agent.
const WORDS_MAX: usize = 300;
const WAIT_MAX_SECONDS: u64 = 3600;

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<u64>,
    #[serde(default)]
    migrate_to_chat_id: Option<i64>,
}

/// The chat that a group became, when that is why it was refused.
pub fn moved_to(response: &Response) -> Option<i64> {
    let refusal: Refusal = response.json()?;
    refusal.parameters.migrate_to_chat_id
}

pub fn refused(response: &Response) -> Outcome {
    let refusal: Refusal = response.json().unwrap_or_default();
    let words: String = refusal.description.chars().take(WORDS_MAX).collect();
    let reject = |reason: &str| Outcome::Rejected {
        reason: match words.as_str() {
            "" => reason.to_owned(),
            said => format!("{reason} Telegram says: {said}"),
        },
        code: response.status.to_string(),
    };
    match response.status {
        401 => Outcome::CredentialsDied {
            reason: "Telegram no longer accepts the bot's token. Enter the new one.".into(),
        },
        403 => reject(
            "Telegram does not let the bot write here: the person blocked it, left, or has never written to it.",
        ),
        404 => reject("Telegram does not know this bot or this call."),
        409 => reject("Another program uses this bot. Stop it there first."),
        413 => reject("The file is too large for Telegram."),
        408 | 425 | 429 | 500.. => Outcome::Retry {
            after: refusal
                .parameters
                .retry_after
                .map(|seconds| Duration::from_secs(seconds.clamp(1, WAIT_MAX_SECONDS)))
                .or_else(|| response.retry_after()),
            reason: format!("Telegram answered {}.", response.status),
        },
        _ => reject("Telegram refuses this as it is."),
    }
}
