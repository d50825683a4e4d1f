//! Tables and escapes of the GSM 7 bit alphabet.

use std::string::String;
use std::vec::Vec;

use super::*;

fn read(charset: Charset, septets: &[u8]) -> String {
    let mut decoder = Decoder::default();
    let mut text: String = septets
        .iter()
        .filter_map(|septet| decoder.push(charset.tables(), *septet))
        .collect();
    text.extend(decoder.finish());
    text
}

fn charsets() -> impl Iterator<Item = Charset> {
    let each = || core::iter::once(None).chain(Language::ALL.into_iter().map(Some));
    each().flat_map(move |locking| each().map(move |single| Charset { locking, single }))
}

#[test]
fn escapes() {
    let default = Charset::DEFAULT;
    assert_eq!(read(default, &[ESCAPE, 0x65]), "€");
    assert_eq!(read(default, &[ESCAPE, 0x41]), "A");
    assert_eq!(read(default, &[ESCAPE, ESCAPE, 0x65]), " e");
    assert_eq!(read(default, &[0x41, ESCAPE]), "A ");
}

#[test]
fn what_is_near_is_not_in() {
    for character in ['`', 'ç', 'á', '\t', '\u{A0}', '’', '\0', '\u{1B}', 'Ж', 'α'] {
        assert_eq!(code(character), None, "{character:?}");
    }
    assert_eq!(code('\u{0C}'), Some(Code::Escaped(0x0A)));
    assert_eq!(code('\r'), Some(Code::Plain(0x0D)));
}

#[test]
fn every_character_of_every_table_is_found_again() {
    for charset in charsets() {
        let mut found = 0;
        for character in charset
            .main()
            .iter()
            .chain(charset.extension())
            .copied()
            .filter(|c| *c != NONE)
        {
            let septets: Vec<u8> = match charset.code(character).unwrap() {
                Code::Plain(septet) => [septet].into(),
                Code::Escaped(septet) => [ESCAPE, septet].into(),
            };
            assert_eq!(
                read(charset, &septets).chars().collect::<Vec<_>>(),
                [character],
                "{charset:?}"
            );
            found += 1;
        }
        assert!(found > 100, "{charset:?}");
    }
}

#[test]
fn the_quick_way_and_the_tables_agree() {
    let find = |table: &Table, character| {
        let at = table.iter().position(|cell| *cell == character)?;
        u8::try_from(at).ok()
    };
    for character in '\u{1}'..'\u{3000}' {
        let plain = find(&latin::DEFAULT, character).map(Code::Plain);
        let slow = plain.or_else(|| find(&latin::EXTENSION, character).map(Code::Escaped));
        assert_eq!(code(character), slow, "{character:?}");
    }
}

#[test]
fn no_table_has_a_symbol_for_escape_or_at_the_reserved_return() {
    for charset in charsets() {
        assert_eq!(charset.main()[usize::from(ESCAPE)], NONE);
        assert_eq!(charset.extension()[usize::from(ESCAPE)], NONE);
        assert_eq!(charset.extension()[usize::from(RESERVED_ESCAPED)], NONE);
        assert_eq!(charset.main()[0x0A], '\n');
        assert_eq!(charset.main()[0x0D], '\r');
        assert_eq!(charset.main()[0x20], ' ');
    }
}

#[test]
fn cells_that_references_disagree_on() {
    for language in Language::ALL.into_iter().filter(|language| language.identifier() >= 4) {
        assert_eq!(language.locking()[0x2C], ',', "{language:?}");
        assert_eq!(language.single()[0x09], '\'', "{language:?}");
    }
    assert_eq!(Language::Kannada.locking()[0x24], '\u{CA1}');
    assert_eq!(Language::Malayalam.locking()[0x2E], '.');
    assert_eq!(Language::Kannada.single()[0x3C], '[');
    assert_eq!(&Language::Bengali.single()[0x10..0x13], ['<', '=', '>']);
    assert_eq!(&Language::Hindi.locking()[..3], ['\u{901}', '\u{902}', '\u{903}']);
    assert_eq!(Language::Telugu.single()[0x65], NONE);
}

#[test]
fn a_shift_changes_only_its_own_table() {
    let locking = Charset {
        locking: Some(Language::Turkish),
        single: None,
    };
    assert_eq!(locking.code('ş'), Some(Code::Plain(0x1D)));
    assert_eq!(locking.code('€'), Some(Code::Plain(0x04)), "the main table is shorter");
    assert_eq!(locking.code('['), Some(Code::Escaped(0x3C)));
    assert_eq!(locking.code('è'), None);
    let single = Charset {
        locking: None,
        single: Some(Language::Turkish),
    };
    assert_eq!(single.code('ş'), Some(Code::Escaped(0x73)));
    assert_eq!(single.code('è'), Some(Code::Plain(0x04)));
    assert_eq!(read(single, &[ESCAPE, 0x41]), "A");
}

#[test]
fn identifiers_and_codes_go_back() {
    for language in Language::ALL {
        assert_eq!(Language::from_identifier(language.identifier()), Some(language));
        assert_eq!(Language::from_code(language.code()), Some(language));
    }
    assert_eq!(Language::from_identifier(0), None);
    assert_eq!(Language::from_identifier(14), None);
    let some: Languages = [Language::Urdu, Language::Turkish].into_iter().collect();
    assert_eq!(some.iter().collect::<Vec<_>>(), [Language::Turkish, Language::Urdu]);
    assert!(!some.contains(Language::Spanish));
}

#[test]
fn octets_that_are_their_own_septets() {
    for octet in 0..=255_u8 {
        let own = octet < 0x80 && code(char::from(octet)) == Some(Code::Plain(octet)) && octet >= b' ';
        for place in 0..8 {
            let mut eight = *b"Appointm";
            assert!(all_same(eight));
            eight[place] = octet;
            assert_eq!(all_same(eight), own, "{octet:02X} at {place}");
        }
    }
}
