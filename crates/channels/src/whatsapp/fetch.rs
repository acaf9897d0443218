//! Files lie at Meta under an id; the id gives an address that lives for minutes.

use super::connect::accepted;
use super::errors::refused;
use super::{Ended, Graph};
use crate::action::{Answer, HttpRequest, Outcome};
use crate::address;
use crate::steps::Steps;
use http::Method;
use serde::Deserialize;
use url::Url;

const MEDIA_MAX: u64 = 100 * 1024 * 1024;
/// Hosts of Meta that may see our token.
const HOSTS: [&str; 3] = ["fbsbx.com", "facebook.com", "whatsapp.net"];

#[derive(Deserialize)]
struct Found {
    url: String,
}

fn is_metas(base: &Url, url: &Url) -> bool {
    let known = |host: &str| {
        HOSTS.iter().any(|known| {
            host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    };
    url.origin() == base.origin() || url.scheme() == "https" && url.host_str().is_some_and(known)
}

pub fn media(graph: &Graph<'_>, media: &str, mut steps: Steps<'_>) -> Ended {
    let found = steps.take(|| graph.get(&[media], &[("phone_number_id", graph.number)]))?;
    // Meta keeps files of customers for a week, then denies that there ever was one.
    if matches!(found.status, 400 | 404 | 410)
        && matches!(refused(found), Outcome::Rejected { code, .. } if ["100", "33", "404", "410"].contains(&code.as_str()))
    {
        return Ok(Outcome::MediaGone);
    }
    let found: Found = accepted(found)?;
    let Some((url, reach)) = address::reach(Some(&graph.base), &found.url) else {
        return Ok(Outcome::MediaGone);
    };
    if !is_metas(&graph.base, &url) {
        return Ok(Outcome::Rejected {
            reason: "Meta's answer names a host that is not Meta's.".into(),
            code: "foreign_host".into(),
        });
    }
    let response = steps.take(|| HttpRequest {
        reach,
        answer: Answer::Blob {
            bytes_max: MEDIA_MAX,
        },
        ..HttpRequest::new(Method::GET, url)
            .header("authorization", format!("Bearer {}", graph.token))
    })?;
    Ok(match (response.status, &response.blob) {
        // The address was too old: the next attempt asks for a new one.
        (401 | 403 | 404 | 410, _) => Outcome::Retry {
            after: None,
            reason: "The file's address at Meta has expired.".into(),
        },
        (200..300, Some(blob)) => Outcome::Media {
            blob: blob.clone(),
            name: None,
        },
        _ => refused(response),
    })
}
