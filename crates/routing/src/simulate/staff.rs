//! The simulated agents: what they have in hand, how fast they work it, and when they come and go.

use super::measure::{Micros, micros, seconds};
use super::random::Interval;
use domain::agent_state::AgentState;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Worker {
    pub row: AgentState,
    /// Place of her group.
    pub group: usize,
    /// Place inside her group, from 1 on.
    pub number: usize,
    /// Contacts in hand, by channel.
    desks: BTreeMap<String, Desk>,
    /// Contacts in wrap-up.
    pub wrapping: usize,
    pub ringing: usize,
    /// In the plan; who is not takes nothing new.
    pub on_duty: bool,
    /// Paused after an offer rang out, until then.
    pub paused_until: Option<Micros>,
}

impl Worker {
    pub fn new(row: AgentState, group: usize, number: usize) -> Self {
        Self {
            row,
            group,
            number,
            desks: BTreeMap::new(),
            wrapping: 0,
            ringing: 0,
            on_duty: false,
            paused_until: None,
        }
    }

    /// Contacts in hand, without those in wrap-up.
    pub fn load(&self) -> usize {
        self.desks.values().map(|desk| desk.jobs.len()).sum()
    }

    pub fn is_busy(&self) -> bool {
        self.wrapping > 0 || self.load() > 0
    }

    pub fn has_nothing_in_hand(&self) -> bool {
        !self.is_busy() && self.ringing == 0
    }

    pub fn desk(&mut self, channel: &str) -> &mut Desk {
        if !self.desks.contains_key(channel) {
            self.desks.insert(channel.to_owned(), Desk::default());
        }
        self.desks.entry(channel.to_owned()).or_default()
    }
}

/// The contacts of one channel in one agent's hands. She divides her attention equally.
#[derive(Debug, Default)]
pub(super) struct Desk {
    jobs: Vec<Job>,
    since: Micros,
    /// Tells a finish that was planned before the last change.
    pub change: u64,
}

#[derive(Debug)]
struct Job {
    contact: u64,
    /// Seconds of undivided work.
    left_s: f64,
}

impl Desk {
    pub fn start(&mut self, contact: u64, work_s: f64, speeds: Option<&[f64]>, now: Micros) {
        self.work_on(speeds, now);
        self.jobs.push(Job {
            contact,
            left_s: work_s,
        });
        self.change += 1;
    }

    /// Takes out the contact that is done first.
    pub fn finish(&mut self, speeds: Option<&[f64]>, now: Micros) -> Option<u64> {
        self.work_on(speeds, now);
        let first = self.first()?;
        self.change += 1;
        Some(self.jobs.remove(first).contact)
    }

    /// When the next contact is done if nothing changes.
    pub fn next_finish(&self, speeds: Option<&[f64]>, now: Micros) -> Option<Micros> {
        let left_s = self.jobs.get(self.first()?)?.left_s;
        Some(now.saturating_add(micros((left_s / self.pace(speeds)).max(0.0))))
    }

    fn first(&self) -> Option<usize> {
        let jobs = self.jobs.iter().enumerate();
        let first = jobs.min_by(|(_, a), (_, b)| a.left_s.total_cmp(&b.left_s));
        first.map(|(place, _)| place)
    }

    fn work_on(&mut self, speeds: Option<&[f64]>, now: Micros) {
        let done = seconds(now - self.since) * self.pace(speeds);
        self.jobs.iter_mut().for_each(|job| job.left_s -= done);
        self.since = now;
    }

    /// Work done per second on each contact.
    fn pace(&self, speeds: Option<&[f64]>) -> f64 {
        let n = self.jobs.len();
        let Some(speeds) = speeds.filter(|_| n > 0) else {
            return 1.0;
        };
        let total = speeds.get(n - 1).or(speeds.last()).copied().unwrap_or(1.0);
        #[expect(clippy::cast_precision_loss, reason = "slots of one agent")]
        let n = n as f64;
        total / n
    }
}

/// How many of a group should be there, as time passes.
#[derive(Debug)]
pub(super) struct Plan {
    intervals: Vec<Interval<u32>>,
    current: usize,
    pub target: usize,
    /// How many are to leave as soon as they finish something.
    pub excess: usize,
    ends_s: f64,
}

impl Plan {
    pub fn new(intervals: Vec<Interval<u32>>) -> Self {
        let first = intervals.first().copied();
        Self {
            target: first.map_or(0, |i| i.value as usize),
            ends_s: first.map_or(f64::INFINITY, |i| i.length_s),
            current: 0,
            excess: 0,
            intervals,
        }
    }

    /// When the number changes next.
    pub fn next_change(&self) -> Option<Micros> {
        self.ends_s.is_finite().then(|| micros(self.ends_s))
    }

    pub fn advance(&mut self) {
        self.current = (self.current + 1) % self.intervals.len().max(1);
        if let Some(interval) = self.intervals.get(self.current) {
            self.target = interval.value as usize;
            self.ends_s += interval.length_s;
        }
    }
}
