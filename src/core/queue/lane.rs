//! Where a message waits: which SIMs may take it (its way), how urgent it is, whose it is. The store gives due messages out lane
//! by lane, each one index seek; the gateway is fair between the lanes that a SIM serves. It holds no message.

use super::state::Priority;
use crate::base::{ServiceId, SimId};

/// A pool of the configuration: it stands on disk, so it follows from the pool's name alone, whatever else the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(u64);

impl PoolId {
    /// The pool of this name (FNV-1a of it, 64 bits).
    #[must_use]
    pub fn of(name: &str) -> Self {
        let step = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        Self(name.bytes().fold(0xcbf2_9ce4_8422_2325, step))
    }

    /// Big-endian, as on disk.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// The inverse of [`PoolId::to_octets`].
    #[must_use]
    pub const fn from_octets(octets: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(octets))
    }
}

/// The SIMs that may take a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Every SIM of the bank.
    #[default]
    Any,
    /// Those of a pool.
    Pool(PoolId),
    /// This one or none.
    Sim(SimId),
}

/// One queue of due messages, oldest first. Lanes sort by urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// How urgent.
    pub priority: Priority,
    /// Through which SIMs.
    pub way: Way,
    /// Whose.
    pub service: ServiceId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_known_by_its_name_alone() {
        // The published values of the hash.
        assert_eq!(PoolId::of("").to_octets(), 0xcbf2_9ce4_8422_2325_u64.to_be_bytes());
        assert_eq!(PoolId::of("a").to_octets(), 0xaf63_dc4c_8601_ec8c_u64.to_be_bytes());
        assert_eq!(
            PoolId::of("foobar").to_octets(),
            0x8594_4171_f739_67e8_u64.to_be_bytes()
        );
    }
}
