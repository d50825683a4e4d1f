//! Which slot a modem that was found belongs to. Decides by what the modem is (its IMEI), then by where it is plugged in; pure.

use std::collections::{BTreeMap, BTreeSet};

use wardwire_core::base::limits;
use wardwire_core::gateway::SlotIndex;

use crate::config::Config;
use crate::serial::DISCOVERED;

/// Digits of an IMEI that tell modems apart; the rest is a check digit or a software version (3GPP TS 23.003 clause 6.2).
const TELLING: usize = 14;
/// Labels tried for a socket whose own is taken.
const NAMESAKES: usize = 9;

/// Where a modem goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// Into this slot.
    Slot(SlotIndex),
    /// Into a new one, the next, with this label.
    New(String),
    /// Nowhere: there are as many as one gateway drives.
    NoRoom,
}

/// What is known of the slots.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Slots of the configuration that name an IMEI.
    named: BTreeMap<String, SlotIndex>,
    /// Labels of the configuration.
    taken: BTreeSet<String>,
    /// Slots of modems that were found.
    labels: BTreeMap<String, SlotIndex>,
    /// The modem that was in such a slot last.
    found: BTreeMap<String, SlotIndex>,
    slots: usize,
}

impl Places {
    pub(super) fn new(config: &Config) -> Self {
        let modems = config.modems.iter().enumerate();
        Self {
            named: modems
                .filter_map(|(slot, modem)| Some((telling(modem.imei()?), slot)))
                .collect(),
            taken: config.modems.iter().map(|modem| modem.label.clone()).collect(),
            slots: config.modems.len(),
            ..Self::default()
        }
    }

    /// Gives a modem its place. `busy` says which slots have a modem now: two modems may tell the same IMEI, and then the
    /// second is told apart by its socket alone. What is given counts as taken by `imei` from now on.
    pub(super) fn give(&mut self, socket: &str, imei: Option<&str>, busy: impl Fn(SlotIndex) -> bool) -> Given {
        let imei = imei.map(telling);
        let free = |slot: &&SlotIndex| !busy(**slot);
        if let Some(imei) = &imei
            && let Some(slot) = self.named.get(imei).filter(free)
        {
            return Given::Slot(*slot);
        }
        if let Some(imei) = &imei
            && let Some(slot) = self.found.get(imei).filter(free)
        {
            return Given::Slot(*slot);
        }
        let names = (1..=NAMESAKES)
            .map(|n| label(socket, n))
            .filter(|name| !self.taken.contains(name));
        for name in names {
            match self.labels.get(&name) {
                Some(slot) if busy(*slot) => {}
                Some(slot) => {
                    let slot = *slot;
                    self.belongs(imei, slot);
                    return Given::Slot(slot);
                }
                None if self.labels.len() >= DISCOVERED || self.slots >= limits::MODEMS => return Given::NoRoom,
                None => {
                    let slot = self.slots;
                    self.slots += 1;
                    self.labels.insert(name.clone(), slot);
                    self.belongs(imei, slot);
                    return Given::New(name);
                }
            }
        }
        Given::NoRoom
    }

    fn belongs(&mut self, imei: Option<String>, slot: SlotIndex) {
        self.found.retain(|_, other| *other != slot);
        if let Some(imei) = imei {
            self.found.insert(imei, slot);
        }
    }
}

fn telling(imei: &str) -> String {
    imei.chars().take(TELLING).collect()
}

/// Label of a socket: `usb-1-1.2`, at most 32 characters; the second modem to need it gets `usb-1-1.2_2`.
fn label(socket: &str, count: usize) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let socket: String = socket.chars().filter(fits).take(26).collect();
    if count < 2 {
        format!("usb-{socket}")
    } else {
        format!("usb-{socket}_{count}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "490154203237518";
    const B: &str = "356938035643809";

    fn places(modems: &str) -> Places {
        let text = format!("data_dir = 'd'\nregion = 'IE'\n{modems}");
        Places::new(&crate::config::check(&text, "w.toml").unwrap())
    }

    fn named() -> Places {
        places(&format!(
            "[[modem]]\nlabel = 'm0'\nport = '/a'\n[[modem]]\nlabel = 'ward'\nimei = '{A}'\n"
        ))
    }

    const NONE: fn(SlotIndex) -> bool = |_| false;

    #[test]
    fn a_modem_named_by_its_imei_is_that_one_in_whatever_socket() {
        let mut places = named();
        for socket in ["1-1.2", "1-1.4", "2-3"] {
            assert_eq!(places.give(socket, Some(A), NONE), Given::Slot(1));
        }
        // The same modem, telling its software version instead of a check digit.
        assert_eq!(places.give("2-3", Some("4901542032375102"), NONE), Given::Slot(1));
    }

    #[test]
    fn others_are_called_by_their_socket_and_keep_their_slot() {
        let mut places = named();
        assert_eq!(places.give("1-1.2", Some(B), NONE), Given::New("usb-1-1.2".into()));
        assert_eq!(places.give("1-1.2", Some(B), NONE), Given::Slot(2));
        assert_eq!(places.give("1-1.4", Some(B), NONE), Given::Slot(2), "in another socket");
        assert_eq!(
            places.give("1-1.3", None, NONE),
            Given::New("usb-1-1.3".into()),
            "it does not tell"
        );
        assert_eq!(places.give("1-1.3", None, NONE), Given::Slot(3));
    }

    #[test]
    fn a_new_modem_in_an_old_socket_takes_its_slot_and_the_old_one_gets_another() {
        let mut places = places("");
        assert_eq!(places.give("1-1.2", Some(A), NONE), Given::New("usb-1-1.2".into()));
        assert_eq!(places.give("1-1.2", Some(B), NONE), Given::Slot(0));
        assert_eq!(places.give("1-1.3", Some(A), NONE), Given::New("usb-1-1.3".into()));
    }

    #[test]
    fn a_slot_with_a_modem_in_it_is_not_given_twice() {
        let mut places = named();
        let twin = places.give("1-1.2", Some(A), |slot| slot == 1);
        assert_eq!(twin, Given::New("usb-1-1.2".into()), "two modems tell the same IMEI");
        // The modem of 1-1.2 moved; another is plugged in where it was found first.
        let mut places = self::places("");
        places.give("1-1.2", Some(A), NONE);
        assert_eq!(
            places.give("1-1.2", Some(B), |slot| slot == 0),
            Given::New("usb-1-1.2_2".into())
        );
    }

    #[test]
    fn labels_of_the_configuration_are_taken_and_all_are_labels() {
        let mut places = places("[[modem]]\nlabel = 'usb-1-1.2'\nport = '/a'\n");
        assert_eq!(places.give("1-1.2", Some(A), NONE), Given::New("usb-1-1.2_2".into()));
        let long = label(&"9".repeat(90), 9);
        assert!(long.len() <= 32, "{long}");
    }

    #[test]
    fn there_is_an_end_to_what_is_found() {
        let mut places = places("");
        let mut give = |n: usize| places.give(&format!("1-{n}"), None, |_| true);
        for n in 0..DISCOVERED {
            assert_eq!(give(n), Given::New(format!("usb-1-{n}")));
        }
        assert_eq!(give(DISCOVERED), Given::NoRoom);
        assert_eq!(give(0), Given::NoRoom);
    }
}
