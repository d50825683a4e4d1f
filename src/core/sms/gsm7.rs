//! GSM 7 bit alphabet, 3GPP TS 23.038 clause 6.2.1: characters to septets and back, septets packed into octets
//! (clause 6.1.2.1). What header stands before the septets is the business of `user_data`.

use heapless::Vec;

/// Escape to the extension table.
pub const ESCAPE: u8 = 0x1B;

/// A cell without a symbol.
const NONE: char = '\0';

/// The default alphabet, one character for each septet.
#[rustfmt::skip]
pub(super) const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å',
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', NONE, 'Æ', 'æ', 'ß', 'É',
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/',
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?',
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O',
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§',
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The default extension table.
pub(super) const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

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

const NO_CODE: u8 = 0xFF;

/// Codes of U+0000 to U+00FF: the septet, with the high bit for extension characters.
const LATIN: [u8; 256] = latin();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated while compiling: a wrong index does not compile"
)]
#[expect(clippy::cast_possible_truncation, reason = "septets are below 128")]
const fn latin() -> [u8; 256] {
    let mut codes = [NO_CODE; 256];
    let mut septet = 0;
    while septet < DEFAULT.len() {
        let character = DEFAULT[septet] as usize;
        if character < 256 && character != NONE as usize {
            codes[character] = septet as u8;
        }
        septet += 1;
    }
    let mut index = 0;
    while index < EXTENSION.len() {
        let (septet, character) = EXTENSION[index];
        if (character as usize) < 256 {
            codes[character as usize] = 0x80 | septet;
        }
        index += 1;
    }
    codes
}

/// Turns septets into characters, one at a time, so that an escape pair may be cut between two parts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    escaped: bool,
}

impl Decoder {
    /// The character that ends with this septet, if one does. An escape followed by a code without symbol gives the
    /// character of the main table; an escape after an escape gives a space (clause 6.2.1.1).
    pub fn push(&mut self, septet: u8) -> Option<char> {
        if self.escaped {
            self.escaped = false;
            if septet == ESCAPE {
                return Some(' ');
            }
            let extended = EXTENSION.iter().find(|(code, _)| *code == septet);
            return Some(extended.map_or_else(|| main(septet), |(_, character)| *character));
        }
        if septet == ESCAPE {
            self.escaped = true;
            return None;
        }
        Some(main(septet))
    }

    /// What is left at the end of the text: an escape that nothing followed is shown as a space.
    pub fn finish(&mut self) -> Option<char> {
        core::mem::take(&mut self.escaped).then_some(' ')
    }
}

fn main(septet: u8) -> char {
    match DEFAULT.get(usize::from(septet & 0x7F)) {
        Some(&character) if character != NONE => character,
        Some(_) | None => ' ',
    }
}

/// Octets that `septets` septets take after `bits` bits.
#[must_use]
pub const fn octets_for(bits: usize, septets: usize) -> usize {
    (bits + septets * 7).div_ceil(8)
}

/// Bits of fill between a header of `octets` octets (its length octet counted) and the first septet.
#[must_use]
pub const fn fill_bits(octets: usize) -> usize {
    (7 - octets * 8 % 7) % 7
}

/// Septets that a header of `octets` octets with its fill bits stands for in TP-UDL.
#[must_use]
pub const fn header_septets(octets: usize) -> usize {
    (octets * 8).div_ceil(7)
}

/// Appends septets to octets, low bits first. Septets that no longer fit are refused.
#[derive(Debug)]
pub struct Packer<'a, const N: usize> {
    octets: &'a mut Vec<u8, N>,
    pending: u16,
    bits: u32,
}

impl<'a, const N: usize> Packer<'a, N> {
    /// Continues after the octets that are there and `fill` zero bits (at most 7).
    pub fn new(octets: &'a mut Vec<u8, N>, fill: usize) -> Self {
        Self {
            octets,
            pending: 0,
            bits: u32::try_from(fill & 0x07).unwrap_or_default(),
        }
    }

    /// Appends one septet; `false` when there is no room.
    pub fn push(&mut self, septet: u8) -> bool {
        self.pending |= u16::from(septet & 0x7F) << self.bits;
        self.bits += 7;
        if self.bits < 8 {
            return true;
        }
        let [low, high] = self.pending.to_le_bytes();
        self.pending = u16::from(high);
        self.bits -= 8;
        self.octets.push(low).is_ok()
    }

    /// Appends the code of a character.
    pub fn push_code(&mut self, code: Code) -> bool {
        match code {
            Code::Plain(septet) => self.push(septet),
            Code::Escaped(septet) => self.push(ESCAPE) && self.push(septet),
        }
    }

    /// Writes the last octet, its spare bits zero.
    pub fn finish(self) -> bool {
        let [low, _] = self.pending.to_le_bytes();
        self.bits == 0 || self.octets.push(low).is_ok()
    }
}

/// Septets packed in octets.
#[derive(Clone, Debug)]
pub struct Septets<'a> {
    octets: core::slice::Iter<'a, u8>,
    pending: u16,
    bits: u32,
    left: usize,
}

impl<'a> Septets<'a> {
    /// The `count` septets that begin `fill` bits (at most 7) into `octets`; fewer when the octets end before.
    #[must_use]
    pub fn new(octets: &'a [u8], fill: usize, count: usize) -> Self {
        let fill = u32::try_from(fill & 0x07).unwrap_or_default();
        let mut septets = Self {
            octets: octets.iter(),
            pending: 0,
            bits: 0,
            left: count,
        };
        if fill > 0 {
            match septets.octets.next() {
                Some(octet) => (septets.pending, septets.bits) = (u16::from(*octet) >> fill, 8 - fill),
                None => septets.left = 0,
            }
        }
        septets
    }
}

impl Iterator for Septets<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        if self.bits < 7 {
            let Some(octet) = self.octets.next() else {
                self.left = 0;
                return None;
            };
            self.pending |= u16::from(*octet) << self.bits;
            self.bits += 8;
        }
        let [low, _] = self.pending.to_le_bytes();
        self.pending >>= 7;
        self.bits -= 7;
        Some(low & 0x7F)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;

    fn pack(text: &str) -> Vec<u8, 140> {
        let mut octets = Vec::new();
        let mut packer = Packer::new(&mut octets, 0);
        for character in text.chars() {
            assert!(packer.push_code(code(character).unwrap()));
        }
        assert!(packer.finish());
        octets
    }

    #[test]
    fn seven_and_eight_septets() {
        assert_eq!(pack("abcdefg"), [0x61, 0xF1, 0x98, 0x5C, 0x36, 0x9F, 0x01]);
        assert_eq!(pack("abcdefgh"), [0x61, 0xF1, 0x98, 0x5C, 0x36, 0x9F, 0xD1]);
        assert_eq!(Septets::new(&pack("ABCDEFG@"), 0, 8).last(), Some(0x00));
    }

    #[test]
    fn fill_bits_follow_the_formula() {
        assert_eq!([0, 4, 6, 7, 9, 10, 12, 13].map(fill_bits), [0, 3, 1, 0, 5, 4, 2, 1]);
        assert_eq!([6, 7, 4].map(header_septets), [7, 8, 5]);
    }

    #[test]
    fn escapes() {
        let decode = |septets: &[u8]| {
            let mut decoder = Decoder::default();
            let mut text: String = septets.iter().filter_map(|s| decoder.push(*s)).collect();
            text.extend(decoder.finish());
            text
        };
        assert_eq!(decode(&[ESCAPE, 0x65]), "€");
        assert_eq!(decode(&[ESCAPE, 0x41]), "A");
        assert_eq!(decode(&[ESCAPE, ESCAPE, 0x65]), " e");
        assert_eq!(decode(&[0x41, ESCAPE]), "A ");
    }

    #[test]
    fn what_is_near_is_not_in() {
        for character in ['`', 'ç', 'á', '\t', '\u{A0}', '’', '\0', '\u{1B}', 'Ж', 'α'] {
            assert_eq!(code(character), None, "{character:?}");
        }
        assert_eq!(code('\u{0C}'), Some(Code::Escaped(0x0A)));
        assert_eq!(code('\r'), Some(Code::Plain(0x0D)));
    }

    #[test]
    fn every_symbol_is_found_again() {
        for (septet, character) in (0_u8..).zip(DEFAULT).filter(|(septet, _)| *septet != ESCAPE) {
            assert_eq!(code(character), Some(Code::Plain(septet)));
        }
        for (septet, character) in EXTENSION {
            assert_eq!(code(character), Some(Code::Escaped(septet)));
        }
    }

    proptest! {
        #[test]
        fn packing_there_and_back(septets in proptest::collection::vec(0_u8..128, 0..150), fill in 0_usize..7) {
            let mut octets = Vec::<u8, 140>::new();
            let mut packer = Packer::new(&mut octets, fill);
            for septet in &septets {
                prop_assert!(packer.push(*septet));
            }
            prop_assert!(packer.finish());
            prop_assert_eq!(octets.len(), octets_for(fill, septets.len()));
            let back: std::vec::Vec<u8> = Septets::new(&octets, fill, septets.len()).collect();
            prop_assert_eq!(back, septets);
        }
    }
}
