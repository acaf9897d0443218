//! What is printed at the end: each promise with both sides, the ratio and the goal.

use crate::numbers;
use std::io::Write;
use std::process::ExitCode;

struct Row {
    name: &'static str,
    ours: String,
    floor: String,
    /// What is held against the goal.
    measured: f64,
    goal: Goal,
    load: String,
}

/// The bound that a measured number must keep.
#[derive(Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing is promised; it is good to know.
    Noted,
}

impl Goal {
    fn is_met(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(bound) => measured >= bound,
            Self::AtMost(bound) => measured <= bound,
            Self::Noted => true,
        }
    }

    fn words(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {bound}"),
            Self::AtMost(bound) => format!("≤ {bound}"),
            Self::Noted => "–".to_owned(),
        }
    }
}

#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// A number beside its floor; what counts is the ratio.
    pub fn ratio(&mut self, name: &'static str, unit: &str, ours: f64, floor: f64, goal: Goal) {
        let text = |n: f64| format!("{} {unit}", numbers::short(n));
        self.add(name, text(ours), text(floor), ours / floor, goal);
    }

    /// A number that is bounded as it is.
    pub fn plain(&mut self, name: &'static str, unit: &str, ours: f64, goal: Goal) {
        let text = format!("{} {unit}", numbers::short(ours));
        self.add(name, text, "–".to_owned(), ours, goal);
    }

    fn add(&mut self, name: &'static str, ours: String, floor: String, measured: f64, goal: Goal) {
        let row = Row {
            name,
            ours,
            floor,
            measured,
            goal,
            load: numbers::load_average(),
        };
        say(&row.line());
        self.0.push(row);
    }

    pub fn print(&self) {
        say(&format!(
            "\n{:<46} {:>14} {:>14} {:>8} {:>8}  {:<6} load",
            "what", "ours", "floor", "measured", "goal", "result"
        ));
        for row in &self.0 {
            say(&row.line());
        }
    }

    pub fn verdict(&self) -> ExitCode {
        let missed = |row: &&Row| !row.goal.is_met(row.measured);
        match self.0.iter().filter(missed).count() {
            0 => ExitCode::SUCCESS,
            n => {
                say(&format!("\n{n} of {} goals are missed.", self.0.len()));
                ExitCode::FAILURE
            }
        }
    }
}

impl Row {
    fn line(&self) -> String {
        let result = match self.goal {
            Goal::Noted => "noted",
            goal if goal.is_met(self.measured) => "met",
            _ => "MISSED",
        };
        format!(
            "{:<46} {:>14} {:>14} {:>8} {:>8}  {:<6} {}",
            self.name,
            self.ours,
            self.floor,
            numbers::short(self.measured),
            self.goal.words(),
            result,
            self.load
        )
    }
}

/// One line for the person who watches; a closed pipe is no fault of the benchmark.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
