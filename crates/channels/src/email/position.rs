//! Up to where a folder was read, and what a first look or a renumbering server changes about that.

use crate::session::Cursor;
use chrono::{DateTime, Days, FixedOffset, NaiveDate, TimeDelta};
use domain::Time;
use serde::{Deserialize, Serialize};

/// What arrived so shortly before the account was connected was written to try it.
const GRACE: TimeDelta = TimeDelta::seconds(30);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Of the numbers below (UIDVALIDITY); `None`: nobody looked yet.
    pub validity: Option<u32>,
    /// Everything up to here is handed over.
    pub uid: u32,
    /// The newest day a mail arrived on.
    pub day: Option<NaiveDate>,
    /// The numbers say nothing (a first look, or they are new ones): only what arrived since this
    /// day is looked at.
    pub since: Option<NaiveDate>,
    /// What arrived earlier is history: from before the account was connected.
    #[serde(default)]
    pub after: Option<Time>,
}

impl Position {
    pub fn of(cursor: Option<&Cursor>) -> Self {
        let known = cursor.and_then(|cursor| serde_json::from_str(&cursor.0).ok());
        known.unwrap_or_default()
    }

    pub fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).unwrap_or_default())
    }

    /// The folder was opened; says whether that moved the position.
    pub fn opened(&mut self, validity: Option<u32>, connected: Time) -> bool {
        let validity = Some(validity.unwrap_or_default());
        if self.validity == validity {
            return false;
        }
        let day = self.day.unwrap_or(connected.date_naive());
        *self = Self {
            after: match self.validity {
                None => Some(connected - GRACE),
                Some(_) => self.after,
            },
            validity,
            uid: 0,
            day: Some(day),
            since: day.checked_sub_days(Days::new(1)),
        };
        true
    }

    pub fn is_history(&self, at: Option<DateTime<FixedOffset>>) -> bool {
        matches!((self.after, at), (Some(after), Some(at)) if at < after)
    }

    /// Everything since that day is handed over, and all of it stood below `next`; says whether
    /// that moved the position.
    pub fn caught_up(&mut self, next: Option<u32>) -> bool {
        if self.since.is_none() {
            return false;
        }
        (self.since, self.after) = (None, None);
        self.uid = self.uid.max(next.unwrap_or_default().saturating_sub(1));
        true
    }
}
