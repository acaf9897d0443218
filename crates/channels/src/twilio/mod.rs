//! Twilio: SMS and MMS of one phone number.
//!
//! In: signed forms, one message or one delivery state each. Out: one message per answer, which
//! Twilio cuts into SMS segments itself. Twilio recognises no repeats, so a send whose answer was
//! lost is looked for before anything is sent again.

mod connect;
mod errors;
mod form;
mod send;
mod signature;
#[cfg(test)]
mod send_tests;
#[cfg(test)]
mod tests;

use crate::Channel;
use crate::action::{Action, Answer, Body, HttpRequest, Outcome, Reach, Response, Step};
use crate::address;
use crate::inbound::{Inbound, Malformed, Part, RawRequest, Verdict};
use crate::manifest::{
    Capabilities, Field, FieldKind, Label, Limits, Manifest, SendKind, TextUnit,
};
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, ProviderApp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use url::Url;

pub struct Twilio;

pub static CHANNEL: Twilio = Twilio;

type Ended = Result<Outcome, Stop>;

const API: &str = "https://api.twilio.com";
const VERSION: &str = "2010-04-01";
const MEDIA_MAX: u64 = 5 * 1024 * 1024;

static FIELDS: &[Field] = &[
    Field {
        name: "account_sid",
        label: Label {
            en: "Account SID",
            ko: "계정 SID",
        },
        help: Label {
            en: "On the first page of the Twilio console. It begins with AC.",
            ko: "Twilio 콘솔 첫 화면에 있으며 AC로 시작합니다.",
        },
        kind: FieldKind::Text,
        required: true,
        secret: false,
        options: &[],
    },
    Field {
        name: "auth_token",
        label: Label {
            en: "Auth token",
            ko: "인증 토큰",
        },
        help: Label {
            en: "Below the account SID. It also proves that what arrives is from Twilio.",
            ko: "계정 SID 아래에 있습니다. 수신 메시지가 Twilio에서 왔는지도 이 값으로 확인합니다.",
        },
        kind: FieldKind::Text,
        required: true,
        secret: true,
        options: &[],
    },
    Field {
        name: "number",
        label: Label {
            en: "Phone number",
            ko: "전화번호",
        },
        help: Label {
            en: "A number of this account that can do SMS, with country code: +15005550006.",
            ko: "이 계정에서 SMS를 쓸 수 있는 번호를 국가 번호와 함께 입력하세요. 예: +15005550006",
        },
        kind: FieldKind::Text,
        required: true,
        secret: false,
        options: &[],
    },
];

static MANIFEST: Manifest = Manifest {
    kind: "twilio",
    name: Label {
        en: "SMS (Twilio)",
        ko: "문자(Twilio)",
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
        quote: false,
        attach: true,
        start: true,
        typing: false,
        mark_read: false,
        profile: false,
        split_long: false,
        receipts: true,
    },
    limits: Limits {
        text_max: 1600,
        text_unit: TextUnit::Utf16,
        attachments_max: 10,
        attachment_bytes_max: MEDIA_MAX,
        attachment_types: &["image/jpeg", "image/png", "image/gif"],
    },
    reply_window_hours: None,
    send_kind: SendKind::Lookup,
};

impl Channel for Twilio {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn verify(&self, app: &ProviderApp, raw: &RawRequest) -> Verdict {
        let right = match (app.secrets.get("auth_token"), raw.header("x-twilio-signature")) {
            (Some(token), Some(told)) if raw.method == "POST" => {
                signature::is_valid(token, raw, told)
            }
            _ => false,
        };
        if right {
            Verdict::Accept
        } else {
            Verdict::Reject
        }
    }

    fn split(&self, raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
        form::split(raw)
    }

    fn parse(&self, _inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
        form::parse(&part.bytes)
    }

    fn perform(&self, inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
        match act(inbox, action, Steps::new(so_far)) {
            Ok(outcome) => Step::Done(outcome),
            Err(stop) => *stop,
        }
    }
}

fn act(inbox: &Inbox, action: &Action, steps: Steps<'_>) -> Ended {
    let Some(account) = Account::of(inbox) else {
        return Ok(Outcome::Rejected {
            reason: "Enter the account SID, the auth token and the phone number.".into(),
            code: "not_configured".into(),
        });
    };
    match action {
        Action::Connect(crate::Connect::Form) | Action::Check | Action::Refresh => {
            connect::check(&account, steps)
        }
        Action::Subscribe => connect::listen(inbox, &account, inbox.webhook_url.as_deref(), steps),
        Action::Disconnect => connect::listen(inbox, &account, Some(""), steps),
        Action::Send(out) => send::send(inbox, &account, out, steps),
        Action::LookUp(out) => send::look_up(inbox, &account, out, steps),
        Action::FetchMedia { media } => fetch(&account, media, steps),
        Action::Connect(_)
        | Action::Edit { .. }
        | Action::Delete { .. }
        | Action::React { .. }
        | Action::Typing { .. }
        | Action::MarkRead { .. }
        | Action::FetchProfile { .. }
        | Action::Poll { .. }
        | Action::Backfill { .. } => Ok(Outcome::Unsupported),
    }
}

/// The account at Twilio and the number that speaks.
struct Account<'a> {
    base: Url,
    sid: &'a str,
    token: &'a str,
    number: &'a str,
}

impl<'a> Account<'a> {
    fn of(inbox: &'a Inbox) -> Option<Self> {
        Some(Self {
            base: address::base(inbox.base_url.as_deref().unwrap_or(API))?,
            sid: inbox.setting("account_sid")?,
            token: inbox.secrets.get("auth_token")?,
            number: inbox.setting("number")?,
        })
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut segments = vec![VERSION, "Accounts"];
        segments.extend(path);
        address::join(&self.base, &segments, query)
    }

    fn get(&self, url: Url) -> HttpRequest {
        HttpRequest::new(Method::GET, url)
            .header("authorization", self.authorization())
            .harmless()
    }

    fn post(&self, url: Url, fields: Vec<(String, String)>) -> HttpRequest {
        HttpRequest::new(Method::POST, url)
            .header("authorization", self.authorization())
            .body(Body::Form(fields))
    }

    fn authorization(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.sid, self.token)))
    }
}

/// Files lie at Twilio, behind the account's own password; nobody else is shown it.
fn fetch(account: &Account<'_>, media: &str, mut steps: Steps<'_>) -> Ended {
    let Some((url, reach)) = address::reach(Some(&account.base), media) else {
        return Ok(Outcome::MediaGone);
    };
    let response = steps.take(|| {
        let request = match reach {
            Reach::Configured => account.get(url),
            Reach::Public => HttpRequest::new(Method::GET, url).harmless(),
        };
        HttpRequest {
            reach,
            answer: Answer::Blob {
                bytes_max: MEDIA_MAX,
            },
            ..request
        }
    })?;
    Ok(match (response.status, &response.blob) {
        (404 | 410, _) => Outcome::MediaGone,
        (200..300, Some(blob)) => Outcome::Media {
            blob: blob.clone(),
            name: None,
        },
        _ => errors::refused(response),
    })
}
