//! Mail on a machine without a mail server: each mail is an `.eml` file that only its owner
//! reads, because it holds a sign-in link.

use super::{Mail, MailError, Mailer, message, sender};
use async_trait::async_trait;
use domain::Time;
use lettre::message::Mailbox;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub struct FolderMailer {
    folder: PathBuf,
    from: Mailbox,
}

impl FolderMailer {
    pub fn new(folder: impl Into<PathBuf>, from: &str) -> Result<Self, MailError> {
        Ok(Self {
            folder: folder.into(),
            from: sender(from)?,
        })
    }

    /// The newest mails first; for the command line.
    pub fn newest(folder: &Path, count: usize) -> io::Result<Vec<PathBuf>> {
        let mut mails = Vec::new();
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(mails),
            other => other?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "eml") {
                mails.push(path);
            }
        }
        // Names begin with the instant, in a width that sorts.
        mails.sort_unstable_by(|a, b| b.cmp(a));
        mails.truncate(count);
        Ok(mails)
    }
}

fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let temporary = folder.join(format!("{name}.new"));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(name))
}

#[async_trait]
impl Mailer for FolderMailer {
    async fn send(&self, mail: &Mail, now: Time) -> Result<(), MailError> {
        let content = message(&self.from, mail, now)?.formatted();
        let name = format!(
            "{:020}-{:08x}.eml",
            now.timestamp_micros().max(0),
            rand::random::<u32>()
        );
        let folder = self.folder.clone();
        let writing = tokio::task::spawn_blocking(move || write(&folder, &name, &content));
        match writing.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(MailError::Unavailable(Box::new(error))),
            Err(error) => Err(MailError::Unavailable(Box::new(error))),
        }
    }
}
