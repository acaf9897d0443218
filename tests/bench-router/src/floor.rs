//! The floors: one binary heap, which knows neither agents nor skills nor why, and the scan of
//! everything that waits.

use crate::dice::Dice;
use crate::stopwatch::Stopwatch;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

/// So far in the future may a new key lie.
const SPREAD: u64 = 1_000_000_000;

/// Pop the first, push a later one: what no router can do without.
pub struct Heap {
    heap: BinaryHeap<Reverse<(i64, u64)>>,
    dice: Dice,
}

impl Heap {
    pub fn of(n: usize) -> Self {
        let mut dice = Dice(7);
        let mut key = || (dice.small(SPREAD), dice.next());
        let heap = (0..n).map(|_| Reverse(key())).collect();
        Self { heap, dice }
    }

    /// How many pairs a second.
    pub fn pairs(&mut self, n: usize) -> f64 {
        let watch = Stopwatch::start();
        for _ in 0..n {
            let Some(Reverse((at, _))) = self.heap.pop() else {
                break;
            };
            let key = (at + self.dice.small(SPREAD), self.dice.next());
            self.heap.push(Reverse(black_box(key)));
        }
        n as f64 / watch.elapsed().as_secs_f64()
    }
}
