//! Which thread a mail belongs to: proved by ids and addresses that we signed, never guessed from
//! a subject.
//!
//! A thread's name is 16 hex digits. It stands, signed, in the Message-ID of everything we send
//! and in the reply address, so an answer finds its thread even when its subject changed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

const MARK: &str = "mr1";
const NAME_CHARS: usize = 16;
const SIGNATURE_CHARS: usize = 16;

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub fn digest(text: &[u8]) -> String {
    hex(&Sha256::digest(text)[..NAME_CHARS / 2])
}

fn signature(key: &str, purpose: &str, thread: &str, token: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(format!("{purpose}.{thread}.{token}").as_bytes());
    Some(hex(&mac.finalize().into_bytes()[..SIGNATURE_CHARS / 2]))
}

/// In constant time over equal lengths.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |seen, (a, b)| seen | (a ^ b))
            == 0
}

fn is_name(text: &str) -> bool {
    text.len() == NAME_CHARS && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The Message-ID of a message of ours, the same for every attempt to send it.
pub fn message_id(key: &str, thread: &str, client_id: &str, domain: &str) -> Option<String> {
    let token = digest(client_id.as_bytes());
    let signature = signature(key, "id", thread, &token)?;
    Some(format!("{MARK}.{thread}.{token}.{signature}@{domain}"))
}

/// Whether it looks like an id of ours; only [`thread_of_id`] proves it.
pub fn is_shaped_like_ours(id: &str) -> bool {
    let local = id.split_once('@').map_or(id, |(local, _)| local);
    let parts: Vec<&str> = local.split('.').collect();
    parts.len() == 4 && parts[0] == MARK && parts[1..].iter().all(|part| is_name(part))
}

/// The thread that a Message-ID of ours names.
pub fn thread_of_id(key: &str, id: &str) -> Option<String> {
    let id = id.to_ascii_lowercase();
    if !is_shaped_like_ours(&id) {
        return None;
    }
    let mut parts = id.split_once('@')?.0.split('.').skip(1);
    let (thread, token, given) = (parts.next()?, parts.next()?, parts.next()?);
    same(given, &signature(key, "id", thread, token)?).then(|| thread.to_owned())
}

/// `help+mr1-<thread>-<signature>@moa.example`: an answer to it names its thread.
pub fn reply_address(key: &str, thread: &str, address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let signature = signature(key, "to", thread, "")?;
    Some(format!("{local}+{MARK}-{thread}-{signature}@{domain}"))
}

/// The thread that an address of ours names.
pub fn thread_of_address(key: &str, address: &str) -> Option<String> {
    let address = address.to_ascii_lowercase();
    let (local, _) = address.rsplit_once('@')?;
    let (_, tag) = local.rsplit_once('+')?;
    let (thread, given) = tag
        .strip_prefix(MARK)?
        .strip_prefix('-')?
        .split_once('-')?;
    let right = is_name(thread) && same(given, &signature(key, "to", thread, "")?);
    right.then(|| thread.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "reply-key";
    const THREAD: &str = "00112233aabbccdd";

    #[test]
    fn what_we_signed_names_its_thread_and_nothing_else_does() {
        let id = message_id(KEY, THREAD, "client-1", "moa.example").unwrap();
        assert_eq!(thread_of_id(KEY, &id).as_deref(), Some(THREAD));
        assert_eq!(
            thread_of_id(KEY, &id.to_uppercase()).as_deref(),
            Some(THREAD)
        );
        let address = reply_address(KEY, THREAD, "help@moa.example").unwrap();
        assert_eq!(thread_of_address(KEY, &address).as_deref(), Some(THREAD));
        assert!(address.split('@').next().unwrap().len() <= 64, "{address}");
        for forged in [
            id.replace("00112233", "00112234"),
            "mr1.x@y".into(),
            String::new(),
        ] {
            assert_eq!(thread_of_id(KEY, &forged), None, "{forged}");
        }
        let other = address.replace("aabb", "aabc");
        assert_eq!(thread_of_address(KEY, &other), None);
        assert_eq!(thread_of_id("another key", &id), None);
        assert_eq!(
            thread_of_address(KEY, &id),
            None,
            "an id is no reply address"
        );
    }

    #[test]
    fn another_attempt_has_the_same_id_and_another_message_another_one() {
        let id = |client: &str| message_id(KEY, THREAD, client, "moa.example");
        assert_eq!(id("a"), id("a"));
        assert_ne!(id("a"), id("b"));
    }
}
