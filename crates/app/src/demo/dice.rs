//! Chance that repeats: every throw is a function of the seed and of what it is about, never of
//! the order in which things happen to run.

use sha2::{Digest, Sha256};

#[derive(Debug, Clone, Copy)]
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Bits that belong to `what` about `whom`.
    pub fn bits(self, what: &str, whom: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        hash.update(what.as_bytes());
        hash.update([0]);
        hash.update(whom.as_bytes());
        let digest = hash.finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }

    /// True in `percent` of all cases.
    pub fn falls(self, percent: u64, what: &str, whom: &str) -> bool {
        self.bits(what, whom) % 100 < percent
    }

    /// From `least` to `most`, both included.
    pub fn between(self, least: i64, most: i64, what: &str, whom: &str) -> i64 {
        let width = u64::try_from(most - least + 1).unwrap_or(1).max(1);
        least + i64::try_from(self.bits(what, whom) % width).unwrap_or(0)
    }

    pub fn pick<'a, T>(self, list: &'a [T], what: &str, whom: &str) -> Option<&'a T> {
        let count = u64::try_from(list.len()).ok()?;
        let index = self.bits(what, whom).checked_rem(count)?;
        list.get(usize::try_from(index).ok()?)
    }
}
