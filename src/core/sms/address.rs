//! Addresses, 3GPP TS 23.040 clauses 9.1.2.3 and 9.1.2.5: numbers of up to 20 digits and alphanumeric names of up to
//! 11 septets; and the service centre address of 3GPP TS 24.011 clause 8.2.5.1, which counts octets.

use core::fmt;

use heapless::{String, Vec};

use super::error::{AddressField, Cause, DecodeError, EncodeError, Field};
use super::gsm7::{self, Charset, Decoder, Packer, Septets};
use super::wire::{Reader, Reading, Writer};
use crate::base::{Originator, PhoneNumber};

/// Most semi-octets an address has.
pub const ADDRESS_DIGITS: usize = 20;

/// Most septets a name has.
pub const NAME_SEPTETS: usize = 11;

/// Type of number, bits 6 to 4 of the type octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeOfNumber {
    /// Unknown; also short codes and the national form with prefix.
    Unknown = 0,
    /// International.
    International = 1,
    /// National.
    National = 2,
    /// Specific to the network.
    Network = 3,
    /// Subscriber number.
    Subscriber = 4,
    /// A name in the GSM 7 bit alphabet.
    Alphanumeric = 5,
    /// Abbreviated number.
    Abbreviated = 6,
    /// Reserved for extension.
    Reserved = 7,
}

impl TypeOfNumber {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::International => "international",
            Self::National => "national",
            Self::Network => "network",
            Self::Subscriber => "subscriber",
            Self::Alphanumeric => "alphanumeric",
            Self::Abbreviated => "abbreviated",
            Self::Reserved => "reserved",
        }
    }
}

/// The type octet: type of number and numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressType(pub u8);

impl AddressType {
    /// E.164 with country code, 0x91.
    pub const INTERNATIONAL: Self = Self(0x91);
    /// Unknown type, E.164 plan, 0x81.
    pub const UNKNOWN: Self = Self(0x81);
    /// National, E.164 plan, 0xA1.
    pub const NATIONAL: Self = Self(0xA1);
    /// A name, 0xD0.
    pub const ALPHANUMERIC: Self = Self(0xD0);

    /// Type of number.
    #[must_use]
    pub const fn number(self) -> TypeOfNumber {
        match self.0 >> 4 & 0x07 {
            0 => TypeOfNumber::Unknown,
            1 => TypeOfNumber::International,
            2 => TypeOfNumber::National,
            3 => TypeOfNumber::Network,
            4 => TypeOfNumber::Subscriber,
            5 => TypeOfNumber::Alphanumeric,
            6 => TypeOfNumber::Abbreviated,
            _ => TypeOfNumber::Reserved,
        }
    }

    /// Numbering plan identification; 1 is E.164.
    #[must_use]
    pub const fn plan(self) -> u8 {
        self.0 & 0x0F
    }
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// More than 20 digits, or a name of more than 11 septets.
    #[error("longer than an address can be")]
    TooLong,
    /// A character, counted from 0, that an address of this kind cannot hold.
    #[error("character {0} cannot stand in an address")]
    Character(usize),
}

/// Who sent a message, or where it goes. Two addresses are equal when they are written alike.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    kind: AddressType,
    value: Value,
}

/// The digits (`0-9 * # a b c`) or the septets of a name.
#[derive(Clone, PartialEq, Eq)]
enum Value {
    Digits(String<ADDRESS_DIGITS>),
    Name(Vec<u8, NAME_SEPTETS>),
}

impl fmt::Debug for Address {
    /// Shows the kind only: who it is belongs in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({:?})", self.kind.number())
    }
}

impl Address {
    /// Digits of a given type; not for [`TypeOfNumber::Alphanumeric`].
    ///
    /// # Errors
    /// [`AddressError`]: more than 20, or a character other than `0-9 * # a b c`.
    pub fn digits(kind: AddressType, digits: &str) -> Result<Self, AddressError> {
        if kind.number() == TypeOfNumber::Alphanumeric {
            return Err(AddressError::Character(0));
        }
        if let Some(at) = digits.chars().position(|c| semi_octet(c).is_none()) {
            return Err(AddressError::Character(at));
        }
        let digits = String::try_from(digits).map_err(|_| AddressError::TooLong)?;
        Ok(Self {
            kind,
            value: Value::Digits(digits),
        })
    }

    /// A name in the GSM 7 bit default alphabet, at most 11 septets.
    ///
    /// # Errors
    /// [`AddressError`]: longer, or a character that is not in the alphabet.
    pub fn name(name: &str) -> Result<Self, AddressError> {
        let mut septets = Vec::new();
        for (index, character) in name.chars().enumerate() {
            match gsm7::code(character).ok_or(AddressError::Character(index))? {
                gsm7::Code::Plain(septet) => septets.push(septet).map_err(|_| AddressError::TooLong)?,
                gsm7::Code::Escaped(septet) => {
                    septets
                        .extend_from_slice(&[gsm7::ESCAPE, septet])
                        .map_err(|_| AddressError::TooLong)?;
                }
            }
        }
        Ok(Self {
            kind: AddressType::ALPHANUMERIC,
            value: Value::Name(septets),
        })
    }

    /// What a person or a configuration writes: `+` and digits, bare digits, else a name.
    ///
    /// # Errors
    /// [`AddressError`], see [`Address::digits`] and [`Address::name`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix('+') {
            Some(digits) => Self::digits(AddressType::INTERNATIONAL, digits),
            None if text.chars().all(|c| semi_octet(c).is_some()) => Self::digits(AddressType::UNKNOWN, text),
            None => Self::name(text),
        }
    }

    /// The type octet.
    #[must_use]
    pub const fn kind(&self) -> AddressType {
        self.kind
    }

    /// The digits, unless it is a name.
    #[must_use]
    pub fn as_digits(&self) -> Option<&str> {
        match &self.value {
            Value::Digits(digits) => Some(digits),
            Value::Name(_) => None,
        }
    }

    /// The length field: semi-octets.
    #[must_use]
    pub fn semi_octets(&self) -> usize {
        match &self.value {
            Value::Digits(digits) => digits.len(),
            Value::Name(septets) => (septets.len() * 7).div_ceil(4),
        }
    }

    /// As people write it: `+` and digits when international, bare digits of any other type, the name.
    #[must_use]
    pub fn to_text(&self) -> String<33> {
        let mut text = String::new();
        // 11 characters of at most 3 octets, or a sign and 20 digits: always fits.
        match &self.value {
            Value::Digits(digits) => {
                if self.kind.number() == TypeOfNumber::International {
                    let _ = text.push('+');
                }
                let _ = text.push_str(digits);
            }
            Value::Name(septets) => {
                let mut decoder = Decoder::default();
                for septet in septets {
                    if let Some(character) = decoder.push(Charset::DEFAULT.tables(), *septet) {
                        let _ = text.push(character);
                    }
                }
                if let Some(character) = decoder.finish() {
                    let _ = text.push(character);
                }
            }
        }
        text
    }

    /// Reads length, type and value, as inside a reply address element, strictly.
    ///
    /// # Errors
    /// [`DecodeError`], as [`crate::sms::decode`].
    pub fn from_octets(octets: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(octets, 0, Reading::Strict, None);
        let address = Self::read(&mut reader, Field::Originator)?;
        reader.end().map(|_| address)
    }

    #[inline]
    pub(super) fn read(reader: &mut Reader<'_, '_>, field: fn(AddressField) -> Field) -> Result<Self, DecodeError> {
        let start = reader.at();
        let semi_octets = usize::from(reader.octet(field(AddressField::Length))?);
        if semi_octets > ADDRESS_DIGITS {
            // A number cut short would be somebody else's: refused in either reading.
            let cause = Cause::too_long(semi_octets, ADDRESS_DIGITS);
            return Err(reader.error(field(AddressField::Length), start, cause));
        }
        let kind = AddressType(reader.octet(field(AddressField::Type))?);
        if kind.0 & 0x80 == 0 {
            reader.deviate(field(AddressField::Type), start + 1, Cause::UndefinedBits(0x80))?;
        }
        let octets = reader.take(field(AddressField::Value), semi_octets.div_ceil(2))?;
        let value = AddressOctets {
            octets,
            semi_octets,
            start: start + 2,
            field: field(AddressField::Value),
        };
        let value = match kind.number() {
            TypeOfNumber::Alphanumeric => {
                if (semi_octets * 4 / 7 * 7).div_ceil(4) != semi_octets {
                    reader.deviate(field(AddressField::Length), start, Cause::Uneven)?;
                }
                value.name(reader)?
            }
            TypeOfNumber::Unknown
            | TypeOfNumber::International
            | TypeOfNumber::National
            | TypeOfNumber::Network
            | TypeOfNumber::Subscriber
            | TypeOfNumber::Abbreviated
            | TypeOfNumber::Reserved => Value::Digits(value.digits(reader)?),
        };
        Ok(Self {
            kind: AddressType(kind.0 | 0x80),
            value,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.octet(u8::try_from(self.semi_octets()).map_err(|_| EncodeError::TooLong)?)?;
        writer.octet(self.kind.0)?;
        self.write_value(writer)
    }

    fn write_value(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        match &self.value {
            Value::Digits(digits) => {
                let mut octets = Vec::<u8, { ADDRESS_DIGITS / 2 }>::new();
                let (pairs, odd) = digits.as_bytes().as_chunks::<2>();
                // At most 20 digits by their type: always fits.
                octets.extend(pairs.iter().map(|[low, high]| nibble(*low) | nibble(*high) << 4));
                octets.extend(odd.iter().map(|low| nibble(*low) | 0xF0));
                writer.octets(&octets)
            }
            Value::Name(septets) => {
                let mut octets = Vec::<u8, 10>::new();
                let mut packer = Packer::new(&mut octets, 0);
                let whole = septets.iter().all(|septet| packer.push(*septet)) && packer.finish();
                if whole {
                    writer.octets(&octets)
                } else {
                    Err(EncodeError::TooLong)
                }
            }
        }
    }

    /// Reads the service centre prefix of 27.005: a length in octets, 0 for none.
    pub(super) fn read_service_centre(reader: &mut Reader<'_, '_>) -> Result<Option<Self>, DecodeError> {
        let start = reader.at();
        let length = usize::from(reader.octet(Field::ServiceCentre(AddressField::Length))?);
        if length == 0 {
            return Ok(None);
        }
        if length > 1 + ADDRESS_DIGITS / 2 {
            let cause = Cause::too_long(length, 1 + ADDRESS_DIGITS / 2);
            return Err(reader.error(Field::ServiceCentre(AddressField::Length), start, cause));
        }
        let kind = AddressType(reader.octet(Field::ServiceCentre(AddressField::Type))?);
        let field = Field::ServiceCentre(AddressField::Value);
        let octets = reader.take(field, length - 1)?;
        let filled = octets.last().is_some_and(|octet| octet >> 4 == 0x0F);
        let semi_octets = octets.len() * 2 - usize::from(filled);
        let value = AddressOctets {
            octets,
            semi_octets,
            start: start + 2,
            field,
        };
        let value = match kind.number() {
            TypeOfNumber::Alphanumeric => value.name(reader)?,
            TypeOfNumber::Unknown
            | TypeOfNumber::International
            | TypeOfNumber::National
            | TypeOfNumber::Network
            | TypeOfNumber::Subscriber
            | TypeOfNumber::Abbreviated
            | TypeOfNumber::Reserved => Value::Digits(value.digits(reader)?),
        };
        Ok(Some(Self { kind, value }))
    }

    pub(super) fn write_service_centre(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        let octets = 1 + self.semi_octets().div_ceil(2);
        writer.octet(u8::try_from(octets).map_err(|_| EncodeError::TooLong)?)?;
        writer.octet(self.kind.0)?;
        self.write_value(writer)
    }
}

impl From<&PhoneNumber> for Address {
    fn from(number: &PhoneNumber) -> Self {
        // 7 to 15 digits by its type: always fits.
        let digits = String::try_from(number.digits()).unwrap_or_default();
        Self {
            kind: AddressType::INTERNATIONAL,
            value: Value::Digits(digits),
        }
    }
}

impl From<&Address> for Originator {
    fn from(address: &Address) -> Self {
        Self::new(address.to_text().as_str())
    }
}

/// The value field of an address being read.
struct AddressOctets<'a> {
    octets: &'a [u8],
    semi_octets: usize,
    start: usize,
    field: Field,
}

impl AddressOctets<'_> {
    fn digits(&self, reader: &mut Reader<'_, '_>) -> Result<String<ADDRESS_DIGITS>, DecodeError> {
        match self.plain_digits() {
            Some(digits) => Ok(digits),
            None => self.odd_digits(reader),
        }
    }

    /// The digits where nothing is wrong with them.
    #[inline]
    fn plain_digits(&self) -> Option<String<ADDRESS_DIGITS>> {
        let mut digits = Vec::<u8, ADDRESS_DIGITS>::new();
        for octet in self.octets {
            digits.extend_from_slice(PAIRS.get(usize::from(*octet))?).ok()?;
        }
        // Behind an odd number of digits stands 1111, which is no digit.
        if self.semi_octets % 2 == 1 && digits.pop() != Some(0) {
            return None;
        }
        let whole = digits.len() == self.semi_octets && digits.iter().fold(true, |all, digit| all & (*digit != 0));
        String::from_utf8(digits).ok().filter(|_| whole)
    }

    /// The digits that are some, with each deviation noted.
    #[cold]
    fn odd_digits(&self, reader: &mut Reader<'_, '_>) -> Result<String<ADDRESS_DIGITS>, DecodeError> {
        let mut digits = Vec::<u8, ADDRESS_DIGITS>::new();
        for (index, octet) in self.octets.iter().enumerate() {
            let (low, high) = (digit(octet & 0x0F), digit(octet >> 4));
            // At most 20 by the length checked before.
            match (low, high) {
                (Some(low), Some(high)) if index * 2 + 1 < self.semi_octets => {
                    let _ = digits.extend_from_slice(&[low, high]);
                    continue;
                }
                (Some(low), _) => _ = digits.push(low),
                (None, _) => reader.deviate(self.field, self.start + index, Cause::NotDigit)?,
            }
            match high {
                Some(high) if index * 2 + 1 < self.semi_octets => _ = digits.push(high),
                None if index * 2 + 1 < self.semi_octets => {
                    reader.deviate(self.field, self.start + index, Cause::NotDigit)?;
                }
                Some(_) => reader.deviate(self.field, self.start + index, Cause::Filler)?,
                None => {}
            }
        }
        Ok(String::from_utf8(digits).unwrap_or_default())
    }

    fn name(&self, reader: &mut Reader<'_, '_>) -> Result<Value, DecodeError> {
        let count = self.semi_octets * 4 / 7;
        let septets = Septets::new(self.octets, 0, count).collect();
        let used = count * 7;
        let spare = self.octets.get(used / 8).is_some_and(|octet| octet >> (used % 8) != 0);
        if spare {
            reader.deviate(self.field, self.start + used / 8, Cause::SpareBits)?;
        }
        Ok(Value::Name(septets))
    }
}

/// What the semi-octets 0 to 14 stand for (clause 9.1.2.3).
const DIGITS: &[u8; 15] = b"0123456789*#abc";

fn digit(semi_octet: u8) -> Option<u8> {
    DIGITS.get(usize::from(semi_octet)).copied()
}

/// The two digits of an octet, the low semi-octet first; 0 for 1111.
static PAIRS: [[u8; 2]; 256] = pairs();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated while compiling: a wrong index does not compile"
)]
const fn pairs() -> [[u8; 2]; 256] {
    let mut pairs = [[0; 2]; 256];
    let mut octet = 0;
    while octet < 256 {
        let (low, high) = (octet & 0x0F, octet >> 4);
        pairs[octet] = [
            if low < DIGITS.len() { DIGITS[low] } else { 0 },
            if high < DIGITS.len() { DIGITS[high] } else { 0 },
        ];
        octet += 1;
    }
    pairs
}

/// The semi-octet of a digit of an address.
const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'*' => 10,
        b'#' => 11,
        b'a'..=b'c' => digit - b'a' + 12,
        _ => 0x0F,
    }
}

fn semi_octet(digit: char) -> Option<u8> {
    u8::try_from(digit).ok().map(nibble).filter(|nibble| *nibble != 0x0F)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn octets(address: &Address) -> crate::sms::Octets {
        let mut writer = Writer::default();
        address.write(&mut writer).unwrap();
        writer.finish()
    }

    fn tolerant(octets: &[u8]) -> Result<(Address, bool), DecodeError> {
        let mut reader = Reader::new(octets, 0, Reading::Tolerant, None);
        let address = Address::read(&mut reader, Field::Originator)?;
        Ok((address, reader.end()?.is_empty()))
    }

    #[test]
    fn written_as_the_examples_of_the_standard() {
        let written = |text: &str| octets(&Address::parse(text).unwrap());
        assert_eq!(
            written("+46708251358"),
            [0x0B, 0x91, 0x64, 0x07, 0x28, 0x15, 0x53, 0xF8]
        );
        assert_eq!(written("50123"), [0x05, 0x81, 0x05, 0x21, 0xF3]);
        assert_eq!(written("*100#"), [0x05, 0x81, 0x1A, 0x00, 0xFB]);
        assert_eq!(written("MyShop"), [0x0B, 0xD0, 0xCD, 0xFC, 0x14, 0xFD, 0x86, 0x03]);
        assert_eq!(written(""), [0x00, 0x81]);
    }

    #[test]
    fn lengths_of_names() {
        for (name, semi_octets) in [("M", 2), ("sipgate", 13), ("Hospital", 14), ("ABCDEFGHIJK", 20)] {
            assert_eq!(Address::name(name).unwrap().semi_octets(), semi_octets, "{name}");
        }
        assert_eq!(Address::name("ABCDEFGHIJKL"), Err(AddressError::TooLong));
        assert_eq!(Address::name("ABCDEFGHIJ€"), Err(AddressError::TooLong), "two septets");
        assert_eq!(Address::name("ABçD"), Err(AddressError::Character(2)));
        assert_eq!(
            Address::digits(AddressType::NATIONAL, "08x"),
            Err(AddressError::Character(2))
        );
        assert_eq!(
            Address::digits(AddressType::UNKNOWN, "123456789012345678901"),
            Err(AddressError::TooLong)
        );
        assert_eq!(
            Address::digits(AddressType::ALPHANUMERIC, "1"),
            Err(AddressError::Character(0))
        );
    }

    #[test]
    fn a_longer_address_is_refused_in_either_reading() {
        let mut octets = [0x11; 13];
        octets[..2].copy_from_slice(&[21, 0x91]);
        assert_eq!(tolerant(&octets).unwrap_err().cause, Cause::TooLong { is: 21, max: 20 });
    }

    #[test]
    fn the_length_decides_not_the_filler() {
        let (address, clean) = tolerant(&[5, 0x81, 0x21, 0x43, 0x65]).unwrap();
        assert_eq!((address.to_text().as_str(), clean), ("12345", false));
        let (address, clean) = tolerant(&[4, 0x81, 0x21, 0xF3]).unwrap();
        assert_eq!(
            (address.to_text().as_str(), clean),
            ("123", false),
            "a filler inside is no digit"
        );
        let (name, clean) = tolerant(&[12, 0xD0, 0xCD, 0xFC, 0x14, 0xFD, 0x86, 0x03]).unwrap();
        assert_eq!(
            (name.to_text().as_str(), clean),
            ("MyShop", false),
            "length 12 where the rule says 11"
        );
    }

    proptest! {
        #[test]
        fn there_and_back(text in "\\+?[0-9]{0,20}|[0-9*#abc]{0,20}|[A-Za-zÄÖé@€]{0,5}") {
            let address = Address::parse(&text).unwrap();
            let octets = octets(&address);
            prop_assert_eq!(&Address::from_octets(&octets).unwrap(), &address);
            let back = address.to_text();
            prop_assert_eq!(back.as_str(), text);
        }
    }
}
