//! The SIM at bring-up: waiting until it is there, and giving the PIN where that cannot burn it: with tries to spare, and only
//! after the try was written down.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::Write as _;
use core::time::Duration;

use super::profile::{PinCounter, Profile};
use super::settings::{Pin, Settings};
use super::task::Verdict;
use super::verbs::{PinAnswer, PinEnd, PinTry};
use super::why::Why;
use crate::at::request::Text;
use crate::at::urc::SimState;
use crate::at::{FinalResult, Outcome, parse};

/// How long a try may take to be written down; then the SIM is asked anew.
pub(super) const WRITING: Duration = Duration::from_secs(30);

/// What is known of PINs beyond one step. What must be known beyond the life of this object is written down elsewhere.
#[derive(Debug, Default)]
pub(super) struct PinMemory {
    /// Given and not answered: what the SIM tells next is its answer.
    pub(super) open: Option<PinTry>,
    /// The card that refused the configured PIN last; one that tells no number is none inside.
    pub(super) refused_by: Option<Option<String>>,
    /// Set by a PUK, for a card that has not told its number yet.
    pub(super) set_by_puk: Option<Pin>,
}

/// Answers to `AT+CPIN?` that tell nothing (ERROR, or OK alone) after which the SMS commands are asked instead: some modems do
/// not know the question.
const UNKNOWN_AFTER: u8 = 3;

/// Tries of a PIN that nobody has spoilt: demanded where it is not known which card it is.
const ALL_TRIES: u16 = 3;

/// Times the SIM is asked in a row what became of a person's PIN whose answer was lost.
const LOOKS: u8 = 3;

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Ask,
    /// Which card it is, by the n-th command that may tell.
    Identify(usize),
    /// How many tries are left, by the n-th command that may tell.
    Tries(usize),
    /// The try is being written down.
    Await(PinTry),
    Give(PinTry),
}

/// The step under way.
#[derive(Debug)]
pub(super) struct SimTask {
    turn: Turn,
    profile: Arc<Profile>,
    pin: Option<Pin>,
    /// A person gives it, who may know better: two tries must be left, whichever card it is.
    by_person: bool,
    refused_by: Option<Option<String>>,
    /// Given and not answered.
    pub(super) open: Option<PinTry>,
    /// How giving it ended, once that is known.
    ended: Option<(PinTry, PinEnd)>,
    /// The SIM took it just now.
    pub(super) taken: bool,
    /// The card, where it tells that while it is locked.
    iccid: Option<String>,
    seen: Option<SimState>,
    tries: Option<u16>,
    errors: u8,
    /// The card refused this PIN some time before.
    refused_before: bool,
    /// Times it was asked what became of a PIN whose answer was lost.
    looks: u8,
    /// Why the SIM is not usable, should the step end without it.
    pub(super) why: Why,
}

impl SimTask {
    pub(super) fn new(settings: &Settings, memory: &PinMemory, profile: Arc<Profile>) -> Self {
        Self {
            turn: Turn::Ask,
            profile,
            pin: settings.pin.clone(),
            by_person: false,
            refused_by: memory.refused_by.clone(),
            open: memory.open.clone(),
            ended: None,
            taken: false,
            iccid: None,
            seen: None,
            tries: None,
            errors: 0,
            refused_before: false,
            looks: 0,
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
            ..Self::new(&settings, &PinMemory::default(), profile)
        }
    }

    fn counter(&self, at: usize) -> Option<&PinCounter> {
        self.profile.pin.counters.get(at)
    }

    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        // All of them are short: the profile's check bounds its commands.
        let _ = match &self.turn {
            Turn::Give(of) => write!(text, "AT+CPIN=\"{}\"", of.pin.reveal()),
            Turn::Identify(at) => match self.profile.iccid_commands().nth(*at) {
                Some(command) => text.push_str(command).map_err(|_| core::fmt::Error),
                None => write!(text, "AT"),
            },
            Turn::Tries(at) => match self.counter(*at) {
                Some(counter) => text.push_str(&counter.command).map_err(|_| core::fmt::Error),
                None => write!(text, "AT"),
            },
            // Waited for in vain: anew.
            Turn::Ask | Turn::Await(_) => write!(text, "AT+CPIN?"),
        };
        text
    }

    pub(super) fn info(&mut self, line: &str) {
        let (word, rest) = parse::split_prefix(line).unwrap_or(("", line));
        match self.turn {
            Turn::Ask | Turn::Await(_) if word == "+CPIN" => self.seen = Some(SimState::from_word(rest)),
            Turn::Ask | Turn::Await(_) | Turn::Give(_) => {}
            Turn::Identify(_) => self.iccid = self.iccid.take().or_else(|| iccid(rest)),
            Turn::Tries(at) => {
                let told = self.counter(at).and_then(|counter| tries_told(counter, word, rest));
                self.tries = self.tries.or(told);
            }
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        match core::mem::replace(&mut self.turn, Turn::Ask) {
            Turn::Ask | Turn::Await(_) => self.asked(outcome),
            Turn::Identify(at) => self.identified(at),
            Turn::Tries(at) => self.counted(at),
            Turn::Give(of) => self.given(of, outcome),
        }
    }

    /// The try that waits to be written down.
    pub(super) const fn awaited(&self) -> Option<&PinTry> {
        match &self.turn {
            Turn::Await(of) => Some(of),
            Turn::Ask | Turn::Identify(_) | Turn::Tries(_) | Turn::Give(_) => None,
        }
    }

    /// How giving a PIN ended, told once.
    pub(super) fn take_ended(&mut self) -> Option<(PinTry, PinEnd)> {
        self.ended.take()
    }

    /// The card refused this PIN some time before this order.
    pub(super) const fn is_refused_before(&self) -> bool {
        self.refused_before
    }

    /// Whether the SIM is asked once more what became of a PIN.
    pub(super) const fn looks_again(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        self.looks <= LOOKS
    }

    /// What is to be known of PINs after the step.
    pub(super) fn remember(&self, memory: &mut PinMemory) {
        memory.open.clone_from(&self.open);
        memory.refused_by.clone_from(&self.refused_by);
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
                if self.by_person {
                    self.ended = self.open.take().map(|open| (open, PinEnd::Taken));
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
        // A PIN taken and asked for again within one step is a broken SIM: it is not given a second time.
        if self.pin.is_none() || self.taken {
            return Verdict::Blocked(Why::PinNeeded);
        }
        self.iccid = None;
        self.tries = None;
        self.turn = Turn::Identify(0);
        if self.profile.iccid_commands().next().is_none() {
            return self.identified(0);
        }
        Verdict::More
    }

    fn identified(&mut self, at: usize) -> Verdict {
        if self.iccid.is_none() && self.profile.iccid_commands().nth(at + 1).is_some() {
            self.turn = Turn::Identify(at + 1);
            return Verdict::More;
        }
        if self.refused_by.as_ref() == Some(&self.iccid) {
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
        let (Some(pin), Some(tries_left)) = (self.pin.clone(), self.tries) else {
            return Verdict::Blocked(Why::PinNeeded);
        };
        let is_same = |open: &&PinTry| open.pin == pin && open.iccid == self.iccid;
        if let Some(open) = self.open.as_ref().filter(is_same) {
            // The answer that was lost.
            if tries_left < open.tries_left {
                let open = open.clone();
                return self.refuse_pin(open);
            }
            // A person's order gives a PIN once.
            if self.by_person {
                return Verdict::Blocked(Why::PinNeeded);
            }
        }
        // A card that may have refused this PIN in another modem must have all its tries.
        let needed = if self.by_person {
            2
        } else if self.iccid.is_some() {
            u16::from(self.profile.pin.tries_left)
        } else {
            ALL_TRIES
        };
        if tries_left < needed {
            return Verdict::Blocked(Why::PinNeeded);
        }
        self.turn = Turn::Await(PinTry {
            iccid: self.iccid.clone(),
            pin,
            tries_left,
            by_person: self.by_person,
        });
        Verdict::Await
    }

    /// Whether the try that waits may be made.
    pub(super) fn permitted(&mut self, answer: PinAnswer) -> Verdict {
        let Turn::Await(of) = core::mem::replace(&mut self.turn, Turn::Ask) else {
            return Verdict::More;
        };
        match answer {
            PinAnswer::Give => {
                // From here on it counts as given, whatever happens to the answer.
                self.open = Some(of.clone());
                self.turn = Turn::Give(of);
                Verdict::More
            }
            PinAnswer::Refused => {
                self.open.take_if(|open| open.pin == of.pin);
                self.refused_by = Some(of.iccid);
                self.refused_before = true;
                Verdict::Blocked(Why::PinRefused)
            }
            PinAnswer::Unanswered => Verdict::Blocked(Why::PinNeeded),
            PinAnswer::NotNow => self.not_yet(Why::SimBusy),
        }
    }

    fn given(&mut self, of: PinTry, outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Final(FinalResult::Ok) => {
                self.open = None;
                self.ended = Some((of, PinEnd::Taken));
                self.taken = true;
                // It takes some seconds to become READY; asking again is the next try.
                self.not_yet(Why::SimBusy)
            }
            Outcome::Final(result) if !result.is_busy() => self.refuse_pin(of),
            // Whether the SIM took it, its state and its counter tell.
            Outcome::Final(_) | Outcome::Settled | Outcome::Silent | Outcome::Escaped => self.not_yet(Why::SimBusy),
        }
    }

    fn refuse_pin(&mut self, of: PinTry) -> Verdict {
        self.open = None;
        self.refused_by = Some(of.iccid.clone());
        self.ended = Some((of, PinEnd::Refused));
        Verdict::Blocked(Why::PinRefused)
    }
}

/// 18 to 22 digits that begin with 89 (ITU-T E.118), as printed, quoted, padded with F, or as they lie on the SIM, with the digits
/// of each octet swapped. The rest of one that was cut in two by another line is none: it would be a SIM of its own.
pub(super) fn iccid(text: &str) -> Option<String> {
    let run = text
        .split(|c: char| !c.is_ascii_hexdigit())
        .max_by_key(|run| run.len())
        .unwrap_or_default();
    let plain = |run: &str| -> String { run.chars().filter(char::is_ascii_digit).collect() };
    let swapped: String = run
        .as_bytes()
        .chunks(2)
        .flat_map(|pair| pair.iter().rev())
        .map(|digit| char::from(*digit))
        .collect();
    let digits = if !run.starts_with("89") && swapped.starts_with("89") {
        plain(&swapped)
    } else {
        plain(run)
    };
    (digits.starts_with("89") && (18..=22).contains(&digits.len())).then_some(digits)
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
    use alloc::vec::Vec;

    const OK: Outcome = Outcome::Final(FinalResult::Ok);
    const ERROR: Outcome = Outcome::Final(FinalResult::Error);
    const ICCID: &str = "8935301234567890123";

    fn task_of(memory: &PinMemory, counters: Vec<PinCounter>) -> SimTask {
        let mut profile = Profile::smallest();
        profile.pin.counters = counters;
        profile.pin.tries_left = 2;
        let settings = Settings {
            pin: Pin::from_digits("1234"),
            ..Settings::default()
        };
        SimTask::new(&settings, memory, Arc::new(profile))
    }

    fn task() -> SimTask {
        task_of(&PinMemory::default(), [PinCounter::standard()].to_vec())
    }

    fn answer(task: &mut SimTask, line: &str, outcome: Outcome) -> Verdict {
        task.info(line);
        task.done(outcome)
    }

    fn ended(task: &mut SimTask) -> Option<PinEnd> {
        task.take_ended().map(|(_, end)| end)
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
        let mut sim = task();
        asked_for_pin(&mut sim, ICCID);
        assert_eq!(answer(&mut sim, "+CPINR: SIM PIN,3,3", OK), Verdict::Await);
        assert_eq!(sim.permitted(PinAnswer::Give), Verdict::More);
        sim
    }

    #[test]
    fn an_iccid_is_read_in_every_form() {
        for text in [
            "8935301234567890123",
            "\"8935301234567890123\"",
            "8935301234567890123F",
            "144,0,\"98530321436587092143\"",
            "98530321436587092143",
        ] {
            assert!(iccid(text).is_some_and(|digits| digits.starts_with("8935301234567890123")
                || digits == "89353012345678901234"), "{text}");
        }
        assert_eq!(iccid("8935"), None);
        assert_eq!(iccid("935301234567890123\""), None);
        assert_eq!(iccid("+CCID"), None);
    }

    #[test]
    fn a_pin_is_given_once_with_tries_to_spare_and_only_when_that_is_written_down() {
        let mut sim = task();
        asked_for_pin(&mut sim, ICCID);
        assert_eq!(sim.text(), "AT+CPINR=\"SIM PIN\"");
        assert_eq!(answer(&mut sim, "+CPINR: SIM PIN,2,3", OK), Verdict::Await);
        assert_ne!(sim.text(), "AT+CPIN=\"1234\"");
        let awaited = sim.awaited().unwrap();
        assert_eq!((awaited.iccid.as_deref(), awaited.tries_left), (Some(ICCID), 2));
        assert_eq!(sim.permitted(PinAnswer::Give), Verdict::More);
        assert_eq!(sim.text(), "AT+CPIN=\"1234\"");
        assert!(sim.open.is_some());
        assert_eq!(sim.done(OK), Verdict::Refused);
        assert_eq!(ended(&mut sim), Some(PinEnd::Taken));
        assert!(sim.open.is_none());
        assert_eq!(answer(&mut sim, "+CPIN: READY", OK), Verdict::Passed);
        assert_eq!(ended(&mut sim), None);
    }

    #[test]
    fn a_pin_that_may_not_be_given_is_kept_back() {
        for (answered, verdict) in [
            (PinAnswer::Refused, Verdict::Blocked(Why::PinRefused)),
            (PinAnswer::Unanswered, Verdict::Blocked(Why::PinNeeded)),
            (PinAnswer::NotNow, Verdict::Refused),
        ] {
            let mut sim = task();
            asked_for_pin(&mut sim, ICCID);
            answer(&mut sim, "+CPINR: SIM PIN,3,3", OK);
            assert_eq!(sim.permitted(answered), verdict);
            assert_eq!((sim.text().as_str(), sim.open), ("AT+CPIN?", None));
        }
        // An answer that comes too late changes nothing.
        let mut sim = task();
        asked_for_pin(&mut sim, ICCID);
        answer(&mut sim, "+CPINR: SIM PIN,3,3", OK);
        assert_eq!(answer(&mut sim, "+CPIN: READY", OK), Verdict::Passed);
        assert_eq!((sim.permitted(PinAnswer::Give), sim.open), (Verdict::More, None));
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
            let mut sim = task();
            asked_for_pin(&mut sim, iccid);
            assert_eq!(
                answer(&mut sim, line, outcome),
                Verdict::Blocked(Why::PinNeeded),
                "{line}"
            );
        }
        let mut uncounted = task_of(&PinMemory::default(), Vec::new());
        assert_eq!(answer(&mut uncounted, "+CPIN: SIM PIN", OK), Verdict::More);
        assert_eq!(answer(&mut uncounted, ICCID, OK), Verdict::Blocked(Why::PinNeeded));
    }

    #[test]
    fn a_card_that_refused_this_pin_is_not_even_counted_and_another_is() {
        let memory = |card: Option<&str>| PinMemory {
            refused_by: Some(card.map(ToOwned::to_owned)),
            ..PinMemory::default()
        };
        for (refused_by, told, verdict) in [
            (Some(ICCID), ICCID, Verdict::Blocked(Why::PinRefused)),
            (None, "", Verdict::Blocked(Why::PinRefused)),
            (Some("8900"), ICCID, Verdict::More),
        ] {
            let mut sim = task_of(&memory(refused_by), [PinCounter::standard()].to_vec());
            assert_eq!(answer(&mut sim, "+CPIN: SIM PIN", OK), Verdict::More);
            assert_eq!(answer(&mut sim, told, OK), verdict, "{refused_by:?}");
        }
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
        let mut sim = task_of(&PinMemory::default(), [vendor, PinCounter::standard()].to_vec());
        asked_for_pin(&mut sim, ICCID);
        assert_eq!(sim.text(), "AT+SPIC");
        assert_eq!(sim.done(ERROR), Verdict::More);
        assert_eq!(sim.text(), "AT+CPINR=\"SIM PIN\"");
    }

    #[test]
    fn a_refused_pin_is_told_once_and_remembered() {
        for outcome in [Outcome::Final(FinalResult::Cme(16)), ERROR] {
            let mut sim = given();
            assert_eq!(sim.done(outcome), Verdict::Blocked(Why::PinRefused));
            assert_eq!((ended(&mut sim), ended(&mut sim)), (Some(PinEnd::Refused), None));
            let mut memory = PinMemory::default();
            sim.remember(&mut memory);
            assert_eq!(memory.refused_by, Some(Some(ICCID.to_owned())));
            assert_eq!(memory.open, None);
        }
    }

    #[test]
    fn a_pin_whose_answer_was_lost_is_judged_by_the_counter() {
        for outcome in [Outcome::Silent, Outcome::Settled, Outcome::Final(FinalResult::Cme(14))] {
            let mut sim = given();
            assert_eq!(sim.done(outcome), Verdict::Refused);
            let mut memory = PinMemory::default();
            sim.remember(&mut memory);
            assert_eq!((ended(&mut sim), memory.refused_by), (None, None));
            assert_eq!(memory.open.map(|open| open.tries_left), Some(3));
            assert_eq!(sim.text(), "AT+CPIN?");
            asked_for_pin(&mut sim, ICCID);
            assert_eq!(answer(&mut sim, "+CPINR: SIM PIN,3,3", OK), Verdict::Await);
            assert_eq!(sim.permitted(PinAnswer::Give), Verdict::More);
            assert_eq!(sim.done(outcome), Verdict::Refused);
            asked_for_pin(&mut sim, ICCID);
            let refused = Verdict::Blocked(Why::PinRefused);
            assert_eq!(answer(&mut sim, "+CPINR: SIM PIN,2,3", OK), refused);
            assert_eq!((ended(&mut sim), sim.open), (Some(PinEnd::Refused), None));
        }
    }

    #[test]
    fn a_persons_pin_is_given_once_and_what_became_of_it_found_out() {
        let lost = || {
            let mut profile = Profile::smallest();
            profile.pin.counters = [PinCounter::standard()].to_vec();
            let mut sim = SimTask::by_person(Pin::from_digits("1234").unwrap(), Arc::new(profile));
            asked_for_pin(&mut sim, ICCID);
            assert_eq!(answer(&mut sim, "+CPINR: SIM PIN,3,3", OK), Verdict::Await);
            sim.permitted(PinAnswer::Give);
            assert_eq!(sim.done(Outcome::Silent), Verdict::Refused);
            sim
        };
        let mut taken = lost();
        assert_eq!(answer(&mut taken, "+CPIN: READY", OK), Verdict::Passed);
        assert_eq!(ended(&mut taken), Some(PinEnd::Taken));
        for (left, verdict, end) in [
            ("2", Verdict::Blocked(Why::PinRefused), Some(PinEnd::Refused)),
            ("3", Verdict::Blocked(Why::PinNeeded), None),
        ] {
            let mut sim = lost();
            asked_for_pin(&mut sim, ICCID);
            assert_eq!(
                answer(&mut sim, &alloc::format!("+CPINR: SIM PIN,{left},3"), OK),
                verdict
            );
            assert_eq!((ended(&mut sim), sim.open.is_some()), (end, end.is_none()));
        }
    }

    #[test]
    fn a_taken_pin_asked_for_again_is_not_given_again_in_the_same_step() {
        let mut sim = given();
        sim.done(OK);
        assert_eq!(answer(&mut sim, "+CPIN: SIM PIN", OK), Verdict::Blocked(Why::PinNeeded));
    }

    #[test]
    fn a_modem_that_does_not_know_the_question_is_believed_to_have_a_sim() {
        for nothing in [ERROR, OK] {
            let mut sim = task();
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
            let mut sim = task();
            assert_eq!(sim.done(Outcome::Final(FinalResult::Cme(code))), verdict, "{code}");
            assert_eq!(sim.why, why, "{code}");
        }
        let mut sim = task();
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
