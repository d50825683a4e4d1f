//! Final results: the lines that end a command (V.250 clause 5.7.1, 27.005 clause 3.2.5, 27.007 clause 9.2), and the forms
//! vendors have for them.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case};
use nom::character::complete::{space0, u16};
use nom::combinator::{all_consuming, map, rest, value};
use nom::sequence::{preceded, terminated};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalResult {
    /// `OK`.
    Ok,
    /// `ERROR`, a vendor's form of it, or a text that names no code known here.
    Error,
    /// `+CMS ERROR: n`.
    Cms(u16),
    /// `+CME ERROR: n`.
    Cme(u16),
}

impl FinalResult {
    /// The result a line is, if it is one. Call ends (`NO CARRIER` and the like) are none: nothing here dials.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        // Asked for every line there is: most are told by their first letters.
        if line == "OK" {
            return Some(Self::Ok);
        }
        let may_be = match line.as_bytes() {
            [b'+', c, m, ..] => c.eq_ignore_ascii_case(&b'c') && m.eq_ignore_ascii_case(&b'm'),
            [first, ..] => b"OENCTM".contains(first),
            [] => false,
        };
        if !may_be {
            return None;
        }
        let parsed: IResult<&str, Self> = all_consuming(alt((
            preceded(
                (tag_no_case("+CMS ERROR"), space0, tag(":"), space0),
                code(Self::Cms, cms_code),
            ),
            preceded(
                (tag_no_case("+CME ERROR"), space0, tag(":"), space0),
                code(Self::Cme, cme_code),
            ),
            value(
                Self::Error,
                all_consuming(alt((tag("ERROR"), tag("NA"), tag("+CME ERROR"), tag("+CMS ERROR")))),
            ),
            // Huawei glues the next line to it.
            value(Self::Error, (tag("ERROR+"), rest)),
            value(Self::Error, (tag("COMMAND NOT SUPPORT"), rest)),
            value(Self::Error, (tag("TOO MANY PARAMETERS"), rest)),
            value(Self::Error, (tag("MODEM ERROR"), rest)),
        )))
        .parse(line);
        parsed.ok().map(|(_, result)| result)
    }

    /// The SIM or the SMS stack is still starting: the same command may pass a second later.
    #[must_use]
    pub const fn is_busy(self) -> bool {
        match self {
            Self::Cme(code) => matches!(code, 14 | 515),
            Self::Cms(code) => matches!(code, 314 | 515),
            Self::Ok | Self::Error => false,
        }
    }

    /// The same for a modem that still answers in digits (`ATV0`).
    #[must_use]
    pub fn from_digit(line: &str) -> Option<Self> {
        match line {
            "0" => Some(Self::Ok),
            "4" => Some(Self::Error),
            _ => None,
        }
    }
}

/// A number, or a text that stands for one.
fn code<'a>(
    make: fn(u16) -> FinalResult,
    known: fn(&str) -> Option<u16>,
) -> impl Parser<&'a str, Output = FinalResult, Error = nom::error::Error<&'a str>> {
    alt((
        map(all_consuming(terminated(u16, space0)), make),
        map(rest, move |text| known(&letters(text)).map_or(FinalResult::Error, make)),
    ))
}

/// A text reduced to what firmware agrees on: its letters, lower case.
fn letters(text: &str) -> heapless::String<48> {
    let mut kept = heapless::String::new();
    for letter in text.chars().filter(char::is_ascii_alphabetic) {
        if kept.push(letter.to_ascii_lowercase()).is_err() {
            break;
        }
    }
    kept
}

fn cms_code(text: &str) -> Option<u16> {
    let code = match text.strip_prefix('u').filter(|t| t.starts_with("sim")).unwrap_or(text) {
        "mefailure" => 300,
        "smsserviceofmereserved" => 301,
        "operationnotallowed" => 302,
        "operationnotsupported" => 303,
        "invalidpdumodeparameter" => 304,
        "invalidtextmodeparameter" => 305,
        "simnotinserted" => 310,
        "simpinrequired" => 311,
        "phsimpinrequired" => 312,
        "simfailure" => 313,
        "simbusy" => 314,
        "simwrong" => 315,
        "simpukrequired" => 316,
        "memoryfailure" => 320,
        "invalidmemoryindex" => 321,
        "memoryfull" => 322,
        "smscaddressunknown" => 330,
        "nonetworkservice" => 331,
        "networktimeout" => 332,
        "nocnmaacknowledgementexpected" => 340,
        "unknownerror" => 500,
        _ => return None,
    };
    Some(code)
}

fn cme_code(text: &str) -> Option<u16> {
    let code = match text.strip_prefix('u').filter(|t| t.starts_with("sim")).unwrap_or(text) {
        "phonefailure" => 0,
        "noconnectiontophone" => 1,
        "operationnotallowed" => 3,
        "operationnotsupported" => 4,
        "simnotinserted" => 10,
        "simpinrequired" => 11,
        "simpukrequired" => 12,
        "simfailure" => 13,
        "simbusy" => 14,
        "simwrong" => 15,
        "incorrectpassword" => 16,
        "memoryfull" => 20,
        "invalidindex" => 21,
        "notfound" => 22,
        "memoryfailure" => 23,
        "nonetworkservice" => 30,
        "networktimeout" => 31,
        "unknown" | "unknownerror" => 100,
        _ => return None,
    };
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_in_every_form_seen() {
        for (line, result) in [
            ("OK", FinalResult::Ok),
            ("ERROR", FinalResult::Error),
            ("+CMS ERROR: 500", FinalResult::Cms(500)),
            ("+CMS ERROR:38", FinalResult::Cms(38)),
            ("+CMS ERROR: Unknown error", FinalResult::Cms(500)),
            ("+CMS ERROR: (U)SIM busy", FinalResult::Cms(314)),
            ("+CMS ERROR: the moon", FinalResult::Error),
            ("+CMS ERROR: 99999", FinalResult::Error),
            ("+CMS ERROR:", FinalResult::Error),
            ("+CME ERROR: 14", FinalResult::Cme(14)),
            ("+CME ERROR: SIM not inserted", FinalResult::Cme(10)),
            ("+CME ERROR: operation not allowed", FinalResult::Cme(3)),
            ("COMMAND NOT SUPPORT", FinalResult::Error),
            ("TOO MANY PARAMETERS", FinalResult::Error),
            ("ERROR+CNUM: ,\"+353871234567\",145", FinalResult::Error),
            ("MODEM ERROR: 7", FinalResult::Error),
        ] {
            assert_eq!(FinalResult::from_line(line), Some(result), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_result_is_none() {
        for line in [
            "OKAY",
            "ERRORS",
            "NO CARRIER",
            "BUSY",
            "+CMTI: \"SM\",1",
            "0",
            "+CMSS: 4",
        ] {
            assert_eq!(FinalResult::from_line(line), None, "{line}");
        }
        assert_eq!(FinalResult::from_digit("0"), Some(FinalResult::Ok));
        assert_eq!(FinalResult::from_digit("2"), None);
    }
}
