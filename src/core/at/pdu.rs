//! PDU lines (27.005 clause 4.1) to TPDUs, and back. What a TPDU says is the codec's business.

use super::limits;
use crate::base::limits::TPDU_OCTETS;

/// A TPDU read from a line.
#[derive(Clone, PartialEq, Eq)]
pub struct Pdu {
    /// Without the service-centre address; cut at [`TPDU_OCTETS`].
    pub tpdu: heapless::Vec<u8, TPDU_OCTETS>,
    /// The line had as many digits as its header announced.
    pub whole: bool,
}

impl core::fmt::Debug for Pdu {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Pdu({} octets, whole: {})", self.tpdu.len(), self.whole)
    }
}

/// Reads a PDU line whose header announced `length` octets of TPDU (27.005 clause 4.1). The service-centre address is
/// taken off; devices that send none are known by the length.
#[must_use]
pub fn pdu(line: &str, length: u16) -> Pdu {
    let mut octets: heapless::Vec<u8, { limits::LINE / 2 }> = heapless::Vec::new();
    for pair in line.as_bytes().chunks_exact(2) {
        let octet = pair.iter().try_fold(0u8, |octet, digit| {
            let digit = char::from(*digit).to_digit(16).and_then(|d| u8::try_from(d).ok())?;
            Some((octet << 4) | digit)
        });
        match octet {
            Some(octet) if octets.push(octet).is_ok() => {}
            _ => break,
        }
    }
    let length = usize::from(length);
    let centre = 1 + octets.first().copied().map_or(0, usize::from);
    let odd = line.len() % 2 == 1;
    let (tpdu, whole) = if octets.len() == centre + length {
        (octets.get(centre..), true)
    } else if octets.len() == length {
        (octets.get(..), true)
    } else if centre <= 13 {
        (octets.get(centre..), false)
    } else {
        (octets.get(..), false)
    };
    let tpdu = tpdu.unwrap_or_default();
    Pdu {
        tpdu: tpdu.iter().copied().take(TPDU_OCTETS).collect(),
        whole: whole && !odd && tpdu.len() <= TPDU_OCTETS,
    }
}

/// A TPDU as it is written at the prompt: service-centre address `00` (the SIM's own), then capital hex.
#[must_use]
pub fn hex(tpdu: &[u8]) -> heapless::Vec<u8, { limits::TRANSMIT }> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    [0].iter()
        .chain(tpdu.iter().take(TPDU_OCTETS))
        .flat_map(|octet| [octet >> 4, octet & 15])
        .filter_map(|nibble| DIGITS.get(usize::from(nibble)).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, length: u16) -> (heapless::Vec<u8, TPDU_OCTETS>, bool) {
        let pdu = pdu(line, length);
        (pdu.tpdu, pdu.whole)
    }

    #[test]
    fn the_service_centre_is_taken_off() {
        let (tpdu, whole) = read("0791539128000000040B91", 3);
        assert!(whole);
        assert_eq!(tpdu.as_slice(), [0x04, 0x0B, 0x91]);
        assert_eq!(read("00040B91", 3).0.as_slice(), [0x04, 0x0B, 0x91]);
    }

    #[test]
    fn devices_without_service_centre_are_known_by_the_length() {
        let (tpdu, whole) = read("040B91", 3);
        assert!(whole);
        assert_eq!(tpdu.as_slice(), [0x04, 0x0B, 0x91]);
    }

    #[test]
    fn a_torn_line_is_read_as_far_as_it_goes() {
        let (tpdu, whole) = read("0791539128000000040B", 3);
        assert!(!whole);
        assert_eq!(tpdu.as_slice(), [0x04, 0x0B]);
        assert!(!read("0791539128000000040B9", 3).1);
        assert!(!read("0791", 3).1);
        assert!(!read("FF040B91", 20).1);
    }

    #[test]
    fn a_pdu_is_written_with_the_prefix_for_the_sims_own_centre() {
        assert_eq!(hex(&[0x11, 0xAB]).as_slice(), b"0011AB");
        assert_eq!(hex(&[0; TPDU_OCTETS]).len(), 2 * (1 + TPDU_OCTETS));
    }
}
