//! A range of IP addresses, as `10.1.2.0/24`. Resolves no name.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// A range of IP addresses (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    /// 0 to 32 for IPv4, 0 to 128 for IPv6.
    prefix: u8,
}

/// Why a text is no range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not `ADDRESS/BITS`, or more bits than an address has.
    #[error("is no range of addresses")]
    Form,
    /// Bits beyond the prefix are set: `10.1.2.3/24` may mean one machine or its network.
    #[error("is an address inside a range and not a range")]
    HostBits,
}

impl Network {
    /// Whether the address lies in it. An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        same_family(self.first, address.to_canonical()).is_some_and(|(first, other)| (first ^ other) & self.mask() == 0)
    }

    /// The bits that count, in the address's own width at the low end.
    fn mask(&self) -> u128 {
        let width = width(self.first);
        let below = u128::MAX.checked_shl(u32::from(width - self.prefix)).unwrap_or(0);
        below & u128::MAX.checked_shr(u32::from(128 - width)).unwrap_or(0)
    }
}

/// Bits of an address.
const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn same_family(a: IpAddr, b: IpAddr) -> Option<(u128, u128)> {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Some((u128::from(a.to_bits()), u128::from(b.to_bits()))),
        (IpAddr::V6(a), IpAddr::V6(b)) => Some((a.to_bits(), b.to_bits())),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => None,
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').ok_or(NetworkError::Form)?;
        let first: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        let prefix: u8 = prefix.parse().map_err(|_| NetworkError::Form)?;
        if !digits || prefix > width(first) {
            return Err(NetworkError::Form);
        }
        let network = Self { first, prefix };
        let bits = same_family(first, first).map_or(0, |(bits, _)| bits);
        if bits & !network.mask() != 0 {
            return Err(NetworkError::HostBits);
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn an_address_is_in_or_out() {
        for (network, address, inside) in [
            ("10.1.2.0/24", "10.1.2.0", true),
            ("10.1.2.0/24", "10.1.2.255", true),
            ("10.1.2.0/24", "10.1.3.0", false),
            ("10.1.2.0/24", "10.1.1.255", false),
            ("10.1.2.7/32", "10.1.2.7", true),
            ("10.1.2.7/32", "10.1.2.6", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("127.0.0.0/8", "127.255.0.1", true),
            ("10.1.2.0/24", "::ffff:10.1.2.9", true),
            ("10.1.2.0/24", "::ffff:10.1.3.9", false),
            ("fd00:1::/32", "fd00:1:ffff::9", true),
            ("fd00:1::/32", "fd00:2::9", false),
            ("::1/128", "::1", true),
            ("::/0", "fd00::1", true),
            ("::/0", "10.0.0.1", false),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), inside, "{network} {address}");
            assert_eq!(parsed.to_string(), network);
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (text, error) in [
            ("10.1.2.0", NetworkError::Form),
            ("10.1.2.0/", NetworkError::Form),
            ("10.1.2.0/33", NetworkError::Form),
            ("10.1.2.0/+8", NetworkError::Form),
            ("10.1.2/24", NetworkError::Form),
            ("::/129", NetworkError::Form),
            ("serial.example/24", NetworkError::Form),
            ("", NetworkError::Form),
            ("10.1.2.3/24", NetworkError::HostBits),
            ("fd00::1/64", NetworkError::HostBits),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
    }
}
