//! Queueing theory in closed form: what a simulation must come near to, and how many agents a
//! service level asks for. Times are seconds, loads are erlangs (arrival rate × handling time).
//!
//! All formulas assume Poisson arrivals, exponential handling and first come, first served.

/// Births or deaths further out than this weigh nothing against the rest.
const NEGLIGIBLE: f64 = 1e-15;
/// No business has more agents; a search that gets here has no answer.
const AGENTS_MAX: u32 = 1_000_000;

/// Erlang B: the share of contacts that find all `servers` busy and are lost. Holds for every law
/// of handling time.
pub fn erlang_b(erlangs: f64, servers: u32) -> f64 {
    (1..=servers).fold(1.0, |blocked, k| {
        let carried = erlangs * blocked;
        carried / (f64::from(k) + carried)
    })
}

/// A line in which nobody gives up (M/M/c, Erlang C).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErlangC {
    erlangs: f64,
    handle_s: f64,
    agents: u32,
    /// Share of contacts that wait at all.
    pub p_wait: f64,
}

impl ErlangC {
    /// `None` when the agents cannot keep up: then the line grows for ever.
    pub fn new(arrivals_per_s: f64, handle_s: f64, agents: u32) -> Option<Self> {
        let erlangs = arrivals_per_s * handle_s;
        let servers = f64::from(agents);
        if erlangs >= servers {
            return None;
        }
        let blocked = erlang_b(erlangs, agents);
        let p_wait = servers * blocked / (servers - erlangs * (1.0 - blocked));
        Some(Self {
            erlangs,
            handle_s,
            agents,
            p_wait,
        })
    }

    /// How fast a line empties once everybody is busy, per second.
    fn drain_per_s(&self) -> f64 {
        (f64::from(self.agents) - self.erlangs) / self.handle_s
    }

    /// Mean wait of all contacts.
    pub fn asa_s(&self) -> f64 {
        self.p_wait / self.drain_per_s()
    }

    /// Share of contacts answered within `t_s`.
    pub fn service_level(&self, t_s: f64) -> f64 {
        1.0 - self.p_wait * (-self.drain_per_s() * t_s).exp()
    }

    /// The wait that a share `p` of contacts does not exceed.
    pub fn wait_quantile_s(&self, p: f64) -> f64 {
        (self.p_wait / (1.0 - p)).ln().max(0.0) / self.drain_per_s()
    }

    pub fn mean_waiting(&self) -> f64 {
        self.asa_s() * self.erlangs / self.handle_s
    }

    pub fn occupancy(&self) -> f64 {
        self.erlangs / f64::from(self.agents)
    }
}

/// A line whose people give up after an exponential patience (M/M/c+M, Erlang A).
#[derive(Debug, Clone, PartialEq)]
pub struct ErlangA {
    arrivals_per_s: f64,
    /// What all agents together finish per second when all are busy.
    full_speed_per_s: f64,
    quits_per_s: f64,
    agents: u32,
    /// Probability that an arrival finds every agent busy and `j` others waiting, by `j`.
    ahead: Vec<f64>,
    /// Mean number of busy agents.
    busy: f64,
}

impl ErlangA {
    /// `None` when a mean is not a positive number or nobody works.
    pub fn new(arrivals_per_s: f64, handle_s: f64, patience_s: f64, agents: u32) -> Option<Self> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if agents == 0
            || ![arrivals_per_s, handle_s, patience_s]
                .into_iter()
                .all(positive)
        {
            return None;
        }
        let (finishes_per_s, quits_per_s) = (1.0 / handle_s, 1.0 / patience_s);
        // Unnormalised, with the state "all agents busy, nobody waits" as 1.
        let mut weight = 1.0;
        let (mut total, mut busy) = (1.0, f64::from(agents));
        for k in (0..agents).rev() {
            weight *= f64::from(k + 1) * finishes_per_s / arrivals_per_s;
            total += weight;
            busy += weight * f64::from(k);
        }
        let full_speed_per_s = f64::from(agents) * finishes_per_s;
        let mut ahead = vec![1.0];
        let (mut weight, mut leaves_per_s) = (1.0, full_speed_per_s);
        while weight > NEGLIGIBLE * total || leaves_per_s < arrivals_per_s {
            leaves_per_s += quits_per_s;
            weight *= arrivals_per_s / leaves_per_s;
            total += weight;
            busy += weight * f64::from(agents);
            ahead.push(weight);
        }
        ahead.iter_mut().for_each(|p| *p /= total);
        Some(Self {
            arrivals_per_s,
            full_speed_per_s,
            quits_per_s,
            agents,
            ahead,
            busy: busy / total,
        })
    }

    pub fn p_wait(&self) -> f64 {
        self.ahead.iter().sum()
    }

    pub fn mean_waiting(&self) -> f64 {
        let by_length = self.ahead.iter().zip(0_u32..);
        by_length.map(|(p, j)| p * f64::from(j)).sum()
    }

    /// Mean wait of all contacts, also of those who gave up.
    pub fn mean_wait_s(&self) -> f64 {
        self.mean_waiting() / self.arrivals_per_s
    }

    /// Share of contacts that give up.
    pub fn abandon_rate(&self) -> f64 {
        self.quits_per_s * self.mean_wait_s()
    }

    pub fn occupancy(&self) -> f64 {
        self.busy / f64::from(self.agents)
    }

    /// Mean wait of those who are answered.
    pub fn asa_s(&self) -> f64 {
        let (mut waited, mut phases) = (0.0, 0.0);
        for (p, j) in self.ahead.iter().zip(1_u32..) {
            let rate = self.full_speed_per_s + f64::from(j) * self.quits_per_s;
            phases += 1.0 / rate;
            waited += p * self.full_speed_per_s / rate * phases;
        }
        waited / (1.0 - self.abandon_rate())
    }

    /// Answered within `t_s`, as a share of all contacts.
    pub fn service_level(&self, t_s: f64) -> f64 {
        let mut level = 1.0 - self.p_wait();
        // To be answered is to outlast `j + 1` departures; given that one does, each of them comes
        // faster by one quitter's rate.
        let mut law = Phases::new(
            self.full_speed_per_s / self.quits_per_s + 1.0,
            self.quits_per_s * t_s,
        );
        for (p, j) in self.ahead.iter().zip(1_u32..) {
            let rate = self.full_speed_per_s + f64::from(j) * self.quits_per_s;
            level += p * self.full_speed_per_s / rate * (1.0 - law.next_later_than());
        }
        level
    }

    /// Share of all contacts, answered or not, that wait longer than `t_s`.
    pub fn p_wait_longer(&self, t_s: f64) -> f64 {
        let patient = (-self.quits_per_s * t_s).exp();
        let mut law = Phases::new(
            self.full_speed_per_s / self.quits_per_s,
            self.quits_per_s * t_s,
        );
        let late = self.ahead.iter().map(|p| p * law.next_later_than());
        patient * late.sum::<f64>()
    }

    /// The wait that a share `p` of all contacts does not exceed.
    pub fn wait_quantile_s(&self, p: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        while self.p_wait_longer(high) > 1.0 - p {
            (low, high) = (high, high * 2.0);
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.p_wait_longer(middle) > 1.0 - p {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}

/// The law of a sum of exponential phases with rates `s, s+1, s+2, …`: minus the logarithm of a
/// Beta(s, n) variable, whose distribution grows by one term per phase.
struct Phases {
    s: f64,
    gone: f64,
    n: f64,
    ln_term: f64,
    later: f64,
}

impl Phases {
    fn new(s: f64, t: f64) -> Self {
        Self {
            s,
            gone: 1.0 - (-t).exp(),
            n: 0.0,
            ln_term: -s * t,
            later: 0.0,
        }
    }

    /// Probability that one phase more than last time takes longer than `t`.
    fn next_later_than(&mut self) -> f64 {
        self.later += self.ln_term.exp();
        self.n += 1.0;
        self.ln_term += (self.gone * (self.s + self.n - 1.0) / self.n).ln();
        self.later.min(1.0)
    }
}

/// Mean waits under strict priority without interruption, the highest class first. All classes
/// take `handle_s` on average. `None` when the agents cannot keep up with all of them.
pub fn priority_waits_s(arrivals_per_s: &[f64], handle_s: f64, agents: u32) -> Option<Vec<f64>> {
    let all = ErlangC::new(arrivals_per_s.iter().sum(), handle_s, agents)?;
    let servers = f64::from(agents);
    // Wait for the next of all agents to finish, if one must wait at all.
    let first = all.p_wait * handle_s / servers;
    let mut used = 0.0;
    let waits = arrivals_per_s.iter().map(|rate| {
        let above = used;
        used += rate * handle_s / servers;
        first / ((1.0 - above) * (1.0 - used))
    });
    Some(waits.collect())
}

/// Approximate mean wait for other laws of handling time with coefficient of variation `cv`
/// (Allen and Cunneen).
pub fn general_asa_s(line: &ErlangC, cv: f64) -> f64 {
    line.asa_s() * f64::midpoint(1.0, cv * cv)
}

/// Square-root staffing: the load and a safety that grows with its root.
pub fn square_root_staffing(erlangs: f64, beta: f64) -> f64 {
    erlangs + beta * erlangs.sqrt()
}

/// What a number of agents is asked to reach: a share of contacts answered within a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    pub share: f64,
    pub within_s: f64,
}

/// The fewest agents that reach the target when nobody gives up.
pub fn agents_for_erlang_c(arrivals_per_s: f64, handle_s: f64, target: Target) -> Option<u32> {
    fewest(|agents| {
        let line = ErlangC::new(arrivals_per_s, handle_s, agents);
        line.is_some_and(|l| l.service_level(target.within_s) >= target.share)
    })
}

/// The fewest agents that reach the target when people give up.
pub fn agents_for_erlang_a(
    arrivals_per_s: f64,
    handle_s: f64,
    patience_s: f64,
    target: Target,
) -> Option<u32> {
    fewest(|agents| {
        let line = ErlangA::new(arrivals_per_s, handle_s, patience_s, agents);
        line.is_some_and(|l| l.service_level(target.within_s) >= target.share)
    })
}

/// More agents never serve worse, so the border is found by halving.
fn fewest(reaches: impl Fn(u32) -> bool) -> Option<u32> {
    let mut high = 1;
    while !reaches(high) {
        if high >= AGENTS_MAX {
            return None;
        }
        high *= 2;
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = u32::midpoint(low, high);
        if reaches(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
