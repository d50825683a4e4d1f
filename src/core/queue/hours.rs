//! The hours in which texts go: the gateway's own, by category, and the window a caller names for one recipient. Pure: a
//! moment in UTC in, whether it is open and when it opens next out. By the wall clock of a zone, so that nine o'clock is nine
//! o'clock in summer and in winter. It knows no database of zones: the data of one is handed in.

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::state::{Category, Priority};
use crate::base::UtcTime;

/// An opening is looked for so far ahead, no further. Windows come again every week.
pub const SEARCH: Duration = Duration::from_secs(32 * 24 * 3_600);

const MINUTES: u16 = 1_440;
const MINUTE_MILLIS: i64 = 60_000;
const DAY_MILLIS: i64 = MINUTES as i64 * MINUTE_MILLIS;

/// A time zone with its rules.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// From its name and its TZif data (RFC 9636), as the IANA database has them. None when the data is none.
    #[must_use]
    pub fn from_tzif(name: &str, data: &[u8]) -> Option<Self> {
        TimeZone::tzif(name, data).ok().map(Self)
    }

    /// Its name in the IANA database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// How far its clocks are ahead of UTC, in milliseconds. A time that no calendar shows is taken as UTC.
    fn offset(&self, at: UtcTime) -> i64 {
        let at = Timestamp::from_millisecond(at.as_millis());
        at.map_or(0, |at| i64::from(self.0.to_offset(at).seconds()) * 1_000)
    }

    /// When its clocks are set next.
    fn next_transition(&self, at: UtcTime) -> Option<UtcTime> {
        let at = Timestamp::from_millisecond(at.as_millis()).ok()?;
        let next = self.0.following(at).next()?;
        Some(UtcTime::from_millis(next.timestamp().as_millisecond()))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Days of the week; a window that crosses midnight belongs to the day it starts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// Every day.
    pub const ALL: Self = Self(0x7f);
    /// Their names, the bits in this order.
    pub const NAMES: [&'static str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    /// With the day of this name too; none when there is no such day.
    #[must_use]
    pub fn with(self, name: &str) -> Option<Self> {
        let bit = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self(self.0 | 1 << bit))
    }

    /// Whether the day so many days after 1970-01-01, a Thursday, is one of them.
    const fn has(self, day: i64) -> bool {
        self.0 & (1 << day.saturating_add(3).rem_euclid(7)) != 0
    }
}

/// A minute of the local day, 0 to 1440; the last is the end of the day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minute(u16);

impl Minute {
    /// From `HHMM`, `0000` to `2400`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits: u16 = text.parse().ok()?;
        let (hours, minutes) = (digits / 100, digits % 100);
        (minutes < 60 && hours * 60 + minutes <= MINUTES).then_some(Self(hours * 60 + minutes))
    }

    fn millis(self) -> i64 {
        i64::from(self.0) * MINUTE_MILLIS
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is wrong with a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// `start`.
    #[error("is no time of day from 0000 to 2359")]
    Start,
    /// `finish`.
    #[error("is no time of day from 0000 to 2400")]
    Finish,
    /// It finishes when it starts.
    #[error("is when it starts, so that it is never open; the whole day is 0000 to 2400")]
    Empty,
}

/// A part of the local day, on some days of the week. A minute that the clocks show twice is twice in it or twice not; one
/// that they leave out is in none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    days: Days,
    start: Minute,
    finish: Minute,
    zone: Zone,
}

impl Window {
    /// From `start` inclusive to `finish` exclusive, both `HHMM`; over midnight when `finish` is the earlier.
    ///
    /// # Errors
    /// [`WindowError`] tells which of the two is wrong.
    pub fn new(days: Days, start: &str, finish: &str, zone: Zone) -> Result<Self, WindowError> {
        let start = Minute::parse(start).filter(|start| start.0 < MINUTES);
        let start = start.ok_or(WindowError::Start)?;
        let finish = Minute::parse(finish).ok_or(WindowError::Finish)?;
        if start == finish {
            return Err(WindowError::Empty);
        }
        Ok(Self {
            days,
            start,
            finish,
            zone,
        })
    }

    /// The first minute of the local day that is in it.
    #[must_use]
    pub const fn start(&self) -> Minute {
        self.start
    }

    /// The first one that is not in it any more.
    #[must_use]
    pub const fn finish(&self) -> Minute {
        self.finish
    }

    /// Whose day.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self, at: UtcTime) -> bool {
        let local = at.as_millis().saturating_add(self.zone.offset(at));
        let (day, time) = (local.div_euclid(DAY_MILLIS), local.rem_euclid(DAY_MILLIS));
        let (started, finished) = (time >= self.start.millis(), time >= self.finish.millis());
        if self.start < self.finish {
            self.days.has(day) && started && !finished
        } else {
            self.days.has(day) && started || self.days.has(day.saturating_sub(1)) && !finished
        }
    }

    /// Until then nothing changes. Always later than `at`, unless that is the end of time.
    fn next_change(&self, at: UtcTime) -> UtcTime {
        let offset = self.zone.offset(at);
        let local = at.as_millis().saturating_add(offset);
        let today = local.saturating_sub(local.rem_euclid(DAY_MILLIS));
        let edges = [0, DAY_MILLIS].into_iter().flat_map(|day| {
            let of_day = |edge: Minute| today.saturating_add(day).saturating_add(edge.millis());
            [of_day(self.start), of_day(self.finish)]
        });
        let edge = edges.filter(|edge| *edge > local).min().unwrap_or(i64::MAX);
        let edge = UtcTime::from_millis(edge.saturating_sub(offset));
        self.zone.next_transition(at).map_or(edge, |set| set.min(edge))
    }
}

/// When texts of some categories go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which.
    pub categories: Vec<Category>,
    /// When.
    pub window: Window,
}

/// The gateway's own hours. Without any every text goes at any hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hours {
    /// A category that several name goes whenever one of them is open, one that none names at any hour.
    pub rules: Vec<Rule>,
}

impl Hours {
    /// What such a message must keep to, `own` being the window it names; none when it goes at any hour. An emergency does, and
    /// the gateway's own hours hold nothing that has no category.
    #[must_use]
    pub fn of<'a>(
        &'a self,
        category: Option<Category>,
        priority: Priority,
        own: Option<&'a Window>,
    ) -> Option<Openings<'a>> {
        let rules = &self.rules;
        let openings = Openings { rules, category, own };
        let kept = priority != Priority::Emergency && (own.is_some() || openings.site().next().is_some());
        kept.then_some(openings)
    }
}

/// When a message may go: in the gateway's hours and in its own window.
#[derive(Clone, Debug)]
pub struct Openings<'a> {
    rules: &'a [Rule],
    category: Option<Category>,
    own: Option<&'a Window>,
}

impl Openings<'_> {
    fn site(&self) -> impl Iterator<Item = &Window> {
        let named = |rule: &&Rule| {
            self.category
                .is_some_and(|category| rule.categories.contains(&category))
        };
        self.rules.iter().filter(named).map(|rule| &rule.window)
    }

    /// Whether it may go.
    #[must_use]
    pub fn is_open(&self, at: UtcTime) -> bool {
        let mut site = self.site().peekable();
        let site_is_open = site.peek().is_none() || site.any(|window| window.is_open(at));
        site_is_open && self.own.is_none_or(|window| window.is_open(at))
    }

    /// The first moment not before `at` at which it may go; none within [`SEARCH`].
    #[must_use]
    pub fn opens(&self, at: UtcTime) -> Option<UtcTime> {
        self.first(at, true)
    }

    /// The first moment not before `at` at which it may not go; none within [`SEARCH`].
    #[must_use]
    pub fn closes(&self, at: UtcTime) -> Option<UtcTime> {
        self.first(at, false)
    }

    fn first(&self, at: UtcTime, open: bool) -> Option<UtcTime> {
        let end = at + SEARCH;
        let mut at = at;
        while at < end {
            if self.is_open(at) == open {
                return Some(at);
            }
            let changes = self.site().chain(self.own).map(|window| window.next_change(at));
            // At the end of time nothing changes any more.
            at = changes.min().filter(|next| *next > at)?;
        }
        None
    }
}

#[cfg(test)]
mod tests;
