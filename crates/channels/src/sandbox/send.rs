//! Requests to the simulator: signed JSON under `base_url`.

use crate::Channel;
use crate::action::{
    Action, Answer, Blob, Body, Connect, HttpRequest, Outcome, Outgoing, Response, Step,
};
use crate::address;
use crate::inbound::Peer;
use crate::manifest::SendKind;
use crate::events::signed;
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use http::Method;
use serde_json::{Map, Value, json};
use url::Url;

type Ended = Result<Outcome, Stop>;

pub fn perform(inbox: &Inbox, action: &Action, so_far: &[Response]) -> Step<Outcome> {
    let typed = inbox.base_url.as_deref().or(inbox.setting("base_url"));
    let base = match typed.map(address::base) {
        None => return Step::Done(swallow(inbox, action)),
        Some(None) => {
            return Step::Done(Outcome::Rejected {
                reason: "The address of the simulator is not a valid https address.".into(),
                code: "bad_base_url".into(),
            });
        }
        Some(Some(base)) => base,
    };
    let steps = Steps::new(so_far);
    match act(inbox, &base, action, steps) {
        Ok(outcome) => Step::Done(outcome),
        Err(stop) => *stop,
    }
}

/// Without a simulator everything succeeds at once.
fn swallow(inbox: &Inbox, action: &Action) -> Outcome {
    match action {
        Action::Send(out) | Action::LookUp(out) => Outcome::Sent {
            external_id: format!("sandbox-{}", out.client_id),
            extra: Value::Null,
        },
        Action::Connect(Connect::Form) | Action::Check | Action::Refresh => connected(inbox, None),
        Action::Subscribe
        | Action::Disconnect
        | Action::Edit { .. }
        | Action::Delete { .. }
        | Action::React { .. }
        | Action::Typing { .. }
        | Action::MarkRead { .. } => Outcome::Ok,
        Action::FetchProfile { peer } => Outcome::Profile(peer.clone()),
        Action::FetchMedia { .. } => Outcome::MediaGone,
        Action::Connect(_) | Action::Poll { .. } | Action::Backfill { .. } => Outcome::Unsupported,
    }
}

fn connected(inbox: &Inbox, answer: Option<&Value>) -> Outcome {
    let told = |key: &str| answer.and_then(|a| a.get(key)).and_then(Value::as_str);
    let Some(account) = told("account").or(inbox.setting("account")) else {
        return Outcome::Rejected {
            reason: "Give the account a name.".into(),
            code: "account_missing".into(),
        };
    };
    Outcome::Connected {
        account: account.to_owned(),
        address: told("address").unwrap_or(account).to_owned(),
        settings: Map::new(),
        secrets: Secrets::default(),
    }
}

fn act(inbox: &Inbox, base: &Url, action: &Action, mut steps: Steps<'_>) -> Ended {
    let to = |segments: &[&str]| address::join(base, segments, &[]);
    let simple = |steps: &mut Steps<'_>, method: Method, url: Url, body: Value| -> Ended {
        done(steps.take(|| signed(inbox, method, &url, "", Some(&body)))?)
    };
    match action {
        Action::Connect(Connect::Form) | Action::Check | Action::Refresh => {
            let url = to(&["account"]);
            let answer = accepted(steps.take(|| signed(inbox, Method::GET, &url, "", None))?)?;
            Ok(connected(inbox, Some(&answer)))
        }
        Action::Send(out) => send(inbox, base, out, steps),
        Action::LookUp(out) => {
            let url = address::join(base, &["messages"], &[("client_id", &out.client_id)]);
            let response = steps.take(|| signed(inbox, Method::GET, &url, "", None))?;
            match response.status {
                404 => Ok(Outcome::NotSent),
                _ => sent(&accepted(response)?),
            }
        }
        Action::Edit { target, text, .. } => {
            let url = to(&["messages", &target.external_id]);
            simple(&mut steps, Method::PATCH, url, json!({ "text": text }))
        }
        Action::Delete { target } => {
            let url = to(&["messages", &target.external_id]);
            done(steps.take(|| signed(inbox, Method::DELETE, &url, "", None))?)
        }
        Action::React {
            target,
            emoji,
            removed,
        } => {
            let url = to(&["messages", &target.external_id, "reactions"]);
            let body = json!({ "emoji": emoji, "removed": removed });
            simple(&mut steps, Method::POST, url, body)
        }
        Action::Typing { peer, thread, on } => {
            let body = json!({ "to": peer.handle, "thread": thread, "on": on });
            simple(&mut steps, Method::POST, to(&["typing"]), body)
        }
        Action::MarkRead {
            peer,
            thread,
            target,
        } => {
            let body =
                json!({ "to": peer.handle, "thread": thread, "message_id": target.external_id });
            simple(&mut steps, Method::POST, to(&["read"]), body)
        }
        Action::FetchProfile { peer } => profile(inbox, base, peer, steps),
        Action::FetchMedia { media } => fetch(base, media, steps),
        Action::Subscribe | Action::Disconnect => Ok(Outcome::Ok),
        Action::Connect(_) | Action::Poll { .. } | Action::Backfill { .. } => {
            Ok(Outcome::Unsupported)
        }
    }
}

fn send(inbox: &Inbox, base: &Url, out: &Outgoing, mut steps: Steps<'_>) -> Ended {
    let mut files = Vec::new();
    for file in &out.attachments {
        let url = address::join(base, &["media"], &[("name", &file.name)]);
        let response = steps.take(|| {
            let body = Body::Blob {
                content_type: file.media_type.clone(),
                blob: file.blob.clone(),
            };
            signed(inbox, Method::POST, &url, &file.blob, None)
                .body(body)
                .harmless()
        })?;
        let answer = accepted(response)?;
        files.push(json!({ "id": answer.get("id"), "description": file.description }));
    }
    let body = json!({
        "account": inbox.account,
        "client_id": out.client_id,
        "to": out.peer.handle,
        "thread": out.thread,
        "text": out.text,
        "attachments": files,
        "reply_to": out.answering.as_ref().filter(|_| out.quoting).map(|t| &t.external_id),
    });
    let url = address::join(base, &["messages"], &[]);
    let response = steps.take(|| {
        let mut request = signed(inbox, Method::POST, &url, &out.client_id, Some(&body));
        if super::CHANNEL.send_kind(inbox) == SendKind::Idempotent {
            request = request
                .keyed(&out.client_id)
                .header("idempotency-key", &out.client_id);
        }
        request
    })?;
    sent(&accepted(response)?)
}

fn sent(answer: &Value) -> Ended {
    match answer.get("id").and_then(Value::as_str) {
        Some(id) => Ok(Outcome::Sent {
            external_id: id.to_owned(),
            extra: Value::Null,
        }),
        None => Ok(Outcome::Unknown {
            reason: "The simulator accepted the message but gave it no id.".into(),
        }),
    }
}

fn profile(inbox: &Inbox, base: &Url, peer: &Peer, mut steps: Steps<'_>) -> Ended {
    let url = address::join(base, &["people", &peer.handle], &[]);
    let answer = accepted(steps.take(|| signed(inbox, Method::GET, &url, "", None))?)?;
    let told = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Outcome::Profile(Peer {
        display: told("handle").unwrap_or_else(|| peer.display.clone()),
        name: told("name").or_else(|| peer.name.clone()),
        avatar: told("avatar"),
        locale: told("locale"),
        ..peer.clone()
    }))
}

fn fetch(base: &Url, media: &str, mut steps: Steps<'_>) -> Ended {
    let Some((url, reach)) = address::reach(Some(base), media) else {
        return Ok(Outcome::MediaGone);
    };
    let response = steps.take(|| HttpRequest {
        reach,
        answer: Answer::Blob {
            bytes_max: super::LIMITS.attachment_bytes_max,
        },
        ..HttpRequest::new(Method::GET, url.as_str())
    })?;
    match (response.status, &response.blob) {
        (404 | 410, _) => Ok(Outcome::MediaGone),
        (200..300, Some(blob)) => Ok(Outcome::Media {
            blob: Blob::clone(blob),
            name: None,
        }),
        _ => Ok(refused(response)),
    }
}

fn done(response: &Response) -> Ended {
    if response.is_success() {
        Ok(Outcome::Ok)
    } else {
        Ok(refused(response))
    }
}

/// The JSON of a success; everything else ends the action.
fn accepted(response: &Response) -> Result<Value, Stop> {
    if response.is_success() {
        Ok(response.json().unwrap_or_default())
    } else {
        Err(Box::new(Step::Done(refused(response))))
    }
}

fn refused(response: &Response) -> Outcome {
    let answer: Value = response.json().unwrap_or_default();
    let told = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
    match response.status {
        401 => Outcome::CredentialsDied {
            reason: "The simulator refuses the signing secret. Enter it again.".into(),
        },
        408 | 425 | 429 | 500.. => Outcome::Retry {
            after: response.retry_after(),
            reason: format!("The simulator answered {}.", response.status),
        },
        status => Outcome::Rejected {
            reason: told("error").unwrap_or_else(|| format!("The simulator answered {status}.")),
            code: told("code").unwrap_or_else(|| status.to_string()),
        },
    }
}
