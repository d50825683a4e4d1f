//! User data header, 3GPP TS 23.040 clauses 9.2.3.24 and following: its information elements.

/// Concatenation with an 8-bit reference, clause 9.2.3.24.1.
pub const CONCATENATION: u8 = 0x00;
/// Special SMS message indication, clause 9.2.3.24.2.
pub const SPECIAL_MESSAGE: u8 = 0x01;
/// Application ports of 8 bits, clause 9.2.3.24.3.
pub const PORTS: u8 = 0x04;
/// Application ports of 16 bits, clause 9.2.3.24.4.
pub const WIDE_PORTS: u8 = 0x05;
/// SMSC control parameters, clause 9.2.3.24.5.
pub const SMSC_CONTROL: u8 = 0x06;
/// UDH source indicator, clause 9.2.3.24.6.
pub const HEADER_SOURCE: u8 = 0x07;
/// Concatenation with a 16-bit reference, clause 9.2.3.24.8.
pub const WIDE_CONCATENATION: u8 = 0x08;
/// Reply address, clause 9.2.3.24.17.
pub const REPLY_ADDRESS: u8 = 0x22;
/// Enhanced voice mail, clause 9.2.3.24.13.
pub const VOICEMAIL: u8 = 0x23;
/// National language single shift, clause 9.2.3.24.15.
pub const SINGLE_SHIFT: u8 = 0x24;
/// National language locking shift, clause 9.2.3.24.16.
pub const LOCKING_SHIFT: u8 = 0x25;

/// One information element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Information element identifier.
    pub identifier: u8,
    /// Its data, without identifier and length.
    pub data: &'a [u8],
}

/// Walks the elements of a header (without its length octet). Stops at an element that runs past the end.
#[derive(Clone, Debug)]
pub struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// Walks `header`.
    #[must_use]
    pub const fn new(header: &'a [u8]) -> Self {
        Self(header)
    }

    /// Whether every element ends inside the header.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let mut rest = self.clone();
        rest.by_ref().for_each(drop);
        rest.0.is_empty()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let [identifier, length, rest @ ..] = self.0 else {
            return None;
        };
        let (data, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        Some(Element {
            identifier: *identifier,
            data,
        })
    }
}

/// Which part of which message: identifiers 00 and 08, clauses 9.2.3.24.1 and 9.2.3.24.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concatenation {
    /// The same in all parts of a message.
    pub reference: Reference,
    /// Parts in all, 1 to 255.
    pub total: u8,
    /// 1-based place, at most `total`.
    pub sequence: u8,
}

/// Reference of a concatenated message; the widths do not mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// 8 bits.
    Short(u8),
    /// 16 bits.
    Long(u16),
}

impl Reference {
    /// The number.
    #[must_use]
    pub const fn value(self) -> u16 {
        match self {
            Self::Short(value) => value as u16,
            Self::Long(value) => value,
        }
    }

    /// Its width in bits: 8 or 16.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Short(_) => 8,
            Self::Long(_) => 16,
        }
    }
}

/// Application ports: identifiers 04 and 05, clauses 9.2.3.24.3 and 9.2.3.24.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Where the message goes.
    pub destination: u16,
    /// Where it comes from.
    pub source: u16,
    /// Width in bits: 8 or 16.
    pub bits: u8,
}

impl Element<'_> {
    /// The concatenation it tells, when it is one that makes sense.
    #[must_use]
    pub const fn concatenation(&self) -> Option<Concatenation> {
        let found = match (self.identifier, self.data) {
            (0x00, &[reference, total, sequence]) => Concatenation {
                reference: Reference::Short(reference),
                total,
                sequence,
            },
            (0x08, &[high, low, total, sequence]) => {
                let reference = Reference::Long(u16::from_be_bytes([high, low]));
                Concatenation {
                    reference,
                    total,
                    sequence,
                }
            }
            _ => return None,
        };
        if found.sequence == 0 || found.sequence > found.total {
            None
        } else {
            Some(found)
        }
    }

    /// The ports it tells.
    #[must_use]
    pub const fn ports(&self) -> Option<Ports> {
        match (self.identifier, self.data) {
            (0x04, &[destination, source]) => Some(Ports {
                destination: destination as u16,
                source: source as u16,
                bits: 8,
            }),
            (0x05, &[a, b, c, d]) => Some(Ports {
                destination: u16::from_be_bytes([a, b]),
                source: u16::from_be_bytes([c, d]),
                bits: 16,
            }),
            _ => None,
        }
    }

    /// Whether an element of a known identifier has a length or values it cannot have; it is ignored then.
    #[must_use]
    pub const fn is_senseless(&self) -> bool {
        match self.identifier {
            0x00 | 0x08 => self.concatenation().is_none(),
            0x04 | 0x05 => self.ports().is_none(),
            0x01 => self.data.len() != 2,
            0x06 | 0x07 | 0x23 | 0x24 | 0x25 => self.data.len() != 1,
            _ => false,
        }
    }
}
