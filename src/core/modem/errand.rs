//! Orders of people that are not answered yet, and what they left behind.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::forbidden::ForbiddenTask;
use super::order::Code;
use super::sim::SimTask;
use crate::at::request::Text;
use crate::base::{Ban, Instant, Past};

/// Orders that may wait.
pub(super) const WAITING: usize = 4;

/// Lines kept of an answer.
const LINES: usize = 64;

/// PUKs that were refused, remembered so that none is given twice.
const REFUSED: usize = 8;

pub(super) const STATUS: &[&str] = &[
    "AT+CSQ",
    "AT+CREG?",
    "AT+CEREG?",
    "AT+COPS?",
    "AT+CPIN?",
    "AT+CPMS?",
    "AT+CNMI?",
    "AT+CSCA?",
];

const PUK_TRIES: &str = "AT+CPINR=\"SIM PUK\"";

#[derive(Debug)]
pub(super) enum Business {
    /// The commands of [`STATUS`], one after the other.
    Ask {
        at: usize,
    },
    Line(Text),
    /// What stands between the quotes.
    Ussd(Text),
    Pin(SimTask),
    PukTries(Code, Code),
    Puk(Code, Code),
    Forbidden(ForbiddenTask),
    Restart,
    Drain,
    Disable,
}

/// An order that is not answered yet.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) token: u64,
    pub(super) business: Business,
    /// It must have begun by then.
    pub(super) until: Instant,
    pub(super) lines: Vec<String>,
}

impl Errand {
    /// Only between two messages, and not while one waits.
    pub(super) fn keeps_clear_of_submits(&self) -> bool {
        match self.business {
            Business::Ask { .. } | Business::Line(_) => false,
            Business::Ussd(_)
            | Business::Pin(..)
            | Business::PukTries(..)
            | Business::Puk(..)
            | Business::Forbidden(_)
            | Business::Restart
            | Business::Drain
            | Business::Disable => true,
        }
    }

    pub(super) fn text(&self) -> Option<Text> {
        let mut text = Text::new();
        // All of them fit.
        let _ = match &self.business {
            Business::Ask { at } => write!(text, "{}", STATUS.get(*at)?),
            Business::Line(line) => write!(text, "{line}"),
            Business::Ussd(code) => write!(text, "AT+CUSD=1,\"{code}\",15"),
            Business::Pin(task) => write!(text, "{}", task.text()),
            Business::PukTries(..) => write!(text, "{PUK_TRIES}"),
            Business::Puk(puk, pin) => write!(text, "AT+CPIN=\"{}\",\"{}\"", puk.reveal(), pin.reveal()),
            Business::Forbidden(task) => write!(text, "{}", task.text()),
            Business::Restart | Business::Drain | Business::Disable => return None,
        };
        Some(text)
    }

    /// A line of the answer.
    pub(super) fn info(&mut self, line: &str) {
        if let Business::Pin(task) = &mut self.business {
            task.info(line);
        } else if self.lines.len() < LINES {
            self.lines.push(line.to_owned());
        }
    }
}

/// The network was asked and has not answered.
#[derive(Debug)]
pub(super) struct Dialogue {
    pub(super) token: u64,
    pub(super) until: Instant,
}

/// Orders, and what they left behind.
#[derive(Debug, Default)]
pub(super) struct Errands {
    pub(super) waiting: heapless::Deque<Errand, WAITING>,
    pub(super) ban: Option<Ban>,
    /// The port is open, although nothing is said on it.
    pub(super) port_open: bool,
    pub(super) ussd: Option<Dialogue>,
    /// A PIN that is being written down before it is given.
    pub(super) asking: Option<Errand>,
    /// PUKs that were refused, or whose answer was lost.
    pub(super) refused: heapless::Vec<Code, REFUSED>,
}

impl Errands {
    /// With what is known from before.
    pub(super) fn recalling(past: &Past) -> Self {
        Self {
            ban: past.ban,
            ..Self::default()
        }
    }

    /// When something of theirs ends by the clock.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let waiting = self.waiting.iter().chain(&self.asking).map(|errand| errand.until);
        waiting.chain(self.ussd.as_ref().map(|open| open.until)).min()
    }

    /// Nothing else may be sent now.
    pub(super) fn holds_the_line(&self) -> bool {
        self.ussd.is_some()
    }
}
