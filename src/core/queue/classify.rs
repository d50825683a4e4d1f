//! What an attempt's end means for its part: one total function from the answer, its stage and what was tried before.
//! The table of codes is [`codes`]; the stage rules stand here, since they override it:
//!
//! - before Ctrl-Z nothing left the box, whatever the code;
//! - a cause of the network (RP-cause, TP-FCS) says that the message was not accepted, whenever it comes;
//! - a code that modems use for anything (300, 302, 500, plain ERROR, CME 0, 3, 100) is a local refusal within 3 s of
//!   Ctrl-Z and says nothing later; even a quick one is marked, as the next attempt may be a copy.

pub mod codes;

use core::time::Duration;

use self::codes::{Class, MaybeAccepted, Row};
use super::verbs::{Answer, AttemptResult};
use crate::base::UtcTime;

/// A local refusal comes within this after Ctrl-Z (errors.md 3.2).
const LOCAL: Duration = Duration::from_secs(3);
/// A CP failure after this may have lost the acknowledgement only.
const CP_SILENCE: Duration = Duration::from_secs(10);
/// Attempts on one SIM before a transient refusal is tried elsewhere.
const SAME_SIM_TRIES: u32 = 3;
/// Attempts that the network may refuse before the part is given up.
const REFUSALS: u32 = 12;
/// First delay where the table has none, and before another SIM is tried.
const FIRST_DELAY: Duration = Duration::from_secs(5);
/// Longest delay that doubling leads to.
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);

/// What the meaning depends on besides the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Attempts of this part, this one included: at least 1.
    pub attempts: u32,
    /// For the jitter of the delay; the same seed gives the same delay.
    pub seed: u64,
}

/// What an attempt's end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The SMSC has it.
    Accepted {
        /// Under this reference, where the modem told.
        tp_mr: Option<u8>,
        /// At this time by its clock, where the modem told.
        smsc_timestamp: Option<UtcTime>,
    },
    /// Not accepted; the same SIM may try again.
    Later {
        /// After this.
        after: Duration,
        /// The next attempt may be a copy after all.
        copy: bool,
    },
    /// Not accepted; another SIM is better.
    OtherSim {
        /// After this.
        after: Duration,
        /// The next attempt may be a copy after all.
        copy: bool,
    },
    /// Not accepted, and never will be.
    Never,
    /// Nobody knows.
    Unknown,
    /// Nothing left the box.
    NotSent {
        /// Try again after this.
        after: Duration,
        /// Another SIM is better.
        other_sim: bool,
    },
}

/// What `result` means.
#[must_use]
pub fn classify(result: AttemptResult, history: History) -> Verdict {
    match result {
        AttemptResult::Accepted { tp_mr, smsc_timestamp } => Verdict::Accepted { tp_mr, smsc_timestamp },
        AttemptResult::NoAnswer(_) => Verdict::Unknown,
        AttemptResult::NotSent(answer) => not_sent(answer, history),
        AttemptResult::Failed { answer, took } => failed(answer, took, history),
    }
}

fn not_sent(answer: Answer, history: History) -> Verdict {
    let row = codes::row_of(answer);
    match row.class {
        Class::PermMsg => Verdict::Never,
        // Our own command was refused: one repeat, in case characters were lost on the line.
        Class::Proto if history.attempts > 1 => Verdict::Never,
        Class::Proto
        | Class::RetrySame
        | Class::RetryOther
        | Class::SimFault
        | Class::NetFault
        | Class::ModemFault
        | Class::Unknown
        | Class::AlreadyAccepted => Verdict::NotSent {
            after: delay(row.delay.unwrap_or(FIRST_DELAY).min(FIRST_DELAY), history),
            other_sim: row.class.is_of_the_sim(),
        },
    }
}

fn failed(answer: Answer, took: Duration, history: History) -> Verdict {
    let row = codes::row_of(answer);
    let copy = codes::is_local(answer);
    let unknown = match answer {
        // CP-cause, neither RP nor TP: after a long wait only the acknowledgement may be missing.
        Answer::Cms(17) => took > CP_SILENCE,
        Answer::Cms(..=255) => false,
        Answer::Cms(_) | Answer::Cme(_) | Answer::Error if copy => took >= LOCAL,
        Answer::Cms(_) | Answer::Cme(_) | Answer::Error => row.maybe != MaybeAccepted::No,
        // Neither can follow a Ctrl-Z: whoever says so does not know what happened.
        Answer::NoPrompt | Answer::Withdrawn => true,
    };
    if unknown {
        Verdict::Unknown
    } else {
        refused(row, copy, history)
    }
}

fn refused(row: Row, copy: bool, history: History) -> Verdict {
    let here = delay(row.delay.unwrap_or(FIRST_DELAY), history);
    let elsewhere = delay(FIRST_DELAY, history);
    let later = Verdict::Later { after: here, copy };
    let other = Verdict::OtherSim { after: elsewhere, copy };
    match row.class {
        Class::AlreadyAccepted => Verdict::Accepted {
            tp_mr: None,
            smsc_timestamp: None,
        },
        Class::PermMsg => Verdict::Never,
        Class::Proto if history.attempts > 1 => Verdict::Never,
        Class::RetrySame | Class::RetryOther if history.attempts >= REFUSALS => Verdict::Never,
        Class::RetrySame if history.attempts >= SAME_SIM_TRIES => other,
        // Once more on this modem; then it, or the message, is what is wrong.
        Class::ModemFault | Class::Unknown if history.attempts > 1 => other,
        Class::RetrySame | Class::Proto | Class::ModemFault | Class::Unknown => later,
        // Not the message's fault: it is tried until its validity ends.
        Class::RetryOther | Class::SimFault | Class::NetFault => other,
    }
}

/// `first`, doubled with every attempt up to a quarter of an hour (never below `first`), give or take a fifth.
fn delay(first: Duration, history: History) -> Duration {
    let doublings = history.attempts.saturating_sub(1).min(16);
    let grown = first.saturating_mul(1 << doublings).min(LONGEST_DELAY.max(first));
    let millis = u64::try_from(grown.as_millis()).unwrap_or(u64::MAX);
    let jitter = fastrand::Rng::with_seed(history.seed).u64(0..=millis / 5 * 2);
    Duration::from_millis(millis - millis / 5 + jitter)
}

#[cfg(test)]
mod tests;
