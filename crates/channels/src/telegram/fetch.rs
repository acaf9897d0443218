//! Files and people at Telegram.

use super::connect::accepted;
use super::errors::refused;
use super::{Bot, Ended};
use crate::action::{Answer, HttpRequest, Outcome};
use crate::address;
use crate::inbound::Peer;
use crate::steps::Steps;
use http::Method;
use serde::Deserialize;

/// A self-run server gives more; this is what we store of one file.
const MEDIA_MAX: u64 = 50 * 1024 * 1024;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    file_path: Option<String>,
}

/// Two steps: where the file lies for the next hour, then the file.
pub fn media(bot: &Bot<'_>, file_id: &str, mut steps: Steps<'_>) -> Ended {
    let response = steps.take(|| bot.get("getFile", &[("file_id", file_id)]))?;
    if response.status == 400 {
        return Ok(Outcome::Rejected {
            reason: "Telegram does not give this file to bots: it is larger than 20 MB or gone."
                .into(),
            code: "file_refused".into(),
        });
    }
    let file: File = accepted(response)?;
    // A self-run server in local mode names a path on its own disk, which is nothing to fetch.
    let Some(path) = file.file_path.filter(|path| !path.starts_with('/')) else {
        return Ok(Outcome::MediaGone);
    };
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let response = steps.take(|| {
        let token = format!("bot{}", bot.token);
        let mut segments = vec!["file", token.as_str()];
        segments.extend(path.split('/').filter(|piece| !matches!(*piece, "" | "." | "..")));
        HttpRequest {
            answer: Answer::Blob {
                bytes_max: MEDIA_MAX,
            },
            ..HttpRequest::new(Method::GET, address::join(&bot.base, &segments, &[]))
        }
        .harmless()
    })?;
    Ok(match (response.status, &response.blob) {
        (404 | 410, _) => Outcome::MediaGone,
        (200..300, Some(blob)) => Outcome::Media {
            blob: blob.clone(),
            name: Some(name),
        },
        _ => refused(response),
    })
}

#[derive(Deserialize)]
struct Chat {
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    username: Option<String>,
}

/// The name only: an address of the picture would hold the bot's token.
pub fn profile(bot: &Bot<'_>, peer: &Peer, mut steps: Steps<'_>) -> Ended {
    let chat: Chat = accepted(steps.take(|| bot.get("getChat", &[("chat_id", &peer.handle)]))?)?;
    let name = [chat.first_name, chat.last_name, chat.title].join(" ");
    Ok(Outcome::Profile(Peer {
        display: chat
            .username
            .map_or_else(|| peer.display.clone(), |name| format!("@{name}")),
        name: Some(name.trim().to_owned()).filter(|name| !name.is_empty()),
        ..peer.clone()
    }))
}
