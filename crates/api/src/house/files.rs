//! Files of `app` for the media paths.

use crate::media::{Chunks, File, Files, MediaFault};
use app::media::OpenFile;
use app::{App, media};
use async_trait::async_trait;
use domain::permission::Actor;
use futures_util::StreamExt;
use tokio_util::io::ReaderStream;

pub struct AppFiles(pub App);

const CHUNK_BYTES: usize = 64 << 10;

fn file(open: OpenFile) -> File {
    File {
        name: open.name,
        media_type: open.media_type,
        size_bytes: open.blob.size_bytes,
        chunks: ReaderStream::with_capacity(open.blob.file, CHUNK_BYTES).boxed(),
    }
}

fn fault(error: app::Error) -> MediaFault {
    match error {
        // What somebody may not see does not exist for her.
        app::Error::NotFound { .. } | app::Error::Forbidden => MediaFault::NotFound,
        app::Error::Invalid { .. } | app::Error::Conflict { .. } => MediaFault::Refused,
        app::Error::RateLimited { .. } | app::Error::Unavailable { .. } => MediaFault::Unavailable,
        app::Error::Internal(_) => {
            tracing::error!(error = ?error, "a file could not be served");
            MediaFault::Unavailable
        }
    }
}

#[async_trait]
impl Files for AppFiles {
    async fn fill(&self, _: &Actor, _: &str, _: Chunks) -> Result<(), MediaFault> {
        Err(MediaFault::Unavailable)
    }

    async fn open(&self, actor: &Actor, attachment: &str) -> Result<File, MediaFault> {
        let id = attachment.parse().map_err(|_| MediaFault::NotFound)?;
        media::open(&self.0, actor, id)
            .await
            .map(file)
            .map_err(fault)
    }

    async fn open_link(&self, token: &str) -> Result<File, MediaFault> {
        media::open_link(&self.0, token)
            .await
            .map(file)
            .map_err(fault)
    }
}
