//! Messaging providers, one folder each, as pure functions: verify, split, parse, perform.
//!
//! Invariants: no IO, no async runtime, no clock, no randomness. Time, nonces, secrets and base
//! URLs come in with the views ([`Inbox`], [`ProviderApp`]); requests go out as values that
//! `app::outbound` executes. Everything that arrives is hostile: nothing here may panic on it.
//! The folder is the registry (see `build.rs`); nobody outside a folder names a provider.
//!
//! Deliberately absent: retries, rate limits, storage and delivery order. They belong to `app`,
//! which calls `perform` again with every response so far.

pub mod action;
pub mod address;
mod events;
pub mod inbound;
pub mod manifest;
pub mod markup;
pub mod session;
pub mod signature;
mod steps;
pub mod text;
pub mod view;

pub use action::{
    Action, Answer, Blob, Body, Connect, FormPart, HttpRequest, Mail, Outcome, Outgoing,
    Protection, Reach, Repeat, Response, Step, Submission, Target, Upload,
};
pub use inbound::{
    Inbound, InboundMessage, Malformed, Media, Part, Peer, Profile, RawRequest, Receipt,
    ReceiptState, Verdict,
};
pub use manifest::{
    Capabilities, Field, FieldKind, Label, Limits, Manifest, Pace, Paces, SendKind, TextUnit,
};
pub use session::{Cursor, Endpoint, Input, Output, Session};
pub use view::{Inbox, ProviderApp, Secrets};

use domain::Time;

/// A messaging provider. Pure: time, nonce, secrets and base URL come in; requests go out as values.
pub trait Channel: Send + Sync {
    fn manifest(&self) -> &'static Manifest;

    /// Whether the request really comes from the provider. Looks at raw bytes only.
    /// An inbox that carries its own secrets is shown as an app by [`Inbox::own_app`].
    fn verify(&self, app: &ProviderApp, raw: &RawRequest) -> Verdict {
        let _ = (app, raw);
        Verdict::Reject
    }

    /// One part per event of a verified request. The result says which account each belongs to,
    /// in which lane it must keep its order, and the key under which a repeat is recognised.
    fn split(&self, raw: &RawRequest) -> Result<Vec<Part>, Malformed> {
        let _ = raw;
        Err(Malformed::new("this channel has no webhook entrance"))
    }

    /// The facts in one part. Depends on `part.bytes` only, so that a stored part can be replayed.
    fn parse(&self, inbox: &Inbox, part: &Part) -> Result<Vec<Inbound>, Malformed>;

    /// The next request of `action`, given every response so far, or its outcome.
    /// `so_far` holds only answers that arrived; connection errors are the executor's business.
    /// An answer that led to `Retry` is not kept: the next attempt sees the ones before it, so
    /// the steps that succeeded are not done again.
    fn perform(&self, inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome>;

    /// The long-lived connection of this inbox, for channels that have one.
    fn session(&self, inbox: &Inbox, cursor: Option<&Cursor>) -> Option<Box<dyn Session>> {
        let _ = (inbox, cursor);
        None
    }

    /// A short connection that shows whether this inbox could be read: it ends in
    /// `Ended(Ok)` or in what is wrong. Asked before `perform` of a form or a check.
    fn trial(&self, inbox: &Inbox) -> Option<Box<dyn Session>> {
        let _ = inbox;
        None
    }

    /// The dedupe key of the part that carries this file within itself, for channels whose
    /// events bring their files along. `None`: it is fetched by `Action::FetchMedia`.
    fn carrier<'m>(&self, media: &'m str) -> Option<&'m str> {
        let _ = media;
        None
    }

    /// The bytes of a file that `part` carries.
    fn carried(&self, part: &Part, media: &str) -> Option<Vec<u8>> {
        let _ = (part, media);
        None
    }

    /// Limits of this account, where the provider tells them per account.
    fn limits(&self, inbox: &Inbox) -> Limits {
        let _ = inbox;
        self.manifest().limits
    }

    /// How fast this account, and one person through it, may be written to.
    fn paces(&self, inbox: &Inbox) -> Paces {
        let _ = inbox;
        Paces::default()
    }

    /// The length of a text in this channel's own unit.
    fn measure(&self, text: &str) -> usize {
        self.manifest().limits.text_unit.count(text)
    }

    /// What a repeated send does when its answer was lost.
    fn send_kind(&self, inbox: &Inbox) -> SendKind {
        let _ = inbox;
        self.manifest().send_kind
    }

    /// Until when a person may be answered who wrote last at `last_inbound_at`.
    fn reply_until(&self, inbox: &Inbox, last_inbound_at: Time) -> Option<Time> {
        let _ = inbox;
        let hours = self.manifest().reply_window_hours?;
        last_inbound_at.checked_add_signed(chrono::Duration::hours(i64::from(hours)))
    }
}

/// The channel of this kind, if the folder exists.
pub fn by_kind(kind: &str) -> Option<&'static dyn Channel> {
    ALL.iter()
        .copied()
        .find(|channel| channel.manifest().kind == kind)
}

include!(concat!(env!("OUT_DIR"), "/channels.rs"));

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod testing;
