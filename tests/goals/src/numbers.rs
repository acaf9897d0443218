//! Medians, percentiles, and what the machine says of itself.

use anyhow::Context;
use std::time::Duration;

/// The middle one; the lower of two middle ones.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
}

/// In milliseconds; `of` is 0.5 for the median, 0.99 for p99.
pub fn percentile_ms(latencies: &[Duration], of: f64) -> f64 {
    let mut millis: Vec<f64> = latencies.iter().map(|d| d.as_secs_f64() * 1e3).collect();
    millis.sort_by(f64::total_cmp);
    let at = (millis.len() as f64 * of) as usize;
    let last = millis.len().saturating_sub(1);
    millis.get(at.min(last)).copied().unwrap_or(f64::NAN)
}

/// Three significant digits at least, no more than a reader needs.
pub fn short(n: f64) -> String {
    match n.abs() {
        n_abs if n_abs >= 100.0 => format!("{n:.0}"),
        n_abs if n_abs >= 10.0 => format!("{n:.1}"),
        _ => format!("{n:.2}"),
    }
}

/// Of the last minute, as the kernel tells it.
pub fn load_average() -> String {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split(' ').next().unwrap_or("?").to_owned()
}

/// Resident memory of a process in kB.
pub fn resident_kb(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("a process has VmRSS")?.parse()?)
}
