//! User data header, 3GPP TS 23.040 clauses 9.2.3.24 and following: its information elements.

use super::address::Address;
use super::gsm7::Language;

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
/// Reply address, clause 9.2.3.24.16.
pub const REPLY_ADDRESS: u8 = 0x22;
/// Enhanced voice mail, clause 9.2.3.24.13.
pub const VOICEMAIL: u8 = 0x23;
/// National language single shift, clause 9.2.3.24.15.
pub const SINGLE_SHIFT: u8 = 0x24;
/// National language locking shift, clause 9.2.3.24.15.
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

/// Special SMS message indication: something waits, how many of it (clause 9.2.3.24.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialMessage {
    /// Whether the message is to be stored besides setting the indicator.
    pub store: bool,
    /// Profile of a subscriber that has several, 0 to 3.
    pub profile: u8,
    /// What waits: 0 voice, 1 fax, 2 mail, 3 other (or video with the extension 7).
    pub kind: u8,
    /// Extension of the kind, 0 to 7.
    pub extension: u8,
    /// How many wait; 255 means 255 or more.
    pub count: u8,
}

/// What an element says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Information<'a> {
    /// Part of a longer message.
    Concatenation(Concatenation),
    /// Ports of an application.
    Ports(Ports),
    /// Something waits.
    SpecialMessage(SpecialMessage),
    /// For which results of this message the centre is to send reports: bit 0 completed, 1 permanent error, 2 given up
    /// for now, 3 still trying; bit 6 cancels the rest, bit 7 returns the header (clause 9.2.3.24.5).
    SmscControl(u8),
    /// Where the elements after it come from: 1 the sender, 2 the receiver, 3 the centre (clause 9.2.3.24.6).
    HeaderSource(u8),
    /// Where an answer goes (clause 9.2.3.24.16).
    ReplyAddress(Address),
    /// Extension table of a language; `None` for a reserved one.
    SingleShift(Option<Language>),
    /// Main table of a language; `None` for a reserved one.
    LockingShift(Option<Language>),
    /// Anything else: its octets as they stand.
    Other(&'a [u8]),
}

impl<'a> Element<'a> {
    /// What it says; `None` when its length or values are none its identifier can have, so that it is to be ignored.
    #[must_use]
    pub fn information(&self) -> Option<Information<'a>> {
        match (self.identifier, self.data) {
            (CONCATENATION | WIDE_CONCATENATION, _) => self.concatenation().map(Information::Concatenation),
            (PORTS | WIDE_PORTS, _) => self.ports().map(Information::Ports),
            (SPECIAL_MESSAGE, &[kind, count]) => Some(Information::SpecialMessage(SpecialMessage {
                store: kind & 0x80 != 0,
                profile: kind >> 5 & 0x03,
                kind: kind & 0x03,
                extension: kind >> 2 & 0x07,
                count,
            })),
            (SMSC_CONTROL, &[flags]) => Some(Information::SmscControl(flags)),
            (HEADER_SOURCE, &[source]) => Some(Information::HeaderSource(source)),
            (REPLY_ADDRESS, octets) => Address::from_octets(octets).ok().map(Information::ReplyAddress),
            (SINGLE_SHIFT, &[language]) => Some(Information::SingleShift(Language::from_identifier(language))),
            (LOCKING_SHIFT, &[language]) => {
                let language = Language::from_identifier(language).filter(|language| language.has_locking());
                Some(Information::LockingShift(language))
            }
            (SPECIAL_MESSAGE | SMSC_CONTROL | HEADER_SOURCE | SINGLE_SHIFT | LOCKING_SHIFT, _) => None,
            (_, octets) => Some(Information::Other(octets)),
        }
    }

    /// The concatenation it tells, when it is one that makes sense.
    #[must_use]
    pub const fn concatenation(&self) -> Option<Concatenation> {
        let found = match (self.identifier, self.data) {
            (CONCATENATION, &[reference, total, sequence]) => Concatenation {
                reference: Reference::Short(reference),
                total,
                sequence,
            },
            (WIDE_CONCATENATION, &[high, low, total, sequence]) => {
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
            (PORTS, &[destination, source]) => Some(Ports {
                destination: destination as u16,
                source: source as u16,
                bits: 8,
            }),
            (WIDE_PORTS, &[a, b, c, d]) => Some(Ports {
                destination: u16::from_be_bytes([a, b]),
                source: u16::from_be_bytes([c, d]),
                bits: 16,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn one(octets: &[u8]) -> Option<Information<'_>> {
        Elements::new(octets).next().unwrap().information()
    }

    #[test]
    fn every_known_element_is_read() {
        let concatenation = Concatenation {
            reference: Reference::Short(7),
            total: 3,
            sequence: 2,
        };
        assert_eq!(one(&[0, 3, 7, 3, 2]), Some(Information::Concatenation(concatenation)));
        let wide = Concatenation {
            reference: Reference::Long(0x0102),
            total: 3,
            sequence: 3,
        };
        assert_eq!(one(&[8, 4, 1, 2, 3, 3]), Some(Information::Concatenation(wide)));
        let ports = Ports {
            destination: 0x0B84,
            source: 0x23F0,
            bits: 16,
        };
        assert_eq!(one(&[5, 4, 0x0B, 0x84, 0x23, 0xF0]), Some(Information::Ports(ports)));
        let ports = Ports {
            destination: 245,
            source: 226,
            bits: 8,
        };
        assert_eq!(one(&[4, 2, 245, 226]), Some(Information::Ports(ports)));
        let waiting = SpecialMessage {
            store: true,
            profile: 1,
            kind: 3,
            extension: 7,
            count: 9,
        };
        assert_eq!(one(&[1, 2, 0xBF, 9]), Some(Information::SpecialMessage(waiting)));
        assert_eq!(one(&[6, 1, 0x83]), Some(Information::SmscControl(0x83)));
        assert_eq!(one(&[7, 1, 3]), Some(Information::HeaderSource(3)));
        let address = Address::parse("+15550100").unwrap();
        assert_eq!(
            one(&[0x22, 6, 8, 0x91, 0x51, 0x55, 0x10, 0]),
            Some(Information::ReplyAddress(address))
        );
        assert_eq!(
            one(&[0x24, 1, 1]),
            Some(Information::SingleShift(Some(Language::Turkish)))
        );
        assert_eq!(one(&[0x24, 1, 99]), Some(Information::SingleShift(None)));
        assert_eq!(
            one(&[0x25, 1, 2]),
            Some(Information::LockingShift(None)),
            "Spanish has none"
        );
        assert_eq!(one(&[0x70, 2, 1, 2]), Some(Information::Other(&[1, 2])));
    }

    #[test]
    fn senseless_ones_are_nothing() {
        for octets in [
            &[0, 3, 7, 0, 0][..],
            &[0, 3, 7, 2, 0],
            &[0, 3, 7, 2, 3],
            &[0, 2, 7, 2],
            &[8, 3, 7, 2, 1],
            &[5, 2, 1, 2],
            &[1, 1, 1],
            &[6, 0],
            &[0x24, 2, 1, 1],
            &[0x22, 2, 8, 0x91],
        ] {
            assert_eq!(one(octets), None, "{octets:02X?}");
        }
    }

    #[test]
    fn an_element_that_runs_over_ends_the_walk() {
        let elements = Elements::new(&[0x70, 1, 9, 0x71, 2, 1]);
        assert!(!elements.is_whole());
        assert_eq!(
            elements.collect::<Vec<_>>(),
            [Element {
                identifier: 0x70,
                data: &[9]
            }]
        );
        assert!(!Elements::new(&[0x70]).is_whole());
        assert!(Elements::new(&[]).is_whole());
    }
}
