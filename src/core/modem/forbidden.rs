//! The networks a SIM was turned away from and keeps away from by itself (EF FPLMN, TS 31.102 clause 4.2.16): read and emptied by
//! RESTRICTED SIM ACCESS (27.007 clause 8.18).

use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use crate::at::parse;
use crate::at::request::Text;
use crate::sms::hex;

/// Octets of an entry.
const ENTRY: usize = 3;
/// Octets every card has: four entries. More than that is asked for piece by piece, as no two modems tell its size alike.
const PIECE: usize = 4 * ENTRY;
/// Octets looked at.
const MOST: usize = 8 * PIECE;

/// A network: MCC, then MNC of two or three digits, as `26201` (TS 24.008 clause 10.5.1.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plmn {
    digits: [u8; 6],
    /// 5 or 6 of them.
    len: u8,
}

impl Plmn {
    /// From the three octets a SIM keeps; none for an entry that is empty or no network.
    #[must_use]
    pub fn from_octets([first, second, third]: [u8; ENTRY]) -> Option<Self> {
        const NO_DIGIT: u8 = 0x0F;
        let (low, high) = (|octet: u8| octet & 0x0F, |octet: u8| octet >> 4);
        let digits = [
            low(first),
            high(first),
            low(second),
            low(third),
            high(third),
            high(second),
        ];
        let (last, others) = digits.split_last()?;
        let len = if *last == NO_DIGIT { 5 } else { 6 };
        let sound = others.iter().all(|digit| *digit <= 9) && (*last <= 9 || len == 5);
        sound.then_some(Self { digits, len })
    }
}

impl fmt::Display for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.digits.iter().take(self.len.into());
        digits.try_for_each(|digit| write!(f, "{digit}"))
    }
}

/// What is to be done with the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Clear,
}

#[derive(Debug)]
enum Step {
    /// So many octets from where what is known ends.
    Read(usize),
    /// The piece that begins here.
    Clear(usize),
}

/// How far it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is another command.
    More,
    /// These are in the list.
    Told(Vec<Plmn>),
    /// The list is empty.
    Cleared,
    /// The SIM or the modem will not.
    Refused,
}

/// The list being read, and then emptied.
#[derive(Debug)]
pub(super) struct ForbiddenTask {
    purpose: Purpose,
    content: heapless::Vec<u8, MOST>,
    step: Step,
}

impl ForbiddenTask {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            content: heapless::Vec::new(),
            step: Step::Read(PIECE),
        }
    }

    fn piece(&self, at: usize) -> usize {
        PIECE.min(self.content.len() - at)
    }

    /// The next command.
    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        // All of them fit, and so do the octets of an offset into one.
        let _ = match self.step {
            Step::Read(octets) => write!(text, "AT+CRSM=176,28539,0,{},{octets}", self.content.len()),
            Step::Clear(at) => {
                let octets = self.piece(at);
                let digits = 2 * octets;
                write!(text, "AT+CRSM=214,28539,0,{at},{octets},\"{:F<digits$}\"", "")
            }
        };
        text
    }

    /// Its command ended well; these lines came.
    pub(super) fn answered<'a>(&mut self, mut lines: impl Iterator<Item = &'a str>) -> Progress {
        let told = lines.find_map(answer);
        match (&self.step, told) {
            (Step::Read(asked), Some(mut octets)) => {
                let asked = *asked;
                octets.truncate(asked.min(octets.len() - octets.len() % ENTRY));
                let whole = octets.len() == asked;
                // Asked only where it fits.
                let _ = self.content.extend_from_slice(&octets);
                if whole && self.content.len() + PIECE <= MOST {
                    Progress::More
                } else {
                    self.read()
                }
            }
            (Step::Clear(at), Some(_)) => {
                let next = at + self.piece(*at);
                self.step = Step::Clear(next);
                if next < self.content.len() {
                    Progress::More
                } else {
                    Progress::Cleared
                }
            }
            (Step::Read(_) | Step::Clear(_), None) => self.refused(),
        }
    }

    /// The SIM or the modem did not want its command. Behind the end of the list that is the answer to a piece too long.
    pub(super) fn refused(&mut self) -> Progress {
        match self.step {
            Step::Read(PIECE) if !self.content.is_empty() => {
                self.step = Step::Read(ENTRY);
                Progress::More
            }
            Step::Read(_) => self.read(),
            Step::Clear(_) => Progress::Refused,
        }
    }

    /// It is known to its end.
    fn read(&mut self) -> Progress {
        match self.purpose {
            _ if self.content.is_empty() => Progress::Refused,
            Purpose::Read => {
                let (entries, _) = self.content.as_chunks::<ENTRY>();
                Progress::Told(entries.iter().copied().filter_map(Plmn::from_octets).collect())
            }
            Purpose::Clear => {
                self.step = Step::Clear(0);
                Progress::More
            }
        }
    }
}

/// The octets of an answer that says that it was done: SW1 144, or 145 when the card wants to say more (TS 102 221 clause 10.2.1).
fn answer(line: &str) -> Option<heapless::Vec<u8, MOST>> {
    let (_, rest) = parse::split_prefix(line).filter(|(name, _)| name.eq_ignore_ascii_case("+CRSM"))?;
    let params = parse::params(rest);
    let done = matches!(parse::number(params.first()?)?, 144 | 145);
    hex::decode(params.get(2).copied().unwrap_or_default())
        .ok()
        .filter(|_| done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString as _};

    /// A card with this list, as a modem shows it.
    struct Card {
        content: Vec<u8>,
        writes: bool,
        asked: Vec<String>,
    }

    impl Card {
        fn of(content: &[u8]) -> Self {
            Self {
                content: content.to_vec(),
                writes: true,
                asked: Vec::new(),
            }
        }

        fn ask(&mut self, command: &str) -> String {
            self.asked.push(command.to_string());
            let params = parse::params(command.strip_prefix("AT+CRSM=").unwrap());
            let number = |at: usize| usize::from(parse::number(params[at]).unwrap());
            assert_eq!(number(1), 28_539);
            let range = number(3)..number(3) + number(4);
            let Some(content) = self.content.get_mut(range) else {
                return "+CRSM: 103,0".to_string();
            };
            match number(0) {
                176 => std::format!("+CRSM: 144,0,\"{}\"", hex::encode::<64>(content)),
                214 if self.writes => {
                    content.copy_from_slice(&hex::decode::<32>(params[5]).unwrap());
                    "+CRSM:145, 16".to_string()
                }
                _ => "+CRSM: 105,130".to_string(),
            }
        }

        fn run(&mut self, purpose: Purpose) -> Progress {
            let mut task = ForbiddenTask::new(purpose);
            for _ in 0..30 {
                let said = self.ask(&task.text());
                let progress = task.answered([said.as_str()].into_iter());
                if progress != Progress::More {
                    return progress;
                }
            }
            panic!("no end: {:?}", self.asked)
        }
    }

    fn names(networks: &[Plmn]) -> Vec<String> {
        networks.iter().map(Plmn::to_string).collect()
    }

    #[test]
    fn a_network_has_two_or_three_digits_behind_its_country() {
        for (octets, name) in [
            ([0x62, 0xF2, 0x10], Some("26201")),
            ([0x13, 0x00, 0x14], Some("310410")),
            ([0xFF, 0xFF, 0xFF], None),
            ([0x6A, 0xF2, 0x10], None),
            ([0x62, 0xF2, 0xF1], None),
            ([0x62, 0xA2, 0x10], None),
        ] {
            let plmn = Plmn::from_octets(octets);
            assert_eq!(plmn.map(|plmn| plmn.to_string()).as_deref(), name, "{octets:02X?}");
        }
    }

    #[test]
    fn a_list_of_any_length_is_read_to_its_end_and_emptied() {
        for octets in [12, 15, 18, 24, 27, 96] {
            let mut content = [0xFF_u8; 96][..octets].to_vec();
            content[..3].copy_from_slice(&[0x62, 0xF2, 0x10]);
            content[octets - 3..].copy_from_slice(&[0x72, 0xF2, 0x99]);
            let mut card = Card::of(&content);
            let Progress::Told(told) = card.run(Purpose::Read) else {
                panic!("{octets}")
            };
            assert_eq!(names(&told), ["26201", "27299"], "{octets}");
            assert_eq!(card.run(Purpose::Clear), Progress::Cleared, "{octets}");
            assert!(card.content.iter().all(|octet| *octet == 0xFF), "{octets}");
            assert_eq!(card.run(Purpose::Read), Progress::Told(Vec::new()));
        }
    }

    #[test]
    fn what_lies_behind_the_bound_is_left() {
        let mut card = Card::of(&[0x62; 200]);
        assert_eq!(card.run(Purpose::Clear), Progress::Cleared);
        assert_eq!(card.content.iter().filter(|octet| **octet == 0xFF).count(), MOST);
    }

    #[test]
    fn a_list_that_cannot_be_read_or_written_is_never_called_empty() {
        assert_eq!(Card::of(&[]).run(Purpose::Read), Progress::Refused);
        let mut kept = Card::of(&[0xFF; 12]);
        kept.writes = false;
        assert_eq!(kept.run(Purpose::Clear), Progress::Refused);
        for said in [
            "+CRSM: 144,0",
            "+CRSM: 144,0,\"62F2\"",
            "+CRSM: 144,0,\"zz\"",
            "+CRSM:",
            "72F299",
            "",
        ] {
            let mut task = ForbiddenTask::new(Purpose::Read);
            assert_eq!(task.answered([said].into_iter()), Progress::Refused, "{said}");
        }
        // A modem that hands out the whole list whatever it is asked for.
        let mut task = ForbiddenTask::new(Purpose::Read);
        let whole = std::format!("+CRSM: 144,0,\"{}\"", "62F210".repeat(10));
        assert_eq!(task.answered([whole.as_str()].into_iter()), Progress::More);
        assert_eq!(task.content.len(), PIECE);
    }
}
