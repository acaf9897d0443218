//! Mastodon and everything that speaks its client API (GoToSocial, Pleroma, …).
//!
//! In: the user stream over WebSocket, with `GET /api/v1/notifications` behind it as the truth
//! that a cursor walks through. Out: statuses that answer with the same or a narrower audience.

mod connect;
mod errors;
mod poll;
mod send;
mod session;
mod status;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

use crate::Channel;
use crate::action::{Action, Answer, HttpRequest, Outcome, Response, Step};
use crate::address;
use crate::inbound::{Inbound, Malformed, Part};
use crate::manifest::{
    Capabilities, Field, FieldKind, Label, Limits, Manifest, SendKind, TextUnit,
};
use crate::session::{Cursor, Session};
use crate::steps::{Steps, Stop};
use crate::view::Inbox;
use http::Method;
use url::Url;

pub struct Mastodon;

pub static CHANNEL: Mastodon = Mastodon;

/// GoToSocial refuses requests without one.
const USER_AGENT: &str = concat!("Meari/", env!("CARGO_PKG_VERSION"));
const MEDIA_MAX: u64 = 40 * 1024 * 1024;

static FIELDS: &[Field] = &[
    Field {
        name: "base_url",
        label: Label {
            en: "Instance",
            ko: "인스턴스 주소",
        },
        help: Label {
            en: "The address of your server, for example mastodon.social.",
            ko: "서버 주소입니다. 예: mastodon.social",
        },
        kind: FieldKind::Url,
        required: true,
        secret: false,
        options: &[],
    },
    Field {
        name: "access_token",
        label: Label {
            en: "Access token",
            ko: "액세스 토큰",
        },
        help: Label {
            en: "Preferences → Development → New application, scopes read and write. Leave empty to sign in on the instance's page.",
            ko: "환경설정 → 개발 → 새 애플리케이션에서 read, write 권한으로 만드세요. 비워 두면 인스턴스 페이지에서 로그인합니다.",
        },
        kind: FieldKind::Text,
        required: false,
        secret: true,
        options: &[],
    },
];

static APP_FIELDS: &[Field] = &[
    Field {
        name: "client_id",
        label: Label {
            en: "Client key",
            ko: "클라이언트 키",
        },
        help: Label {
            en: "Leave empty: the app registers itself at the instance.",
            ko: "비워 두면 인스턴스에 자동으로 등록됩니다.",
        },
        kind: FieldKind::Text,
        required: false,
        secret: false,
        options: &[],
    },
    Field {
        name: "client_secret",
        label: Label {
            en: "Client secret",
            ko: "클라이언트 비밀키",
        },
        help: Label {
            en: "Belongs to the client key.",
            ko: "클라이언트 키와 짝을 이루는 값입니다.",
        },
        kind: FieldKind::Text,
        required: false,
        secret: true,
        options: &[],
    },
];

static MANIFEST: Manifest = Manifest {
    kind: "mastodon",
    name: Label {
        en: "Mastodon",
        ko: "마스토돈",
    },
    icon: include_str!("icon.svg"),
    readme: include_str!("README.md"),
    fields: FIELDS,
    app_fields: APP_FIELDS,
    uses_provider_app: false,
    uses_oauth: true,
    uses_webhook: false,
    uses_session: true,
    capabilities: Capabilities {
        edit: true,
        delete: true,
        react: false,
        quote: true,
        attach: true,
        start: true,
        typing: false,
        mark_read: false,
        profile: true,
        split_long: true,
        receipts: false,
    },
    limits: Limits {
        text_max: 500,
        text_unit: TextUnit::Fediverse,
        attachments_max: 4,
        attachment_bytes_max: 10 * 1024 * 1024,
        attachment_types: &[
            "image/png",
            "image/jpeg",
            "image/gif",
            "image/webp",
            "video/mp4",
        ],
    },
    reply_window_hours: None,
    send_kind: SendKind::Idempotent,
};

impl Channel for Mastodon {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn parse(&self, inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
        status::parse(inbox, &part.bytes)
    }

    fn perform(&self, inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
        let Some(at) = base(inbox) else {
            return Step::Done(Outcome::Rejected {
                reason: "The instance's address is not a valid https address.".into(),
                code: "bad_base_url".into(),
            });
        };
        match act(inbox, &at, action, Steps::new(so_far)) {
            Ok(outcome) => Step::Done(outcome),
            Err(stop) => *stop,
        }
    }

    fn session(&self, inbox: &Inbox, cursor: Option<&Cursor>) -> Option<Box<dyn Session>> {
        Some(Box::new(session::UserStream::new(inbox.clone(), cursor)?))
    }

    fn limits(&self, inbox: &Inbox) -> Limits {
        let told = |name: &str| inbox.number(name).and_then(|n| usize::try_from(n).ok());
        Limits {
            text_max: told("text_max")
                .unwrap_or(MANIFEST.limits.text_max)
                .clamp(50, 100_000),
            attachments_max: told("attachments_max")
                .unwrap_or(MANIFEST.limits.attachments_max)
                .min(16),
            attachment_bytes_max: inbox
                .number("attachment_bytes_max")
                .unwrap_or(MANIFEST.limits.attachment_bytes_max)
                .min(MEDIA_MAX),
            ..MANIFEST.limits
        }
    }

    fn send_kind(&self, inbox: &Inbox) -> SendKind {
        match inbox
            .settings
            .get("idempotent")
            .and_then(serde_json::Value::as_bool)
        {
            Some(false) => SendKind::Lookup,
            _ => MANIFEST.send_kind,
        }
    }
}

fn act(inbox: &Inbox, at: &Url, action: &Action, steps: Steps<'_>) -> Result<Outcome, Stop> {
    let token = inbox.secrets.get("access_token");
    match action {
        Action::Connect(stage) => return connect::connect(inbox, at, stage, steps),
        // Pictures are public addresses: a token would only leak to whoever hosts them.
        Action::FetchMedia { media } => return fetch(at, media, steps, inbox),
        _ => {}
    }
    let Some(token) = token else {
        return Ok(Outcome::CredentialsDied {
            reason: "No access token is stored. Reconnect the account.".into(),
        });
    };
    match action {
        Action::Check | Action::Refresh => connect::check(inbox, at, token, false, steps),
        Action::Send(out) => send::send(inbox, at, out, steps),
        Action::LookUp(out) => send::look_up(inbox, at, out, steps),
        Action::Edit {
            target, peer, text, ..
        } => send::edit(inbox, at, (target, peer, text), steps),
        Action::Delete { target } => send::delete(inbox, at, target, steps),
        Action::FetchProfile { peer } => send::profile(inbox, at, peer, steps),
        Action::Poll { cursor } => poll::poll(inbox, at, cursor.as_ref(), steps),
        Action::Backfill { count } => poll::backfill(inbox, at, *count, steps),
        // The stream needs no subscription, and a token pasted by hand is not ours to revoke.
        Action::Subscribe | Action::Disconnect => Ok(Outcome::Ok),
        Action::React { .. }
        | Action::Typing { .. }
        | Action::MarkRead { .. }
        | Action::Connect(_)
        | Action::FetchMedia { .. } => Ok(Outcome::Unsupported),
    }
}

/// The instance: what configuration says, else what the form says.
fn base(inbox: &Inbox) -> Option<Url> {
    let typed = inbox
        .base_url
        .as_deref()
        .or(inbox.setting("base_url"))
        .or(inbox.app.as_ref().and_then(|app| app.base_url.as_deref()))?;
    address::base(typed)
}

fn request(token: &str, method: Method, url: &Url) -> HttpRequest {
    HttpRequest::new(method, url.as_str())
        .header("user-agent", USER_AGENT)
        .header("accept", "application/json")
        .header("authorization", format!("Bearer {token}"))
}

fn fetch(at: &Url, media: &str, mut steps: Steps<'_>, inbox: &Inbox) -> Result<Outcome, Stop> {
    let Some((url, reach)) = address::reach(Some(at), media) else {
        return Ok(Outcome::MediaGone);
    };
    let response = steps.take(|| HttpRequest {
        reach,
        answer: Answer::Blob {
            bytes_max: MEDIA_MAX,
        },
        ..HttpRequest::new(Method::GET, url.as_str()).header("user-agent", USER_AGENT)
    })?;
    Ok(match (response.status, &response.blob) {
        (404 | 410, _) => Outcome::MediaGone,
        (200..300, Some(blob)) => Outcome::Media {
            blob: blob.clone(),
            name: None,
        },
        // A picture's host that asks for a sign-in says nothing about our account.
        (401 | 403, _) => Outcome::MediaGone,
        _ => errors::refused(response, inbox.now),
    })
}
