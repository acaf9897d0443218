//! `meari demo`: a shop with a past and customers who keep writing, in a folder of its own.
//!
//! Invariant: never on anything real. A folder that holds something without the demo's mark is
//! left alone, and so is PostgreSQL unless it was asked for and is empty. The mark is there before
//! the first row, and says whether the past is whole: one that was interrupted is thrown away.

use super::serve;
use crate::cli::DemoArguments;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::house::{self, Purpose};
use anyhow::{Context, bail};
use app::demo::{self, Plan, Progress, Story};
use domain::clock::ManualClock;
use domain::{Clock, SystemClock};
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_util::sync::CancellationToken;

/// Present in the folder of a demo and of nothing else. Holds how far the story is.
const MARK: &str = "demo.json";
const FOLDER: &str = "demo-data";

pub async fn run(mut config: Config, arguments: &DemoArguments) -> anyhow::Result<ExitCode> {
    if config.data_dir == Config::default().data_dir {
        // The usual folder is where a real installation would be.
        config.data_dir = PathBuf::from(FOLDER);
    }
    let listener = serve::bind(&config).await?;
    let folder = config.data_dir.clone();
    let story = match (look(&folder)?, &config.database_url) {
        (Found::Demo(story), _) => story,
        (Found::Nothing, None) => {
            clear(&folder)?;
            live_through_past(&config).await?
        }
        // Set-up happens once in the life of a database, so one in use refuses by itself.
        (Found::Nothing, Some(_)) if arguments.on_postgres => live_through_past(&config).await?,
        (Found::Nothing, Some(_)) => bail!(
            "the demo runs on a folder of its own, and database_url names PostgreSQL. \
             Leave it out, or give --on-postgres with an empty database"
        ),
    };
    let purpose = Purpose {
        serving: true,
        listening: Some(listener.local_addr()?),
        demo: Some((demo::OWNER_EMAIL.to_owned(), demo::PASSWORD.to_owned())),
        ..Purpose::command()
    };
    let app = house::build(&config, purpose).await?;
    let stop = CancellationToken::new();
    let (playing, ending) = (app.clone(), stop.clone());
    let url = app.config.public_url.clone();
    let players = tokio::spawn(async move {
        let keep = |story: &Story| write_mark(&folder, Some(story));
        if let Err(error) = demo::live(playing, story, keep, ending).await {
            tracing::error!(error = %error, "nobody plays the demo's customers");
        }
    });
    let ready = async move {
        welcome(&url);
        Ok(())
    };
    let served = serve::serve(&config, app, listener, ready).await;
    stop.cancel();
    players.await?;
    served?;
    Ok(ExitCode::SUCCESS)
}

/// What the mark says. Without a story the past is not whole.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Mark {
    story: Option<Story>,
}

enum Found {
    Nothing,
    Demo(Story),
}

fn look(folder: &Path) -> anyhow::Result<Found> {
    let shown = folder.display();
    let mark = folder.join(MARK);
    if mark.is_file() {
        let text = std::fs::read(&mark).with_context(|| format!("cannot read {shown}/{MARK}"))?;
        let mark: Mark = serde_json::from_slice(&text).with_context(|| {
            format!("{shown}/{MARK} is not readable; delete {shown} to begin a new demo")
        })?;
        return Ok(mark.story.map_or(Found::Nothing, Found::Demo));
    }
    let is_empty = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| format!("cannot look into {shown}")),
    };
    if is_empty {
        return Ok(Found::Nothing);
    }
    bail!(
        "{shown} holds something that is no demo, maybe your real installation, so the demo leaves \
         it alone. Choose another folder with --data-dir"
    )
}

/// Written beside and moved over, so that a crash leaves the old or the new mark.
fn write_mark(folder: &Path, story: Option<&Story>) -> std::io::Result<()> {
    let text = serde_json::to_vec(&Mark {
        story: story.cloned(),
    })?;
    let beside = folder.join("demo.json.new");
    std::fs::write(&beside, text)?;
    std::fs::rename(beside, folder.join(MARK))
}

/// Throws an unfinished past away: everything in a folder that holds the mark is the demo's.
fn clear(folder: &Path) -> anyhow::Result<()> {
    if !folder.join(MARK).is_file() {
        return Ok(());
    }
    let failed = || format!("cannot clear {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let path = entry.path();
        if entry.file_name() == MARK {
            continue;
        }
        let is_folder = entry.file_type().with_context(failed)?.is_dir();
        let removed = if is_folder {
            std::fs::remove_dir_all(&path)
        } else {
            std::fs::remove_file(&path)
        };
        removed.with_context(failed)?;
    }
    Ok(())
}

async fn live_through_past(config: &Config) -> anyhow::Result<Story> {
    DataDir::at(&config.data_dir).make()?;
    write_mark(&config.data_dir, None)?;
    let plan = Plan::usual(SystemClock.now());
    let clock = ManualClock::at(plan.begin());
    let purpose = Purpose {
        clock: Arc::new(clock.clone()),
        alone: true,
        ..Purpose::command()
    };
    let app = house::build(config, purpose).await?;
    let bar = Bar::default();
    let story = demo::live_through(&app, &clock, plan, &|p| bar.show(p)).await;
    bar.end();
    let story = story.context("the demo's past could not be made")?;
    write_mark(&config.data_dir, Some(&story))?;
    Ok(story)
}

/// A line that grows on a terminal; a few lines elsewhere.
#[derive(Default)]
struct Bar(AtomicU64);

impl Bar {
    fn show(&self, progress: Progress) {
        const WIDTH: u64 = 30;
        let of = progress.of.max(1);
        let percent = progress.done * 100 / of;
        let mut out = std::io::stderr().lock();
        if out.is_terminal() {
            let full = usize::try_from(progress.done * WIDTH / of).unwrap_or(0);
            let bar: String = "█".repeat(full) + &"░".repeat(30 - full.min(30));
            let _ = write!(
                out,
                "\r  Living through two weeks of a shop  {bar} {percent:3} %"
            );
            let _ = out.flush();
        } else if percent / 25 > self.0.swap(percent / 25, Ordering::Relaxed) {
            let _ = writeln!(out, "  Living through two weeks of a shop: {percent} %");
        }
    }

    fn end(&self) {
        let mut out = std::io::stderr().lock();
        if out.is_terminal() {
            let _ = writeln!(out);
        }
    }
}

fn welcome(url: &str) {
    let lines = [
        String::new(),
        "Meari 메아리 is running with demo data.".to_owned(),
        String::new(),
        format!("Open      {url}"),
        format!("E-mail    {}", demo::OWNER_EMAIL),
        format!("Password  {}", demo::PASSWORD),
        String::new(),
        "Customers keep writing. Set yourself to Available to get offers.".to_owned(),
        "Stop with Ctrl-C; the next start goes on from here.".to_owned(),
        String::new(),
    ];
    // Hangul takes two columns.
    let columns = |text: &str| {
        text.chars()
            .map(|c| if ('가'..='힣').contains(&c) { 2 } else { 1 })
            .sum::<usize>()
    };
    let width = lines.iter().map(|line| columns(line)).max().unwrap_or(0);
    let edge = "─".repeat(width + 4);
    let mut text = format!("\n  ┌{edge}┐\n");
    for line in &lines {
        let rest = " ".repeat(width - columns(line));
        text.push_str(&format!("  │  {line}{rest}  │\n"));
    }
    text.push_str(&format!("  └{edge}┘\n\n"));
    crate::cli::answer(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_the_mark_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(look(folder.path()), Ok(Found::Nothing)));
        assert!(matches!(
            look(&folder.path().join("absent")),
            Ok(Found::Nothing)
        ));
        std::fs::write(folder.path().join("meari.db"), b"real").unwrap();
        let refused = look(folder.path()).err().map(|e| e.to_string()).unwrap();
        assert!(refused.contains("leaves it alone"), "{refused}");
    }

    #[test]
    fn an_unfinished_past_is_thrown_away_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let row = folder.path().join("meari.db");
        std::fs::write(&row, b"half").unwrap();
        clear(folder.path()).unwrap();
        assert!(row.exists(), "without the mark nothing is removed");
        write_mark(folder.path(), None).unwrap();
        assert!(matches!(look(folder.path()), Ok(Found::Nothing)));
        clear(folder.path()).unwrap();
        assert!(!row.exists());
    }

    #[test]
    fn the_mark_brings_back_the_story() {
        let folder = tempfile::tempdir().unwrap();
        let story = Story::begin(7);
        write_mark(folder.path(), Some(&story)).unwrap();
        match look(folder.path()).unwrap() {
            Found::Demo(found) => assert_eq!(found, story),
            Found::Nothing => panic!("the mark was not seen"),
        }
    }
}
