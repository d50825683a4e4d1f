//! UTF-16 big-endian from UTF-8 and back, several characters at a time where they are alike, as those of one script are.

use heapless::Vec;

const LANES: u64 = 0x0001_0001_0001_0001;

/// Appends `text`; what no longer fits is left out.
pub(super) fn write<const N: usize>(mut text: &str, out: &mut Vec<u8, N>) {
    while !text.is_empty() {
        if let Some((units, length)) = text.as_bytes().first_chunk::<8>().and_then(|eight| from_eight(*eight)) {
            let _ = out.extend_from_slice(&units);
            text = text.get(length..).unwrap_or_default();
            continue;
        }
        let mut characters = text.chars();
        for character in characters.by_ref().take(4) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = out.extend_from_slice(&unit.to_be_bytes());
            }
        }
        text = characters.as_str();
    }
}

/// Four units from the octets that begin a text, when they are four characters of two octets or begin with four of one;
/// and how many octets those were.
#[inline]
fn from_eight(eight: [u8; 8]) -> Option<([u8; 8], usize)> {
    let all = u64::from_le_bytes(eight);
    if all & (0xE0 * LANES) == 0xC0 * LANES {
        // 110hhhll 10mmmmmm in each lane, to 00000hhh llmmmmmm.
        let high = (all >> 2) & (0x07 * LANES);
        let low = ((all & (0x03 * LANES)) << 14) | (all & (0x3F00 * LANES));
        return Some(((high | low).to_le_bytes(), 8));
    }
    if all & 0x8080_8080 == 0 {
        let [a, b, c, d, ..] = eight;
        return Some(([0, a, 0, b, 0, c, 0, d], 4));
    }
    None
}

/// Four units as characters of two octets each; `None` when one is none.
#[inline]
pub(super) fn two_octets_each(four: [u8; 8]) -> Option<[u8; 8]> {
    let all = u64::from_le_bytes(four);
    // 00000hhh llmmmmmm in each lane; below U+0080 both hhh and the high l are 0.
    let high = all & (0x07 * LANES);
    let from_80 = ((high + 0x07 * LANES) | (all >> 12)) & (0x08 * LANES);
    if all & (0xF8 * LANES) != 0 || from_80 != 0x08 * LANES {
        return None;
    }
    let first = (high << 2) | ((all >> 14) & (0x03 * LANES)) | (0xC0 * LANES);
    let coded = first | (all & (0x3F00 * LANES)) | (0x8000 * LANES);
    Some(coded.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;

    fn octets(text: &str) -> std::vec::Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    #[test]
    fn every_character_is_written_and_read_as_the_standard_library_does() {
        for first in '\0'..='\u{3000}' {
            let text: String = (first..).take(4).collect();
            let mut written = Vec::<u8, 16>::new();
            write(&text, &mut written);
            assert_eq!(written[..], octets(&text), "{text:?}");
            let four = *octets(&text).first_chunk().unwrap();
            assert_eq!(
                two_octets_each(four).is_some(),
                text.chars().all(|it| it.len_utf8() == 2)
            );
            assert!(
                two_octets_each(four).is_none_or(|four| four == text.as_bytes()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut written = Vec::<u8, 4>::new();
        write("abc", &mut written);
        assert_eq!(written, [0, b'a', 0, b'b']);
    }

    proptest! {
        #[test]
        fn any_text(text in "[a-c ]{0,9}[а-яé]{0,9}[a漢😀\u{7FF}\u{800}]{0,9}[а-я]{0,9}") {
            let mut written = Vec::<u8, 160>::new();
            write(&text, &mut written);
            prop_assert_eq!(&written[..], octets(&text));
        }
    }
}
