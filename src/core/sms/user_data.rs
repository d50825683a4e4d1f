//! TP-User-Data with its header, 3GPP TS 23.040 clauses 9.2.3.16 and 9.2.3.24: what the octets are and what they say.

use core::fmt;

use heapless::Vec;

use super::Alphabet;
use super::dcs::Dcs;
use super::error::{Cause, DecodeError, EncodeError, Field};
use super::gsm7::{self, Charset, Language, Septets, fill_bits, header_septets, octets_for};
use super::part::EncodedPart;
use super::udh::{self, Concatenation, Element, Elements, Ports};
use super::wire::{Reader, Writer};

/// Most octets of user data in any TPDU: those of an SMS-DELIVER-REPORT (clause 9.2.2.1a).
pub const USER_DATA_OCTETS_ANY: usize = 159;

/// Coded text or data, with its header when it has one. Only whole ones exist: the octets are as many as the length
/// asks for, bits that carry nothing are zero.
#[derive(Clone, PartialEq, Eq)]
pub struct UserData {
    alphabet: Alphabet,
    has_header: bool,
    length: u8,
    octets: Vec<u8, USER_DATA_OCTETS_ANY>,
}

impl fmt::Debug for UserData {
    /// Shows the shape only: the text belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({:?}, {} octets)", self.alphabet, self.octets.len())
    }
}

impl Default for UserData {
    fn default() -> Self {
        Self {
            alphabet: Alphabet::Gsm7,
            has_header: false,
            length: 0,
            octets: Vec::new(),
        }
    }
}

impl From<&EncodedPart> for UserData {
    #[inline]
    fn from(part: &EncodedPart) -> Self {
        let Coded {
            alphabet,
            has_header,
            length,
            octets,
        } = part.into();
        let mut data = Self {
            alphabet,
            has_header,
            length,
            octets: Vec::new(),
        };
        // 140 octets fit into 159.
        let _ = data.octets.extend_from_slice(octets);
        data
    }
}

impl UserData {
    /// The alphabet.
    #[must_use]
    pub const fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// TP-User-Data-Header-Indicator.
    #[must_use]
    pub const fn has_header(&self) -> bool {
        self.has_header
    }

    /// TP-User-Data-Length: septets with the header for GSM-7, octets otherwise.
    #[must_use]
    pub const fn length(&self) -> u8 {
        self.length
    }

    /// All octets, header included.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Octets of the header, its length octet counted; 0 without one.
    fn header_octets(&self) -> usize {
        match self.octets.first() {
            Some(length) if self.has_header => (usize::from(*length) + 1).min(self.octets.len()),
            Some(_) | None => 0,
        }
    }

    /// The elements of the header; none when one of them runs past its end (clause 9.2.3.24).
    #[must_use]
    pub fn elements(&self) -> Elements<'_> {
        let header = self
            .octets
            .get(..self.header_octets())
            .and_then(|header| header.get(1..));
        let elements = Elements::new(header.unwrap_or_default());
        if elements.is_whole() {
            elements
        } else {
            Elements::new(&[])
        }
    }

    /// Which part of which message it is; the last element that says so counts.
    #[must_use]
    pub fn concatenation(&self) -> Option<Concatenation> {
        self.elements().filter_map(|element| element.concatenation()).last()
    }

    /// Application ports; the last element that says so counts.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        self.elements().filter_map(|element| element.ports()).last()
    }

    /// The tables its septets are to be read with; reserved languages mean the default ones.
    #[must_use]
    pub fn charset(&self) -> Charset {
        let mut charset = Charset::DEFAULT;
        for element in self.elements() {
            match (element.identifier, element.data) {
                (udh::SINGLE_SHIFT, &[identifier]) => charset.single = Language::from_identifier(identifier),
                (udh::LOCKING_SHIFT, &[identifier]) => charset.locking = Language::from_identifier(identifier),
                _ => {}
            }
        }
        charset
    }

    /// The octets after the header, for UCS-2 and 8-bit data.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.octets.get(self.header_octets()..).unwrap_or_default()
    }

    /// The septets after the header; none unless it is GSM-7.
    #[must_use]
    pub fn septets(&self) -> Septets<'_> {
        if self.alphabet != Alphabet::Gsm7 {
            return Septets::new(&[], 0, 0);
        }
        let header = self.header_octets();
        let count = usize::from(self.length).saturating_sub(header_septets(header));
        Septets::new(self.body(), fill_bits(header), count)
    }

    /// Septets, 16-bit units or octets after the header.
    #[must_use]
    pub fn units(&self) -> usize {
        match self.alphabet {
            Alphabet::Gsm7 => usize::from(self.length).saturating_sub(header_septets(self.header_octets())),
            Alphabet::Ucs2 => self.body().len() / 2,
            Alphabet::Octets => self.body().len(),
        }
    }

    /// Octets of UTF-8 that most texts of this size need.
    pub(super) fn text_capacity(&self) -> usize {
        match self.alphabet {
            Alphabet::Gsm7 => self.units() + 8,
            Alphabet::Ucs2 => self.units() * 3,
            Alphabet::Octets => self.octets.len(),
        }
    }

    #[inline]
    pub(super) fn read(
        reader: &mut Reader<'_, '_>,
        dcs: Dcs,
        has_header: bool,
        max: usize,
    ) -> Result<Self, DecodeError> {
        let at = reader.at();
        let length = reader.octet_or_zero(Field::UserDataLength)?;
        // Compressed text is counted in octets, whatever it is when expanded (clause 9.2.3.16).
        let alphabet = if dcs.is_compressed() {
            Alphabet::Octets
        } else {
            dcs.alphabet()
        };
        let mut needed = match alphabet {
            Alphabet::Gsm7 => octets_for(0, usize::from(length)),
            Alphabet::Ucs2 | Alphabet::Octets => usize::from(length),
        };
        if needed > max {
            reader.deviate(Field::UserDataLength, at, Cause::too_long(needed, max))?;
            needed = max;
        }
        let start = reader.at();
        let octets = reader.take_up_to(Field::UserData, needed)?;
        let mut data = Self {
            alphabet,
            has_header,
            length,
            octets: Vec::new(),
        };
        // No more than `max`, which is no more than there is room for.
        let _ = data.octets.extend_from_slice(octets);
        data.shorten_to_octets();
        data.check(reader, start)?;
        Ok(data)
    }

    /// The length never says more than there is.
    fn shorten_to_octets(&mut self) {
        self.length = self.length.min(most(self.alphabet, self.octets.len()));
    }

    /// Notes what is wrong with header and spare bits, and mends what can be.
    fn check(&mut self, reader: &mut Reader<'_, '_>, start: usize) -> Result<(), DecodeError> {
        if self.has_header {
            self.check_header(reader, start)?;
        }
        if self.alphabet == Alphabet::Gsm7 {
            let used = usize::from(self.length) * 7 % 8;
            let last = self.octets.len().saturating_sub(1);
            if let Some(octet) = self.octets.last_mut().filter(|octet| used != 0 && **octet >> used != 0) {
                *octet &= (1 << used) - 1;
                reader.deviate(Field::UserData, start + last, Cause::SpareBits)?;
            }
        }
        if self.alphabet == Alphabet::Ucs2 && !self.body().len().is_multiple_of(2) {
            reader.deviate(Field::UserData, start + self.octets.len() - 1, Cause::HalfUnit)?;
        }
        Ok(())
    }

    fn check_header(&mut self, reader: &mut Reader<'_, '_>, start: usize) -> Result<(), DecodeError> {
        let Some(length) = self.octets.first().copied() else {
            self.has_header = false;
            return reader.deviate(Field::HeaderLength, start, Cause::NoHeader);
        };
        let whole = usize::from(length) + 1;
        let holds = match self.alphabet {
            Alphabet::Gsm7 => header_septets(whole) <= usize::from(self.length),
            Alphabet::Ucs2 | Alphabet::Octets => whole <= self.octets.len(),
        };
        if !holds || whole > self.octets.len() {
            return reader.deviate(Field::HeaderLength, start, Cause::RunsOver);
        }
        let header = self.octets.get(1..whole).unwrap_or_default();
        reader.watch(Field::HeaderLength, start..start + 1);
        let whole_elements = Elements::new(header).is_whole();
        let mut at = start + 1;
        for element in Elements::new(header) {
            let field = Field::Element(element.identifier);
            reader.watch(field, at..at + 2 + element.data.len());
            if whole_elements && element.information().is_none() {
                reader.deviate(field, at, Cause::Senseless)?;
            }
            at += 2 + element.data.len();
        }
        if !whole_elements {
            let identifier = self.octets.get(at - start).copied().unwrap_or_default();
            reader.deviate(Field::Element(identifier), at, Cause::RunsOver)?;
        }
        self.check_fill(reader, start, whole)
    }

    fn check_fill(&mut self, reader: &mut Reader<'_, '_>, start: usize, whole: usize) -> Result<(), DecodeError> {
        let fill = match self.alphabet {
            Alphabet::Gsm7 => fill_bits(whole),
            Alphabet::Ucs2 | Alphabet::Octets => 0,
        };
        let mask = (1_u8 << fill) - 1;
        if let Some(octet) = self.octets.get_mut(whole).filter(|octet| **octet & mask != 0) {
            *octet &= !mask;
            reader.deviate(Field::FillBits, start + whole, Cause::SpareBits)?;
        }
        Ok(())
    }

    /// As it is written.
    pub(super) fn coded(&self) -> Coded<'_> {
        Coded {
            alphabet: self.alphabet,
            has_header: self.has_header,
            length: self.length,
            octets: &self.octets,
        }
    }

    #[inline]
    pub(super) fn write(&self, writer: &mut Writer, dcs: Dcs, max: usize) -> Result<(), EncodeError> {
        self.coded().write(writer, dcs, max)
    }

    /// User data of GSM-7 septets after `elements`; `None` when it is longer than any TPDU takes.
    #[must_use]
    pub fn from_septets(elements: &[Element<'_>], septets: &[u8]) -> Option<Self> {
        let (has_header, mut octets) = header(elements)?;
        let before = octets.len();
        let mut packer = gsm7::Packer::new(&mut octets, if has_header { fill_bits(before) } else { 0 });
        let whole = septets.iter().all(|septet| packer.push(*septet)) && packer.finish();
        let length = u8::try_from(header_septets(before) + septets.len()).ok()?;
        whole.then_some(Self {
            alphabet: Alphabet::Gsm7,
            has_header,
            length,
            octets,
        })
    }

    /// User data of octets after `elements`: 8-bit data or UTF-16 big-endian; `None` when it is longer than any TPDU
    /// takes, or `alphabet` is GSM-7.
    #[must_use]
    pub fn from_octets(alphabet: Alphabet, elements: &[Element<'_>], body: &[u8]) -> Option<Self> {
        let (has_header, mut octets) = header(elements)?;
        octets.extend_from_slice(body).ok()?;
        let length = u8::try_from(octets.len()).ok()?;
        (alphabet != Alphabet::Gsm7).then_some(Self {
            alphabet,
            has_header,
            length,
            octets,
        })
    }
}

/// The most that the length can say of so many octets.
fn most(alphabet: Alphabet, octets: usize) -> u8 {
    let there = match alphabet {
        Alphabet::Gsm7 => octets * 8 / 7,
        Alphabet::Ucs2 | Alphabet::Octets => octets,
    };
    u8::try_from(there).unwrap_or(u8::MAX)
}

/// User data as it is written, where its octets stand.
#[derive(Clone, Copy)]
pub(super) struct Coded<'a> {
    alphabet: Alphabet,
    pub(super) has_header: bool,
    length: u8,
    octets: &'a [u8],
}

impl<'a> From<&'a EncodedPart> for Coded<'a> {
    #[inline]
    fn from(part: &'a EncodedPart) -> Self {
        let alphabet = Dcs(part.dcs).alphabet();
        Self {
            alphabet,
            has_header: part.udhi,
            length: part.udl.min(most(alphabet, part.user_data.len())),
            octets: &part.user_data,
        }
    }
}

impl Coded<'_> {
    #[inline]
    pub(super) fn write(&self, writer: &mut Writer, dcs: Dcs, max: usize) -> Result<(), EncodeError> {
        if dcs.alphabet() != self.alphabet || dcs.is_compressed() {
            return Err(EncodeError::AlphabetMismatch);
        }
        if self.octets.len() > max {
            return Err(EncodeError::UserDataTooLong {
                is: self.octets.len(),
                max,
            });
        }
        writer.octet(self.length)?;
        writer.octets(self.octets)
    }
}

fn header(elements: &[Element<'_>]) -> Option<(bool, Vec<u8, USER_DATA_OCTETS_ANY>)> {
    let mut octets = Vec::new();
    if elements.is_empty() {
        return Some((false, octets));
    }
    octets.push(0).ok()?;
    for element in elements {
        octets.push(element.identifier).ok()?;
        octets.push(u8::try_from(element.data.len()).ok()?).ok()?;
        octets.extend_from_slice(element.data).ok()?;
    }
    let length = u8::try_from(octets.len() - 1).ok()?;
    *octets.first_mut()? = length;
    Some((true, octets))
}
