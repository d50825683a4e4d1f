//! Whose turn it is: start-time fair queueing between the services of one way and priority, turn about between the ways of one
//! SIM, and a fixed share of the turns for the less urgent of two. Plain values that count parts; no clock, no message.

use alloc::collections::BTreeMap;

use crate::base::SimId;
use crate::queue::lane::{Lane, Way};
use crate::queue::state::Priority;

/// What one part costs a lane of weight 1. The largest weight must divide it finely enough.
const STRIDE: u64 = 1 << 20;
/// Largest weight of a service.
pub const WEIGHT_MAX: u32 = 1_000;

/// The turns of lanes and ways. It remembers only what has more than its due: a lane that comes back begins where the others are,
/// with no credit for the time it was away.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    /// Up to where each way and priority has come: the start of the part sent last.
    now: BTreeMap<(Priority, Way), u64>,
    /// When the next part of a lane may start.
    starts: BTreeMap<Lane, u64>,
    /// When each SIM served each of its ways last, counted in parts.
    served: BTreeMap<(SimId, Way), u64>,
    parts: u64,
}

impl Shares {
    /// A lane that was empty has something: it begins where the others of its way are, or later when it had more than its
    /// share before.
    pub fn wake(&mut self, lane: Lane) {
        let now = self.now(lane);
        let start = self.starts.entry(lane).or_insert(now);
        *start = now.max(*start);
    }

    /// A lane is empty. What it had beyond its share stays known until the others have had as much.
    pub fn sleep(&mut self, lane: Lane) {
        let now = self.now(lane);
        if self.starts.get(&lane).is_some_and(|start| *start <= now) {
            self.starts.remove(&lane);
        }
    }

    /// The order of lanes of one way and priority: the smallest goes first.
    #[must_use]
    pub fn start(&self, lane: Lane) -> u64 {
        self.starts.get(&lane).copied().unwrap_or_else(|| self.now(lane))
    }

    /// The order of the ways of one SIM: the smallest goes first.
    #[must_use]
    pub fn last_served(&self, sim: SimId, way: Way) -> u64 {
        self.served.get(&(sim, way)).copied().unwrap_or_default()
    }

    /// A part of this lane goes through this SIM.
    pub fn charge(&mut self, sim: SimId, lane: Lane, weight: u32) {
        let start = self.start(lane);
        let now = self.now.entry((lane.priority, lane.way)).or_default();
        *now = start.max(*now);
        let stride = STRIDE / u64::from(weight.clamp(1, WEIGHT_MAX));
        self.starts.insert(lane, start.saturating_add(stride));
        self.parts += 1;
        self.served.insert((sim, lane.way), self.parts);
    }

    /// Forgets what lanes that have nothing owe no more. `awake` says which lanes have something.
    pub fn tidy(&mut self, awake: impl Fn(&Lane) -> bool) {
        let now = &self.now;
        self.starts.retain(|lane, start| {
            let others = now.get(&(lane.priority, lane.way)).copied().unwrap_or_default();
            awake(lane) || *start > others
        });
    }

    /// Lanes it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// True when it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    fn now(&self, lane: Lane) -> u64 {
        self.now.get(&(lane.priority, lane.way)).copied().unwrap_or_default()
    }
}

/// Turns of the less urgent of two, while both have something.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    percent: u8,
    credit: u8,
}

impl Turns {
    /// The less urgent gets `percent` (at most 100) of the parts that are sent while both wait: no more, and no less.
    #[must_use]
    pub const fn new(percent: u8) -> Self {
        Self {
            percent: if percent > 100 { 100 } else { percent },
            credit: 0,
        }
    }

    /// Whether this part is the less urgent one's. Asked once for each part sent while both wait.
    pub fn less_urgent(&mut self) -> bool {
        let credit = self.credit + self.percent;
        let its = credit >= 100;
        self.credit = if its { credit - 100 } else { credit };
        its
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ServiceId, Ulid};
    use proptest::prelude::*;
    use std::vec::Vec;

    const SIM: SimId = SimId(Ulid::from_bits(1));

    fn lane(service: u128) -> Lane {
        Lane {
            priority: Priority::Normal,
            way: Way::Any,
            service: ServiceId(Ulid::from_bits(service)),
        }
    }

    /// Sends so many parts of lanes that always have something; how many each got.
    fn send(shares: &mut Shares, lanes: &[(Lane, u32)], parts: usize) -> Vec<usize> {
        let mut counts = std::vec![0; lanes.len()];
        for _ in 0..parts {
            let next = (0..lanes.len())
                .min_by_key(|i| (shares.start(lanes[*i].0), *i))
                .unwrap();
            shares.charge(SIM, lanes[next].0, lanes[next].1);
            counts[next] += 1;
        }
        counts
    }

    proptest! {
        #[test]
        fn each_gets_its_weight_to_a_part_or_two(weights in proptest::collection::vec(1..50u32, 1..8), parts in 1..3_000usize) {
            let mut shares = Shares::default();
            let lanes: Vec<_> = weights.iter().zip(0..).map(|(weight, n)| (lane(n), *weight)).collect();
            for (lane, _) in &lanes {
                shares.wake(*lane);
            }
            let total: u32 = weights.iter().sum();
            for (count, weight) in send(&mut shares, &lanes, parts).iter().zip(&weights) {
                let due = parts as f64 * f64::from(*weight) / f64::from(total);
                prop_assert!((*count as f64 - due).abs() <= 2.0, "{count} instead of {due}");
            }
        }
    }

    #[test]
    fn who_was_away_gets_no_credit_for_it() {
        let mut shares = Shares::default();
        let both = [(lane(1), 1), (lane(2), 1)];
        shares.wake(lane(1));
        send(&mut shares, &both[..1], 10_000);
        shares.wake(lane(2));
        assert_eq!(send(&mut shares, &both, 100), [50, 50]);
    }

    #[test]
    fn who_comes_back_after_each_part_gets_no_more_for_it() {
        let mut shares = Shares::default();
        shares.wake(lane(1));
        let mut counts = [0, 0];
        for _ in 0..300 {
            shares.wake(lane(2));
            let one = send(&mut shares, &[(lane(1), 2), (lane(2), 1)], 1);
            counts[0] += one[0];
            counts[1] += one[1];
            shares.sleep(lane(2));
        }
        assert!((100 - 2..=100 + 2).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn what_nobody_owes_is_forgotten() {
        let mut shares = Shares::default();
        for service in 0..500 {
            shares.wake(lane(service));
            shares.charge(SIM, lane(service), 1);
            shares.sleep(lane(service));
        }
        assert_eq!(shares.len(), 500, "each had one part more than the others");
        shares.wake(lane(1_000));
        send(&mut shares, &[(lane(1_000), 1)], 3);
        shares.tidy(|_| false);
        assert!(shares.len() <= 1, "{}", shares.len());
    }

    #[test]
    fn the_less_urgent_gets_its_share_and_no_more() {
        for percent in [0, 2, 10, 33, 50, 100] {
            let mut turns = Turns::new(percent);
            let got = (0..1_000).filter(|_| turns.less_urgent()).count();
            assert_eq!(got, usize::from(percent) * 10);
        }
    }
}
