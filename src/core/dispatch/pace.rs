//! When a SIM may send next: a token bucket for the minute, exact sliding limits for the hour and the day, a budget for the
//! billing month, a gap between messages, and the ramp of a new SIM. Everything follows from the times of its attempts and its
//! counts of days, which are on disk: a restart changes nothing, nor does a move to another modem.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use crate::base::{UtcDay, UtcTime};
use crate::queue::plan::{Budget, Cap, Circle, DayUse, HISTORY_MAX, Mark, Met, Plan, near, usable};
use crate::queue::state::Priority;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Parts a new SIM may send on its first days, until the plan's own limit is reached: operators watch new cards most
/// closely.
const RAMP: [u32; 4] = [20, 50, 100, 200];

/// Days counted at most: a month around any of them.
const DAYS: usize = 62;

/// The pace of one SIM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    plan: Plan,
    first_used_at: Option<UtcTime>,
    /// Begin of its attempts, oldest first, at most [`Plan::history`].
    sends: VecDeque<UtcTime>,
    /// When the bucket will be full again (the theoretical arrival time of the leaky bucket as a meter).
    full_at: UtcTime,
    days: BTreeMap<UtcDay, Used>,
}

/// What it used on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    parts: u32,
    /// People it wrote to last on that day.
    recipients: u32,
}

impl Pace {
    /// A pace that continues where the attempts at `sends` (oldest first) left it. `days` is what it sent on each day since the
    /// begin of the billing month, those attempts included.
    #[must_use]
    pub fn new(plan: Plan, first_used_at: Option<UtcTime>, sends: &[UtcTime], days: &[DayUse]) -> Self {
        let mut pace = Self {
            plan,
            first_used_at,
            sends: VecDeque::new(),
            full_at: UtcTime::default(),
            days: BTreeMap::new(),
        };
        for at in sends {
            pace.record(*at);
        }
        let used = |used: &DayUse| {
            let DayUse { day, parts, recipients } = *used;
            (day, Used { parts, recipients })
        };
        pace.days = days.iter().rev().take(DAYS).map(used).collect();
        pace
    }

    /// Its limits.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The earliest time, `now` or later, at which a new message of this priority may begin.
    #[must_use]
    pub fn message_at(&self, now: UtcTime, priority: Priority) -> UtcTime {
        let gap = match priority {
            Priority::Emergency => UtcTime::default(),
            Priority::High | Priority::Normal | Priority::Bulk => self.gap_ends_at(),
        };
        self.ready_at(now, priority).max(gap)
    }

    /// The earliest time, `now` or later, at which a part of this priority may go. A tenth of the hour, of the day and of the month
    /// is kept for emergencies.
    #[must_use]
    pub fn ready_at(&self, now: UtcTime, priority: Priority) -> UtcTime {
        let bucket = self.bucket_ready_at();
        let hour = self.limit_ready_at(self.plan.per_hour, HOUR, priority);
        let day = self.limit_ready_at(self.per_day(now), DAY, priority);
        let month = self.month_ready_at(now, priority);
        now.max(bucket).max(hour).max(day).max(month)
    }

    /// Counts an attempt that begins at `now`. Every attempt counts, also one that the network refuses: it was on the air.
    pub fn spend(&mut self, now: UtcTime) {
        self.first_used_at.get_or_insert(now);
        self.record(now);
        self.count(now.day(), |used| used.parts = used.parts.saturating_add(1));
    }

    /// Whether one more person, counted last on that day, is not one too many in this billing month.
    #[must_use]
    pub fn takes(&self, now: UtcTime, priority: Priority, counted: Option<UtcDay>) -> bool {
        self.circle(now, priority).is_none_or(|circle| {
            counted.is_some_and(|day| day >= circle.from) || self.recipients(&circle) < circle.most
        })
    }

    /// How many people a message of this priority may make; `None` when any number.
    #[must_use]
    pub fn circle(&self, now: UtcTime, priority: Priority) -> Option<Circle> {
        let limit = self.plan.recipients_per_month;
        let month = (limit > 0).then(|| self.plan.month(now))?;
        Some(Circle {
            most: usable(limit, priority),
            from: month.start,
            until: month.end,
        })
    }

    fn recipients(&self, circle: &Circle) -> u32 {
        let days = self.days.range(circle.from..circle.until);
        days.map(|(_, used)| used.recipients).sum()
    }

    /// Counts the recipient of the attempt counted last, as the store has him.
    pub fn met(&mut self, met: Met) {
        if met.before != Some(met.day) {
            self.move_person(met.before, Some(met.day));
        }
    }

    /// Takes him back: nothing of that attempt left the box.
    pub fn unmet(&mut self, met: Met) {
        if met.before != Some(met.day) {
            self.move_person(Some(met.day), met.before);
        }
    }

    fn move_person(&mut self, from: Option<UtcDay>, to: Option<UtcDay>) {
        if let Some(used) = from.and_then(|day| self.days.get_mut(&day)) {
            used.recipients = used.recipients.saturating_sub(1);
        }
        if let Some(day) = to {
            self.count(day, |used| used.recipients = used.recipients.saturating_add(1));
        }
    }

    fn count(&mut self, day: UtcDay, change: impl FnOnce(&mut Used)) {
        change(self.days.entry(day).or_default());
        while self.days.len() > DAYS {
            self.days.pop_first();
        }
    }

    /// Takes back the attempt counted last: nothing of it left the box.
    pub fn refund(&mut self) {
        let Some(at) = self.sends.pop_back() else { return };
        if self.plan.per_minute > 0 {
            self.full_at = self.full_at.before(self.interval());
        }
        if let Some(used) = self.days.get_mut(&at.day()) {
            used.parts = used.parts.saturating_sub(1);
        }
    }

    /// How each budget of the plan stands; those without a limit are left out.
    #[must_use]
    pub fn budgets(&self, now: UtcTime) -> Vec<Budget> {
        let lately = |window: Duration| {
            let known = self.sends.len() - self.sends.partition_point(|at| *at + window <= now);
            u32::try_from(known).unwrap_or(u32::MAX)
        };
        let counts = self.plan.per_month > 0 || self.plan.recipients_per_month > 0;
        let month = if counts {
            self.plan.month(now)
        } else {
            now.day()..now.day()
        };
        let days = || self.days.range(month.clone());
        let sent = days().map(|(_, used)| used.parts).sum();
        let people = days().map(|(_, used)| used.recipients).sum();
        let per_day = self.per_day(now);
        let sliding = |limit, window| self.limit_ready_at(limit, window, Priority::Normal);
        let all = [
            (
                Cap::Hour,
                self.plan.per_hour,
                lately(HOUR),
                sliding(self.plan.per_hour, HOUR),
            ),
            (Cap::Day, per_day, lately(DAY), sliding(per_day, DAY)),
            (Cap::Month, self.plan.per_month, sent, month.end.begin()),
            (
                Cap::Recipients,
                self.plan.recipients_per_month,
                people,
                month.end.begin(),
            ),
        ];
        let standing = |(cap, limit, used, free_at): (Cap, u32, u32, UtcTime)| Budget {
            cap,
            limit,
            used,
            free_at: (used >= usable(limit, Priority::Normal) && free_at > now).then_some(free_at),
        };
        all.into_iter()
            .filter(|(_, limit, ..)| *limit > 0)
            .map(standing)
            .collect()
    }

    /// The budgets that the attempt counted last brought near their end or to it. `stranger`: its recipient will be counted as one
    /// more of the month's people.
    #[must_use]
    pub fn marks(&self, now: UtcTime, stranger: bool) -> [Option<Mark>; 4] {
        let since = |cap: Cap| match cap {
            Cap::Hour => now.before(HOUR),
            Cap::Day => now.before(DAY),
            Cap::Month | Cap::Recipients => self.plan.month(now).start.begin(),
        };
        let mut marks = [None; 4];
        for (mark, budget) in marks.iter_mut().zip(self.budgets(now)) {
            let used = match budget.cap {
                Cap::Hour | Cap::Day | Cap::Month => budget.used,
                Cap::Recipients if stranger => budget.used.saturating_add(1),
                Cap::Recipients => continue,
            };
            let reached = used == usable(budget.limit, Priority::Normal);
            *mark = (reached || used == near(budget.limit)).then(|| Mark {
                cap: budget.cap,
                reached,
                since: since(budget.cap),
            });
        }
        marks
    }

    /// How much of its tightest budget is used, in tenths: 0 without any, 10 at its end and beyond.
    #[must_use]
    pub fn used_tenths(&self, now: UtcTime) -> u8 {
        let tenth = |budget: &Budget| u64::from(budget.used) * 10 / u64::from(budget.limit.max(1));
        let most = self.budgets(now).iter().map(tenth).max().unwrap_or_default();
        u8::try_from(most).unwrap_or(u8::MAX).min(10)
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
        while self.sends.len() >= self.plan.history() {
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
        let usable = (usable(limit, priority) as usize).min(HISTORY_MAX);
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

    fn month_ready_at(&self, now: UtcTime, priority: Priority) -> UtcTime {
        if self.plan.per_month == 0 {
            return UtcTime::default();
        }
        let month = self.plan.month(now);
        let sent: u32 = self.days.range(month.clone()).map(|(_, used)| used.parts).sum();
        if sent < usable(self.plan.per_month, priority) {
            return UtcTime::default();
        }
        month.end.begin()
    }

    /// The gap after the last part. How much of the jitter is in it follows from the time of that part: as good as drawn to who
    /// looks from outside, and the same after a restart.
    fn gap_ends_at(&self) -> UtcTime {
        let Some(last) = self.sends.back() else {
            return UtcTime::default();
        };
        let millis = u64::try_from(self.plan.gap_jitter.as_millis()).unwrap_or(u64::MAX);
        let drawn = scatter(last.as_millis().cast_unsigned()) % millis.saturating_add(1);
        *last + self.plan.gap + Duration::from_millis(drawn)
    }

    fn per_day(&self, now: UtcTime) -> u32 {
        if self.plan.per_day == 0 || !self.plan.ramp {
            return self.plan.per_day;
        }
        let age = self.first_used_at.map_or(Duration::ZERO, |first| now.since(first));
        let day = usize::try_from(age.as_secs() / DAY.as_secs()).unwrap_or(usize::MAX);
        RAMP.get(day)
            .map_or(self.plan.per_day, |ramp| self.plan.per_day.min(*ramp))
    }
}

/// Spreads neighbours over all numbers (the finalizer of splitmix64).
const fn scatter(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-06-15T09:15:22Z.
    const T0: UtcTime = UtcTime::from_millis(1_781_514_922_000);

    fn at(seconds: u64) -> UtcTime {
        T0 + Duration::from_secs(seconds)
    }

    #[test]
    fn the_shipped_plan_lets_ten_go_and_then_one_every_ten_seconds() {
        let plan = Plan {
            per_minute: 6,
            burst: 10,
            ..Plan::default()
        };
        let mut pace = Pace::new(plan, None, &[], &[]);
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
            ramp: true,
            ..Plan::default()
        };
        let limit_on = |day: u64| Pace::new(plan, Some(T0), &[], &[]).per_day(at(day * 86_400 + 1));
        assert_eq!([0, 1, 2, 3, 4].map(limit_on), [20, 50, 100, 200, 1_000]);
        let small = Plan {
            per_day: 30,
            ramp: true,
            ..Plan::default()
        };
        assert_eq!(Pace::new(small, Some(T0), &[], &[]).per_day(at(86_401)), 30);
        let free = Plan { per_day: 0, ..plan };
        assert_eq!(
            Pace::new(free, Some(T0), &[], &[]).per_day(T0),
            0,
            "per_day = 0 ends the ramp"
        );
        let entered = Plan { ramp: false, ..plan };
        assert_eq!(
            Pace::new(entered, Some(T0), &[], &[]).per_day(T0),
            1_000,
            "and so does a plan"
        );
    }

    /// So many parts so many days ago.
    fn used(parts: u32, days_ago: i64) -> DayUse {
        let day = UtcDay::from_number(T0.day().number() - days_ago);
        DayUse {
            day,
            parts,
            recipients: 0,
        }
    }

    #[test]
    fn a_month_has_its_budget_a_tenth_of_it_kept_for_emergencies() {
        let plan = Plan {
            per_month: 10,
            billing_day: 20,
            ..Plan::default()
        };
        // 26 days ago the month began; what was the day before does not count.
        let mut pace = Pace::new(plan, None, &[], &[used(50, 27), used(4, 26), used(3, 0)]);
        for _ in 0..2 {
            assert_eq!(pace.ready_at(T0, Priority::Normal), T0);
            pace.spend(T0);
        }
        let next = plan.month(T0).end.begin();
        assert_eq!(pace.ready_at(T0, Priority::High), next);
        assert_eq!(pace.ready_at(T0, Priority::Emergency), T0);
        pace.spend(T0);
        assert_eq!(pace.ready_at(T0, Priority::Emergency), next);
        assert_eq!(pace.ready_at(next, Priority::Bulk), next, "a new month");
        pace.spend(next);
        assert_eq!(
            pace.ready_at(T0, Priority::Emergency),
            next,
            "a clock set back finds the old month used up"
        );
        pace.refund();
        assert_eq!(
            pace.ready_at(T0, Priority::Emergency),
            next,
            "what was taken back was of the new month"
        );
    }

    #[test]
    fn so_many_people_a_month_and_each_of_them_any_number_of_times() {
        let plan = Plan {
            recipients_per_month: 10,
            ..Plan::default()
        };
        let today = T0.day();
        let (begin, yesterday) = (plan.month(T0).start, UtcDay::from_number(today.number() - 1));
        let known = |day, recipients| DayUse {
            day,
            parts: 0,
            recipients,
        };
        let mut pace = Pace::new(plan, None, &[], &[known(begin, 7), known(yesterday, 1)]);
        let new = Met {
            day: today,
            before: None,
        };
        assert!(pace.takes(T0, Priority::Normal, None));
        pace.met(new);
        assert!(!pace.takes(T0, Priority::Normal, None), "nine of ten");
        assert!(pace.takes(T0, Priority::Emergency, None));
        assert!(pace.takes(T0, Priority::Bulk, Some(begin)), "he is counted already");
        let before = UtcDay::from_number(begin.number() - 1);
        assert!(!pace.takes(T0, Priority::Bulk, Some(before)), "that was another month");
        // Somebody known since yesterday is written to again, now and once more.
        let again = Met {
            day: today,
            before: Some(yesterday),
        };
        pace.met(again);
        pace.met(Met {
            day: today,
            before: Some(today),
        });
        assert!(pace.takes(T0, Priority::Emergency, None), "he is counted once");
        pace.unmet(again);
        pace.unmet(new);
        assert!(pace.takes(T0, Priority::Normal, None));
        let next = plan.month(T0).end.begin();
        assert!(pace.takes(next, Priority::Normal, None), "a new month");
        assert!(Pace::new(Plan::default(), None, &[], &[known(today, 900)]).takes(T0, Priority::Bulk, None));
    }

    #[test]
    fn each_budget_tells_what_is_used_and_when_something_frees() {
        let plan = Plan {
            per_hour: 10,
            per_day: 1_000,
            ramp: true,
            recipients_per_month: 5,
            ..Plan::default()
        };
        let known = |day, recipients| DayUse {
            day,
            parts: 2,
            recipients,
        };
        let mut pace = Pace::new(plan, Some(T0), &[], &[known(T0.day(), 3)]);
        for second in 0..9 {
            pace.spend(at(second));
        }
        let line = |cap, limit, used, free_at| Budget {
            cap,
            limit,
            used,
            free_at,
        };
        let hour = line(Cap::Hour, 10, 9, Some(at(3_600)));
        let wanted = [hour, line(Cap::Day, 20, 9, None), line(Cap::Recipients, 5, 3, None)];
        assert_eq!(pace.budgets(at(9)), wanted);
        assert_eq!(pace.budgets(at(3_600))[0], line(Cap::Hour, 10, 8, None));
        pace.met(Met {
            day: T0.day(),
            before: None,
        });
        pace.met(Met {
            day: T0.day(),
            before: None,
        });
        let next = plan.month(T0).end.begin();
        assert_eq!(pace.budgets(at(9))[2], line(Cap::Recipients, 5, 5, Some(next)));
        assert_eq!(Pace::new(Plan::default(), None, &[], &[]).budgets(T0), []);
    }

    #[test]
    fn a_budget_is_marked_where_it_comes_near_its_end_and_where_it_ends() {
        let plan = Plan {
            per_hour: 10,
            recipients_per_month: 5,
            ..Plan::default()
        };
        let mut pace = Pace::new(plan, None, &[], &[]);
        let told: Vec<Vec<(Cap, bool)>> = (0..10)
            .map(|second| {
                pace.spend(at(second));
                let marks = pace.marks(at(second), second < 5);
                if second < 5 {
                    pace.met(Met {
                        day: T0.day(),
                        before: None,
                    });
                }
                marks.iter().flatten().map(|mark| (mark.cap, mark.reached)).collect()
            })
            .collect();
        let mut wanted = alloc::vec![Vec::new(); 10];
        wanted[3] = [(Cap::Recipients, false)].to_vec();
        wanted[4] = [(Cap::Recipients, true)].to_vec();
        wanted[7] = [(Cap::Hour, false)].to_vec();
        wanted[8] = [(Cap::Hour, true)].to_vec();
        assert_eq!(told, wanted);
    }

    #[test]
    fn another_billing_day_counts_the_same_days_anew() {
        let plan = |billing_day| Plan {
            per_month: 10,
            billing_day,
            ..Plan::default()
        };
        let days = [used(8, 10), used(5, 2)];
        assert!(Pace::new(plan(1), None, &[], &days).ready_at(T0, Priority::Normal) > T0);
        assert_eq!(Pace::new(plan(10), None, &[], &days).ready_at(T0, Priority::Normal), T0);
    }

    #[test]
    fn a_gap_lies_between_messages_and_emergencies_do_not_wait() {
        let plan = Plan {
            gap: Duration::from_secs(3),
            gap_jitter: Duration::from_secs(6),
            ..Plan::default()
        };
        let gap_after = |last: UtcTime| {
            Pace::new(plan, None, &[last], &[])
                .message_at(last, Priority::Normal)
                .since(last)
        };
        let gaps: Vec<Duration> = (0..200).map(|n| gap_after(at(n))).collect();
        let (least, most) = (gaps.iter().min().unwrap(), gaps.iter().max().unwrap());
        assert!(*least >= plan.gap && *least < Duration::from_secs(4), "{least:?}");
        assert!(
            *most <= Duration::from_secs(9) && *most > Duration::from_secs(8),
            "{most:?}"
        );
        let mut pace = Pace::new(plan, None, &[], &[]);
        pace.spend(T0);
        assert_eq!(
            pace.message_at(T0, Priority::Bulk),
            T0 + gap_after(T0),
            "the same after a restart"
        );
        assert_eq!(pace.message_at(T0, Priority::Emergency), T0);
        assert_eq!(
            pace.ready_at(T0, Priority::Bulk),
            T0,
            "the next part of the same message"
        );
        pace.refund();
        assert_eq!(pace.message_at(T0, Priority::Bulk), T0, "nothing left the box");
    }

    #[test]
    fn a_refund_gives_the_token_back() {
        let mut pace = Pace::new(
            Plan {
                per_minute: 6,
                burst: 1,
                per_hour: 1,
                ..Plan::default()
            },
            None,
            &[],
            &[],
        );
        pace.spend(T0);
        assert!(pace.ready_at(T0, Priority::Emergency) > T0);
        pace.refund();
        assert_eq!(pace.ready_at(T0, Priority::Emergency), T0);
    }

    fn plans() -> impl Strategy<Value = Plan> {
        let day = (0..20u32, 0..20u32, 0..40u32, 0..60u32, any::<bool>());
        let month = (0..80u32, 0..15u32, 0..40u8, 0..20u64, 0..20u64);
        (day, month).prop_map(|(day, month)| Plan {
            per_minute: day.0,
            burst: day.1,
            per_hour: day.2,
            per_day: day.3,
            ramp: day.4,
            per_month: month.0,
            recipients_per_month: month.1,
            billing_day: month.2,
            gap: Duration::from_secs(month.3),
            gap_jitter: Duration::from_secs(month.4),
        })
    }

    /// What a store keeps: when what was sent to whom, and whom it was sent to when last.
    #[derive(Default)]
    struct Kept {
        /// The first that began, also if it was taken back: its row is still there.
        first: Option<UtcTime>,
        sent: Vec<(UtcTime, u8)>,
        last: BTreeMap<u8, UtcDay>,
    }

    impl Kept {
        /// The pace that begins from it.
        fn pace(&self, plan: Plan, now: UtcTime) -> Pace {
            let times: Vec<UtcTime> = self.sent.iter().map(|(at, _)| *at).collect();
            let mut days: BTreeMap<UtcDay, DayUse> = BTreeMap::new();
            let none = |day| DayUse {
                day,
                parts: 0,
                recipients: 0,
            };
            let from = plan.month(now).start;
            for day in times.iter().map(|at| at.day()).filter(|day| *day >= from) {
                days.entry(day).or_insert_with(|| none(day)).parts += 1;
            }
            for day in self.last.values().filter(|day| **day >= from) {
                days.entry(*day).or_insert_with(|| none(*day)).recipients += 1;
            }
            let known = times
                .get(times.len().saturating_sub(plan.history())..)
                .unwrap_or_default();
            let days: Vec<DayUse> = days.into_values().collect();
            Pace::new(plan, self.first, known, &days)
        }
    }

    proptest! {
        /// Promise 4: whatever is asked and whenever, no window of an hour or a day and no billing month holds more than the
        /// limit, nor the month more people, their tenth left to emergencies; no burst more than the bucket plus what flowed in;
        /// no message comes within the gap; and a restart in the middle (or a move to another modem, which is one) changes no answer.
        #[test]
        fn limits_hold_also_over_a_restart(
            plan in plans(),
            steps in proptest::collection::vec((0..9_000u64, any::<bool>(), any::<bool>(), 0..20u8, 0..20u8), 1..300),
        ) {
            let mut pace = Pace::new(plan, None, &[], &[]);
            let mut now = T0;
            let mut kept = Kept::default();
            let mut calm: Vec<(UtcTime, u8)> = Vec::new();
            for (pause, urgent, first, luck, person) in steps {
                now = now + Duration::from_secs(pause / if luck < 15 { 100 } else { 1 });
                let priority = if urgent { Priority::Emergency } else { Priority::Normal };
                let counted = kept.last.get(&person).copied();
                let takes = pace.takes(now, priority, counted);
                let ready = if first { pace.message_at(now, priority) } else { pace.ready_at(now, priority) };
                let again = kept.pace(plan, now);
                prop_assert_eq!(pace.ready_at(now, priority), again.ready_at(now, priority));
                prop_assert_eq!(pace.message_at(now, priority), again.message_at(now, priority));
                prop_assert_eq!(takes, again.takes(now, priority, counted));
                prop_assert_eq!(pace.budgets(now), again.budgets(now));
                if ready > now || !takes {
                    continue;
                }
                if let Some((last, _)) = kept.sent.last().filter(|_| first && !urgent) {
                    prop_assert!(now.since(*last) >= plan.gap);
                }
                let met = Met { day: now.day(), before: counted };
                pace.spend(now);
                pace.met(met);
                kept.first.get_or_insert(now);
                if luck == 0 {
                    pace.refund();
                    pace.unmet(met);
                } else {
                    kept.sent.push((now, person));
                    kept.last.insert(person, now.day());
                    if !urgent { calm.push((now, person)); }
                }
            }
            for (sent, priority) in [(&kept.sent, Priority::Emergency), (&calm, Priority::Normal)] {
                for (first, (begin, _)) in sent.iter().enumerate() {
                    let within = |window: Duration| sent[first..].iter().filter(|(at, _)| *at < *begin + window).count() as u32;
                    let holds = |limit: u32, count: u32| limit == 0 || count <= usable(limit, priority);
                    prop_assert!(holds(plan.per_hour, within(HOUR)));
                    prop_assert!(holds(plan.per_day, within(DAY)));
                    let month = plan.month(*begin);
                    let in_month: Vec<u8> = sent.iter().filter(|(at, _)| month.contains(&at.day())).map(|(_, who)| *who).collect();
                    prop_assert!(holds(plan.per_month, in_month.len() as u32));
                    // Whom an emergency made known costs nothing after it: people are counted over all that was sent.
                    let people = in_month.iter().collect::<alloc::collections::BTreeSet<_>>().len() as u32;
                    prop_assert!(priority != Priority::Emergency || holds(plan.recipients_per_month, people));
                    if plan.per_minute > 0 {
                        prop_assert!(within(MINUTE) <= plan.bucket() + plan.per_minute);
                    }
                }
            }
        }
    }
}
