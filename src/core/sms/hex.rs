//! Hexadecimal as modems write it: upper case out, either case in.

use heapless::{String, Vec};

use super::error::{Cause, DecodeError, Field};

/// Reads pairs of hexadecimal digits of either case; blanks at both ends are ignored. At most `N` octets.
///
/// # Errors
/// [`Cause::NotHex`] with the index of the character, [`Cause::TooLong`].
///
/// ```
/// # use wardwire_core::sms::hex;
/// assert_eq!(hex::decode::<4>(" 0aFF\r\n").unwrap(), [0x0A, 0xFF]);
/// assert!(hex::decode::<4>("0A F").is_err());
/// ```
pub fn decode<const N: usize>(text: &str) -> Result<Vec<u8, N>, DecodeError> {
    let lead = text.len() - text.trim_start().len();
    let digits = text.trim().as_bytes();
    let error = |at: usize, cause| DecodeError {
        kind: None,
        field: Field::Hex,
        offset: lead + at,
        cause,
    };
    if digits.len() / 2 > N {
        return Err(error(N * 2, Cause::too_long(digits.len() / 2, N)));
    }
    let mut octets = Vec::new();
    for (index, pair) in digits.chunks(2).enumerate() {
        let (high, low) = (
            pair.first().copied().and_then(nibble),
            pair.get(1).copied().and_then(nibble),
        );
        let Some(high) = high else {
            return Err(error(index * 2, Cause::NotHex));
        };
        let Some(low) = low else {
            return Err(error(index * 2 + 1, Cause::NotHex));
        };
        octets
            .push(high << 4 | low)
            .map_err(|_| error(index * 2, Cause::too_long(digits.len() / 2, N)))?;
    }
    Ok(octets)
}

/// Upper-case hexadecimal; octets that do not fit into `N` characters are left out, so `N` is twice the capacity of
/// what is written.
#[must_use]
pub fn encode<const N: usize>(octets: &[u8]) -> String<N> {
    let mut text = String::new();
    for octet in octets {
        for nibble in [octet >> 4, octet & 0x0F] {
            // Left out when full, as documented.
            let _ = text.push(digit(nibble));
        }
    }
    text
}

const fn nibble(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

const fn digit(nibble: u8) -> char {
    (if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }) as char
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_odd_digit_is_named_by_its_place() {
        let error = decode::<8>("0A1").unwrap_err();
        assert_eq!((error.offset, error.cause), (3, Cause::NotHex));
        assert_eq!(decode::<8>(" 0g").unwrap_err().offset, 2);
        assert_eq!(decode::<8>("é0").unwrap_err().offset, 0);
    }

    #[test]
    fn more_than_fits_is_refused() {
        assert_eq!(decode::<1>("0000").unwrap_err().cause, Cause::TooLong { is: 2, max: 1 });
        assert_eq!(decode::<0>("").unwrap(), []);
    }

    proptest! {
        #[test]
        fn there_and_back(octets in proptest::collection::vec(any::<u8>(), 0..32)) {
            let text = encode::<64>(&octets);
            prop_assert_eq!(&decode::<32>(&text).unwrap()[..], &octets[..]);
            prop_assert_eq!(&decode::<32>(&text.to_ascii_lowercase()).unwrap()[..], &octets[..]);
        }
    }
}
