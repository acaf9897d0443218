//! Several queues and an agent who serves two of them: which one she turns to.

use crate::chain::Chain;
use crate::runs::Runs;

const ARRIVE: [f64; 2] = [0.024, 0.016];
const WORK: f64 = 1.0 / 60.0;
const QUIT: f64 = 1.0 / 90.0;
const ROOM: i32 = 12;

#[derive(Clone, Copy)]
enum Rule {
    /// The helper's own queue is the second; the first is served when that is empty.
    SecondFirst,
    /// The queue that has more of all who wait than its share of a quarter and three quarters.
    Shares,
}

impl Rule {
    /// Of queues that are not both empty, the place of the one to serve.
    fn turn(self, waiting: [i32; 2]) -> usize {
        match (self, waiting) {
            (_, [_, 0]) => 0,
            (_, [0, _]) | (Self::SecondFirst, _) => 1,
            // The same for the second queue is the opposite; the first goes first at a tie.
            (Self::Shares, [first, second]) => usize::from(3 * first < second),
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Desk {
    specialist: bool,
    helper: bool,
    waiting: [i32; 2],
}

/// The N design: a specialist for the first queue and a helper for both, who is asked last.
fn solve(rule: Rule) -> Chain<Desk> {
    let start = Desk {
        specialist: false,
        helper: false,
        waiting: [0, 0],
    };
    Chain::solve(start, |desk: &Desk| {
        let mut moves = vec![];
        for (queue, arrive) in ARRIVE.into_iter().enumerate() {
            let mut next = desk.clone();
            if queue == 0 && !desk.specialist {
                next.specialist = true;
            } else if !desk.helper {
                next.helper = true;
            } else if desk.waiting[queue] < ROOM {
                next.waiting[queue] += 1;
            }
            moves.push((next, arrive));
            if desk.waiting[queue] > 0 {
                let mut next = desk.clone();
                next.waiting[queue] -= 1;
                moves.push((next, QUIT * f64::from(desk.waiting[queue])));
            }
        }
        if desk.specialist {
            let mut next = desk.clone();
            next.specialist = desk.waiting[0] > 0;
            next.waiting[0] -= i32::from(next.specialist);
            moves.push((next, WORK));
        }
        if desk.helper {
            let mut next = desk.clone();
            next.helper = desk.waiting != [0, 0];
            next.waiting[rule.turn(desk.waiting)] -= i32::from(next.helper);
            moves.push((next, WORK));
        }
        moves
    })
}

fn waiting(chain: &Chain<Desk>, queue: usize) -> f64 {
    chain.mean(|d| f64::from(d.waiting[queue]))
}

fn simulated(order: &str, helper: &str) -> Runs {
    let text = r#"{"warmup_contacts": 200, "order": "ORDER", "select": "top_down",
      "queues": [{"id": "first", "max_waiting": 12, "share": 0.25}, {"id": "second", "max_waiting": 12, "share": 0.75}],
      "classes": [
        {"id": "first", "queue": "first", "arrivals": {"poisson_per_s": 0.024}, "handle_s": {"exp": 60}, "patience_s": {"exp": 90}},
        {"id": "second", "queue": "second", "arrivals": {"poisson_per_s": 0.016}, "handle_s": {"exp": 60}, "patience_s": {"exp": 90}}],
      "agents": [
        {"id": "specialist", "count": 1, "queues": [{"queue": "first"}]},
        {"id": "helper", "count": 1, "queues": [HELPER]}]}"#;
    let text = text.replace("ORDER", order).replace("HELPER", helper);
    Runs::of(&text, 6_000)
}

fn agree(runs: &Runs, chain: &Chain<Desk>) {
    runs.agree("specialist", chain.share(|d| d.specialist), |r| {
        r.agents["specialist"].occupancy.0
    });
    runs.agree("helper", chain.share(|d| d.helper), |r| {
        r.agents["helper"].occupancy.0
    });
    for (queue, name) in [(0, "first"), (1, "second")] {
        runs.agree(name, waiting(chain, queue), |r| {
            r.queues[name].mean_waiting.0
        });
        let lost = QUIT * waiting(chain, queue) / ARRIVE[queue];
        runs.agree("abandoned", lost, |r| r.queues[name].abandon_rate.0);
    }
}

#[test]
fn a_helper_serves_her_own_queue_first() {
    let helper = r#"{"queue": "first", "priority": 2}, {"queue": "second", "priority": 1}"#;
    let runs = simulated("fifo", helper);
    agree(&runs, &solve(Rule::SecondFirst));
    let other = waiting(&solve(Rule::Shares), 1);
    runs.differ("second", other, |r| r.queues["second"].mean_waiting.0);
}

#[test]
fn a_helper_serves_the_queue_that_is_most_above_its_share() {
    let runs = simulated("fqr", r#"{"queue": "first"}, {"queue": "second"}"#);
    agree(&runs, &solve(Rule::Shares));
    let other = waiting(&solve(Rule::SecondFirst), 1);
    runs.differ("second", other, |r| r.queues["second"].mean_waiting.0);
}
