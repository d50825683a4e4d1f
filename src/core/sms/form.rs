//! The forms a text can be written in (alphabet and tables) and how much of it fits into a part.

use super::Alphabet;
use super::gsm7::{self, Charset, Languages};
use crate::base::limits::USER_DATA_OCTETS;

/// Septets, 16-bit units or octets of text beside a header of `header` octets (its length octet counted; 0 for none) in
/// the 140 octets of a SUBMIT or DELIVER (3GPP TS 23.040 clause 9.2.3.24.1).
///
/// ```
/// # use wardwire_core::sms::{Alphabet, form::capacity};
/// assert_eq!([0, 6, 7].map(|header| capacity(Alphabet::Gsm7, header)), [160, 153, 152]);
/// assert_eq!([0, 6, 7].map(|header| capacity(Alphabet::Ucs2, header)), [70, 67, 66]);
/// ```
#[must_use]
pub const fn capacity(alphabet: Alphabet, header: usize) -> usize {
    let octets = USER_DATA_OCTETS.saturating_sub(header);
    match alphabet {
        Alphabet::Gsm7 => octets * 8 / 7,
        Alphabet::Ucs2 => octets / 2,
        Alphabet::Octets => octets,
    }
}

/// Alphabet and tables of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The alphabet.
    pub alphabet: Alphabet,
    /// The tables, for GSM-7.
    pub charset: Charset,
}

impl Form {
    /// GSM-7 in the default tables.
    pub const GSM7: Self = Self {
        alphabet: Alphabet::Gsm7,
        charset: Charset::DEFAULT,
    };
    /// UTF-16.
    pub const UCS2: Self = Self {
        alphabet: Alphabet::Ucs2,
        charset: Charset::DEFAULT,
    };

    const fn gsm7(charset: Charset) -> Self {
        Self {
            alphabet: Alphabet::Gsm7,
            charset,
        }
    }

    /// Units a character takes; `None` when the tables do not have it.
    #[must_use]
    pub fn width(self, character: char) -> Option<usize> {
        match self.alphabet {
            Alphabet::Gsm7 => self.charset.code(character).map(gsm7::Code::septets),
            Alphabet::Ucs2 => Some(character.len_utf16()),
            Alphabet::Octets => Some(character.len_utf8()),
        }
    }

    /// Units a text takes, and the parts of `capacity` units it fills at least. Filling each as far as it goes is the best
    /// there is, since what does not fit goes to the next part either way.
    ///
    /// # Errors
    /// The first character the tables do not have, and its place counted in characters.
    pub fn weigh(self, text: &str, capacity: usize) -> Result<Weight, (usize, char)> {
        let (mut units, mut parts, mut rest) = (0, 0, text);
        while !rest.is_empty() {
            let run = self.run(rest, capacity);
            if let Some(character) = run.foreign {
                let before = text.len() - rest.len() + run.octets;
                return Err((text.get(..before).map_or(0, |before| before.chars().count()), character));
            }
            units += run.units;
            parts += 1;
            rest = rest.get(run.octets..).unwrap_or_default();
        }
        Ok(Weight { units, parts })
    }

    /// As much of `text` as goes into `capacity` units; no character is cut in two. At least one character, so that who
    /// walks a text by it always gets on.
    pub(super) fn run(self, text: &str, capacity: usize) -> Run {
        match self.alphabet {
            Alphabet::Gsm7 if self.charset == Charset::DEFAULT => {
                let plain = |octets: &[u8; CHUNK]| {
                    octets
                        .as_chunks::<8>()
                        .0
                        .iter()
                        .all(|eight| gsm7::all_same(*eight))
                        .then_some(CHUNK)
                };
                run(text, capacity, plain, gsm7::width)
            }
            Alphabet::Gsm7 => run(text, capacity, |_| None, |character| self.width(character)),
            Alphabet::Ucs2 => run_ucs2(text, capacity),
            Alphabet::Octets => run(text, capacity, |_| None, |character| Some(character.len_utf8())),
        }
    }

    /// Octets of the header elements that name the tables.
    pub(super) fn shift_octets(self) -> usize {
        3 * (usize::from(self.charset.single.is_some()) + usize::from(self.charset.locking.is_some()))
    }

    /// Units that fit into a lone part.
    #[must_use]
    pub fn lone_capacity(self) -> usize {
        match self.shift_octets() {
            0 => capacity(self.alphabet, 0),
            shifts => capacity(self.alphabet, 1 + shifts),
        }
    }

    /// Units that fit into one of several parts, joined by an element of `concatenation` octets (5 or 6).
    #[must_use]
    pub fn joined_capacity(self, concatenation: usize) -> usize {
        capacity(self.alphabet, 1 + concatenation + self.shift_octets())
    }
}

/// What a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Units in all.
    pub units: usize,
    /// Parts at least.
    pub parts: usize,
}

/// Octets looked at together.
const CHUNK: usize = 16;

/// A piece of text that fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) octets: usize,
    pub(super) units: usize,
    /// The character after it, when the tables do not have it.
    pub(super) foreign: Option<char>,
}

/// Walks `text` while it fits: whole chunks where `plain` tells their units at once, else character by character.
fn run(
    text: &str,
    capacity: usize,
    plain: impl Fn(&[u8; CHUNK]) -> Option<usize>,
    width: impl Fn(char) -> Option<usize>,
) -> Run {
    let (mut octets, mut units) = (0, 0);
    loop {
        let rest = text.get(octets..).unwrap_or_default();
        let (chunks, _) = rest.as_bytes().as_chunks::<CHUNK>();
        for chunk in chunks {
            match plain(chunk) {
                Some(more) if units + more <= capacity => {
                    units += more;
                    octets += CHUNK;
                }
                Some(_) | None => break,
            }
        }
        // The next chunk is not plain, or not whole, or does not fit: so far character by character.
        let rest = text.get(octets..).unwrap_or_default();
        let mut characters = rest.char_indices();
        loop {
            let Some((at, character)) = characters.next() else {
                return Run {
                    octets: octets + rest.len(),
                    units,
                    foreign: None,
                };
            };
            let Some(width) = width(character) else {
                return Run {
                    octets: octets + at,
                    units,
                    foreign: Some(character),
                };
            };
            if units + width > capacity && octets + at > 0 {
                return Run {
                    octets: octets + at,
                    units,
                    foreign: None,
                };
            }
            units += width;
            if at + 1 >= CHUNK {
                octets += at + character.len_utf8();
                break;
            }
        }
    }
}

/// As [`run`] for UTF-16, whose units are told by the octets of UTF-8 alone: one for each that begins a character, one more
/// for each that begins a character outside the first plane.
fn run_ucs2(text: &str, capacity: usize) -> Run {
    let (mut octets, mut units) = (0, 0);
    let (chunks, _) = text.as_bytes().as_chunks::<CHUNK>();
    for chunk in chunks {
        let more: u8 = chunk
            .iter()
            .map(|octet| u8::from(*octet & 0xC0 != 0x80) + u8::from(*octet >= 0xF0))
            .sum();
        if units + usize::from(more) > capacity {
            break;
        }
        units += usize::from(more);
        octets += CHUNK;
    }
    // The last chunk may end inside a character: that one is looked at again.
    while !text.is_char_boundary(octets) {
        octets -= 1;
    }
    let rest = text.get(octets..).unwrap_or_default();
    let begun = rest.chars().next().filter(|_| octets % CHUNK != 0);
    units -= begun.map_or(0, char::len_utf16);
    for (at, character) in rest.char_indices() {
        if units + character.len_utf16() > capacity && octets + at > 0 {
            return Run {
                octets: octets + at,
                units,
                foreign: None,
            };
        }
        units += character.len_utf16();
    }
    Run {
        octets: text.len(),
        units,
        foreign: None,
    }
}

/// The forms of GSM-7 beyond the default one that the sets of languages allow, those that more phones can read first: a
/// phone without the table of a single shift still shows the text with its base letters, one without that of a locking
/// shift shows nonsense.
pub(super) fn national_forms(single: Languages, locking: Languages) -> impl Iterator<Item = Form> {
    let singles = move || single.iter().map(Some);
    let lockings = move || locking.iter().filter(|language| language.has_locking()).map(Some);
    let alone = singles().map(|single| Charset { single, locking: None });
    let locked = lockings().map(|locking| Charset { single: None, locking });
    let both = lockings().flat_map(move |locking| singles().map(move |single| Charset { single, locking }));
    alone.chain(locked).chain(both).map(Form::gsm7)
}
