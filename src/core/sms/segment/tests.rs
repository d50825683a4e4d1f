//! Cutting texts into parts: capacities, the choice of form, minimality against brute force.

use std::format;
use std::string::String;
use std::vec;

use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::*;
use crate::sms::form::capacity;
use crate::sms::{Language, Reference, UserData, join_text};

fn text_of(done: &Segmentation) -> String {
    let parts: Vec<UserData> = done.parts.iter().map(UserData::from).collect();
    join_text(&parts.iter().collect::<Vec<_>>())
}

fn lengths(text: &str, options: &SegmentOptions) -> Vec<usize> {
    segment(text, options)
        .unwrap()
        .parts
        .iter()
        .map(|part| UserData::from(part).units())
        .collect()
}

fn all() -> SegmentOptions {
    let every = Language::ALL.into_iter().collect();
    SegmentOptions {
        single_shift: every,
        locking_shift: every,
        ..SegmentOptions::default()
    }
}

fn some() -> SegmentOptions {
    let some = [Language::Turkish, Language::Portuguese, Language::Hindi]
        .into_iter()
        .collect();
    SegmentOptions {
        single_shift: some,
        locking_shift: some,
        ..SegmentOptions::default()
    }
}

#[test]
fn capacities_of_every_header() {
    // Octets of header: none, one shift, 8-bit ports, concatenation 8 and 16 bit, one shift with either, both with either.
    let headers = [0, 4, 5, 6, 7, 9, 10, 12, 13];
    assert_eq!(
        headers.map(|n| capacity(Alphabet::Gsm7, n)),
        [160, 155, 154, 153, 152, 149, 148, 146, 145]
    );
    assert_eq!(
        headers.map(|n| capacity(Alphabet::Octets, n)),
        [140, 136, 135, 134, 133, 131, 130, 128, 127]
    );
    assert_eq!(
        headers.map(|n| capacity(Alphabet::Ucs2, n)),
        [70, 68, 67, 67, 66, 65, 65, 64, 63]
    );
    assert_eq!(capacity(Alphabet::Octets, 141), 0);
}

#[test]
fn every_form_is_filled_to_its_last_unit() {
    let tr = Languages::NONE.with(Language::Turkish);
    let none = Languages::NONE;
    // What may be used, one character of one septet that needs it, what fits alone, and in parts by reference width.
    for (single_shift, locking_shift, letter, lone, short, wide) in [
        (none, none, "a", 160, 153, 152),
        (none, tr, "ş", 155, 149, 148),
        (none, none, "я", 70, 67, 66),
    ] {
        let options = SegmentOptions {
            single_shift,
            locking_shift,
            ..SegmentOptions::default()
        };
        assert_eq!(lengths(&letter.repeat(lone), &options), [lone]);
        assert_eq!(lengths(&letter.repeat(lone + 1), &options), [short, lone + 1 - short]);
        let options = SegmentOptions {
            wide_reference: Some(0xABCD),
            ..options
        };
        assert_eq!(lengths(&letter.repeat(lone + 1), &options), [wide, lone + 1 - wide]);
    }
    let options = SegmentOptions {
        single_shift: tr,
        ..SegmentOptions::default()
    };
    assert_eq!(lengths(&"ş".repeat(77), &options), [154], "155 septets hold 77 pairs");
}

#[test]
fn a_wide_reference_stands_in_every_part() {
    let options = SegmentOptions {
        wide_reference: Some(0xABCD),
        ..SegmentOptions::default()
    };
    let done = segment(&"a".repeat(300), &options).unwrap();
    let found: Vec<_> = done
        .parts
        .iter()
        .map(|part| UserData::from(part).concatenation().unwrap())
        .collect();
    assert!(
        found
            .iter()
            .all(|it| it.reference == Reference::Long(0xABCD) && it.total == 2)
    );
    assert_eq!([found[0].sequence, found[1].sequence], [1, 2]);
}

#[test]
fn the_cheapest_form_wins_and_plain_ones_break_ties() {
    let form = |text: &str, options: &SegmentOptions| {
        let plan = plan(text, options).unwrap();
        (
            plan.form().alphabet,
            plan.form().charset.single,
            plan.form().charset.locking,
        )
    };
    let tr = Some(Language::Turkish);
    assert_eq!(form("saat 9", &all()), (Alphabet::Gsm7, None, None));
    assert_eq!(form("şu", &SegmentOptions::default()), (Alphabet::Ucs2, None, None));
    assert_eq!(
        form("şu", &all()),
        (Alphabet::Gsm7, tr, None),
        "one part each: the shift every phone survives"
    );
    assert_eq!(
        form(&"ş".repeat(100), &all()),
        (Alphabet::Gsm7, None, tr),
        "one part, and three in UCS-2"
    );
    assert_eq!(form(&"Ж".repeat(100), &all()), (Alphabet::Ucs2, None, None));
    let hindi = form(&"०९".repeat(50).replace('९', "\u{905}"), &all());
    assert_eq!(
        hindi,
        (Alphabet::Gsm7, Some(Language::Hindi), Some(Language::Hindi)),
        "digits single, letters locking"
    );
    assert_eq!(
        form(&"{}".repeat(50), &all()),
        (Alphabet::Gsm7, None, None),
        "two parts in either alphabet"
    );
}

#[test]
fn gsm7_alone_names_the_character_that_gets_furthest() {
    let tr = Languages::NONE.with(Language::Turkish);
    let options = SegmentOptions {
        encoding: EncodingChoice::Gsm7,
        single_shift: tr,
        ..SegmentOptions::default()
    };
    assert!(segment("aşb", &options).is_ok());
    assert_eq!(
        segment("aşбb", &options),
        Err(SegmentError::NotGsm7 {
            character: 'б',
            index: 2
        })
    );
}

#[test]
fn graphemes_stay_whole_when_that_is_free() {
    let family = "👩‍👩‍👧‍👦";
    assert_eq!(family.encode_utf16().count(), 11);
    // 60 + 11 units: the family does not fit into the first 67 as a whole.
    let text = format!("{}{family}ж", "ж".repeat(60));
    assert_eq!(lengths(&text, &SegmentOptions::default()), [60, 12]);
    // Two full parts: keeping it whole would cost a third, so it is cut, between characters.
    let text = format!("{}{family}{}", "ж".repeat(60), "ж".repeat(62));
    assert_eq!(lengths(&text, &SegmentOptions::default()), [66, 67]);
    let crlf = format!("{}\r\n{}", "a".repeat(152), "a".repeat(100));
    assert_eq!(lengths(&crlf, &SegmentOptions::default()), [152, 102]);
    // One that is longer than a part has to be cut.
    let stack = format!("e{}", "\u{301}".repeat(100));
    assert_eq!(lengths(&stack, &SegmentOptions::default()), [67, 34]);
}

#[test]
fn what_is_said_not_to_join_does_not() {
    let joins = |character: char| character.encode_utf8(&mut [0; 4]).bytes().any(may_join);
    let neighbours = ['a', '\n', 'ж', 'Ω', '漢', '\u{AD}'];
    assert!(!neighbours.into_iter().any(joins));
    for character in ('\0'..char::MAX).filter(|character| !joins(*character)) {
        for neighbour in neighbours {
            let three = String::from_iter([neighbour, character, neighbour]);
            assert_eq!(three.graphemes(true).count(), 3, "{three:?}");
        }
    }
}

/// Parts that `widths` take at least, by trying every cut.
fn fewest(widths: &[usize], lone: usize, joined: usize) -> usize {
    if widths.iter().sum::<usize>() <= lone {
        return 1;
    }
    let mut best = vec![usize::MAX; widths.len() + 1];
    best[0] = 0;
    for end in 1..=widths.len() {
        for start in 0..end {
            if widths[start..end].iter().sum::<usize>() <= joined && best[start] != usize::MAX {
                best[end] = best[end].min(best[start] + 1);
            }
        }
    }
    best[widths.len()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn parts_are_as_few_as_can_be(
        text in "[a€]{1,330}|[яab😀]{1,160}|[ş€a]{100,330}", wide: bool, languages: bool,
    ) {
        let base = if languages { some() } else { SegmentOptions::default() };
        let options = SegmentOptions { wide_reference: wide.then_some(7), ..base };
        let mut forms = vec![Form::GSM7, Form::UCS2];
        if languages {
            forms.extend(national_forms(options.single_shift, options.locking_shift));
        }
        let best = forms
            .into_iter()
            .filter_map(|form| {
                let widths: Option<Vec<usize>> = text.chars().map(|c| form.width(c)).collect();
                Some(fewest(&widths?, form.lone_capacity(), form.joined_capacity(5 + usize::from(wide))))
            })
            .min();
        let done = segment(&text, &options).unwrap();
        prop_assert_eq!(Some(done.parts.len()), best);
        prop_assert_eq!(text_of(&done), text);
    }

    #[test]
    fn a_text_of_any_characters_comes_back(text in "\\PC{1,300}", languages: bool) {
        let options = if languages { some() } else { SegmentOptions::default() };
        prop_assert_eq!(text_of(&segment(&text, &options).unwrap()), text);
    }

    #[test]
    fn no_grapheme_is_cut_that_could_stay_whole(text in "(ж|👩‍👩‍👧‍👦|é|🇮🇪|क्षि){20,120}") {
        let plan = plan(&text, &SegmentOptions::default()).unwrap();
        let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
        let widths: Vec<usize> = text.graphemes(true).map(|g| g.encode_utf16().count()).collect();
        let mut at = 0;
        let mut cut = 0;
        for (piece, _) in plan.parts() {
            cut += usize::from(!boundaries.contains(&at));
            at += piece.len();
        }
        prop_assert_eq!(at, text.len());
        if fewest(&widths, 70, 67) == plan.total() {
            prop_assert_eq!(cut, 0);
        }
    }
}
