//! Numbers that look random and come again from the same seed, which every failure names.

use std::time::Duration;

/// The variable that repeats a run.
pub const VARIABLE: &str = "MEARI_SEED";

/// SplitMix64 (public domain, Vigna): small, and good enough to choose moments.
#[derive(Debug, Clone)]
pub struct Seed {
    /// To be printed.
    pub start: u64,
    state: u64,
}

impl Seed {
    pub const fn of(start: u64) -> Self {
        Self {
            start,
            state: start,
        }
    }

    /// The one of [`VARIABLE`], or a new one for each run of the tests.
    pub fn of_this_run() -> anyhow::Result<Self> {
        let start = match std::env::var(VARIABLE) {
            Ok(text) => text.parse()?,
            Err(_) => crate::webhook::now_seconds()?.unsigned_abs(),
        };
        Ok(Self::of(start))
    }

    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of 0 … `end` - 1; 0 when there is nothing to choose from.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or(0)
    }

    pub fn moment_below(&mut self, end: Duration) -> Duration {
        let micros = u64::try_from(end.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros))
    }
}
