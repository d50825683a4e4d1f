//! Who asks for work: a free SIM, with what it may take and what the rules of the site make of it beside others.

use alloc::vec::Vec;

use super::prefer::{Rank, Ranks, Zone};
use crate::base::{SimId, UtcDay};
use crate::queue::lane::Way;
use crate::queue::state::Priority;
use crate::queue::verbs::DueMessage;

/// A free SIM that asks for work.
#[derive(Clone, Copy, Debug)]
pub struct Taker<'a> {
    /// Which.
    pub sim: SimId,
    /// The ways it serves.
    pub ways: &'a [Way],
    /// It is kept for emergencies, and for what only it may take.
    pub reserve: bool,
    /// Other SIMs serve too, and so a message may wait for one that is better.
    pub others: bool,
    /// SIMs that are free now as well: what their recipients know them by is left to them.
    pub free: &'a [SimId],
    /// It goes on only with what it began, until its gap is over; emergencies do not wait for that.
    pub rests: bool,
    /// It may write to no more people this month than these.
    pub known: Option<Known>,
    /// What the rules of the site say of it and of those that are free as well.
    pub leaning: Leaning<'a>,
}

/// The people a SIM may still write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Those it wrote to on this day or later.
    pub since: UtcDay,
    /// An emergency may not make one more, either.
    pub emergencies: bool,
}

impl Taker<'_> {
    /// Whether what waits there, so urgent, is for this SIM.
    pub(super) fn serves(&self, way: Way, class: Priority) -> bool {
        let usual = !self.reserve || class == Priority::Emergency || way == Way::Sim(self.sim);
        usual && self.ways.contains(&way)
    }

    /// Whether its recipient would be one more than this SIM may write to.
    pub(super) fn is_one_too_many(&self, message: &DueMessage) -> bool {
        self.known.is_some_and(|known| {
            let kept_for_it = message.lane.priority == Priority::Emergency && !known.emergencies;
            let counted = message.counted.iter();
            !kept_for_it
                && !counted
                    .into_iter()
                    .any(|(sim, day)| *sim == self.sim && *day >= known.since)
        })
    }
}

/// Another SIM that is free now, and well.
#[derive(Clone, Debug)]
pub struct Rival {
    /// What the rules say of it.
    pub ranks: Ranks,
    /// The ways it serves.
    pub ways: Vec<Way>,
    /// The urgencies it may send now.
    pub allowed: Vec<Priority>,
    /// How it would ask, its ways and what is free beside it apart.
    pub taker: Taker<'static>,
}

impl Rival {
    /// How it would ask if nothing were free beside it.
    pub(super) fn as_taker(&self) -> Taker<'_> {
        Taker {
            ways: &self.ways,
            ..self.taker
        }
    }
}

/// What the rules say of a free SIM that asks for work, and of those beside it; empty when they are off.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leaning<'a> {
    /// Of itself.
    pub ranks: &'a [Rank],
    /// The least of each zone among all that serve.
    pub least: &'a [Rank],
    /// Those that are free as well.
    pub rivals: &'a [Rival],
}

impl Leaning<'_> {
    /// Whether no SIM serves this zone better.
    #[must_use]
    pub(super) fn is_best(&self, zone: Zone) -> bool {
        let zone = usize::from(zone.0);
        self.ranks.is_empty() || self.ranks.get(zone) <= self.least.get(zone)
    }

    /// Those that serve this zone better.
    pub(super) fn better(&self, zone: Zone) -> impl Iterator<Item = &Rival> {
        let own = self.ranks.get(usize::from(zone.0));
        let rivals = self.rivals.iter();
        rivals.filter(move |rival| rival.ranks.get(usize::from(zone.0)) < own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_a_zone_is_who_has_the_least_there() {
        let ranks = |ranks: &[u32]| -> Ranks { ranks.iter().map(|rank| Rank([*rank, 0])).collect() };
        let (one, other, least) = (ranks(&[1, 5, 3]), ranks(&[2, 4, 3]), ranks(&[1, 4, 3]));
        let best = |ranks: &Ranks| {
            let leaning = Leaning {
                ranks,
                least: &least,
                rivals: &[],
            };
            [0, 1, 2].map(|zone| leaning.is_best(Zone(zone)))
        };
        assert_eq!((best(&one), best(&other)), ([true, false, true], [false, true, true]));
        assert!(Leaning::default().is_best(Zone(0)), "without rules each is as good");
    }
}
