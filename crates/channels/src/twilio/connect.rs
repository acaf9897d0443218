//! Connecting: the account answers, and the number is one of its own.

use super::errors::refused;
use super::{Account, Ended};
use crate::action::{Outcome, Response, Step};
use crate::steps::{Steps, Stop};
use crate::view::{Inbox, Secrets};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;

/// The JSON of a success; everything else ends the action.
pub fn accepted<T: DeserializeOwned>(response: &Response) -> Result<T, Stop> {
    let end = |outcome| Err(Box::new(Step::Done(outcome)));
    if !response.is_success() {
        return end(refused(response));
    }
    match response.json() {
        Some(value) => Ok(value),
        None => end(Outcome::Retry {
            after: None,
            reason: "Twilio's answer could not be read.".into(),
        }),
    }
}

#[derive(Deserialize)]
struct AccountFacts {
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
struct Numbers {
    #[serde(default)]
    incoming_phone_numbers: Vec<Number>,
}

#[derive(Deserialize)]
struct Number {
    sid: String,
    phone_number: String,
    #[serde(default)]
    capabilities: Can,
}

#[derive(Default, Deserialize)]
struct Can {
    #[serde(default)]
    sms: bool,
    #[serde(default)]
    mms: bool,
}

pub fn check(account: &Account<'_>, mut steps: Steps<'_>) -> Ended {
    let url = account.url(&[&format!("{}.json", account.sid)], &[]);
    let response = steps.take(|| account.get(url))?;
    if response.status == 404 {
        return Ok(Outcome::CredentialsDied {
            reason: "Twilio knows no account with this SID.".into(),
        });
    }
    let facts: AccountFacts = accepted(response)?;
    if facts.status != "active" {
        return Ok(Outcome::CredentialsDied {
            reason: format!("The Twilio account is {}.", facts.status),
        });
    }
    let typed: String = account
        .number
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    let path = [account.sid, "IncomingPhoneNumbers.json"];
    let url = account.url(&path, &[("PhoneNumber", &typed)]);
    let numbers: Numbers = accepted(steps.take(|| account.get(url))?)?;
    let own = |number: &Number| number.phone_number == typed;
    let Some(number) = numbers.incoming_phone_numbers.into_iter().find(own) else {
        return Ok(Outcome::Rejected {
            reason: format!("{typed} is not a number of this Twilio account."),
            code: "number_missing".into(),
        });
    };
    if !number.capabilities.sms {
        return Ok(Outcome::Rejected {
            reason: format!("{typed} cannot do SMS."),
            code: "number_without_sms".into(),
        });
    }
    let mut settings = Map::new();
    settings.insert("number".into(), typed.clone().into());
    settings.insert("number_sid".into(), number.sid.into());
    settings.insert("mms".into(), number.capabilities.mms.into());
    Ok(Outcome::Connected {
        account: typed.clone(),
        address: typed,
        settings,
        secrets: Secrets::default(),
    })
}

/// Tells the number where to post, and reads back that it will.
pub fn listen(
    inbox: &Inbox,
    account: &Account<'_>,
    url: Option<&str>,
    mut steps: Steps<'_>,
) -> Ended {
    let (Some(url), Some(number)) = (url, inbox.setting("number_sid")) else {
        return Ok(Outcome::Rejected {
            reason: "This inbox has no public address or no number yet.".into(),
            code: "no_address".into(),
        });
    };
    let path = [account.sid, "IncomingPhoneNumbers", &format!("{number}.json")];
    let response = steps.take(|| {
        let fields = vec![
            ("SmsUrl".to_owned(), url.to_owned()),
            ("SmsMethod".to_owned(), "POST".to_owned()),
        ];
        account.post(account.url(&path, &[]), fields).harmless()
    })?;
    #[derive(Deserialize)]
    struct Set {
        #[serde(default)]
        sms_url: Option<String>,
    }
    let set: Set = accepted(response)?;
    if set.sms_url.unwrap_or_default() != url {
        return Ok(Outcome::Rejected {
            reason: "Twilio did not take over where to post messages. A messaging service may own this number: set its address there.".into(),
            code: "webhook_taken".into(),
        });
    }
    Ok(Outcome::Ok)
}
