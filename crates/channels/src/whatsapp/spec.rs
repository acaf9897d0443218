//! Meta's OpenAPI description as JSON Schema, for tests. It knows phones as addresses only, so a
//! message to a person without one is held against it with a phone added.

use serde_json::{Value, json};

fn spec() -> Value {
    serde_json::from_str(include_str!("fixtures/spec/messages.json")).expect("JSON")
}

/// What is wrong with `instance` as the type `name`.
pub fn faults(name: &str, instance: &Value) -> Vec<String> {
    let mut schema = json!({ "$ref": format!("#/components/schemas/{name}") });
    schema["components"] = spec()["components"].clone();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator.iter_errors(instance).map(|error| error.to_string()).collect()
}

/// A message as the kind it names, strictly: members nobody knows are faults too.
pub fn faults_of_message(message: &Value) -> Vec<String> {
    let spec = spec();
    let kind = message["type"].as_str().unwrap_or_default();
    let target = &spec["components"]["schemas"]["Message"]["discriminator"]["mapping"][kind];
    let Some(name) = target.as_str().and_then(|path| path.rsplit('/').next()) else {
        return vec![format!("no kind {kind}")];
    };
    let mut shown = message.clone();
    if shown.get("to").is_none() && shown["recipient"].is_string() {
        shown["to"] = "821012345678".into();
    }
    let mut all = faults(name, &shown);
    let known = [
        "messaging_product", "recipient_type", "to", "recipient", "type", "context",
        "biz_opaque_callback_data", kind,
    ];
    let members = message.as_object().expect("an object").keys();
    all.extend(members.filter(|key| !known.contains(&key.as_str())).cloned());
    all
}
