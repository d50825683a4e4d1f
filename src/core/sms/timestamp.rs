//! Time stamps of seven octets, 3GPP TS 23.040 clause 9.2.3.11: local time in swapped digits and the zone in quarters
//! of an hour. Kept as received, since networks send dates that do not exist; a message is never lost for its stamp.

use core::fmt::Write;

use heapless::String;
use jiff::civil::DateTime;

use super::error::{Cause, DecodeError, Field};
use super::wire::Reader;
use crate::base::UtcTime;

/// Days of each month by its number, 28 for February; none in what is no month.
const DAYS: [u8; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Days before each month by its number, in a year that is no leap year.
const DAYS_BEFORE: [u16; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Days from 1 January 1970 to 1 January 1980.
const DAYS_TO_1980: i64 = 3_652;

/// TP-SCTS, TP-DT or an absolute TP-VP: the seven octets as they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamp(pub [u8; 7]);

impl Timestamp {
    /// The stamp of a moment, told in a zone of so many quarters of an hour east of UTC (-79 to 79; more is cut off).
    /// Years 1980 to 2079 can be told.
    #[must_use]
    pub fn from_utc(at: UtcTime, quarters: i8) -> Self {
        let quarters = quarters.clamp(-79, 79);
        let local = at.as_millis().div_euclid(1000) + i64::from(quarters) * 900;
        let civil = jiff::Timestamp::from_second(local)
            .map(|at| jiff::tz::Offset::UTC.to_datetime(at))
            .unwrap_or_default();
        let swapped = |value: i8| {
            let value = value.unsigned_abs();
            (value / 10) | ((value % 10) << 4)
        };
        let year = i8::try_from(civil.year().rem_euclid(100)).unwrap_or_default();
        let sign = if quarters < 0 { 0x08 } else { 0 };
        Self([
            swapped(year),
            swapped(civil.month()),
            swapped(civil.day()),
            swapped(civil.hour()),
            swapped(civil.minute()),
            swapped(civil.second()),
            swapped(quarters) | sign,
        ])
    }

    /// Whether every semi-octet is a decimal digit.
    #[must_use]
    pub const fn is_decimal(self) -> bool {
        let [year, month, day, hour, minute, second, zone] = self.0;
        let all = u64::from_le_bytes([year, month, day, hour, minute, second, zone & 0xF7, 0]);
        // A semi-octet above 9 carries into the bit above it when 6 is added.
        let (low, high) = (all & 0x0F0F_0F0F_0F0F_0F0F, all >> 4 & 0x0F0F_0F0F_0F0F_0F0F);
        ((low + 0x0606_0606_0606_0606) | (high + 0x0606_0606_0606_0606)) & 0x1010_1010_1010_1010 == 0
    }

    /// Year (two digits), month, day, hour, minute, second as they stand; a semi-octet that is no digit counts as 0,
    /// as the standard asks.
    #[must_use]
    pub const fn digits(self) -> [u8; 6] {
        let [year, month, day, hour, minute, second, _] = self.0;
        let all = u64::from_le_bytes([year, month, day, hour, minute, second, 0, 0]);
        let (tens, units) = (zero_for_no_digit(all), zero_for_no_digit(all >> 4));
        // At most 99 in each octet.
        let [year, month, day, hour, minute, second, _, _] = (tens * 10 + units).to_le_bytes();
        [year, month, day, hour, minute, second]
    }

    /// Quarters of an hour east of UTC.
    #[must_use]
    pub fn quarters(self) -> i8 {
        let [.., zone] = self.0;
        let quarters = i8::try_from(value(zone & 0xF7)).unwrap_or_default();
        if zone & 0x08 == 0 { quarters } else { -quarters }
    }

    /// The local date and time told, where there is such a one. Two-digit years from 80 are of the 20th century.
    #[must_use]
    pub fn civil(self) -> Option<DateTime> {
        if !self.is_decimal() {
            return None;
        }
        let [year, month, day, hour, minute, second] = self.digits().map(|v| i8::try_from(v).unwrap_or(i8::MAX));
        let century = if year < 80 { 2000 } else { 1900 };
        DateTime::new(century + i16::from(year), month, day, hour, minute, second, 0).ok()
    }

    /// Whether there is such a date and time of day.
    fn exists(self) -> bool {
        let [year, month, day, hour, minute, second] = self.digits();
        let leap = month == 2 && year.is_multiple_of(4);
        let days = DAYS.get(usize::from(month)).copied().unwrap_or_default() + u8::from(leap);
        (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60
    }

    /// The moment told, where there is such a one.
    #[must_use]
    pub fn to_utc(self) -> Option<UtcTime> {
        if !self.is_decimal() || !self.exists() {
            return None;
        }
        let [year, month, day, hour, minute, second] = self.digits().map(i64::from);
        // Years from 1980, which is a leap year as every fourth one after it.
        let years = if year < 80 { year + 20 } else { year - 80 };
        let leap = i64::from(month > 2 && years % 4 == 0);
        let before = usize::try_from(month).ok().and_then(|month| DAYS_BEFORE.get(month));
        let before = before.copied().unwrap_or_default();
        let days = DAYS_TO_1980 + years * 365 + (years + 3) / 4 + i64::from(before) + leap + day - 1;
        let local = ((days * 24 + hour) * 60 + minute) * 60 + second;
        Some(UtcTime::from_millis((local - i64::from(self.quarters()) * 900) * 1000))
    }

    /// As RFC 3339 with the stamp's own offset, where there is such a time: `2026-01-15T10:30:00+01:00`.
    #[must_use]
    pub fn rfc3339(self) -> Option<String<25>> {
        let civil = self.civil()?;
        let quarters = self.quarters();
        let (sign, quarters) = (if quarters < 0 { '-' } else { '+' }, quarters.unsigned_abs());
        let mut text = String::new();
        write!(text, "{civil}{sign}{:02}:{:02}", quarters / 4, quarters % 4 * 15).ok()?;
        Some(text)
    }

    pub(super) fn read(reader: &mut Reader<'_, '_>, field: Field) -> Result<Self, DecodeError> {
        let at = reader.at();
        let stamp = Self(reader.seven(field)?);
        stamp.check(reader, field, at)?;
        Ok(stamp)
    }

    #[inline]
    pub(super) fn read_or_zero(reader: &mut Reader<'_, '_>, field: Field) -> Result<Self, DecodeError> {
        let (at, whole) = (reader.at(), reader.rest() >= 7);
        let stamp = Self(reader.seven_or_zero(field)?);
        if whole {
            stamp.check(reader, field, at)?;
        }
        Ok(stamp)
    }

    /// Notes digits that are none, and dates that are none.
    #[inline]
    pub(super) fn check(self, reader: &mut Reader<'_, '_>, field: Field, at: usize) -> Result<(), DecodeError> {
        if !self.is_decimal() {
            reader.deviate(field, at, Cause::NotDigit)
        } else if !self.exists() {
            reader.deviate(field, at, Cause::NoSuchTime)
        } else {
            Ok(())
        }
    }
}

/// The low semi-octet of each octet where it is a digit, else 0.
const fn zero_for_no_digit(octets: u64) -> u64 {
    let low = octets & 0x0F0F_0F0F_0F0F_0F0F;
    // 1 in each octet whose semi-octet is above 9, made to 15 to cut it out.
    let above = (low + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    low & !(above * 0x0F)
}

/// Swapped digits as a number; what is no digit counts as 0.
pub(super) const fn value(octet: u8) -> u8 {
    let (tens, units) = (octet & 0x0F, octet >> 4);
    let tens = if tens < 10 { tens } else { 0 };
    let units = if units < 10 { units } else { 0 };
    tens * 10 + units
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn zones_count_quarters_and_have_their_sign_in_bit_three() {
        let plus_one = Timestamp([0x62, 0x10, 0x51, 0x01, 0x03, 0x00, 0x40]);
        assert_eq!(plus_one.quarters(), 4);
        assert_eq!(plus_one.rfc3339().unwrap(), "2026-01-15T10:30:00+01:00");
        assert_eq!(plus_one.to_utc().unwrap().to_string(), "2026-01-15T09:30:00.000Z");
        let minus_five = Timestamp([0x62, 0x10, 0x51, 0x01, 0x03, 0x00, 0x0A]);
        assert_eq!(minus_five.quarters(), -20);
        assert_eq!(minus_five.rfc3339().unwrap(), "2026-01-15T10:30:00-05:00");
        assert_eq!(minus_five.to_utc().unwrap().to_string(), "2026-01-15T15:30:00.000Z");
        assert_eq!(Timestamp([0, 0, 0, 0, 0, 0, 0x49]).quarters(), -14);
    }

    #[test]
    fn what_is_no_time_has_no_moment() {
        assert_eq!(Timestamp([0; 7]).to_utc(), None);
        assert_eq!(Timestamp([0xFF; 7]).to_utc(), None);
        assert_eq!(Timestamp([0x62, 0x20, 0x03, 0, 0, 0, 0]).to_utc(), None, "30 February");
        assert_eq!(Timestamp([0x5A, 0x10, 0x51, 0, 0, 0, 0]).digits(), [5, 1, 15, 0, 0, 0]);
    }

    #[test]
    fn years_from_eighty_are_of_the_last_century() {
        assert_eq!(Timestamp([0x97, 0x10, 0x10, 0, 0, 0, 0]).civil().unwrap().year(), 2079);
        assert_eq!(Timestamp([0x08, 0x10, 0x10, 0, 0, 0, 0]).civil().unwrap().year(), 1980);
    }

    proptest! {
        #[test]
        fn what_exists_is_what_the_calendar_has(octets: [u8; 7]) {
            let octets = octets.map(|octet| octet % 0x9A);
            let stamp = Timestamp(octets);
            prop_assert_eq!(stamp.is_decimal() && stamp.exists(), stamp.civil().is_some());
        }

        #[test]
        fn the_moment_is_the_calendars(octets: [u8; 7]) {
            let octets = octets.map(|octet| octet & 0x37);
            let stamp = Timestamp(octets);
            let seconds = stamp.civil().map(|civil| {
                jiff::tz::Offset::UTC.to_timestamp(civil).unwrap().as_second() - i64::from(stamp.quarters()) * 900
            });
            prop_assert_eq!(stamp.to_utc().map(UtcTime::as_millis), seconds.map(|seconds| seconds * 1000));
        }

        #[test]
        fn digits_are_those_of_each_octet(octets: [u8; 7]) {
            let [year, month, day, hour, minute, second, _] = octets.map(value);
            prop_assert_eq!(Timestamp(octets).digits(), [year, month, day, hour, minute, second]);
        }

        #[test]
        fn there_and_back(seconds in 315_619_200_i64..3_471_206_400, quarters in -79_i8..=79) {
            let at = UtcTime::from_millis(seconds * 1000);
            let stamp = Timestamp::from_utc(at, quarters);
            prop_assert!(stamp.is_decimal());
            prop_assert_eq!(stamp.quarters(), quarters);
            prop_assert_eq!(stamp.to_utc(), Some(at));
        }
    }
}
