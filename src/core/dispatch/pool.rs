//! Pools: which SIMs of the bank may take the messages of a route. A pool names modems by their label and SIMs by their ICCID;
//! who is there follows from what is plugged in. It does not know how they are.

use alloc::string::String;
use alloc::vec::Vec;

use super::prefer::Preference;
use super::window::BULK_SHARE;
use crate::queue::lane::{PoolId, Way};

/// The pool of every SIM, for what no route names.
pub const DEFAULT_POOL: &str = "default";

/// A pool of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name, unique.
    pub name: String,
    /// Labels of its modems.
    pub modems: Vec<String>,
    /// ICCIDs of its SIMs, whatever modem they are in.
    pub sims: Vec<String>,
    /// The one of them that is kept for emergencies: a label or an ICCID.
    pub reserve: Option<String>,
}

impl Pool {
    /// The pool of all.
    #[must_use]
    pub fn of_all() -> Self {
        Self {
            name: String::from(DEFAULT_POOL),
            modems: Vec::new(),
            sims: Vec::new(),
            reserve: None,
        }
    }

    /// Where its messages wait.
    #[must_use]
    pub fn way(&self) -> Way {
        if self.name == DEFAULT_POOL {
            Way::Any
        } else {
            Way::Pool(PoolId::of(&self.name))
        }
    }

    /// Whether the SIM in this modem is one of it.
    #[must_use]
    pub fn holds(&self, label: &str, iccid: Option<&str>) -> bool {
        self.name == DEFAULT_POOL
            || self.modems.iter().any(|modem| modem == label)
            || self.sims.iter().any(|sim| Some(sim.as_str()) == iccid)
    }

    /// Whether the SIM in this modem is kept for emergencies.
    #[must_use]
    pub fn keeps(&self, label: &str, iccid: Option<&str>) -> bool {
        self.reserve
            .as_deref()
            .is_some_and(|name| name == label || Some(name) == iccid)
    }
}

/// How the bank is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Percent of what normal and bulk send together that is bulk, while normal ones wait.
    pub bulk_share: u8,
    /// The pools, the one of all among them.
    pub pools: Vec<Pool>,
    /// Which of several free SIMs a text should rather go through.
    pub preference: Preference,
}

impl Default for Rules {
    /// One pool of all.
    fn default() -> Self {
        Self {
            bulk_share: BULK_SHARE,
            pools: [Pool::of_all()].to_vec(),
            preference: Preference::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn a_sim_belongs_by_its_modem_or_by_its_own_number() {
        let pool = Pool {
            name: "wards".into(),
            modems: vec!["m0".into()],
            sims: vec!["8935301234567890123".into()],
            reserve: Some("8935301234567890123".into()),
        };
        assert!(pool.holds("m0", None) && !pool.keeps("m0", None));
        assert!(pool.holds("m7", Some("8935301234567890123")));
        assert!(pool.keeps("m7", Some("8935301234567890123")));
        assert!(!pool.holds("m1", Some("8935301234567890124")));
        assert!(Pool::of_all().holds("m9", None) && Pool::of_all().way() == Way::Any);
    }
}
