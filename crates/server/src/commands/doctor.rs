//! `meari doctor`: looks without changing anything that stays, and says what to do.

use crate::cli::answer;
use crate::config::Config;
use crate::data_dir::DataDir;
use domain::{Clock, SystemClock, Time};
use std::path::Path;
use std::process::ExitCode;

/// Below this the next attachment or backup may not fit.
const DISK_FREE_BYTES_MIN: u64 = 1 << 30;

#[derive(Debug, PartialEq, Eq)]
enum Finding {
    Good(String),
    /// Works, but a person should know.
    Odd(String),
    Bad(String),
}

use Finding::{Bad, Good, Odd};

pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    // A configuration that could not be read never comes this far.
    let findings = [
        (
            "configuration",
            Good("every setting is understood".to_owned()),
        ),
        ("data folder", data_folder(&config.data_dir)),
        ("disk", disk(&config.data_dir)),
        ("master key", key(config)),
        ("clock", clock(SystemClock.now(), &config.data_dir)),
        ("port", port(config).await),
    ];
    let mut text = String::new();
    for (name, finding) in &findings {
        let (mark, words) = match finding {
            Good(words) => ("ok", words),
            Odd(words) => ("note", words),
            Bad(words) => ("BAD", words),
        };
        text.push_str(&format!("{mark:>4}  {name:<14} {words}\n"));
    }
    answer(&text);
    let bad = findings
        .iter()
        .any(|(_, finding)| matches!(finding, Bad(_)));
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn data_folder(path: &Path) -> Finding {
    if !path.exists() {
        return Odd(format!(
            "{} does not exist yet; `meari serve` makes it",
            path.display()
        ));
    }
    if let Err(error) = tempfile_in(path) {
        return Bad(format!("{} cannot be written: {error}", path.display()));
    }
    Good(format!("{} is writable", path.display()))
}

fn tempfile_in(path: &Path) -> std::io::Result<()> {
    let probe = path.join(".doctor");
    std::fs::write(&probe, b"can this be written?")?;
    std::fs::remove_file(probe)
}

fn disk(path: &Path) -> Finding {
    // The folder may not exist yet; what counts is the file system it will lie on.
    let existing = path
        .ancestors()
        .find(|p| p.exists())
        .unwrap_or(Path::new("."));
    match rustix::fs::statvfs(existing) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let words = format!("{} MiB free", free >> 20);
            if free < DISK_FREE_BYTES_MIN {
                Bad(words)
            } else {
                Good(words)
            }
        }
        Err(error) => Odd(format!("free space is unknown: {error}")),
    }
}

fn key(config: &Config) -> Finding {
    let path = DataDir::at(&config.data_dir).master_key();
    match (&config.master_key, path.exists()) {
        (Some(_), false) => Good("from the configuration".to_owned()),
        (Some(_), true) => Odd(format!(
            "from the configuration; {} is not used",
            path.display()
        )),
        (None, true) => Good(format!("{}; is it in your backup?", path.display())),
        (None, false) => Odd("made on the first start".to_owned()),
    }
}

/// Tokens, offers and signatures depend on the time, and a clock set back breaks their order.
fn clock(now: Time, folder: &Path) -> Finding {
    let newest = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok())
        .max()
        .map(Time::from);
    match newest {
        Some(written) if written - now > chrono::Duration::minutes(1) => Bad(format!(
            "{now} is earlier than the last change of the data folder ({written})"
        )),
        _ => Good(now.to_rfc3339()),
    }
}

async fn port(config: &Config) -> Finding {
    match tokio::net::TcpListener::bind(config.listen).await {
        Ok(_) => Good(format!("{} is free", config.listen)),
        Err(error) => Bad(format!("{}: {error}", config.listen)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_bad_and_a_free_one_good() {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = taken.local_addr().unwrap();
        let config = Config {
            listen,
            ..Config::default()
        };
        assert!(matches!(port(&config).await, Bad(_)));
        drop(taken);
        assert!(matches!(port(&config).await, Good(_)));
    }

    #[test]
    fn a_folder_written_in_the_future_tells_of_a_clock_set_back() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("meari.db"), b"").unwrap();
        let now = SystemClock.now();
        assert!(matches!(clock(now, folder.path()), Good(_)));
        let back = now - chrono::Duration::hours(1);
        assert!(matches!(clock(back, folder.path()), Bad(_)));
    }
}
