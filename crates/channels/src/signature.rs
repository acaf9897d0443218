//! Signatures: standard-webhooks, `v1,base64(HMAC-SHA256(secret, id.time.body))`, and the plain
//! HMAC of a body that most providers use.
//!
//! Invariants: computed over raw bytes; compared in constant time; a time-stamp further than
//! [`TOLERANCE_SECONDS`] from the moment of arrival is refused, so a caught request cannot be
//! replayed later.

use crate::inbound::Verdict;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::Time;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub const TOLERANCE_SECONDS: i64 = 300;
/// Signatures looked at in one header; more would only cost us time.
const SIGNATURES_MAX: usize = 16;
const CHALLENGE_MAX: usize = 128;

/// Whether `tag` is the HMAC-SHA256 of `bytes` under `secret`.
pub fn is_hmac_sha256(secret: &str, bytes: &[u8], tag: &[u8]) -> bool {
    plain(secret, bytes).is_some_and(|mac| mac.verify_slice(tag).is_ok())
}

/// HMAC-SHA256 of `bytes` under `secret`, URL-safe base64: a secret that needs no place of its own.
pub fn derived(secret: &str, bytes: &[u8]) -> String {
    plain(secret, bytes)
        .map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
        .unwrap_or_default()
}

/// Equality that takes as long for a nearly right word as for a wrong one.
pub fn is_same(expected: &str, told: &str) -> bool {
    let Some(mac) = plain(expected, expected.as_bytes()) else {
        return false;
    };
    is_hmac_sha256(expected, told.as_bytes(), &mac.finalize().into_bytes())
}

/// HMAC-SHA256 of `bytes` under `secret`, in hex.
pub fn hex_of_hmac(secret: &str, bytes: &[u8]) -> String {
    let tag = plain(secret, bytes).map(|mac| mac.finalize().into_bytes());
    let tag = tag.iter().flatten();
    tag.map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `told` is Meta's signature of a body: `sha256=` and the HMAC in hex.
pub fn is_hub_signature(secret: &str, body: &[u8], told: &str) -> bool {
    let Some(hex) = told.strip_prefix("sha256=") else {
        return false;
    };
    let digit = |byte: &u8| {
        (*byte as char)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let tag: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(pair).collect();
    tag.is_some_and(|tag| is_hmac_sha256(secret, body, &tag))
}

/// Meta tries an address: it tells the word it was given and wants its challenge back.
pub fn hub_challenge(token: &str, query: &str) -> Verdict {
    let told = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    if told("hub.mode") == "subscribe" && is_same(token, &told("hub.verify_token")) {
        answer(told("hub.challenge"))
    } else {
        Verdict::Reject
    }
}

/// Says a challenge back, if it is a word and not something that a page could run.
pub fn answer(challenge: String) -> Verdict {
    let is_sound = (1..=CHALLENGE_MAX).contains(&challenge.len())
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_sound {
        Verdict::Challenge {
            status: 200,
            content_type: "text/plain; charset=utf-8",
            body: challenge.into_bytes(),
        }
    } else {
        Verdict::Reject
    }
}

fn plain(secret: &str, bytes: &[u8]) -> Option<Hmac<Sha256>> {
    if secret.is_empty() {
        return None;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(bytes);
    Some(mac)
}

/// Key bytes of a secret: `whsec_` and base64, or any other text as it is.
fn key(secret: &str) -> Vec<u8> {
    secret
        .strip_prefix("whsec_")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn mac(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key(secret)).ok()?;
    for piece in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(piece);
    }
    Some(mac)
}

/// The value of `webhook-signature` for a request that leaves at `now`.
pub fn sign(secret: &str, id: &str, now: Time, body: &[u8]) -> String {
    mac(secret, id, &now.timestamp().to_string(), body)
        .map(|mac| format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        .unwrap_or_default()
}

/// Whether one of the space-separated `signatures` is right and `timestamp` is fresh.
pub fn is_valid(
    secret: &str,
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    received_at: Time,
) -> bool {
    let Ok(seconds) = timestamp.parse::<i64>() else {
        return false;
    };
    if received_at.timestamp().abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
        return false;
    }
    let Some(mac) = mac(secret, id, timestamp, body) else {
        return false;
    };
    signatures
        .split(' ')
        .take(SIGNATURES_MAX)
        .filter_map(|one| one.strip_prefix("v1,"))
        .filter_map(|encoded| STANDARD.decode(encoded).ok())
        .any(|tag| mac.clone().verify_slice(&tag).is_ok())
}
