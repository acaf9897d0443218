//! What a person filled in, checked against the manifest's field list.
//!
//! Invariants: only known fields get in; a secret field never ends up among the settings nor the
//! other way round, because settings are shown and secrets are sealed.

use crate::{Error, Result};
use channels::{Field, FieldKind, Secrets};
use serde_json::{Map, Value};

const TEXT_CHARS_MAX: usize = 4_000;

/// A checked form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Form {
    pub settings: Map<String, Value>,
    pub secrets: Secrets,
}

/// Checks everything, required fields included.
pub fn checked(fields: &[Field], settings: &Value, secrets: Option<&Value>) -> Result<Form> {
    let form = Form {
        settings: checked_settings(fields, settings)?,
        secrets: checked_secrets(fields, secrets)?,
    };
    for field in fields.iter().filter(|field| field.required) {
        let given = if field.secret {
            form.secrets.get(field.name).is_some()
        } else {
            form.settings.contains_key(field.name)
        };
        if !given {
            return Err(missing(field));
        }
    }
    Ok(form)
}

/// For a reconnect: new secrets over the known ones, so none of them is required.
pub fn checked_secrets(fields: &[Field], given: Option<&Value>) -> Result<Secrets> {
    let mut secrets = Secrets::default();
    for (name, value) in object("secrets", given)? {
        let field = known(fields, true, name, "secrets")?;
        let Value::String(text) = value else {
            return Err(invalid(field, "must be text"));
        };
        let text = bounded(field, text)?;
        if !text.is_empty() {
            secrets.set(name, text);
        }
    }
    Ok(secrets)
}

pub fn checked_settings(fields: &[Field], given: &Value) -> Result<Map<String, Value>> {
    let mut settings = Map::new();
    for (name, value) in object("settings", Some(given))? {
        let field = known(fields, false, name, "settings")?;
        if let Some(value) = checked_value(field, value)? {
            settings.insert(name.clone(), value);
        }
    }
    Ok(settings)
}

fn object<'a>(
    argument: &'static str,
    value: Option<&'a Value>,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>> {
    let map = match value {
        None | Some(Value::Null) => None,
        Some(Value::Object(map)) => Some(map),
        Some(_) => return Err(Error::invalid(argument, "must be an object")),
    };
    Ok(map
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null()))
}

fn known<'a>(
    fields: &'a [Field],
    secret: bool,
    name: &str,
    argument: &'static str,
) -> Result<&'a Field> {
    fields
        .iter()
        .find(|field| field.name == name && field.secret == secret)
        .ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            Error::invalid(argument, format!("there is no field {shown:?} here"))
        })
}

/// `None`: left empty.
fn checked_value(field: &Field, value: &Value) -> Result<Option<Value>> {
    match (field.kind, value) {
        (FieldKind::Switch, Value::Bool(_)) => Ok(Some(value.clone())),
        (FieldKind::Switch, _) => Err(invalid(field, "must be true or false")),
        (FieldKind::Number, Value::Number(number)) if number.is_u64() => Ok(Some(value.clone())),
        (FieldKind::Number, Value::String(text)) => match bounded(field, text)? {
            "" => Ok(None),
            digits => match digits.parse::<u64>() {
                Ok(number) => Ok(Some(number.into())),
                Err(_) => Err(invalid(field, "must be a whole number")),
            },
        },
        (FieldKind::Number, _) => Err(invalid(field, "must be a whole number")),
        (_, Value::String(text)) => {
            let text = bounded(field, text)?;
            check_text(field, text)?;
            Ok((!text.is_empty()).then(|| text.into()))
        }
        _ => Err(invalid(field, "must be text")),
    }
}

fn check_text(field: &Field, text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    match field.kind {
        FieldKind::Choice if !field.options.contains(&text) => Err(invalid(
            field,
            &format!("must be one of {}", field.options.join(", ")),
        )),
        FieldKind::Url if channels::address::base(text).is_none() => Err(invalid(
            field,
            "must be an https address, such as https://example.social",
        )),
        _ => Ok(()),
    }
}

fn bounded<'a>(field: &Field, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if text.chars().count() > TEXT_CHARS_MAX || text.contains('\0') {
        return Err(invalid(field, "is too long or holds unreadable characters"));
    }
    Ok(text)
}

fn missing(field: &Field) -> Error {
    invalid(field, "is missing")
}

/// The field's own name is what the form shows the message at.
fn invalid(field: &Field, what: &str) -> Error {
    Error::invalid(field.name, format!("{} {what}", field.label.en))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields() -> &'static [Field] {
        channels::by_kind("sandbox")
            .expect("the sandbox channel is there")
            .manifest()
            .fields
    }

    fn field_of(result: Result<Form>) -> &'static str {
        match result {
            Err(Error::Invalid { field, .. }) => field,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn a_complete_form_splits_into_settings_and_secrets() {
        let settings = json!({"account": " moa ", "reply_window_hours": "24", "flavour": ""});
        let secrets = json!({"signing_secret": "whsec_x"});
        let form = checked(fields(), &settings, Some(&secrets)).expect("it is complete");
        assert_eq!(
            Value::Object(form.settings),
            json!({"account": "moa", "reply_window_hours": 24})
        );
        assert_eq!(form.secrets.get("signing_secret"), Some("whsec_x"));
    }

    #[test]
    fn a_secret_never_gets_in_among_the_settings() {
        let settings = json!({"account": "moa", "signing_secret": "whsec_x"});
        assert_eq!(field_of(checked(fields(), &settings, None)), "settings");
    }

    #[test]
    fn what_is_missing_unknown_or_of_another_kind_is_named() {
        let secrets = json!({"signing_secret": "whsec_x"});
        let check = |settings: Value| field_of(checked(fields(), &settings, Some(&secrets)));
        assert_eq!(check(json!({})), "account");
        assert_eq!(check(json!({"account": 7})), "account");
        assert_eq!(check(json!({"account": "a", "colour": "red"})), "settings");
        assert_eq!(check(json!({"account": "a", "flavour": "fax"})), "flavour");
        assert_eq!(
            check(json!({"account": "a", "base_url": "ftp://x"})),
            "base_url"
        );
        assert_eq!(check(json!(["account"])), "settings");
        let unsigned = checked(fields(), &json!({"account": "a"}), None);
        assert_eq!(field_of(unsigned), "signing_secret");
    }
}
