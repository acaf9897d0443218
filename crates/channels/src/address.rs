//! Addresses of providers: joining paths safely and telling configured hosts from foreign ones.

use crate::action::Reach;
use url::{Host, Url};

/// The base address of a provider as a person typed it: `example.social` means `https`.
/// Credentials, queries and anything but http(s) with a host are refused.
pub fn base(typed: &str) -> Option<Url> {
    let typed = typed.trim();
    let with_scheme = if typed.contains("://") {
        typed.to_owned()
    } else {
        format!("https://{typed}")
    };
    let mut url = Url::parse(&with_scheme).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain || url.host_str().is_none() {
        return None;
    }
    // Plain http would show tokens to the network; only a machine's own or a private peer may.
    if url.scheme() == "http" && !is_near(&url) {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".test"),
        None => false,
    }
}

/// `base` + `segments` (each escaped) + `query`.
pub fn join(base: &Url, segments: &[&str], query: &[(&str, &str)]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        for segment in segments {
            path.push(segment);
        }
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// An address that a message named: how far the network guard may let it go.
/// `None` when it is no http(s) address at all.
pub fn reach(base: Option<&Url>, named: &str) -> Option<(Url, Reach)> {
    let url = Url::parse(named).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return None;
    }
    let same = base.is_some_and(|base| base.origin() == url.origin());
    Some((
        url,
        if same {
            Reach::Configured
        } else {
            Reach::Public
        },
    ))
}
