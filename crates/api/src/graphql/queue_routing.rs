//! How one queue routes: its selection, its steps, its hours, its overflow, whom it keeps.

use super::error::bad_input;
use super::queue::{RequiredSkill, RequiredSkillInput};
use super::routing::AgentSelect;
use super::words::{id, int, parse};
use app::queues::Settings;
use async_graphql::{ID, InputObject, MaybeUndefined, Result, SimpleObject};
use domain::queue;
use domain::work_item::CriteriaStep;
use domain::{Time, hours};

#[derive(SimpleObject)]
pub struct QueueRouting {
    /// Which agent is asked; `null`: as the routing settings say.
    pub select: Option<AgentSelect>,
    /// Skills asked for besides the required ones, by the time a ticket has waited: each step
    /// replaces the one before.
    pub relax: Vec<RelaxStep>,
    /// `null`: always open.
    pub hours: Option<Hours>,
    pub overflow: Option<Overflow>,
    pub sticky: Option<Sticky>,
}

#[derive(SimpleObject)]
pub struct RelaxStep {
    pub after_seconds: i32,
    pub skills: Vec<RequiredSkill>,
}

#[derive(SimpleObject)]
pub struct Hours {
    /// IANA name, such as `Asia/Seoul`.
    pub zone: String,
    pub week: Vec<WeekSpell>,
    pub holidays: Vec<Holiday>,
    /// By the clock of the server at this moment.
    pub is_open: bool,
    /// When that changes; `null`: not for more than a year.
    pub changes_at: Option<Time>,
}

#[derive(SimpleObject)]
pub struct WeekSpell {
    /// 1 is Monday, 7 is Sunday.
    pub weekday: i32,
    pub from_minute: i32,
    pub to_minute: i32,
}

/// A date that differs from its weekday; without spells closed all day.
#[derive(SimpleObject)]
pub struct Holiday {
    pub date: String,
    pub spells: Vec<Spell>,
}

#[derive(SimpleObject)]
pub struct Spell {
    pub from_minute: i32,
    pub to_minute: i32,
}

/// Where waiting tickets go that nobody here serves; any of the conditions is enough.
#[derive(SimpleObject)]
pub struct Overflow {
    pub queue_id: ID,
    pub after_seconds: Option<i32>,
    pub when_closed: bool,
    /// While no member is available and connected.
    pub when_unstaffed: bool,
}

/// A customer who writes again gets the agent who helped her last.
#[derive(SimpleObject)]
pub struct Sticky {
    /// Only so long after that work ended.
    pub within_seconds: i32,
    /// How long the ticket waits for her before others are asked.
    pub wait_seconds: i32,
}

impl QueueRouting {
    pub fn of(routing: queue::QueueRouting, now: Time) -> Self {
        let step = |step: CriteriaStep| RelaxStep {
            after_seconds: int(step.after_s),
            skills: step.skills.into_iter().map(RequiredSkill::from).collect(),
        };
        Self {
            select: routing.select.map(Into::into),
            relax: routing.relax.into_iter().map(step).collect(),
            hours: routing.hours.map(|hours| Hours::of(hours, now)),
            overflow: routing.overflow.map(|o| Overflow {
                queue_id: id(o.to),
                after_seconds: o.after_s.map(int),
                when_closed: o.when_closed,
                when_unstaffed: o.when_unstaffed,
            }),
            sticky: routing.sticky.map(|s| Sticky {
                within_seconds: int(s.within_s),
                wait_seconds: int(s.wait_s),
            }),
        }
    }
}

impl Hours {
    fn of(hours: hours::Hours, now: Time) -> Self {
        let openness = hours.at(now);
        let spell = |spell: hours::Spell| Spell {
            from_minute: spell.from_min,
            to_minute: spell.to_min,
        };
        let week = |spell: hours::WeekSpell| WeekSpell {
            weekday: spell.weekday,
            from_minute: spell.from_min,
            to_minute: spell.to_min,
        };
        let holiday = |day: hours::Holiday| Holiday {
            date: day.date.to_string(),
            spells: day.spells.into_iter().map(spell).collect(),
        };
        Self {
            zone: hours.zone,
            week: hours.week.into_iter().map(week).collect(),
            holidays: hours.holidays.into_iter().map(holiday).collect(),
            is_open: openness.is_open,
            changes_at: openness.until,
        }
    }
}

/// Absent fields stay as they are; `null` takes a setting away.
#[derive(InputObject)]
pub struct QueueRoutingInput {
    select: MaybeUndefined<AgentSelect>,
    relax: Option<Vec<RelaxStepInput>>,
    hours: MaybeUndefined<HoursInput>,
    overflow: MaybeUndefined<OverflowInput>,
    sticky: MaybeUndefined<StickyInput>,
}

#[derive(InputObject)]
pub struct RelaxStepInput {
    after_seconds: i32,
    skills: Vec<RequiredSkillInput>,
}

#[derive(InputObject)]
pub struct HoursInput {
    zone: String,
    week: Vec<WeekSpellInput>,
    #[graphql(default)]
    holidays: Vec<HolidayInput>,
}

#[derive(InputObject)]
pub struct WeekSpellInput {
    weekday: i32,
    from_minute: i32,
    to_minute: i32,
}

#[derive(InputObject)]
pub struct HolidayInput {
    date: String,
    #[graphql(default)]
    spells: Vec<SpellInput>,
}

#[derive(InputObject)]
pub struct SpellInput {
    from_minute: i32,
    to_minute: i32,
}

#[derive(InputObject)]
pub struct OverflowInput {
    queue_id: ID,
    after_seconds: Option<i32>,
    #[graphql(default)]
    when_closed: bool,
    #[graphql(default)]
    when_unstaffed: bool,
}

#[derive(InputObject)]
pub struct StickyInput {
    within_seconds: i32,
    wait_seconds: i32,
}

impl QueueRoutingInput {
    pub fn read(self) -> Result<Settings> {
        let steps = self
            .relax
            .map(|list| list.into_iter().map(RelaxStepInput::read).collect());
        Ok(Settings {
            select: setting(self.select, |select| Ok(select.into()))?,
            relax: steps.transpose()?,
            hours: setting(self.hours, HoursInput::read)?,
            overflow: setting(self.overflow, OverflowInput::read)?,
            sticky: setting(self.sticky, |sticky| {
                Ok(queue::Sticky {
                    within_s: sticky.within_seconds.into(),
                    wait_s: sticky.wait_seconds.into(),
                })
            })?,
        })
    }
}

fn setting<T, U>(
    sent: MaybeUndefined<T>,
    read: impl FnOnce(T) -> Result<U>,
) -> Result<Option<Option<U>>> {
    match sent {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(None)),
        MaybeUndefined::Value(value) => Ok(Some(Some(read(value)?))),
    }
}

impl RelaxStepInput {
    fn read(self) -> Result<CriteriaStep> {
        let skills: Result<Vec<_>> = self
            .skills
            .into_iter()
            .map(RequiredSkillInput::read)
            .collect();
        Ok(CriteriaStep {
            after_s: self.after_seconds.into(),
            skills: skills?,
        })
    }
}

impl HoursInput {
    fn read(self) -> Result<hours::Hours> {
        let week = self.week.into_iter().map(|spell| hours::WeekSpell {
            weekday: spell.weekday,
            from_min: spell.from_minute,
            to_min: spell.to_minute,
        });
        let holidays: Result<Vec<_>> = self.holidays.into_iter().map(HolidayInput::read).collect();
        Ok(hours::Hours {
            zone: self.zone,
            week: week.collect(),
            holidays: holidays?,
        })
    }
}

impl HolidayInput {
    fn read(self) -> Result<hours::Holiday> {
        let spells = self.spells.into_iter().map(|spell| hours::Spell {
            from_min: spell.from_minute,
            to_min: spell.to_minute,
        });
        let day = hours::Holiday::on(&self.date, spells.collect());
        day.ok_or_else(|| bad_input("a date of a holiday is written like 2026-12-25"))
    }
}

impl OverflowInput {
    fn read(self) -> Result<queue::Overflow> {
        Ok(queue::Overflow {
            to: parse(&self.queue_id)?,
            after_s: self.after_seconds.map(Into::into),
            when_closed: self.when_closed,
            when_unstaffed: self.when_unstaffed,
        })
    }
}
