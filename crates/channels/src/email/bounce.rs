//! Delivery reports (RFC 3464): what became of a mail of ours.

use super::thread::is_shaped_like_ours;
use crate::inbound::{Inbound, Receipt, ReceiptState};
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders, PartType};

const PROBLEM_CHARS_MAX: usize = 300;
const RECIPIENTS_MAX: usize = 50;

/// The facts of a delivery report; `None`: it is an ordinary mail.
pub fn facts(mail: &Message<'_>, at: Option<domain::Time>) -> Option<Vec<Inbound>> {
    let root = mail.content_type()?;
    let is_report = root.c_type.eq_ignore_ascii_case("multipart")
        && root.c_subtype.as_deref().is_some_and(|s| s.eq_ignore_ascii_case("report"))
        && root.attribute("report-type").is_some_and(|t| t.eq_ignore_ascii_case("delivery-status"));
    if !is_report {
        return None;
    }
    let status = mail.parts.iter().find(|part| part.is_content_type("message", "delivery-status"));
    let original = mail.parts.iter().find_map(original_id);
    let Some(external_id) = original.filter(|id| is_shaped_like_ours(id)) else {
        // About a mail that somebody sent by another program, or invented: nobody's message.
        return Some(vec![Inbound::Unknown {
            what: "a delivery report about a mail that is not ours".into(),
            external_id: None,
            peer: None,
            thread: String::new(),
            at,
            raw: serde_json::Value::Null,
        }]);
    };
    let text = status.map(|part| String::from_utf8_lossy(part.contents()).into_owned());
    let receipt = verdict(&text.unwrap_or_default()).map(|(state, problem)| Inbound::Receipt {
        of: Receipt::Message { external_id },
        state,
        problem,
        at,
    });
    Some(receipt.into_iter().collect())
}

fn original_id(part: &MessagePart<'_>) -> Option<String> {
    let id = match &part.body {
        PartType::Message(original) => original.message_id().map(str::to_owned),
        _ if part.is_content_type("text", "rfc822-headers") => {
            let headers = MessageParser::default().parse_headers(part.contents())?;
            headers.message_id().map(str::to_owned)
        }
        _ => None,
    };
    id.map(|id| id.trim().to_ascii_lowercase())
}

/// One refused recipient is told, however many others were reached. A delay decides nothing yet.
fn verdict(report: &str) -> Option<(ReceiptState, Option<String>)> {
    let unfolded = report.replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ");
    let mut delivered = false;
    for recipient in unfolded.split("\n\n").take(RECIPIENTS_MAX) {
        let field = |name: &str| {
            recipient.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        match field("Action").map(str::to_ascii_lowercase).as_deref() {
            Some("failed") => {
                let who = after_type(field("Final-Recipient").unwrap_or("the recipient"));
                let why = field("Diagnostic-Code").map(after_type);
                let status = field("Status").unwrap_or_default();
                let problem = format!(
                    "{who} did not get it: {}",
                    why.unwrap_or("the mail server gave no reason")
                );
                let problem = if problem.contains(status) {
                    problem
                } else {
                    format!("{problem} ({status})")
                };
                let words: Vec<&str> = problem.split_whitespace().collect();
                let problem = words.join(" ").chars().take(PROBLEM_CHARS_MAX).collect();
                return Some((ReceiptState::Failed, Some(problem)));
            }
            Some("delivered") => delivered = true,
            _ => {}
        }
    }
    delivered.then_some((ReceiptState::Delivered, None))
}

/// `rfc822; a@b.example` and `smtp; 550 no` without their type.
fn after_type(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, rest)| rest).trim()
}
