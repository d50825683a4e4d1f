//! When what waits will be through, and what it needs of each SIM: the plans of the bank played forward. An estimate: it knows every
//! budget, and nothing of the network's mood.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::time::Duration;

use super::pace::Pace;
use crate::base::UtcTime;
use crate::queue::plan::Met;
use crate::queue::state::Priority;

/// Messages played one by one; what is beyond goes on at the rate of those.
const PLAYED: u32 = 20_000;
/// Nothing is foretold beyond this.
const HORIZON: Duration = Duration::from_secs(400 * 86_400);

/// A SIM that sends.
#[derive(Clone, Debug)]
pub struct Sender {
    /// What it may send.
    pub pace: Pace,
    /// From the begin of a part to the next one.
    pub airtime: Duration,
    free_at: UtcTime,
}

impl Sender {
    /// A SIM that is free at `now`.
    #[must_use]
    pub const fn new(pace: Pace, airtime: Duration, now: UtcTime) -> Self {
        Self {
            pace,
            airtime,
            free_at: now,
        }
    }

    /// When it may begin a message.
    fn next(&self, load: &Load) -> UtcTime {
        let at = self.pace.message_at(self.free_at, load.priority);
        if !load.strangers || self.pace.takes(at, load.priority, None) {
            return at;
        }
        match self.pace.circle(at, load.priority) {
            Some(circle) => self.pace.message_at(circle.until.begin(), load.priority),
            None => at,
        }
    }

    /// Sends one message; tells when it is out.
    fn send(&mut self, at: UtcTime, load: &Load) -> UtcTime {
        let mut begin = at;
        for part in 0..load.parts_each.max(1) {
            if part > 0 {
                begin = self.pace.ready_at(self.free_at, load.priority);
            }
            self.pace.spend(begin);
            self.free_at = begin + self.airtime;
        }
        if load.strangers {
            let day = at.day();
            self.pace.met(Met { day, before: None });
        }
        self.free_at
    }
}

/// Messages of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Which.
    pub priority: Priority,
    /// How many.
    pub messages: u32,
    /// Parts of each.
    pub parts_each: u32,
    /// Nobody of them was written to this month.
    pub strangers: bool,
}

/// What becomes of a load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// When its last message is out; `None` when that is not within 400 days, or no SIM sends.
    pub ready_at: Option<UtcTime>,
    /// Messages through each SIM, in the order of the senders.
    pub shares: Vec<u32>,
}

/// Plays these loads one after the other through the bank, each SIM the next message as soon as it may.
pub fn forecast(now: UtcTime, senders: &mut [Sender], loads: &[Load]) -> Vec<Outcome> {
    let mut left = PLAYED;
    loads
        .iter()
        .map(|load| {
            let outcome = play(now, senders, load, left);
            left = left.saturating_sub(load.messages);
            outcome
        })
        .collect()
}

fn play(now: UtcTime, senders: &mut [Sender], load: &Load, most: u32) -> Outcome {
    let mut shares: Vec<u32> = senders.iter().map(|_| 0).collect();
    let mut turns: BTreeSet<(UtcTime, usize)> = senders.iter().map(|s| s.next(load)).zip(0..).collect();
    let mut last = now;
    // Whatever came before, a few say at what rate this one goes.
    let played = load.messages.min(most.max(100));
    for _ in 0..played {
        let turn = turns.pop_first().filter(|(at, _)| at.since(now) <= HORIZON);
        let Some((at, index)) = turn else {
            return Outcome { ready_at: None, shares };
        };
        let (Some(sender), Some(share)) = (senders.get_mut(index), shares.get_mut(index)) else {
            break;
        };
        last = last.max(sender.send(at, load));
        *share += 1;
        turns.insert((sender.next(load), index));
    }
    if played < load.messages {
        let scaled = |n: u64| n.saturating_mul(load.messages.into()) / u64::from(played.max(1));
        let millis = u64::try_from(last.since(now).as_millis()).unwrap_or(u64::MAX);
        last = now + Duration::from_millis(scaled(millis));
        for share in &mut shares {
            *share = u32::try_from(scaled((*share).into())).unwrap_or(u32::MAX);
        }
    }
    Outcome {
        ready_at: (last.since(now) <= HORIZON).then_some(last),
        shares,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::plan::Plan;
    use proptest::prelude::*;

    /// 2026-06-15T09:15:22Z.
    const T0: UtcTime = UtcTime::from_millis(1_781_514_922_000);
    const AIR: Duration = Duration::from_secs(4);

    fn sender(plan: Plan) -> Sender {
        Sender::new(Pace::new(plan, None, &[], &[]), AIR, T0)
    }

    fn load(priority: Priority, messages: u32) -> Load {
        Load {
            priority,
            messages,
            parts_each: 1,
            strangers: true,
        }
    }

    fn at(seconds: u64) -> Option<UtcTime> {
        Some(T0 + Duration::from_secs(seconds))
    }

    #[test]
    fn the_airtime_and_the_plan_say_when() {
        let free = || sender(Plan::default());
        let hour = Plan {
            per_hour: 10,
            ..Plan::default()
        };
        let play = |senders: &mut [Sender], load: Load| forecast(T0, senders, &[load]).remove(0);
        let bulk = |messages| load(Priority::Bulk, messages);
        assert_eq!(play(&mut [free()], bulk(10)).ready_at, at(40));
        let two = play(&mut [free(), free()], bulk(11));
        assert_eq!((two.ready_at, two.shares), (at(24), [6, 5].to_vec()));
        assert_eq!(play(&mut [sender(hour)], bulk(9)).ready_at, at(36));
        assert_eq!(
            play(&mut [sender(hour)], bulk(10)).ready_at,
            at(3_604),
            "the tenth is for emergencies"
        );
        assert_eq!(
            play(&mut [sender(hour)], load(Priority::Emergency, 10)).ready_at,
            at(40)
        );
        let long = Load {
            parts_each: 3,
            ..bulk(2)
        };
        assert_eq!(play(&mut [free()], long).ready_at, at(24));
        assert_eq!(play(&mut [], bulk(1)).ready_at, None);
        assert_eq!(play(&mut [free()], bulk(0)).ready_at, Some(T0));
    }

    #[test]
    fn what_is_urgent_goes_first_and_the_rest_waits_for_it() {
        let loads = [load(Priority::High, 5), load(Priority::Bulk, 5)];
        let outcomes = forecast(T0, &mut [sender(Plan::default())], &loads);
        assert_eq!([outcomes[0].ready_at, outcomes[1].ready_at], [at(20), at(40)]);
    }

    #[test]
    fn people_beyond_the_circle_wait_for_the_next_month() {
        let plan = Plan {
            recipients_per_month: 10,
            ..Plan::default()
        };
        let next = plan.month(T0).end.begin();
        let outcome = forecast(T0, &mut [sender(plan)], &[load(Priority::Normal, 11)]).remove(0);
        assert_eq!(outcome.ready_at, Some(next + AIR * 2));
        let known = Load {
            strangers: false,
            ..load(Priority::Normal, 11)
        };
        assert_eq!(forecast(T0, &mut [sender(plan)], &[known])[0].ready_at, at(44));
    }

    #[test]
    fn a_million_is_told_from_the_rate_of_the_first_thousands() {
        let mut bank = [sender(Plan::default()), sender(Plan::default())];
        let outcome = forecast(T0, &mut bank, &[load(Priority::Bulk, 1_000_000)]).remove(0);
        assert_eq!(outcome.ready_at, at(2_000_000));
        assert_eq!(outcome.shares, [500_000, 500_000]);
        let never = Plan {
            per_day: 10,
            ..Plan::default()
        };
        assert_eq!(
            forecast(T0, &mut [sender(never)], &[load(Priority::Bulk, 1_000_000)])[0].ready_at,
            None
        );
    }

    proptest! {
        /// A larger bank is never slower, and every message goes through one SIM.
        #[test]
        fn more_sims_are_never_slower(messages in 0..300u32, per_hour in 1..50u32, per_minute in 0..9u32, sims in 1..5usize) {
            let plan = Plan { per_hour, per_minute, ..Plan::default() };
            let with = |sims: usize| {
                let mut bank: Vec<Sender> = (0..sims).map(|_| sender(plan)).collect();
                forecast(T0, &mut bank, &[load(Priority::Normal, messages)]).remove(0)
            };
            let (few, more) = (with(sims), with(sims + 1));
            prop_assert!(more.ready_at.unwrap() <= few.ready_at.unwrap());
            prop_assert_eq!(few.shares.iter().sum::<u32>(), messages);
        }
    }
}
