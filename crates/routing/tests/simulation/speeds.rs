//! Agents of different speeds: who is asked first shows in who is busy.

use crate::chain::Chain;
use crate::runs::Runs;

const ARRIVE: f64 = 0.06;
const QUIT: f64 = 1.0 / 60.0;
/// Seconds per contact, of the fast one, two of middling speed, and the slow one.
const HANDLE_S: [f64; 4] = [30.0, 60.0, 60.0, 120.0];
const ROOM: usize = 60;

#[derive(Clone, Copy, PartialEq)]
enum Choice {
    TopDown,
    BottomUp,
    LongestIdle,
    Random,
}

/// Idle agents, the longest idle first, and how many contacts wait.
type State = (Vec<usize>, usize);

fn solve(choice: Choice) -> Chain<State> {
    Chain::solve((vec![0, 1, 2, 3], 0), |(idle, waiting): &State| {
        let without = |agent: usize| {
            let others = idle.iter().copied().filter(|a| *a != agent);
            (others.collect::<Vec<_>>(), 0)
        };
        let mut moves = match choice {
            _ if idle.is_empty() && *waiting == ROOM => vec![],
            _ if idle.is_empty() => vec![((vec![], waiting + 1), ARRIVE)],
            Choice::TopDown => vec![(without(*idle.iter().min().unwrap()), ARRIVE)],
            Choice::BottomUp => vec![(without(*idle.iter().max().unwrap()), ARRIVE)],
            Choice::LongestIdle => vec![(without(idle[0]), ARRIVE)],
            Choice::Random => {
                let each = ARRIVE / idle.len() as f64;
                idle.iter().map(|a| (without(*a), each)).collect()
            }
        };
        for agent in (0..4).filter(|a| !idle.contains(a)) {
            let next = if *waiting > 0 {
                (vec![], waiting - 1)
            } else {
                ([idle.as_slice(), &[agent]].concat(), 0)
            };
            moves.push((next, 1.0 / HANDLE_S[agent]));
        }
        if *waiting > 0 {
            moves.push(((vec![], waiting - 1), QUIT * *waiting as f64));
        }
        moves
    })
}

fn busy(chain: &Chain<State>, agent: usize) -> f64 {
    chain.share(|(idle, _)| !idle.contains(&agent))
}

/// Share of a group that is busy.
fn occupancy(chain: &Chain<State>, group: &[usize]) -> f64 {
    let busy = group.iter().map(|agent| busy(chain, *agent));
    busy.sum::<f64>() / group.len() as f64
}

fn lost(chain: &Chain<State>) -> f64 {
    chain.mean(|(_, waiting)| *waiting as f64) * QUIT / ARRIVE
}

fn simulated(select: &str) -> Runs {
    let text = r#"{"warmup_contacts": 200, "select": "SELECT", "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.06}, "handle_s": {"exp": 60}, "patience_s": {"exp": 60}}],
      "agents": [{"id": "fast", "count": 1, "queues": [{"queue": "q"}], "handle_s": {"c": {"exp": 30}}},
                 {"id": "middling", "count": 2, "queues": [{"queue": "q"}]},
                 {"id": "slow", "count": 1, "queues": [{"queue": "q"}], "handle_s": {"c": {"exp": 120}}}]}"#;
    Runs::of(&text.replace("SELECT", select), 6_000)
}

fn agree(runs: &Runs, chain: &Chain<State>) {
    for (agents, group) in [(&[0][..], "fast"), (&[1, 2], "middling"), (&[3], "slow")] {
        runs.agree(group, occupancy(chain, agents), |r| {
            r.agents[group].occupancy.0
        });
    }
    runs.agree("abandoned", lost(chain), |r| r.total.abandon_rate.0);
    let all_busy = chain.share(|(idle, _)| idle.is_empty());
    runs.agree("p_wait", all_busy, |r| r.total.p_wait.0);
}

#[test]
fn agents_are_asked_top_down() {
    let runs = simulated("top_down");
    agree(&runs, &solve(Choice::TopDown));
    for other in [Choice::BottomUp, Choice::Random] {
        let other = busy(&solve(other), 0);
        runs.differ("fast", other, |r| r.agents["fast"].occupancy.0);
    }
}

/// Which rule by time of idleness is taken makes no difference to how many of whom are busy: it is
/// as good as a lot (arXiv 1305.6249). The chains say so to nine digits, so both simulations are
/// held against the same numbers.
#[test]
fn the_longest_idle_and_a_lot_keep_agents_equally_busy() {
    let (idle, lot) = (solve(Choice::LongestIdle), solve(Choice::Random));
    for agent in 0..4 {
        assert!((busy(&idle, agent) - busy(&lot, agent)).abs() < 1e-9);
    }
    let top_down = busy(&solve(Choice::TopDown), 0);
    for select in ["longest_idle", "random"] {
        let runs = simulated(select);
        agree(&runs, &lot);
        runs.differ("fast", top_down, |r| r.agents["fast"].occupancy.0);
    }
}
