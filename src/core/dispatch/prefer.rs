//! Through which of several SIMs a text should rather go: one of its recipient's own operator, or one that costs less. Both rules are off unless
//! the site turns them on, since a ported number keeps its beginning and makes them guesses. They order and never bar:
//! what no better SIM takes now, any other does. Who is who follows from the beginnings of numbers alone.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::base::PhoneNumber;

/// A rule of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A SIM of the operator that the recipient's number belonged to at first.
    SameOperator,
    /// The SIM that a part to the recipient's number costs least through.
    LeastCost,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SameOperator, Self::LeastCost];

    /// Its name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SameOperator => "same_operator",
            Self::LeastCost => "least_cost",
        }
    }
}

/// An operator: its SIMs and its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// Its networks, each five or six digits: how the IMSI of its SIMs begins.
    pub plmns: Vec<String>,
    /// Beginnings of its numbers in E.164 form, as `+35387`; the longest of all operators that fits counts.
    pub prefixes: Vec<String>,
}

/// What a part costs. What a list does not name does not matter to it; without `plmns` and `sims` it holds for every SIM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tariff {
    /// SIMs of these networks, by the beginning of their IMSI.
    pub plmns: Vec<String>,
    /// SIMs with these ICCIDs.
    pub sims: Vec<String>,
    /// Beginnings of numbers in E.164 form.
    pub prefixes: Vec<String>,
    /// In whatever unit, the same for all.
    pub cost_per_part: u32,
}

impl Tariff {
    fn holds_for(&self, card: Card<'_>) -> bool {
        let all = self.plmns.is_empty() && self.sims.is_empty();
        all || card.is_of(&self.plmns) || self.sims.iter().any(|sim| Some(sim.as_str()) == card.iccid)
    }
}

/// What a SIM says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Card<'a> {
    /// Its number.
    pub iccid: Option<&'a str>,
    /// Its subscriber; begins with the digits of its operator's network.
    pub imsi: Option<&'a str>,
}

impl Card<'_> {
    fn is_of(&self, plmns: &[String]) -> bool {
        let imsi = self.imsi.unwrap_or_default();
        plmns.iter().any(|plmn| imsi.starts_with(plmn.as_str()))
    }
}

/// Numbers that the rules do not tell apart; 0 are those that no rule names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zone(pub(super) u16);

/// The beginnings of numbers that the rules name, sorted, the empty one first; none when the rules are off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones(Vec<String>);

impl Zones {
    /// The longest beginning that is named: what else is named and fits is a beginning of that.
    #[must_use]
    pub fn of(&self, number: &PhoneNumber) -> Zone {
        let number = number.as_e164();
        let longest = self.0.iter().map(String::len).max().unwrap_or_default();
        let named = |length| {
            let beginning = number.get(..length)?;
            self.0.binary_search_by(|zone| zone.as_str().cmp(beginning)).ok()
        };
        let found = (1..=longest.min(number.len())).rev().find_map(named);
        Zone(found.and_then(|zone| u16::try_from(zone).ok()).unwrap_or_default())
    }
}

/// How well a SIM serves a zone by the rules of the site, in the order of these; the least is the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(pub(super) [u32; 2]);

/// The rank of a SIM in each zone; empty when the rules are off.
pub type Ranks = Arc<[Rank]>;

/// The rules of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    rules: Vec<Rule>,
    operators: Vec<Operator>,
    tariffs: Vec<Tariff>,
    zones: Zones,
}

impl Preference {
    /// These rules, the one that counts most first; none turns them off.
    #[must_use]
    pub fn new(rules: Vec<Rule>, operators: Vec<Operator>, tariffs: Vec<Tariff>) -> Self {
        if rules.is_empty() {
            return Self::default();
        }
        let of_operators = operators.iter().flat_map(|operator| &operator.prefixes);
        let of_tariffs = tariffs.iter().flat_map(|tariff| &tariff.prefixes);
        let mut zones = alloc::vec![String::new()];
        zones.extend(of_operators.chain(of_tariffs).cloned());
        zones.sort_unstable();
        zones.dedup();
        Self {
            rules,
            operators,
            tariffs,
            zones: Zones(zones),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.rules.is_empty()
    }

    /// How numbers are told apart.
    #[must_use]
    pub fn zones(&self) -> &Zones {
        &self.zones
    }

    /// What the rules say of this SIM.
    #[must_use]
    pub fn ranks(&self, card: Card<'_>) -> Ranks {
        self.zones.0.iter().map(|zone| self.rank(zone, card)).collect()
    }

    fn rank(&self, zone: &str, card: Card<'_>) -> Rank {
        let mut rank = Rank::default();
        for (place, rule) in rank.0.iter_mut().zip(&self.rules) {
            *place = match rule {
                Rule::SameOperator => u32::from(!self.is_at_home(zone, card)),
                Rule::LeastCost => self.cost(zone, card),
            };
        }
        rank
    }

    /// Whether the SIM is of the operator of these numbers; where none is known, each is as good.
    fn is_at_home(&self, zone: &str, card: Card<'_>) -> bool {
        let fits = |operator: &Operator| {
            let fitting = operator
                .prefixes
                .iter()
                .filter(|prefix| zone.starts_with(prefix.as_str()));
            fitting.map(String::len).max()
        };
        let of = self
            .operators
            .iter()
            .filter_map(|operator| Some((fits(operator)?, operator)));
        of.max_by_key(|(length, _)| *length)
            .is_none_or(|(_, operator)| card.is_of(&operator.plmns))
    }

    /// By the first tariff that fits. What nobody entered may cost anything.
    fn cost(&self, zone: &str, card: Card<'_>) -> u32 {
        let leads_there = |tariff: &&Tariff| {
            let mut prefixes = tariff.prefixes.iter();
            tariff.prefixes.is_empty() || prefixes.any(|prefix| zone.starts_with(prefix.as_str()))
        };
        let mut own = self.tariffs.iter().filter(|tariff| tariff.holds_for(card));
        own.find(leads_there).map_or(u32::MAX, |tariff| tariff.cost_per_part)
    }
}

/// The least of each zone among these SIMs.
#[must_use]
pub fn least<'a>(sims: impl Iterator<Item = &'a Ranks>) -> Vec<Rank> {
    let mut least: Vec<Rank> = Vec::new();
    for ranks in sims {
        if least.is_empty() {
            least.extend_from_slice(ranks);
        }
        for (least, rank) in least.iter_mut().zip(ranks.iter()) {
            *least = (*least).min(*rank);
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| String::from(*text)).collect()
    }

    fn operator(plmns: &[&str], prefixes: &[&str]) -> Operator {
        Operator {
            plmns: texts(plmns),
            prefixes: texts(prefixes),
        }
    }

    fn tariff(plmns: &[&str], sims: &[&str], prefixes: &[&str], cost_per_part: u32) -> Tariff {
        Tariff {
            plmns: texts(plmns),
            sims: texts(sims),
            prefixes: texts(prefixes),
            cost_per_part,
        }
    }

    fn site(rules: &[Rule]) -> Preference {
        Preference::new(
            rules.to_vec(),
            vec![
                operator(&["27201"], &["+35387"]),
                operator(&["27205", "272017"], &["+35383", "+353877"]),
            ],
            vec![
                tariff(&[], &["8935301"], &[], 1),
                tariff(&["27201"], &[], &["+35387", "+35386"], 4),
                tariff(&["27201"], &[], &["+353"], 9),
                tariff(&[], &[], &["+35383"], 20),
            ],
        )
    }

    fn rank(rules: &[Rule], number: &str, iccid: &str, imsi: &str) -> [u32; 2] {
        let site = site(rules);
        let card = Card {
            iccid: Some(iccid),
            imsi: Some(imsi),
        };
        let Zone(zone) = site.zones().of(&PhoneNumber::from_e164(number).unwrap());
        site.ranks(card)[usize::from(zone)].0
    }

    #[test]
    fn the_operator_of_a_number_is_the_one_with_the_longest_beginning() {
        for (number, imsi, away) in [
            ("+353871234567", "272011234567890", 0),
            ("+353871234567", "272051234567890", 1),
            ("+353877234567", "272011234567890", 1),
            ("+353877234567", "272051234567890", 0),
            ("+353877234567", "272017234567890", 0),
            ("+353871234567", "", 1),
            // Nobody's number is everybody's.
            ("+353851234567", "272011234567890", 0),
            ("+353851234567", "", 0),
        ] {
            assert_eq!(
                rank(&[Rule::SameOperator], number, "1", imsi),
                [away, 0],
                "{number} {imsi}"
            );
        }
    }

    #[test]
    fn the_first_tariff_that_fits_card_and_number_is_the_price() {
        for (number, iccid, imsi, cost) in [
            ("+353871234567", "8935301", "272011234567890", 1),
            ("+353871234567", "1", "272011234567890", 4),
            ("+353861234567", "1", "272011234567890", 4),
            ("+353851234567", "1", "272011234567890", 9),
            ("+353831234567", "1", "272011234567890", 9),
            ("+353831234567", "1", "272051234567890", 20),
            ("+447712345678", "1", "272011234567890", u32::MAX),
            ("+447712345678", "8935301", "", 1),
        ] {
            assert_eq!(
                rank(&[Rule::LeastCost], number, iccid, imsi),
                [cost, 0],
                "{number} {imsi}"
            );
        }
    }

    #[test]
    fn the_first_rule_weighs_more_and_none_tells_nothing_apart() {
        let (one, other) = (("1", "272051234567890"), ("8935301", "272011234567890"));
        let of = |rules: &[Rule], sim: (&str, &str)| rank(rules, "+353831234567", sim.0, sim.1);
        let both = [Rule::SameOperator, Rule::LeastCost];
        assert_eq!((of(&both, one), of(&both, other)), ([0, 20], [1, 1]));
        let both = [Rule::LeastCost, Rule::SameOperator];
        assert_eq!((of(&both, one), of(&both, other)), ([20, 0], [1, 1]));
        let off = site(&[]);
        assert_eq!(
            off.zones().of(&PhoneNumber::from_e164("+353831234567").unwrap()),
            Zone(0)
        );
        assert!(off.ranks(Card::default()).is_empty());
    }

    #[test]
    fn the_least_of_a_zone_is_that_of_the_best_sim_there() {
        let ranks = |ranks: &[u32]| -> Ranks { ranks.iter().map(|rank| Rank([*rank, 0])).collect() };
        let (one, other) = (ranks(&[1, 5, 3]), ranks(&[2, 4, 3]));
        let least = least([&one, &other].into_iter());
        assert_eq!(least, *ranks(&[1, 4, 3]));
    }
}
