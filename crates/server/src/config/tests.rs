//! Promises of the configuration.

use super::*;

fn with(environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Result<Config, Faults> {
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let flags = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    load(None, environment, flags)
}

fn with_file(text: &str, environment: &[(&str, &str)]) -> Result<Config, Faults> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meari.toml");
    std::fs::write(&path, text).unwrap();
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    load(Some(&path), environment, vec![])
}

fn origins(faults: &Faults) -> Vec<&str> {
    faults
        .0
        .iter()
        .map(|f| f.origin.rsplit(": ").next().unwrap_or(""))
        .collect()
}

#[test]
fn nothing_given_is_a_working_configuration() {
    let config = with(&[], &[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.roles, Role::ALL);
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\nlog_filter = \"debug\"\nroles = [\"api\", \"worker\", \"router\"]";
    let config = with_file(file, &[("MEARI_LISTEN", "127.0.0.1:2")]).unwrap();
    assert_eq!(
        (config.listen.port(), config.log_filter.as_str()),
        (2, "debug")
    );
    let config = with(
        &[("MEARI_LISTEN", "127.0.0.1:2")],
        &[("listen", "127.0.0.1:3")],
    )
    .unwrap();
    assert_eq!(config.listen.port(), 3);
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let file = "listen = \"nowhere\"\nlisten_on = 1\npublic_url = \"ftp://x\"";
    let faults = with_file(
        file,
        &[("MEARI_ROLES", "cook"), ("MEARI_MASTER_KEY", "short")],
    )
    .unwrap_err();
    let expected = [
        "listen_on",
        "listen",
        "public_url",
        "MEARI_ROLES",
        "MEARI_MASTER_KEY",
    ];
    assert_eq!(origins(&faults), expected);
}

#[test]
fn a_misspelt_name_is_refused_with_the_right_one() {
    let faults = with(&[("MEARI_LISTN", "127.0.0.1:1")], &[]).unwrap_err();
    assert!(
        faults.to_string().contains("did you mean `listen`?"),
        "{faults}"
    );
    assert!(with(&[("MEARI_TEST_POSTGRES_URL", "x"), ("OTHER", "y")], &[]).is_ok());
}

#[test]
fn secrets_show_neither_in_debug_nor_in_faults() {
    let key = BASE64_STANDARD.encode([7; 32]);
    let url = "postgres://meari:hunter2@db/meari";
    let good = with(
        &[("MEARI_DATABASE_URL", url), ("MEARI_MASTER_KEY", &key)],
        &[],
    )
    .unwrap();
    let shown = format!("{good:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains(&key),
        "{shown}"
    );
    assert_eq!(good.postgres(), Some(url));

    let bad = with(
        &[
            ("MEARI_DATABASE_URL", "mysql://meari:hunter2@db"),
            ("MEARI_MASTER_KEY", "hunter3"),
        ],
        &[],
    );
    let shown = bad.unwrap_err().to_string();
    assert!(!shown.contains("hunter"), "{shown}");
}

#[test]
fn a_broken_file_does_not_show_its_lines() {
    let faults = with_file("\nmaster_key = \"hunter2\nlisten = 1", &[])
        .unwrap_err()
        .to_string();
    assert!(
        faults.contains("line 2") && !faults.contains("hunter2"),
        "{faults}"
    );
}

#[test]
fn many_nodes_need_a_shared_key_and_a_shared_database() {
    let faults = with(&[("MEARI_DATABASE_URL", "postgres://db/meari")], &[]).unwrap_err();
    assert_eq!(origins(&faults), ["MEARI_MASTER_KEY"]);
    let faults = with(&[], &[("nats_url", "nats://bus"), ("roles", "api")]).unwrap_err();
    assert_eq!(origins(&faults), ["--nats-url", "--roles"]);
}
