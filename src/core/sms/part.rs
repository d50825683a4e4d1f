//! One part as it goes out, and its form at rest.

use heapless::Vec;

use super::Alphabet;
use super::dcs::Dcs;
use super::gsm7::octets_for;
use super::udh::Elements;
use crate::base::limits::USER_DATA_OCTETS;

/// Octets of a part at rest: TP-DCS, header indicator, TP-UDL, user data.
pub const PART_OCTETS: usize = 3 + USER_DATA_OCTETS;

/// Why octets are no part at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a part written by this program")]
pub struct PartError;

/// One part as it goes out: all of a SUBMIT's content but address, validity and reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedPart {
    /// TP-Data-Coding-Scheme.
    pub dcs: u8,
    /// TP-User-Data-Header-Indicator: `user_data` begins with a header.
    pub udhi: bool,
    /// TP-User-Data-Length as it stands in the TPDU: septets for GSM-7, octets otherwise.
    pub udl: u8,
    /// TP-User-Data, header included.
    pub user_data: Vec<u8, USER_DATA_OCTETS>,
}

impl EncodedPart {
    /// Its form at rest, for [`EncodedPart::from_octets`].
    #[must_use]
    pub fn to_octets(&self) -> Vec<u8, PART_OCTETS> {
        let mut octets = Vec::new();
        // 3 + 140 octets by their types: always fits.
        let _ = octets.extend_from_slice(&[self.dcs, u8::from(self.udhi), self.udl]);
        let _ = octets.extend_from_slice(&self.user_data);
        octets
    }

    /// Reads what [`EncodedPart::to_octets`] wrote.
    ///
    /// # Errors
    /// [`PartError`] when the octets are none.
    pub fn from_octets(octets: &[u8]) -> Result<Self, PartError> {
        let [dcs, udhi @ 0..=1, udl, user_data @ ..] = octets else {
            return Err(PartError);
        };
        let needed = match Dcs(*dcs).alphabet() {
            Alphabet::Gsm7 => octets_for(0, usize::from(*udl)),
            Alphabet::Ucs2 | Alphabet::Octets => usize::from(*udl),
        };
        if needed != user_data.len() {
            return Err(PartError);
        }
        let user_data = Vec::from_slice(user_data).map_err(|_| PartError)?;
        Ok(Self {
            dcs: *dcs,
            udhi: *udhi == 1,
            udl: *udl,
            user_data,
        })
    }

    /// Sets the reference in its 8-bit concatenation element; nothing happens to a part without one.
    pub fn set_reference(&mut self, reference: u8) {
        if !self.udhi {
            return;
        }
        let Some((length, rest)) = self.user_data.split_first_mut() else {
            return;
        };
        let Some(header) = rest.get_mut(..usize::from(*length)) else {
            return;
        };
        let mut at = 0;
        for element in Elements::new(header) {
            if element.identifier == 0x00 && element.data.len() == 3 {
                break;
            }
            at += 2 + element.data.len();
        }
        if let Some([0x00, 0x03, place, ..]) = header.get_mut(at..) {
            *place = reference;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(user_data: &[u8]) -> EncodedPart {
        EncodedPart {
            dcs: 4,
            udhi: true,
            udl: u8::try_from(user_data.len()).unwrap(),
            user_data: Vec::from_slice(user_data).unwrap(),
        }
    }

    #[test]
    fn the_reference_is_set_behind_other_elements_too() {
        let mut plain = part(&[5, 0, 3, 9, 2, 1, 0xAA]);
        plain.set_reference(77);
        assert_eq!(plain.user_data, [5, 0, 3, 77, 2, 1, 0xAA]);
        let mut behind = part(&[11, 5, 4, 0, 3, 9, 2, 0, 3, 9, 2, 1, 0xAA]);
        behind.set_reference(77);
        assert_eq!(behind.user_data, [11, 5, 4, 0, 3, 9, 2, 0, 3, 77, 2, 1, 0xAA]);
    }

    #[test]
    fn without_the_element_nothing_changes() {
        for octets in [&[6, 8, 4, 0, 3, 2, 1][..], &[2, 0, 3], &[], &[9, 0, 3, 1, 1, 1]] {
            let mut other = part(octets);
            other.set_reference(77);
            assert_eq!(other, part(octets));
        }
        let mut no_header = part(&[5, 0, 3, 9, 2, 1]);
        no_header.udhi = false;
        let before = no_header.clone();
        no_header.set_reference(77);
        assert_eq!(no_header, before);
    }

    #[test]
    fn at_rest_and_back() {
        let whole = part(&[5, 0, 3, 9, 2, 1, 0xAA]);
        assert_eq!(EncodedPart::from_octets(&whole.to_octets()), Ok(whole));
        for bad in [
            &[][..],
            &[0, 0],
            &[0, 2, 0],
            &[0, 0, 1],
            &[0, 0, 1, 2, 3],
            &[4, 1, 0, 9],
        ] {
            assert_eq!(EncodedPart::from_octets(bad), Err(PartError));
        }
    }
}
