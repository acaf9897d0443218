//! The table of settings: the one list that flags, environment, file and README follow.

/// One setting. `name` is the key in the file, `MEARI_NAME` in the environment, `--name` as a flag.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub default: &'static str,
    pub help: &'static str,
    /// May be given on the command line, where other users of the machine can see it.
    pub flag: bool,
}

const fn flag(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        default,
        help,
        flag: true,
    }
}

const fn secret(name: &'static str, default: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        default,
        help,
        flag: false,
    }
}

pub const SETTINGS: &[Setting] = &[
    flag(
        "data_dir",
        "data",
        "folder for the database, attachments and keys",
    ),
    flag(
        "listen",
        "127.0.0.1:8080",
        "address to listen on; port 0 takes a free one",
    ),
    flag(
        "public_url",
        "http://LISTEN",
        "URL under which people and providers reach this server; signatures are checked against it",
    ),
    flag(
        "database_url",
        "SQLite in the data folder",
        "`postgres://…` for PostgreSQL",
    ),
    flag("nats_url", "none", "NATS server that wakes other nodes"),
    flag("roles", "api,worker,router", "what this node does"),
    flag(
        "trusted_proxies",
        "0",
        "reverse proxies in front, each adding one address to X-Forwarded-For",
    ),
    flag(
        "introspection",
        "true",
        "whether the GraphQL schema may be asked for",
    ),
    flag(
        "allow_private_hosts",
        "none",
        "hosts inside your network that channels may reach, by commas: `mastodon.lan`, `10.1.2.3`",
    ),
    flag(
        "web_dir",
        "inside the binary",
        "folder of a built web app to serve instead",
    ),
    flag(
        "log_format",
        "auto",
        "`human`, `json`, or `auto`: human on a terminal",
    ),
    flag(
        "log_filter",
        "info",
        "which logs are written, e.g. `info,store=debug`",
    ),
    secret(
        "master_key",
        "`master.key` in the data folder",
        "32 bytes in base64 that seal every secret, needed with PostgreSQL; older keys follow after commas",
    ),
    secret(
        "mail_url",
        "none: mail is kept in `mail` of the data folder",
        "`smtp://user:password@host:587`, or `smtps://`",
    ),
    secret(
        "mail_from",
        "Meari <meari@localhost>",
        "sender of invitations and password resets",
    ),
];
