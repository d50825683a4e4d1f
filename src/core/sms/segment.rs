//! From a text to parts: which form is the cheapest, how many parts it takes, where they are cut. An escape pair or a
//! surrogate pair is never cut in two, what a reader sees as one character only when keeping it whole would cost a part.

use alloc::vec::Vec;

use unicode_segmentation::GraphemeCursor;

use super::dcs::Dcs;
use super::error::SegmentError;
use super::form::{Form, Weight, national_forms};
use super::gsm7::{Charset, Languages, Packer, all_same, fill_bits, header_septets};
use super::{Alphabet, EncodedPart};
use super::{ucs2, udh};
use crate::base::limits::USER_DATA_OCTETS;

/// Parts a concatenated message has at most (its total is one octet).
pub const PARTS_MAX: usize = 255;

/// Which alphabet to write in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodingChoice {
    /// The cheapest: fewest parts, and among these GSM-7 before UCS-2.
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
    /// A 16-bit reference instead; one octet less text in each part.
    pub wide_reference: Option<u16>,
    /// Languages whose single shift table may be used; none as shipped, since not every phone knows them.
    pub single_shift: Languages,
    /// Languages whose locking shift table may be used; none as shipped.
    pub locking_shift: Languages,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            encoding: EncodingChoice::Auto,
            flash: false,
            max_parts: PARTS_MAX,
            reference: 0,
            wide_reference: None,
            single_shift: Languages::NONE,
            locking_shift: Languages::NONE,
        }
    }
}

/// A text cut into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segmentation {
    /// Alphabet of all parts.
    pub alphabet: Alphabet,
    /// Tables of all parts.
    pub charset: Charset,
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
    let plan = plan(text, options)?;
    let mut parts = Vec::with_capacity(plan.total());
    parts.extend(plan.parts().map(|(_, part)| part));
    let units = u32::try_from(plan.units()).unwrap_or(u32::MAX);
    Ok(Segmentation {
        alphabet: plan.form.alphabet,
        charset: plan.form.charset,
        units,
        parts,
    })
}

/// How a text will be written. Nothing is allocated.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'t> {
    text: &'t str,
    form: Form,
    units: usize,
    total: u8,
    capacity: usize,
    options: SegmentOptions,
}

/// Chooses the form of `text`: fewest parts; among equals the default alphabet, then single shift, locking shift, both,
/// UCS-2.
///
/// # Errors
/// As [`segment`].
pub fn plan<'t>(text: &'t str, options: &SegmentOptions) -> Result<Plan<'t>, SegmentError> {
    if text.is_empty() {
        return Err(SegmentError::Empty);
    }
    let concatenation = if options.wide_reference.is_some() { 6 } else { 5 };
    let weigh = |form: Form| {
        let (lone, joined) = (form.lone_capacity(), form.joined_capacity(concatenation));
        let Weight { units, parts } = form.weigh(text, joined)?;
        Ok(if units <= lone {
            Weighed {
                form,
                units,
                capacity: lone,
                parts: 1,
            }
        } else {
            Weighed {
                form,
                units,
                capacity: joined,
                parts,
            }
        })
    };
    let best = choose(options, weigh).map_err(|(index, character)| SegmentError::NotGsm7 { character, index })?;
    let max = options.max_parts.min(PARTS_MAX);
    let too_many = SegmentError::TooManyParts { parts: best.parts, max };
    if best.parts > max {
        return Err(too_many);
    }
    let total = u8::try_from(best.parts).map_err(|_| too_many)?;
    Ok(Plan {
        text,
        form: best.form,
        units: best.units,
        total,
        capacity: best.capacity,
        options: *options,
    })
}

#[derive(Clone, Copy)]
struct Weighed {
    form: Form,
    units: usize,
    capacity: usize,
    parts: usize,
}

/// The first character that some form does not have, and its place.
type Foreign = (usize, char);

fn choose(options: &SegmentOptions, weigh: impl Fn(Form) -> Result<Weighed, Foreign>) -> Result<Weighed, Foreign> {
    if options.encoding == EncodingChoice::Ucs2 {
        return weigh(Form::UCS2);
    }
    let mut best = weigh(Form::GSM7);
    if best.is_ok_and(|best| best.parts == 1) {
        return best;
    }
    if options.single_shift != Languages::NONE || options.locking_shift != Languages::NONE {
        for form in national_forms(options.single_shift, options.locking_shift) {
            best = better(best, weigh(form));
        }
    }
    match options.encoding {
        EncodingChoice::Auto => better(best, weigh(Form::UCS2)),
        EncodingChoice::Gsm7 | EncodingChoice::Ucs2 => best,
    }
}

/// The later one only when it takes fewer parts; of two that fail, the one that got further.
fn better(first: Result<Weighed, Foreign>, second: Result<Weighed, Foreign>) -> Result<Weighed, Foreign> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok(if second.parts < first.parts { second } else { first }),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) => Ok(one),
        (Err(first), Err(second)) => Err(if second.0 > first.0 { second } else { first }),
    }
}

impl<'t> Plan<'t> {
    /// Alphabet and tables.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// Septets (an escaped character is two) or 16-bit units of text in all parts, headers not counted.
    #[must_use]
    pub const fn units(&self) -> usize {
        self.units
    }

    /// Parts in all.
    #[must_use]
    pub fn total(&self) -> usize {
        usize::from(self.total)
    }

    /// The pieces of text in order, each with the part that carries it.
    #[must_use]
    pub fn parts(&self) -> Parts<'t> {
        let graphemes = self.total > 1 && self.text.bytes().fold(false, |may, octet| may | may_join(octet));
        Parts {
            plan: *self,
            rest: self.text,
            sequence: 0,
            graphemes,
        }
    }
}

/// Whether an octet of UTF-8 may begin a character that belongs to the one before it or after it: CR does (before LF), and
/// nothing below U+0300, in Cyrillic, most of Greek and the common Chinese characters. For the rest the rules of Unicode
/// are asked.
const fn may_join(octet: u8) -> bool {
    matches!(octet, b'\r' | 0xCC | 0xCD | 0xD2 | 0xD6..=0xE3 | 0xEA..)
}

/// Walks the parts of a [`Plan`].
#[derive(Clone, Debug)]
pub struct Parts<'t> {
    plan: Plan<'t>,
    rest: &'t str,
    sequence: u8,
    graphemes: bool,
}

impl<'t> Iterator for Parts<'t> {
    type Item = (&'t str, EncodedPart);

    fn next(&mut self) -> Option<Self::Item> {
        if self.sequence == self.plan.total {
            return None;
        }
        self.sequence += 1;
        let at = if self.sequence == self.plan.total {
            self.rest.len()
        } else {
            self.cut()
        };
        let (piece, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest;
        Some((piece, encode(piece, &self.plan, self.sequence)))
    }
}

impl Parts<'_> {
    /// Where this part ends: at the last boundary between what readers see as characters if the rest still fits into
    /// the parts that are left, else as far as it goes.
    fn cut(&self) -> usize {
        let Plan {
            form, capacity, total, ..
        } = self.plan;
        let furthest = form.run(self.rest, capacity).octets;
        if !self.graphemes || furthest == self.rest.len() {
            return furthest;
        }
        let mut cursor = GraphemeCursor::new(furthest, self.rest.len(), true);
        if cursor.is_boundary(self.rest, 0) == Ok(true) {
            return furthest;
        }
        let Ok(Some(before @ 1..)) = cursor.prev_boundary(self.rest, 0) else {
            return furthest;
        };
        let left = usize::from(total - self.sequence);
        let after = self.rest.get(before..).unwrap_or_default();
        let fits = form.weigh(after, capacity).is_ok_and(|weight| weight.parts <= left);
        if fits { before } else { furthest }
    }
}

/// Writes one part; `piece` fits by the capacity it was cut by.
fn encode(piece: &str, plan: &Plan<'_>, sequence: u8) -> EncodedPart {
    let mut octets = heapless::Vec::new();
    write_header(&mut octets, plan, sequence);
    let before = octets.len();
    let length = match plan.form.alphabet {
        Alphabet::Gsm7 => encode_gsm7(piece, &mut octets, plan.form.charset),
        Alphabet::Ucs2 | Alphabet::Octets => {
            ucs2::write(piece, &mut octets);
            octets.len()
        }
    };
    EncodedPart {
        dcs: Dcs::plain(plan.form.alphabet, plan.options.flash).0,
        udhi: before > 0,
        udl: u8::try_from(length).unwrap_or(u8::MAX),
        user_data: octets,
    }
}

type PartOctets = heapless::Vec<u8, USER_DATA_OCTETS>;

/// Returns TP-UDL. Eight characters at a time where they are plain ASCII in the default alphabet, which most texts are.
fn encode_gsm7(mut piece: &str, octets: &mut PartOctets, charset: Charset) -> usize {
    let before = octets.len();
    let mut septets = header_septets(before);
    let mut packer = Packer::new(octets, fill_bits(before));
    while let Some(eight) = piece.as_bytes().first_chunk::<8>() {
        if charset == Charset::DEFAULT && all_same(*eight) {
            packer.push_eight(*eight);
            septets += 8;
            piece = piece.get(8..).unwrap_or_default();
            continue;
        }
        let mut characters = piece.chars();
        for code in characters
            .by_ref()
            .take(8)
            .filter_map(|character| charset.code(character))
        {
            packer.push_code(code);
            septets += code.septets();
        }
        piece = characters.as_str();
    }
    for code in piece.chars().filter_map(|character| charset.code(character)) {
        packer.push_code(code);
        septets += code.septets();
    }
    packer.finish();
    septets
}

/// At most 13 octets: both shifts and a 16-bit reference.
fn write_header(octets: &mut heapless::Vec<u8, USER_DATA_OCTETS>, plan: &Plan<'_>, sequence: u8) {
    let Charset { locking, single } = plan.form.charset;
    let mut put = |element: &[u8]| {
        if octets.is_empty() {
            let _ = octets.push(0);
        }
        let _ = octets.extend_from_slice(element);
    };
    if plan.total > 1 {
        match plan.options.wide_reference.map(u16::to_be_bytes) {
            None => put(&[udh::CONCATENATION, 3, plan.options.reference, plan.total, sequence]),
            Some([high, low]) => put(&[udh::WIDE_CONCATENATION, 4, high, low, plan.total, sequence]),
        }
    }
    if let Some(language) = single {
        put(&[udh::SINGLE_SHIFT, 1, language.identifier()]);
    }
    if let Some(language) = locking {
        put(&[udh::LOCKING_SHIFT, 1, language.identifier()]);
    }
    let length = u8::try_from(octets.len().saturating_sub(1)).unwrap_or_default();
    if let Some(first) = octets.first_mut() {
        *first = length;
    }
}

#[cfg(test)]
mod tests;
