//! Commands as the engine sends them: the text, which lines belong to the answer, how long to wait.

use core::fmt::{self, Write as _};
use core::time::Duration;

use super::limits;
use super::parse;

/// A command line without its CR.
pub type Text = heapless::String<{ limits::COMMAND }>;

/// A command to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub(super) text: Text,
    pub(super) kind: Kind,
    /// For the answer; for the prompt in a submit.
    pub(super) timeout: Duration,
}

/// What kind of answer is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines, then a final result.
    Plain,
    /// Entries of a storage with their PDU lines; `listing` tells `+CMGL` from `+CMGR`. Every octet starts the clock anew.
    Entries { listing: bool },
    /// A prompt, data, then `+CMGS` and a final result.
    Submit { result: Duration, settle: Duration },
    /// No answer: octets to get out of whatever the modem is in; over when the line has been silent.
    Quiet,
}

/// Answers that come without a name before them (27.007 clause 5, V.250 clause 6.1).
const BARE: &[&str] = &[
    "+CGMI",
    "+CGMM",
    "+CGMR",
    "+CGSN",
    "+GMI",
    "+GMM",
    "+GMR",
    "+GSN",
    "+CIMI",
    "+CCID",
    "+CICCID",
    "+ICCID",
    "^ICCID",
    "+QCCID",
    "+ZGETICCID",
    "^SCID",
    "#CCID",
    "!ICCID",
    "#CIMI",
    "I",
];

/// Names that are both answer and unsolicited code: an answer only to a question.
const AMBIGUOUS: &[&str] = &["+CREG", "+CGREG", "+CEREG", "+C5GREG", "+CPIN", "+CFUN", "+CUSD"];

/// Some modems end the answers to these without OK.
const UNENDED: &[&str] = &["+CPIN", "+CPMS"];

/// Silence after an unended answer that ends it.
pub(super) const SETTLE: Duration = Duration::from_secs(2);

/// Silence that ends a drain, and the longest drain on a line that never falls silent.
pub(super) const QUIET: Duration = Duration::from_millis(300);
pub(super) const QUIET_AT_MOST: Duration = Duration::from_secs(3);

impl fmt::Debug for Request {
    /// The name alone: parameters may be a PIN or a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({})", self.name())
    }
}

impl Request {
    /// A command with a plain answer. None when it is longer than [`limits::COMMAND`].
    #[must_use]
    pub fn plain(text: &str, timeout: Duration) -> Option<Self> {
        let text = Text::try_from(text).ok()?;
        Some(Self {
            text,
            kind: Kind::Plain,
            timeout,
        })
    }

    /// `AT+CMGL=4`: everything in the selected storage. `idle` is the silence that ends it.
    #[must_use]
    pub fn list(idle: Duration) -> Self {
        Self::entries("AT+CMGL=4", true, idle)
    }

    /// `AT+CMGR`: one entry of the selected storage.
    #[must_use]
    pub fn read(index: u16, timeout: Duration) -> Self {
        let mut text = Text::new();
        // 13 characters at most.
        let _ = write!(text, "AT+CMGR={index}");
        Self::entries(&text, false, timeout)
    }

    fn entries(text: &str, listing: bool, timeout: Duration) -> Self {
        Self {
            text: Text::try_from(text).unwrap_or_default(),
            kind: Kind::Entries { listing },
            timeout,
        }
    }

    /// `AT+CMGS` for a TPDU of `octets`. After Ctrl-Z `result` is the hard limit and `settle` the wait for OK after `+CMGS`.
    #[must_use]
    pub fn submit(octets: usize, prompt: Duration, result: Duration, settle: Duration) -> Self {
        let mut text = Text::new();
        // 28 characters at most.
        let _ = write!(text, "AT+CMGS={octets}");
        Self {
            text,
            kind: Kind::Submit { result, settle },
            timeout: prompt,
        }
    }

    /// ESC and CR: leaves a prompt without sending what was written there, and drains what comes.
    #[must_use]
    pub fn quiet() -> Self {
        Self {
            text: Text::try_from("\x1B").unwrap_or_default(),
            kind: Kind::Quiet,
            timeout: QUIET,
        }
    }

    /// Sends nothing and waits until the line is silent: late answers are gone then.
    #[must_use]
    pub fn drain() -> Self {
        Self {
            text: Text::new(),
            kind: Kind::Quiet,
            timeout: QUIET,
        }
    }

    /// The command's name with its leading sign: `+CREG`, `I`.
    fn name(&self) -> &str {
        let body = self.text.get(2..).unwrap_or_default();
        let end = body.find(['?', '=', ';']).unwrap_or(body.len());
        body.get(..end).unwrap_or_default()
    }

    /// The line carries the command's name and can be its answer.
    pub(super) fn owns(&self, line: &str) -> bool {
        let Some((word, rest)) = parse::split_prefix(line) else {
            return false;
        };
        let name = self.name();
        if !word.eq_ignore_ascii_case(name) {
            return false;
        }
        if !AMBIGUOUS.contains(&name) {
            return true;
        }
        let asked = self.text.ends_with('?');
        match name {
            "+CREG" | "+CGREG" | "+CEREG" | "+C5GREG" => {
                asked && (self.text.ends_with("=?") || parse::registration(rest).is_some_and(|line| line.answer))
            }
            _ => asked,
        }
    }

    /// A line without a name may be the answer.
    pub(super) fn takes_bare(&self) -> bool {
        BARE.contains(&self.name())
    }

    /// The silence that ends the answer when its OK stays away.
    pub(super) fn settle(&self) -> Option<Duration> {
        match self.kind {
            // Of several commands on one line the last one ends it.
            Kind::Plain => (UNENDED.contains(&self.name()) && !self.text.contains(';')).then_some(SETTLE),
            Kind::Submit { settle, .. } => Some(settle),
            Kind::Entries { .. } | Kind::Quiet => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owns(text: &str, line: &str) -> bool {
        Request::plain(text, Duration::ZERO).unwrap().owns(line)
    }

    #[test]
    fn a_command_owns_the_lines_with_its_name() {
        assert!(owns("AT+CSCA?", "+CSCA: \"+35387\",145"));
        assert!(owns("AT+CPMS=\"SM\"", "+CPMS: 0,30,0,30,0,30"));
        assert!(owns("AT+CSQ", "+CSQ:20,99"));
        assert!(!owns("AT+CSQ", "+CSQN: 20"));
        assert!(!owns("AT", "OK: 1"));
    }

    #[test]
    fn silence_ends_an_answer_only_where_nothing_more_is_to_come() {
        let settles = |text: &str| Request::plain(text, Duration::ZERO).unwrap().settle();
        assert_eq!(settles("AT+CPMS=\"SM\""), Some(SETTLE));
        assert_eq!(settles("AT+CSQ"), None);
        assert_eq!(
            settles("AT+CPMS=\"SM\";+CMGD=1"),
            None,
            "the deletion is still under way"
        );
    }

    #[test]
    fn registration_is_an_answer_only_when_asked_and_in_the_form_of_one() {
        assert!(owns("AT+CREG?", "+CREG: 1,5"));
        assert!(owns("AT+CREG?", "+CREG: 2,1,\"00D1\",\"ABCD\",7"));
        assert!(owns("AT+CREG=?", "+CREG: (0-2)"));
        assert!(!owns("AT+CREG?", "+CREG: 1"));
        assert!(!owns("AT+CREG?", "+CREG: 1,\"00D1\",\"ABCD\""));
        assert!(!owns("AT+CREG?", "+CREG: 1,29,28931"));
        assert!(!owns("AT+CREG=1", "+CREG: 1,1"));
        assert!(!owns("AT+CFUN=1", "+CFUN: 1"));
        assert!(owns("AT+CFUN?", "+CFUN: 1"));
    }

    #[test]
    fn a_command_line_has_a_bound() {
        assert!(Request::plain(&"A".repeat(limits::COMMAND), Duration::ZERO).is_some());
        assert!(Request::plain(&"A".repeat(limits::COMMAND + 1), Duration::ZERO).is_none());
    }
}
