//! Time as plain numbers. The core never reads a clock: every door takes a [`Now`].

use core::fmt;
use core::ops::{Add, AddAssign};
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
