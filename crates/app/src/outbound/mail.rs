//! A mail of a channel as MIME: text, pictures that stand in it, and files.

use super::ExecuteError;
use crate::blobs::{BlobError, Blobs};
use channels::{Mail, Upload};
use domain::Time;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use tokio::io::AsyncReadExt as _;

/// A reader that cannot show them gets them as files.
const PICTURES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

pub(super) struct File {
    pub upload: Upload,
    pub bytes: Vec<u8>,
}

/// The files of a mail, read before anything is said to the mail server.
pub(super) async fn files(blobs: &Blobs, mail: &Mail) -> Result<Vec<File>, ExecuteError> {
    let mut files = Vec::with_capacity(mail.attachments.len());
    for upload in &mail.attachments {
        let mut blob = blobs
            .open(&upload.blob)
            .await
            .map_err(|error| match error {
                BlobError::NotFound => refused("the file is gone"),
                other => away(other),
            })?;
        let mut bytes = Vec::new();
        blob.file.read_to_end(&mut bytes).await.map_err(away)?;
        files.push(File {
            upload: upload.clone(),
            bytes,
        });
    }
    Ok(files)
}

fn away(error: impl ToString) -> ExecuteError {
    ExecuteError::NotSent {
        reason: error.to_string(),
    }
}

fn refused(reason: impl ToString) -> ExecuteError {
    ExecuteError::Refused {
        reason: reason.to_string(),
    }
}

pub(super) fn message(mail: &Mail, files: Vec<File>, now: Time) -> Result<Message, ExecuteError> {
    let address = |text: &str| text.parse::<Address>().map_err(refused);
    let (name, from) = &mail.from;
    let mut builder = Message::builder()
        .from(Mailbox::new(name.as_deref().map(one_line), address(from)?))
        .to(Mailbox::new(None, address(&mail.to)?))
        .date(now.into())
        .subject(one_line(&mail.subject))
        .message_id(Some(format!("<{}>", mail.message_id)));
    for copy in &mail.cc {
        builder = builder.cc(Mailbox::new(None, address(copy)?));
    }
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.reply_to(Mailbox::new(None, address(reply_to)?));
    }
    if let Some(answered) = &mail.in_reply_to {
        builder = builder.in_reply_to(format!("<{answered}>"));
    }
    if !mail.references.is_empty() {
        let ids: Vec<_> = mail.references.iter().map(|id| format!("<{id}>")).collect();
        builder = builder.references(ids.join(" "));
    }
    let (pictures, others): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| PICTURES.contains(&file.upload.media_type.as_str()));
    let text = SinglePart::plain(mail.text.clone());
    if pictures.is_empty() && others.is_empty() {
        return builder.singlepart(text).map_err(refused);
    }
    let mut mixed = if pictures.is_empty() {
        MultiPart::mixed().singlepart(text)
    } else {
        MultiPart::mixed().multipart(illustrated(mail, pictures)?)
    };
    for file in others {
        let kind = kind(&file.upload)?;
        let name = file.upload.name.clone();
        mixed = mixed.singlepart(Attachment::new(name).body(file.bytes, kind));
    }
    builder.multipart(mixed).map_err(refused)
}

/// The words, and the same words with the pictures below them.
fn illustrated(mail: &Mail, pictures: Vec<File>) -> Result<MultiPart, ExecuteError> {
    let mut html = format!("<div>{}</div>", escaped(&mail.text).replace('\n', "<br>"));
    for index in 0..pictures.len() {
        html.push_str(&format!(
            r#"<div><img src="cid:{}"></div>"#,
            content_id(mail, index)
        ));
    }
    let mut related = MultiPart::related().singlepart(SinglePart::html(html));
    for (index, picture) in pictures.into_iter().enumerate() {
        let kind = kind(&picture.upload)?;
        let id = content_id(mail, index);
        let inline = Attachment::new_inline_with_name(id, picture.upload.name.clone());
        related = related.singlepart(inline.body(picture.bytes, kind));
    }
    Ok(MultiPart::alternative()
        .singlepart(SinglePart::plain(mail.text.clone()))
        .multipart(related))
}

/// What could end a header is no part of a name.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn content_id(mail: &Mail, index: usize) -> String {
    format!("{index}.{}", mail.message_id)
}

fn kind(upload: &Upload) -> Result<ContentType, ExecuteError> {
    ContentType::parse(&upload.media_type)
        .map_err(|_| refused("the media type of the file is malformed"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            from: (Some("모아상점".into()), "help@moa.example".into()),
            to: "sofia@mail.example".into(),
            cc: vec!["ken@mail.example".into()],
            subject: "Re: 항아리".into(),
            message_id: "mr1.a@moa.example".into(),
            in_reply_to: Some("jar-1@mail.example".into()),
            references: vec!["jar-0@mail.example".into(), "jar-1@mail.example".into()],
            text: "보냈습니다 <b>\n.\nend".into(),
            ..Mail::default()
        }
    }

    fn file(name: &str, media_type: &str) -> File {
        File {
            upload: Upload {
                blob: String::new(),
                name: name.into(),
                media_type: media_type.into(),
                size_bytes: 3,
                description: None,
                link: None,
            },
            bytes: b"abc".to_vec(),
        }
    }

    fn text_of(mail: &Mail, files: Vec<File>) -> String {
        let message = message(mail, files, Time::default()).expect("a mail");
        String::from_utf8(message.formatted()).expect("ASCII on the wire")
    }

    #[test]
    fn ids_copies_and_names_stand_in_the_head() {
        let text = text_of(&mail(), vec![]);
        for line in [
            "Message-ID: <mr1.a@moa.example>",
            "In-Reply-To: <jar-1@mail.example>",
            "References: <jar-0@mail.example> <jar-1@mail.example>",
            "Cc: ken@mail.example",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(text.is_ascii());
    }

    #[test]
    fn pictures_stand_in_the_mail_and_other_files_beside_it() {
        let files = vec![
            file("jar.png", "image/png"),
            file("영수증.pdf", "application/pdf"),
        ];
        let text = text_of(&mail(), files);
        assert!(text.contains("Content-ID: <0.mr1.a@moa.example>"), "{text}");
        assert!(text.contains("multipart/related") && text.contains("multipart/alternative"));
        assert!(text.contains("Content-Disposition: attachment"), "{text}");
    }

    #[test]
    fn nothing_in_a_header_can_begin_another_one() {
        let mut mail = mail();
        mail.subject = "x\r\nBcc: thief@bad.example".into();
        mail.from.0 = Some("y\r\nBcc: thief@bad.example".into());
        let text = text_of(&mail, vec![]);
        assert!(!text.contains("\r\nBcc:"), "{text}");
        mail.to = "a@b.example\r\nRCPT TO:<thief@bad.example>".into();
        assert!(message(&mail, vec![], Time::default()).is_err());
    }
}
