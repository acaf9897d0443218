//! What a message says, in words and files, for every kind that has any.

use super::webhook::text;
use crate::inbound::Media;
use serde_json::{Map, Value};

pub struct Content {
    pub text: String,
    pub files: Vec<Media>,
}

impl Content {
    /// `None` for kinds that say nothing we could show.
    pub fn of(kind: &str, message: &Value) -> Option<Self> {
        let body = &message[kind];
        let words = |text: String| Self {
            text,
            files: Vec::new(),
        };
        Some(match kind {
            "text" => words(text(body, "body")?),
            "image" | "video" | "audio" | "document" | "sticker" => Self {
                text: text(body, "caption").unwrap_or_default(),
                files: vec![media(kind, body)?],
            },
            "location" => words(place(body)),
            "contacts" => words(cards(body)),
            "button" => words(text(body, "text")?),
            "interactive" => words(chosen(body)?),
            "order" => words(order(body)),
            _ => return None,
        })
    }
}

fn media(kind: &str, body: &Value) -> Option<Media> {
    let id = text(body, "id")?;
    let told = text(body, "mime_type").unwrap_or_default();
    let media_type = told.split(';').next().unwrap_or_default().trim();
    let extension = match media_type.rsplit('/').next().unwrap_or_default() {
        "jpeg" => "jpg",
        "mpeg" if kind == "audio" => "mp3",
        short if (1..=5).contains(&short.len()) && short.bytes().all(|b| b.is_ascii_alphanumeric()) => short,
        _ => "bin",
    };
    Some(Media {
        name: text(body, "filename").unwrap_or_else(|| format!("{kind}.{extension}")),
        media_type: match media_type {
            "" => "application/octet-stream".to_owned(),
            told => told.to_owned(),
        },
        size_bytes: None,
        description: None,
        media: id,
    })
}

fn place(body: &Value) -> String {
    let words: Vec<_> = ["name", "address", "url"]
        .into_iter()
        .filter_map(|key| text(body, key))
        .collect();
    let words = words.join(", ");
    match (body["latitude"].as_f64(), body["longitude"].as_f64()) {
        (Some(lat), Some(lon)) => format!("📍 {words} ({lat}, {lon})"),
        _ => format!("📍 {words}"),
    }
}

fn cards(body: &Value) -> String {
    let each = |card: &Value| {
        let mut words: Vec<_> = text(&card["name"], "formatted_name").into_iter().collect();
        words.extend(text(&card["org"], "company"));
        for (list, key) in [("phones", "phone"), ("emails", "email"), ("urls", "url")] {
            let told = card[list].as_array().into_iter().flatten();
            words.extend(told.filter_map(|one| text(one, key)));
        }
        format!("👤 {}", words.join(", "))
    };
    let cards: Vec<_> = body.as_array().into_iter().flatten().map(each).collect();
    cards.join("\n")
}

/// The button, row or form that the person chose.
fn chosen(body: &Value) -> Option<String> {
    for reply in ["button_reply", "list_reply"] {
        if let Some(title) = text(&body[reply], "title") {
            return Some(match text(&body[reply], "description") {
                Some(more) => format!("{title}\n{more}"),
                None => title,
            });
        }
    }
    let form = &body["nfm_reply"];
    let filled: Map<String, Value> = serde_json::from_str(form["response_json"].as_str()?).ok()?;
    let line = |(key, value): (&String, &Value)| match value {
        Value::String(text) => format!("{key}: {text}"),
        other => format!("{key}: {other}"),
    };
    let lines: Vec<_> = filled
        .iter()
        .filter(|(key, _)| *key != "flow_token")
        .map(line)
        .collect();
    Some(lines.join("\n"))
}

fn order(body: &Value) -> String {
    let line = |item: &Value| {
        format!(
            "🛒 {} × {} ({} {})",
            item["quantity"],
            text(item, "product_retailer_id").unwrap_or_default(),
            item["item_price"],
            text(item, "currency").unwrap_or_default(),
        )
    };
    let items = body["product_items"].as_array().into_iter().flatten();
    let mut lines: Vec<_> = text(body, "text").into_iter().collect();
    lines.extend(items.map(line));
    lines.join("\n")
}
