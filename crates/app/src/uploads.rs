//! Files: uploads that wait for a message, and downloads within the viewer's scope.
//!
//! Invariants: an upload is filled once, by whoever announced it, with at most the bytes she
//! announced; its type is what its first bytes say, or a type that cannot run anywhere; only a
//! filled upload can be sent, and only people who see its ticket can read it.

use crate::blobs::BlobFile;
use crate::visibility::visible_message;
use crate::{App, Error, Result};
use bytes::Bytes;
use domain::AttachmentId;
use domain::message::{Attachment, AttachmentState};
use domain::permission::{Actor, Permission};
use futures_util::Stream;
use store::Db;
use store::queries::attachments::{self, StoredAttachment};
use store::queries::messages;

/// More than any channel takes.
const BYTES_MAX: i64 = 100 * 1024 * 1024;
const NAME_CHARS_MAX: usize = 200;
const TYPE_CHARS_MAX: usize = 100;
const UNKNOWN: &str = "application/octet-stream";

/// Claimed types that are believed where the bytes say nothing: no browser runs them, and people
/// and channels need to know them.
const INERT: &[&str] = &[
    "text/plain",
    "text/csv",
    "text/calendar",
    "text/vcard",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
];

/// Announces a file. It is sent to `PUT /media/uploads/{id}` and then named in `sendMessage`.
pub async fn create(
    app: &App,
    actor: &Actor,
    name: &str,
    media_type: &str,
    size_bytes: i64,
) -> Result<Attachment> {
    actor.may(Permission::WorkTickets)?;
    if !(1..=BYTES_MAX).contains(&size_bytes) {
        return Err(Error::invalid(
            "sizeBytes",
            format!("a file has 1 to {BYTES_MAX} bytes"),
        ));
    }
    if media_type.chars().count() > TYPE_CHARS_MAX {
        return Err(Error::invalid("mediaType", "this is no media type"));
    }
    let tx = app.begin(actor.tenant_id, "create_upload").await?;
    let stored = StoredAttachment {
        tenant_id: actor.tenant_id,
        attachment: Attachment {
            id: AttachmentId::new(tx.now()),
            state: AttachmentState::Pending,
            name: file_name(name)?,
            media_type: media_type.trim().to_ascii_lowercase(),
            size_bytes: Some(size_bytes),
            problem: None,
        },
        message_id: None,
        uploaded_by: Some(actor.user_id),
        blob: None,
        source: None,
        ordinal: 0,
        created_at: tx.now(),
    };
    attachments::insert(&tx, &stored).await?;
    app.commit(tx, stored.attachment).await
}

/// The last part of a path, without what could break a header or a folder.
fn file_name(name: &str) -> Result<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .chars()
        .filter(|c| !c.is_control())
        .take(NAME_CHARS_MAX)
        .collect();
    let kept = kept.trim().trim_start_matches('.').trim();
    if kept.is_empty() {
        return Err(Error::invalid("name", "a file needs a name"));
    }
    Ok(kept.to_owned())
}

/// Takes the bytes. The stream is stored before the transaction begins; one that loses the race
/// with another filling leaves no file behind.
pub async fn fill<E>(
    app: &App,
    actor: &Actor,
    id: AttachmentId,
    chunks: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Attachment>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    actor.may(Permission::WorkTickets)?;
    let announced = waiting(&app.read(), actor, id).await?;
    let bytes_max = announced.attachment.size_bytes.unwrap_or(0);
    let blob = app
        .blobs
        .put(chunks, u64::try_from(bytes_max).unwrap_or(0))
        .await?;
    let filled = filled(app, actor, id, &blob).await;
    if filled.is_err() {
        // Best effort: a blob that no row names only takes room.
        let _ = app.blobs.delete(&blob.id).await;
    }
    filled
}

async fn filled(
    app: &App,
    actor: &Actor,
    id: AttachmentId,
    blob: &channels::Blob,
) -> Result<Attachment> {
    let tx = app.begin(actor.tenant_id, "fill_upload").await?;
    let mut upload = waiting(&tx, actor, id).await?;
    if upload
        .attachment
        .size_bytes
        .and_then(|n| u64::try_from(n).ok())
        != Some(blob.size_bytes)
    {
        return Err(Error::conflict(
            "CONFLICT",
            "the file has not the announced size",
        ));
    }
    upload.attachment.media_type = type_of(&upload.attachment.media_type, &blob.media_type);
    upload.attachment.state = AttachmentState::Ready;
    upload.blob = Some(blob.id.clone());
    attachments::fill(&tx, &upload).await?;
    app.commit(tx, upload.attachment).await
}

/// Her own announced upload that nobody filled yet.
async fn waiting(db: &impl Db, actor: &Actor, id: AttachmentId) -> Result<StoredAttachment> {
    let upload = attachments::get(db, actor.tenant_id, id).await?;
    if upload.uploaded_by != Some(actor.user_id) {
        return Err(Error::not_found("attachment"));
    }
    if upload.attachment.state != AttachmentState::Pending || upload.message_id.is_some() {
        return Err(Error::conflict(
            "CONFLICT",
            "this upload has its file already",
        ));
    }
    Ok(upload)
}

fn type_of(claimed: &str, sniffed: &str) -> String {
    let silent = matches!(sniffed, UNKNOWN | "application/zip");
    if silent && INERT.contains(&claimed) {
        claimed.to_owned()
    } else {
        sniffed.to_owned()
    }
}

/// A file that may be read.
#[derive(Debug)]
pub struct Media {
    pub attachment: Attachment,
    pub file: BlobFile,
}

/// A file of a message the actor sees, or an upload of her own.
pub async fn open(app: &App, actor: &Actor, id: AttachmentId) -> Result<Media> {
    actor.may(Permission::Read)?;
    let read = app.read();
    let stored = attachments::get(&read, actor.tenant_id, id).await?;
    let visible = match stored.message_id {
        Some(message) => visible_message(&read, actor, message).await.is_ok(),
        None => stored.uploaded_by == Some(actor.user_id),
    };
    if !visible {
        return Err(Error::not_found("attachment"));
    }
    opened(app, stored).await
}

/// The file of an attachment whose reader has proven herself. What was taken back is shown to
/// nobody, however she came here.
pub(crate) async fn opened(app: &App, stored: StoredAttachment) -> Result<Media> {
    if let Some(message) = stored.message_id {
        let message = messages::get(&app.read(), stored.tenant_id, message).await?;
        if message.deleted_at.is_some() {
            return Err(Error::not_found("attachment"));
        }
    }
    let (Some(blob), AttachmentState::Ready) = (&stored.blob, stored.attachment.state) else {
        return Err(Error::not_found("attachment"));
    };
    let file = app.blobs.open(blob).await?;
    Ok(Media {
        attachment: stored.attachment,
        file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bytes_say_beats_what_the_sender_claims() {
        assert_eq!(type_of("text/plain", UNKNOWN), "text/plain");
        assert_eq!(type_of("text/html", UNKNOWN), UNKNOWN);
        assert_eq!(type_of("image/svg+xml", UNKNOWN), UNKNOWN);
        assert_eq!(type_of("text/plain", "image/png"), "image/png");
        assert_eq!(type_of(INERT[9], "application/zip"), INERT[9]);
    }

    #[test]
    fn a_name_is_one_harmless_word_for_a_file() {
        let name = |text: &str| file_name(text).unwrap_or_default();
        assert_eq!(name("../../etc/passwd"), "passwd");
        assert_eq!(name("C:\\temp\\보고서.pdf"), "보고서.pdf");
        assert_eq!(name(".\r\n.bashrc"), "bashrc");
        assert_eq!(name("///"), "");
        assert_eq!(name(&"x".repeat(500)).len(), NAME_CHARS_MAX);
    }
}
