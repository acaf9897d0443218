//! Posts to the program: `{"type", "timestamp", "account", "data"}`, signed.

use super::MANIFEST;
use crate::action::{
    Action, Answer, Connect, HttpRequest, Outcome, Outgoing, Response, Step, Target, Upload,
};
use crate::address;
use crate::events::signed;
use crate::inbound::Peer;
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

type Ended = Result<Outcome, Stop>;

/// The longest text of the program that is repeated to an agent.
const WORDS_MAX: usize = 300;

pub fn perform(inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
    let typed = inbox.base_url.as_deref().or(inbox.setting("delivery_url"));
    let (Some(url), Some(_), Some(account)) = (
        typed.and_then(address::base),
        inbox.secrets.get("signing_secret"),
        inbox.setting("account"),
    ) else {
        return Step::Done(Outcome::Rejected {
            reason: "Enter a name, a signing secret and a valid https address.".into(),
            code: "not_configured".into(),
        });
    };
    let program = Program {
        inbox,
        url,
        account,
    };
    match act(&program, action, Steps::new(so_far)) {
        Ok(outcome) => Step::Done(outcome),
        Err(stop) => *stop,
    }
}

struct Program<'a> {
    inbox: &'a Inbox,
    url: Url,
    account: &'a str,
}

impl Program<'_> {
    /// The same thing told again has the same id.
    fn post(&self, kind: &str, id: &str, data: &Value) -> HttpRequest {
        let body = json!({
            "type": kind,
            "timestamp": self.inbox.now.to_rfc3339(),
            "account": self.account,
            "data": data,
        });
        signed(self.inbox, Method::POST, &self.url, id, Some(&body))
    }
}

fn act(program: &Program<'_>, action: &Action, mut steps: Steps<'_>) -> Ended {
    let mut tell = |kind: &str, data: Value| -> Ended {
        let response = steps.take(|| program.post(kind, "", &data).harmless())?;
        Ok(done(response))
    };
    match action {
        Action::Connect(Connect::Form) | Action::Check | Action::Refresh => {
            match tell("ping", json!({}))? {
                Outcome::Ok => Ok(Outcome::Connected {
                    account: program.account.to_owned(),
                    address: program.url.host_str().unwrap_or_default().to_owned(),
                    settings: Map::new(),
                    secrets: Secrets::default(),
                }),
                refusal => Ok(refusal),
            }
        }
        Action::Send(out) => send(program, out, steps),
        Action::Edit {
            target,
            peer,
            thread,
            text,
        } => tell("message.edited", about(target, Some((peer, thread)), &json!({ "text": text }))),
        Action::Delete { target } => tell("message.deleted", about(target, None, &json!({}))),
        Action::React {
            target,
            emoji,
            removed,
        } => {
            let data = json!({ "emoji": emoji, "removed": removed });
            tell("message.reaction", about(target, None, &data))
        }
        Action::MarkRead {
            peer,
            thread,
            target,
        } => tell("message.read", about(target, Some((peer, thread)), &json!({}))),
        Action::Typing { peer, thread, on } => {
            tell("typing", json!({ "to": peer.handle, "thread": thread, "on": on }))
        }
        Action::FetchMedia { media } => fetch(media, steps),
        Action::Subscribe | Action::Disconnect => Ok(Outcome::Ok),
        Action::Connect(_)
        | Action::LookUp(_)
        | Action::FetchProfile { .. }
        | Action::Poll { .. }
        | Action::Backfill { .. } => Ok(Outcome::Unsupported),
    }
}

fn about(target: &Target, place: Option<(&Peer, &String)>, more: &Value) -> Value {
    let mut data = more.clone();
    data["message_id"] = target.external_id.as_str().into();
    if let Some((peer, thread)) = place {
        data["to"] = peer.handle.as_str().into();
        data["thread"] = thread.as_str().into();
    }
    data
}

fn file(upload: &Upload) -> Option<Value> {
    Some(json!({
        "url": upload.link.as_ref()?,
        "name": upload.name,
        "type": upload.media_type,
        "size": upload.size_bytes,
        "description": upload.description,
    }))
}

fn send(program: &Program<'_>, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    let files: Option<Vec<_>> = out.attachments.iter().map(file).collect();
    let Some(files) = files else {
        return Ok(Outcome::rejected(
            "Files can be sent only when this installation has a public address.",
            "no_link",
        ));
    };
    let quoted = out.answering.as_ref().filter(|_| out.quoting);
    let data = json!({
        "client_id": out.client_id,
        "to": out.peer.handle,
        "thread": out.thread,
        "text": out.text,
        "attachments": files,
        "reply_to": quoted.map(|target| &target.external_id),
    });
    let response = steps.take(|| {
        program
            .post("message.created", &out.client_id, &data)
            .keyed(&out.client_id)
    })?;
    if !response.is_success() {
        return Ok(refused(response));
    }
    // A program that gives no ids of its own calls the message as we do.
    let told: Option<Told> = response.json();
    Ok(Outcome::Sent {
        external_id: told
            .map(|told| told.id)
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| out.client_id.clone()),
        extra: Value::Null,
    })
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    id: String,
}

/// The program named any address it likes: public ones only, and without a word of ours.
fn fetch(media: &str, mut steps: Steps<'_>) -> Ended {
    let Some((url, reach)) = address::reach(None, media) else {
        return Ok(Outcome::MediaGone);
    };
    let response = steps.take(|| HttpRequest {
        reach,
        answer: Answer::Blob {
            bytes_max: MANIFEST.limits.attachment_bytes_max,
        },
        ..HttpRequest::new(Method::GET, url)
    })?;
    Ok(match (response.status, &response.blob) {
        (404 | 410, _) => Outcome::MediaGone,
        (200..300, Some(blob)) => Outcome::Media {
            blob: blob.clone(),
            name: None,
        },
        _ => refused(response),
    })
}

fn done(response: &Response) -> Outcome {
    if response.is_success() {
        Outcome::Ok
    } else {
        refused(response)
    }
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    code: String,
}

fn refused(response: &Response) -> Outcome {
    let refusal: Refusal = response.json().unwrap_or_default();
    let said: String = refusal.error.chars().take(WORDS_MAX).collect();
    let status = response.status;
    match status {
        401 => Outcome::CredentialsDied {
            reason: "Your program refuses our signature. Enter the same secret on both sides."
                .into(),
        },
        408 | 425 | 429 | 500.. => Outcome::Retry {
            after: response.retry_after(),
            reason: format!("Your program answered {status}."),
        },
        _ => Outcome::Rejected {
            reason: if said.is_empty() {
                format!("Your program answered {status}.")
            } else {
                said
            },
            code: if refusal.code.is_empty() {
                status.to_string()
            } else {
                refusal.code
            },
        },
    }
}
