//! Everything that takes bytes from strangers, as functions that must not panic.
//!
//! `make fuzz` drives them with libFuzzer (`fuzz/driver`); `make test` replays the corpus below,
//! so a crash that was found once stays found. A new parser of foreign bytes gets a line in
//! [`TARGETS`] and a folder in `fuzz/corpus`.

use channels::{ALL, Inbox, Input, Output, Part, ProviderApp, RawRequest};
use domain::{InboxId, TenantId, Time, clock::from_micros};

/// A moment that recorded signatures are fresh at; nothing here may depend on it.
const NOW_MICROS: i64 = 1_780_000_000_000_000;

pub type Target = fn(&[u8]);

pub const TARGETS: &[(&str, Target)] = &[
    ("channel_webhook", channel_webhook),
    ("channel_part", channel_part),
    ("channel_session", channel_session),
    ("ids", ids),
];

fn now() -> Time {
    from_micros(NOW_MICROS)
}

fn inbox() -> Inbox {
    Inbox {
        tenant_id: TenantId::new(now()),
        id: InboxId::new(now()),
        account: "moa".into(),
        address: "@moa".into(),
        base_url: None,
        webhook_url: None,
        settings: [
            ("address", "help@moa.example"),
            ("imap_host", "imap.moa.example"),
            ("smtp_host", "smtp.moa.example"),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into_iter()
        .collect(),
        secrets: Default::default(),
        app: None,
        now: now(),
        nonce: "nonce".into(),
    }
}

/// A request of a stranger, and the same bytes once they are believed.
pub fn channel_webhook(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (query, _) = text.split_once('\n').unwrap_or((&text, ""));
    let raw = RawRequest {
        method: if bytes.first() == Some(&b'?') {
            "GET"
        } else {
            "POST"
        }
        .into(),
        path: "/webhooks/x/y".into(),
        query: query.into(),
        headers: vec![
            ("webhook-id".into(), bytes.to_vec()),
            ("webhook-timestamp".into(), b"1780000000".to_vec()),
            ("webhook-signature".into(), bytes.to_vec()),
        ],
        body: bytes.to_vec(),
        received_at: now(),
        public_url: "https://desk.example.com/webhooks/x/y".into(),
    };
    let app = ProviderApp {
        secrets: [("signing_secret", "whsec_c2VjcmV0")].into_iter().collect(),
        ..Default::default()
    };
    for channel in ALL {
        let _ = channel.verify(&app, &raw);
        for part in channel.split(&raw).unwrap_or_default() {
            let _ = channel.parse(&inbox(), &part);
        }
    }
}

/// A stored part, which may have been written by another version.
pub fn channel_part(bytes: &[u8]) {
    let part = Part {
        account: "moa".into(),
        lane: "lane".into(),
        dedupe: "key".into(),
        bytes: bytes.to_vec(),
    };
    for channel in ALL {
        let _ = channel.parse(&inbox(), &part);
    }
}

/// A server on the other end of a connection, in pieces of the first byte's size. Whatever is
/// delivered is parsed, and stored at once.
pub fn channel_session(bytes: &[u8]) {
    let Some((piece, stream)) = bytes.split_first() else {
        return;
    };
    for channel in ALL {
        let Some(mut session) = channel.session(&inbox(), None) else {
            continue;
        };
        let pieces = stream.chunks(usize::from(*piece) + 1);
        let received = pieces.map(|bytes| Input::Received(bytes.to_vec()));
        for input in [Input::Start, Input::Opened].into_iter().chain(received) {
            for output in session.handle(input, now()) {
                if let Output::Deliver { part, cursor } = output {
                    let _ = channel.parse(&inbox(), &part);
                    session.handle(Input::Stored(cursor), now());
                }
            }
        }
    }
}

/// Ids and cursors come from URLs and variables; what parses must print as it was read.
pub fn ids(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(id) = text.parse::<domain::TicketId>() {
        assert_eq!(id.to_string(), text);
    }
    let _ = text.parse::<domain::event::Cursor>();
    let _ = text.parse::<domain::event::ScopeKey>();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_corpus_is_survived() {
        let mut replayed = 0;
        for (name, target) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("corpus")
                .join(name);
            let entries =
                std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            for entry in entries {
                target(&std::fs::read(entry.unwrap().path()).unwrap());
                replayed += 1;
            }
        }
        assert!(replayed >= TARGETS.len(), "every target has a corpus");
    }
}
