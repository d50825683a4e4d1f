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
    let (pairs, odd) = digits.as_chunks::<2>();
    for (index, [high, low]) in pairs.iter().enumerate() {
        let (high, low) = (nibble(*high), nibble(*low));
        if (high | low) > 0x0F {
            return Err(error(index * 2 + usize::from(high <= 0x0F), Cause::NotHex));
        }
        // Counted above: always fits.
        let _ = octets.push(high << 4 | low);
    }
    match odd {
        [] => Ok(octets),
        [digit, ..] => Err(error(
            pairs.len() * 2 + usize::from(nibble(*digit) <= 0x0F),
            Cause::NotHex,
        )),
    }
}

/// Upper-case hexadecimal; octets that do not fit into `N` characters are left out, so `N` is twice the capacity of
/// what is written.
#[must_use]
pub fn encode<const N: usize>(octets: &[u8]) -> String<N> {
    let mut text = Vec::<u8, N>::new();
    for octet in octets {
        // Left out when full, as documented.
        let _ = text.extend_from_slice(&[digit(octet >> 4), digit(octet & 0x0F)]);
    }
    // Nothing but ASCII is in it.
    String::from_utf8(text).unwrap_or_default()
}

/// What is no digit, above any that is.
const NONE: u8 = 0xFF;

/// The value of a digit, or [`NONE`].
fn nibble(character: u8) -> u8 {
    NIBBLES.get(usize::from(character)).copied().unwrap_or(NONE)
}

static NIBBLES: [u8; 256] = nibbles();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated while compiling: a wrong index does not compile"
)]
const fn nibbles() -> [u8; 256] {
    let mut nibbles = [NONE; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[digit(value) as usize] = value;
        nibbles[digit(value).to_ascii_lowercase() as usize] = value;
        value += 1;
    }
    nibbles
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 }
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
