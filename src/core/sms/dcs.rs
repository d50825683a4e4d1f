//! TP-Data-Coding-Scheme, 3GPP TS 23.038 clause 4: all coding groups. Reserved codings read as the default alphabet.

use super::Alphabet;
use super::error::{Cause, DecodeError, Field};
use super::wire::Reader;

/// TP-DCS as received or to be sent; every octet is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dcs(pub u8);

/// Message class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Shown at once, not stored ("flash").
    Display = 0,
    /// Mobile equipment specific.
    Equipment = 1,
    /// (U)SIM specific.
    Sim = 2,
    /// Terminal equipment specific.
    Terminal = 3,
}

/// What waits for the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Voicemail.
    Voicemail = 0,
    /// Fax.
    Fax = 1,
    /// Electronic mail.
    Mail = 2,
    /// Something else.
    Other = 3,
}

/// Message waiting indication, coding groups 1100 to 1110.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingIndication {
    /// Whether the message is to be stored besides setting the indicator (groups 1101 and 1110).
    pub store: bool,
    /// Whether the indicator goes on or off.
    pub active: bool,
    /// Which indicator.
    pub waiting: Waiting,
}

/// Coding group, the high bits of TP-DCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// 00xx.
    General,
    /// 01xx: general, deleted automatically after reading.
    AutomaticDeletion,
    /// 1000 to 1011.
    Reserved,
    /// 1100, 1101, 1110.
    Waiting,
    /// 1111.
    DataClass,
}

impl Dcs {
    /// GSM 7 bit default alphabet, no class.
    pub const GSM7: Self = Self(0x00);
    /// 8-bit data, no class.
    pub const OCTETS: Self = Self(0x04);
    /// UCS-2, no class.
    pub const UCS2: Self = Self(0x08);

    /// Reads it, 0 when the octets have ended; compressed text is a deviation.
    #[inline]
    pub(super) fn read_or_zero(reader: &mut Reader<'_, '_>) -> Result<Self, DecodeError> {
        let at = reader.at();
        let dcs = Self(reader.octet_or_zero(Field::DataCodingScheme)?);
        if dcs.is_compressed() {
            reader.deviate(Field::DataCodingScheme, at, Cause::Compressed)?;
        }
        Ok(dcs)
    }

    /// The plain coding of `alphabet`, class 0 when `flash`.
    #[must_use]
    pub const fn plain(alphabet: Alphabet, flash: bool) -> Self {
        let base = match alphabet {
            Alphabet::Gsm7 => 0x00,
            Alphabet::Octets => 0x04,
            Alphabet::Ucs2 => 0x08,
        };
        Self(if flash { base | 0x10 } else { base })
    }

    /// Coding group.
    #[must_use]
    pub const fn group(self) -> Group {
        match self.0 >> 4 {
            0x0..=0x3 => Group::General,
            0x4..=0x7 => Group::AutomaticDeletion,
            0x8..=0xB => Group::Reserved,
            0xC..=0xE => Group::Waiting,
            _ => Group::DataClass,
        }
    }

    /// The alphabet to read the text in: reserved codings are read as the default alphabet.
    #[must_use]
    pub const fn alphabet(self) -> Alphabet {
        match self.group() {
            Group::General | Group::AutomaticDeletion => match self.0 >> 2 & 0x03 {
                1 => Alphabet::Octets,
                2 => Alphabet::Ucs2,
                _ => Alphabet::Gsm7,
            },
            Group::Reserved => Alphabet::Gsm7,
            Group::Waiting if self.0 >> 4 == 0xE => Alphabet::Ucs2,
            Group::Waiting => Alphabet::Gsm7,
            Group::DataClass if self.0 & 0x04 != 0 => Alphabet::Octets,
            Group::DataClass => Alphabet::Gsm7,
        }
    }

    /// Whether the coding is one the standard reserves.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        match self.group() {
            Group::General | Group::AutomaticDeletion => self.0 >> 2 & 0x03 == 3,
            Group::Reserved => true,
            Group::Waiting => false,
            Group::DataClass => self.0 & 0x08 != 0,
        }
    }

    /// Whether the text is compressed by 3GPP TS 23.042.
    #[must_use]
    pub const fn is_compressed(self) -> bool {
        self.0 & 0x80 == 0 && self.0 & 0x20 != 0
    }

    /// Whether the phone is to delete the message once it was read.
    #[must_use]
    pub const fn is_deleted_after_reading(self) -> bool {
        self.0 >> 6 == 1
    }

    /// Message class, where the coding has one.
    #[must_use]
    pub const fn class(self) -> Option<Class> {
        let has_class = match self.group() {
            Group::General | Group::AutomaticDeletion => self.0 & 0x10 != 0,
            Group::Reserved | Group::Waiting => false,
            Group::DataClass => true,
        };
        if !has_class {
            return None;
        }
        Some(match self.0 & 0x03 {
            0 => Class::Display,
            1 => Class::Equipment,
            2 => Class::Sim,
            _ => Class::Terminal,
        })
    }

    /// Message waiting indication, in its coding groups.
    #[must_use]
    pub const fn waiting(self) -> Option<WaitingIndication> {
        match self.group() {
            Group::Waiting => Some(WaitingIndication {
                store: self.0 >> 4 != 0xC,
                active: self.0 & 0x08 != 0,
                waiting: match self.0 & 0x03 {
                    0 => Waiting::Voicemail,
                    1 => Waiting::Fax,
                    2 => Waiting::Mail,
                    _ => Waiting::Other,
                },
            }),
            Group::General | Group::AutomaticDeletion | Group::Reserved | Group::DataClass => None,
        }
    }
}
