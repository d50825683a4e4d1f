//! Time as plain numbers. The core never reads a clock: every door takes a [`Now`].

use core::fmt;
use core::ops::{Add, AddAssign, Range};
use core::time::Duration;

/// A point on a clock that never steps back: microseconds since an arbitrary start. Timers use this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The arbitrary start.
    pub const ZERO: Self = Self(0);

    /// From microseconds since the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero when `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)),
        )
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

/// A point in UTC: milliseconds since 1970-01-01T00:00:00Z. Windows, budgets and validity use this one; it may step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(i64);

impl UtcTime {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// 2026-01-01T00:00:00Z: a clock that shows less was never set.
    pub const CREDIBLE: Self = Self(1_767_225_600_000);

    /// Whether a clock that shows this may be right.
    #[must_use]
    pub const fn is_credible(self) -> bool {
        self.0 >= Self::CREDIBLE.0
    }

    /// Time passed since `earlier`; zero when `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        if millis <= 0 {
            Duration::ZERO
        } else {
            Duration::from_millis(millis.unsigned_abs())
        }
    }

    /// The day it lies in.
    #[must_use]
    pub const fn day(self) -> UtcDay {
        UtcDay(self.0.div_euclid(DAY_MILLIS))
    }

    /// This point moved back by `by`.
    #[must_use]
    pub fn before(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Add<Duration> for UtcTime {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(rhs.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for UtcTime {
    /// RFC 3339 in UTC with milliseconds and `Z`, the form every interface uses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

/// Both clocks at one moment, handed to every door of the core.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For timers.
    pub monotonic: Instant,
    /// For windows, budgets, validity and time stamps.
    pub utc: UtcTime,
}

const DAY_MILLIS: i64 = 86_400_000;

/// A day in UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(i64);

impl UtcDay {
    /// From days since 1970-01-01.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Its midnight.
    #[must_use]
    pub const fn begin(self) -> UtcTime {
        UtcTime(self.0.saturating_mul(DAY_MILLIS))
    }

    /// The month around this day that begins on day `on` of the calendar's months (1 to 31; on the last one of a shorter
    /// month). Days long before or after us (years -700 and 9900) stand for all beyond.
    #[must_use]
    pub fn month(self, on: u8) -> Range<Self> {
        let epoch = jiff::civil::date(1970, 1, 1);
        let here = epoch.checked_add(jiff::Span::new().days(self.0.clamp(-1_000_000, 2_900_000)));
        let here = here.unwrap_or(epoch);
        let on = i8::try_from(on.clamp(1, 31)).unwrap_or(1);
        let begin_in =
            |month: jiff::civil::Date| month.with().day(on.min(month.days_in_month())).build().unwrap_or(month);
        let number = |date: jiff::civil::Date| Self(i64::from((date - epoch).get_days()));
        let first = here.first_of_month();
        let next = |month: jiff::civil::Date| month.last_of_month().tomorrow().unwrap_or(month);
        let begin = begin_in(first);
        if begin <= here {
            number(begin)..number(begin_in(next(first)))
        } else {
            let before = first.yesterday().unwrap_or(first).first_of_month();
            number(begin_in(before))..number(begin)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn utc_prints_as_the_interfaces_want_it() {
        assert_eq!(
            UtcTime::from_millis(1_781_514_922_000).to_string(),
            "2026-06-15T09:15:22.000Z"
        );
        assert_eq!(UtcTime::from_millis(7).to_string(), "1970-01-01T00:00:00.007Z");
    }

    fn day(text: &str) -> UtcDay {
        UtcTime(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()).day()
    }

    #[test]
    fn a_month_begins_on_its_day_or_on_its_last_one() {
        for (now, on, begin, next) in [
            (
                "2026-06-15T09:15:22Z",
                1,
                "2026-06-01T00:00:00Z",
                "2026-07-01T00:00:00Z",
            ),
            (
                "2026-06-15T00:00:00Z",
                15,
                "2026-06-15T00:00:00Z",
                "2026-07-15T00:00:00Z",
            ),
            (
                "2026-06-14T23:59:59Z",
                15,
                "2026-05-15T00:00:00Z",
                "2026-06-15T00:00:00Z",
            ),
            (
                "2026-02-28T00:00:00Z",
                31,
                "2026-02-28T00:00:00Z",
                "2026-03-31T00:00:00Z",
            ),
            (
                "2026-02-27T23:59:59Z",
                31,
                "2026-01-31T00:00:00Z",
                "2026-02-28T00:00:00Z",
            ),
            (
                "2028-02-28T12:00:00Z",
                30,
                "2028-01-30T00:00:00Z",
                "2028-02-29T00:00:00Z",
            ),
            (
                "2028-02-29T00:00:00Z",
                29,
                "2028-02-29T00:00:00Z",
                "2028-03-29T00:00:00Z",
            ),
            (
                "2026-12-31T12:00:00Z",
                5,
                "2026-12-05T00:00:00Z",
                "2027-01-05T00:00:00Z",
            ),
            (
                "2026-01-02T12:00:00Z",
                5,
                "2025-12-05T00:00:00Z",
                "2026-01-05T00:00:00Z",
            ),
            (
                "2026-06-15T09:15:22Z",
                0,
                "2026-06-01T00:00:00Z",
                "2026-07-01T00:00:00Z",
            ),
        ] {
            assert_eq!(day(now).month(on), day(begin)..day(next), "{now} {on}");
        }
        assert_eq!(
            day("2026-06-01T23:59:59Z").begin().to_string(),
            "2026-06-01T00:00:00.000Z"
        );
    }

    proptest::proptest! {
        /// Whatever the day and whatever the clock: the month holds the day, is as long as a month can be, and is the same seen
        /// from each of its days.
        #[test]
        fn every_day_lies_in_one_month(number in -800_000i64..2_900_000, on: u8) {
            let day = UtcDay::from_number(number);
            let month = day.month(on);
            proptest::prop_assert!(month.contains(&day));
            let length = month.end.number() - month.start.number();
            proptest::prop_assert!((28..=31).contains(&length), "{}", length);
            let last = UtcDay::from_number(month.end.number() - 1);
            proptest::prop_assert_eq!(month.start.month(on), month.clone());
            proptest::prop_assert_eq!(last.month(on), month.clone());
            proptest::prop_assert_eq!(month.end.month(on).start, month.end);
        }

        /// Nothing a clock can show stops it.
        #[test]
        fn no_day_is_a_reason_to_stop(number: i64, on: u8) {
            let day = UtcDay::from_number(number);
            let _ = (day.month(on), day.begin());
        }
    }

    #[test]
    fn differences_never_go_below_zero() {
        let (early, late) = (Instant::from_micros(5), Instant::from_micros(9));
        assert_eq!(late.since(early), Duration::from_micros(4));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(UtcTime::from_millis(1).since(UtcTime::from_millis(9)), Duration::ZERO);
        assert_eq!(
            UtcTime::from_millis(9).before(Duration::from_millis(4)),
            UtcTime::from_millis(5)
        );
    }

    #[test]
    fn adding_saturates() {
        assert_eq!(
            Instant::from_micros(u64::MAX) + Duration::from_secs(1),
            Instant::from_micros(u64::MAX)
        );
        assert_eq!(
            UtcTime::from_millis(i64::MAX) + Duration::from_secs(1),
            UtcTime::from_millis(i64::MAX)
        );
    }
}
