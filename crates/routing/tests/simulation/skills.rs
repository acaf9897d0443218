//! Several skills: two classes of contacts, agents for one of them and agents for both. Whom a new
//! contact gets and which contact a freed agent takes both show.

use crate::chain::Chain;
use crate::runs::Runs;

const BILLS: usize = 0;
const FAULTS: usize = 1;
const ARRIVE: [f64; 2] = [0.05, 0.025];
const HANDLE_S: [f64; 2] = [50.0, 80.0];
const QUIT: f64 = 1.0 / 120.0;

#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// Experts first, and the oldest contact.
    Fifo,
    /// Experts first, and faults before bills.
    FaultsFirst,
    /// Experts last, and the oldest contact.
    ExpertsLast,
}

/// One agent for bills, one for faults, two for both, and one line of six places.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Desk {
    /// Experts who are busy, by class.
    experts: [bool; 2],
    /// Of those who can do both, how many are busy with each.
    both: [u8; 2],
    line: Vec<usize>,
}

const BOTH: u8 = 2;
const ROOM: usize = 6;

impl Desk {
    fn has_free_of_both(&self) -> bool {
        self.both.iter().sum::<u8>() < BOTH
    }

    fn comes(&self, class: usize, rule: Rule) -> Self {
        let mut next = self.clone();
        let expert = !self.experts[class];
        let other = self.has_free_of_both();
        if expert && (rule != Rule::ExpertsLast || !other) {
            next.experts[class] = true;
        } else if other {
            next.both[class] += 1;
        } else if self.line.len() < ROOM {
            next.line.push(class);
        }
        next
    }

    fn expert_ends(&self, class: usize) -> Self {
        let mut next = self.clone();
        match next.line.iter().position(|c| *c == class) {
            Some(place) => drop(next.line.remove(place)),
            None => next.experts[class] = false,
        }
        next
    }

    fn one_of_both_ends(&self, class: usize, rule: Rule) -> Self {
        let mut next = self.clone();
        next.both[class] -= 1;
        if !next.line.is_empty() {
            let fault = next.line.iter().position(|c| *c == FAULTS);
            let place = fault.filter(|_| rule == Rule::FaultsFirst).unwrap_or(0);
            let taken = next.line.remove(place);
            next.both[taken] += 1;
        }
        next
    }
}

fn solve(rule: Rule) -> Chain<Desk> {
    let start = Desk {
        experts: [false; 2],
        both: [0; 2],
        line: vec![],
    };
    Chain::solve(start, |desk: &Desk| {
        let mut moves = vec![];
        for class in [BILLS, FAULTS] {
            let ends = 1.0 / HANDLE_S[class];
            moves.push((desk.comes(class, rule), ARRIVE[class]));
            if desk.experts[class] {
                moves.push((desk.expert_ends(class), ends));
            }
            let busy = desk.both[class];
            if busy > 0 {
                moves.push((desk.one_of_both_ends(class, rule), f64::from(busy) * ends));
            }
        }
        for place in 0..desk.line.len() {
            let mut next = desk.clone();
            next.line.remove(place);
            moves.push((next, QUIT));
        }
        moves
    })
}

fn waiting(chain: &Chain<Desk>, class: usize) -> f64 {
    chain.mean(|d| d.line.iter().filter(|c| **c == class).count() as f64)
}

fn simulated(order: &str) -> Runs {
    let text = r#"{"warmup_contacts": 200, "order": "ORDER", "select": "best_skill", "queues": [{"id": "q", "max_waiting": 6}],
      "classes": [
        {"id": "bills", "queue": "q", "arrivals": {"poisson_per_s": 0.05}, "handle_s": {"exp": 50}, "patience_s": {"exp": 120},
         "requires": [{"skill": "bills", "level": 1}]},
        {"id": "faults", "queue": "q", "priority": 1, "arrivals": {"poisson_per_s": 0.025}, "handle_s": {"exp": 80}, "patience_s": {"exp": 120},
         "requires": [{"skill": "faults", "level": 1}]}],
      "agents": [
        {"id": "both", "count": 2, "queues": [{"queue": "q"}], "skills": {"bills": 2, "faults": 2}},
        {"id": "bills", "count": 1, "queues": [{"queue": "q"}], "skills": {"bills": 3}},
        {"id": "faults", "count": 1, "queues": [{"queue": "q"}], "skills": {"faults": 3}}]}"#;
    Runs::of(&text.replace("ORDER", order), 6_000)
}

/// Share of those who can do both that is busy.
fn both_busy(chain: &Chain<Desk>) -> f64 {
    chain.mean(|d| f64::from(d.both.iter().sum::<u8>())) / f64::from(BOTH)
}

fn lost(chain: &Chain<Desk>, class: usize) -> f64 {
    QUIT * waiting(chain, class) / ARRIVE[class]
}

fn agree(runs: &Runs, chain: &Chain<Desk>) {
    for (class, name) in [(BILLS, "bills"), (FAULTS, "faults")] {
        runs.agree(name, chain.share(|d| d.experts[class]), |r| {
            r.agents[name].occupancy.0
        });
        runs.agree("abandoned", lost(chain, class), |r| {
            r.classes[name].abandon_rate.0
        });
        runs.agree("waiting", waiting(chain, class), |r| {
            r.classes[name].mean_waiting.0
        });
    }
    runs.agree("both", both_busy(chain), |r| r.agents["both"].occupancy.0);
    // Who comes while six wait is turned away, unless an expert of hers is free.
    let turned = [BILLS, FAULTS]
        .map(|class| ARRIVE[class] * chain.share(|d| d.line.len() == ROOM && d.experts[class]));
    let blocked = turned.iter().sum::<f64>() / ARRIVE.iter().sum::<f64>();
    runs.agree("blocked", blocked, |r| {
        r.total.blocked as f64 / r.total.offered as f64
    });
}

#[test]
fn experts_are_asked_first_and_who_can_do_both_takes_the_oldest() {
    let runs = simulated("fifo");
    agree(&runs, &solve(Rule::Fifo));
    runs.differ("both", both_busy(&solve(Rule::ExpertsLast)), |r| {
        r.agents["both"].occupancy.0
    });
    runs.differ("faults", lost(&solve(Rule::FaultsFirst), FAULTS), |r| {
        r.classes["faults"].abandon_rate.0
    });
}

#[test]
fn who_can_do_both_takes_the_more_urgent_class_first() {
    let runs = simulated("strict");
    agree(&runs, &solve(Rule::FaultsFirst));
    runs.differ("faults", lost(&solve(Rule::Fifo), FAULTS), |r| {
        r.classes["faults"].abandon_rate.0
    });
}
