//! Septets packed into octets, low bits first, 3GPP TS 23.038 clause 6.1.2.1; and how headers shift them, 23.040 clause
//! 9.2.3.24.

use heapless::Vec;

use super::{Code, ESCAPE};

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

    fn pack(septets: &[u8]) -> Vec<u8, 140> {
        let mut octets = Vec::new();
        let mut packer = Packer::new(&mut octets, 0);
        assert!(septets.iter().all(|septet| packer.push(*septet)));
        assert!(packer.finish());
        octets
    }

    #[test]
    fn seven_and_eight_septets() {
        assert_eq!(pack(b"abcdefg"), [0x61, 0xF1, 0x98, 0x5C, 0x36, 0x9F, 0x01]);
        assert_eq!(pack(b"abcdefgh"), [0x61, 0xF1, 0x98, 0x5C, 0x36, 0x9F, 0xD1]);
        assert_eq!(
            Septets::new(&pack(b"ABCDEFG\0"), 0, 8).last(),
            Some(0x00),
            "the last @ is text"
        );
    }

    #[test]
    fn fill_bits_follow_the_formula() {
        assert_eq!([0, 4, 6, 7, 9, 10, 12, 13].map(fill_bits), [0, 3, 1, 0, 5, 4, 2, 1]);
        assert_eq!(
            [4, 5, 6, 7, 9, 10, 12, 13].map(header_septets),
            [5, 6, 7, 8, 11, 12, 14, 15]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut octets = Vec::<u8, 1>::new();
        let mut packer = Packer::new(&mut octets, 0);
        assert!(packer.push(1) && packer.push(1));
        assert!(!packer.push(1) || !packer.finish());
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
