//! Seeded randomness: one stream for each purpose, so that a change of staff does not change when
//! customers come or how long they stay.

use crate::rank::mix;

/// What is drawn from a stream of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Arrivals(usize),
    Patience,
    Handling,
    WrapUp,
    Answers,
}

impl Purpose {
    fn number(self) -> u64 {
        match self {
            Self::Patience => 1,
            Self::Handling => 2,
            Self::WrapUp => 3,
            Self::Answers => 4,
            Self::Arrivals(class) => 16 + class as u64,
        }
    }
}

/// SplitMix64: small, fast, and the same on every machine.
#[derive(Debug, Clone)]
pub(super) struct Stream(u64);

impl Stream {
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self(mix(seed ^ mix(purpose.number())))
    }

    /// Uniform in (0, 1].
    pub fn unit(&mut self) -> f64 {
        let drawn = mix(self.0) >> 11;
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let drawn = (drawn + 1) as f64;
        drawn / (1_u64 << 53) as f64
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }

    fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// A law of times, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    Exponential { mean: f64 },
    Fixed(f64),
    Lognormal { mean: f64, cv: f64 },
}

impl Law {
    pub const fn mean_s(&self) -> f64 {
        match self {
            Self::Exponential { mean } | Self::Fixed(mean) | Self::Lognormal { mean, .. } => *mean,
        }
    }

    pub(super) fn draw_s(&self, stream: &mut Stream) -> f64 {
        match self {
            Self::Exponential { mean } => mean * stream.exponential(),
            Self::Fixed(s) => *s,
            Self::Lognormal { mean, cv } => {
                let variance = (1.0 + cv * cv).ln();
                mean * (variance.sqrt() * stream.normal() - variance / 2.0).exp()
            }
        }
    }
}

/// Something that holds for a while; the list repeats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval<T> {
    pub length_s: f64,
    pub value: T,
}

/// Arrivals per second.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    Poisson(f64),
    /// Poisson with the rate of each interval.
    Intervals(Vec<Interval<f64>>),
}

/// The arrivals of one class, one after the other.
#[derive(Debug, Clone)]
pub(super) struct ArrivalProcess {
    stream: Stream,
    intervals: Vec<Interval<f64>>,
    at_s: f64,
    current: usize,
    current_ends_s: f64,
}

impl ArrivalProcess {
    pub fn new(arrivals: &Arrivals, stream: Stream) -> Self {
        let intervals = match arrivals {
            Arrivals::Poisson(rate) => vec![Interval {
                length_s: f64::INFINITY,
                value: *rate,
            }],
            Arrivals::Intervals(list) => list.clone(),
        };
        Self {
            stream,
            at_s: 0.0,
            current: 0,
            current_ends_s: intervals.first().map_or(0.0, |i| i.length_s),
            intervals,
        }
    }

    /// Seconds from the beginning; `None`: nobody comes any more.
    pub fn next_s(&mut self) -> Option<f64> {
        if !self.intervals.iter().any(|i| i.value > 0.0) {
            return None;
        }
        let mut left = self.stream.exponential();
        loop {
            let rate = self.intervals.get(self.current)?.value;
            let until_end = rate * (self.current_ends_s - self.at_s);
            // A comparison with NaN (an endless interval without arrivals) is false, too.
            if left < until_end {
                self.at_s += left / rate;
                return Some(self.at_s);
            }
            left -= until_end;
            self.at_s = self.current_ends_s;
            self.current = (self.current + 1) % self.intervals.len();
            self.current_ends_s += self.intervals.get(self.current)?.length_s;
        }
    }
}
