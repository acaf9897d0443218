//! Files: upload by stream, download under the viewer's scope, and one-file links for providers.
//!
//! What people sent is never trusted: the type is what the store sniffed, only raster images, audio and
//! video are shown in place, everything else is a download, and each answer carries a policy under which
//! nothing in it may run.

use crate::auth::{Bearer, Gate, Refusal, Session};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use domain::permission::Actor;
use futures_util::stream::{BoxStream, StreamExt};
use std::io;
use std::sync::Arc;

pub type Chunks = BoxStream<'static, io::Result<Bytes>>;

/// A file that may be read.
pub struct File {
    pub name: String,
    /// As sniffed, never as claimed.
    pub media_type: String,
    pub size_bytes: u64,
    pub chunks: Chunks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaFault {
    /// Also for files that the viewer may not see, and for links that are forged or over.
    NotFound,
    /// The bytes are not what the upload announced, or the upload was used already.
    Refused,
    Unavailable,
}

impl IntoResponse for MediaFault {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
        .into_response()
    }
}

/// The use cases behind the paths.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// Fills an upload made by `createUpload`; its announced size is the bound.
    async fn fill(&self, actor: &Actor, upload: &str, chunks: Chunks) -> Result<(), MediaFault>;

    /// An attachment within the actor's scope.
    async fn open(&self, actor: &Actor, attachment: &str) -> Result<File, MediaFault>;

    /// The one file that a signed link names, while the link lives.
    async fn open_link(&self, token: &str) -> Result<File, MediaFault>;
}

#[derive(Clone)]
struct Media {
    files: Arc<dyn Files>,
    gate: Arc<dyn Gate>,
}

const ID_BYTES_MAX: usize = 64;
const TOKEN_BYTES_MAX: usize = 512;

pub fn routes(files: Arc<dyn Files>, gate: Arc<dyn Gate>) -> Router {
    Router::new()
        .route("/media/uploads/{id}", put(upload))
        .route("/media/{id}", get(download))
        .route("/m/{token}", get(follow_link))
        .with_state(Media { files, gate })
}

async fn upload(
    State(media): State<Media>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Response> {
    let session = media.session(request.headers()).await?;
    bounded(&id, ID_BYTES_MAX).map_err(IntoResponse::into_response)?;
    let chunks = request.into_body().into_data_stream();
    let chunks = chunks.map(|chunk| chunk.map_err(io::Error::other)).boxed();
    let filled = media.files.fill(&session.actor, &id, chunks).await;
    filled
        .map(|()| StatusCode::NO_CONTENT)
        .map_err(IntoResponse::into_response)
}

async fn download(
    State(media): State<Media>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let session = media.session(&headers).await?;
    bounded(&id, ID_BYTES_MAX).map_err(IntoResponse::into_response)?;
    let file = media.files.open(&session.actor, &id).await;
    file.map(send).map_err(IntoResponse::into_response)
}

async fn follow_link(
    State(media): State<Media>,
    Path(token): Path<String>,
) -> Result<Response, Response> {
    bounded(&token, TOKEN_BYTES_MAX).map_err(IntoResponse::into_response)?;
    let file = media.files.open_link(&token).await;
    file.map(send).map_err(IntoResponse::into_response)
}

impl Media {
    async fn session(&self, headers: &HeaderMap) -> Result<Session, Response> {
        let bearer = match Bearer::from_headers(headers) {
            Ok(Some(bearer)) => bearer,
            Ok(None) | Err(_) => return Err(StatusCode::UNAUTHORIZED.into_response()),
        };
        self.gate.authenticate(&bearer).await.map_err(|refusal| {
            match refusal {
                Refusal::Invalid => StatusCode::UNAUTHORIZED,
                Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            }
            .into_response()
        })
    }
}

fn bounded(text: &str, bytes_max: usize) -> Result<(), MediaFault> {
    if text.len() <= bytes_max {
        Ok(())
    } else {
        Err(MediaFault::NotFound)
    }
}

/// Names of headers that `http` has no constant for.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

fn send(file: File) -> Response {
    let inline = app::blobs::may_show_inline(&file.media_type);
    let media_type = HeaderValue::from_str(&file.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let disposition = HeaderValue::from_str(&disposition(inline, &file.name))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_LENGTH, HeaderValue::from(file.size_bytes)),
        (
            CACHE_CONTROL,
            HeaderValue::from_static("private, max-age=3600"),
        ),
        (
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; sandbox"),
        ),
        (RESOURCE_POLICY, HeaderValue::from_static("same-site")),
    ];
    (headers, Body::from_stream(file.chunks)).into_response()
}

/// `filename` is the ASCII shadow for old programs, `filename*` the whole name (RFC 6266).
fn disposition(inline: bool, name: &str) -> String {
    let kind = if inline { "inline" } else { "attachment" };
    let name: String = name.chars().filter(|c| !c.is_control()).take(150).collect();
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '/' | '%' | ';' => '_',
            c if c.is_ascii() => c,
            _ => '_',
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        let header = disposition(false, "a\"; filename=\"evil.exe\r\nset-cookie: x");
        assert!(HeaderValue::from_str(&header).is_ok());
        assert_eq!(header.matches('"').count(), 2, "{header}");
        assert!(disposition(true, "사진.png").contains("filename*=UTF-8''%EC%82%AC%EC%A7%84.png"));
    }
}
