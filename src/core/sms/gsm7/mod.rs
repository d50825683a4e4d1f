//! GSM 7 bit alphabet, 3GPP TS 23.038 clause 6.2.1: characters to septets and back, in the default tables or those of a
//! language. What header names the language is the business of `udh`.

mod indic;
mod language;
mod latin;
mod pack;
mod table;

pub use language::{Language, Languages};
pub use pack::{Packer, Septets, fill_bits, header_septets, octets_for};
use table::{NONE, Table};

/// Escape to the extension table.
pub const ESCAPE: u8 = 0x1B;

/// Carriage return; in an extension table a second one that is reserved (clause 6.2.1.1).
const RESERVED_ESCAPED: u8 = 0x0D;

/// How a character is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// One septet.
    Plain(u8),
    /// The escape, then this septet.
    Escaped(u8),
}

impl Code {
    /// Septets it takes: 1 or 2.
    #[must_use]
    pub const fn septets(self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Escaped(_) => 2,
        }
    }
}

/// The tables a text is written with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charset {
    /// Main table: that of a language, else the default alphabet.
    pub locking: Option<Language>,
    /// Extension table: that of a language, else the default one.
    pub single: Option<Language>,
}

impl Charset {
    /// The default alphabet with its extension.
    pub const DEFAULT: Self = Self {
        locking: None,
        single: None,
    };

    fn main(self) -> &'static Table {
        self.locking.map_or(&latin::DEFAULT, Language::locking)
    }

    fn extension(self) -> &'static Table {
        self.single.map_or(&latin::EXTENSION, Language::single)
    }

    /// The code of a character in these tables, the shorter one where there are two.
    #[must_use]
    pub fn code(self, character: char) -> Option<Code> {
        if self == Self::DEFAULT {
            return code(character);
        }
        let find = |table: &Table| {
            let septet = table.iter().position(|cell| *cell == character && character != NONE)?;
            u8::try_from(septet).ok()
        };
        let escaped = || {
            find(self.extension())
                .filter(|septet| *septet != RESERVED_ESCAPED)
                .map(Code::Escaped)
        };
        find(self.main()).map(Code::Plain).or_else(escaped)
    }

    /// Its tables, for a [`Decoder`].
    #[must_use]
    pub fn tables(self) -> Tables {
        Tables {
            main: self.main(),
            extension: self.extension(),
        }
    }
}

/// The tables of a [`Charset`], looked up once.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    main: &'static Table,
    extension: &'static Table,
}

impl Tables {
    /// The character of a septet of the main table; a space where there is none.
    #[inline]
    fn plain(self, septet: u8) -> char {
        match self.main.get(usize::from(septet & 0x7F)) {
            Some(&NONE) | None => ' ',
            Some(character) => *character,
        }
    }

    /// The character of a septet after an escape; that of the main table where the extension has none.
    fn escaped(self, septet: u8) -> char {
        match self.extension.get(usize::from(septet & 0x7F)) {
            Some(&NONE) | None => self.plain(septet),
            Some(character) => *character,
        }
    }
}

/// The code of a character in the default alphabet and its extension.
#[must_use]
pub fn code(character: char) -> Option<Code> {
    if let Some(code) = usize::try_from(u32::from(character)).ok().and_then(|at| LATIN.get(at)) {
        return match *code {
            NO_CODE => None,
            code if code & 0x80 != 0 => Some(Code::Escaped(code & 0x7F)),
            code => Some(Code::Plain(code)),
        };
    }
    match character {
        'Δ' => Some(Code::Plain(0x10)),
        'Φ' => Some(Code::Plain(0x12)),
        'Γ' => Some(Code::Plain(0x13)),
        'Λ' => Some(Code::Plain(0x14)),
        'Ω' => Some(Code::Plain(0x15)),
        'Π' => Some(Code::Plain(0x16)),
        'Ψ' => Some(Code::Plain(0x17)),
        'Σ' => Some(Code::Plain(0x18)),
        'Θ' => Some(Code::Plain(0x19)),
        'Ξ' => Some(Code::Plain(0x1A)),
        '€' => Some(Code::Escaped(0x65)),
        _ => None,
    }
}

/// Whether each of eight octets is its own septet in the default alphabet, as letters, digits and most signs are: from the
/// blank to `z`, without `$`, `@` and what stands between `Z` and `a`.
#[inline]
pub(super) const fn all_same(eight: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let all = u64::from_le_bytes(eight);
    if all & HIGH != 0 {
        return false;
    }
    // Octets below 0x80: adding 0x80 - n sets the high bit of those from n on and carries nowhere.
    let from_blank = all + 0x60 * ONES;
    let after_z = all + 0x05 * ONES;
    let after_upper = all + 0x25 * ONES;
    let from_a = all + 0x1F * ONES;
    let no_dollar = (all ^ (0x24 * ONES)) + 0x7F * ONES;
    let no_at = (all ^ (0x40 * ONES)) + 0x7F * ONES;
    from_blank & !after_z & (!after_upper | from_a) & no_dollar & no_at & HIGH == HIGH
}

/// Eight septets of the default alphabet, the first in the lowest of 56 bits, as ASCII; `None` when one is not, as most
/// are in most texts.
#[inline]
pub(super) fn ascii(bits: u64) -> Option<[u8; 8]> {
    let mut eight = 0;
    for at in 0..8 {
        let septet = usize::try_from(bits >> (at * 7) & 0x7F).unwrap_or_default();
        eight |= ASCII.get(septet).map_or(0, |octet| u64::from(*octet)) << (at * 8);
    }
    (eight & 0x8080_8080_8080_8080 == 0).then_some(eight.to_le_bytes())
}

/// Characters of septets in the default alphabet; [`NO_CODE`] for the escape and what is not ASCII.
static ASCII: [u8; 128] = ascii_of_septets();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated while compiling: a wrong index does not compile"
)]
const fn ascii_of_septets() -> [u8; 128] {
    let mut characters = [NO_CODE; 128];
    let mut septet = 0;
    while septet < 128 {
        let character = latin::DEFAULT[septet];
        if character.is_ascii() && character != NONE {
            characters[septet] = character as u8;
        }
        septet += 1;
    }
    characters
}

/// Septets a character takes in the default alphabet and its extension.
#[inline]
pub(super) fn width(character: char) -> Option<usize> {
    match usize::try_from(u32::from(character)).ok().and_then(|at| LATIN.get(at)) {
        Some(&NO_CODE) => None,
        Some(code) => Some(1 + usize::from(code >> 7)),
        None => code(character).map(Code::septets),
    }
}

const NO_CODE: u8 = 0xFF;

/// Codes of U+0000 to U+00FF: the septet, with the high bit for extension characters.
static LATIN: [u8; 256] = latin();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated while compiling: a wrong index does not compile"
)]
#[expect(clippy::cast_possible_truncation, reason = "septets are below 128")]
const fn latin() -> [u8; 256] {
    let mut codes = [NO_CODE; 256];
    let mut septet = 0;
    while septet < 128 {
        let (main, extension) = (latin::DEFAULT[septet], latin::EXTENSION[septet]);
        if (main as usize) < 256 && main != NONE {
            codes[main as usize] = septet as u8;
        }
        if (extension as usize) < 256 && extension != NONE {
            codes[extension as usize] = 0x80 | septet as u8;
        }
        septet += 1;
    }
    codes
}

/// Turns septets into characters, one at a time, so that an escape pair may be cut between two parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    escaped: bool,
}

impl Decoder {
    /// Whether an escape waits for its other half.
    pub(super) const fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// The character that ends with this septet, if one does. An escape followed by a code without symbol gives the
    /// character of the main table; an escape after an escape gives a space (clause 6.2.1.1).
    #[inline]
    pub fn push(&mut self, tables: Tables, septet: u8) -> Option<char> {
        match (core::mem::take(&mut self.escaped), septet) {
            (true, ESCAPE) => Some(' '),
            (true, _) => Some(tables.escaped(septet)),
            (false, ESCAPE) => {
                self.escaped = true;
                None
            }
            (false, _) => Some(tables.plain(septet)),
        }
    }

    /// What is left at the end of the text: an escape that nothing followed is shown as a space.
    pub fn finish(&mut self) -> Option<char> {
        core::mem::take(&mut self.escaped).then_some(' ')
    }
}

#[cfg(test)]
mod tests;
