//! The network guard: which hosts, ports and addresses our own requests may touch.
//!
//! Invariants: the address that was checked is the address that is connected to, so a name that
//! changes its answer (DNS rebinding) gains nothing; every redirect is checked again. An outsider
//! chooses media and instance URLs, so without an entry in `allow_private_hosts` nothing inside
//! our network is reachable by them; link-local addresses (cloud metadata) need such an entry
//! even for administrators.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use url::{Host, Url};

/// Ports of web servers; anything else on a host that an outsider chose is a probe.
const PUBLIC_PORTS: &[u16] = &[80, 443, 8080, 8443];
const ADDRESSES_MAX: usize = 8;

/// Who chose the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// An administrator, in the settings of an inbox or provider app.
    Configured,
    /// Anybody: a link in a message, an instance named by a stranger.
    Public,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the URL is malformed")]
    Malformed,
    #[error("only http and https URLs are allowed")]
    Scheme,
    #[error("a URL may not carry a user name or password")]
    Credentials,
    #[error("port {0} is not allowed")]
    Port(u16),
    #[error("{host} is not a public address; add it to allow_private_hosts if that is intended")]
    Private { host: String },
}

/// One entry of `allow_private_hosts`: a host name, an address, or a network as `10.0.0.0/8`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRule {
    Name(String),
    Network { first: IpAddr, bits: u8 },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name, an address or a network")]
pub struct InvalidHostRule(String);

impl FromStr for HostRule {
    type Err = InvalidHostRule;

    fn from_str(text: &str) -> Result<Self, InvalidHostRule> {
        let invalid = || InvalidHostRule(text.to_owned());
        let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
        let (address, bits) = match bare.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| invalid())?)),
            None => (bare, None),
        };
        if let Ok(first) = address.parse::<IpAddr>() {
            let width = if first.is_ipv4() { 32 } else { 128 };
            let bits = bits.unwrap_or(width);
            return if bits <= width {
                Ok(Self::Network { first, bits })
            } else {
                Err(invalid())
            };
        }
        match Host::parse(bare) {
            Ok(Host::Domain(name)) if bits.is_none() => Ok(Self::Name(normal(&name))),
            _ => Err(invalid()),
        }
    }
}

impl HostRule {
    fn covers(&self, name: &str, address: IpAddr) -> bool {
        match *self {
            Self::Name(ref rule) => *rule == normal(name),
            Self::Network { first, bits } => match (first, address) {
                (IpAddr::V4(a), IpAddr::V4(b)) => {
                    let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
                    (a.to_bits() ^ b.to_bits()) & mask == 0
                }
                (IpAddr::V6(a), IpAddr::V6(b)) => {
                    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
                    (a.to_bits() ^ b.to_bits()) & mask == 0
                }
                _ => false,
            },
        }
    }
}

fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[derive(Debug, Clone, Default)]
pub struct GuardConfig {
    /// Hosts inside our own network that may be talked to, on any port.
    pub allow_private_hosts: Vec<HostRule>,
    /// Whether hosts that an administrator of a tenant configured may be loopback or private.
    /// True where tenants own the machine (one box); false where they only rent a place on it.
    pub configured_may_be_private: bool,
}

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard(Arc<GuardConfig>);

impl Guard {
    pub fn new(config: GuardConfig) -> Self {
        Self(Arc::new(config))
    }

    /// Scheme, credentials, port and address literal of a URL. Names are checked when resolved.
    pub fn check(&self, text: &str, trust: Trust) -> Result<Url, Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::Malformed)?;
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let host = url.host().ok_or(Refusal::Malformed)?;
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        let name = host.to_string();
        if let Some(address) = literal
            && !self.permits(&name, address, trust)
        {
            return Err(Refusal::Private { host: name });
        }
        let port = url.port_or_known_default().ok_or(Refusal::Malformed)?;
        let any_port = trust == Trust::Configured || self.is_listed(&name, literal);
        if port == 0 || !(any_port || PUBLIC_PORTS.contains(&port)) {
            return Err(Refusal::Port(port));
        }
        Ok(url)
    }

    fn is_listed(&self, name: &str, address: Option<IpAddr>) -> bool {
        // A name is compared with name rules only; any address stands in for the unknown one.
        let rules = &self.0.allow_private_hosts;
        rules.iter().any(|rule| match (rule, address) {
            (_, Some(address)) => rule.covers(name, address),
            (HostRule::Name(_), None) => rule.covers(name, Ipv4Addr::UNSPECIFIED.into()),
            (HostRule::Network { .. }, None) => false,
        })
    }

    fn permits(&self, name: &str, address: IpAddr, trust: Trust) -> bool {
        let own = trust == Trust::Configured && self.0.configured_may_be_private;
        match reach_of(address) {
            AddressReach::Public => true,
            AddressReach::Private => own || self.is_listed(name, Some(address)),
            AddressReach::LinkLocal => self.is_listed(name, Some(address)),
            AddressReach::Never => false,
        }
    }

    /// The permitted addresses of a host name.
    pub async fn resolve(
        &self,
        name: &str,
        port: u16,
        trust: Trust,
    ) -> io::Result<Vec<SocketAddr>> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::net::lookup_host((bare, port)).await?;
        let permitted: Vec<_> = found
            .filter(|address| self.permits(bare, address.ip(), trust))
            .take(ADDRESSES_MAX)
            .collect();
        if permitted.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                Refusal::Private {
                    host: bare.to_owned(),
                },
            ));
        }
        Ok(permitted)
    }

    /// A connection to one of the permitted addresses.
    pub async fn connect(
        &self,
        name: &str,
        port: u16,
        trust: Trust,
        within: Duration,
    ) -> io::Result<TcpStream> {
        let connecting = async {
            let addresses = self.resolve(name, port, trust).await?;
            let stream = TcpStream::connect(addresses.as_slice()).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        tokio::time::timeout(within, connecting)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// Resolves for the HTTP client, so that it connects to checked addresses only.
pub(super) struct GuardedResolver {
    pub guard: Guard,
    pub trust: Trust,
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardedResolver({:?})", self.trust)
    }
}

impl reqwest::dns::Resolve for GuardedResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let (guard, trust) = (self.guard.clone(), self.trust);
        let resolving = async move {
            let addresses = guard.resolve(name.as_str(), 0, trust).await?;
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        };
        Box::pin(resolving) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
    }
}

/// The refusal inside a client's error, if the guard caused it.
pub fn refusal_in<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Refusal> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        // `io::Error` gives its inner error's source as its own: look inside it first.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(refusal) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(refusal);
        }
        cause = error.source();
    }
    None
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AddressReach {
    Public,
    /// Loopback, private and shared (CGNAT) networks.
    Private,
    /// Includes the metadata service of clouds.
    LinkLocal,
    /// Multicast, reserved, and wrappings of IPv4 that other tools may unwrap.
    Never,
}

fn reach_of(address: IpAddr) -> AddressReach {
    match address {
        IpAddr::V4(v4) => reach_of_v4(v4),
        IpAddr::V6(v6) => reach_of_v6(v6),
    }
}

fn reach_of_v4(address: Ipv4Addr) -> AddressReach {
    match address.octets() {
        [127, ..] | [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => {
            AddressReach::Private
        }
        [169, 254, ..] => AddressReach::LinkLocal,
        // "This network", protocol assignments, documentation, 6to4 relays, benchmarks,
        // multicast, reserved, broadcast.
        [0, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        | [224..=255, ..] => AddressReach::Never,
        _ => AddressReach::Public,
    }
}

fn reach_of_v6(address: Ipv6Addr) -> AddressReach {
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] | [0xfc00..=0xfdff, ..] => AddressReach::Private,
        [0xfe80..=0xfebf, ..] => AddressReach::LinkLocal,
        // Protocol assignments with Teredo, documentation (twice), 6to4.
        [0x2001, 0..=0x01ff, ..]
        | [0x2001, 0x0db8, ..]
        | [0x3fff, 0..=0x0fff, ..]
        | [0x2002, ..] => AddressReach::Never,
        [0x2000..=0x3fff, ..] => AddressReach::Public,
        // Only 2000::/3 is given out; the rest holds IPv4-mapped, NAT64 and multicast.
        _ => AddressReach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(rules: &[&str], own_box: bool) -> Guard {
        Guard::new(GuardConfig {
            allow_private_hosts: rules.iter().map(|r| r.parse().unwrap()).collect(),
            configured_may_be_private: own_box,
        })
    }

    #[test]
    fn nothing_inside_our_network_is_reachable_by_a_strangers_url() {
        let guard = guard(&[], true);
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://0.0.0.0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.0.1/",
            "http://100.64.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://192.0.0.170/",
            "http://198.18.0.1/",
            "http://[::]/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:8.8.8.8]/",
            "http://[::7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001::1]/",
            "http://[2001:db8::1]/",
            "http://[fc00::1]/",
            "http://[fd12:3456::1]/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://１２７.０.０.１/",
        ] {
            let verdict = guard.check(url, Trust::Public);
            assert!(matches!(verdict, Err(Refusal::Private { .. })), "{url}");
        }
    }

    #[test]
    fn schemes_credentials_and_ports_are_limited() {
        let guard = guard(&[], false);
        let check = |url| guard.check(url, Trust::Public).map(|_| ());
        for url in ["file:///etc/passwd", "gopher://example.com/", "data:,x"] {
            assert_eq!(check(url), Err(Refusal::Scheme), "{url}");
        }
        assert_eq!(check("http://u:p@example.com/"), Err(Refusal::Credentials));
        assert_eq!(check("http://example.com:25/"), Err(Refusal::Port(25)));
        assert_eq!(check("http://example.com:0/"), Err(Refusal::Port(0)));
        assert_eq!(check("not a url"), Err(Refusal::Malformed));
        for url in [
            "https://example.com/a?b",
            "http://8.8.8.8:8080/",
            "https://[2606:4700::1]/",
            "https://산울림.example/",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn an_administrator_reaches_the_own_network_only_where_tenants_own_the_machine() {
        let urls = [
            "http://127.0.0.1:3000/",
            "http://10.0.0.5:8008/",
            "http://[::1]:9/",
        ];
        for url in urls {
            assert!(guard(&[], true).check(url, Trust::Configured).is_ok());
            assert!(guard(&[], false).check(url, Trust::Configured).is_err());
        }
        for own_box in [true, false] {
            let metadata = "http://169.254.169.254/";
            assert!(
                guard(&[], own_box)
                    .check(metadata, Trust::Configured)
                    .is_err()
            );
        }
    }

    #[test]
    fn listed_hosts_and_networks_are_reachable_and_their_neighbours_are_not() {
        let guard = guard(&["10.2.0.0/16", "127.0.0.1", "[fd00::5]"], false);
        for (url, open) in [
            ("http://10.2.9.9:5000/", true),
            ("http://10.3.0.1/", false),
            ("http://127.0.0.1:5000/", true),
            ("http://127.0.0.2/", false),
            ("http://[fd00::5]:1234/", true),
            ("http://[fd00::6]/", false),
        ] {
            assert_eq!(guard.check(url, Trust::Public).is_ok(), open, "{url}");
        }
    }

    #[test]
    fn rules_are_understood_or_refused() {
        assert_eq!(
            "Mastodon.Internal.".parse(),
            Ok(HostRule::Name("mastodon.internal".to_owned()))
        );
        assert!("0.0.0.0/0".parse::<HostRule>().is_ok());
        for rule in ["", "10.0.0.0/33", "host/8", "a b", "::1/129"] {
            assert!(rule.parse::<HostRule>().is_err(), "{rule}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_into_our_network_is_refused_unless_listed() {
        let strict = guard(&[], false);
        let refused = strict.resolve("localhost", 80, Trust::Public).await;
        let error = refused.unwrap_err();
        assert!(matches!(refusal_in(&error), Some(Refusal::Private { .. })));
        let listed = guard(&["localhost"], false);
        assert!(listed.resolve("LOCALHOST", 80, Trust::Public).await.is_ok());
    }
}
