//! The forms a text can be written in (alphabet and tables) and how much of it fits into a part.

use super::Alphabet;
use super::gsm7::{Charset, Languages};
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
            Alphabet::Gsm7 => self.charset.code(character).map(super::gsm7::Code::septets),
            Alphabet::Ucs2 => Some(character.len_utf16()),
            Alphabet::Octets => Some(character.len_utf8()),
        }
    }

    /// Units a text takes.
    ///
    /// # Errors
    /// The first character the tables do not have, and its place counted in characters.
    pub fn units(self, text: &str) -> Result<usize, (usize, char)> {
        let mut units = 0;
        for (index, character) in text.chars().enumerate() {
            units += self.width(character).ok_or((index, character))?;
        }
        Ok(units)
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

    /// Octets of `text` that go into one part of `capacity` units; no character is cut in two.
    pub(super) fn cut(self, text: &str, capacity: usize) -> usize {
        let mut left = capacity;
        for (at, character) in text.char_indices() {
            match left.checked_sub(self.width(character).unwrap_or_default()) {
                Some(less) => left = less,
                None => return at,
            }
        }
        text.len()
    }

    /// Parts of `capacity` units that `text` takes at least: filling each as far as it goes is the best there is, since
    /// what does not fit goes to the next part either way.
    pub(super) fn parts(self, mut text: &str, capacity: usize) -> usize {
        let mut parts = 0;
        while !text.is_empty() {
            text = text.get(self.cut(text, capacity)..).unwrap_or_default();
            parts += 1;
        }
        parts
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
