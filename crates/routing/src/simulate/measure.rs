//! What is counted, and what follows from it: service levels, waits and the proof that no contact
//! was lost on the way (Little's law).

use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Microseconds since the beginning.
pub(super) type Micros = i64;

pub(super) fn seconds(at: Micros) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of 285 years fit")]
    let micros = at as f64;
    micros / 1e6
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an endless time becomes the last microsecond that can be named"
)]
pub(super) fn micros(seconds: f64) -> Micros {
    (seconds * 1e6).round() as Micros
}

fn float(n: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of contacts in memory")]
    let n = n as f64;
    n
}

/// The time average of a number between two instants.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    value: i64,
    since: Micros,
    area: f64,
    frozen: bool,
}

impl Meter {
    pub fn add(&mut self, more: i64, now: Micros) {
        self.sum_up(now);
        self.value += more;
    }

    fn sum_up(&mut self, now: Micros) {
        if !self.frozen {
            #[expect(clippy::cast_precision_loss, reason = "a number of contacts or agents")]
            let value = self.value as f64;
            self.area += value * seconds(now - self.since);
            self.since = now;
        }
    }

    /// Measures from here on.
    pub fn start(&mut self, now: Micros) {
        self.area = 0.0;
        self.since = now;
    }

    /// Measures no longer.
    pub fn stop(&mut self, now: Micros) {
        self.sum_up(now);
        self.frozen = true;
    }

    /// Value × seconds.
    pub const fn area(&self) -> f64 {
        self.area
    }
}

/// Counts of one class; those of queues and of everything are sums of these.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub answered: Vec<Micros>,
    pub abandoned: Vec<Micros>,
    pub blocked: u64,
    pub offers: u64,
    /// Contacts that are neither answered nor gone.
    pub waiting: Meter,
}

/// The thresholds that service levels compare with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thresholds {
    pub target: Micros,
    pub short_abandon: Micros,
}

/// What service levels are made of; sums of classes with different targets are sums of these.
#[derive(Debug, Clone, Copy, Default)]
struct Levels {
    in_time: u64,
    left_in_time: u64,
    left_late: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measures {
    pub offered: u64,
    pub answered: u64,
    pub abandoned: u64,
    pub blocked: u64,
    pub abandon_rate: Ratio,
    pub p_wait: Ratio,
    pub asa_s: Ratio,
    pub mean_wait_s: Ratio,
    pub wait_p50_s: Ratio,
    pub wait_p90_s: Ratio,
    pub wait_p95_s: Ratio,
    pub wait_max_s: Ratio,
    pub mean_waiting: Ratio,
    pub sl1: Ratio,
    pub sl2: Ratio,
    pub sl3: Ratio,
    pub sl4: Ratio,
    pub offers_per_contact: Ratio,
}

/// A number that is null in JSON when there was nothing to divide by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio(pub f64);

impl Ratio {
    fn of(part: f64, whole: f64) -> Self {
        Self(part / whole)
    }

    fn counts(part: u64, whole: u64) -> Self {
        Self::of(float(part), float(whole))
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            s.serialize_f64(self.0)
        } else {
            s.serialize_none()
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentMeasures {
    pub occupancy: Ratio,
    pub mean_load: Ratio,
    pub offers: u64,
    pub answered: u64,
    pub no_answer: u64,
}

/// What a simulation found; the order of the fields is the order in the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub contacts: u64,
    pub virtual_s: f64,
    pub wall_ms: u64,
    pub decisions: u64,
    pub decision_log_sha256: String,
    pub littles_law_residual: Ratio,
    pub total: Measures,
    pub classes: BTreeMap<String, Measures>,
    pub queues: BTreeMap<String, Measures>,
    pub agents: BTreeMap<String, AgentMeasures>,
}

/// Sums tallies, each with the thresholds of its queue, over `window_s` of measured time.
pub(super) fn measures<'a>(
    tallies: impl Iterator<Item = (&'a Tally, Thresholds)>,
    window_s: f64,
) -> Measures {
    let mut levels = Levels::default();
    let (mut waits, mut answer_waits) = (Vec::new(), 0.0);
    let (mut answered, mut abandoned, mut blocked, mut offers) = (0, 0, 0, 0);
    let mut area = 0.0;
    for (tally, at) in tallies {
        answered += tally.answered.len() as u64;
        abandoned += tally.abandoned.len() as u64;
        blocked += tally.blocked;
        offers += tally.offers;
        area += tally.waiting.area();
        answer_waits += tally.answered.iter().map(|w| seconds(*w)).sum::<f64>();
        levels.in_time += count(&tally.answered, |w| w <= at.target);
        levels.left_in_time += count(&tally.abandoned, |w| w <= at.target);
        levels.left_late += count(&tally.abandoned, |w| w > at.short_abandon);
        waits.extend(tally.answered.iter().chain(&tally.abandoned).copied());
    }
    waits.sort_unstable();
    let waited = answered + abandoned;
    let offered = waited + blocked;
    let total_wait: f64 = waits.iter().map(|w| seconds(*w)).sum();
    Measures {
        offered,
        answered,
        abandoned,
        blocked,
        abandon_rate: Ratio::counts(abandoned, offered),
        p_wait: Ratio::counts(count(&waits, |w| w > 0), waited),
        asa_s: Ratio::of(answer_waits, float(answered)),
        mean_wait_s: Ratio::of(total_wait, float(waited)),
        wait_p50_s: quantile(&waits, 50),
        wait_p90_s: quantile(&waits, 90),
        wait_p95_s: quantile(&waits, 95),
        wait_max_s: quantile(&waits, 100),
        mean_waiting: Ratio::of(area, window_s),
        sl1: Ratio::counts(levels.in_time, waited),
        sl2: Ratio::counts(levels.in_time, answered + levels.left_late),
        sl3: Ratio::counts(levels.in_time + levels.left_in_time, waited),
        sl4: Ratio::counts(levels.in_time, answered),
        offers_per_contact: Ratio::counts(offers, offered),
    }
}

fn count(waits: &[Micros], holds: impl Fn(Micros) -> bool) -> u64 {
    waits.iter().filter(|w| holds(**w)).count() as u64
}

/// The smallest wait that so many percent do not exceed.
fn quantile(sorted: &[Micros], percent: usize) -> Ratio {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    let wait = sorted.get(rank - 1).copied();
    Ratio(wait.map_or(f64::NAN, seconds))
}

/// |L − λW| ÷ λW; 0 when nobody waits.
pub(super) fn littles_law_residual(total: &Measures, window_s: f64) -> Ratio {
    let arrivals_per_s = float(total.offered - total.blocked) / window_s;
    let by_law = arrivals_per_s * total.mean_wait_s.0;
    if total.mean_waiting.0 == 0.0 && (by_law == 0.0 || by_law.is_nan()) {
        return Ratio(0.0);
    }
    Ratio((total.mean_waiting.0 - by_law).abs() / by_law)
}

/// What one group of agents did.
#[derive(Debug, Clone, Default)]
pub(super) struct GroupTally {
    pub on_shift: Meter,
    /// Agents with a contact in hand or in wrap-up.
    pub busy: Meter,
    /// Contacts in hand.
    pub load: Meter,
    pub offers: u64,
    pub answered: u64,
    pub no_answer: u64,
}

impl GroupTally {
    pub fn meters(&mut self) -> [&mut Meter; 3] {
        [&mut self.on_shift, &mut self.busy, &mut self.load]
    }

    pub fn measures(&self) -> AgentMeasures {
        AgentMeasures {
            occupancy: Ratio::of(self.busy.area(), self.on_shift.area()),
            mean_load: Ratio::of(self.load.area(), self.on_shift.area()),
            offers: self.offers,
            answered: self.answered,
            no_answer: self.no_answer,
        }
    }
}
