//! LINE: chats, groups and rooms of one official account (Messaging API).
//!
//! In: signed batches of events. Out: push messages with a retry key, so a send whose answer was
//! lost is simply made again. Reply tokens are not used: they live about a minute and cannot be
//! repeated safely, and people answer later than that.

mod connect;
mod errors;
mod event;
mod send;
#[cfg(test)]
mod send_tests;
#[cfg(test)]
mod spec;
#[cfg(test)]
mod tests;

use crate::Channel;
use crate::action::{Action, Body, HttpRequest, Outcome, Response, Step};
use crate::address;
use crate::inbound::{Inbound, Malformed, Part, RawRequest, Verdict};
use crate::manifest::{
    Capabilities, Field, FieldKind, Label, Limits, Manifest, SendKind, TextUnit,
};
use crate::signature;
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, ProviderApp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::Value;
use url::Url;

pub struct Line;

pub static CHANNEL: Line = Line;

type Ended = Result<Outcome, Stop>;

const API: &str = "https://api.line.me";
/// Files lie on a host of their own.
const DATA: &str = "https://api-data.line.me";

static FIELDS: &[Field] = &[
    Field {
        name: "channel_secret",
        label: Label {
            en: "Channel secret",
            ko: "채널 시크릿",
        },
        help: Label {
            en: "LINE Developers console → your Messaging API channel → Basic settings.",
            ko: "LINE Developers 콘솔 → Messaging API 채널 → Basic settings에 있습니다.",
        },
        kind: FieldKind::Text,
        required: true,
        secret: true,
        options: &[],
    },
    Field {
        name: "access_token",
        label: Label {
            en: "Channel access token (long-lived)",
            ko: "채널 액세스 토큰(장기)",
        },
        help: Label {
            en: "The same channel → Messaging API → Issue, at the bottom.",
            ko: "같은 채널의 Messaging API 탭 맨 아래에서 발급하세요.",
        },
        kind: FieldKind::Text,
        required: true,
        secret: true,
        options: &[],
    },
];

static MANIFEST: Manifest = Manifest {
    kind: "line",
    name: Label {
        en: "LINE",
        ko: "라인",
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
        react: false,
        quote: true,
        attach: true,
        start: false,
        typing: true,
        mark_read: true,
        profile: true,
        split_long: true,
        receipts: false,
    },
    limits: Limits {
        text_max: 5000,
        text_unit: TextUnit::Utf16,
        attachments_max: 5,
        attachment_bytes_max: 10 * 1024 * 1024,
        attachment_types: &["image/jpeg", "image/png"],
    },
    reply_window_hours: None,
    send_kind: SendKind::Idempotent,
};

impl Channel for Line {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn verify(&self, app: &ProviderApp, raw: &RawRequest) -> Verdict {
        let told = raw
            .header("x-line-signature")
            .and_then(|told| STANDARD.decode(told).ok());
        match (app.secrets.get("channel_secret"), told) {
            (Some(secret), Some(tag))
                if raw.method == "POST" && signature::is_hmac_sha256(secret, &raw.body, &tag) =>
            {
                Verdict::Accept
            }
            _ => Verdict::Reject,
        }
    }

    fn split(&self, raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
        event::split(raw)
    }

    fn parse(&self, _inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
        event::parse(&part.bytes)
    }

    fn perform(&self, inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
        match act(inbox, action, Steps::new(so_far)) {
            Ok(outcome) => Step::Done(outcome),
            Err(stop) => *stop,
        }
    }
}

fn act(inbox: &Inbox, action: &Action, steps: Steps<'_>) -> Ended {
    let Some(bot) = Bot::of(inbox) else {
        return Ok(Outcome::Rejected {
            reason: "Enter the channel secret and the channel access token.".into(),
            code: "not_configured".into(),
        });
    };
    match action {
        Action::Connect(crate::Connect::Form) | Action::Check | Action::Refresh => {
            connect::check(&bot, steps)
        }
        Action::Subscribe => connect::subscribe(inbox, &bot, steps),
        // LINE keeps an address until another one is set; what comes then is not let in.
        Action::Disconnect => Ok(Outcome::Ok),
        Action::Send(out) => send::send(&bot, out, steps),
        Action::Typing { peer, thread, on } => send::typing(&bot, peer, thread, *on, steps),
        Action::MarkRead { target, .. } => send::mark_read(&bot, target, steps),
        Action::FetchMedia { media } => send::media(&bot, media, steps),
        Action::FetchProfile { peer } => send::profile(&bot, peer, steps),
        Action::Connect(_)
        | Action::LookUp(_)
        | Action::Edit { .. }
        | Action::Delete { .. }
        | Action::React { .. }
        | Action::Poll { .. }
        | Action::Backfill { .. } => Ok(Outcome::Unsupported),
    }
}

struct Bot<'a> {
    base: Url,
    data: Url,
    token: &'a str,
}

impl<'a> Bot<'a> {
    fn of(inbox: &'a Inbox) -> Option<Self> {
        let configured = inbox.base_url.as_deref();
        inbox.secrets.get("channel_secret")?;
        Some(Self {
            base: address::base(configured.unwrap_or(API))?,
            data: address::base(configured.unwrap_or(DATA))?,
            token: inbox.secrets.get("access_token")?,
        })
    }

    fn request(&self, method: Method, path: &[&str]) -> HttpRequest {
        let mut segments = vec!["v2", "bot"];
        segments.extend(path);
        HttpRequest::new(method, address::join(&self.base, &segments, &[]))
            .header("authorization", format!("Bearer {}", self.token))
    }

    fn get(&self, path: &[&str]) -> HttpRequest {
        self.request(Method::GET, path).harmless()
    }

    fn call(&self, method: Method, path: &[&str], body: Value) -> HttpRequest {
        self.request(method, path).body(Body::Json(body))
    }
}
