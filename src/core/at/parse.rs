//! Complete lines to values, with nom: parameters, and the few answers and unsolicited codes this product reads. Tolerant as the
//! field demands: blanks anywhere, parameters missing, quotes left out.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{take_till, take_while};
use nom::character::complete::{char, space0};
use nom::combinator::{opt, recognize};
use nom::multi::many0_count;
use nom::sequence::{delimited, terminated};

use super::Memory;

/// Parameters one line may have; later ones are not read.
const PARAMS: usize = 16;

/// The parameters of a line: quotes removed, groups in parentheses whole, a missing one is empty.
pub type Params<'a> = heapless::Vec<&'a str, PARAMS>;

/// The part before the colon (blanks trimmed) and the part behind it.
#[must_use]
pub fn split_prefix(line: &str) -> Option<(&str, &str)> {
    // Asked for every line there is, and more than once.
    let end = line.bytes().position(|octet| octet == b':' || octet == b'"')?;
    let (name, rest) = line.split_at_checked(end)?;
    Some((name.trim_ascii(), rest.strip_prefix(':')?.trim_ascii()))
}

fn quoted(input: &str) -> IResult<&str, &str> {
    delimited(char('"'), take_till(|c| c == '"'), opt(char('"'))).parse(input)
}

fn group(input: &str) -> IResult<&str, &str> {
    let inner = many0_count(alt((group, recognize(quoted), nonempty_till("()\""))));
    recognize((char('('), inner, opt(char(')')))).parse(input)
}

fn nonempty_till<'a>(ends: &'static str) -> impl Parser<&'a str, Output = &'a str, Error = nom::error::Error<&'a str>> {
    nom::bytes::complete::take_while1(move |c| !ends.contains(c))
}

fn bare(input: &str) -> IResult<&str, &str> {
    take_while(|c| c != ',').parse(input)
}

/// Splits what stands behind the colon.
#[must_use]
pub fn params(mut rest: &str) -> Params<'_> {
    let mut found = Params::new();
    loop {
        let one: IResult<&str, &str> = delimited(
            space0,
            alt((terminated(quoted, bare), terminated(group, bare), bare)),
            space0,
        )
        .parse(rest);
        let Ok((after, text)) = one else { return found };
        if found.push(text.trim()).is_err() {
            return found;
        }
        let comma: IResult<&str, char> = char(',').parse(after);
        match comma {
            Ok((next, _)) => rest = next,
            Err(_) => return found,
        }
    }
}

/// A decimal number, nothing else.
#[must_use]
pub fn number(text: &str) -> Option<u16> {
    text.parse().ok()
}

/// `"SM",3` behind `+CMTI:` and `+CDSI:`.
#[must_use]
pub fn stored(rest: &str) -> Option<(Option<Memory>, u16)> {
    let params = params(rest);
    let index = number(params.get(1)?)?;
    Some((Memory::from_name(params.first()?), index))
}

/// The TPDU length behind `+CMT:`, `+CDS:` and `+CBM:`: the last parameter, whatever stands before it.
#[must_use]
pub fn routed_length(rest: &str) -> Option<u16> {
    number(params(rest).last()?)
}

/// What `+CMGL:` or `+CMGR:` says of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader {
    /// Index, in a listing.
    pub index: Option<u16>,
    /// TPDU length in octets; 0 announces no second line.
    pub length: u16,
}

/// `<index>,<stat>,[<alpha>],<length>` behind `+CMGL:`, the same without index behind `+CMGR:`. The alpha may be missing.
#[must_use]
pub fn entry(rest: &str, listing: bool) -> Option<EntryHeader> {
    let params = params(rest);
    let index = if listing { Some(number(params.first()?)?) } else { None };
    let fewest = if listing { 3 } else { 2 };
    if params.len() < fewest {
        return None;
    }
    Some(EntryHeader {
        index,
        length: number(params.last()?)?,
    })
}

/// TP-Message-Reference and acknowledgement PDU (hex) behind `+CMGS:`.
#[must_use]
pub fn submitted(rest: &str) -> Option<(u8, Option<&str>)> {
    let params = params(rest);
    let tp_mr = params.first()?.parse().ok()?;
    Some((tp_mr, params.get(1).copied().filter(|pdu| !pdu.is_empty())))
}

/// Registration, as answer or unsolicited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrationLine {
    /// `<stat>`.
    pub stat: u16,
    /// `<AcT>`, where told.
    pub act: Option<u16>,
    /// It has the form of an answer (`<n>` before `<stat>`).
    pub answer: bool,
}

/// Behind `+CREG:` and its relatives. The answer has `<n>` in front; unsolicited ones have not. Told apart by the number of
/// fields: 2, 4 and 5 with a plain number second are an answer, 1 and 3 are none.
#[must_use]
pub fn registration(rest: &str) -> Option<RegistrationLine> {
    let raw = rest.split(',').nth(1).map(str::trim);
    let params = params(rest);
    // <lac> is a string; firmware that forgets its quotes still writes four hex digits.
    let second_is_stat = raw.is_some_and(|text| text.len() <= 2 && number(text).is_some());
    let answer = match params.len() {
        2 => second_is_stat,
        0 | 1 | 3 => false,
        _ => second_is_stat,
    };
    let at = usize::from(answer);
    Some(RegistrationLine {
        stat: number(params.get(at)?)?,
        act: params.get(at + 3).and_then(|text| number(text)),
        answer,
    })
}

/// dBm behind `+CSQ:` (27.007 clause 8.5); none when unknown (99).
#[must_use]
pub fn signal(rest: &str) -> Option<i16> {
    match i16::try_from(number(params(rest).first()?)?).ok()? {
        rssi @ 0..=31 => Some(2 * rssi - 113),
        // TD-SCDMA and newer modules report RSCP here, -116 to -25 dBm.
        rscp @ 100..=191 => Some(rscp - 216),
        _ => None,
    }
}

/// Mode, operator and access technology behind `+COPS:`.
#[must_use]
pub fn operator(rest: &str) -> Option<(u16, &str, Option<u16>)> {
    let params = params(rest);
    let mode = number(params.first()?)?;
    Some((
        mode,
        params.get(2).copied().unwrap_or_default(),
        params.get(3).and_then(|act| number(act)),
    ))
}

/// Storages of each of the three uses behind `+CPMS:` of a test: reading, writing, receiving.
#[must_use]
pub fn storages(rest: &str) -> [heapless::Vec<Memory, 8>; 3] {
    let mut uses: [heapless::Vec<Memory, 8>; 3] = Default::default();
    // Wavecom puts one more pair of parentheses around all.
    let rest = rest
        .strip_prefix("((")
        .map_or(rest, |_| rest.get(1..).unwrap_or_default());
    for (group, memories) in params(rest).iter().zip(uses.iter_mut()) {
        for name in group.trim_matches(|c| c == '(' || c == ')').split(',') {
            if let Some(memory) = Memory::from_name(name.trim().trim_matches('"')) {
                // More than eight kinds do not exist; what does not fit is not used.
                let _ = memories.push(memory);
            }
        }
    }
    uses
}

/// Used and total slots of the reading storage behind `+CPMS:`, in the answer to setting (`used,total,..`) and to asking
/// (`"SM",used,total,..`).
#[must_use]
pub fn slots(rest: &str) -> Option<(u16, u16)> {
    let params = params(rest);
    let first = usize::from(params.first().is_some_and(|p| number(p).is_none()));
    Some((number(params.get(first)?)?, number(params.get(first + 1)?)?))
}

/// Whether a value lies in a group such as `(0,1)`, `(0-2,4)` or a plain `0`.
#[must_use]
pub fn allows(group: &str, value: u16) -> bool {
    group
        .trim_matches(|c| c == '(' || c == ')')
        .split(',')
        .any(|item| match item.trim().split_once('-') {
            Some((low, high)) => {
                number(low.trim()).is_some_and(|low| low <= value)
                    && number(high.trim()).is_some_and(|high| value <= high)
            }
            None => number(item.trim()) == Some(value),
        })
}

/// Tries left behind `+CPINR: <code>,<left>[,<default>]` for the PIN.
#[must_use]
pub fn pin_tries(rest: &str) -> Option<u16> {
    let params = params(rest);
    if params.first().is_some_and(|code| code.eq_ignore_ascii_case("SIM PIN")) {
        number(params.get(1)?)
    } else {
        None
    }
}

/// The longest run of digits in a line: identities come bare, quoted, or behind a name.
#[must_use]
pub fn digits(line: &str) -> &str {
    line.split(|c: char| !c.is_ascii_digit())
        .max_by_key(|run| run.len())
        .unwrap_or_default()
}

/// Whether a line can be a PDU.
#[must_use]
pub fn is_hex(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a line begins so, blanks not counted: firmware does not agree on them.
#[must_use]
pub fn same_but_blanks(line: &str, begin: &str) -> bool {
    let mut chars = line.chars().filter(|c| *c != ' ');
    begin.chars().filter(|c| *c != ' ').all(|c| chars.next() == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn list(rest: &str) -> Vec<&str> {
        params(rest).iter().copied().collect()
    }

    #[test]
    fn parameters_in_every_form() {
        assert_eq!(list("1,\"a,b\", c"), ["1", "a,b", "c"]);
        assert_eq!(list(",\"\",,"), ["", "", "", ""]);
        assert_eq!(list("(\"SM\",\"ME\"),(0-3),5"), ["(\"SM\",\"ME\")", "(0-3)", "5"]);
        assert_eq!(list("\"unended"), ["unended"]);
        assert_eq!(list("(unended, (in it"), ["(unended, (in it"]);
        assert_eq!(list(""), [""]);
        assert_eq!(list(&"1,".repeat(40)).len(), PARAMS);
    }

    #[test]
    fn the_name_stands_before_the_colon() {
        assert_eq!(split_prefix("+CSQ: 20,99"), Some(("+CSQ", "20,99")));
        assert_eq!(split_prefix("+CPIN :READY"), Some(("+CPIN", "READY")));
        assert_eq!(split_prefix("say \"a:b\""), None);
        assert_eq!(split_prefix("OK"), None);
    }

    #[test]
    fn registration_answers_and_codes_are_told_apart_by_their_fields() {
        for (rest, stat, act, answer) in [
            ("1", 1, None, false),
            ("0,5", 5, None, true),
            ("2,1,\"00D1\",\"0000ABCD\"", 1, None, true),
            ("2,1,\"00D1\",\"0000ABCD\",7", 1, Some(7), true),
            ("1,\"00D1\",\"ABCD\"", 1, None, false),
            ("1,\"00D1\",\"0000ABCD\",2", 1, Some(2), false),
            ("1,29,28931", 1, None, false),
            ("5,00D1,ABCD,7", 5, Some(7), false),
        ] {
            assert_eq!(
                registration(rest),
                Some(RegistrationLine { stat, act, answer }),
                "{rest}"
            );
        }
        assert_eq!(registration("x"), None);
        assert_eq!(registration(""), None);
    }

    #[test]
    fn entries_with_and_without_alpha() {
        let header = |index, length| Some(EntryHeader { index, length });
        assert_eq!(entry("3,1,,26", true), header(Some(3), 26));
        assert_eq!(entry("3,1,\"Ann, B\",26", true), header(Some(3), 26));
        assert_eq!(entry("3,1,26", true), header(Some(3), 26));
        assert_eq!(entry("0,,26", false), header(None, 26));
        assert_eq!(entry("0,26", false), header(None, 26));
        assert_eq!(entry("\"REC READ\",\"+353871234567\",,\"26/06/15\"", false), None);
        assert_eq!(entry("26", false), None);
    }

    #[test]
    fn references_and_acknowledgements() {
        assert_eq!(submitted("5"), Some((5, None)));
        assert_eq!(submitted("255,\"0001\""), Some((255, Some("0001"))));
        assert_eq!(submitted("5,"), Some((5, None)));
        assert_eq!(submitted("256"), None);
    }

    #[test]
    fn signal_in_dbm() {
        for (rest, dbm) in [
            ("0,0", Some(-113)),
            ("31,99", Some(-51)),
            ("99,99", None),
            ("116,99", Some(-100)),
            ("199,99", None),
            ("", None),
        ] {
            assert_eq!(signal(rest), dbm, "{rest}");
        }
    }

    #[test]
    fn storages_and_their_slots() {
        let [reading, writing, receiving] = storages("(\"SM\",\"ME\"),(\"SM\"),(\"SM\",\"MT\")");
        assert_eq!(reading.as_slice(), [Memory::SM, Memory::ME]);
        assert_eq!(writing.as_slice(), [Memory::SM]);
        assert_eq!(receiving.as_slice(), [Memory::SM, Memory::MT]);
        assert_eq!(slots("3,30,3,30,3,30"), Some((3, 30)));
        assert_eq!(slots("\"SM\",3,30,\"SM\",3,30"), Some((3, 30)));
        assert_eq!(slots("\"SM\""), None);
    }

    #[test]
    fn ranges() {
        for (group, inside, outside) in [("(0-2)", 2, 3), ("(0,2)", 2, 1), ("(0-1,3)", 3, 2), ("1", 1, 0)] {
            assert!(allows(group, inside), "{group}");
            assert!(!allows(group, outside), "{group}");
        }
        assert!(!allows("()", 0));
    }

    #[test]
    fn operators_and_tries() {
        assert_eq!(operator("0,0,\"An Operator\",7"), Some((0, "An Operator", Some(7))));
        assert_eq!(operator("2"), Some((2, "", None)));
        assert_eq!(pin_tries("SIM PIN,3,3"), Some(3));
        assert_eq!(pin_tries("\"SIM PIN\",3"), Some(3));
        assert_eq!(pin_tries("SIM PUK,10,10"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_too_odd(line in ".{0,80}", value in 0u16..400) {
            let _ = (registration(&line), entry(&line, true), submitted(&line), signal(&line), operator(&line));
            let _ = (storages(&line), slots(&line), allows(&line, value), pin_tries(&line), stored(&line));
            proptest::prop_assert!(params(&line).len() <= PARAMS);
        }
    }
}
