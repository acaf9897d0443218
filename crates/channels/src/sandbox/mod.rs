//! A simulated social network and phone-text channel, for demo, training, load and tests.
//!
//! Its webhook entrance is signed like a real one, its events cover every kind of fact, and
//! its send kind can be chosen, so that every promise about lost answers can be tested without
//! a provider. Without a `base_url` it swallows what is sent, which is what a demo needs.

pub mod scenario;
mod script;
mod send;
#[cfg(test)]
mod tests;

use crate::Channel;
use crate::action::{Action, Outcome, Response, Step};
use crate::events;
use crate::inbound::{Inbound, Malformed, Part, RawRequest, Verdict};
use crate::manifest::{
    Capabilities, Field, FieldKind, Label, Limits, Manifest, SendKind, TextUnit,
};
use crate::signature;
use crate::view::{Inbox, ProviderApp};
use domain::Time;

pub struct Sandbox;

pub static CHANNEL: Sandbox = Sandbox;


const LIMITS: Limits = Limits {
    text_max: 2000,
    text_unit: TextUnit::Characters,
    attachments_max: 4,
    attachment_bytes_max: 16 * 1024 * 1024,
    attachment_types: &["image/*", "audio/*", "video/*", "application/pdf"],
};

const NO_HELP: Label = Label { en: "", ko: "" };

static FIELDS: &[Field] = &[
    Field {
        name: "account",
        label: Label {
            en: "Account name",
            ko: "계정 이름",
        },
        help: Label {
            en: "The business account of the simulated network, for example \"haneul-shop\".",
            ko: "가상 네트워크의 사업자 계정입니다. 예: \"haneul-shop\"",
        },
        kind: FieldKind::Text,
        required: true,
        secret: false,
        options: &[],
    },
    Field {
        name: "signing_secret",
        label: Label {
            en: "Signing secret",
            ko: "서명 비밀키",
        },
        help: Label {
            en: "Signs every request in both directions. \"whsec_\" and base64.",
            ko: "양방향의 모든 요청에 서명합니다. \"whsec_\" 뒤에 base64 형식입니다.",
        },
        kind: FieldKind::Text,
        required: true,
        secret: true,
        options: &[],
    },
    Field {
        name: "base_url",
        label: Label {
            en: "Address of the simulator",
            ko: "시뮬레이터 주소",
        },
        help: Label {
            en: "Leave empty to accept every reply without sending it anywhere.",
            ko: "비워 두면 답장을 보내지 않고 모두 보낸 것으로 처리합니다.",
        },
        kind: FieldKind::Url,
        required: false,
        secret: false,
        options: &[],
    },
    Field {
        name: "flavour",
        label: Label {
            en: "Behaves like",
            ko: "흉내 낼 채널",
        },
        help: NO_HELP,
        kind: FieldKind::Choice,
        required: false,
        secret: false,
        options: &["social", "sms"],
    },
    Field {
        name: "send_kind",
        label: Label {
            en: "When an answer is lost",
            ko: "응답을 받지 못했을 때",
        },
        help: Label {
            en: "idempotent: repeat with the same key; lookup: ask first; unknown: a person decides.",
            ko: "idempotent: 같은 키로 다시 보냄, lookup: 먼저 확인함, unknown: 사람이 결정함",
        },
        kind: FieldKind::Choice,
        required: false,
        secret: false,
        options: &["idempotent", "lookup", "unknown"],
    },
    Field {
        name: "reply_window_hours",
        label: Label {
            en: "Reply window in hours",
            ko: "답장 가능 시간(시간 단위)",
        },
        help: Label {
            en: "Leave empty for no limit.",
            ko: "제한이 없으면 비워 두세요.",
        },
        kind: FieldKind::Number,
        required: false,
        secret: false,
        options: &[],
    },
];

static MANIFEST: Manifest = Manifest {
    kind: "sandbox",
    name: Label {
        en: "Sandbox",
        ko: "연습용 채널",
    },
    icon: include_str!("icon.svg"),
    readme: include_str!("README.md"),
    fields: FIELDS,
    app_fields: &[],
    uses_provider_app: false,
    uses_oauth: false,
    uses_webhook: true,
    uses_session: false,
    capabilities: Capabilities {
        edit: true,
        delete: true,
        react: true,
        quote: true,
        attach: true,
        start: true,
        typing: true,
        mark_read: true,
        profile: true,
        split_long: false,
        receipts: true,
    },
    limits: LIMITS,
    reply_window_hours: None,
    send_kind: SendKind::Idempotent,
};

impl Channel for Sandbox {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn verify(&self, app: &ProviderApp, raw: &RawRequest) -> Verdict {
        if raw.method == "GET" {
            return challenge(&raw.query);
        }
        events::verify(app, raw)
    }

    fn split(&self, raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
        events::split(raw)
    }

    fn parse(&self, inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
        events::parse(inbox, part)
    }

    fn perform(&self, inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
        send::perform(inbox, action, so_far)
    }

    fn limits(&self, inbox: &Inbox) -> Limits {
        match inbox.setting("flavour") {
            Some("sms") => Limits {
                text_max: 1600,
                attachments_max: 1,
                ..LIMITS
            },
            _ => LIMITS,
        }
    }

    fn send_kind(&self, inbox: &Inbox) -> SendKind {
        inbox
            .setting("send_kind")
            .and_then(|word| word.parse().ok())
            .unwrap_or(MANIFEST.send_kind)
    }

    fn reply_until(&self, inbox: &Inbox, last_inbound_at: Time) -> Option<Time> {
        events::reply_until(inbox, last_inbound_at)
    }
}

/// The simulator's "are you there?": it sends a word and wants it back.
fn challenge(query: &str) -> Verdict {
    let word = url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "challenge")
        .map(|(_, value)| value.into_owned());
    word.map_or(Verdict::Reject, signature::answer)
}
