//! One message out, and finding it again when the answer to its send was lost.

use super::connect::accepted;
use super::errors::words;
use super::{Account, Ended};
use crate::action::{Outcome, Outgoing};
use crate::steps::Steps;
use crate::view::Inbox;
use chrono::{DateTime, Duration};
use serde::Deserialize;
use serde_json::json;

/// Messages to one person that a look-up reads.
const LOOK_UP_COUNT: &str = "100";
/// How long before now a lost send may have been made. Longer than a message is tried.
const LOOK_UP_SPAN: Duration = Duration::minutes(30);

#[derive(Deserialize)]
struct Message {
    sid: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
    #[serde(default)]
    num_segments: Option<String>,
    #[serde(default)]
    error_code: Option<u32>,
}

fn sent(message: Message) -> Outcome {
    match message.error_code {
        Some(code) => Outcome::Rejected {
            reason: words(code),
            code: code.to_string(),
        },
        None => Outcome::Sent {
            external_id: message.sid,
            extra: json!({ "segments": message.num_segments }),
        },
    }
}

pub fn send(inbox: &Inbox, account: &Account<'_>, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    let mut fields = vec![
        ("To".to_owned(), out.peer.handle.clone()),
        ("From".to_owned(), account.number.to_owned()),
    ];
    if !out.text.trim().is_empty() {
        fields.push(("Body".to_owned(), out.text.clone()));
    }
    for file in &out.attachments {
        // Twilio fetches files itself; it takes none from us.
        let Some(link) = &file.link else {
            return Ok(Outcome::Rejected {
                reason: "Files can be sent only when this installation has a public address."
                    .into(),
                code: "no_link".into(),
            });
        };
        fields.push(("MediaUrl".to_owned(), link.clone()));
    }
    if let Some(url) = &inbox.webhook_url {
        fields.push(("StatusCallback".to_owned(), url.clone()));
    }
    let url = account.url(&[account.sid, "Messages.json"], &[]);
    let response = steps.take(|| account.post(url, fields))?;
    if response.is_success() && response.json::<Message>().is_none() {
        return Ok(Outcome::Unknown {
            reason: "Twilio accepted the message but gave it no number.".into(),
        });
    }
    Ok(sent(accepted(response)?))
}

/// The newest message to this person with these words, sent by us just now. Twilio keeps no name
/// of ours: an equal text a moment ago counts as this one, which is the safe side to err on.
pub fn look_up(
    inbox: &Inbox,
    account: &Account<'_>,
    out: &Outgoing,
    mut steps: Steps<'_>,
) -> Ended {
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        messages: Vec<Message>,
    }
    let earliest = inbox.now - LOOK_UP_SPAN;
    let query = [
        ("To", out.peer.handle.as_str()),
        ("From", account.number),
        ("PageSize", LOOK_UP_COUNT),
    ];
    let url = account.url(&[account.sid, "Messages.json"], &query);
    let list: List = accepted(steps.take(|| account.get(url))?)?;
    let is_it = |message: &Message| {
        let ours = message
            .direction
            .as_deref()
            .is_some_and(|direction| direction.starts_with("outbound"));
        let fresh = message
            .date_created
            .as_deref()
            .and_then(|at| DateTime::parse_from_rfc2822(at).ok())
            .is_none_or(|at| at >= earliest);
        ours && fresh && message.body.as_deref().unwrap_or_default().trim() == out.text.trim()
    };
    Ok(match list.messages.into_iter().find(is_it) {
        Some(message) => Outcome::Sent {
            external_id: message.sid,
            extra: json!({ "segments": message.num_segments }),
        },
        None => Outcome::NotSent,
    })
}
