//! The routing engine alone, in memory, without server or database: how fast a freed agent gets her
//! next ticket, how that grows, how long a start takes, and a simulated day.
//!
//! Rounds of the engine and of its floor alternate, and medians are compared.

mod dice;
mod floor;
mod stopwatch;
mod world;

use floor::Heap;
use goals::numbers::{median, percentile_ms, short};
use goals::table::{Goal, Table, say};
use routing::Engine;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;
use stopwatch::Stopwatch;
use world::World;

const AGENTS: usize = 10_000;
const WAITING: usize = 100_000;
const ROUNDS: usize = 5;
const DECISIONS: usize = 20_000;

fn main() -> anyhow::Result<ExitCode> {
    let mut table = Table::default();
    let mut world = World::new(AGENTS, WAITING);
    start(&mut table, &world);
    decisions(&mut table, &mut world)?;
    drop(world);
    growth(&mut table)?;
    day(&mut table)?;
    table.print();
    Ok(table.verdict())
}

/// Until the first decision is made.
fn start(table: &mut Table, world: &World) {
    let starts = (0..3).map(|_| {
        let rows = world.snapshot();
        let watch = Stopwatch::start();
        let mut engine = Engine::from_rows(rows, world.now);
        black_box(engine.decide(world.now));
        watch.elapsed().as_secs_f64()
    });
    let name = "router start, 100,000 waiting, 10,000 agents";
    table.plain(name, "s", median(starts.collect()), Goal::AtMost(2.0));
}

fn decisions(table: &mut Table, world: &mut World) -> anyhow::Result<()> {
    let mut heap = Heap::of(WAITING);
    let (mut ours, mut turns, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    let (mut scans, mut latencies) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS * 2 {
        // ABBA: neither side always has the warmer machine.
        if matches!(round % 4, 0 | 3) {
            let laps = world.turn_over(DECISIONS)?;
            ours.push(per_second(&laps.decisions));
            turns.push(per_second(&laps.turns));
            latencies.extend(laps.decisions);
        } else {
            floor.push(heap.pairs(DECISIONS));
            scans.push(1.0 / world.scan_s());
        }
    }
    let (rate, floor) = (median(ours), median(floor));
    let goal = Goal::AtLeast(0.3);
    table.ratio("a freed agent's next ticket", "/s", rate, floor, goal);
    let p99_us = percentile_ms(&latencies, 0.99) * 1e3;
    table.plain("… p99", "µs", p99_us, Goal::AtMost(5.0));
    let goal = Goal::AtLeast(100.0);
    table.ratio("… beside the scan", "/s", rate, median(scans), goal);
    say(&format!(
        "  with the images of offer, answer and arrival: {} /s",
        short(median(turns))
    ));
    Ok(())
}

/// The slopes of log time over log size.
fn growth(table: &mut Table) -> anyhow::Result<()> {
    let (ours, heap) = slopes([10_000, 100_000, 1_000_000], |n| World::new(AGENTS, n))?;
    let name = "… slope over waiting, beyond the heap's";
    table.plain(name, "", ours - heap, Goal::AtMost(0.05));
    let (ours, heap) = slopes([1_000, 10_000, 100_000], |n| World::new(n, WAITING))?;
    let name = "… slope over agents, beyond the heap's";
    table.plain(name, "", ours - heap, Goal::AtMost(0.05));
    Ok(())
}

/// Ours, and the heap's over the same sizes.
fn slopes(sizes: [usize; 3], world: impl Fn(usize) -> World) -> anyhow::Result<(f64, f64)> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for n in sizes {
        let (mut world, mut heap) = (world(n), Heap::of(n));
        let (mut engine_s, mut heap_s) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            engine_s.push(1.0 / per_second(&world.turn_over(DECISIONS / 4)?.decisions));
            heap_s.push(1.0 / heap.pairs(DECISIONS));
        }
        ours.push(median(engine_s));
        floor.push(median(heap_s));
    }
    let (ours, floor) = (slope(&sizes, &ours), slope(&sizes, &floor));
    say(&format!(
        "  the time grows with size to the power {}, the heap's {}",
        short(ours),
        short(floor)
    ));
    Ok((ours, floor))
}

/// Least squares.
fn slope(sizes: &[usize], times: &[f64]) -> f64 {
    let x: Vec<f64> = sizes.iter().map(|n| (*n as f64).ln()).collect();
    let y: Vec<f64> = times.iter().map(|t| t.ln()).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mx, my) = (mean(&x), mean(&y));
    let over: f64 = x.iter().zip(&y).map(|(a, b)| (a - mx) * (b - my)).sum();
    over / x.iter().map(|a| (a - mx).powi(2)).sum::<f64>()
}

fn day(table: &mut Table) -> anyhow::Result<()> {
    let text = r#"{"contacts": 10000, "warmup_contacts": 0, "queues": [{"id": "q"}],
        "classes": [{"id": "c", "queue": "q", "arrivals": {"poisson_per_s": 0.1157}, "handle_s": {"exp": 240},
                     "patience_s": {"exp": 300}}],
        "agents": [{"id": "team", "count": 32, "queues": [{"queue": "q"}]}]}"#;
    let scenario: routing::simulate::Scenario = text
        .parse()
        .map_err(|faults: Vec<String>| anyhow::anyhow!(faults.join("; ")))?;
    let days = (0..3).map(|_| {
        let watch = Stopwatch::start();
        black_box(routing::simulate::simulate(&scenario, &mut |_| {}));
        watch.elapsed().as_secs_f64()
    });
    let name = "a simulated day of 10,000 contacts";
    table.plain(name, "s", median(days.collect()), Goal::AtMost(2.0));
    Ok(())
}

fn per_second(latencies: &[Duration]) -> f64 {
    latencies.len() as f64 / latencies.iter().sum::<Duration>().as_secs_f64()
}
