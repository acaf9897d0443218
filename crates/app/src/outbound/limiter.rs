//! How fast one account and one peer may be written to. Pure: `now` is an argument.
//!
//! Invariants: an account's sends are spaced by its rate after a burst; who must wait gets an own
//! instant, one per peer, so a peer with a thousand waiting messages does not starve another;
//! an instant given out is kept until it comes. A provider's `Retry-After` moves everyone.
//! The state is per process and small: it is pruned when idle.

use chrono::TimeDelta;
use domain::Time;
use std::collections::HashMap;

/// `burst` sends at once, then one per `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub interval: TimeDelta,
    pub burst: u32,
}

impl Rate {
    pub const fn per_second(count: u32, burst: u32) -> Self {
        let count = if count == 0 { 1 } else { count };
        Self {
            interval: TimeDelta::microseconds(1_000_000 / count as i64),
            burst: if burst == 0 { 1 } else { burst },
        }
    }

    fn tolerance(self) -> TimeDelta {
        let more = i32::try_from(self.burst.saturating_sub(1)).unwrap_or(i32::MAX);
        self.interval.checked_mul(more).unwrap_or(TimeDelta::MAX)
    }
}

impl From<channels::Pace> for Rate {
    fn from(pace: channels::Pace) -> Self {
        Self {
            interval: TimeDelta::from_std(pace.interval).unwrap_or(TimeDelta::MAX),
            burst: pace.burst.max(1),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Now,
    /// Ask again then; the place is kept for a minute.
    At(Time),
}

/// Longest wait that a provider may demand.
const BLOCK_MAX: TimeDelta = TimeDelta::hours(1);
/// A place whose owner does not come is given up after this.
const PLACE_KEPT: TimeDelta = TimeDelta::minutes(1);
const PRUNE_AT: usize = 1024;

/// Generic cell rate: `next` is when the bucket would be full again.
#[derive(Debug, Default)]
struct Account {
    next: Time,
    blocked_until: Option<Time>,
    places: HashMap<String, Time>,
}

#[derive(Debug, Default)]
pub struct Limiter {
    accounts: HashMap<String, Account>,
    peers: HashMap<(String, String), Time>,
}

impl Limiter {
    /// Whether `peer` of `account` may be written to now.
    pub fn admit(
        &mut self,
        account: &str,
        peer: Option<&str>,
        rate: Rate,
        peer_rate: Option<Rate>,
        now: Time,
    ) -> Admission {
        self.prune(now);
        let state = self.accounts.entry(account.to_owned()).or_default();
        if let Some(until) = state.blocked_until.filter(|until| now < *until) {
            return Admission::At(until);
        }
        // The peer's own limit first: waiting for it must not use up the account's turn.
        let peer_limit = peer.zip(peer_rate);
        let peer_key = peer.map(|peer| (account.to_owned(), peer.to_owned()));
        let peer_next = peer_key
            .as_ref()
            .and_then(|key| self.peers.get(key).copied())
            .unwrap_or(now);
        if let Some((_, rate)) = peer_limit {
            let free = peer_next - rate.tolerance();
            if now < free {
                return Admission::At(free);
            }
        }
        if let Admission::At(then) = state.take_turn(peer.unwrap_or_default(), rate, now) {
            return Admission::At(then);
        }
        if let (Some((_, rate)), Some(key)) = (peer_limit, peer_key) {
            self.peers.insert(key, peer_next.max(now) + rate.interval);
        }
        Admission::Now
    }

    /// The provider said "not before": nobody of this account asks it earlier.
    pub fn block(&mut self, account: &str, until: Time, now: Time) {
        let until = until.min(now + BLOCK_MAX);
        let state = self.accounts.entry(account.to_owned()).or_default();
        state.blocked_until = state.blocked_until.max(Some(until));
        // Places before that instant would all come due together: they are given out anew.
        state.places.clear();
        state.next = state.next.max(until);
    }

    fn prune(&mut self, now: Time) {
        if self.accounts.len() >= PRUNE_AT {
            self.accounts.retain(|_, a| {
                a.next > now || !a.places.is_empty() || a.blocked_until.is_some_and(|u| u > now)
            });
        }
        if self.peers.len() >= PRUNE_AT {
            self.peers.retain(|_, next| *next > now);
        }
    }
}

impl Account {
    fn take_turn(&mut self, peer: &str, rate: Rate, now: Time) -> Admission {
        self.places.retain(|_, due| now < *due + PLACE_KEPT);
        if let Some(due) = self.places.get(peer).copied() {
            if now < due {
                return Admission::At(due);
            }
            self.places.remove(peer);
            return Admission::Now;
        }
        let next = self.next.max(now);
        let free = next - rate.tolerance();
        self.next = next + rate.interval;
        if free <= now {
            return Admission::Now;
        }
        self.places.insert(peer.to_owned(), free);
        Admission::At(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Rate = Rate::per_second(10, 2);

    fn at(ms: i64) -> Time {
        domain::clock::from_micros(1_790_000_000_000_000 + ms * 1000)
    }

    fn ask(limiter: &mut Limiter, peer: &str, ms: i64) -> Admission {
        limiter.admit("inbox", Some(peer), TEN, None, at(ms))
    }

    #[test]
    fn a_burst_passes_and_then_sends_are_spaced() {
        let mut limiter = Limiter::default();
        assert_eq!(ask(&mut limiter, "a", 0), Admission::Now);
        assert_eq!(ask(&mut limiter, "a", 0), Admission::Now);
        assert_eq!(ask(&mut limiter, "a", 0), Admission::At(at(100)));
        assert_eq!(ask(&mut limiter, "a", 99), Admission::At(at(100)));
        assert_eq!(ask(&mut limiter, "a", 100), Admission::Now);
        assert_eq!(ask(&mut limiter, "a", 100), Admission::At(at(200)));
    }

    #[test]
    fn one_busy_peer_does_not_starve_another() {
        let mut limiter = Limiter::default();
        while ask(&mut limiter, "busy", 0) == Admission::Now {}
        // However often the busy one asks, it holds one place; the next is the other's.
        for _ in 0..1000 {
            assert_eq!(ask(&mut limiter, "busy", 50), Admission::At(at(100)));
        }
        assert_eq!(ask(&mut limiter, "quiet", 50), Admission::At(at(200)));
        assert_eq!(ask(&mut limiter, "busy", 100), Admission::Now);
        assert_eq!(ask(&mut limiter, "busy", 100), Admission::At(at(300)));
        assert_eq!(ask(&mut limiter, "quiet", 200), Admission::Now);
    }

    #[test]
    fn another_account_is_not_slowed() {
        let mut limiter = Limiter::default();
        while ask(&mut limiter, "a", 0) == Admission::Now {}
        let other = limiter.admit("other", Some("a"), TEN, None, at(0));
        assert_eq!(other, Admission::Now);
    }

    #[test]
    fn waiting_for_a_peers_own_limit_uses_no_turn_of_the_account() {
        let mut limiter = Limiter::default();
        let slow = Some(Rate::per_second(1, 1));
        let mut to = |peer, ms| limiter.admit("inbox", Some(peer), TEN, slow, at(ms));
        assert_eq!(to("a", 0), Admission::Now);
        for _ in 0..100 {
            assert_eq!(to("a", 0), Admission::At(at(1000)));
        }
        assert_eq!(to("b", 0), Admission::Now);
        assert_eq!(to("a", 1000), Admission::Now);
    }

    #[test]
    fn retry_after_holds_everyone_and_spaces_them_again() {
        let mut limiter = Limiter::default();
        while ask(&mut limiter, "a", 0) == Admission::Now {}
        limiter.block("inbox", at(5000), at(0));
        assert_eq!(ask(&mut limiter, "a", 200), Admission::At(at(5000)));
        assert_eq!(ask(&mut limiter, "a", 5000), Admission::Now);
        assert_eq!(ask(&mut limiter, "b", 5000), Admission::Now);
        assert_eq!(ask(&mut limiter, "c", 5000), Admission::At(at(5100)));
    }

    #[test]
    fn an_absurd_retry_after_is_cut_and_an_abandoned_place_is_given_up() {
        let mut limiter = Limiter::default();
        limiter.block("inbox", at(i64::from(u32::MAX)), at(0));
        assert_eq!(ask(&mut limiter, "a", 0), Admission::At(at(3_600_000)));
        let mut limiter = Limiter::default();
        while ask(&mut limiter, "a", 0) == Admission::Now {}
        let later = 100 + PLACE_KEPT.num_milliseconds();
        assert_eq!(ask(&mut limiter, "a", later), Admission::Now);
        assert!(limiter.accounts["inbox"].places.is_empty());
    }

    #[test]
    fn idle_accounts_and_peers_are_forgotten() {
        let mut limiter = Limiter::default();
        for n in 0..3 * PRUNE_AT as i64 {
            let account = format!("inbox {n}");
            limiter.admit(&account, Some("p"), TEN, Some(TEN), at(n * 1000));
        }
        assert!(limiter.accounts.len() <= PRUNE_AT && limiter.peers.len() <= PRUNE_AT);
    }
}
