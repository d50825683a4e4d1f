//! What a SIM may send: the limits of its plan, each under the name by which the configuration and the API set it, and what it
//! used of them on a day. When it may send next is decided elsewhere ([`crate::dispatch`]); nothing here counts.

use core::ops::Range;
use core::time::Duration;

use super::state::Priority;
use crate::base::{UtcDay, UtcTime};

/// Most send times a limit may need, whatever the plan says.
pub const HISTORY_MAX: usize = 20_000;
/// Send times kept without any limit: they tell how busy a SIM is.
const HISTORY_MIN: usize = 64;

/// Limits of a SIM, in parts; 0 means unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Refill of the bucket.
    pub per_minute: u32,
    /// Size of the bucket; 0 takes `per_minute`. Without `per_minute` there is no bucket.
    pub burst: u32,
    /// In any 60 minutes.
    pub per_hour: u32,
    /// In any 24 hours; 0 also ends the ramp of a new SIM.
    pub per_day: u32,
    /// In a billing month.
    pub per_month: u32,
    /// People it writes to in a billing month, each counted once: the limit operators enforce in secret.
    pub recipients_per_month: u32,
    /// Day of the month on which that begins, at midnight UTC: 1 (or 0) to 31, in a shorter month its last day.
    pub billing_day: u8,
    /// From the begin of a part to the begin of the next message, at least. The parts of a message follow each other, and
    /// emergencies do not wait.
    pub gap: Duration,
    /// Up to so much more, another time for each.
    pub gap_jitter: Duration,
    /// Nobody entered it for this SIM: a new SIM begins with less a day.
    pub ramp: bool,
}

/// One number of a plan.
#[derive(Clone, Debug)]
pub struct Key {
    /// As the configuration and the API call it.
    pub name: &'static str,
    /// What it may be.
    pub range: Range<u32>,
    read: fn(&Plan) -> u32,
    write: fn(&mut Plan, u32),
}

impl Key {
    /// Its value in this plan.
    #[must_use]
    pub fn of(&self, plan: &Plan) -> u32 {
        (self.read)(plan)
    }

    /// Sets it; a value out of range is brought into it.
    pub fn set(&self, plan: &mut Plan, value: u32) {
        (self.write)(plan, value.clamp(self.range.start, self.range.end.saturating_sub(1)));
    }
}

macro_rules! keys {
    ($($name:literal $range:expr, $read:expr, $write:expr;)*) => { [$(Key {
        name: $name, range: $range, read: $read, write: $write,
    }),*] };
}

/// Every number of a plan.
pub const KEYS: [Key; 9] = keys! {
    "per_minute" 0..10_001, |p| p.per_minute, |p, n| p.per_minute = n;
    "burst" 0..10_001, |p| p.burst, |p, n| p.burst = n;
    "per_hour" 0..20_001, |p| p.per_hour, |p, n| p.per_hour = n;
    "per_day" 0..20_001, |p| p.per_day, |p, n| p.per_day = n;
    "per_month" 0..10_000_001, |p| p.per_month, |p, n| p.per_month = n;
    "recipients_per_month" 0..1_000_001, |p| p.recipients_per_month, |p, n| p.recipients_per_month = n;
    "billing_day" 1..32, |p| u32::from(p.billing_day.max(1)), |p, n| p.billing_day = u8::try_from(n).unwrap_or(1);
    "gap_seconds" 0..3_601, |p| seconds(p.gap), |p, n| p.gap = Duration::from_secs(n.into());
    "gap_jitter_seconds" 0..3_601, |p| seconds(p.gap_jitter), |p, n| p.gap_jitter = Duration::from_secs(n.into());
};

fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

impl Plan {
    /// The careful plan of a SIM nobody said anything about: 6 a minute after a burst of 10, 100 an hour, 200 a day.
    pub const CAREFUL: Self = Self {
        per_minute: 6,
        burst: 10,
        per_hour: 100,
        per_day: 200,
        per_month: 0,
        recipients_per_month: 0,
        billing_day: 1,
        gap: Duration::ZERO,
        gap_jitter: Duration::ZERO,
        ramp: true,
    };

    /// How many of the last send times must be known to hold it exactly.
    #[must_use]
    pub fn history(&self) -> usize {
        let burst = if self.per_minute == 0 { 0 } else { self.bucket() };
        let most = self.per_hour.max(self.per_day).max(burst);
        (most as usize).clamp(HISTORY_MIN, HISTORY_MAX)
    }

    /// Size of the bucket of the minute.
    #[must_use]
    pub const fn bucket(&self) -> u32 {
        if self.burst == 0 { self.per_minute } else { self.burst }
    }

    /// The days of the billing month around `now`.
    #[must_use]
    pub fn month(&self, now: UtcTime) -> Range<UtcDay> {
        now.day().month(self.billing_day)
    }
}

/// What of a limit a message of this priority may use: a tenth is kept for emergencies.
#[must_use]
pub const fn usable(limit: u32, priority: Priority) -> u32 {
    match priority {
        Priority::Emergency => limit,
        Priority::High | Priority::Normal | Priority::Bulk => limit - limit / 10,
    }
}

/// A budget of a SIM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cap {
    /// Of any 60 minutes.
    Hour,
    /// Of any 24 hours.
    Day,
    /// Of the billing month.
    Month,
    /// People in the billing month.
    Recipients,
}

/// A budget came near its end, or to it, with the attempt counted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which budget.
    pub cap: Cap,
    /// Nothing is left of it but what is kept for emergencies; else four fifths are used.
    pub reached: bool,
    /// Since when it is counted: within this window the mark is told once.
    pub since: UtcTime,
}

impl Cap {
    /// All of them (the index is the code on disk; only append).
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Month, Self::Recipients];

    /// As the plan calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "per_hour",
            Self::Day => "per_day",
            Self::Month => "per_month",
            Self::Recipients => "recipients_per_month",
        }
    }
}

/// How much of a limit is near its end.
#[must_use]
pub const fn near(limit: u32) -> u32 {
    limit - limit / 5
}

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Which.
    pub cap: Cap,
    /// The whole of it; a tenth is kept for emergencies.
    pub limit: u32,
    /// What is used.
    pub used: u32,
    /// When something of it is free again for all; `None` while there is.
    pub free_at: Option<UtcTime>,
}

/// What a SIM sent on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayUse {
    /// Which.
    pub day: UtcDay,
    /// Parts begun that left the box.
    pub parts: u32,
    /// People whom it wrote to last on this day. So those of a month are the sum of its days, whatever day it begins on.
    pub recipients: u32,
}

/// How many people a SIM may have written to in its billing month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circle {
    /// At most.
    pub most: u32,
    /// First day of the month.
    pub from: UtcDay,
    /// First day of the next one.
    pub until: UtcDay,
}

/// A recipient as a SIM's count of people has him, an attempt to him just counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// The day he is counted on.
    pub day: UtcDay,
    /// The day he was counted on before that attempt.
    pub before: Option<UtcDay>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_sets_what_it_reads_and_nothing_else() {
        for key in &KEYS {
            let before = Plan::CAREFUL;
            for value in [key.range.start, key.range.end - 1] {
                let mut plan = before;
                key.set(&mut plan, value);
                assert_eq!(key.of(&plan), value, "{}", key.name);
                for other in KEYS.iter().filter(|other| other.name != key.name) {
                    assert_eq!(
                        other.of(&plan),
                        other.of(&before),
                        "{} changes {}",
                        key.name,
                        other.name
                    );
                }
            }
            let mut plan = before;
            key.set(&mut plan, u32::MAX);
            assert_eq!(key.of(&plan), key.range.end - 1, "{}", key.name);
            assert!(key.range.contains(&key.of(&before)), "{}", key.name);
        }
    }

    #[test]
    fn what_must_be_known_fits_what_can_be_kept() {
        for key in ["per_hour", "per_day", "burst"] {
            let key = KEYS.iter().find(|k| k.name == key).unwrap();
            assert!((key.range.end - 1) as usize <= HISTORY_MAX, "{}", key.name);
        }
    }
}
