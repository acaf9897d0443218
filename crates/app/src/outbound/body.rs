//! Bodies of requests. Files are streamed from the blob store and opened before anything is
//! sent, so a missing one is refused and not half sent.

use super::ExecuteError;
use crate::blobs::{BlobError, Blobs};
use channels::{Body, FormPart, Upload};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use tokio_util::io::ReaderStream;

pub(super) fn has_file(body: &Body) -> bool {
    match body {
        Body::Blob { .. } => true,
        Body::Multipart(parts) => parts.iter().any(|(_, p)| matches!(p, FormPart::File(_))),
        Body::Empty | Body::Json(_) | Body::Form(_) | Body::Bytes { .. } => false,
    }
}

pub(super) async fn attach(
    builder: RequestBuilder,
    body: &Body,
    blobs: &Blobs,
) -> Result<RequestBuilder, ExecuteError> {
    Ok(match body {
        Body::Empty => builder,
        Body::Json(value) => builder.json(value),
        Body::Form(fields) => builder.form(fields),
        Body::Bytes {
            content_type,
            bytes,
        } => builder
            .header(CONTENT_TYPE, content_type)
            .body(bytes.clone()),
        Body::Blob { content_type, blob } => {
            let (body, size) = open(blobs, blob).await?;
            builder
                .header(CONTENT_TYPE, content_type)
                .header(CONTENT_LENGTH, size)
                .body(body)
        }
        Body::Multipart(parts) => {
            let mut form = Form::new();
            for (name, part) in parts {
                form = match part {
                    FormPart::Text(text) => form.text(name.clone(), text.clone()),
                    FormPart::File(upload) => {
                        form.part(name.clone(), file_part(blobs, upload).await?)
                    }
                };
            }
            builder.multipart(form)
        }
    })
}

async fn file_part(blobs: &Blobs, upload: &Upload) -> Result<Part, ExecuteError> {
    let (body, size) = open(blobs, &upload.blob).await?;
    Part::stream_with_length(body, size)
        .file_name(upload.name.clone())
        .mime_str(&upload.media_type)
        .map_err(|_| refused("the media type of the file is malformed"))
}

async fn open(blobs: &Blobs, id: &str) -> Result<(reqwest::Body, u64), ExecuteError> {
    let blob = blobs.open(id).await.map_err(|error| match error {
        BlobError::NotFound => refused("the file is gone"),
        other => ExecuteError::NotSent {
            reason: other.to_string(),
        },
    })?;
    let body = reqwest::Body::wrap_stream(ReaderStream::new(blob.file));
    Ok((body, blob.size_bytes))
}

fn refused(reason: &str) -> ExecuteError {
    ExecuteError::Refused {
        reason: reason.to_owned(),
    }
}
