//! `meari simulate`: reads a scenario, lets the routing crate run it, prints what it found.

use crate::cli::{SimulateArguments, answer, complain};
use anyhow::Context;
use routing::simulate::{Measures, Ratio, Report, Scenario, simulate};
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

/// A scenario with faults; each was told.
const FAULTY: u8 = 2;
/// No honest scenario is larger.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

pub fn run(arguments: &SimulateArguments) -> anyhow::Result<ExitCode> {
    let mut scenario: Scenario = match read(arguments)?.parse() {
        Ok(scenario) => scenario,
        Err(faults) => {
            let faults: Vec<String> = faults;
            for fault in faults {
                complain(&anyhow::anyhow!("{fault}"));
            }
            return Ok(ExitCode::from(FAULTY));
        }
    };
    scenario.seed = arguments.seed.unwrap_or(scenario.seed);
    scenario.contacts = arguments.contacts.or(scenario.contacts);
    let report = execute(&scenario, arguments)?;
    if arguments.json {
        answer(&format!("{}\n", serde_json::to_string_pretty(&report)?));
    } else {
        answer(&table(&report));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(arguments: &SimulateArguments) -> anyhow::Result<String> {
    let named = || format!("cannot read {}", arguments.file.display());
    let size = std::fs::metadata(&arguments.file)
        .with_context(named)?
        .len();
    anyhow::ensure!(
        size <= FILE_BYTES_MAX,
        "{} is too large",
        arguments.file.display()
    );
    std::fs::read_to_string(&arguments.file).with_context(named)
}

fn execute(scenario: &Scenario, arguments: &SimulateArguments) -> anyhow::Result<Report> {
    let Some(path) = &arguments.log else {
        return Ok(timed(scenario, &mut |_| {}));
    };
    let named = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(std::fs::File::create(path).with_context(named)?);
    let mut written = Ok(());
    let report = timed(scenario, &mut |line| {
        if written.is_ok() {
            written = file.write_all(line.as_bytes());
        }
    });
    written.and_then(|()| file.flush()).with_context(named)?;
    Ok(report)
}

fn timed(scenario: &Scenario, log: &mut dyn FnMut(&str)) -> Report {
    let begun = tokio::time::Instant::now();
    let mut report = simulate(scenario, log);
    report.wall_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    report
}

/// For people: one line for everything, each queue and class, and one for each group of agents.
fn table(report: &Report) -> String {
    let mut text = format!(
        "{} contacts in {:.0} s of virtual time, {} decisions, {} ms\n\n",
        report.contacts, report.virtual_s, report.decisions, report.wall_ms
    );
    let head = [
        "",
        "offered",
        "answered",
        "abandoned",
        "blocked",
        "waited",
        "ASA s",
        "p95 s",
        "max s",
        "SL1",
        "SL2",
        "SL3",
        "SL4",
    ];
    row(&mut text, &head.map(str::to_owned));
    row(&mut text, &line("total", &report.total));
    for (id, measures) in &report.queues {
        row(&mut text, &line(&format!("queue {id}"), measures));
    }
    for (id, measures) in &report.classes {
        row(&mut text, &line(&format!("class {id}"), measures));
    }
    text.push('\n');
    let head = ["", "occupancy", "load", "offers", "answered", "no answer"];
    row(&mut text, &head.map(str::to_owned));
    for (id, agents) in &report.agents {
        let cells = [
            format!("agents {id}"),
            percent(agents.occupancy),
            number(agents.mean_load),
            agents.offers.to_string(),
            agents.answered.to_string(),
            agents.no_answer.to_string(),
        ];
        row(&mut text, &cells);
    }
    let residual = percent(report.littles_law_residual);
    let _ = writeln!(
        text,
        "\nLittle's law is off by {residual}; decision log sha256 {}",
        report.decision_log_sha256
    );
    text
}

fn line(name: &str, m: &Measures) -> [String; 13] {
    [
        name.to_owned(),
        m.offered.to_string(),
        m.answered.to_string(),
        m.abandoned.to_string(),
        m.blocked.to_string(),
        percent(m.p_wait),
        number(m.asa_s),
        number(m.wait_p95_s),
        number(m.wait_max_s),
        percent(m.sl1),
        percent(m.sl2),
        percent(m.sl3),
        percent(m.sl4),
    ]
}

fn row(text: &mut String, cells: &[String]) {
    for (place, cell) in cells.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = match place {
            0 => write!(text, "{cell:<24}"),
            _ => write!(text, " {cell:>10}"),
        };
    }
    text.truncate(text.trim_end_matches(' ').len());
    text.push('\n');
}

fn percent(ratio: Ratio) -> String {
    shown(ratio.0 * 100.0, " %")
}

fn number(ratio: Ratio) -> String {
    shown(ratio.0, "")
}

fn shown(n: f64, unit: &str) -> String {
    if n.is_finite() {
        format!("{n:.2}{unit}")
    } else {
        "-".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(file: &std::path::Path) -> SimulateArguments {
        SimulateArguments {
            file: file.to_owned(),
            seed: Some(3),
            contacts: Some(2000),
            json: false,
            log: None,
        }
    }

    const SCENARIO: &str =
        include_str!("../../../routing/tests/fixtures/scenarios/r04-erlang-a.json");

    #[test]
    fn the_table_names_every_queue_class_and_group_and_the_log_holds_every_decision() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut scenario: Scenario = SCENARIO.parse().unwrap();
        (scenario.contacts, scenario.warmup_contacts) = (Some(2000), 100);
        let with_log = SimulateArguments {
            log: Some(log.clone()),
            ..arguments(folder.path())
        };
        let report = execute(&scenario, &with_log).unwrap();
        let told = table(&report);
        for name in ["total", "queue support", "class calls", "agents team"] {
            assert!(told.contains(name), "{told}");
        }
        let lines = std::fs::read_to_string(log).unwrap().lines().count();
        assert_eq!(lines as u64, report.decisions);
    }

    #[test]
    fn a_faulty_file_ends_with_exit_code_2() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scenario.json");
        std::fs::write(&file, SCENARIO.replace("0.8", "-0.8")).unwrap();
        let code = run(&arguments(&file)).unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(FAULTY)));
        std::fs::write(&file, SCENARIO).unwrap();
        let code = run(&arguments(&file)).unwrap();
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::SUCCESS));
    }
}
