//! What Twilio's numbers mean. Decided by code; the words are ours.

use crate::action::{Outcome, Response};
use serde::Deserialize;

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u32,
    #[serde(default)]
    message: String,
}

/// Longest text of Twilio that is repeated to an agent.
const WORDS_MAX: usize = 300;

/// The token is wrong, or the account is closed: every further call would fail.
const DEAD: [u32; 2] = [20003, 20005];
const SLOW_DOWN: [u32; 3] = [20429, 14107, 30001];

/// Why a message did not arrive, for an agent.
pub fn words(code: u32) -> String {
    let known = match code {
        21211 | 21214 | 21217 | 21614 => "This is not a number that can receive SMS.",
        21408 | 21612 => "The account may not send to this country or over this route.",
        21606 | 21659 | 21660 => "Our number cannot send SMS, or belongs to another account.",
        21610 => "The person has unsubscribed (STOP). They must write START before they can be written to again.",
        21617 => "The text is too long for one message.",
        21620 | 12300 | 63019 => "The file could not be fetched, or its type is not allowed.",
        30003 => "The phone is off or out of reach.",
        30004 => "The person or the carrier blocks messages from us.",
        30005 => "The number does not exist any more.",
        30006 => "This is a landline, or the carrier cannot be reached.",
        30007 => "The carrier filtered the message as unwanted.",
        30008 => "It did not arrive; the carrier does not say why.",
        30010 => "The message costs more than the account allows.",
        30034 | 30032 => "Our number is not registered for business messages in this country.",
        63038 | 30022 => "The daily limit of the account is reached.",
        0 => "It did not arrive; Twilio does not say why.",
        _ => return format!("It did not arrive (Twilio error {code})."),
    };
    format!("{known} (Twilio {code})")
}

pub fn refused(response: &Response) -> Outcome {
    let refusal: Refusal = response.json().unwrap_or_default();
    if response.status == 401 || DEAD.contains(&refusal.code) {
        return Outcome::CredentialsDied {
            reason: "Twilio no longer accepts the account SID and token. Enter them again.".into(),
        };
    }
    let is_away = matches!(response.status, 408 | 425 | 429 | 500..);
    if is_away || SLOW_DOWN.contains(&refusal.code) {
        return Outcome::Retry {
            after: response.retry_after(),
            reason: format!("Twilio answered {}.", response.status),
        };
    }
    let said: String = refusal.message.chars().take(WORDS_MAX).collect();
    Outcome::Rejected {
        reason: match (refusal.code, said.as_str()) {
            (0, "") => format!("Twilio answered {}.", response.status),
            (code, "") => words(code),
            (code, said) => format!("{} Twilio says: {said}", words(code)),
        },
        code: match refusal.code {
            0 => response.status.to_string(),
            code => code.to_string(),
        },
    }
}
