//! Typed, prefixed, sortable identifiers: `tkt_01jd…` is a UUIDv7 in lower-case Crockford base 32.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED_LEN: usize = 26;

/// The text was not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id (expected {prefix}_ and 26 characters)")]
pub struct InvalidId {
    pub kind: &'static str,
    pub prefix: &'static str,
}

fn encode(id: Uuid) -> String {
    let n = id.as_u128();
    (0..ENCODED_LEN)
        .map(|i| {
            let shift = 5 * (ENCODED_LEN - 1 - i);
            ALPHABET[((n >> shift) & 31) as usize] as char
        })
        .collect()
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // 26 characters carry 130 bits; the first may only use the lowest three.
    if bytes.len() != ENCODED_LEN || !matches!(bytes[0], b'0'..=b'7') {
        return None;
    }
    let mut n: u128 = 0;
    for b in bytes {
        let digit = ALPHABET.iter().position(|a| a == b)?;
        n = (n << 5) | digit as u128;
    }
    Some(Uuid::from_u128(n))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// A new id whose order follows `now`. Ids made in one process are strictly
            /// increasing, also within a millisecond.
            pub fn new(now: crate::Time) -> Self {
                Self(next_uuid(now))
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(InvalidId { kind: stringify!($name), prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    TenantId = "tnt";
    UserId = "usr";
    MembershipId = "mbr";
    InvitationId = "inv";
    /// A signed-in browser or device of a user.
    SessionId = "ses";
    ApiTokenId = "tok";
    ProviderAppId = "app";
    InboxId = "inb";
    ContactId = "con";
    IdentityId = "idn";
    ConversationId = "cnv";
    MessageId = "msg";
    AttachmentId = "att";
    CallId = "cal";
    LegId = "leg";
    TicketId = "tkt";
    QueueId = "que";
    SkillId = "skl";
    TeamId = "tea";
    WorkItemId = "itm";
    OfferId = "off";
    JobId = "job";
    DeliveryId = "dlv";
    AuditId = "aud";
    NodeId = "nod";
    SecretId = "sec";
    ConnectionId = "cnx";
}

/// UUIDv7 with a 12-bit counter in `rand_a`, kept monotone per process.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes ids; only the random bits are taken, the time is the caller's"
)]
fn next_uuid(now: crate::Time) -> Uuid {
    use std::sync::Mutex;
    static LAST: Mutex<(u64, u16)> = Mutex::new((0, 0));
    let wall = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    let (millis, counter) = {
        let mut last = LAST
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Never back: transactions fix their `now` when they begin and so interleave, and a
        // clock may stand still or be set back. A full counter borrows the next millisecond.
        *last = match *last {
            (ms, _) if wall > ms => (wall, 0),
            (ms, n) if n < 0xfff => (ms, n + 1),
            (ms, _) => (ms + 1, 0),
        };
        *last
    };
    let random = Uuid::now_v7().as_u128() & ((1 << 62) - 1);
    let value = (u128::from(millis & 0xffff_ffff_ffff) << 80)
        | (0x7 << 76)
        | (u128::from(counter) << 64)
        | (0b10 << 62)
        | random;
    Uuid::from_u128(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_form_round_trips_and_sorts_like_the_value(a: u128, b: u128) {
            let (x, y) = (TicketId(Uuid::from_u128(a)), TicketId(Uuid::from_u128(b)));
            prop_assert_eq!(x.to_string().parse::<TicketId>(), Ok(x));
            prop_assert_eq!(x.cmp(&y), x.to_string().cmp(&y.to_string()));
        }

        #[test]
        fn garbage_is_refused_without_panic(text: String) {
            let _ = text.parse::<TicketId>();
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let ticket = TicketId::new(crate::Time::default());
        assert!(ticket.to_string().parse::<ContactId>().is_err());
    }

    #[test]
    fn ids_of_interleaved_transactions_keep_the_order_in_which_they_were_made() {
        let early = crate::Time::default();
        let late = early + chrono::Duration::milliseconds(1);
        let ids: Vec<_> = (0..1000)
            .flat_map(|_| [JobId::new(late), JobId::new(early)])
            .collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn ids_made_within_one_millisecond_keep_their_order() {
        let now = crate::Time::default();
        let ids: Vec<_> = (0..5000).map(|_| MessageId::new(now)).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(ids.len(), sorted.len());
    }
}
