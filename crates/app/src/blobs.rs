//! Blob store: the bytes of attachments, by opaque id, in a folder.
//!
//! Invariants: an id is 32 hex digits of our own making, so no name from outside ever becomes a
//! path; a blob is published by rename after its bytes are on disk, so a half-written one is
//! never seen; the media type is what the first bytes say, not what the sender claims.

mod sniff;

pub use sniff::{may_show_inline, media_type_of};

use crate::secrets::hex;
use bytes::Bytes;
use channels::Blob;
use futures_util::{Stream, StreamExt as _};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

const ID_CHARS: usize = 32;
const TEMPORARY: &str = "incoming";

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("the file is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("there is no such file")]
    NotFound,
    /// Disk full or folder gone: likely to pass, nothing was kept.
    #[error("the file store cannot be used")]
    Store(#[source] io::Error),
    /// The sender stopped in the middle; nothing was kept.
    #[error("the transfer broke off")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<BlobError> for crate::Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::TooLarge { .. } => Self::invalid("file", error.to_string()),
            BlobError::NotFound => Self::not_found("file"),
            BlobError::Store(_) => Self::unavailable("the file store cannot be used now"),
            BlobError::Source(_) => Self::invalid("file", "the transfer broke off"),
        }
    }
}

/// An open blob.
#[derive(Debug)]
pub struct BlobFile {
    pub file: File,
    pub size_bytes: u64,
}

/// Blobs in one folder; cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    root: Arc<Path>,
}

impl Blobs {
    pub async fn open_folder(root: impl Into<PathBuf>) -> Result<Self, BlobError> {
        let root: PathBuf = root.into();
        tokio::fs::create_dir_all(root.join(TEMPORARY))
            .await
            .map_err(BlobError::Store)?;
        Ok(Self { root: root.into() })
    }

    /// Starts a blob of at most `bytes_max`. Dropping the writer keeps nothing.
    pub async fn create(&self, bytes_max: u64) -> Result<BlobWriter, BlobError> {
        let id = hex(&rand::random::<[u8; ID_CHARS / 2]>());
        let temporary = self.root.join(TEMPORARY).join(&id);
        let file = File::create_new(&temporary)
            .await
            .map_err(BlobError::Store)?;
        Ok(BlobWriter {
            id,
            root: Arc::clone(&self.root),
            temporary: Temporary(Some(temporary)),
            file,
            head: Vec::with_capacity(sniff::HEAD_BYTES),
            size_bytes: 0,
            bytes_max,
        })
    }

    /// Stores a whole stream.
    pub async fn put<E>(
        &self,
        stream: impl Stream<Item = Result<Bytes, E>>,
        bytes_max: u64,
    ) -> Result<Blob, BlobError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut writer = self.create(bytes_max).await?;
        let mut stream = pin!(stream);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| BlobError::Source(error.into()))?;
            writer.write(&chunk).await?;
        }
        writer.finish().await
    }

    pub async fn open(&self, id: &str) -> Result<BlobFile, BlobError> {
        let file = File::open(path_of(&self.root, id)?).await.map_err(lost)?;
        let size_bytes = file.metadata().await.map_err(BlobError::Store)?.len();
        Ok(BlobFile { file, size_bytes })
    }

    /// Deleting what is already gone is fine.
    pub async fn delete(&self, id: &str) -> Result<(), BlobError> {
        match tokio::fs::remove_file(path_of(&self.root, id)?).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(BlobError::Store(error)),
            _ => Ok(()),
        }
    }
}

fn lost(error: io::Error) -> BlobError {
    if error.kind() == io::ErrorKind::NotFound {
        BlobError::NotFound
    } else {
        BlobError::Store(error)
    }
}

/// Two levels of folders keep each one small. Anything but an id of our making is unknown.
fn path_of(root: &Path, id: &str) -> Result<PathBuf, BlobError> {
    let ours = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if id.len() != ID_CHARS || !id.bytes().all(ours) {
        return Err(BlobError::NotFound);
    }
    Ok(root.join(&id[..2]).join(&id[2..4]).join(id))
}

/// A blob that is being written.
#[derive(Debug)]
pub struct BlobWriter {
    id: String,
    root: Arc<Path>,
    temporary: Temporary,
    file: File,
    head: Vec<u8>,
    size_bytes: u64,
    bytes_max: u64,
}

impl BlobWriter {
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), BlobError> {
        self.size_bytes = self.size_bytes.saturating_add(chunk.len() as u64);
        if self.size_bytes > self.bytes_max {
            return Err(BlobError::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        let missing = sniff::HEAD_BYTES - self.head.len();
        self.head
            .extend_from_slice(&chunk[..missing.min(chunk.len())]);
        self.file.write_all(chunk).await.map_err(BlobError::Store)
    }

    /// Makes the blob durable and visible.
    pub async fn finish(mut self) -> Result<Blob, BlobError> {
        self.publish().await.map_err(BlobError::Store)?;
        self.temporary.0 = None;
        Ok(Blob {
            media_type: media_type_of(&self.head).to_owned(),
            id: self.id,
            size_bytes: self.size_bytes,
        })
    }

    async fn publish(&mut self) -> io::Result<()> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let target = path_of(&self.root, &self.id).map_err(io::Error::other)?;
        let folder = target.parent().unwrap_or(&self.root).to_owned();
        tokio::fs::create_dir_all(&folder).await?;
        if let Some(temporary) = &self.temporary.0 {
            tokio::fs::rename(temporary, &target).await?;
        }
        // The rename and the new folders are durable only with their folders synced.
        let above = folder.parent().unwrap_or(&self.root).to_owned();
        for folder in [folder.as_path(), &above, &self.root] {
            File::open(folder).await?.sync_all().await?;
        }
        Ok(())
    }
}

/// Removes the file of a writer that was dropped.
#[derive(Debug)]
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Best effort: a file left here is never visible, it only takes room.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use tokio::io::AsyncReadExt as _;

    async fn store() -> (tempfile::TempDir, Blobs) {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open_folder(folder.path().join("blobs"))
            .await
            .unwrap();
        (folder, blobs)
    }

    fn chunks(parts: &[&'static [u8]]) -> impl Stream<Item = Result<Bytes, io::Error>> + use<> {
        let parts: Vec<_> = parts.iter().map(|p| Ok(Bytes::from_static(p))).collect();
        stream::iter(parts)
    }

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { files(&path) } else { 1 })
            .sum()
    }

    #[tokio::test]
    async fn what_was_put_is_read_back_with_its_sniffed_type_and_can_be_deleted() {
        let (_folder, blobs) = store().await;
        let blob = blobs
            .put(chunks(&[b"\x89PN", b"G\r\n\x1a\n", b"pixels"]), 100)
            .await
            .unwrap();
        assert_eq!(
            (blob.media_type.as_str(), blob.size_bytes),
            ("image/png", 14)
        );
        let mut open = blobs.open(&blob.id).await.unwrap();
        let mut content = Vec::new();
        open.file.read_to_end(&mut content).await.unwrap();
        assert_eq!(content, b"\x89PNG\r\n\x1a\npixels");
        assert_eq!(open.size_bytes, 14);
        blobs.delete(&blob.id).await.unwrap();
        blobs.delete(&blob.id).await.unwrap();
        assert!(matches!(
            blobs.open(&blob.id).await,
            Err(BlobError::NotFound)
        ));
    }

    #[tokio::test]
    async fn too_much_or_broken_off_leaves_nothing_on_disk() {
        let (folder, blobs) = store().await;
        let much = blobs.put(chunks(&[b"12345", b"67890"]), 9).await;
        assert!(matches!(much, Err(BlobError::TooLarge { bytes_max: 9 })));
        let broken = stream::iter([
            Ok(Bytes::from_static(b"abc")),
            Err(io::Error::other("peer left")),
        ]);
        let broken = blobs.put(broken, 100).await;
        assert!(matches!(broken, Err(BlobError::Source(_))));
        assert_eq!(files(folder.path()), 0);
    }

    #[tokio::test]
    async fn no_text_from_outside_becomes_a_path() {
        let (folder, blobs) = store().await;
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        for id in [
            "",
            "../secret",
            "../../secret",
            "/etc/passwd",
            "incoming",
            "0123456789abcdef0123456789abcdeF",
            "0123456789abcdef0123456789abcde/",
            "..%2fsecret",
            "메아리",
        ] {
            assert!(matches!(blobs.open(id).await, Err(BlobError::NotFound)));
            assert!(blobs.delete(id).await.is_err());
        }
        assert!(folder.path().join("secret").exists());
    }
}
