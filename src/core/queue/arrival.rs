//! How much of what a SIM sends is told of by delivery reports, and when that says that its operator drops it without a word: texts
//! are accepted as ever, and never arrive. Pure counting; nothing here keeps anything.

use core::time::Duration;

use alloc::vec::Vec;

/// A report that comes later than this after its text says nothing about the network of now: a phone was off.
pub const IN_TIME: Duration = Duration::from_secs(15 * 60);
/// What was sent within this, or the newest of it, is the rate of now.
pub const LATELY: Duration = Duration::from_secs(24 * 3_600);
/// What was sent before that, within this, is what the SIM is used to.
pub const USED_TO: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Texts without which no rate is told, now or before.
pub const SAMPLES: usize = 20;
/// Texts that the rate of now is of, at most.
pub const LATELY_MAX: usize = 50;
/// Texts that are looked at, at most.
pub const ALL_MAX: usize = 500;

/// A rate that is worth comparing: where fewer than a quarter are ever told of, half of that is chance.
const WORTH: Rate = Rate { told: 1, of: 4 };

/// So many texts were told of in time, of so many that should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Told of.
    pub told: u32,
    /// All of them.
    pub of: u32,
}

impl Rate {
    /// Of these texts, each told of in time or not; `None` for too few.
    #[must_use]
    pub fn of(texts: &[bool]) -> Option<Self> {
        let count = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
        (texts.len() >= SAMPLES).then(|| Self {
            told: count(texts.iter().filter(|told| **told).count()),
            of: count(texts.len()),
        })
    }

    /// Whether it is less than so many hundredths of another.
    fn below(self, percent: u64, other: Self) -> bool {
        let (told, of) = (u64::from(self.told), u64::from(self.of));
        told * u64::from(other.of) * 100 < of * u64::from(other.told) * percent
    }
}

/// What the reports of a SIM say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing: too little was sent, now or before.
    Unknown,
    /// As ever.
    Sound,
    /// Not half as much as it is used to.
    Dropped {
        /// Of late.
        lately: Rate,
        /// Before.
        before: Rate,
    },
}

/// Judges a SIM by its texts, newest first: each sent so long ago, and told of in time or not. `was_dropped` keeps a suspicion until
/// three quarters of the rate are back, so that it does not come and go.
#[must_use]
pub fn judge(texts: impl Iterator<Item = (Duration, bool)>, was_dropped: bool) -> Arrival {
    let (mut lately, mut before): (Vec<bool>, Vec<bool>) = (Vec::new(), Vec::new());
    for (ago, told) in texts.take(ALL_MAX) {
        if ago <= LATELY && lately.len() < LATELY_MAX && before.is_empty() {
            lately.push(told);
        } else if ago <= USED_TO {
            // Most SIMs are judged by their texts of late alone: the others need not be read.
            if before.is_empty() && !was_dropped && !may_be_dropped(&lately) {
                return Arrival::Sound;
            }
            before.push(told);
        }
    }
    let (Some(lately), Some(before)) = (Rate::of(&lately), Rate::of(&before)) else {
        return Arrival::Unknown;
    };
    let least = if was_dropped { 75 } else { 50 };
    if !before.below(100, WORTH) && lately.below(least, before) {
        Arrival::Dropped { lately, before }
    } else {
        Arrival::Sound
    }
}

/// Whether there is a rate before that makes this the rate of a SIM whose texts are dropped.
fn may_be_dropped(lately: &[bool]) -> bool {
    const ALL: Rate = Rate { told: 1, of: 1 };
    Rate::of(lately).is_none_or(|lately| lately.below(50, ALL))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// Texts a minute apart: `lately` of late, `before` a day and a half ago; of ten each so many told of.
    fn texts(lately: (usize, usize), before: (usize, usize)) -> Vec<(Duration, bool)> {
        let some = |(count, told): (usize, usize), since: Duration| {
            (0..count).map(move |n| (since + Duration::from_secs(60) * n as u32, n % 10 < told))
        };
        some(lately, HOUR).chain(some(before, HOUR * 36)).collect()
    }

    fn judged(lately: (usize, usize), before: (usize, usize), was: bool) -> &'static str {
        match judge(texts(lately, before).into_iter(), was) {
            Arrival::Unknown => "unknown",
            Arrival::Sound => "sound",
            Arrival::Dropped { .. } => "dropped",
        }
    }

    #[test]
    fn under_half_of_what_it_is_used_to_is_dropped() {
        for (lately, before, was, wanted) in [
            ((20, 4), (100, 9), false, "dropped"),
            ((20, 5), (100, 9), false, "sound"),
            ((20, 0), (20, 10), false, "dropped"),
            ((19, 0), (100, 10), false, "unknown"),
            ((50, 0), (19, 10), false, "unknown"),
            ((50, 0), (0, 0), false, "unknown"),
            // Three quarters must be back.
            ((50, 6), (100, 9), true, "dropped"),
            ((50, 7), (100, 9), true, "sound"),
            // Phones that are off as a rule.
            ((50, 0), (100, 2), false, "sound"),
        ] {
            assert_eq!(judged(lately, before, was), wanted, "{lately:?} {before:?} {was}");
        }
    }

    #[test]
    fn what_is_older_than_a_week_or_the_five_hundredth_counts_for_nothing() {
        let old = (0..100).map(|_| (USED_TO + HOUR, true));
        let new = (0..30).map(|_| (HOUR, false));
        assert_eq!(judge(new.chain(old), false), Arrival::Unknown);
        let many = (0..10_000_u32).map(|n| (HOUR, n >= 50));
        let Arrival::Dropped { lately, before } = judge(many, false) else {
            panic!("it is dropped");
        };
        assert_eq!((lately.of, before.of), (50, 450));
    }

    proptest! {
        /// A SIM that is told of as ever is sound whatever its rate; one that is told of nothing is not, where that is worth a word.
        #[test]
        fn the_same_rate_is_sound(told in 0..11usize, count in 20..200usize, was: bool) {
            prop_assert_eq!(judged((50, told), (count / 10 * 10, told), was), "sound");
            if told >= 3 {
                prop_assert_eq!(judged((50, 0), (count, told), was), "dropped");
            }
        }
    }
}
