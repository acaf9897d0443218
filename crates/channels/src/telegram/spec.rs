//! Telegram's own description of its Bot API as JSON Schema, for tests: strict, so that a field
//! which Telegram does not know fails.

use crate::action::{Body, FormPart, HttpRequest};
use serde_json::{Map, Value, json};

fn description() -> Value {
    serde_json::from_str(include_str!("fixtures/spec/bot-api.json")).expect("JSON")
}

fn schema_of(types: &[Value]) -> Value {
    let one = |name: &str| -> Value {
        let mut name = name;
        let mut depth = 0;
        while let Some(inner) = name.strip_prefix("Array of ") {
            (name, depth) = (inner, depth + 1);
        }
        let mut schema = match name {
            "Integer" => json!({ "type": "integer" }),
            "Float" => json!({ "type": "number" }),
            "String" => json!({ "type": "string" }),
            "Boolean" => json!({ "type": "boolean" }),
            // A file travels beside the fields; its place in them is not JSON.
            "InputFile" => json!({ "const": "(file)" }),
            other => json!({ "$ref": format!("#/$defs/{other}") }),
        };
        for _ in 0..depth {
            schema = json!({ "type": "array", "items": schema });
        }
        schema
    };
    let options: Vec<Value> = types.iter().filter_map(Value::as_str).map(one).collect();
    json!({ "anyOf": options })
}

fn object(described: &Value) -> Value {
    if let Some(subtypes) = described["subtypes"].as_array() {
        return schema_of(subtypes);
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in described["fields"].as_array().into_iter().flatten() {
        let name = field["name"].as_str().expect("a name");
        let types = field["types"].as_array().expect("types");
        properties.insert(name.into(), schema_of(types));
        if field["required"] == true {
            required.push(name);
        }
    }
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

fn faults(of: &Value, instance: &Value) -> Vec<String> {
    let description = description();
    let types = description["types"].as_object().expect("types");
    let defs: Map<String, Value> = types
        .iter()
        .map(|(name, described)| (name.clone(), object(described)))
        .collect();
    let mut schema = object(of);
    schema["$defs"] = Value::Object(defs);
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    validator
        .iter_errors(instance)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect()
}

/// What is wrong with an update, by the description.
pub fn update_faults(update: &Value) -> Vec<String> {
    faults(&description()["types"]["Update"], update)
}

/// What is wrong with a request, by the description of the method in its path.
pub fn request_faults(request: &HttpRequest) -> Vec<String> {
    let path = request.url.split(['?', '#']).next().unwrap_or_default();
    let method = path.rsplit('/').next().unwrap_or_default();
    let described = &description()["methods"][method];
    assert!(described.is_object(), "there is no method {method}");
    faults(described, &fields_of(request))
}

/// The fields of a request, however they travel.
pub fn fields_of(request: &HttpRequest) -> Value {
    let read = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    match &request.body {
        Body::Json(body) => body.clone(),
        Body::Multipart(parts) => parts
            .iter()
            .map(|(name, part)| {
                let value = match part {
                    FormPart::Text(text) => read(text),
                    FormPart::File(_) => json!("(file)"),
                };
                (name.clone(), value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Body::Empty => {
            let url = url::Url::parse(&request.url).expect("a URL");
            url.query_pairs()
                .map(|(name, value)| (name.into_owned(), json!(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        other => panic!("no fields: {other:?}"),
    }
}
