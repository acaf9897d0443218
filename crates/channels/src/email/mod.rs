//! E-mail: one mailbox, read over IMAP and written to by SMTP.
//!
//! In: the folder's new mails, behind a cursor of UIDs, with IDLE as the bell. Out: replies whose
//! Message-ID and reply address name their thread under our signature, so that an answer comes
//! home even when its subject changed. A mail brings its files along; they are read out of the
//! stored part.

mod account;
mod bounce;
mod login;
mod parse;
mod part;
mod position;
mod send;
mod session;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod tests;
mod thread;
mod wire;

use crate::Channel;
use crate::action::{Action, Outcome, Response, Step};
use crate::inbound::{Inbound, Malformed, Part};
use crate::manifest::{
    Capabilities, Field, FieldKind, Label, Limits, Manifest, SendKind, TextUnit,
};
use crate::session::{Cursor, Session};
use crate::view::Inbox;
use account::Account;
use session::Mailbox;

pub struct Email;

pub static CHANNEL: Email = Email;

const PROTECTIONS: &[&str] = &["tls", "starttls", "none"];
const NO_HELP: Label = Label { en: "", ko: "" };

const fn field(name: &'static str, en: &'static str, ko: &'static str) -> Field {
    Field {
        name,
        label: Label { en, ko },
        help: NO_HELP,
        kind: FieldKind::Text,
        required: false,
        secret: false,
        options: &[],
    }
}

static FIELDS: &[Field] = &[
    Field {
        help: Label {
            en: "The address customers write to, for example help@moa.example.",
            ko: "고객이 보내는 주소입니다. 예: help@moa.example",
        },
        required: true,
        ..field("address", "E-mail address", "이메일 주소")
    },
    Field {
        help: Label {
            en: "What customers see as the sender.",
            ko: "고객에게 보이는 보낸 사람 이름입니다.",
        },
        ..field("sender_name", "Sender name", "보내는 사람 이름")
    },
    Field {
        help: Label {
            en: "Where mail is read, for example imap.moa.example.",
            ko: "메일을 읽는 서버입니다. 예: imap.moa.example",
        },
        required: true,
        ..field("imap_host", "IMAP server", "IMAP 서버")
    },
    Field {
        kind: FieldKind::Number,
        help: Label {
            en: "Leave empty for 993, or 143 with STARTTLS.",
            ko: "비워 두면 993, STARTTLS이면 143을 씁니다.",
        },
        ..field("imap_port", "IMAP port", "IMAP 포트")
    },
    Field {
        kind: FieldKind::Choice,
        options: PROTECTIONS,
        help: Label {
            en: "Without encryption only for a server on this machine.",
            ko: "암호화 없음은 이 컴퓨터의 서버에만 쓸 수 있습니다.",
        },
        ..field("imap_security", "IMAP encryption", "IMAP 암호화")
    },
    Field {
        help: Label {
            en: "Where mail is sent from, for example smtp.moa.example.",
            ko: "메일을 보내는 서버입니다. 예: smtp.moa.example",
        },
        required: true,
        ..field("smtp_host", "SMTP server", "SMTP 서버")
    },
    Field {
        kind: FieldKind::Number,
        help: Label {
            en: "Leave empty for 465, or 587 with STARTTLS.",
            ko: "비워 두면 465, STARTTLS이면 587을 씁니다.",
        },
        ..field("smtp_port", "SMTP port", "SMTP 포트")
    },
    Field {
        kind: FieldKind::Choice,
        options: PROTECTIONS,
        ..field("smtp_security", "SMTP encryption", "SMTP 암호화")
    },
    Field {
        help: Label {
            en: "Leave empty when it is the e-mail address.",
            ko: "이메일 주소와 같으면 비워 두세요.",
        },
        ..field("user", "User name", "사용자 이름")
    },
    Field {
        required: true,
        secret: true,
        help: Label {
            en: "With two-step sign-in, an app password of the mail provider.",
            ko: "2단계 인증을 쓰면 메일 서비스의 앱 비밀번호를 넣으세요.",
        },
        ..field("password", "Password", "비밀번호")
    },
    Field {
        help: Label {
            en: "Leave empty for INBOX.",
            ko: "비워 두면 INBOX를 읽습니다.",
        },
        ..field("folder", "Folder", "메일함")
    },
    Field {
        kind: FieldKind::Choice,
        options: &["plain", "tagged"],
        help: Label {
            en: "Tagged: replies go to name+tag@domain and find their conversation even without other marks. Only if your server delivers such addresses.",
            ko: "tagged: 답장이 이름+태그@도메인으로 와서 항상 대화를 찾습니다. 서버가 이런 주소를 받을 때만 고르세요.",
        },
        ..field("reply_address", "Reply address", "답장 주소")
    },
];

static MANIFEST: Manifest = Manifest {
    kind: "email",
    name: Label {
        en: "E-mail",
        ko: "이메일",
    },
    icon: include_str!("icon.svg"),
    readme: include_str!("README.md"),
    fields: FIELDS,
    app_fields: &[],
    uses_provider_app: false,
    uses_oauth: false,
    uses_webhook: false,
    uses_session: true,
    capabilities: Capabilities {
        edit: false,
        delete: false,
        react: false,
        quote: true,
        attach: true,
        start: false,
        typing: false,
        mark_read: false,
        profile: false,
        split_long: false,
        receipts: false,
    },
    limits: Limits {
        text_max: 100_000,
        text_unit: TextUnit::Characters,
        attachments_max: 10,
        attachment_bytes_max: send::FILES_BYTES_MAX,
        attachment_types: &["image/*", "audio/*", "video/*", "text/*", "application/*"],
    },
    reply_window_hours: None,
    send_kind: SendKind::Unknown,
};

impl Channel for Email {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn parse(&self, inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed> {
        parse::parse(inbox, &part.bytes)
    }

    fn perform(&self, inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
        send::perform(inbox, action, so_far)
    }

    fn session(&self, inbox: &Inbox, cursor: Option<&Cursor>) -> Option<Box<dyn Session>> {
        let account = Account::of(inbox).ok()?;
        Some(Box::new(Mailbox::new(inbox.clone(), account, cursor, false)))
    }

    fn trial(&self, inbox: &Inbox) -> Option<Box<dyn Session>> {
        let account = Account::of(inbox).ok()?;
        Some(Box::new(Mailbox::new(inbox.clone(), account, None, true)))
    }

    fn carrier<'m>(&self, media: &'m str) -> Option<&'m str> {
        media.split_once('#').map(|(dedupe, _)| dedupe)
    }

    fn carried(&self, part: &Part, media: &str) -> Option<Vec<u8>> {
        parse::file(part, media)
    }
}
