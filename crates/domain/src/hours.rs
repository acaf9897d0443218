//! Calendars: the only place that knows time zones.
//!
//! A day's spells are wall-clock times of its zone: where the clock jumps over a time, the spell
//! begins or ends at the jump's far side; where a time comes twice, the first one counts.

use crate::Time;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// How far a change of open and closed is searched for.
const HORIZON_DAYS: i32 = 400;
const DAY_MIN: i32 = 1_440;
const SPELLS_MAX: usize = 100;
const HOLIDAYS_MAX: usize = 500;

/// Whether `name` is an IANA zone this binary knows, e.g. `Asia/Seoul`.
pub fn is_time_zone(name: &str) -> bool {
    name.len() <= 64 && TimeZone::get(name).is_ok()
}

/// When somebody serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    pub zone: String,
    pub week: Vec<WeekSpell>,
    /// Days that differ from their weekday.
    pub holidays: Vec<Holiday>,
}

/// Open from minute to minute of a weekday; to 1440 is to the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekSpell {
    /// 1 is Monday, 7 is Sunday.
    pub weekday: i32,
    pub from_min: i32,
    pub to_min: i32,
}

/// One date; without spells closed all day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holiday {
    pub date: Date,
    pub spells: Vec<Spell>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spell {
    pub from_min: i32,
    pub to_min: i32,
}

/// What the calendar says of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Openness {
    pub is_open: bool,
    /// When that changes next; `None` when it does not for more than a year.
    pub until: Option<Time>,
}

impl Hours {
    /// The first thing wrong with the calendar, in words for who wrote it.
    pub fn fault(&self) -> Option<String> {
        if !is_time_zone(&self.zone) {
            return Some(format!("{} is no time zone", self.zone.escape_debug()));
        }
        if self.week.len() > SPELLS_MAX || self.holidays.len() > HOLIDAYS_MAX {
            return Some(format!(
                "a week has at most {SPELLS_MAX} spells and a calendar {HOLIDAYS_MAX} holidays"
            ));
        }
        if self.week.iter().any(|s| !(1..=7).contains(&s.weekday)) {
            return Some("weekdays are 1 (Monday) to 7 (Sunday)".to_owned());
        }
        let week = self.week.iter().map(WeekSpell::spell);
        let holidays = self.holidays.iter().flat_map(|h| h.spells.iter().copied());
        let wrong = |s: Spell| s.from_min < 0 || s.from_min >= s.to_min || s.to_min > DAY_MIN;
        if week.chain(holidays).any(wrong) {
            return Some("a spell goes from minute 0 to 1439 to a later minute up to 1440".into());
        }
        if self.holidays.iter().any(|h| h.spells.len() > SPELLS_MAX) {
            return Some(format!("a day has at most {SPELLS_MAX} spells"));
        }
        let mut dates: Vec<_> = self.holidays.iter().map(|h| h.date).collect();
        dates.sort_unstable();
        let twice = dates.windows(2).find(|pair| pair[0] == pair[1]);
        twice.map(|pair| format!("{} is named twice", pair[0]))
    }

    /// A zone that this binary does not know counts as always open: better too many offers than a
    /// queue that nobody serves.
    pub fn at(&self, now: Time) -> Openness {
        const ALWAYS: Openness = Openness {
            is_open: true,
            until: None,
        };
        let (Ok(zone), Ok(instant)) = (
            TimeZone::get(&self.zone),
            Timestamp::from_microsecond(now.timestamp_micros()),
        ) else {
            return ALWAYS;
        };
        let today = instant.to_zoned(zone.clone()).date();
        let mut open_to = None;
        // Yesterday too: a jump of the clock may push its end past midnight.
        for n in -1..HORIZON_DAYS {
            let Ok(day) = today.checked_add(n.days()) else {
                break;
            };
            for (from, to) in self.day(day, &zone) {
                let end = open_to.unwrap_or(instant);
                if from <= end && to > end {
                    open_to = Some(to);
                } else if from > end {
                    return Openness {
                        is_open: open_to.is_some(),
                        until: Some(time(open_to.unwrap_or(from))),
                    };
                }
            }
        }
        Openness {
            is_open: open_to.is_some(),
            until: None,
        }
    }

    /// The instants of a date's spells, in order.
    fn day(&self, date: Date, zone: &TimeZone) -> Vec<(Timestamp, Timestamp)> {
        let holiday = self.holidays.iter().find(|h| h.date == date);
        let mut spells: Vec<Spell> = match holiday {
            Some(holiday) => holiday.spells.clone(),
            None => {
                let weekday = i32::from(date.weekday().to_monday_one_offset());
                let of_day = self.week.iter().filter(|s| s.weekday == weekday);
                of_day.map(WeekSpell::spell).collect()
            }
        };
        spells.sort_unstable();
        let instant = |minute: i32| {
            let wall = DateTime::from_parts(date, jiff::civil::Time::midnight());
            let wall = wall.checked_add(minute.minutes()).ok()?;
            Some(zone.to_ambiguous_zoned(wall).compatible().ok()?.timestamp())
        };
        let spells = spells.into_iter();
        spells
            .filter_map(|s| Some((instant(s.from_min)?, instant(s.to_min)?)))
            .collect()
    }
}

impl Holiday {
    /// `date` is `2026-12-25`; `None` when it is no such date.
    pub fn on(date: &str, spells: Vec<Spell>) -> Option<Self> {
        let date = (date.len() == 10).then(|| date.parse().ok()).flatten()?;
        Some(Self { date, spells })
    }
}

impl WeekSpell {
    const fn spell(&self) -> Spell {
        Spell {
            from_min: self.from_min,
            to_min: self.to_min,
        }
    }
}

fn time(at: Timestamp) -> Time {
    Time::from_timestamp_micros(at.as_microsecond()).unwrap_or(Time::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_known_by_their_iana_names_only() {
        for zone in ["Asia/Seoul", "Europe/Berlin", "UTC"] {
            assert!(is_time_zone(zone), "{zone}");
        }
        for nonsense in ["", "Seoul", "../../etc/passwd", "Asia/Seoul\0"] {
            assert!(!is_time_zone(nonsense), "{nonsense:?}");
        }
    }

    fn at(text: &str) -> Time {
        Time::from_timestamp_micros(
            text.parse::<Timestamp>()
                .unwrap_or_default()
                .as_microsecond(),
        )
        .unwrap_or_default()
    }

    /// Weekdays nine to five.
    fn office(zone: &str) -> Hours {
        let week = (1..=5).map(|weekday| WeekSpell {
            weekday,
            from_min: 540,
            to_min: 1020,
        });
        Hours {
            zone: zone.to_owned(),
            week: week.collect(),
            holidays: Vec::new(),
        }
    }

    #[test]
    fn an_office_opens_at_nine_of_its_own_zone_and_skips_the_weekend() {
        let seoul = office("Asia/Seoul");
        let friday_evening = seoul.at(at("2026-11-20T09:00:00Z"));
        assert!(!friday_evening.is_open);
        assert_eq!(friday_evening.until, Some(at("2026-11-23T00:00:00Z")));
        let monday = seoul.at(at("2026-11-23T00:00:00Z"));
        assert!(monday.is_open, "the first instant is open");
        assert_eq!(monday.until, Some(at("2026-11-23T08:00:00Z")));
        assert!(
            !seoul.at(at("2026-11-23T08:00:00Z")).is_open,
            "the last is not"
        );
    }

    #[test]
    fn nine_stays_nine_when_the_clocks_change_in_eight_zones() {
        // The Monday after each zone's change of 2026, both ways: nine o'clock in UTC before and
        // after.
        let changes = [
            (
                "Europe/Berlin",
                "2026-03-27T08:00:00Z",
                "2026-03-30T07:00:00Z",
            ),
            (
                "Europe/London",
                "2026-10-23T08:00:00Z",
                "2026-10-26T09:00:00Z",
            ),
            (
                "America/New_York",
                "2026-03-06T14:00:00Z",
                "2026-03-09T13:00:00Z",
            ),
            (
                "America/Los_Angeles",
                "2026-10-30T16:00:00Z",
                "2026-11-02T17:00:00Z",
            ),
            (
                "America/Santiago",
                "2026-04-03T12:00:00Z",
                "2026-04-06T13:00:00Z",
            ),
            (
                "Australia/Sydney",
                "2026-10-01T23:00:00Z",
                "2026-10-04T22:00:00Z",
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-02T22:00:00Z",
                "2026-04-05T22:30:00Z",
            ),
            (
                "Pacific/Auckland",
                "2026-09-24T21:00:00Z",
                "2026-09-27T20:00:00Z",
            ),
        ];
        for (zone, before, after) in changes {
            let hours = office(zone);
            for opens in [at(before), at(after)] {
                let just_before = opens - chrono::TimeDelta::seconds(1);
                assert!(!hours.at(just_before).is_open, "{zone} before {opens}");
                assert_eq!(hours.at(just_before).until, Some(opens), "{zone}");
                assert!(hours.at(opens).is_open, "{zone} at {opens}");
            }
        }
    }

    #[test]
    fn a_night_of_the_long_and_the_short_hour_has_neither_gap_nor_end_in_it() {
        let mut night = office("Europe/Berlin");
        night.week = (1..=7)
            .map(|weekday| WeekSpell {
                weekday,
                from_min: 0,
                to_min: DAY_MIN,
            })
            .collect();
        for change in ["2026-03-29T00:59:59Z", "2026-10-25T00:30:00Z"] {
            let all_day = night.at(at(change));
            assert_eq!((all_day.is_open, all_day.until), (true, None));
        }
        // Half past two does not exist that night: the spell begins after the jump.
        night.week = vec![WeekSpell {
            weekday: 7,
            from_min: 150,
            to_min: 240,
        }];
        let opens = night.at(at("2026-03-29T00:00:00Z")).until;
        assert_eq!(opens, Some(at("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn a_holiday_replaces_its_weekday() {
        let mut hours = office("Europe/Berlin");
        let half = Spell {
            from_min: 540,
            to_min: 720,
        };
        let eve = Holiday::on("2026-12-24", vec![half]);
        let christmas = Holiday::on("2026-12-25", Vec::new());
        hours.holidays = eve.into_iter().chain(christmas).collect();
        assert_eq!(Holiday::on("2026-12-32", Vec::new()), None);
        assert_eq!(hours.fault(), None);
        let eve = hours.at(at("2026-12-24T10:00:00Z"));
        assert_eq!(eve.until, Some(at("2026-12-24T11:00:00Z")));
        let after = hours.at(at("2026-12-24T11:00:00Z"));
        assert_eq!(after.until, Some(at("2026-12-28T08:00:00Z")));
    }

    #[test]
    fn a_calendar_names_its_fault() {
        let faulty = |edit: fn(&mut Hours)| {
            let mut hours = office("UTC");
            edit(&mut hours);
            hours.fault().unwrap_or_default()
        };
        assert!(faulty(|h| h.zone = "Mars/Base".into()).contains("time zone"));
        assert!(faulty(|h| h.week[0].weekday = 0).contains("weekdays"));
        assert!(faulty(|h| h.week[0].to_min = 540).contains("later minute"));
        let day = Holiday {
            date: Date::default(),
            spells: Vec::new(),
        };
        let mut hours = office("UTC");
        hours.holidays = vec![day.clone(), day];
        assert!(hours.fault().unwrap_or_default().contains("twice"));
    }
}
