//! Telegram: a bot's own chats and groups, and the personal chats of a business that connected
//! the bot to its account (Telegram Business).
//!
//! In: one update per webhook request, shown to be Telegram's by a secret header that is derived
//! from the bot's token. Out: Bot API calls. Nothing at Telegram recognises a repeated send, so
//! the fate of a send whose answer was lost is for a person to find out.

mod connect;
mod content;
mod errors;
mod fetch;
mod place;
mod send;
#[cfg(test)]
mod send_tests;
#[cfg(test)]
mod spec;
#[cfg(test)]
mod tests;
mod update;

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

pub struct Telegram;

pub static CHANNEL: Telegram = Telegram;

type Ended = Result<Outcome, Stop>;

const API: &str = "https://api.telegram.org";
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// What the header's secret is derived for, so that the token proves nothing else by it.
const SECRET_PURPOSE: &[u8] = b"meari telegram webhook";
const CAPTION_MAX: usize = 1024;

static FIELDS: &[Field] = &[
    Field {
        name: "bot_token",
        label: Label {
            en: "Bot token",
            ko: "봇 토큰",
        },
        help: Label {
            en: "In Telegram, write /newbot to @BotFather and paste the token it gives you.",
            ko: "텔레그램에서 @BotFather에게 /newbot을 보내고, 받은 토큰을 붙여 넣으세요.",
        },
        kind: FieldKind::Text,
        required: true,
        secret: true,
        options: &[],
    },
    Field {
        name: "base_url",
        label: Label {
            en: "Own Bot API server",
            ko: "자체 Bot API 서버",
        },
        help: Label {
            en: "Leave empty, unless you run Telegram's Bot API server yourself.",
            ko: "Bot API 서버를 직접 운영하지 않으면 비워 두세요.",
        },
        kind: FieldKind::Url,
        required: false,
        secret: false,
        options: &[],
    },
];

static MANIFEST: Manifest = Manifest {
    kind: "telegram",
    name: Label {
        en: "Telegram",
        ko: "텔레그램",
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
        start: false,
        typing: true,
        mark_read: true,
        profile: true,
        split_long: true,
        receipts: false,
    },
    limits: Limits {
        text_max: 4096,
        text_unit: TextUnit::Utf16,
        attachments_max: 10,
        attachment_bytes_max: 50 * 1024 * 1024,
        attachment_types: &["*/*"],
    },
    reply_window_hours: None,
    send_kind: SendKind::Unknown,
};

impl Channel for Telegram {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn verify(&self, app: &ProviderApp, raw: &RawRequest) -> Verdict {
        let right = match (app.secrets.get("bot_token"), raw.header(SECRET_HEADER)) {
            (Some(token), Some(told)) => signature::is_same(&webhook_secret(token), told),
            _ => false,
        };
        if right && raw.method == "POST" {
            Verdict::Accept
        } else {
            Verdict::Reject
        }
    }

    fn split(&self, raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
        update::split(raw)
    }

    fn parse(&self, inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
        update::parse(inbox, &part.bytes)
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
                interval: Duration::from_millis(34),
                burst: 20,
            },
            peer: Some(Pace {
                interval: Duration::from_secs(1),
                burst: 3,
            }),
        }
    }
}

/// What Telegram must repeat in a header. It changes with the token and needs no place of its own.
fn webhook_secret(token: &str) -> String {
    signature::derived(token, SECRET_PURPOSE)
}

fn act(inbox: &Inbox, action: &Action, steps: Steps<'_>) -> Ended {
    let Some(bot) = Bot::of(inbox) else {
        return Ok(Outcome::Rejected {
            reason: "Enter the bot's token, and a valid https address if you run your own server."
                .into(),
            code: "not_configured".into(),
        });
    };
    match action {
        Action::Connect(crate::Connect::Form) | Action::Check | Action::Refresh => {
            connect::check(&bot, steps)
        }
        Action::Subscribe => connect::subscribe(inbox, &bot, steps),
        Action::Disconnect => connect::disconnect(&bot, steps),
        Action::Send(out) => send::send(&bot, out, steps),
        Action::Edit { target, text, .. } => send::edit(&bot, target, text, steps),
        Action::Delete { target } => send::delete(&bot, target, steps),
        Action::React {
            target,
            emoji,
            removed,
        } => send::react(&bot, target, emoji, *removed, steps),
        Action::Typing { peer, thread, on } => send::typing(&bot, peer, thread, *on, steps),
        Action::MarkRead { target, .. } => send::mark_read(&bot, target, steps),
        Action::FetchMedia { media } => fetch::media(&bot, media, steps),
        Action::FetchProfile { peer } => fetch::profile(&bot, peer, steps),
        Action::Connect(_)
        | Action::LookUp(_)
        | Action::Poll { .. }
        | Action::Backfill { .. } => Ok(Outcome::Unsupported),
    }
}

/// Where the Bot API is, and who we are there.
struct Bot<'a> {
    base: Url,
    token: &'a str,
}

impl<'a> Bot<'a> {
    fn of(inbox: &'a Inbox) -> Option<Self> {
        let typed = inbox.base_url.as_deref().or(inbox.setting("base_url"));
        Some(Self {
            base: address::base(typed.unwrap_or(API))?,
            token: inbox.secrets.get("bot_token")?,
        })
    }

    fn url(&self, method: &str) -> Url {
        address::join(&self.base, &[&format!("bot{}", self.token), method], &[])
    }

    fn get(&self, method: &str, query: &[(&str, &str)]) -> HttpRequest {
        let mut url = self.url(method);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        HttpRequest::new(Method::GET, url).harmless()
    }

    fn post(&self, method: &str, body: Value) -> HttpRequest {
        HttpRequest::new(Method::POST, self.url(method)).body(Body::Json(body))
    }
}
