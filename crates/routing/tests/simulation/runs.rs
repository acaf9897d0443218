//! One scenario, run with several seeds, held against exact values. What the runs differ by says
//! how sure their mean is.

#![expect(
    clippy::print_stdout,
    reason = "`--nocapture` shows every comparison of a long run"
)]

use crate::{run, scenario};
use routing::simulate::Report;

const SEEDS: u64 = 8;
/// Student's t for 95 % and as many degrees of freedom as `SEEDS` leaves.
const T_95: f64 = 2.365;
/// Closer than this to the exact value is close enough, however sure the runs are.
const CLOSE: f64 = 0.01;
/// What Little's law may be off by with so many contacts. It is off by those who wait at both ends.
const LITTLE: f64 = 0.005;
const LITTLE_CONTACTS: f64 = 200_000.0;

pub struct Runs(Vec<Report>);

struct Mean {
    value: f64,
    half_width: f64,
}

impl Runs {
    /// `contacts` for each seed. `MEARI_SIMULATED=20` asks for twenty times as many.
    pub fn of(text: &str, contacts: u64) -> Self {
        let wanted = std::env::var("MEARI_SIMULATED").ok();
        let times: u64 = wanted.and_then(|n| n.parse().ok()).unwrap_or(1);
        let mut scenario = scenario(text);
        scenario.contacts = Some(contacts * times);
        scenario.warmup_contacts = scenario.warmup_contacts.min(contacts / 4);
        let reports = (1..=SEEDS).map(|seed| {
            scenario.seed = seed;
            run(&scenario)
        });
        let reports: Vec<_> = reports.collect();
        let runs = Self(reports);
        let residual = runs.mean(|r| r.littles_law_residual.0).value;
        let short = LITTLE_CONTACTS / (SEEDS * contacts * times) as f64;
        assert!(
            residual < LITTLE * short.max(1.0),
            "Little's law is off by {residual}"
        );
        runs
    }

    pub fn all(&self, holds: impl Fn(&Report) -> bool) -> bool {
        self.0.iter().all(holds)
    }

    fn mean(&self, of: impl Fn(&Report) -> f64) -> Mean {
        let values: Vec<f64> = self.0.iter().map(of).collect();
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|v| (v - value).powi(2));
        let variance = squares.sum::<f64>() / (n - 1.0);
        Mean {
            value,
            half_width: T_95 * (variance / n).sqrt(),
        }
    }

    /// Within three half-widths or 1 % of what is exact.
    pub fn agree(&self, what: &str, exact: f64, of: impl Fn(&Report) -> f64) {
        self.agree_within(what, (exact, 0.0), of);
    }

    /// The same for a value that is itself known only to a half-width.
    pub fn agree_within(
        &self,
        what: &str,
        (known, half_width): (f64, f64),
        of: impl Fn(&Report) -> f64,
    ) {
        let ours = self.mean(of);
        let off = (ours.value - known).abs();
        let allowed = allowed(known, ours.half_width.hypot(half_width));
        println!(
            "{what}: {:.5} ± {:.5}, exactly {known:.5}, off by {:.2} % of {:.2} %",
            ours.value,
            ours.half_width,
            off / known * 100.0,
            allowed / known * 100.0
        );
        assert!(
            off <= allowed,
            "{what}: {} ± {} is not {known}",
            ours.value,
            ours.half_width
        );
    }

    /// Proof that the runs are long enough to tell: another rule would have been noticed.
    pub fn differ(&self, what: &str, other: f64, of: impl Fn(&Report) -> f64) {
        let ours = self.mean(of);
        let off = (ours.value - other).abs();
        println!(
            "{what}: {:.5} ± {:.5}, by another rule {other:.5}",
            ours.value, ours.half_width
        );
        assert!(
            off > allowed(other, ours.half_width),
            "{what}: {} ± {} may as well be {other}",
            ours.value,
            ours.half_width
        );
    }
}

fn allowed(known: f64, half_width: f64) -> f64 {
    (3.0 * half_width).max(CLOSE * known)
}
