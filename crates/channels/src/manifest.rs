//! What a channel says about itself: the admin form, limits and capabilities come from here,
//! so that web, schema and migrations stay unchanged when a channel is added.

use domain::text_enum;
use serde::Serialize;
use std::time::Duration;
use unicode_segmentation::UnicodeSegmentation;

/// A short text for people, in both languages of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Label {
    pub en: &'static str,
    pub ko: &'static str,
}

impl Label {
    /// The text in `language` (`ko` or anything else, which reads English).
    pub fn text(&self, language: &str) -> &'static str {
        if language.starts_with("ko") {
            self.ko
        } else {
            self.en
        }
    }
}

text_enum! {
    pub enum FieldKind {
        Text = "text",
        Url = "url",
        Number = "number",
        Switch = "switch",
        Choice = "choice",
    }
}

/// One field of the form that connects an account (or registers a provider app).
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Field {
    pub name: &'static str,
    pub label: Label,
    pub help: Label,
    pub kind: FieldKind,
    pub required: bool,
    /// Sealed at rest, never sent back to any screen.
    pub secret: bool,
    /// For `Choice`: the allowed values, the first is the default.
    pub options: &'static [&'static str],
}

text_enum! {
    /// How a provider counts the length of a text.
    pub enum TextUnit {
        /// Unicode scalar values.
        Characters = "characters",
        Graphemes = "graphemes",
        Utf16 = "utf16",
        Bytes = "bytes",
        /// Characters, but every link counts 23 and of a mention only the local part.
        Fediverse = "fediverse",
    }
}

impl TextUnit {
    pub fn count(self, text: &str) -> usize {
        match self {
            Self::Characters => text.chars().count(),
            Self::Graphemes => text.graphemes(true).count(),
            Self::Utf16 => text.encode_utf16().count(),
            Self::Bytes => text.len(),
            Self::Fediverse => crate::text::fediverse_length(text),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// In `text_unit`, of one message at the provider.
    pub text_max: usize,
    pub text_unit: TextUnit,
    pub attachments_max: usize,
    pub attachment_bytes_max: u64,
    /// Media types, `image/*` allowed.
    pub attachment_types: &'static [&'static str],
}

/// `burst` requests at once, then one per `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub interval: Duration,
    pub burst: u32,
}

/// How fast a provider lets us write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paces {
    pub account: Pace,
    /// To one person.
    pub peer: Option<Pace>,
}

impl Default for Paces {
    /// Slow enough for a provider that says nothing.
    fn default() -> Self {
        Self {
            account: Pace {
                interval: Duration::from_millis(100),
                burst: 20,
            },
            peer: None,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Capabilities {
    pub edit: bool,
    pub delete: bool,
    pub react: bool,
    pub quote: bool,
    pub attach: bool,
    /// A conversation may be started by us.
    pub start: bool,
    pub typing: bool,
    pub mark_read: bool,
    pub profile: bool,
    /// A text above the limit becomes several messages in order.
    pub split_long: bool,
    /// Receipts tell delivery and reading.
    pub receipts: bool,
}

text_enum! {
    /// What may be done when a send was started and its answer never came.
    pub enum SendKind {
        /// Repeat with the same key: the provider recognises it.
        Idempotent = "idempotent",
        /// Ask first with `Action::LookUp`.
        Lookup = "lookup",
        /// Nobody can tell: a person decides.
        Unknown = "unknown",
    }
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Manifest {
    /// Equal to the folder's name.
    pub kind: &'static str,
    pub name: Label,
    /// SVG, safe to inline: no scripts, links, styles or ids.
    pub icon: &'static str,
    pub readme: &'static str,
    /// Fields of an inbox.
    pub fields: &'static [Field],
    /// Fields of a provider app; empty when the channel has none.
    pub app_fields: &'static [Field],
    pub uses_provider_app: bool,
    /// Connecting leads the person through the provider's consent page.
    pub uses_oauth: bool,
    /// Events arrive at `/webhooks/{kind}/{key}`.
    pub uses_webhook: bool,
    /// `Channel::session` returns a session.
    pub uses_session: bool,
    pub capabilities: Capabilities,
    pub limits: Limits,
    /// Hours after the last message of the person in which we may answer; `None`: always.
    pub reply_window_hours: Option<u32>,
    pub send_kind: SendKind,
}
