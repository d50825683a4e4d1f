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
    pending: u64,
    /// Bits in `pending` that are not written yet; fewer than 56 between two septets.
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

    /// Appends one septet; `false` when there is no room. Seven octets are written at a time.
    pub fn push(&mut self, septet: u8) -> bool {
        self.pending |= u64::from(septet & 0x7F) << self.bits;
        self.bits += 7;
        if self.bits < 56 {
            return true;
        }
        let [a, b, c, d, e, f, g, h] = self.pending.to_le_bytes();
        self.pending = u64::from(h);
        self.bits -= 56;
        self.octets.extend_from_slice(&[a, b, c, d, e, f, g]).is_ok()
    }

    /// Appends eight septets, one in each octet of `eight`, their high bits zero.
    #[inline]
    pub(crate) fn push_eight(&mut self, eight: [u8; 8]) -> bool {
        while self.bits >= 8 {
            let [low, ..] = self.pending.to_le_bytes();
            self.pending >>= 8;
            self.bits -= 8;
            if self.octets.push(low).is_err() {
                return false;
            }
        }
        self.pending |= squeeze(u64::from_le_bytes(eight)) << self.bits;
        let [a, b, c, d, e, f, g, h] = self.pending.to_le_bytes();
        self.pending = u64::from(h);
        self.octets.extend_from_slice(&[a, b, c, d, e, f, g]).is_ok()
    }

    /// Appends the code of a character.
    pub fn push_code(&mut self, code: Code) -> bool {
        match code {
            Code::Plain(septet) => self.push(septet),
            Code::Escaped(septet) => self.push(ESCAPE) && self.push(septet),
        }
    }

    /// Writes what is left, the spare bits of the last octet zero; `false` when there is no room.
    pub fn finish(self) -> bool {
        let octets = self.pending.to_le_bytes();
        let left = usize::try_from(self.bits.div_ceil(8)).unwrap_or_default();
        octets
            .get(..left)
            .is_some_and(|left| self.octets.extend_from_slice(left).is_ok())
    }
}

/// Eight septets, one in each octet, side by side in 56 bits.
const fn squeeze(eight: u64) -> u64 {
    let pairs = (eight & 0x007F_007F_007F_007F) | (eight & 0x7F00_7F00_7F00_7F00) >> 1;
    let fours = (pairs & 0x0000_3FFF_0000_3FFF) | (pairs & 0x3FFF_0000_3FFF_0000) >> 2;
    (fours & 0x0FFF_FFFF) | (fours & 0x0FFF_FFFF_0000_0000) >> 4
}

/// Septets packed in octets.
#[derive(Clone, Debug)]
pub struct Septets<'a> {
    octets: &'a [u8],
    pending: u64,
    bits: u32,
    left: usize,
}

impl<'a> Septets<'a> {
    /// The `count` septets that begin `fill` bits (at most 7) into `octets`; fewer when the octets end before.
    #[must_use]
    pub fn new(octets: &'a [u8], fill: usize, count: usize) -> Self {
        let mut septets = Self {
            octets,
            pending: 0,
            bits: 0,
            left: count,
        };
        let fill = u32::try_from(fill & 0x07).unwrap_or_default();
        if fill > 0 && septets.load() {
            septets.pending >>= fill;
            septets.bits -= fill;
        }
        septets
    }

    /// The next eight septets side by side in 56 bits, the first lowest, when so many are there.
    #[inline]
    pub(crate) fn next_eight(&mut self) -> Option<u64> {
        if self.left < 8 || self.bits > 6 {
            return None;
        }
        let ([a, b, c, d, e, f, g], rest) = self.octets.split_first_chunk::<7>()?;
        let all = self.pending | u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, 0]) << self.bits;
        self.octets = rest;
        self.pending = all >> 56;
        self.left -= 8;
        Some(all & ((1 << 56) - 1))
    }

    /// Loads seven octets, or one when fewer are left. At most 6 bits were pending.
    fn load(&mut self) -> bool {
        if let Some(([a, b, c, d, e, f, g], rest)) = self.octets.split_first_chunk::<7>() {
            self.pending |= u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, 0]) << self.bits;
            self.bits += 56;
            self.octets = rest;
        } else if let Some((octet, rest)) = self.octets.split_first() {
            self.pending |= u64::from(*octet) << self.bits;
            self.bits += 8;
            self.octets = rest;
        } else {
            return false;
        }
        true
    }
}

impl Iterator for Septets<'_> {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        if self.bits < 7 && !self.load() {
            self.left = 0;
            return None;
        }
        let [low, ..] = self.pending.to_le_bytes();
        self.pending >>= 7;
        self.bits -= 7;
        Some(low & 0x7F)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
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
        fn packing_there_and_back(septets in proptest::collection::vec(0_u8..128, 0..150), fill in 0_usize..7, lead in 0_usize..20) {
            let mut octets = Vec::<u8, 140>::new();
            let mut packer = Packer::new(&mut octets, fill);
            for septet in &septets {
                prop_assert!(packer.push(*septet));
            }
            prop_assert!(packer.finish());
            prop_assert_eq!(octets.len(), octets_for(fill, septets.len()));
            let back: std::vec::Vec<u8> = Septets::new(&octets, fill, septets.len()).collect();
            prop_assert_eq!(&back, &septets);
            // Eight at a time, one at a time, in any mixture: the same.
            let mut again = Vec::<u8, 140>::new();
            let mut packer = Packer::new(&mut again, fill);
            let (lead, rest) = septets.split_at(lead.min(septets.len()));
            prop_assert!(lead.iter().all(|septet| packer.push(*septet)));
            let (eights, tail) = rest.as_chunks::<8>();
            prop_assert!(eights.iter().all(|eight| packer.push_eight(*eight)));
            prop_assert!(tail.iter().all(|septet| packer.push(*septet)) && packer.finish());
            prop_assert_eq!(&again, &octets);
            let mut reader = Septets::new(&octets, fill, septets.len());
            let mut back = std::vec::Vec::new();
            loop {
                match reader.next_eight() {
                    Some(bits) => back.extend((0..8).map(|at| (bits >> (at * 7) & 0x7F) as u8)),
                    None => match reader.next() {
                        Some(septet) => back.push(septet),
                        None => break,
                    },
                }
            }
            prop_assert_eq!(back, septets);
        }
    }
}
