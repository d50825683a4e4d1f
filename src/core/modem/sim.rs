//! The SIM at bring-up: waiting until it is there, and giving the PIN once, where that cannot burn it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::health;
use super::machine::{Pin, Settings};
use super::profile::{PinCounter, Profile};
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
    /// Given, not answered: not given again before the SIM has told by its state whether it took it.
    Given,
    /// Taken; it may be given again after a restart.
    Taken,
    /// Refused: never given again.
    Refused,
}

/// Answers to `AT+CPIN?` that tell nothing (ERROR, or OK alone) after which the SMS commands are asked instead: some modems do
/// not know the question.
const UNKNOWN_AFTER: u8 = 3;

/// Tries of a PIN that nobody has spoilt: demanded where it is not known which card it is.
const ALL_TRIES: u16 = 3;

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Ask,
    /// Which card it is, by the n-th command that may tell.
    Identify(usize),
    /// How many tries are left, by the n-th command that may tell.
    Tries(usize),
    Give,
}

/// The step under way.
#[derive(Debug)]
pub(super) struct SimTask {
    turn: Turn,
    profile: Arc<Profile>,
    pin: Option<Pin>,
    /// A person gives it, who may know better: two tries must be left, whichever card it is.
    by_person: bool,
    /// ICCIDs that refused this very PIN before.
    refused_by: Vec<String>,
    pub(super) memory: PinMemory,
    /// The card, where it tells that while it is locked.
    pub(super) iccid: Option<String>,
    seen: Option<SimState>,
    tries: Option<u16>,
    errors: u8,
    /// The PIN was refused just now.
    pub(super) refused_now: bool,
    /// Why the SIM is not usable, should the step end without it.
    pub(super) why: Why,
}

impl SimTask {
    pub(super) fn new(settings: &Settings, memory: PinMemory, profile: Arc<Profile>) -> Self {
        Self {
            turn: Turn::Ask,
            profile,
            pin: settings.pin.clone(),
            by_person: false,
            refused_by: settings.refused_pins.clone(),
            memory,
            iccid: None,
            seen: None,
            tries: None,
            errors: 0,
            refused_now: false,
            why: Why::SimBusy,
        }
    }

    /// For a PIN that a person gives.
    pub(super) fn by_person(pin: Pin, profile: Arc<Profile>) -> Self {
        let settings = Settings {
            pin: Some(pin),
            ..Settings::default()
        };
        Self {
            by_person: true,
            ..Self::new(&settings, PinMemory::Untried, profile)
        }
    }

    fn counter(&self, at: usize) -> Option<&PinCounter> {
        self.profile.pin.counters.get(at)
    }

    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        // All of them are short: the profile's check bounds its commands.
        let _ = match (&self.turn, &self.pin) {
            (Turn::Give, Some(pin)) => write!(text, "AT+CPIN=\"{}\"", pin.reveal()),
            (Turn::Identify(at), _) => match self.profile.iccid_commands().nth(*at) {
                Some(command) => text.push_str(command).map_err(|_| core::fmt::Error),
                None => write!(text, "AT"),
            },
            (Turn::Tries(at), _) => match self.counter(*at) {
                Some(counter) => text.push_str(&counter.command).map_err(|_| core::fmt::Error),
                None => write!(text, "AT"),
            },
            (Turn::Ask | Turn::Give, _) => write!(text, "AT+CPIN?"),
        };
        text
    }

    pub(super) fn info(&mut self, line: &str) {
        let (word, rest) = parse::split_prefix(line).unwrap_or(("", line));
        match self.turn {
            Turn::Ask | Turn::Give if word == "+CPIN" => self.seen = Some(SimState::from_word(rest)),
            Turn::Ask | Turn::Give => {}
            Turn::Identify(_) => self.iccid = self.iccid.take().or_else(|| health::iccid(rest)),
            Turn::Tries(at) => {
                let told = self.counter(at).and_then(|counter| tries_told(counter, word, rest));
                self.tries = self.tries.or(told);
            }
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        match self.turn {
            Turn::Ask => self.asked(outcome),
            Turn::Identify(at) => self.identified(at),
            Turn::Tries(at) => self.counted(at),
            Turn::Give => self.given(outcome),
        }
    }

    fn asked(&mut self, outcome: Outcome) -> Verdict {
        let seen = self.seen.take();
        match outcome {
            Outcome::Silent | Outcome::Escaped => return Verdict::Silent,
            Outcome::Final(FinalResult::Ok) | Outcome::Settled => {}
            Outcome::Final(FinalResult::Cme(code)) => return self.refused_to_tell(code),
            // The SIM's codes of 27.005 clause 3.2.5 are those of 27.007 clause 9.2, 300 higher.
            Outcome::Final(FinalResult::Cms(code)) => return self.refused_to_tell(code.saturating_sub(300)),
            Outcome::Final(FinalResult::Error) => return self.told_nothing(),
        }
        match seen {
            Some(SimState::Ready) => {
                if self.memory == PinMemory::Given {
                    self.memory = PinMemory::Taken;
                }
                Verdict::Passed
            }
            Some(SimState::PinNeeded) => self.pin_needed(),
            Some(SimState::Locked) => Verdict::Blocked(Why::Locked),
            Some(SimState::DeviceLocked) => Verdict::Blocked(Why::OperatorLocked),
            Some(SimState::Absent) => self.not_yet(Why::NoSim),
            Some(SimState::NotReady) => self.not_yet(Why::SimBusy),
            None => self.told_nothing(),
        }
    }

    fn refused_to_tell(&mut self, code: u16) -> Verdict {
        match code {
            10 => self.not_yet(Why::NoSim),
            11 => self.pin_needed(),
            12 | 16 => Verdict::Blocked(Why::Locked),
            5..=7 | 40..=48 => Verdict::Blocked(Why::OperatorLocked),
            _ => self.not_yet(Why::SimBusy),
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
            // Only its answer was lost.
            (Some(_), PinMemory::Given) => self.refuse_pin(),
            (Some(_), PinMemory::Refused) => Verdict::Blocked(Why::PinRefused),
            (Some(_), PinMemory::Untried | PinMemory::Taken) => {
                self.iccid = None;
                self.tries = None;
                self.turn = Turn::Identify(0);
                if self.profile.iccid_commands().next().is_none() {
                    return self.identified(0);
                }
                Verdict::More
            }
        }
    }

    fn identified(&mut self, at: usize) -> Verdict {
        if self.iccid.is_none() && self.profile.iccid_commands().nth(at + 1).is_some() {
            self.turn = Turn::Identify(at + 1);
            return Verdict::More;
        }
        if self.iccid.as_ref().is_some_and(|iccid| self.refused_by.contains(iccid)) {
            return Verdict::Blocked(Why::PinRefused);
        }
        if self.counter(0).is_none() {
            return Verdict::Blocked(Why::PinNeeded);
        }
        self.turn = Turn::Tries(0);
        Verdict::More
    }

    fn counted(&mut self, at: usize) -> Verdict {
        if self.tries.is_none() && self.counter(at + 1).is_some() {
            self.turn = Turn::Tries(at + 1);
            return Verdict::More;
        }
        // A card that may have refused this PIN in another modem must have all its tries.
        let needed = if self.by_person {
            2
        } else if self.iccid.is_some() {
            u16::from(self.profile.pin.tries_left)
        } else {
            ALL_TRIES
        };
        if self.tries.is_none_or(|left| left < needed) {
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
            Outcome::Final(_) => self.refuse_pin(),
            // Whether the SIM took it, its state tells.
            Outcome::Settled | Outcome::Silent | Outcome::Escaped => self.not_yet(Why::SimBusy),
        }
    }

    fn refuse_pin(&mut self) -> Verdict {
        self.memory = PinMemory::Refused;
        self.refused_now = true;
        Verdict::Blocked(Why::PinRefused)
    }
}

/// The tries a line tells.
fn tries_told(counter: &PinCounter, word: &str, rest: &str) -> Option<u16> {
    let params = parse::params(rest);
    let code = |code: &String| params.first().is_some_and(|told| told.eq_ignore_ascii_case(code));
    if !word.eq_ignore_ascii_case(&counter.answer) || !counter.code.as_ref().is_none_or(code) {
        return None;
    }
    let at = usize::from(counter.field).checked_sub(1)?;
    parse::number(params.get(at)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::borrow::ToOwned;

    const OK: Outcome = Outcome::Final(FinalResult::Ok);
    const ERROR: Outcome = Outcome::Final(FinalResult::Error);
    const ICCID: &str = "8935301234567890123";

    fn task_of(memory: PinMemory, counters: Vec<PinCounter>, refused_by: &[&str]) -> SimTask {
        let mut profile = Profile::smallest();
        profile.pin.counters = counters;
        profile.pin.tries_left = 2;
        let settings = Settings {
            pin: Pin::from_digits("1234"),
            refused_pins: refused_by.iter().map(|iccid| (*iccid).to_owned()).collect(),
            ..Settings::default()
        };
        SimTask::new(&settings, memory, Arc::new(profile))
    }

    fn task(memory: PinMemory) -> SimTask {
        task_of(memory, [PinCounter::standard()].to_vec(), &[])
    }

    fn answer(task: &mut SimTask, line: &str, outcome: Outcome) -> Verdict {
        task.info(line);
        task.done(outcome)
    }

    /// Up to the question for the tries.
    fn asked_for_pin(sim: &mut SimTask, iccid: &str) {
        assert_eq!(answer(sim, "+CPIN: SIM PIN", OK), Verdict::More);
        assert_eq!(sim.text(), "AT+CCID");
        let outcome = if iccid.is_empty() { ERROR } else { OK };
        assert_eq!(answer(sim, iccid, outcome), Verdict::More);
    }

    /// The PIN is on its way.
    fn given() -> SimTask {
        let mut sim = task(PinMemory::Untried);
        asked_for_pin(&mut sim, ICCID);
        answer(&mut sim, "+CPINR: SIM PIN,3,3", OK);
        sim
    }

    #[test]
    fn a_pin_is_given_once_and_only_with_tries_to_spare() {
        let mut sim = task(PinMemory::Untried);
        asked_for_pin(&mut sim, ICCID);
        assert_eq!(sim.text(), "AT+CPINR=\"SIM PIN\"");
        assert_eq!(answer(&mut sim, "+CPINR: SIM PIN,2,3", OK), Verdict::More);
        assert_eq!(sim.text(), "AT+CPIN=\"1234\"");
        assert_eq!(sim.memory, PinMemory::Given);
        assert_eq!(sim.done(OK), Verdict::Refused);
        assert_eq!(sim.memory, PinMemory::Taken);
        assert_eq!(answer(&mut sim, "+CPIN: READY", OK), Verdict::Passed);
        assert!(!sim.refused_now);
    }

    #[test]
    fn a_pin_that_could_burn_the_sim_is_kept_back() {
        for (iccid, line, outcome) in [
            (ICCID, "+CPINR: SIM PIN,1,3", OK),
            (ICCID, "+CPINR: SIM PUK,10", OK),
            (ICCID, "", ERROR),
            (ICCID, "", Outcome::Silent),
            // It is not known which card it is: nobody may have tried before.
            ("", "+CPINR: SIM PIN,2,3", OK),
        ] {
            let mut sim = task(PinMemory::Untried);
            asked_for_pin(&mut sim, iccid);
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
        let mut uncounted = task_of(PinMemory::Untried, Vec::new(), &[]);
        assert_eq!(answer(&mut uncounted, "+CPIN: SIM PIN", OK), Verdict::More);
        assert_eq!(answer(&mut uncounted, ICCID, OK), Verdict::Blocked(Why::PinNeeded));
    }

    #[test]
    fn a_card_that_refused_this_pin_is_never_given_it_again() {
        let mut sim = task_of(PinMemory::Untried, [PinCounter::standard()].to_vec(), &[ICCID]);
        assert_eq!(answer(&mut sim, "+CPIN: SIM PIN", OK), Verdict::More);
        assert_eq!(answer(&mut sim, ICCID, OK), Verdict::Blocked(Why::PinRefused));
        let mut other = task_of(PinMemory::Untried, [PinCounter::standard()].to_vec(), &["8900"]);
        asked_for_pin(&mut other, ICCID);
    }

    #[test]
    fn vendors_count_in_their_own_words() {
        let counter = |command: &str, answer: &str, code: Option<&str>, field| PinCounter {
            command: command.to_owned(),
            answer: answer.to_owned(),
            code: code.map(str::to_owned),
            field,
        };
        for (counter, line, told) in [
            (PinCounter::standard(), "+CPINR: \"SIM PIN\",3", Some(3)),
            (
                counter("AT^CPIN?", "^CPIN", None, 4),
                "^CPIN: SIM PIN,3,10,2,10,3",
                Some(2),
            ),
            (
                counter("AT+QPINC?", "+QPINC", Some("SC"), 2),
                "+QPINC: \"SC\",3,10",
                Some(3),
            ),
            (
                counter("AT+QPINC?", "+QPINC", Some("SC"), 2),
                "+QPINC: \"P2\",1,10",
                None,
            ),
            (counter("AT+SPIC", "+SPIC", None, 1), "+SPIC: 3,10,0,10", Some(3)),
            (counter("AT#PCT", "#PCT", None, 1), "#PCT: 3", Some(3)),
            (counter("AT^SPIC", "^SPIC", None, 1), "+SPIC: 3", None),
            (counter("AT+X", "+X", None, 0), "+X: 3", None),
            (counter("AT+X", "+X", None, 9), "+X: 3", None),
        ] {
            let (word, rest) = parse::split_prefix(line).unwrap();
            assert_eq!(tries_told(&counter, word, rest), told, "{line}");
        }
    }

    #[test]
    fn the_standard_counter_is_asked_when_the_vendors_says_nothing() {
        let vendor = PinCounter {
            command: "AT+SPIC".to_owned(),
            answer: "+SPIC".to_owned(),
            code: None,
            field: 1,
        };
        let mut sim = task_of(PinMemory::Untried, [vendor, PinCounter::standard()].to_vec(), &[]);
        asked_for_pin(&mut sim, ICCID);
        assert_eq!(sim.text(), "AT+SPIC");
        assert_eq!(sim.done(ERROR), Verdict::More);
        assert_eq!(sim.text(), "AT+CPINR=\"SIM PIN\"");
    }

    #[test]
    fn a_refused_pin_is_remembered() {
        for outcome in [Outcome::Final(FinalResult::Cme(16)), ERROR] {
            let mut sim = given();
            assert_eq!(sim.done(outcome), Verdict::Blocked(Why::PinRefused));
            assert_eq!(sim.memory, PinMemory::Refused);
            assert!(sim.refused_now);
            assert_eq!(sim.iccid.as_deref(), Some(ICCID));
        }
    }

    #[test]
    fn a_pin_whose_answer_was_lost_is_judged_by_what_the_sim_tells_next() {
        let mut right = given();
        assert_eq!(right.done(Outcome::Silent), Verdict::Refused);
        assert_eq!((right.memory, right.refused_now), (PinMemory::Given, false));
        assert_eq!(answer(&mut right, "+CPIN: READY", OK), Verdict::Passed);
        assert_eq!((right.memory, right.refused_now), (PinMemory::Taken, false));

        let mut wrong = given();
        assert_eq!(wrong.done(Outcome::Silent), Verdict::Refused);
        assert_eq!(wrong.text(), "AT+CPIN?");
        assert_eq!(
            answer(&mut wrong, "+CPIN: SIM PIN", OK),
            Verdict::Blocked(Why::PinRefused)
        );
        assert_eq!((wrong.memory, wrong.refused_now), (PinMemory::Refused, true));
        assert_eq!(wrong.iccid.as_deref(), Some(ICCID));
    }

    #[test]
    fn a_taken_pin_asked_for_again_is_not_given_again_in_the_same_step() {
        let mut sim = task(PinMemory::Untried);
        asked_for_pin(&mut sim, ICCID);
        answer(&mut sim, "+CPINR: SIM PIN,3,3", OK);
        sim.done(OK);
        assert_eq!(answer(&mut sim, "+CPIN: SIM PIN", OK), Verdict::Blocked(Why::PinNeeded));
    }

    #[test]
    fn a_modem_that_does_not_know_the_question_is_believed_to_have_a_sim() {
        for nothing in [ERROR, OK] {
            let mut sim = task(PinMemory::Untried);
            assert_eq!(sim.done(nothing), Verdict::Refused);
            assert_eq!(sim.done(nothing), Verdict::Refused);
            assert_eq!(sim.done(nothing), Verdict::Passed);
        }
    }

    #[test]
    fn what_a_sim_lacks_is_told() {
        for (code, verdict, why) in [
            (10, Verdict::Refused, Why::NoSim),
            (13, Verdict::Refused, Why::SimBusy),
            (14, Verdict::Refused, Why::SimBusy),
            (515, Verdict::Refused, Why::SimBusy),
            (12, Verdict::Blocked(Why::Locked), Why::SimBusy),
            (5, Verdict::Blocked(Why::OperatorLocked), Why::SimBusy),
        ] {
            let mut sim = task(PinMemory::Untried);
            assert_eq!(sim.done(Outcome::Final(FinalResult::Cme(code))), verdict, "{code}");
            assert_eq!(sim.why, why, "{code}");
        }
        let mut sim = task(PinMemory::Untried);
        assert_eq!(answer(&mut sim, "+CPIN: SIM PUK", OK), Verdict::Blocked(Why::Locked));
        assert_eq!(
            answer(&mut sim, "+CPIN: PH-NET PIN", OK),
            Verdict::Blocked(Why::OperatorLocked)
        );
        assert_eq!(sim.done(Outcome::Final(FinalResult::Cms(310))), Verdict::Refused);
        assert_eq!(sim.why, Why::NoSim);
        assert_eq!(sim.done(Outcome::Final(FinalResult::Cme(11))), Verdict::More);
    }
}
