//! One step under way: what it sends next, what it hears, how it ends. It changes nothing in the modem itself.

use core::time::Duration;

use super::why::Why;
use crate::at::{FinalResult, Outcome, Request, parse};

/// What a step's ended command leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The step sends another command.
    More,
    /// The step is done.
    Passed,
    /// The step was refused; it may be tried again.
    Refused,
    /// Nothing was answered.
    Silent,
    /// A PIN waits to be written down before it is given.
    Await,
    /// Nothing of what follows makes sense.
    Blocked(Why),
}

/// The first answer: AT at once, since most modems are simply there; then ESC, which leaves a prompt without sending what
/// stands in it; then AT with patience.
#[derive(Debug)]
pub(super) struct AttentionTask {
    turn: u8,
    settling: bool,
}

impl AttentionTask {
    const IMMEDIATE: u8 = 2;
    const TURNS: u8 = 11;
    /// Results may be switched off (V.250 clause 6.2.5).
    const UNMUTE: u8 = 5;
    const PATIENCE: Duration = Duration::from_millis(500);

    pub(super) fn new() -> Self {
        Self {
            turn: 0,
            settling: false,
        }
    }

    /// For a modem known to be out of step: ESC first.
    pub(super) fn escaping() -> Self {
        Self {
            turn: Self::IMMEDIATE,
            settling: false,
        }
    }

    pub(super) fn request(&self) -> Option<Request> {
        if self.settling {
            Some(Request::drain())
        } else if self.turn == Self::IMMEDIATE {
            Some(Request::quiet())
        } else if self.turn == Self::UNMUTE {
            Request::plain("ATQ0V1", Self::PATIENCE)
        } else {
            Request::plain("AT", Self::PATIENCE)
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        if self.settling {
            return Verdict::Passed;
        }
        let answered = outcome == Outcome::Final(FinalResult::Ok);
        let first = self.turn == 0;
        self.turn += 1;
        if answered && first {
            return Verdict::Passed;
        }
        if answered {
            // The OK may be that of an AT before: the others must be gone before anything is asked.
            self.settling = true;
        } else if self.turn >= Self::TURNS {
            return Verdict::Silent;
        }
        Verdict::More
    }
}

/// Commands one of which should be accepted.
#[derive(Debug)]
pub(super) struct SendTask {
    commands: alloc::vec::Vec<alloc::string::String>,
    expect: Option<alloc::string::String>,
    remedy: Option<alloc::string::String>,
    /// An answer without information counts as a refusal.
    wants_answer: bool,
    at: usize,
    remedying: bool,
    /// Something was learned, or the expected line came.
    pub(super) heard: bool,
    /// A line came at all.
    pub(super) told: bool,
}

impl SendTask {
    pub(super) fn new(
        commands: &[alloc::string::String],
        expect: Option<alloc::string::String>,
        remedy: Option<alloc::string::String>,
        learns: bool,
    ) -> Self {
        Self {
            commands: commands.to_vec(),
            wants_answer: learns || expect.is_some(),
            expect,
            remedy,
            at: 0,
            remedying: false,
            heard: false,
            told: false,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if self.remedying {
            self.remedy.as_deref()
        } else {
            self.commands.get(self.at).map(alloc::string::String::as_str)
        }
    }

    /// A line came; `learned` tells whether it held what the step is for.
    pub(super) fn info(&mut self, line: &str, learned: bool) {
        self.told = true;
        let expected = self
            .expect
            .as_ref()
            .is_some_and(|begin| parse::same_but_blanks(line, begin));
        self.heard |= !self.remedying && if self.expect.is_some() { expected } else { learned };
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        if core::mem::take(&mut self.remedying) {
            return Verdict::Refused;
        }
        match outcome {
            Outcome::Silent | Outcome::Escaped => Verdict::Silent,
            Outcome::Settled | Outcome::Final(FinalResult::Ok) if self.heard || !self.wants_answer => Verdict::Passed,
            // OK alone does not say that anything is wrong.
            Outcome::Settled | Outcome::Final(FinalResult::Ok) if self.remedy.is_some() && self.told => {
                self.remedying = true;
                Verdict::More
            }
            Outcome::Settled | Outcome::Final(_) => {
                self.at += 1;
                if self.at < self.commands.len() {
                    Verdict::More
                } else {
                    Verdict::Refused
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    const OK: Outcome = Outcome::Final(FinalResult::Ok);
    const ERROR: Outcome = Outcome::Final(FinalResult::Error);

    #[test]
    fn a_modem_that_answers_at_once_costs_one_command() {
        assert_eq!(AttentionTask::new().done(OK), Verdict::Passed);
    }

    #[test]
    fn a_late_ok_is_drained_before_anything_is_asked() {
        let mut task = AttentionTask::new();
        assert_eq!(task.done(Outcome::Silent), Verdict::More);
        assert_eq!(task.done(OK), Verdict::More);
        assert_eq!(task.request(), Some(Request::drain()));
        assert_eq!(task.done(Outcome::Settled), Verdict::Passed);
    }

    #[test]
    fn attention_escapes_after_two_and_gives_up_in_the_end() {
        let mut task = AttentionTask::new();
        assert_eq!(task.done(Outcome::Silent), Verdict::More);
        assert_eq!(task.done(Outcome::Silent), Verdict::More);
        assert_eq!(task.request(), Some(Request::quiet()));
        assert_eq!(task.done(Outcome::Settled), Verdict::More);
        let turns = (0..20).take_while(|_| task.done(ERROR) == Verdict::More).count();
        assert_eq!(turns, 7);
    }

    #[test]
    fn a_refused_command_has_stand_ins() {
        let commands = ["AT+CGSN".to_owned(), "AT+GSN".to_owned()];
        let mut task = SendTask::new(&commands, None, None, true);
        assert_eq!(task.text(), Some("AT+CGSN"));
        assert_eq!(task.done(ERROR), Verdict::More);
        assert_eq!(task.text(), Some("AT+GSN"));
        // OK without the digits asked for is no answer.
        assert_eq!(task.done(OK), Verdict::Refused);
    }

    #[test]
    fn what_is_not_told_is_not_remedied() {
        let mut task = SendTask::new(
            &["AT+CFUN?".to_owned()],
            Some("+CFUN: 1".to_owned()),
            Some("AT+CFUN=1".to_owned()),
            false,
        );
        assert_eq!(task.done(OK), Verdict::Refused);
    }

    #[test]
    fn a_missing_expectation_is_remedied() {
        let mut task = SendTask::new(
            &["AT+CFUN?".to_owned()],
            Some("+CFUN: 1".to_owned()),
            Some("AT+CFUN=1".to_owned()),
            false,
        );
        task.info("+CFUN: 4", false);
        assert_eq!(task.done(OK), Verdict::More);
        assert_eq!(task.text(), Some("AT+CFUN=1"));
        assert_eq!(task.done(OK), Verdict::Refused);
        task.info("+CFUN:1", false);
        assert_eq!(task.done(OK), Verdict::Passed);
    }
}
