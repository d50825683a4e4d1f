//! Replacing characters that would turn a text into UCS-2, never silently: every change is reported.

use alloc::string::String;
use alloc::vec::Vec;

use super::gsm7;

/// How far a text may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transliteration {
    /// Not at all.
    None,
    /// Only typography: quotes, dashes, blanks, the ellipsis, invisible characters; and letters written as letter and
    /// accent that the alphabet has as one. Nobody reads another word.
    #[default]
    Safe,
    /// Also letters of names lose accents the alphabet does not have.
    Names,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Place in the given text, counted in characters from 0.
    pub index: usize,
    /// What stood there.
    pub from: char,
    /// What stands there now; empty when it was left out. For an accent that joined the letter before it: both as one.
    pub to: &'static str,
}

/// The text with what `how` allows replaced, and every change in order. Characters of the GSM 7 bit alphabet are never
/// touched.
///
/// ```
/// use wardwire_core::sms::{Transliteration, transliterate};
/// let (text, changes) = transliterate("“Señor Muñoz” – 3\u{A0}pm", Transliteration::Safe);
/// assert_eq!((text.as_str(), changes.len()), ("\"Señor Muñoz\" - 3 pm", 4));
/// ```
#[must_use]
pub fn transliterate(text: &str, how: Transliteration) -> (String, Vec<Change>) {
    let mut out = String::with_capacity(text.len());
    let mut changes = Vec::new();
    for (index, from) in text.chars().enumerate() {
        if how == Transliteration::None || gsm7::code(from).is_some() {
            out.push(from);
            continue;
        }
        if let Some(to) = out.chars().next_back().and_then(|letter| composed(letter, from)) {
            out.pop();
            out.push_str(to);
            changes.push(Change { index, from, to });
            continue;
        }
        let to = match how {
            Transliteration::None => None,
            Transliteration::Safe => typography(from),
            Transliteration::Names => typography(from).or_else(|| letter(from)),
        };
        match to {
            Some(to) => {
                out.push_str(to);
                changes.push(Change { index, from, to });
            }
            None => out.push(from),
        }
    }
    (out, changes)
}

const fn typography(character: char) -> Option<&'static str> {
    Some(match character {
        '‘' | '’' | '‚' | '‛' | '′' | '`' | '´' | '‹' | '›' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\t' => " ",
        '…' => "...",
        '\u{2028}' | '\u{2029}' => "\n",
        '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' => "",
        _ => return None,
    })
}

/// Letter and accent as the one character of the alphabet, which is the same text (Unicode canonical equivalence).
const fn composed(letter: char, accent: char) -> Option<&'static str> {
    Some(match (letter, accent) {
        ('e', '\u{300}') => "è",
        ('u', '\u{300}') => "ù",
        ('i', '\u{300}') => "ì",
        ('o', '\u{300}') => "ò",
        ('a', '\u{300}') => "à",
        ('e', '\u{301}') => "é",
        ('E', '\u{301}') => "É",
        ('A', '\u{308}') => "Ä",
        ('O', '\u{308}') => "Ö",
        ('U', '\u{308}') => "Ü",
        ('a', '\u{308}') => "ä",
        ('o', '\u{308}') => "ö",
        ('u', '\u{308}') => "ü",
        ('N', '\u{303}') => "Ñ",
        ('n', '\u{303}') => "ñ",
        ('A', '\u{30A}') => "Å",
        ('a', '\u{30A}') => "å",
        ('C', '\u{327}') => "Ç",
        _ => return None,
    })
}

/// The letters of Latin script without the accent the alphabet does not have.
const fn letter(character: char) -> Option<&'static str> {
    Some(match character {
        'À' | 'Á' | 'Â' | 'Ã' | 'Ā' | 'Ă' | 'Ą' | 'Ả' | 'Ạ' | 'Ấ' | 'Ầ' | 'Ẩ' | 'Ẫ' | 'Ậ' | 'Ắ' | 'Ằ' | 'Ẳ' | 'Ẵ'
        | 'Ặ' => "A",
        'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' | 'ả' | 'ạ' | 'ấ' | 'ầ' | 'ẩ' | 'ẫ' | 'ậ' | 'ắ' | 'ằ' | 'ẳ' | 'ẵ' | 'ặ' => {
            "a"
        }
        'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ď' | 'Đ' | 'Ð' => "D",
        'ď' | 'đ' | 'ð' => "d",
        'È' | 'Ê' | 'Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' | 'Ẻ' | 'Ẽ' | 'Ẹ' | 'Ế' | 'Ề' | 'Ể' | 'Ễ' | 'Ệ' => {
            "E"
        }
        'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẻ' | 'ẽ' | 'ẹ' | 'ế' | 'ề' | 'ể' | 'ễ' | 'ệ' => {
            "e"
        }
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ĥ' | 'Ħ' => "H",
        'ĥ' | 'ħ' => "h",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' | 'Ỉ' | 'Ị' => "I",
        'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => "i",
        'Ĵ' => "J",
        'ĵ' => "j",
        'Ķ' => "K",
        'ķ' => "k",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ł' => "L",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'Ń' | 'Ņ' | 'Ň' => "N",
        'ń' | 'ņ' | 'ň' => "n",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ō' | 'Ŏ' | 'Ơ' | 'Ỏ' | 'Ọ' | 'Ố' | 'Ồ' | 'Ổ' | 'Ỗ' | 'Ộ' | 'Ớ' | 'Ờ' | 'Ở' | 'Ỡ'
        | 'Ợ' => "O",
        'Ő' => "Ö",
        'ó' | 'ô' | 'õ' | 'ō' | 'ŏ' | 'ơ' | 'ỏ' | 'ọ' | 'ố' | 'ồ' | 'ổ' | 'ỗ' | 'ộ' | 'ớ' | 'ờ' | 'ở' | 'ỡ' | 'ợ' => {
            "o"
        }
        'ő' => "ö",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => "S",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'Ţ' | 'Ť' | 'Ŧ' | 'Ț' => "T",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'Ù' | 'Ú' | 'Û' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ų' | 'Ư' | 'Ủ' | 'Ụ' | 'Ứ' | 'Ừ' | 'Ử' | 'Ữ' | 'Ự' => {
            "U"
        }
        'Ű' => "Ü",
        'ú' | 'û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ų' | 'ư' | 'ủ' | 'ụ' | 'ứ' | 'ừ' | 'ử' | 'ữ' | 'ự' => {
            "u"
        }
        'ű' => "ü",
        'Ŵ' => "W",
        'ŵ' => "w",
        'Ý' | 'Ŷ' | 'Ÿ' | 'Ỳ' | 'Ỵ' | 'Ỷ' | 'Ỹ' => "Y",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ' | 'ỵ' | 'ỷ' | 'ỹ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        'Þ' => "Th",
        'þ' => "th",
        'Œ' => "OE",
        'œ' => "oe",
        'ẞ' => "SS",
        '\u{300}'..='\u{36F}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(from: &str, how: Transliteration) -> String {
        transliterate(from, how).0
    }

    #[test]
    fn none_changes_nothing() {
        assert_eq!(transliterate("“ł”", Transliteration::None), ("“ł”".into(), Vec::new()));
    }

    #[test]
    fn safe_leaves_every_word_as_it_is() {
        assert_eq!(text("Müller’s – ok…", Transliteration::Safe), "Müller's - ok...");
        assert_eq!(text("Łukasz Žižek", Transliteration::Safe), "Łukasz Žižek");
        assert_eq!(text("cafe\u{301} u\u{308}ber", Transliteration::Safe), "café über");
        assert_eq!(text("a\u{200B}b", Transliteration::Safe), "ab");
    }

    #[test]
    fn names_lose_accents_the_alphabet_does_not_have_and_keep_those_it_has() {
        assert_eq!(
            text("Łukasz Žižek, Nguyễn, José", Transliteration::Names),
            "Lukasz Zizek, Nguyen, José"
        );
        assert_eq!(text("Iñaki Garçon", Transliteration::Names), "Iñaki Garcon");
        assert_eq!(text("z\u{30C}", Transliteration::Names), "z");
        assert_eq!(text("Жанна 😀", Transliteration::Names), "Жанна 😀");
    }

    #[test]
    fn every_change_says_what_and_where() {
        let (_, changes) = transliterate("a–ł", Transliteration::Names);
        assert_eq!(
            changes,
            [
                Change {
                    index: 1,
                    from: '–',
                    to: "-"
                },
                Change {
                    index: 2,
                    from: 'ł',
                    to: "l"
                }
            ]
        );
    }

    proptest! {
        #[test]
        fn what_the_alphabet_has_stays_and_what_is_put_is_in_it(from in "\\PC{0,60}") {
            for how in [Transliteration::Safe, Transliteration::Names] {
                let (to, changes) = transliterate(&from, how);
                prop_assert!(changes.iter().all(|change| change.to.chars().all(|c| gsm7::code(c).is_some())));
                prop_assert!(changes.iter().all(|change| from.chars().nth(change.index) == Some(change.from)));
                prop_assert_eq!(changes.is_empty(), to == from);
                prop_assert_eq!(transliterate(&to, how), (to, Vec::new()));
            }
        }
    }
}
