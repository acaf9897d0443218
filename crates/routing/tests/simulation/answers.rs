//! Offers that take their time, and offers that nobody answers.

use crate::chain::Chain;
use crate::runs::Runs;

/// One agent whose phone rings for a while; a customer who gives up meanwhile frees her at once.
#[test]
fn a_ringing_phone_occupies_its_agent_until_the_customer_gives_up() {
    let (arrive, answer, work, quit) = (0.01, 1.0 / 10.0, 1.0 / 60.0, 1.0 / 40.0);
    // (0 idle, 1 ringing, 2 working; contacts that are not answered)
    let chain = Chain::solve((0, 0), |&(phase, n): &(i32, i32)| {
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
    let text = r#"{"warmup_contacts": 200, "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.01}, "handle_s": {"exp": 60}, "patience_s": {"exp": 40}}],
      "agents": [{"id": "team", "count": 1, "queues": [{"queue": "q"}]}],
      "offer": {"ring_s": 100000, "answer_s": {"exp": 10}}}"#;
    let runs = Runs::of(text, 6_000);
    let open = chain.mean(|s| f64::from(s.1));
    runs.agree("abandoned", quit * open / arrive, |r| {
        r.total.abandon_rate.0
    });
    runs.agree("occupancy", chain.share(|s| s.0 == 2), |r| {
        r.agents["team"].occupancy.0
    });
    runs.agree("waiting", open, |r| r.total.mean_waiting.0);
}

/// With one agent and patient customers, the time that a contact takes her is a number of rings and
/// pauses, and then the work: an M/G/1 line, whose mean wait Pollaczek and Khinchine found
/// (Kleinrock, "Queueing Systems" I, 1975, chapter 5).
#[test]
fn one_agent_who_misses_calls_is_a_line_with_longer_work() {
    let (arrive, answers, cycle, work) = (0.008, 0.7, 20.0 + 10.0, 60.0);
    let misses = (1.0 - answers) / answers;
    let variance = cycle * cycle * misses / answers + work * work;
    let mean = misses * cycle + work;
    let used = arrive * mean;
    let in_line = arrive * (variance + mean * mean) / (2.0 * (1.0 - used));
    let text = r#"{"warmup_contacts": 200, "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.008}, "handle_s": {"exp": 60}}],
      "agents": [{"id": "team", "count": 1, "queues": [{"queue": "q"}]}],
      "offer": {"ring_s": 20, "answer_probability": 0.7, "after_no_answer_s": 10}}"#;
    let runs = Runs::of(text, 8_000);
    let wait = in_line + misses * cycle;
    runs.agree("wait", wait, |r| r.total.asa_s.0);
    runs.agree("p_wait", 1.0 - (1.0 - used) * answers, |r| r.total.p_wait.0);
    runs.agree("offers", 1.0 / answers, |r| r.total.offers_per_contact.0);
    runs.agree("occupancy", arrive * work, |r| r.agents["team"].occupancy.0);
}

/// Two agents who answer two offers of three; who misses one after 15 s is left alone for 40 s.
mod missed {
    use super::Chain;

    pub const ARRIVE: f64 = 0.03;
    pub const ANSWERS: f64 = 0.65;
    pub const WORK: f64 = 1.0 / 40.0;
    pub const QUIT: f64 = 1.0 / 60.0;
    const RING_S: f64 = 15.0;
    const PAUSE_S: f64 = 40.0;
    const ROOM: u32 = 20;

    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Agent {
        Idle,
        Busy,
        /// Phases until it rings out.
        Rings(u32),
        /// Phases until she is back.
        Pauses(u32),
    }

    /// Agents do not differ, so they stand in order; contacts that wait without an offer.
    pub type Desk = ([Agent; 2], u32);

    fn desk(mut agents: [Agent; 2], waiting: u32) -> Desk {
        agents.sort_unstable();
        (agents, waiting)
    }

    /// An offer to her, with whether she will answer.
    fn asked(agents: [Agent; 2], who: usize, waiting: u32, phases: u32) -> [(Desk, f64); 2] {
        [
            (Agent::Busy, ANSWERS),
            (Agent::Rings(phases), 1.0 - ANSWERS),
        ]
        .map(|(then, p)| {
            let mut agents = agents;
            agents[who] = then;
            (desk(agents, waiting), p)
        })
    }

    /// She has time again.
    fn freed(agents: [Agent; 2], who: usize, waiting: u32, phases: u32) -> Vec<(Desk, f64)> {
        if waiting > 0 {
            return asked(agents, who, waiting - 1, phases).to_vec();
        }
        let mut agents = agents;
        agents[who] = Agent::Idle;
        vec![(desk(agents, 0), 1.0)]
    }

    fn arrives(agents: [Agent; 2], waiting: u32, phases: u32) -> Vec<(Desk, f64)> {
        match agents.iter().position(|a| *a == Agent::Idle) {
            Some(who) => asked(agents, who, waiting, phases).to_vec(),
            None => vec![(desk(agents, (waiting + 1).min(ROOM)), 1.0)],
        }
    }

    /// One phase less of what she is in.
    fn ticks(agents: [Agent; 2], who: usize, waiting: u32, phases: u32) -> Vec<(Desk, f64)> {
        let mut next = agents;
        match agents[who] {
            Agent::Rings(1) => {
                next[who] = Agent::Pauses(phases);
                // The contact is back at the head of the line.
                arrives(next, waiting, phases)
            }
            Agent::Pauses(1) => freed(agents, who, waiting, phases),
            Agent::Rings(n) => {
                next[who] = Agent::Rings(n - 1);
                vec![(desk(next, waiting), 1.0)]
            }
            Agent::Pauses(n) => {
                next[who] = Agent::Pauses(n - 1);
                vec![(desk(next, waiting), 1.0)]
            }
            Agent::Idle | Agent::Busy => vec![],
        }
    }

    /// Rings and pauses of a fixed length are made of so many phases (Erlang's method of stages).
    pub fn solve(phases: u32) -> Chain<Desk> {
        let tick = |mean_s: f64| f64::from(phases) / mean_s;
        Chain::solve(([Agent::Idle; 2], 0), |&(agents, waiting): &Desk| {
            let mut moves = vec![];
            let mut add = |rate: f64, next: Vec<(Desk, f64)>| {
                moves.extend(next.into_iter().map(|(to, p)| (to, rate * p)));
            };
            add(ARRIVE, arrives(agents, waiting, phases));
            for who in 0..2 {
                match agents[who] {
                    Agent::Idle => {}
                    Agent::Busy => add(WORK, freed(agents, who, waiting, phases)),
                    Agent::Rings(_) => {
                        add(tick(RING_S), ticks(agents, who, waiting, phases));
                        // Who hangs up while it rings frees her at once.
                        add(QUIT, freed(agents, who, waiting, phases));
                    }
                    Agent::Pauses(_) => add(tick(PAUSE_S), ticks(agents, who, waiting, phases)),
                }
            }
            if waiting > 0 {
                add(
                    f64::from(waiting) * QUIT,
                    vec![(desk(agents, waiting - 1), 1.0)],
                );
            }
            moves
        })
    }

    pub fn count(desk: &Desk, is: impl Fn(&Agent) -> bool) -> f64 {
        desk.0.iter().filter(|a| is(a)).count() as f64
    }
}

/// What the chain becomes with endless phases: its error falls as one over their number, so that
/// two chains give it away, and a third says how well.
fn limits<const N: usize>(of: impl Fn(&Chain<missed::Desk>) -> [f64; N]) -> [f64; N] {
    let [few, more, many] = [6, 12, 24].map(|phases| of(&missed::solve(phases)));
    std::array::from_fn(|n| {
        let (rough, fine) = (2.0 * more[n] - few[n], 2.0 * many[n] - more[n]);
        assert!((rough / fine - 1.0).abs() < 0.002, "{rough} and {fine}");
        fine
    })
}

#[test]
fn offers_that_nobody_answers_move_on_and_leave_their_agent_alone() {
    use missed::{ANSWERS, ARRIVE, Agent, QUIT, WORK, count};
    let text = r#"{"warmup_contacts": 200, "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.03}, "handle_s": {"exp": 40}, "patience_s": {"exp": 60}}],
      "agents": [{"id": "team", "count": 2, "queues": [{"queue": "q"}]}],
      "offer": {"ring_s": 15, "answer_probability": 0.65, "after_no_answer_s": 40}}"#;
    let runs = Runs::of(text, 8_000);
    let [busy, open, at_once] = limits(|c| {
        let ringing = |d: &missed::Desk| count(d, |a| matches!(a, Agent::Rings(_)));
        [
            c.mean(|d| count(d, |a| *a == Agent::Busy)),
            c.mean(|d| f64::from(d.1) + ringing(d)),
            ANSWERS * c.share(|d| d.0.contains(&Agent::Idle)),
        ]
    });
    runs.agree("occupancy", busy / 2.0, |r| r.agents["team"].occupancy.0);
    runs.agree("waiting", open, |r| r.total.mean_waiting.0);
    runs.agree("abandoned", QUIT * open / ARRIVE, |r| {
        r.total.abandon_rate.0
    });
    let offers = WORK * busy / ANSWERS / ARRIVE;
    runs.agree("offers", offers, |r| r.total.offers_per_contact.0);
    runs.agree("p_wait", 1.0 - at_once, |r| r.total.p_wait.0);
}
