//! What Meta's numbers mean. Decided by code; the words are ours.

use crate::action::{Outcome, Response};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// The longest text of Meta that is repeated to an agent.
const WORDS_MAX: usize = 300;
/// Too many messages to one person: she may get one in so long.
const PAIR: i64 = 131_056;
const PAIR_WAIT: Duration = Duration::from_secs(6);

#[derive(Default, Deserialize)]
pub struct Fault {
    #[serde(default)]
    pub code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    error_data: Value,
    #[serde(default)]
    is_transient: bool,
}

#[derive(Deserialize)]
struct Refusal {
    error: Fault,
}

/// The token is dead: every further call would fail.
pub const fn is_dead(code: i64) -> bool {
    matches!(code, 102 | 190)
}

/// Nothing is wrong with the message; later it will go.
pub const fn is_passing(code: i64) -> bool {
    matches!(
        code,
        1 | 2 | 4 | 17 | 32 | 613 | 80_007 | 130_429 | 131_000 | 131_016 | 131_048 | PAIR | 131_057 | 133_004
    )
}

const fn words(code: i64) -> Option<&'static str> {
    Some(match code {
        3 | 10 | 200..=299 | 131_005 => {
            "The access token lacks a permission for this. Generate one with whatsapp_business_messaging and whatsapp_business_management."
        }
        33 | 131_030 => "Meta knows no such number, or it is not in the list of test recipients.",
        368 | 131_031 => "Meta has locked this WhatsApp account. Look at its business support page.",
        130_472 => "Meta does not deliver this message to this person: her number is part of an experiment.",
        130_497 => "The account may not write to people in this country.",
        131_008 | 131_009 | 100 => "Meta refuses this message as it is.",
        131_021 => "This is our own number.",
        131_026 => "The message cannot be delivered: the person does not use WhatsApp, blocked us, or has an old version.",
        131_037 | 131_045 | 133_010 => "Our number is not registered, or its name is not approved yet.",
        131_042 => "Meta asks for a valid payment method of this WhatsApp account.",
        131_047 => "More than 24 hours have passed since the person wrote. Only an approved template may be sent now.",
        131_049 | 131_050 => "Meta does not deliver more marketing to this person for now.",
        131_051 => "WhatsApp does not know this kind of message.",
        131_052 | 131_053 => "Meta could not take the file. Its type, size or content is not allowed.",
        132_000..=132_999 => "The template does not exist, is paused, or its parameters do not fit.",
        _ => return None,
    })
}

/// A fault for an agent.
pub fn told(fault: &Fault) -> String {
    let details = fault.error_data["details"].as_str().unwrap_or_default();
    let said = if details.is_empty() { &fault.message } else { details };
    let said: String = said.chars().take(WORDS_MAX).collect();
    let code = fault.code;
    match (words(code), said.as_str()) {
        (Some(words), _) => format!("{words} (Meta {code})"),
        (None, "") => format!("Meta refuses this (error {code})."),
        (None, said) => format!("Meta says: {said} ({code})"),
    }
}

pub fn refused(response: &Response) -> Outcome {
    let refusal: Option<Refusal> = response.json();
    let known = refusal.map(|refusal| refusal.error);
    let fault = known.unwrap_or_default();
    if response.status == 401 || is_dead(fault.code) {
        return Outcome::CredentialsDied {
            reason: "Meta no longer accepts the access token. Generate a new one.".into(),
        };
    }
    let is_away = matches!(response.status, 408 | 425 | 429 | 500..);
    if is_away || fault.is_transient || is_passing(fault.code) {
        return Outcome::Retry {
            after: response
                .retry_after()
                .or_else(|| (fault.code == PAIR).then_some(PAIR_WAIT)),
            reason: match fault.code {
                0 => format!("Meta answered {}.", response.status),
                code => format!("Meta asks to wait (error {code})."),
            },
        };
    }
    Outcome::Rejected {
        reason: match fault.code {
            0 => format!("Meta answered {}.", response.status),
            _ => told(&fault),
        },
        code: match fault.code {
            0 => response.status.to_string(),
            code => code.to_string(),
        },
    }
}
