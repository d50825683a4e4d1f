//! The SIM at bring-up: waiting until it is there, and giving the PIN once, where that cannot burn it.

use core::fmt::Write as _;

use super::machine::Pin;
use super::task::Verdict;
use super::verbs::Why;
use crate::at::request::Text;
use crate::at::urc::SimState;
use crate::at::{FinalResult, Outcome, parse};

/// What became of the configured PIN, for as long as this modem object lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PinMemory {
    /// Not given yet.
    #[default]
    Untried,
    /// Given, not answered: as bad as refused.
    Given,
    /// Taken; it may be given again after a restart.
    Taken,
    /// Refused: never given again.
    Refused,
}

/// Answers to `AT+CPIN?` that tell nothing (ERROR, or OK alone) after which the SMS commands are asked instead: some modems do
/// not know the question.
const UNKNOWN_AFTER: u8 = 3;

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Ask,
    Tries,
    Give,
}

/// The step under way.
#[derive(Debug)]
pub(super) struct SimTask {
    turn: Turn,
    pin: Option<Pin>,
    pub(super) memory: PinMemory,
    needed: u8,
    seen: Option<SimState>,
    tries: Option<u16>,
    errors: u8,
    /// Why the SIM is not usable, should the step end without it.
    pub(super) why: Why,
}

impl SimTask {
    pub(super) fn new(pin: Option<Pin>, memory: PinMemory, needed: u8) -> Self {
        Self {
            turn: Turn::Ask,
            pin,
            memory,
            needed,
            seen: None,
            tries: None,
            errors: 0,
            why: Why::SimBusy,
        }
    }

    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        // All of them are short.
        let _ = match (&self.turn, &self.pin) {
            (Turn::Give, Some(pin)) => write!(text, "AT+CPIN=\"{}\"", pin.reveal()),
            (Turn::Tries, _) => write!(text, "AT+CPINR=\"SIM PIN\""),
            (Turn::Ask | Turn::Give, _) => write!(text, "AT+CPIN?"),
        };
        text
    }

    pub(super) fn info(&mut self, line: &str) {
        let Some((word, rest)) = parse::split_prefix(line) else {
            return;
        };
        match word {
            "+CPIN" => self.seen = Some(SimState::from_word(rest)),
            "+CPINR" => self.tries = self.tries.or_else(|| parse::pin_tries(rest)),
            _ => {}
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        match self.turn {
            Turn::Ask => self.asked(outcome),
            Turn::Tries => self.counted(),
            Turn::Give => self.given(outcome),
        }
    }

    fn asked(&mut self, outcome: Outcome) -> Verdict {
        let seen = self.seen.take();
        match outcome {
            Outcome::Silent | Outcome::Escaped => return Verdict::Silent,
            Outcome::Final(FinalResult::Ok) | Outcome::Settled => {}
            Outcome::Final(FinalResult::Cme(10) | FinalResult::Cms(310)) => return self.not_yet(Why::NoSim),
            Outcome::Final(FinalResult::Cme(_) | FinalResult::Cms(_)) => return self.not_yet(Why::SimBusy),
            Outcome::Final(FinalResult::Error) => return self.told_nothing(),
        }
        match seen {
            Some(SimState::Ready) => Verdict::Passed,
            Some(SimState::PinNeeded) => self.pin_needed(),
            Some(SimState::Locked) => Verdict::Blocked(Why::Locked),
            Some(SimState::Absent) => self.not_yet(Why::NoSim),
            Some(SimState::NotReady) => self.not_yet(Why::SimBusy),
            None => self.told_nothing(),
        }
    }

    fn told_nothing(&mut self) -> Verdict {
        self.errors = self.errors.saturating_add(1);
        if self.errors >= UNKNOWN_AFTER {
            Verdict::Passed
        } else {
            self.not_yet(Why::SimBusy)
        }
    }

    fn not_yet(&mut self, why: Why) -> Verdict {
        self.why = why;
        Verdict::Refused
    }

    fn pin_needed(&mut self) -> Verdict {
        match (&self.pin, self.memory) {
            (None, _) => Verdict::Blocked(Why::PinNeeded),
            (Some(_), PinMemory::Given | PinMemory::Refused) => Verdict::Blocked(Why::PinRefused),
            (Some(_), PinMemory::Untried | PinMemory::Taken) => {
                self.turn = Turn::Tries;
                self.tries = None;
                Verdict::More
            }
        }
    }

    fn counted(&mut self) -> Verdict {
        if self.tries.is_none_or(|left| left < u16::from(self.needed)) {
            return Verdict::Blocked(Why::PinNeeded);
        }
        // From here on it counts as given, whatever happens to the answer.
        self.memory = PinMemory::Given;
        self.turn = Turn::Give;
        Verdict::More
    }

    fn given(&mut self, outcome: Outcome) -> Verdict {
        self.turn = Turn::Ask;
        match outcome {
            Outcome::Final(FinalResult::Ok) => {
                self.memory = PinMemory::Taken;
                // It takes some seconds to become READY; asking again is the next try. A PIN taken and asked for again within
                // one step is a broken SIM: it is not given a second time.
                self.pin = None;
                self.not_yet(Why::SimBusy)
            }
            Outcome::Final(_) => {
                self.memory = PinMemory::Refused;
                Verdict::Blocked(Why::PinRefused)
            }
            Outcome::Settled | Outcome::Silent | Outcome::Escaped => Verdict::Blocked(Why::PinRefused),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Outcome = Outcome::Final(FinalResult::Ok);

    fn task(memory: PinMemory) -> SimTask {
        SimTask::new(Pin::from_digits("1234"), memory, 3)
    }

    fn answer(task: &mut SimTask, line: &str, outcome: Outcome) -> Verdict {
        task.info(line);
        task.done(outcome)
    }

    #[test]
    fn a_pin_is_given_once_and_only_with_all_tries_left() {
        let mut sim = task(PinMemory::Untried);
        assert_eq!(answer(&mut sim, "+CPIN: SIM PIN", OK), Verdict::More);
        assert_eq!(sim.text(), "AT+CPINR=\"SIM PIN\"");
        assert_eq!(answer(&mut sim, "+CPINR: SIM PIN,3,3", OK), Verdict::More);
        assert_eq!(sim.text(), "AT+CPIN=\"1234\"");
        assert_eq!(sim.memory, PinMemory::Given);
        assert_eq!(sim.done(OK), Verdict::Refused);
        assert_eq!(sim.memory, PinMemory::Taken);
        assert_eq!(answer(&mut sim, "+CPIN: READY", OK), Verdict::Passed);
    }

    #[test]
    fn a_pin_that_could_burn_the_sim_is_kept_back() {
        for (line, outcome) in [
            ("+CPINR: SIM PIN,2,3", OK),
            ("+CPINR: SIM PUK,10", OK),
            ("", Outcome::Final(FinalResult::Error)),
            ("", Outcome::Silent),
        ] {
            let mut sim = task(PinMemory::Untried);
            assert_eq!(answer(&mut sim, "+CPIN: SIM PIN", OK), Verdict::More);
            assert_eq!(
                answer(&mut sim, line, outcome),
                Verdict::Blocked(Why::PinNeeded),
                "{line}"
            );
        }
        for memory in [PinMemory::Given, PinMemory::Refused] {
            let verdict = answer(&mut task(memory), "+CPIN: SIM PIN", OK);
            assert_eq!(verdict, Verdict::Blocked(Why::PinRefused));
        }
    }

    #[test]
    fn a_refused_or_unanswered_pin_is_remembered() {
        for (outcome, memory) in [
            (Outcome::Final(FinalResult::Cme(16)), PinMemory::Refused),
            (Outcome::Final(FinalResult::Error), PinMemory::Refused),
            (Outcome::Silent, PinMemory::Given),
        ] {
            let mut sim = task(PinMemory::Untried);
            answer(&mut sim, "+CPIN: SIM PIN", OK);
            answer(&mut sim, "+CPINR: SIM PIN,3,3", OK);
            assert_eq!(sim.done(outcome), Verdict::Blocked(Why::PinRefused));
            assert_eq!(sim.memory, memory);
        }
    }

    #[test]
    fn a_taken_pin_asked_for_again_is_not_given_again_in_the_same_step() {
        let mut sim = task(PinMemory::Untried);
        answer(&mut sim, "+CPIN: SIM PIN", OK);
        answer(&mut sim, "+CPINR: SIM PIN,3,3", OK);
        sim.done(OK);
        assert_eq!(answer(&mut sim, "+CPIN: SIM PIN", OK), Verdict::Blocked(Why::PinNeeded));
    }

    #[test]
    fn a_modem_that_does_not_know_the_question_is_believed_to_have_a_sim() {
        for nothing in [Outcome::Final(FinalResult::Error), OK] {
            let mut sim = task(PinMemory::Untried);
            assert_eq!(sim.done(nothing), Verdict::Refused);
            assert_eq!(sim.done(nothing), Verdict::Refused);
            assert_eq!(sim.done(nothing), Verdict::Passed);
        }
    }

    #[test]
    fn what_a_sim_lacks_is_told() {
        let mut sim = task(PinMemory::Untried);
        assert_eq!(sim.done(Outcome::Final(FinalResult::Cme(10))), Verdict::Refused);
        assert_eq!(sim.why, Why::NoSim);
        assert_eq!(sim.done(Outcome::Final(FinalResult::Cme(14))), Verdict::Refused);
        assert_eq!(sim.why, Why::SimBusy);
        assert_eq!(answer(&mut sim, "+CPIN: SIM PUK", OK), Verdict::Blocked(Why::Locked));
    }
}
