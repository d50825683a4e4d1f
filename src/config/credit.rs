//! `[[credit]]`: how the credit of which SIMs is asked for, how often, and below what it is told.

use std::time::Duration;

use wardwire_core::modem::UssdText;
use wardwire_core::queue::credit::amount;

use super::pools::{bounded, cards, texts};
use super::tariff::plmns;
use super::walk::{Section, Walk};

/// Entries at most.
const ENTRIES: usize = 64;
/// The amount that is low, at most.
const LOW_MAX: u32 = 1_000_000;
/// Operators bar SIMs that ask much: never more often than every hour.
const HOURS: std::ops::Range<u32> = 1..24 * 31 + 1;

/// How the credit of some SIMs is asked for.
#[derive(Clone, Debug)]
pub struct Credit {
    /// What is asked.
    pub code: UssdText,
    /// From one asking to the next.
    pub every: Duration,
    /// Of these networks, as the first digits of the IMSI.
    plmns: Vec<String>,
    /// Of these ICCIDs.
    sims: Vec<String>,
    /// Below so many hundredths it is told.
    low: i64,
    /// The amount stands behind these words.
    after: String,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// In hundredths of the unit it means; none where it names none.
    pub amount: Option<i64>,
    /// It is below what the site wants.
    pub low: bool,
}

impl Credit {
    /// Whether it is for this SIM: one that names it, or its network, or neither any SIM nor any network.
    #[must_use]
    pub fn is_of(&self, iccid: Option<&str>, imsi: Option<&str>) -> bool {
        let of_network = |imsi: &str| self.plmns.iter().any(|plmn| imsi.starts_with(plmn.as_str()));
        let of_card = |iccid: &str| self.sims.iter().any(|sim| sim == iccid);
        let of_all = self.plmns.is_empty() && self.sims.is_empty();
        of_all || imsi.is_some_and(of_network) || iccid.is_some_and(of_card)
    }

    /// What the network's answer says.
    #[must_use]
    pub fn judge(&self, answer: &str) -> Judged {
        let amount = amount(answer, &self.after);
        let low = amount.is_some_and(|amount| amount < self.low);
        Judged { amount, low }
    }
}

/// All of it.
pub(super) fn credit<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Vec<Credit> {
    let mut found = Vec::new();
    for section in bounded(walk, root, "credit", ENTRIES) {
        walk.missing(&section, "code", "say what is asked, as code = \"*100#\"");
        walk.missing(&section, "low", "say below what it is told, as low = 5");
        let code = walk.string(&section, "code").and_then(|(text, span)| {
            let code = UssdText::from_text(text);
            if code.is_none() {
                let key = section.key("code");
                walk.fail(
                    span.start,
                    &key,
                    "is no code",
                    "write digits, * and # alone, as \"*100#\"",
                );
            }
            code
        });
        let hours = walk.number(&section, "every_hours", HOURS, 24);
        let low = walk.number(&section, "low", 0..LOW_MAX + 1, 0);
        let after = walk.string(&section, "after").map_or("", |(text, _)| text);
        let (plmns, sims) = (texts(&plmns(walk, &section)), texts(&cards(walk, &section)));
        found.extend(code.map(|code| Credit {
            code,
            every: Duration::from_secs(u64::from(hours) * 3_600),
            plmns,
            sims,
            low: i64::from(low) * 100,
            after: after.trim().to_owned(),
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Credit>, Vec<String>> {
        let text = format!("data_dir='d'\nregion='IE'\n{text}\n[[modem]]\nlabel='m0'\nport='/dev/x'");
        crate::config::check(&text, "w.toml")
            .map(|config| config.credit)
            .map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_first_entry_that_fits_a_sim_is_its_own() {
        let credit = read(
            "[[credit]]\ncode='*100#'\nlow=5\nplmns=['27201']\n\
             [[credit]]\ncode='*140#'\nlow=10\nsims=['8935301234567890123']\nevery_hours=6\n\
             [[credit]]\ncode='*1#'\nlow=0",
        )
        .unwrap();
        let of = |iccid, imsi| credit.iter().position(|credit| credit.is_of(iccid, imsi));
        assert_eq!(of(None, Some("272010000000001")), Some(0));
        assert_eq!(of(Some("8935301234567890123"), Some("272020000000001")), Some(1));
        assert_eq!(of(None, None), Some(2));
        assert_eq!(credit[0].every, Duration::from_secs(24 * 3_600));
        assert_eq!(credit[1].every, Duration::from_secs(6 * 3_600));
    }

    #[test]
    fn below_is_low_and_what_names_no_amount_is_not() {
        let credit = read("[[credit]]\ncode='*100#'\nlow=5\nafter='balance'").unwrap();
        for (answer, amount, low) in [
            ("SIM 1: balance 4.99 EUR", Some(499), true),
            ("balance 5.00 EUR", Some(500), false),
            ("balance -1", Some(-100), true),
            ("4.99 EUR", None, false),
            ("try again later", None, false),
        ] {
            assert_eq!(credit[0].judge(answer), Judged { amount, low }, "{answer}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, said) in [
            ("[[credit]]\nlow=5", "code"),
            ("[[credit]]\ncode='*100#'", "low"),
            ("[[credit]]\ncode='ask'\nlow=5", "is no code"),
            ("[[credit]]\ncode='*100#'\nlow=5\nevery_hours=0", "every_hours"),
            ("[[credit]]\ncode='*100#'\nlow=5\nplmns=['Op']", "is no network"),
            ("[[credit]]\ncode='*100#'\nlow=5\nlimit=5", "limit"),
        ] {
            let errors = read(text).unwrap_err();
            assert!(errors.len() == 1 && errors[0].contains(said), "{text}: {errors:?}");
            assert!(errors[0].contains("w.toml:"), "{errors:?}");
        }
    }
}
