//! LINE's OpenAPI description as JSON Schema, for tests. Its subtypes are chosen by discriminators,
//! which JSON Schema does not know; they are resolved here, so that a text without text fails.

use serde_json::{Map, Value, json};

pub fn messaging() -> Value {
    serde_json::from_str(include_str!("fixtures/spec/messaging.json")).expect("JSON")
}

pub fn webhook() -> Value {
    serde_json::from_str(include_str!("fixtures/spec/webhook.json")).expect("JSON")
}

/// What is wrong with `instance` as the type `name`.
pub fn faults(spec: &Value, name: &str, instance: &Value) -> Vec<String> {
    let mut schema = json!({ "$ref": format!("#/components/schemas/{name}") });
    schema["components"] = spec["components"].clone();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut all: Vec<_> = validator
        .iter_errors(instance)
        .map(|error| format!("{name}: {error}"))
        .collect();
    all.extend(unknown(spec, name, instance));
    all
}

/// The same, as the subtype that `instance` names. `None`: the description maps none.
pub fn faults_of_subtype(spec: &Value, base: &str, instance: &Value) -> Option<Vec<String>> {
    let mapping = &spec["components"]["schemas"][base]["discriminator"]["mapping"];
    let target = mapping[instance["type"].as_str()?].as_str()?;
    let name = target.rsplit('/').next()?;
    spec["components"]["schemas"][name].is_object().then(|| faults(spec, name, instance))
}

fn properties(spec: &Value, schema: &Value, into: &mut Map<String, Value>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        properties(spec, &spec["components"]["schemas"][name], into);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        properties(spec, part, into);
    }
    into.extend(schema["properties"].as_object().cloned().unwrap_or_default());
}

/// Fields that LINE does not know: a typo would otherwise pass.
fn unknown(spec: &Value, name: &str, instance: &Value) -> Vec<String> {
    let mut known = Map::new();
    properties(spec, &spec["components"]["schemas"][name], &mut known);
    let fields = instance.as_object().cloned().unwrap_or_default();
    fields
        .keys()
        .filter(|field| !known.contains_key(*field))
        .map(|field| format!("{name} has no {field}"))
        .collect()
}
