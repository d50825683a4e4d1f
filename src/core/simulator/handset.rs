//! The phones out there. They read what comes to them and answer by script.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::time::Duration;

use super::options::Rule;

/// Who calls when a fault makes somebody call.
pub(super) const CALLER: &str = "+353861234567";

/// Longer messages of which parts are missing; beyond, the one begun first is forgotten.
const UNFINISHED: usize = 1_024;

/// Who sent what to whom: modem, recipient, reference, parts in all.
type Key = (usize, String, u16, u8);

/// All phones that were ever written to.
#[derive(Debug, Default)]
pub(super) struct Handsets {
    unfinished: BTreeMap<Key, (u64, BTreeMap<u8, String>)>,
    count: u64,
}

impl Handsets {
    /// A part arrives. The whole text, when this part completes it.
    pub(super) fn receive(
        &mut self,
        modem: usize,
        recipient: &str,
        concat: Option<(u16, u8, u8)>,
        text: &str,
    ) -> Option<String> {
        let Some((reference, total, sequence)) = concat.filter(|(_, total, _)| *total > 1) else {
            return Some(text.into());
        };
        let key = (modem, recipient.into(), reference, total);
        self.count += 1;
        let (_, parts) = self
            .unfinished
            .entry(key.clone())
            .or_insert((self.count, BTreeMap::new()));
        parts.insert(sequence, text.into());
        if parts.len() >= usize::from(total) {
            return self
                .unfinished
                .remove(&key)
                .map(|(_, parts)| parts.into_values().collect());
        }
        if self.unfinished.len() > UNFINISHED {
            let oldest = self
                .unfinished
                .iter()
                .min_by_key(|(_, (begun, _))| *begun)
                .map(|(key, _)| key.clone());
            oldest.and_then(|key| self.unfinished.remove(&key));
        }
        None
    }
}

/// What a person answers to a text, and after how long.
pub(super) fn answer(script: &[Rule], text: &str) -> Option<(String, Duration)> {
    let text = text.to_lowercase();
    let rule = script
        .iter()
        .find(|rule| text.contains(&rule.contains.to_lowercase()))?;
    Some((rule.answer.clone(), rule.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_read_when_all_of_it_is_there_in_any_order() {
        let mut phones = Handsets::default();
        assert_eq!(phones.receive(0, "+1", None, "a"), Some("a".into()));
        assert_eq!(phones.receive(0, "+1", Some((7, 1, 1)), "a"), Some("a".into()));
        assert_eq!(phones.receive(0, "+1", Some((7, 2, 2)), "b"), None);
        assert_eq!(phones.receive(1, "+1", Some((7, 2, 1)), "other SIM"), None);
        assert_eq!(phones.receive(0, "+2", Some((7, 2, 1)), "other phone"), None);
        assert_eq!(phones.receive(0, "+1", Some((7, 2, 2)), "b"), None);
        assert_eq!(phones.receive(0, "+1", Some((7, 2, 1)), "a"), Some("ab".into()));
    }

    #[test]
    fn what_never_completes_does_not_pile_up() {
        let mut phones = Handsets::default();
        for reference in 0..5_000 {
            phones.receive(0, "+1", Some((reference, 2, 1)), "a");
        }
        assert_eq!(phones.unfinished.len(), UNFINISHED);
        assert_eq!(phones.receive(0, "+1", Some((4_999, 2, 2)), "b"), Some("ab".into()));
        assert_eq!(phones.receive(0, "+1", Some((0, 2, 2)), "b"), None);
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let script = [Rule::reply_y()];
        assert_eq!(
            answer(&script, "Your visit. REPLY Y to confirm"),
            Some(("Y".into(), Duration::from_millis(1_500)))
        );
        assert_eq!(answer(&script, "STOP"), None);
    }
}
