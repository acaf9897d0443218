//! Markov chains, solved: which states can be reached, and how much of the time is spent in each.
//!
//! The balance equations are swept in place (Gauss-Seidel; Stewart, "Introduction to the Numerical
//! Solution of Markov Chains", 1994, chapter 3) until what flows into each state flows out of it.

use routing::theory::ErlangA;
use std::collections::BTreeMap;

/// What may flow in and not out, of all that flows.
const RESIDUAL: f64 = 1e-12;
const SWEEPS_MAX: usize = 100_000;

/// The share of time of each state.
pub struct Chain<S>(Vec<(S, f64)>);

struct State<S> {
    name: S,
    /// Whence, and how often per second.
    arcs_in: Vec<(usize, f64)>,
    out: f64,
}

impl<S: Ord + Clone> Chain<S> {
    /// `moves` lists what may happen next and how often per second. A move that leads nowhere is
    /// left out.
    pub fn solve(start: S, moves: impl Fn(&S) -> Vec<(S, f64)>) -> Self {
        let states = reachable(start, moves);
        let mut p = vec![1.0 / states.len() as f64; states.len()];
        let mut sweeps = 0;
        while residual(&states, &p) > RESIDUAL {
            for (n, state) in states.iter().enumerate() {
                p[n] = flow_in(state, &p) / state.out;
            }
            let all: f64 = p.iter().sum();
            p.iter_mut().for_each(|p| *p /= all);
            sweeps += 1;
            assert!(sweeps < SWEEPS_MAX, "{} states do not settle", states.len());
        }
        Self(states.into_iter().map(|s| s.name).zip(p).collect())
    }
}

/// Breadth first.
fn reachable<S: Ord + Clone>(start: S, moves: impl Fn(&S) -> Vec<(S, f64)>) -> Vec<State<S>> {
    let empty = |name| State {
        name,
        arcs_in: Vec::new(),
        out: 0.0,
    };
    let mut places = BTreeMap::from([(start.clone(), 0)]);
    let mut states = vec![empty(start)];
    let mut n = 0;
    while n < states.len() {
        for (to, rate) in moves(&states[n].name) {
            if rate == 0.0 || to == states[n].name {
                continue;
            }
            let place = *places.entry(to.clone()).or_insert(states.len());
            if place == states.len() {
                states.push(empty(to));
            }
            states[place].arcs_in.push((n, rate));
            states[n].out += rate;
        }
        n += 1;
    }
    states
}

fn flow_in<S>(state: &State<S>, p: &[f64]) -> f64 {
    let arcs = state.arcs_in.iter();
    arcs.map(|(from, rate)| p[*from] * rate).sum()
}

fn residual<S>(states: &[State<S>], p: &[f64]) -> f64 {
    let (mut wrong, mut all) = (0.0, 0.0);
    for (state, p_here) in states.iter().zip(p) {
        let out = p_here * state.out;
        wrong += (flow_in(state, p) - out).abs();
        all += out;
    }
    wrong / all
}

impl<S> Chain<S> {
    pub fn mean(&self, of: impl Fn(&S) -> f64) -> f64 {
        self.0.iter().map(|(state, p)| p * of(state)).sum()
    }

    /// Also what somebody who comes at random finds.
    pub fn share(&self, holds: impl Fn(&S) -> bool) -> f64 {
        self.mean(|state| f64::from(u8::from(holds(state))))
    }
}

#[test]
fn a_solved_chain_equals_the_closed_form() {
    let (arrive, work, quit, agents) = (0.1, 1.0 / 60.0, 1.0 / 90.0, 5);
    let chain = Chain::solve(0, |&n: &i32| {
        let more = if n < 150 { arrive } else { 0.0 };
        let busy = f64::from(n.min(agents));
        let waiting = f64::from((n - agents).max(0));
        vec![(n + 1, more), (n - 1, busy * work + waiting * quit)]
    });
    let exact = ErlangA::new(arrive, 1.0 / work, 1.0 / quit, 5).unwrap();
    let waiting = chain.mean(|n| f64::from((n - agents).max(0)));
    for (solved, closed) in [
        (quit * waiting / arrive, exact.abandon_rate()),
        (chain.share(|n| *n >= agents), exact.p_wait()),
        (
            chain.mean(|n| f64::from((*n).min(agents))) / 5.0,
            exact.occupancy(),
        ),
    ] {
        assert!((solved - closed).abs() < 1e-9, "{solved} is not {closed}");
    }
}
