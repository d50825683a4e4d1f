//! TP-Validity-Period in its three forms, 3GPP TS 23.040 clause 9.2.3.12.

use core::time::Duration;

use super::timestamp::{Timestamp, value};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// How long the service centre keeps trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// One octet counted from the receipt by the service centre, see [`relative_duration`].
    Relative(u8),
    /// Until a moment.
    Absolute(Timestamp),
    /// Seven octets of functionality indicator and value, see [`Enhanced`].
    Enhanced(Enhanced),
}

impl Validity {
    /// The longest relative period that is not longer than `period`; 5 minutes at least, 63 weeks at most.
    #[must_use]
    pub const fn relative_at_most(period: Duration) -> Self {
        let seconds = period.as_secs();
        let octet = if seconds < 12 * HOUR + 30 * MINUTE {
            let steps = seconds / (5 * MINUTE);
            // Between 12 h and 12 h 30 min the longest is 12 h, octet 143.
            if steps == 0 {
                0
            } else if steps > 144 {
                143
            } else {
                steps - 1
            }
        } else if seconds < 2 * DAY {
            let octet = 143 + (seconds - 12 * HOUR) / (30 * MINUTE);
            if octet > 167 { 167 } else { octet }
        } else if seconds < 5 * WEEK {
            let octet = 166 + seconds / DAY;
            if octet > 196 { 196 } else { octet }
        } else {
            let octet = 192 + seconds / WEEK;
            if octet > 255 { 255 } else { octet }
        };
        #[expect(clippy::cast_possible_truncation, reason = "every branch ends at 255 or below")]
        Self::Relative(octet as u8)
    }
}

/// Length of a relative period.
#[must_use]
pub const fn relative_duration(octet: u8) -> Duration {
    let n = octet as u64;
    Duration::from_secs(match octet {
        0..=143 => (n + 1) * 5 * MINUTE,
        144..=167 => 12 * HOUR + (n - 143) * 30 * MINUTE,
        168..=196 => (n - 166) * DAY,
        197..=255 => (n - 192) * WEEK,
    })
}

/// The enhanced form: seven octets as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enhanced(pub [u8; 7]);

/// The period an enhanced form tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnhancedPeriod {
    /// None given.
    Unspecified,
    /// An octet of the relative form.
    Relative(u8),
    /// Seconds, 1 to 255 (0 is reserved).
    Seconds(u8),
    /// Hours, minutes, seconds in swapped digits.
    Clock {
        /// 0 to 99.
        hours: u8,
        /// 0 to 99.
        minutes: u8,
        /// 0 to 99.
        seconds: u8,
    },
    /// A format that has no meaning yet.
    Reserved(u8),
}

impl Enhanced {
    /// Whether the service centre is to try once only.
    #[must_use]
    pub const fn is_single_shot(self) -> bool {
        let [indicator, ..] = self.0;
        indicator & 0x40 != 0
    }

    /// How long it is, where a length is told; `None` for none, 0 seconds (reserved) and formats without meaning.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        let seconds = match self.period() {
            EnhancedPeriod::Relative(octet) => return Some(relative_duration(octet)),
            EnhancedPeriod::Seconds(seconds @ 1..) => u64::from(seconds),
            EnhancedPeriod::Clock {
                hours,
                minutes,
                seconds,
            } => u64::from(hours) * HOUR + u64::from(minutes) * MINUTE + u64::from(seconds),
            EnhancedPeriod::Unspecified | EnhancedPeriod::Seconds(0) | EnhancedPeriod::Reserved(_) => return None,
        };
        Some(Duration::from_secs(seconds))
    }

    /// The period. An extended indicator (bit 7) takes further octets, one for each with its own bit 7 set.
    #[must_use]
    pub fn period(self) -> EnhancedPeriod {
        let extensions = self.0.iter().take_while(|octet| *octet & 0x80 != 0).count();
        let [indicator, ..] = self.0;
        let rest = self.0.get(extensions + 1..).unwrap_or_default();
        match (indicator & 0x07, rest) {
            (0, _) => EnhancedPeriod::Unspecified,
            (1, [octet, ..]) => EnhancedPeriod::Relative(*octet),
            (2, [seconds, ..]) => EnhancedPeriod::Seconds(*seconds),
            (3, [hours, minutes, seconds, ..]) => EnhancedPeriod::Clock {
                hours: value(*hours),
                minutes: value(*minutes),
                seconds: value(*seconds),
            },
            (format, _) => EnhancedPeriod::Reserved(format),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn octet(seconds: u64) -> u8 {
        let Validity::Relative(octet) = Validity::relative_at_most(Duration::from_secs(seconds)) else {
            panic!("relative");
        };
        octet
    }

    #[test]
    fn the_four_ranges_meet_where_the_table_says() {
        assert_eq!(relative_duration(0), Duration::from_secs(5 * MINUTE));
        assert_eq!(relative_duration(11), Duration::from_secs(HOUR));
        assert_eq!(relative_duration(143), Duration::from_secs(12 * HOUR));
        assert_eq!(relative_duration(144), Duration::from_secs(12 * HOUR + 30 * MINUTE));
        assert_eq!(relative_duration(0xA7), Duration::from_secs(DAY));
        assert_eq!(relative_duration(0xA8), Duration::from_secs(2 * DAY));
        assert_eq!(relative_duration(0xAD), Duration::from_secs(7 * DAY));
        assert_eq!(relative_duration(196), Duration::from_secs(30 * DAY));
        assert_eq!(relative_duration(197), Duration::from_secs(5 * WEEK));
        assert_eq!(relative_duration(255), Duration::from_secs(63 * WEEK));
    }

    #[test]
    fn shorter_than_five_minutes_is_five_minutes() {
        assert_eq!(octet(0), 0);
        assert_eq!(octet(299), 0);
        assert_eq!(octet(u64::MAX), 255);
    }

    #[test]
    fn every_octet_is_found_again_and_not_a_second_earlier() {
        for value in 0..=255_u8 {
            let seconds = relative_duration(value).as_secs();
            assert_eq!(octet(seconds), value);
            assert_eq!(octet(seconds - 1), value.saturating_sub(1));
        }
    }

    #[test]
    fn enhanced_forms() {
        assert_eq!(
            Enhanced([0x41, 0xA7, 0, 0, 0, 0, 0]).period(),
            EnhancedPeriod::Relative(0xA7)
        );
        assert!(Enhanced([0x41, 0xA7, 0, 0, 0, 0, 0]).is_single_shot());
        assert_eq!(
            Enhanced([0x02, 30, 0, 0, 0, 0, 0]).period(),
            EnhancedPeriod::Seconds(30)
        );
        assert_eq!(
            Enhanced([0x03, 0x10, 0x20, 0x30, 0, 0, 0]).period(),
            EnhancedPeriod::Clock {
                hours: 1,
                minutes: 2,
                seconds: 3
            }
        );
        assert_eq!(
            Enhanced([0x82, 0x00, 30, 0, 0, 0, 0]).period(),
            EnhancedPeriod::Seconds(30)
        );
        assert_eq!(Enhanced([0x07; 7]).period(), EnhancedPeriod::Reserved(7));
        assert_eq!(Enhanced([0xFF; 7]).period(), EnhancedPeriod::Reserved(7));
        assert_eq!(Enhanced([0; 7]).period(), EnhancedPeriod::Unspecified);
    }

    proptest! {
        #[test]
        fn never_longer_than_asked(seconds in 300_u64..50_000_000) {
            let Validity::Relative(octet) = Validity::relative_at_most(Duration::from_secs(seconds)) else {
                unreachable!()
            };
            prop_assert!(relative_duration(octet).as_secs() <= seconds);
            if octet < 255 {
                prop_assert!(relative_duration(octet + 1).as_secs() > seconds);
            }
        }
    }
}
