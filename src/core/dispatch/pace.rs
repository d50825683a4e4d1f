//! When a SIM may send next: a token bucket for the minute, exact sliding limits for the hour and the day, and the
//! ramp of a new SIM. Everything follows from the times of its attempts, which are on disk: a restart changes nothing.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::base::UtcTime;
use crate::queue::state::Priority;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Parts a new SIM may send on its first days, until the plan's own limit is reached: operators watch new cards most
/// closely.
const RAMP: [u32; 4] = [20, 50, 100, 200];

/// Most send times a limit may need, whatever the configuration says.
pub const HISTORY_MAX: usize = 20_000;

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
}

impl Plan {
    /// How many send times [`Pace`] needs to know to be exact.
    #[must_use]
    pub fn history(&self) -> usize {
        let most = self
            .per_hour
            .max(self.per_day)
            .max(if self.per_minute == 0 { 0 } else { self.bucket() });
        (most as usize).min(HISTORY_MAX)
    }

    const fn bucket(&self) -> u32 {
        if self.burst == 0 { self.per_minute } else { self.burst }
    }
}

/// The pace of one SIM.
#[derive(Clone, Debug)]
pub struct Pace {
    plan: Plan,
    first_used_at: Option<UtcTime>,
    /// Begin of its attempts, oldest first, at most [`Plan::history`].
    sends: VecDeque<UtcTime>,
    /// When the bucket will be full again (the theoretical arrival time of the leaky bucket as a meter).
    full_at: UtcTime,
}

impl Pace {
    /// A pace that continues where the attempts at `sends` (oldest first) left it.
    #[must_use]
    pub fn new(plan: Plan, first_used_at: Option<UtcTime>, sends: &[UtcTime]) -> Self {
        let mut pace = Self {
            plan,
            first_used_at,
            sends: VecDeque::new(),
            full_at: UtcTime::default(),
        };
        for at in sends {
            pace.record(*at);
        }
        pace
    }

    /// The earliest time, `now` or later, at which a part of this priority may go. A tenth of the hour and of the day is
    /// kept for emergencies.
    #[must_use]
    pub fn ready_at(&self, now: UtcTime, priority: Priority) -> UtcTime {
        let bucket = self.bucket_ready_at();
        let hour = self.limit_ready_at(self.plan.per_hour, HOUR, priority);
        let day = self.limit_ready_at(self.per_day(now), DAY, priority);
        now.max(bucket).max(hour).max(day)
    }

    /// Counts an attempt that begins at `now`. Every attempt counts, also one that the network refuses: it was on the air.
    pub fn spend(&mut self, now: UtcTime) {
        self.first_used_at.get_or_insert(now);
        self.record(now);
    }

    /// Takes back the attempt counted last: nothing of it left the box.
    pub fn refund(&mut self) {
        if self.sends.pop_back().is_some() && self.plan.per_minute > 0 {
            self.full_at = self.full_at.before(self.interval());
        }
    }

    /// Attempts known within the last hour: the load by which idle SIMs are compared.
    #[must_use]
    pub fn recent(&self, now: UtcTime) -> usize {
        let since = now.before(HOUR);
        self.sends.iter().rev().take_while(|at| **at > since).count()
    }

    fn record(&mut self, at: UtcTime) {
        if self.plan.per_minute > 0 {
            self.full_at = self.full_at.max(at) + self.interval();
        }
        // Without limits the log still tells the load of the last hour; a fixed length bounds it.
        let keep = self.plan.history().max(64);
        while self.sends.len() >= keep {
            self.sends.pop_front();
        }
        self.sends.push_back(at);
    }

    /// Time in which one token comes back.
    fn interval(&self) -> Duration {
        MINUTE / self.plan.per_minute.max(1)
    }

    fn bucket_ready_at(&self) -> UtcTime {
        if self.plan.per_minute == 0 {
            return UtcTime::default();
        }
        let spare = self.plan.bucket().saturating_sub(1);
        self.full_at.before(self.interval() * spare)
    }

    fn limit_ready_at(&self, limit: u32, window: Duration, priority: Priority) -> UtcTime {
        if limit == 0 {
            return UtcTime::default();
        }
        let usable = match priority {
            Priority::Emergency => limit,
            Priority::High | Priority::Normal | Priority::Bulk => limit - limit / 10,
        };
        let usable = (usable as usize).min(HISTORY_MAX);
        // The next one may go when the usable-th newest leaves the window.
        match self
            .sends
            .len()
            .checked_sub(usable)
            .and_then(|index| self.sends.get(index))
        {
            Some(at) => *at + window,
            None => UtcTime::default(),
        }
    }

    fn per_day(&self, now: UtcTime) -> u32 {
        if self.plan.per_day == 0 {
            return 0;
        }
        let age = self.first_used_at.map_or(Duration::ZERO, |first| now.since(first));
        let day = usize::try_from(age.as_secs() / DAY.as_secs()).unwrap_or(usize::MAX);
        RAMP.get(day)
            .map_or(self.plan.per_day, |ramp| self.plan.per_day.min(*ramp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const T0: UtcTime = UtcTime::from_millis(1_781_514_922_000);

    fn at(seconds: u64) -> UtcTime {
        T0 + Duration::from_secs(seconds)
    }

    #[test]
    fn the_shipped_plan_lets_ten_go_and_then_one_every_ten_seconds() {
        let plan = Plan {
            per_minute: 6,
            burst: 10,
            per_hour: 0,
            per_day: 0,
        };
        let mut pace = Pace::new(plan, None, &[]);
        for _ in 0..10 {
            assert_eq!(pace.ready_at(T0, Priority::Normal), T0);
            pace.spend(T0);
        }
        assert_eq!(pace.ready_at(T0, Priority::Normal), at(10));
        pace.spend(at(10));
        assert_eq!(pace.ready_at(at(10), Priority::Normal), at(20));
    }

    #[test]
    fn burst_zero_takes_the_minute() {
        let mut pace = Pace::new(
            Plan {
                per_minute: 3,
                ..Plan::default()
            },
            None,
            &[],
        );
        for _ in 0..3 {
            pace.spend(T0);
        }
        assert_eq!(pace.ready_at(T0, Priority::Normal), at(20));
    }

    #[test]
    fn a_tenth_of_the_hour_is_kept_for_emergencies() {
        let mut pace = Pace::new(
            Plan {
                per_hour: 10,
                ..Plan::default()
            },
            None,
            &[],
        );
        for second in 0..9 {
            pace.spend(at(second));
        }
        assert_eq!(pace.ready_at(at(9), Priority::Normal), at(3_600));
        assert_eq!(pace.ready_at(at(9), Priority::Emergency), at(9));
        pace.spend(at(9));
        assert_eq!(pace.ready_at(at(10), Priority::Emergency), at(3_600));
    }

    #[test]
    fn a_new_sim_ramps_until_its_plan_is_reached() {
        let plan = Plan {
            per_day: 1_000,
            ..Plan::default()
        };
        let limit_on = |day: u64| Pace::new(plan, Some(T0), &[]).per_day(at(day * 86_400 + 1));
        assert_eq!([0, 1, 2, 3, 4].map(limit_on), [20, 50, 100, 200, 1_000]);
        let small = Plan {
            per_day: 30,
            ..Plan::default()
        };
        assert_eq!(Pace::new(small, Some(T0), &[]).per_day(at(86_401)), 30);
        assert_eq!(
            Pace::new(Plan::default(), Some(T0), &[]).per_day(T0),
            0,
            "per_day = 0 ends the ramp"
        );
    }

    #[test]
    fn a_refund_gives_the_token_back() {
        let mut pace = Pace::new(
            Plan {
                per_minute: 6,
                burst: 1,
                per_hour: 1,
                per_day: 0,
            },
            None,
            &[],
        );
        pace.spend(T0);
        assert!(pace.ready_at(T0, Priority::Emergency) > T0);
        pace.refund();
        assert_eq!(pace.ready_at(T0, Priority::Emergency), T0);
    }

    fn plans() -> impl Strategy<Value = Plan> {
        (0..20u32, 0..20u32, 0..40u32, 0..60u32).prop_map(|(per_minute, burst, per_hour, per_day)| Plan {
            per_minute,
            burst,
            per_hour,
            per_day,
        })
    }

    proptest! {
        /// Promise 4: whatever is asked and whenever, no window of an hour or a day holds more than the limit, no burst
        /// more than the bucket plus what flowed in, and a restart in the middle changes no answer.
        #[test]
        fn limits_hold_also_over_a_restart(plan in plans(), steps in proptest::collection::vec((0..900u64, any::<bool>()), 1..300)) {
            let mut pace = Pace::new(plan, None, &[]);
            let mut now = T0;
            let mut sent: Vec<UtcTime> = Vec::new();
            for (pause, urgent) in steps {
                now = now + Duration::from_secs(pause);
                let priority = if urgent { Priority::Emergency } else { Priority::Normal };
                let reborn = Pace::new(plan, sent.first().copied(), sent.get(sent.len().saturating_sub(plan.history())..).unwrap());
                prop_assert_eq!(pace.ready_at(now, priority), reborn.ready_at(now, priority));
                if pace.ready_at(now, priority) <= now {
                    pace.spend(now);
                    sent.push(now);
                }
            }
            for (first, begin) in sent.iter().enumerate() {
                let within = |window: Duration| sent[first..].iter().filter(|t| **t < *begin + window).count() as u32;
                prop_assert!(plan.per_hour == 0 || within(HOUR) <= plan.per_hour);
                prop_assert!(plan.per_day == 0 || within(DAY) <= plan.per_day);
                if plan.per_minute > 0 {
                    prop_assert!(within(MINUTE) <= plan.bucket() + plan.per_minute);
                }
            }
        }
    }
}
