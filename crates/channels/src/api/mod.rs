//! Bring your own channel: any program that can post JSON and take posts becomes an inbox.
//!
//! Both directions are standard-webhooks. Everything that goes out is a post to one address, and
//! the id of the post stays the same when it is made again, so the other side can leave repeats
//! out: a send whose answer was lost is simply made again.

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
use crate::view::{Inbox, ProviderApp};
use domain::Time;

pub struct Api;

pub static CHANNEL: Api = Api;

const TEXT_MAX: usize = 100_000;

const fn field(
    name: &'static str,
    kind: FieldKind,
    required: bool,
    label: Label,
    help: Label,
) -> Field {
    Field {
        name,
        label,
        help,
        kind,
        required,
        secret: false,
        options: &[],
    }
}

static FIELDS: &[Field] = &[
    field(
        "account",
        FieldKind::Text,
        true,
        Label {
            en: "Name of the account",
            ko: "계정 이름",
        },
        Label {
            en: "What your program calls this account, for example \"shop-app\".",
            ko: "프로그램에서 이 계정을 부르는 이름입니다. 예: \"shop-app\"",
        },
    ),
    field(
        "delivery_url",
        FieldKind::Url,
        true,
        Label {
            en: "Address of your program",
            ko: "프로그램 주소",
        },
        Label {
            en: "Meari posts every answer here, signed. It must answer a \"ping\" with 2xx.",
            ko: "메아리가 모든 답장을 서명하여 이 주소로 보냅니다. \"ping\"에 2xx로 응답해야 합니다.",
        },
    ),
    Field {
        secret: true,
        ..field(
            "signing_secret",
            FieldKind::Text,
            true,
            Label {
                en: "Signing secret",
                ko: "서명 비밀키",
            },
            Label {
                en: "Signs both directions: \"whsec_\" and the base64 of at least 24 random bytes.",
                ko: "양방향 서명에 씁니다. \"whsec_\" 뒤에 24바이트 이상의 무작위 값을 base64로 적으세요.",
            },
        )
    },
    field(
        "reply_window_hours",
        FieldKind::Number,
        false,
        Label {
            en: "Reply window in hours",
            ko: "답장 가능 시간(시간 단위)",
        },
        Label {
            en: "Leave empty for no limit.",
            ko: "제한이 없으면 비워 두세요.",
        },
    ),
    field(
        "text_max",
        FieldKind::Number,
        false,
        Label {
            en: "Longest text",
            ko: "최대 글자 수",
        },
        Label {
            en: "In characters. Leave empty for 100,000.",
            ko: "글자 수 기준입니다. 비워 두면 100,000자입니다.",
        },
    ),
];

static MANIFEST: Manifest = Manifest {
    kind: "api",
    name: Label {
        en: "API (your own channel)",
        ko: "API(직접 만든 채널)",
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
        profile: false,
        split_long: false,
        receipts: true,
    },
    limits: Limits {
        text_max: TEXT_MAX,
        text_unit: TextUnit::Characters,
        attachments_max: 10,
        attachment_bytes_max: 50 * 1024 * 1024,
        attachment_types: &["*/*"],
    },
    reply_window_hours: None,
    send_kind: SendKind::Idempotent,
};

impl Channel for Api {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn verify(&self, app: &ProviderApp, raw: &RawRequest) -> Verdict {
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
        let typed = inbox.number("text_max").and_then(|n| usize::try_from(n).ok());
        Limits {
            text_max: typed.unwrap_or(TEXT_MAX).clamp(1, TEXT_MAX),
            ..MANIFEST.limits
        }
    }

    fn reply_until(&self, inbox: &Inbox, last_inbound_at: Time) -> Option<Time> {
        events::reply_until(inbox, last_inbound_at)
    }
}
