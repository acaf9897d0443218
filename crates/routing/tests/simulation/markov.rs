//! Designs without a textbook formula, against Markov chains that are solved here: a wrong
//! tie-break or a wrong slot shows in the third digit.

use crate::{near, run, scenario};
use std::collections::BTreeMap;

/// Solves a chain by uniformisation: the long-run probability of each state that is reached from
/// `start`, where `moves` lists what may happen next and how often per second.
fn stationary<S: Ord + Clone>(start: S, moves: impl Fn(&S) -> Vec<(S, f64)>) -> BTreeMap<S, f64> {
    let mut index = BTreeMap::from([(start.clone(), 0)]);
    let mut states = vec![start];
    let mut arcs = Vec::new();
    let mut n = 0;
    while n < states.len() {
        for (to, rate) in moves(&states[n].clone())
            .into_iter()
            .filter(|(_, r)| *r > 0.0)
        {
            let next = index.len();
            let place = *index.entry(to.clone()).or_insert(next);
            if place == next {
                states.push(to);
            }
            arcs.push((n, place, rate));
        }
        n += 1;
    }
    let mut out = vec![0.0; n];
    arcs.iter().for_each(|(from, _, rate)| out[*from] += rate);
    let fastest = out.iter().fold(0.0_f64, |a, b| a.max(*b)) * 1.01;
    let mut p = vec![1.0 / n as f64; n];
    for _ in 0..100_000 {
        let mut next: Vec<f64> = p
            .iter()
            .zip(&out)
            .map(|(p, out)| p * (1.0 - out / fastest))
            .collect();
        for (from, to, rate) in &arcs {
            next[*to] += p[*from] * rate / fastest;
        }
        let change: f64 = next.iter().zip(&p).map(|(a, b)| (a - b).abs()).sum();
        p = next;
        if change < 1e-13 {
            break;
        }
    }
    index.into_iter().map(|(state, n)| (state, p[n])).collect()
}

fn mean<S>(chain: &BTreeMap<S, f64>, of: impl Fn(&S) -> f64) -> f64 {
    chain.iter().map(|(state, p)| p * of(state)).sum()
}

/// A fast and a slow agent, top down: the fast one first, the slow one only when she is busy.
#[test]
fn a_fast_and_a_slow_agent_are_asked_top_down() {
    let (arrive, fast, slow, quit, room) = (0.02, 1.0 / 40.0, 1.0 / 120.0, 1.0 / 60.0, 40);
    // (fast is busy, slow is busy, waiting)
    let chain = stationary((0, 0, 0), |&(f, s, q): &(i32, i32, i32)| {
        let mut moves = vec![];
        moves.push(match (f, s) {
            (0, _) => ((1, s, q), arrive),
            (_, 0) => ((f, 1, q), arrive),
            _ if q < room => ((f, s, q + 1), arrive),
            _ => ((f, s, q), 0.0),
        });
        let next = i32::from(q > 0);
        moves.push(((next * f, s, q - next * f), fast * f64::from(f)));
        moves.push(((f, next * s, q - next * s), slow * f64::from(s)));
        moves.push(((f, s, q - next), quit * f64::from(q)));
        moves
    });
    let text = r#"{"contacts": 200000, "warmup_contacts": 200, "select": "top_down", "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.02}, "handle_s": {"exp": 40}, "patience_s": {"exp": 60}}],
      "agents": [{"id": "fast", "count": 1, "queues": [{"queue": "q"}]},
                 {"id": "slow", "count": 1, "queues": [{"queue": "q"}], "handle_s": {"c": {"exp": 120}}}]}"#;
    let r = run(&scenario(text));
    near(
        "fast",
        r.agents["fast"].occupancy.0,
        mean(&chain, |s| f64::from(s.0)),
        0.01,
    );
    near(
        "slow",
        r.agents["slow"].occupancy.0,
        mean(&chain, |s| f64::from(s.1)),
        0.01,
    );
    let waiting = mean(&chain, |s| f64::from(s.2));
    near(
        "abandoned",
        r.total.abandon_rate.0,
        quit * waiting / arrive,
        0.03,
    );
}

/// One agent with three chats: total speed 1, 1.6, 2; whoever comes fourth waits.
#[test]
fn chats_share_an_agent_who_slows_down() {
    let (arrive, work, quit) = (0.02, 1.0 / 90.0, 1.0 / 120.0);
    let speed = |n: i32| [0.0, 1.0, 1.6, 2.0][usize::try_from(n.min(3)).unwrap()];
    let chain = stationary(0, |&n: &i32| {
        let waiting = f64::from((n - 3).max(0));
        let more = if n < 60 { arrive } else { 0.0 };
        vec![(n + 1, more), (n - 1, work * speed(n) + quit * waiting)]
    });
    let text = r#"{"contacts": 200000, "warmup_contacts": 200, "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "channel": "chat", "arrivals": {"poisson_per_s": 0.02}, "handle_s": {"exp": 90}, "patience_s": {"exp": 120}}],
      "agents": [{"id": "team", "count": 1, "queues": [{"queue": "q"}], "capacity": {"chat": 3}, "speed_by_load": [1.0, 1.6, 2.0]}]}"#;
    let r = run(&scenario(text));
    near(
        "load",
        r.agents["team"].mean_load.0,
        mean(&chain, |n| f64::from((*n).min(3))),
        0.01,
    );
    near(
        "occupancy",
        r.agents["team"].occupancy.0,
        mean(&chain, |n| f64::from((*n).min(1))),
        0.01,
    );
    let waiting = mean(&chain, |n| f64::from((n - 3).max(0)));
    near("waiting", r.total.mean_waiting.0, waiting, 0.03);
    near(
        "abandoned",
        r.total.abandon_rate.0,
        quit * waiting / arrive,
        0.03,
    );
}

/// One agent whose phone rings for a while; a customer who gives up meanwhile frees her at once.
#[test]
fn a_ringing_phone_occupies_its_agent_until_the_customer_gives_up() {
    let (arrive, answer, work, quit) = (0.01, 1.0 / 10.0, 1.0 / 60.0, 1.0 / 40.0);
    // (0 idle, 1 ringing, 2 working; contacts that are not answered)
    let chain = stationary((0, 0), |&(phase, n): &(i32, i32)| {
        let more = if n < 60 { arrive } else { 0.0 };
        let quits = f64::from(n) * quit;
        match phase {
            0 => vec![((1, 1), arrive)],
            1 => vec![
                ((1, n + 1), more),
                ((2, n - 1), answer),
                ((i32::from(n > 1), n - 1), quits),
            ],
            _ => vec![
                ((2, n + 1), more),
                ((2, n - 1), quits),
                ((i32::from(n > 0), n), work),
            ],
        }
    });
    let text = r#"{"contacts": 200000, "warmup_contacts": 200, "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.01}, "handle_s": {"exp": 60}, "patience_s": {"exp": 40}}],
      "agents": [{"id": "team", "count": 1, "queues": [{"queue": "q"}]}],
      "offer": {"ring_s": 100000, "answer_s": {"exp": 10}}}"#;
    let r = run(&scenario(text));
    let open = mean(&chain, |s| f64::from(s.1));
    near(
        "abandoned",
        r.total.abandon_rate.0,
        quit * open / arrive,
        0.015,
    );
    near(
        "occupancy",
        r.agents["team"].occupancy.0,
        mean(&chain, |s| f64::from(i32::from(s.0 == 2))),
        0.01,
    );
    near("waiting", r.total.mean_waiting.0, open, 0.02);
}

/// The N design: one agent for the first queue only, one for both, who serves the second first.
#[test]
fn a_helper_serves_her_own_queue_first() {
    let (first, second, work, quit, room) = (0.012, 0.008, 1.0 / 60.0, 1.0 / 90.0, 12);
    // (specialist is busy, helper is busy, waiting in the first and in the second queue)
    let chain = stationary((0, 0, 0, 0), |&(a, b, p, q): &(i32, i32, i32, i32)| {
        let mut moves = vec![];
        moves.push(match (a, b) {
            (0, _) => ((1, b, p, q), first),
            (_, 0) => ((a, 1, p, q), first),
            _ if p < room => ((a, b, p + 1, q), first),
            _ => ((a, b, p, q), 0.0),
        });
        moves.push(match b {
            0 => ((a, 1, p, q), second),
            _ if q < room => ((a, b, p, q + 1), second),
            _ => ((a, b, p, q), 0.0),
        });
        let next = i32::from(p > 0);
        moves.push(((next * a, b, p - next * a, q), work * f64::from(a)));
        let done = work * f64::from(b);
        moves.push(match (p, q) {
            (_, 1..) => ((a, b, p, q - b), done),
            (1.., 0) => ((a, b, p - b, q), done),
            _ => ((a, 0, p, q), done),
        });
        moves.push(((a, b, p - next, q), quit * f64::from(p)));
        moves.push(((a, b, p, q - i32::from(q > 0)), quit * f64::from(q)));
        moves
    });
    let text = r#"{"contacts": 200000, "warmup_contacts": 200, "order": "fifo", "select": "top_down",
      "queues": [{"id": "first", "max_waiting": 12}, {"id": "second", "max_waiting": 12}],
      "classes": [
        {"id": "first", "queue": "first", "arrivals": {"poisson_per_s": 0.012}, "handle_s": {"exp": 60}, "patience_s": {"exp": 90}},
        {"id": "second", "queue": "second", "arrivals": {"poisson_per_s": 0.008}, "handle_s": {"exp": 60}, "patience_s": {"exp": 90}}],
      "agents": [
        {"id": "specialist", "count": 1, "queues": [{"queue": "first"}]},
        {"id": "helper", "count": 1, "queues": [{"queue": "first", "priority": 2}, {"queue": "second", "priority": 1}]}]}"#;
    let r = run(&scenario(text));
    near(
        "specialist",
        r.agents["specialist"].occupancy.0,
        mean(&chain, |s| f64::from(s.0)),
        0.01,
    );
    near(
        "helper",
        r.agents["helper"].occupancy.0,
        mean(&chain, |s| f64::from(s.1)),
        0.01,
    );
    near(
        "first",
        r.classes["first"].mean_waiting.0,
        mean(&chain, |s| f64::from(s.2)),
        0.03,
    );
    near(
        "second",
        r.classes["second"].mean_waiting.0,
        mean(&chain, |s| f64::from(s.3)),
        0.03,
    );
}
