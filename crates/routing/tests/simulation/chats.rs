//! Chats that share an agent's attention: she works on several at once, each of them slower.

use crate::chain::Chain;
use crate::runs::Runs;

const WORK: f64 = 1.0 / 90.0;
const QUIT: f64 = 1.0 / 120.0;

/// One agent with three chats: total speed 1, 1.6, 2; whoever comes fourth waits.
#[test]
fn chats_share_an_agent_who_slows_down() {
    let arrive = 0.02;
    let speed = |n: i32| [0.0, 1.0, 1.6, 2.0][usize::try_from(n.min(3)).unwrap()];
    let waiting = |n: i32| f64::from((n - 3).max(0));
    let chain = Chain::solve(0, |&n: &i32| {
        let more = if n < 60 { arrive } else { 0.0 };
        vec![(n + 1, more), (n - 1, WORK * speed(n) + QUIT * waiting(n))]
    });
    let text = r#"{"warmup_contacts": 200, "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "channel": "chat", "arrivals": {"poisson_per_s": 0.02}, "handle_s": {"exp": 90}, "patience_s": {"exp": 120}}],
      "agents": [{"id": "team", "count": 1, "queues": [{"queue": "q"}], "capacity": {"chat": 3}, "speed_by_load": [1.0, 1.6, 2.0]}]}"#;
    let runs = Runs::of(text, 6_000);
    runs.agree("load", chain.mean(|n| f64::from((*n).min(3))), |r| {
        r.agents["team"].mean_load.0
    });
    runs.agree("occupancy", chain.share(|n| *n > 0), |r| {
        r.agents["team"].occupancy.0
    });
    let waiting = chain.mean(|n| waiting(*n));
    runs.agree("waiting", waiting, |r| r.total.mean_waiting.0);
    runs.agree("abandoned", QUIT * waiting / arrive, |r| {
        r.total.abandon_rate.0
    });
}

const SLOTS: [usize; 2] = [4, 2];
const SPEEDS: [&[f64]; 2] = [&[1.0, 1.6, 2.0, 2.2], &[0.5, 0.8]];
const ROOM: usize = 60;

#[derive(Clone, Copy)]
enum Choice {
    /// By slots used ÷ slots; of equals the longest idle.
    LeastOccupied,
    /// The same, but of equals the one who was released last.
    LastReleased,
    /// By slots used.
    FewestChats,
    LongestIdle,
}

/// Chats in each agent's hands, who was released last, and how many wait.
type Desk = ([usize; 2], usize, usize);

/// Who gets a new chat.
fn choose(choice: Choice, (used, last, _): &Desk) -> Option<usize> {
    let free = |agent: &usize| used[*agent] < SLOTS[*agent];
    let rank = |agent: &usize| {
        let agent = *agent;
        let occupied = used[agent] * SLOTS[1 - agent];
        let released_last = usize::from(agent == *last);
        match choice {
            Choice::LeastOccupied => (occupied, released_last),
            Choice::LastReleased => (occupied, 1 - released_last),
            Choice::FewestChats => (used[agent], released_last),
            Choice::LongestIdle => (0, released_last),
        }
    };
    (0..2).filter(free).min_by_key(rank)
}

fn solve(choice: Choice, arrive: f64) -> Chain<Desk> {
    Chain::solve(([0, 0], 0, 0), |desk: &Desk| {
        let (used, last, waiting) = *desk;
        let mut moves = vec![];
        match choose(choice, desk) {
            Some(agent) => {
                let mut used = used;
                used[agent] += 1;
                moves.push(((used, last, 0), arrive));
            }
            None if waiting < ROOM => moves.push(((used, last, waiting + 1), arrive)),
            None => {}
        }
        for agent in (0..2).filter(|a| used[*a] > 0) {
            let mut left = used;
            left[agent] -= usize::from(waiting == 0);
            let rate = WORK * SPEEDS[agent][used[agent] - 1];
            moves.push(((left, agent, waiting.saturating_sub(1)), rate));
        }
        if waiting > 0 {
            moves.push(((used, last, waiting - 1), QUIT * waiting as f64));
        }
        moves
    })
}

fn load(chain: &Chain<Desk>, agent: usize) -> f64 {
    chain.mean(|(used, ..)| used[agent] as f64)
}

fn simulated(arrive: f64) -> (Runs, Chain<Desk>) {
    let text = r#"{"warmup_contacts": 200, "select": "least_occupied", "queues": [{"id": "q"}],
      "classes": [{"id": "c", "queue": "q", "channel": "chat", "arrivals": {"poisson_per_s": ARRIVE}, "handle_s": {"exp": 90}, "patience_s": {"exp": 120}}],
      "agents": [
        {"id": "four", "count": 1, "queues": [{"queue": "q"}], "capacity": {"chat": 4}, "speed_by_load": [1.0, 1.6, 2.0, 2.2]},
        {"id": "two", "count": 1, "queues": [{"queue": "q"}], "capacity": {"chat": 2}, "speed_by_load": [0.5, 0.8]}]}"#;
    let runs = Runs::of(&text.replace("ARRIVE", &arrive.to_string()), 6_000);
    let chain = solve(Choice::LeastOccupied, arrive);
    for (agent, name) in [(0, "four"), (1, "two")] {
        runs.agree("load", load(&chain, agent), |r| r.agents[name].mean_load.0);
        let busy = chain.share(|(used, ..)| used[agent] > 0);
        runs.agree("occupancy", busy, |r| r.agents[name].occupancy.0);
    }
    (runs, chain)
}

#[test]
fn a_chat_goes_to_the_least_occupied_and_of_equals_to_the_longest_idle() {
    let (runs, _) = simulated(0.008);
    for other in [
        Choice::LastReleased,
        Choice::FewestChats,
        Choice::LongestIdle,
    ] {
        runs.differ("load", load(&solve(other, 0.008), 1), |r| {
            r.agents["two"].mean_load.0
        });
    }
}

#[test]
fn chats_wait_when_every_slot_is_taken() {
    let arrive = 0.035;
    let (runs, chain) = simulated(arrive);
    let waiting = chain.mean(|(.., waiting)| *waiting as f64);
    runs.agree("waiting", waiting, |r| r.total.mean_waiting.0);
    runs.agree("abandoned", QUIT * waiting / arrive, |r| {
        r.total.abandon_rate.0
    });
    let full = chain.share(|(used, ..)| *used == SLOTS);
    runs.agree("p_wait", full, |r| r.total.p_wait.0);
}
