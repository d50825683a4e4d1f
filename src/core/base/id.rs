//! Ids: a prefix and a ULID, as `msg_01JZ3M8Q4W8J7V5N2K9C6B1A0D`. One type for each kind, so that they cannot be swapped.

use core::fmt;
use core::str::FromStr;

use super::UtcTime;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 128 bits that sort by creation time: 48 bits of milliseconds since 1970, 80 bits of randomness.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulid(u128);

impl Ulid {
    /// From its 128 bits.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its 128 bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// Big-endian octets, which sort as the id does.
    #[must_use]
    pub const fn to_octets(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The inverse of [`Ulid::to_octets`].
    #[must_use]
    pub const fn from_octets(octets: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(octets))
    }
}

impl fmt::Display for Ulid {
    /// 26 characters of Crockford's base 32.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0u8; 26];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(rest & 31).unwrap_or_default();
            *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Ulid {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // The first character carries three bits only: more would not fit into 128.
        if text.len() != 26 || text.as_bytes().first().is_none_or(|b| *b > b'7') {
            return Err(IdError);
        }
        let mut bits = 0u128;
        for byte in text.bytes() {
            let digit = ALPHABET
                .iter()
                .position(|a| *a == byte.to_ascii_uppercase())
                .ok_or(IdError)?;
            bits = (bits << 5) | digit as u128;
        }
        Ok(Self(bits))
    }
}

/// The text is no id of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct IdError;

/// Makes ULIDs that grow strictly, also within one millisecond and when the clock steps back. The randomness comes
/// from a seed, so that a simulated run repeats to the byte.
#[derive(Debug)]
pub struct IdSource {
    random: fastrand::Rng,
    last: Ulid,
}

impl IdSource {
    /// A source whose ids follow from `seed` and the times it is asked at.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            last: Ulid(0),
        }
    }

    /// The next id; it is greater than every id made before by this source.
    pub fn next(&mut self, at: UtcTime) -> Ulid {
        let millis = u128::from(at.as_millis().max(0).unsigned_abs()) & 0xFFFF_FFFF_FFFF;
        let fresh = Ulid((millis << 80) | (self.random.u128(..) & ((1 << 80) - 1)));
        // Within one millisecond (or after a step back) the last id plus a random stride keeps the order.
        self.last = if (fresh.0 >> 80) > (self.last.0 >> 80) {
            fresh
        } else {
            Ulid(self.last.0.saturating_add(1 + u128::from(self.random.u32(..))))
        };
        self.last
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Ulid);

        impl $name {
            /// What its text begins with, before the underscore.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix(concat!($prefix, "_")).ok_or(IdError)?;
                rest.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// An outbound message.
    MessageId = "msg";
    /// One part (one TPDU) of an outbound message.
    PartId = "prt";
    /// One try to submit a part.
    AttemptId = "att";
    /// A received message.
    InboundId = "inb";
    /// A modem, known by its IMEI.
    ModemId = "mod";
    /// A SIM, known by its ICCID.
    SimId = "sim";
    /// A tenant: owner of keys and messages.
    ServiceId = "svc";
    /// An API key.
    ApiKeyId = "key";
    /// The same text to many.
    BatchId = "bat";
    /// An event.
    EventId = "evt";
    /// A loopback test.
    LoopbackId = "lbt";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn text_and_bits_are_inverse() {
        let text = "01JZ3M8Q4W8J7V5N2K9C6B1A0D";
        let ulid: Ulid = text.parse().unwrap();
        assert_eq!(ulid.to_string(), text);
        assert_eq!(Ulid::from_octets(ulid.to_octets()), ulid);
        assert_eq!(text.to_lowercase().parse(), Ok(ulid));
        assert_eq!(Ulid::from_bits(u128::MAX).to_string(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "01JZ",
            "81JZ3M8Q4W8J7V5N2K9C6B1A0D",
            "01JZ3M8Q4W8J7V5N2K9C6B1A0U",
            "01JZ3M8Q4W8J7V5N2K9C6B1A0é",
        ] {
            assert_eq!(text.parse::<Ulid>(), Err(IdError), "{text}");
        }
        assert!("prt_01JZ3M8Q4W8J7V5N2K9C6B1A0D".parse::<MessageId>().is_err());
        assert!("msg_01JZ3M8Q4W8J7V5N2K9C6B1A0D".parse::<MessageId>().is_ok());
    }

    #[test]
    fn ids_grow_whatever_the_clock_does() {
        let mut source = IdSource::new(7);
        let mut last = Ulid::from_bits(0);
        for millis in [5, 5, 5, 9, 3, 3, 10, -4] {
            let next = source.next(UtcTime::from_millis(millis));
            assert!(next > last);
            last = next;
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let at = UtcTime::from_millis(1_781_514_922_000);
        let (mut a, mut b) = (IdSource::new(1), IdSource::new(1));
        assert_eq!((a.next(at), a.next(at)), (b.next(at), b.next(at)));
    }
}
