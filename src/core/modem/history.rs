//! The signal over the last day, in half hours. Bounded; nothing is decided here.

use core::time::Duration;

use crate::base::UtcTime;

/// Periods kept: a day.
pub const PERIODS: usize = 48;

const PERIOD: Duration = Duration::from_secs(30 * 60);

/// The signal in one half hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its begin: a full or half hour UTC.
    pub from: UtcTime,
    /// Weakest, in dBm.
    pub weakest_dbm: i16,
    sum: i64,
    count: u32,
}

impl Period {
    /// Mean, in dBm.
    #[must_use]
    pub fn mean_dbm(&self) -> i16 {
        let mean = self.sum / i64::from(self.count.max(1));
        i16::try_from(mean).unwrap_or(self.weakest_dbm)
    }
}

/// The last day.
#[derive(Clone, Debug, Default)]
pub struct History(heapless::Deque<Period, PERIODS>);

impl History {
    /// One reading. One older than the last period counts into that: the clock was set back.
    pub(super) fn add(&mut self, at: UtcTime, dbm: i16) {
        let length = i64::try_from(PERIOD.as_millis()).unwrap_or(i64::MAX);
        let from = UtcTime::from_millis(at.as_millis().div_euclid(length) * length);
        match self.0.back_mut() {
            Some(last) if from <= last.from => {
                last.weakest_dbm = last.weakest_dbm.min(dbm);
                last.sum += i64::from(dbm);
                last.count = last.count.saturating_add(1);
            }
            Some(_) | None => {
                if self.0.is_full() {
                    self.0.pop_front();
                }
                let _ = self.0.push_back(Period {
                    from,
                    weakest_dbm: dbm,
                    sum: i64::from(dbm),
                    count: 1,
                });
            }
        }
    }

    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Period> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_day_in_half_hours_each_with_its_weakest_and_its_mean() {
        let begin = UtcTime::from_millis(1_781_514_000_000);
        let mut history = History::default();
        for minute in 0..(26 * 60) {
            let dbm = if minute % 2 == 0 { -70 } else { -90 };
            history.add(begin + Duration::from_secs(minute * 60), dbm);
        }
        let periods: Vec<&Period> = history.iter().collect();
        assert_eq!(periods.len(), PERIODS);
        assert!(
            periods
                .iter()
                .all(|period| (period.weakest_dbm, period.mean_dbm()) == (-90, -80))
        );
        assert!(
            periods
                .windows(2)
                .all(|pair| pair[1].from.since(pair[0].from) == PERIOD)
        );
        history.add(begin, -113);
        assert_eq!(history.iter().last().map(|period| period.weakest_dbm), Some(-113));
    }
}
