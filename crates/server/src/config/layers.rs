//! Where a setting's text comes from: flags win over the environment, which wins over the file.

use super::faults::Fault;
use super::settings::SETTINGS;
use std::collections::BTreeMap;
use std::path::Path;

/// Text of a setting and the place to mend it.
#[derive(Debug, Clone)]
pub struct Given {
    pub text: String,
    pub origin: String,
}

pub type Layers = BTreeMap<&'static str, Given>;

/// Variables that our tests read; they are not settings.
const ENVIRONMENT_OF_TESTS: &str = "MEARI_TEST_";
const ENVIRONMENT_OF_CLI: &str = "MEARI_CONFIG";

pub fn collect(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
    flags: Vec<(&'static str, String)>,
    faults: &mut Vec<Fault>,
) -> Layers {
    let mut layers = Layers::new();
    if let Some(path) = file {
        add_file(path, &mut layers, faults);
    }
    add_environment(environment, &mut layers, faults);
    for (name, text) in flags {
        let origin = format!("--{}", name.replace('_', "-"));
        layers.insert(name, Given { text, origin });
    }
    layers
}

fn known(name: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|s| s.name).find(|n| *n == name)
}

fn add_file(path: &Path, layers: &mut Layers, faults: &mut Vec<Fault>) {
    let place = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return faults.push(Fault::new(place, format!("cannot be read: {error}"))),
    };
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        // Only the message: a snippet of the file could show a secret.
        Err(error) => return faults.push(Fault::new(place, broken(&error, &text))),
    };
    for (key, value) in table {
        let origin = format!("{place}: {key}");
        let Some(name) = known(&key) else {
            faults.push(Fault::new(origin, unknown(&key)));
            continue;
        };
        match plain(&value) {
            Some(text) => drop(layers.insert(name, Given { text, origin })),
            None => faults.push(Fault::new(
                origin,
                "must be text, a number or a list of texts",
            )),
        }
    }
}

fn broken(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |t| t.matches('\n').count() + 1);
    format!("line {line} is not TOML: {}", error.message())
}

fn add_environment(
    environment: impl Iterator<Item = (String, String)>,
    layers: &mut Layers,
    faults: &mut Vec<Fault>,
) {
    for (variable, text) in environment {
        let Some(rest) = variable.strip_prefix("MEARI_") else {
            continue;
        };
        if variable.starts_with(ENVIRONMENT_OF_TESTS) || variable == ENVIRONMENT_OF_CLI {
            continue;
        }
        let key = rest.to_ascii_lowercase();
        match known(&key) {
            // Empty means "not set": compose files and units pass variables on like that.
            Some(_) if text.is_empty() => {}
            Some(name) => drop(layers.insert(
                name,
                Given {
                    text,
                    origin: variable,
                },
            )),
            None => faults.push(Fault::new(variable, unknown(&key))),
        }
    }
}

/// Lists are joined by commas, the form that flags and environment use.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(list) => {
            let words: Option<Vec<_>> = list.iter().map(toml::Value::as_str).collect();
            Some(words?.join(","))
        }
        _ => None,
    }
}

fn unknown(key: &str) -> String {
    let near = SETTINGS
        .iter()
        .map(|s| s.name)
        .find(|name| name.starts_with(key) || key.starts_with(name) || one_typo(name, key));
    match near {
        Some(name) => format!("is not a setting; did you mean `{name}`?"),
        None => "is not a setting".to_owned(),
    }
}

/// One letter added, lost or changed.
fn one_typo(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same_start = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let rest = |text: &[u8]| text.len() - same_start;
    let same_end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    rest(a).max(rest(b)).saturating_sub(same_end) <= 1
}
