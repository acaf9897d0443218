//! WhatsApp: one business number on Meta's Cloud API.
//!
//! In: signed batches of changes. Out: messages of the Graph API, which knows no idempotency key;
//! but it repeats a word of ours with every status, so a send whose answer was lost is recognised
//! by its first status and a person is asked only when none comes.

mod connect;
mod content;
mod errors;
mod event;
mod fetch;
mod send;
#[cfg(test)]
mod send_tests;
#[cfg(test)]
mod spec;
#[cfg(test)]
mod tests;
mod webhook;

use crate::Channel;
use crate::action::{Action, Body, HttpRequest, Outcome, Response, Step};
use crate::address;
use crate::inbound::{Inbound, Malformed, Part, RawRequest, Verdict};
use crate::manifest::{
    Capabilities, Field, FieldKind, Label, Limits, Manifest, Pace, Paces, SendKind, TextUnit,
};
use crate::signature;
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, ProviderApp};
use http::Method;
use serde_json::Value;
use std::time::Duration;
use url::Url;

pub struct WhatsApp;

pub static CHANNEL: WhatsApp = WhatsApp;

type Ended = Result<Outcome, Stop>;

const API: &str = "https://graph.facebook.com";
const VERSION: &str = "v23.0";
/// What Meta must repeat when it tries our address. Made from the app secret, so nobody types it.
const VERIFY_PURPOSE: &[u8] = b"meari whatsapp verify token";
/// In front of our id of a message in `biz_opaque_callback_data`.
const OURS: &str = "meari:";

const NO_HELP: Label = Label { en: "", ko: "" };

const fn field(name: &'static str, label: Label, help: Label, secret: bool) -> Field {
    Field {
        name,
        label,
        help,
        kind: FieldKind::Text,
        required: true,
        secret,
        options: &[],
    }
}

static FIELDS: &[Field] = &[
    field(
        "phone_number_id",
        Label {
            en: "Phone number ID",
            ko: "전화번호 ID",
        },
        Label {
            en: "App dashboard → WhatsApp → API setup. A long number, not the phone number itself.",
            ko: "앱 대시보드 → WhatsApp → API 설정에 있습니다. 전화번호가 아닌 긴 숫자입니다.",
        },
        false,
    ),
    field(
        "waba_id",
        Label {
            en: "WhatsApp Business Account ID",
            ko: "WhatsApp 비즈니스 계정 ID",
        },
        Label {
            en: "On the same page, next to the phone number ID.",
            ko: "같은 페이지의 전화번호 ID 옆에 있습니다.",
        },
        false,
    ),
    field(
        "app_id",
        Label {
            en: "App ID",
            ko: "앱 ID",
        },
        Label {
            en: "App dashboard → App settings → Basic.",
            ko: "앱 대시보드 → 앱 설정 → 기본 설정에 있습니다.",
        },
        false,
    ),
    field(
        "app_secret",
        Label {
            en: "App secret",
            ko: "앱 시크릿 코드",
        },
        NO_HELP,
        true,
    ),
    field(
        "access_token",
        Label {
            en: "Access token of a system user",
            ko: "시스템 사용자 액세스 토큰",
        },
        Label {
            en: "Business settings → System users → Generate token, without expiry, with whatsapp_business_messaging and whatsapp_business_management.",
            ko: "비즈니스 설정 → 시스템 사용자 → 토큰 생성. 만료 없이, whatsapp_business_messaging과 whatsapp_business_management 권한을 선택하세요.",
        },
        true,
    ),
];

static MANIFEST: Manifest = Manifest {
    kind: "whatsapp",
    name: Label {
        en: "WhatsApp",
        ko: "왓츠앱",
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
        edit: false,
        delete: false,
        react: true,
        quote: true,
        attach: true,
        start: false,
        typing: false,
        mark_read: true,
        profile: false,
        split_long: true,
        receipts: true,
    },
    limits: Limits {
        text_max: 4096,
        text_unit: TextUnit::Utf16,
        attachments_max: 10,
        attachment_bytes_max: 100 * 1024 * 1024,
        attachment_types: send::TYPES,
    },
    reply_window_hours: Some(24),
    send_kind: SendKind::Unknown,
};

impl Channel for WhatsApp {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn verify(&self, app: &ProviderApp, raw: &RawRequest) -> Verdict {
        let Some(secret) = app.secrets.get("app_secret") else {
            return Verdict::Reject;
        };
        if raw.method == "GET" {
            return signature::hub_challenge(&verify_token(secret), &raw.query);
        }
        let told = raw.header("x-hub-signature-256").unwrap_or_default();
        if raw.method == "POST" && signature::is_hub_signature(secret, &raw.body, told) {
            Verdict::Accept
        } else {
            Verdict::Reject
        }
    }

    fn split(&self, raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
        webhook::split(raw)
    }

    fn parse(&self, inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
        event::parse(inbox, &part.bytes)
    }

    fn perform(&self, inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
        match act(inbox, action, Steps::new(so_far)) {
            Ok(outcome) => Step::Done(outcome),
            Err(stop) => *stop,
        }
    }

    fn paces(&self, _inbox: &Inbox) -> Paces {
        Paces {
            account: Pace {
                interval: Duration::from_millis(13),
                burst: 40,
            },
            peer: Some(Pace {
                interval: Duration::from_secs(6),
                burst: 40,
            }),
        }
    }
}

fn verify_token(app_secret: &str) -> String {
    signature::derived(app_secret, VERIFY_PURPOSE)
}

fn act(inbox: &Inbox, action: &Action, steps: Steps<'_>) -> Ended {
    let Some(graph) = Graph::of(inbox) else {
        return Ok(Outcome::Rejected {
            reason: "Enter the IDs of the number, the account and the app, the app secret and the access token."
                .into(),
            code: "not_configured".into(),
        });
    };
    match action {
        Action::Connect(crate::Connect::Form) | Action::Check | Action::Refresh => {
            connect::check(&graph, steps)
        }
        Action::Subscribe => connect::subscribe(inbox, &graph, steps),
        Action::Disconnect => connect::disconnect(&graph, steps),
        Action::Send(out) => send::send(&graph, out, steps),
        Action::React {
            target,
            emoji,
            removed,
        } => send::react(&graph, target, emoji, *removed, steps),
        Action::MarkRead { target, .. } => send::mark_read(&graph, target, steps),
        Action::FetchMedia { media } => fetch::media(&graph, media, steps),
        Action::Connect(_)
        | Action::LookUp(_)
        | Action::Edit { .. }
        | Action::Delete { .. }
        | Action::Typing { .. }
        | Action::FetchProfile { .. }
        | Action::Poll { .. }
        | Action::Backfill { .. } => Ok(Outcome::Unsupported),
    }
}

/// Where the Graph API is, and for which number we speak.
struct Graph<'a> {
    base: Url,
    number: &'a str,
    business: &'a str,
    app: &'a str,
    app_secret: &'a str,
    token: &'a str,
}

impl<'a> Graph<'a> {
    fn of(inbox: &'a Inbox) -> Option<Self> {
        Some(Self {
            base: address::base(inbox.base_url.as_deref().unwrap_or(API))?,
            number: inbox.setting("phone_number_id")?,
            business: inbox.setting("waba_id")?,
            app: inbox.setting("app_id")?,
            app_secret: inbox.secrets.get("app_secret")?,
            token: inbox.secrets.get("access_token")?,
        })
    }

    /// Every call proves that it comes from who holds the app secret, not only the token.
    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> HttpRequest {
        let proof = signature::hex_of_hmac(self.app_secret, self.token.as_bytes());
        let mut pairs = query.to_vec();
        pairs.push(("appsecret_proof", &proof));
        let url = address::join(&self.base, &[&[VERSION], path].concat(), &pairs);
        HttpRequest::new(method, url).header("authorization", format!("Bearer {}", self.token))
    }

    fn get(&self, path: &[&str], query: &[(&str, &str)]) -> HttpRequest {
        self.request(Method::GET, path, query).harmless()
    }

    fn post(&self, path: &[&str], body: Value) -> HttpRequest {
        self.request(Method::POST, path, &[]).body(Body::Json(body))
    }

    /// Calls about the app itself are made in its own name.
    fn as_app(&self, method: Method, path: &[&str]) -> HttpRequest {
        let url = address::join(&self.base, &[&[VERSION], path].concat(), &[]);
        let token = format!("Bearer {}|{}", self.app, self.app_secret);
        HttpRequest::new(method, url).header("authorization", token)
    }
}
