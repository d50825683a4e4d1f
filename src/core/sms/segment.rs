//! From a text to parts: the alphabet, how many parts it takes, where they are cut. An escape pair or a surrogate pair is
//! never cut in two.

use alloc::vec::Vec;

use super::dcs::Dcs;
use super::error::SegmentError;
use super::gsm7::{self, Packer, fill_bits, header_septets};
use super::{Alphabet, EncodedPart};
use crate::base::limits::USER_DATA_OCTETS;

/// Parts a concatenated message has at most (its total is one octet).
pub const PARTS_MAX: usize = 255;

/// Octets of a header with the 8-bit concatenation element alone.
const HEADER_OCTETS: usize = 6;

/// Which alphabet to write in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodingChoice {
    /// GSM-7 when every character is in it, else UCS-2.
    #[default]
    Auto,
    /// GSM-7 or nothing.
    Gsm7,
    /// UCS-2 always.
    Ucs2,
}

/// How to write a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentOptions {
    /// Which alphabet.
    pub encoding: EncodingChoice,
    /// Class 0: shown at once, not stored.
    pub flash: bool,
    /// Parts allowed, 1 to 255.
    pub max_parts: usize,
    /// Reference of the concatenation; [`EncodedPart::set_reference`] changes it later.
    pub reference: u8,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            encoding: EncodingChoice::Auto,
            flash: false,
            max_parts: PARTS_MAX,
            reference: 0,
        }
    }
}

/// A text cut into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// Alphabet of all parts.
    pub alphabet: Alphabet,
    /// Septets (an escaped character is two) or 16-bit units of text in all parts, headers not counted.
    pub units: u32,
    /// The parts in order, at least one.
    pub parts: Vec<EncodedPart>,
}

/// Cuts `text` into as few parts as the alphabet allows.
///
/// # Errors
/// [`SegmentError`]: empty, too many parts, or not in the GSM-7 that was asked for.
///
/// ```
/// use wardwire_core::sms::{Alphabet, SegmentOptions, segment};
/// let done = segment("Your visit is on 3 June.", &SegmentOptions::default()).unwrap();
/// assert_eq!((done.alphabet, done.units, done.parts.len()), (Alphabet::Gsm7, 24, 1));
/// let long = segment(&"ж".repeat(71), &SegmentOptions::default()).unwrap();
/// assert_eq!((long.alphabet, long.parts.len()), (Alphabet::Ucs2, 2));
/// ```
pub fn segment(text: &str, options: &SegmentOptions) -> Result<Segmentation, SegmentError> {
    if text.is_empty() {
        return Err(SegmentError::Empty);
    }
    let foreign = text
        .chars()
        .enumerate()
        .find(|(_, character)| gsm7::code(*character).is_none());
    let alphabet = match (options.encoding, foreign) {
        (EncodingChoice::Auto | EncodingChoice::Gsm7, None) => Alphabet::Gsm7,
        (EncodingChoice::Gsm7, Some((index, character))) => {
            return Err(SegmentError::NotGsm7 { character, index });
        }
        (EncodingChoice::Auto, Some(_)) | (EncodingChoice::Ucs2, _) => Alphabet::Ucs2,
    };
    let units: usize = text.chars().map(|character| width(alphabet, character)).sum();
    let max = options.max_parts.min(PARTS_MAX);
    let (single, joined) = capacities(alphabet);
    let capacity = if units <= single { single } else { joined };
    let count = if units <= single {
        1
    } else {
        count_parts(text, alphabet, capacity)
    };
    if count > max {
        return Err(SegmentError::TooManyParts { parts: count, max });
    }
    let total = u8::try_from(count).map_err(|_| SegmentError::TooManyParts { parts: count, max })?;
    let mut parts = Vec::with_capacity(count);
    let mut rest = text;
    for sequence in 1..=total {
        let (piece, after) = rest.split_at(cut(rest, alphabet, capacity));
        rest = after;
        let header = (total > 1).then_some([5, 0x00, 3, options.reference, total, sequence]);
        parts.push(encode(piece, alphabet, options.flash, header));
    }
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    Ok(Segmentation { alphabet, units, parts })
}

/// Units of text in a lone part and in one of several.
const fn capacities(alphabet: Alphabet) -> (usize, usize) {
    match alphabet {
        Alphabet::Gsm7 => (USER_DATA_OCTETS * 8 / 7, (USER_DATA_OCTETS - HEADER_OCTETS) * 8 / 7),
        Alphabet::Ucs2 => (USER_DATA_OCTETS / 2, (USER_DATA_OCTETS - HEADER_OCTETS) / 2),
        Alphabet::Octets => (USER_DATA_OCTETS, USER_DATA_OCTETS - HEADER_OCTETS),
    }
}

fn width(alphabet: Alphabet, character: char) -> usize {
    match alphabet {
        Alphabet::Gsm7 => gsm7::code(character).map_or(1, gsm7::Code::septets),
        Alphabet::Ucs2 => character.len_utf16(),
        Alphabet::Octets => character.len_utf8(),
    }
}

/// Octets of `text` that go into one part.
fn cut(text: &str, alphabet: Alphabet, capacity: usize) -> usize {
    let mut left = capacity;
    for (at, character) in text.char_indices() {
        match left.checked_sub(width(alphabet, character)) {
            Some(less) => left = less,
            None => return at,
        }
    }
    text.len()
}

fn count_parts(mut text: &str, alphabet: Alphabet, capacity: usize) -> usize {
    let mut count = 0;
    while !text.is_empty() {
        text = text.get(cut(text, alphabet, capacity)..).unwrap_or_default();
        count += 1;
    }
    count
}

/// Writes one part; `piece` fits by the capacity it was cut by.
fn encode(piece: &str, alphabet: Alphabet, flash: bool, header: Option<[u8; HEADER_OCTETS]>) -> EncodedPart {
    let mut octets = heapless::Vec::new();
    if let Some(header) = header {
        let _ = octets.extend_from_slice(&header);
    }
    let before = octets.len();
    let length = match alphabet {
        Alphabet::Gsm7 => {
            let mut packer = Packer::new(&mut octets, fill_bits(before));
            let mut septets = header_septets(before);
            for code in piece.chars().filter_map(gsm7::code) {
                packer.push_code(code);
                septets += code.septets();
            }
            packer.finish();
            septets
        }
        Alphabet::Ucs2 => {
            for unit in piece.encode_utf16() {
                let _ = octets.extend_from_slice(&unit.to_be_bytes());
            }
            octets.len()
        }
        Alphabet::Octets => {
            let _ = octets.extend_from_slice(piece.as_bytes());
            octets.len()
        }
    };
    EncodedPart {
        dcs: Dcs::plain(alphabet, flash).0,
        udhi: header.is_some(),
        udl: u8::try_from(length).unwrap_or(u8::MAX),
        user_data: octets,
    }
}
