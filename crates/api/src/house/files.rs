//! Files of `app` for the media paths.

use crate::media::{Chunks, File, Files, MediaFault};
use app::uploads::Media;
use app::{App, media, uploads};
use async_trait::async_trait;
use domain::permission::Actor;
use futures_util::StreamExt;
use tokio_util::io::ReaderStream;

pub struct AppFiles(pub App);

const CHUNK_BYTES: usize = 64 << 10;

fn file(media: Media) -> File {
    File {
        name: media.attachment.name,
        media_type: media.attachment.media_type,
        size_bytes: media.file.size_bytes,
        chunks: ReaderStream::with_capacity(media.file.file, CHUNK_BYTES).boxed(),
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
    async fn fill(&self, actor: &Actor, upload: &str, chunks: Chunks) -> Result<(), MediaFault> {
        let id = upload.parse().map_err(|_| MediaFault::NotFound)?;
        let filled = uploads::fill(&self.0, actor, id, chunks).await;
        filled.map(drop).map_err(fault)
    }

    async fn open(&self, actor: &Actor, attachment: &str) -> Result<File, MediaFault> {
        let id = attachment.parse().map_err(|_| MediaFault::NotFound)?;
        uploads::open(&self.0, actor, id)
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
