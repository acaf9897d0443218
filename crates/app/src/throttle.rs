//! Sign-in throttle: guesses get slower the more of them fail.
//!
//! Invariants: an attempt is counted as failed before its password is looked at, so parallel
//! guesses cannot outrun the count; success takes the count back. Known and unknown addresses
//! are counted alike. Keys are hashes: the table names nobody.

use crate::secrets::hex;
use crate::{App, Error, Result};
use chrono::TimeDelta;
use domain::Time;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv6Addr};
use store::Tx;
use store::queries::sign_in_attempts::{self, Attempts};

/// Failures nobody waits for.
const FREE_PER_ADDRESS: i64 = 5;
/// One office or mobile carrier shares an address, so a peer has more of them.
const FREE_PER_PEER: i64 = 50;
const BLOCK_MAX: TimeDelta = TimeDelta::minutes(15);
/// Failures older than this are forgotten.
const MEMORY: TimeDelta = TimeDelta::hours(12);

/// What is guessed; each has its own count, so that resets do not block sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    SignIn,
    Reset,
}

/// The keys an attempt is counted under.
pub(crate) struct Keys {
    address: String,
    peer: Option<String>,
}

impl Keys {
    pub(crate) fn new(purpose: Purpose, email: &str, ip: Option<IpAddr>) -> Self {
        Self {
            address: key(purpose, "address", email),
            peer: ip.map(|ip| key(purpose, "peer", &network(ip))),
        }
    }

    /// Addresses before peers: every attempt locks in this order, so none waits in a circle.
    fn all(&self) -> impl Iterator<Item = (&str, i64)> {
        std::iter::once((self.address.as_str(), FREE_PER_ADDRESS))
            .chain(self.peer.as_deref().map(|peer| (peer, FREE_PER_PEER)))
    }
}

fn key(purpose: Purpose, kind: &str, value: &str) -> String {
    let digest = Sha256::digest(format!("{purpose:?}|{kind}|{value}"));
    hex(&digest[..16])
}

/// An IPv6 customer holds a /64; single addresses cost nothing there.
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_string()
        }
    }
}

/// 1 s after the first failure that is not free, then twice as long each time.
fn block(failures: i64, free: i64) -> Option<TimeDelta> {
    let beyond = u32::try_from(failures - free).ok()?;
    // Beyond this many doublings the longest block is reached anyway.
    let wait = TimeDelta::seconds(1 << beyond.min(16));
    Some(wait.min(BLOCK_MAX))
}

/// Counts an attempt, or refuses it while a block lasts. A refused attempt does not lengthen it.
pub(crate) async fn admit(app: &App, keys: &Keys) -> Result<()> {
    let tx = app.store.begin_global("throttle.admit").await?;
    admit_in(&tx, keys).await?;
    app.commit(tx, ()).await
}

pub(crate) async fn admit_in(tx: &Tx, keys: &Keys) -> Result<()> {
    let mut rows = Vec::new();
    for (key, free) in keys.all() {
        rows.push((key, free, sign_in_attempts::lock(tx, key).await?));
    }
    let now = tx.now();
    let blocked_until = rows
        .iter()
        .filter_map(|(_, _, row)| row.blocked_until)
        .max();
    if let Some(until) = blocked_until.filter(|until| *until > now) {
        return Err(Error::RateLimited {
            after: (until - now).to_std().unwrap_or_default(),
        });
    }
    for (key, free, row) in rows {
        let failures = remembered(&row, now) + 1;
        let row = Attempts {
            failures,
            blocked_until: block(failures, free).map(|wait| now + wait),
            updated_at: now,
        };
        sign_in_attempts::put(tx, key, &row).await?;
    }
    Ok(())
}

fn remembered(row: &Attempts, now: Time) -> i64 {
    if now - row.updated_at > MEMORY {
        0
    } else {
        row.failures
    }
}

/// The attempt was right. The address starts anew; the peer gets only this one attempt back,
/// or an attacker could reset its count by signing in to an account of its own.
pub(crate) async fn succeeded(tx: &Tx, keys: &Keys) -> Result<()> {
    sign_in_attempts::clear(tx, &keys.address).await?;
    if let Some(peer) = &keys.peer {
        let row = sign_in_attempts::lock(tx, peer).await?;
        let failures = (row.failures - 1).max(0);
        let row = Attempts {
            failures,
            blocked_until: row.blocked_until.filter(|_| failures >= FREE_PER_PEER),
            updated_at: tx.now(),
        };
        sign_in_attempts::put(tx, peer, &row).await?;
    }
    Ok(())
}

/// Forgets rows that no longer count; called now and then by the node's housekeeping.
pub async fn forget_old(app: &App) -> Result<u64> {
    let tx = app.store.begin_global("throttle.forget_old").await?;
    let gone = sign_in_attempts::delete_before(&tx, tx.now() - MEMORY, 200).await?;
    app.commit(tx, gone).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_double_up_to_a_quarter_of_an_hour() {
        let seconds = |n| block(n, FREE_PER_ADDRESS).map(|d| d.num_seconds());
        assert_eq!(seconds(4), None);
        assert_eq!(seconds(5), Some(1));
        assert_eq!(seconds(8), Some(8));
        assert_eq!(seconds(16), Some(900));
        assert_eq!(seconds(4000), Some(900));
    }

    #[test]
    fn all_addresses_of_one_ipv6_customer_are_one_peer() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.9"), of("203.0.113.9"));
    }
}
