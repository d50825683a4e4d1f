//! What a person may order of one modem, and how an order ends. Plain values; how they are obeyed is `obey`'s part.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::forbidden::Plmn;
use super::settings::Pin;
use super::why::{Answer, Why};
use crate::at::limits;
use crate::base::UtcTime;

/// A code of the SIM: a PIN of 4 to 8 digits, or a PUK of 8. Never printed.
pub type Code = Pin;

/// Characters a USSD code may have (27.007 clause 7.15; TS 23.038 allows 182).
pub const USSD_TEXT: usize = 64;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Restart the modem by its own command. Done once the command was given; bring-up follows.
    Restart,
    /// Finish the open submit, then say nothing to it until [`Order::Enable`].
    Disable,
    /// Undo [`Order::Disable`] and [`Order::Drain`].
    Enable,
    /// Finish the open submit, begin none, go on receiving.
    Drain,
    /// Give this PIN, once, if at least two tries are left.
    GivePin(Code),
    /// Unlock the SIM with its PUK and set this PIN, once, if at least two tries of the PUK are left.
    GivePuk {
        /// Eight digits.
        puk: Code,
        /// The PIN from then on.
        pin: Code,
    },
    /// Ask the network something; the answer is [`OrderResult::Lines`].
    Ussd(UssdText),
    /// Send this line, if it is on the list of harmless ones.
    Line(AtLine),
    /// Read the SIM's list of forbidden networks; the answer is [`OrderResult::Networks`].
    ReadForbidden,
    /// Empty the SIM's list of forbidden networks, and search again.
    ClearForbidden,
    /// Ask signal, registration, operator, SIM and storages, and hand on what is answered.
    ReadStatus,
    /// What was said to the modem and by it lately; numbers, texts and codes masked.
    ReadTrace,
    /// Keep the trace whole until then, in memory only, at most an hour; a time that has passed ends it.
    TraceRaw {
        /// Then it ends by itself, and what was kept whole is masked.
        until: UtcTime,
    },
}

/// How an order ended.
#[derive(Clone, PartialEq, Eq)]
pub enum OrderResult {
    /// As wanted.
    Done,
    /// As wanted; this was answered.
    Lines(Vec<String>),
    /// As wanted; these are in the list, 32 at most.
    Networks(Vec<Plmn>),
    /// The modem refused.
    Refused(Answer),
    /// It was given to the modem, and the answer was lost: whether it was done is not known.
    Unknown,
    /// Not in this state of the modem; nothing was done.
    NotNow(Why),
    /// Never; the reason is for people.
    NotAllowed(&'static str),
}

impl fmt::Debug for OrderResult {
    /// Never what was answered: it may hold a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Lines(lines) => write!(f, "Lines({})", lines.len()),
            Self::Networks(networks) => write!(f, "Networks({})", networks.len()),
            Self::Refused(answer) => write!(f, "Refused({answer:?})"),
            Self::Unknown => f.write_str("Unknown"),
            Self::NotNow(why) => write!(f, "NotNow({why:?})"),
            Self::NotAllowed(why) => write!(f, "NotAllowed({why})"),
        }
    }
}

/// A USSD code: `*`, `#` and digits, as `*100#`. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct UssdText(heapless::String<USSD_TEXT>);

impl UssdText {
    /// From its characters; none when it is no USSD code.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#');
        if fits {
            heapless::String::try_from(text).ok().map(Self)
        } else {
            None
        }
    }

    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UssdText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UssdText(..)")
    }
}

/// One command line without its CR: printable characters, at most [`limits::COMMAND`]. Printed by its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct AtLine(heapless::String<{ limits::COMMAND }>);

impl AtLine {
    /// From its characters; none when it is no line. Whether it may be sent is judged when it is ordered.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if fits {
            heapless::String::try_from(text).ok().map(Self)
        } else {
            None
        }
    }

    /// Its characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AtLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AtLine({} characters)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn what_a_person_types_is_bounded_and_never_printed() {
        assert!(UssdText::from_text("*100#").is_some());
        for bad in ["", "*100#\r", "100 ", "*1\"", &"1".repeat(USSD_TEXT + 1)] {
            assert_eq!(UssdText::from_text(bad), None, "{bad}");
        }
        assert_eq!(
            AtLine::from_text("  AT+CSQ \r\n").as_ref().map(AtLine::as_str),
            Some("AT+CSQ")
        );
        for bad in [
            "",
            " ",
            "AT\rAT",
            "AT\u{1a}",
            "AT+\u{e9}",
            &"A".repeat(limits::COMMAND + 1),
        ] {
            assert_eq!(AtLine::from_text(bad), None, "{bad}");
        }
        let code = Code::from_digits("4711").unwrap();
        let ussd = UssdText::from_text("*4711#").unwrap();
        let line = AtLine::from_text("AT+X=4711").unwrap();
        let orders = [Order::GivePin(code), Order::Ussd(ussd), Order::Line(line)];
        let result = OrderResult::Lines([String::from("4711")].to_vec());
        assert!(!format!("{orders:?} {result:?}").contains("4711"));
    }
}
