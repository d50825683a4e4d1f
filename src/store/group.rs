//! How many ops go into one transaction: as many as take about as long as the disk then takes to make them durable, and no more than
//! [`MOST`]. With fewer the disk would be what everybody waits for. With more, the first of a crowd waits for the last: modems whose
//! results came together would begin together again, and end together, for ever.

use std::time::Duration;

/// Ops in one transaction at most.
pub(super) const MOST: usize = 256;
/// Ops that are always welcome.
const FEWEST: usize = 8;
/// Work that a transaction may hold however quick the disk is.
const WORK: Duration = Duration::from_millis(2);
/// Weight of the past against the newest transaction.
const PAST: u32 = 7;

/// What a transaction cost of late.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Deciding and writing one op.
    each: Duration,
    /// Making a transaction durable.
    sync: Duration,
}

impl Group {
    /// A transaction of so many ops took `work`, and then `sync` until it was durable.
    pub(super) fn took(&mut self, ops: usize, work: Duration, sync: Duration) {
        let Some(ops) = u32::try_from(ops).ok().filter(|ops| *ops > 0) else {
            return;
        };
        self.each = (self.each * PAST + work / ops) / (PAST + 1);
        self.sync = (self.sync * PAST + sync) / (PAST + 1);
    }

    /// Ops for the next one.
    pub(super) fn most(&self) -> usize {
        let each = self.each.as_nanos().max(1);
        let ops = self.sync.max(WORK).as_nanos() / each;
        usize::try_from(ops).unwrap_or(MOST).clamp(FEWEST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(each_micros: u64, sync_micros: u64) -> usize {
        let mut group = Group::default();
        for _ in 0..100 {
            let work = Duration::from_micros(each_micros) * 10;
            group.took(10, work, Duration::from_micros(sync_micros));
        }
        group.most()
    }

    #[test]
    fn a_quick_disk_makes_small_groups_and_a_slow_one_large_ones() {
        assert_eq!(Group::default().most(), MOST, "nothing is known yet");
        let near = |found: usize, wanted: usize| assert!(found.abs_diff(wanted) <= 1, "{found}, not {wanted}");
        near(after(100, 200), 20);
        near(after(100, 10_000), 100);
        assert_eq!(after(100, 1_000_000), MOST);
        assert_eq!(after(5_000, 200), FEWEST);
        assert_eq!(after(0, 0), MOST);
    }

    #[test]
    fn what_was_once_slow_is_forgotten() {
        let mut group = Group::default();
        group.took(1, Duration::from_millis(100), Duration::ZERO);
        assert_eq!(group.most(), FEWEST);
        for _ in 0..100 {
            group.took(10, Duration::from_millis(1), Duration::ZERO);
        }
        assert!((19..=20).contains(&group.most()), "{}", group.most());
        group.took(0, Duration::from_secs(1), Duration::from_secs(1));
        assert!(group.most() >= 19, "no op, no word");
    }
}
