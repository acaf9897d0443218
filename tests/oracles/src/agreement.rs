//! A thousand requests each for LINE, Twilio and standard-webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use channels::{ProviderApp, RawRequest, Verdict, by_kind, signature};
use domain::Time;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Another seed is another thousand; the seed of a failure belongs into its report.
const SEED: &str = "20261121";
const REQUESTS: usize = 1000;

#[derive(Deserialize)]
struct Case {
    channel: String,
    secret_name: String,
    secret: String,
    url: String,
    #[serde(default)]
    query: String,
    headers: BTreeMap<String, String>,
    /// Base64.
    body: String,
    /// The oracle's clock, in seconds.
    now: i64,
    is_valid: bool,
    /// What the official library signs, where it has a function for it.
    #[serde(default)]
    signed: Option<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    id: String,
    seconds: i64,
    signature: String,
}

impl Case {
    fn raw(&self) -> RawRequest {
        let header = |(name, value): (&String, &String)| (name.clone(), value.clone().into_bytes());
        RawRequest {
            method: "POST".into(),
            path: String::new(),
            query: self.query.clone(),
            headers: self.headers.iter().map(header).collect(),
            body: STANDARD.decode(&self.body).expect("base64"),
            received_at: Time::from_timestamp(self.now, 0).expect("a time"),
            public_url: self.url.clone(),
        }
    }

    fn app(&self) -> ProviderApp {
        ProviderApp {
            secrets: [(self.secret_name.clone(), self.secret.clone())]
                .into_iter()
                .collect(),
            ..ProviderApp::default()
        }
    }
}

fn told() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node");
    assert!(
        folder.join("node_modules/twilio").exists(),
        "the official libraries are not installed: scripts/protocol.sh"
    );
    let output = Command::new("node")
        .args(["oracles.mjs", SEED, &REQUESTS.to_string()])
        .current_dir(folder)
        .output()
        .expect("node starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect()
}

#[test]
fn official_validators_and_ours_say_the_same_of_a_thousand_requests_each() {
    let mut counts: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for case in told() {
        let channel = by_kind(&case.channel).expect("a channel");
        let raw = case.raw();
        let ours = channel.verify(&case.app(), &raw) == Verdict::Accept;
        let body = String::from_utf8_lossy(&raw.body);
        assert_eq!(
            ours, case.is_valid,
            "seed {SEED}, {}: {} ? {} {:?} {body}",
            case.channel, case.url, case.query, case.headers
        );
        if let Some(signed) = &case.signed {
            let at = Time::from_timestamp(signed.seconds, 0).expect("a time");
            let ours = signature::sign(&case.secret, &signed.id, at, &raw.body);
            assert_eq!(ours, signed.signature, "seed {SEED}: {body}");
        }
        *counts.entry((case.channel, case.is_valid)).or_default() += 1;
    }
    for channel in ["api", "line", "twilio"] {
        let count = |is_valid| {
            counts
                .get(&(channel.to_owned(), is_valid))
                .copied()
                .unwrap_or(0)
        };
        assert_eq!(count(true) + count(false), REQUESTS, "{channel}");
        assert!(
            count(true) >= REQUESTS / 4 && count(false) >= REQUESTS / 4,
            "{counts:?}"
        );
    }
}
