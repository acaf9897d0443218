//! Builds the house from its configuration: the order in which parts depend on each other.

use crate::config::Config;
use crate::data_dir::DataDir;
use anyhow::Context;
use app::bus::{Bus, LocalBus, NatsBus};
use app::mailer::{FolderMailer, Mailer, SmtpMailer};
use app::outbound::Outbound;
use app::outbound::guard::{Guard, GuardConfig};
use app::passwords::Passwords;
use app::secrets::{Vault, master_keys};
use app::{App, Parts};
use domain::{Clock, NodeId, SystemClock};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use store::{Options, Store, Url};

const USER_AGENT: &str = concat!("Meari/", env!("CARGO_PKG_VERSION"));
/// Password hashes at a time: two cores' worth, so that sign-in floods leave room for work.
const HASHES_AT_ONCE: usize = 2;

const TURN_MAX_ALONE: Duration = Duration::from_secs(30);

/// What differs between a server and a command.
pub struct Purpose {
    /// The one server process of a SQLite data folder.
    pub serving: bool,
    /// Where the listener is bound; names the public URL when none is configured.
    pub listening: Option<SocketAddr>,
    /// Shown on the sign-in page of a demo.
    pub demo: Option<(String, String)>,
    /// The machine's, except while the demo lives its past.
    pub clock: Arc<dyn Clock>,
    /// Nobody else waits for the database, so one use case may hold it as long as a busy machine
    /// makes it take.
    pub alone: bool,
}

impl Purpose {
    pub fn command() -> Self {
        Self {
            serving: false,
            listening: None,
            demo: None,
            clock: Arc::new(SystemClock),
            alone: false,
        }
    }

    /// A command that must be alone with the data folder.
    pub fn exclusive() -> Self {
        Self {
            serving: true,
            ..Self::command()
        }
    }
}

pub fn database(config: &Config) -> Url {
    match config.postgres() {
        Some(url) => Url::Postgres(url.to_owned()),
        None => Url::Sqlite {
            path: config.data_dir.join("meari.db"),
        },
    }
}

pub async fn build(config: &Config, purpose: Purpose) -> anyhow::Result<App> {
    let folder = DataDir::at(&config.data_dir);
    folder.make()?;
    let clock = purpose.clock;
    let one_box = config.database_url.is_none();
    let mut options = Options::new(database(config), clock.clone());
    if purpose.serving {
        options = options.exclusive();
    }
    if purpose.alone {
        options.turn_max = TURN_MAX_ALONE;
    }
    let store = Store::open(&options)
        .await
        .context("the database cannot be opened")?;
    let key_file = folder.master_key();
    let keys = master_keys(
        config.master_key.as_ref(),
        one_box.then_some(key_file.as_path()),
    )?;
    let blobs = app::blobs::Blobs::open_folder(folder.path().join("blobs")).await?;
    let guard = Guard::new(GuardConfig {
        allow_private_hosts: config
            .allow_private_hosts
            .iter()
            .map(|host| host.parse())
            .collect::<Result<_, _>>()
            .context("allow_private_hosts")?,
        configured_may_be_private: one_box,
    });
    let listening = purpose.listening.unwrap_or(config.listen);
    let public_url = match &config.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{listening}"),
    };
    Ok(App::new(Parts {
        store,
        bus: bus(config).await?,
        mailer: mailer(config)?,
        outbound: Outbound::new(guard, USER_AGENT, blobs.clone(), clock.clone())?,
        passwords: Passwords::new(HASHES_AT_ONCE),
        vault: Vault::new(keys),
        blobs,
        config: app::Config {
            node: NodeId::new(clock.now()),
            public_url,
            base_urls: BTreeMap::new(),
            demo: purpose.demo,
        },
        clock,
    }))
}

async fn bus(config: &Config) -> anyhow::Result<Arc<dyn Bus>> {
    Ok(match &config.nats_url {
        Some(url) => Arc::new(
            NatsBus::connect(url.expose_secret(), "meari")
                .await
                .context("NATS cannot be used")?,
        ),
        None => Arc::new(LocalBus::default()),
    })
}

fn mailer(config: &Config) -> anyhow::Result<Arc<dyn Mailer>> {
    Ok(match &config.mail_url {
        Some(url) => Arc::new(SmtpMailer::new(url, &config.mail_from)?),
        None => Arc::new(FolderMailer::new(
            config.data_dir.join("mail"),
            &config.mail_from,
        )?),
    })
}
