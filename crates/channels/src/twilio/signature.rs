//! `X-Twilio-Signature`: base64 of HMAC-SHA1 over the address and the sorted form.
//!
//! The address is the configured public one: a proxy that alters host or port must not break it,
//! and a sender must not choose it.

use crate::inbound::RawRequest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use url::form_urlencoded;

/// More fields than any message of Twilio has.
const FIELDS_MAX: usize = 1000;

pub fn is_valid(token: &str, raw: &RawRequest, told: &str) -> bool {
    let Ok(tag) = STANDARD.decode(told.trim()) else {
        return false;
    };
    let Some(signed) = signed(raw) else {
        return false;
    };
    let url = match raw.query.as_str() {
        "" => raw.public_url.clone(),
        query => format!("{}?{query}", raw.public_url),
    };
    // Twilio signs with or without the usual port, depending on how it was configured.
    spellings(&url)
        .iter()
        .any(|url| is_tag(token, url, &signed, &tag))
}

fn is_tag(token: &str, url: &str, signed: &str, tag: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.as_bytes()) else {
        return false;
    };
    mac.update(url.as_bytes());
    mac.update(signed.as_bytes());
    mac.verify_slice(tag).is_ok()
}

/// What is signed beside the address. A JSON body is covered by its digest in the query.
fn signed(raw: &RawRequest) -> Option<String> {
    let digest = form_urlencoded::parse(raw.query.as_bytes())
        .find(|(key, _)| key == "bodySHA256")
        .map(|(_, value)| value);
    if let Some(digest) = digest {
        let found: String = Sha256::digest(&raw.body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        return (found == digest).then(String::new);
    }
    let pairs: BTreeSet<_> = form_urlencoded::parse(&raw.body)
        .take(FIELDS_MAX + 1)
        .collect();
    if pairs.len() > FIELDS_MAX {
        return None;
    }
    Some(pairs.iter().flat_map(|(key, value)| [&**key, &**value]).collect())
}

/// The address as it is, with the usual port written, and without it.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return all;
    };
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let usual = if scheme == "https" { ":443" } else { ":80" };
    if let Some(bare) = host.strip_suffix(usual) {
        all.push(format!("{scheme}://{bare}{path}"));
    } else if !host.contains(':') {
        all.push(format!("{scheme}://{host}{usual}{path}"));
    }
    all
}
