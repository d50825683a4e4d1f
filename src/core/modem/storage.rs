//! Choosing where received messages are kept and how they are announced (27.005 clauses 3.2.2 and 3.4.1): offered, set, and read
//! back, because firmware lies.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::profile::Quirks;
use super::task::Verdict;
use crate::at::request::Text;
use crate::at::{FinalResult, Memory, Outcome, parse};

/// Storages one modem has for reading.
pub(super) type Memories = heapless::Vec<Memory, 8>;

/// Switched through where nothing arrives otherwise.
const TOGGLE: [Memory; 4] = [Memory::ME, Memory::MT, Memory::SM, Memory::ME];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Test,
    Set { candidate: usize, all: bool },
    Ask { candidate: usize },
}

/// Choosing the storage.
#[derive(Debug)]
pub(super) struct StorageTask {
    /// Switching through [`TOGGLE`], before all else.
    toggle: Option<usize>,
    turn: Turn,
    wished: Vec<Memory>,
    /// All three uses are named first, the reading one alone after a refusal.
    all_uses: bool,
    offered: Option<[Memories; 3]>,
    /// Read back.
    told: Option<Memory>,
    /// Chosen; none when the modem has no such command.
    pub(super) chosen: Option<Memory>,
}

impl StorageTask {
    pub(super) fn new(wished: &[Memory], quirks: Quirks) -> Self {
        Self {
            turn: Turn::Test,
            toggle: quirks.toggle_storages.then_some(0),
            all_uses: !quirks.one_storage,
            wished: wished.to_vec(),
            offered: None,
            told: None,
            chosen: None,
        }
    }

    /// Storages that can be read, the chosen one first.
    pub(super) fn readable(&self) -> Memories {
        let mut readable: Memories = self.chosen.into_iter().collect();
        // A modem that would not say is asked for both; what is not there is refused, and that is the end of it.
        let offered = match &self.offered {
            Some([reading, ..]) => reading.as_slice(),
            None if readable.is_empty() => &[],
            None => &[Memory::ME, Memory::SM],
        };
        for memory in offered {
            if !readable.contains(memory) {
                // There are no more names than places.
                let _ = readable.push(*memory);
            }
        }
        readable
    }

    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        // All of them are short.
        if let Some(memory) = self.toggle.and_then(|at| TOGGLE.get(at)) {
            let _ = write!(text, "AT+CPMS=\"{memory}\",\"{memory}\",\"{memory}\"");
            return text;
        }
        let _ = match self.turn {
            Turn::Test => write!(text, "AT+CPMS=?"),
            Turn::Set { candidate, all } => match (self.wished.get(candidate), all) {
                (Some(memory), true) => write!(text, "AT+CPMS=\"{memory}\",\"{memory}\",\"{memory}\""),
                (Some(memory), false) => write!(text, "AT+CPMS=\"{memory}\""),
                (None, _) => write!(text, "AT+CPMS?"),
            },
            Turn::Ask { .. } => write!(text, "AT+CPMS?"),
        };
        text
    }

    pub(super) fn info(&mut self, line: &str) {
        let Some(("+CPMS", rest)) = parse::split_prefix(line) else {
            return;
        };
        match self.turn {
            // A name and two numbers are the late answer to a question for what is used.
            Turn::Test
                if parse::params(rest)
                    .get(1)
                    .is_some_and(|second| second.parse::<u16>().is_ok()) => {}
            Turn::Test => self.offered = Some(parse::storages(rest)).filter(|[reading, ..]| !reading.is_empty()),
            Turn::Set { .. } => {}
            Turn::Ask { .. } => self.told = parse::params(rest).first().and_then(|name| Memory::from_name(name)),
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        let accepted = match outcome {
            Outcome::Final(FinalResult::Ok) | Outcome::Settled => true,
            Outcome::Final(FinalResult::Error | FinalResult::Cms(_) | FinalResult::Cme(_)) => false,
            Outcome::Silent | Outcome::Escaped => return Verdict::Silent,
        };
        if let Some(at) = self.toggle {
            self.toggle = Some(at + 1).filter(|next| *next < TOGGLE.len());
            return Verdict::More;
        }
        match self.turn {
            Turn::Test => self.set(0),
            Turn::Set { candidate, .. } if accepted => {
                self.turn = Turn::Ask { candidate };
                Verdict::More
            }
            Turn::Set { candidate, all: true } => {
                self.turn = Turn::Set { candidate, all: false };
                Verdict::More
            }
            Turn::Set { candidate, all: false } => self.set(candidate + 1),
            Turn::Ask { candidate } => {
                self.chosen = self.told.or_else(|| self.wished.get(candidate).copied());
                Verdict::Passed
            }
        }
    }

    /// The next wish from `candidate` on that the modem offers for all three uses.
    fn set(&mut self, candidate: usize) -> Verdict {
        let offered = self.offered.as_ref();
        let fits = |memory: &Memory| {
            offered.is_none_or(|uses| {
                uses.iter()
                    .all(|memories| memories.is_empty() || memories.contains(memory))
            })
        };
        let next = (candidate..self.wished.len()).find(|at| self.wished.get(*at).is_some_and(fits));
        match next {
            Some(candidate) => {
                self.turn = Turn::Set {
                    candidate,
                    all: self.all_uses,
                };
                Verdict::More
            }
            None => {
                self.turn = Turn::Test;
                Verdict::Refused
            }
        }
    }
}

/// Choosing the notifications.
#[derive(Debug)]
pub(super) struct NotificationTask {
    turn: Turn,
    wished: Vec<String>,
    /// Ranges of the five parameters.
    offered: Option<heapless::Vec<heapless::String<32>, 5>>,
    told: Option<heapless::String<32>>,
    /// Taken; none when the modem announces nothing.
    pub(super) chosen: Option<usize>,
}

impl NotificationTask {
    pub(super) fn new(wished: &[String]) -> Self {
        Self {
            turn: Turn::Test,
            wished: wished.to_vec(),
            offered: None,
            told: None,
            chosen: None,
        }
    }

    /// What was taken.
    pub(super) fn parameters(&self) -> Option<String> {
        self.chosen.and_then(|at| self.wished.get(at)).cloned()
    }

    /// Status reports are stored, not routed: the fourth parameter is 2.
    pub(super) fn stores_reports(&self) -> bool {
        let chosen = self.chosen.and_then(|at| self.wished.get(at));
        chosen.is_some_and(|parameters| parameters.split(',').nth(3) == Some("2"))
    }

    fn wish(&self, candidate: usize) -> &str {
        self.wished.get(candidate).map_or("", String::as_str)
    }

    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        // All of them are short: the profile's check bounds the parameters.
        let _ = match self.turn {
            Turn::Test => write!(text, "AT+CNMI=?"),
            Turn::Set { candidate, .. } => write!(text, "AT+CNMI={}", self.wish(candidate)),
            Turn::Ask { .. } => write!(text, "AT+CNMI?"),
        };
        text
    }

    pub(super) fn info(&mut self, line: &str) {
        let Some(("+CNMI", rest)) = parse::split_prefix(line) else {
            return;
        };
        match self.turn {
            Turn::Test => {
                let groups = parse::params(rest);
                let ranges = groups
                    .iter()
                    .take(5)
                    .filter_map(|group| heapless::String::try_from(*group).ok());
                self.offered = Some(ranges.collect());
            }
            Turn::Set { .. } => {}
            Turn::Ask { .. } => {
                self.told = heapless::String::try_from(rest.get(..rest.len().min(32)).unwrap_or_default()).ok();
            }
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        let accepted = match outcome {
            Outcome::Final(FinalResult::Ok) | Outcome::Settled => true,
            Outcome::Final(FinalResult::Error | FinalResult::Cms(_) | FinalResult::Cme(_)) => false,
            Outcome::Silent | Outcome::Escaped => return Verdict::Silent,
        };
        match self.turn {
            Turn::Test => self.set(0),
            Turn::Set { candidate, .. } if accepted => {
                self.told = None;
                self.turn = Turn::Ask { candidate };
                Verdict::More
            }
            Turn::Set { candidate, .. } => self.set(candidate + 1),
            Turn::Ask { candidate } if self.reads_back(candidate) => {
                self.chosen = Some(candidate);
                Verdict::Passed
            }
            Turn::Ask { candidate } => self.set(candidate + 1),
        }
    }

    /// What was set is what is told; a modem that cannot be asked is believed.
    fn reads_back(&self, candidate: usize) -> bool {
        let Some(told) = &self.told else { return true };
        let told = parse::params(told);
        let wish = self.wish(candidate).split(',');
        wish.zip(told.iter()).all(|(wished, told)| wished == *told)
    }

    fn set(&mut self, candidate: usize) -> Verdict {
        let next = (candidate..self.wished.len()).find(|at| self.is_offered(*at));
        match next {
            Some(candidate) => {
                self.turn = Turn::Set { candidate, all: true };
                Verdict::More
            }
            None => {
                self.turn = Turn::Test;
                Verdict::Refused
            }
        }
    }

    fn is_offered(&self, candidate: usize) -> bool {
        let Some(ranges) = &self.offered else { return true };
        let wish = self.wish(candidate).split(',').filter_map(parse::number);
        wish.zip(ranges.iter())
            .all(|(value, range)| parse::allows(range, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const OK: Outcome = Outcome::Final(FinalResult::Ok);
    const ERROR: Outcome = Outcome::Final(FinalResult::Error);

    /// Follows a task through `(command, line, outcome)`.
    macro_rules! follow {
        ($task:ident, $dialogue:expr, $end:expr) => {
            let dialogue: &[(&str, &str, Outcome)] = $dialogue;
            for (at, (command, line, outcome)) in dialogue.iter().enumerate() {
                assert_eq!($task.text(), *command);
                if !line.is_empty() {
                    $task.info(line);
                }
                let last = at + 1 == dialogue.len();
                assert_eq!(
                    $task.done(*outcome),
                    if last { $end } else { Verdict::More },
                    "{command}"
                );
            }
        };
    }

    fn storage() -> StorageTask {
        StorageTask::new(&[Memory::ME, Memory::SM, Memory::MT], Quirks::default())
    }

    #[test]
    fn the_first_storage_offered_for_all_uses_is_taken() {
        let mut task = storage();
        follow!(
            task,
            &[
                ("AT+CPMS=?", "+CPMS: (\"ME\",\"SM\"),(\"SM\"),(\"SM\",\"ME\")", OK),
                ("AT+CPMS=\"SM\",\"SM\",\"SM\"", "+CPMS: 0,30,0,30,0,30", OK),
                ("AT+CPMS?", "+CPMS: \"SM\",0,30,\"SM\",0,30,\"SM\",0,30", OK),
            ],
            Verdict::Passed
        );
        assert_eq!(task.chosen, Some(Memory::SM));
        assert_eq!(task.readable().as_slice(), [Memory::SM, Memory::ME]);
    }

    #[test]
    fn a_late_answer_to_another_question_is_no_list() {
        let mut task = storage();
        follow!(
            task,
            &[
                ("AT+CPMS=?", "+CPMS: \"ME\",0,30,\"ME\",0,30,\"ME\",0,30", OK),
                (
                    "AT+CPMS=\"ME\",\"ME\",\"ME\"",
                    "+CPMS: (\"ME\",\"SM\"),(\"ME\",\"SM\")",
                    OK
                ),
                ("AT+CPMS?", "+CPMS: \"ME\",0,30,\"ME\",0,30,\"ME\",0,30", OK),
            ],
            Verdict::Passed
        );
        assert_eq!(task.chosen, Some(Memory::ME));
        assert_eq!(
            task.readable().as_slice(),
            [Memory::ME, Memory::SM],
            "both are looked into"
        );
    }

    #[test]
    fn wavecom_takes_one_parameter_only() {
        let mut task = storage();
        follow!(
            task,
            &[
                ("AT+CPMS=?", "+CPMS: ((\"SM\",\"BM\",\"SR\"),(\"SM\"))", OK),
                ("AT+CPMS=\"SM\",\"SM\",\"SM\"", "", ERROR),
                ("AT+CPMS=\"SM\"", "+CPMS: 1,20", OK),
                ("AT+CPMS?", "+CPMS: \"SM\",1,20", OK),
            ],
            Verdict::Passed
        );
        assert_eq!(task.chosen, Some(Memory::SM));
    }

    #[test]
    fn a_quirk_names_one_storage_from_the_begin() {
        let quirks = Quirks {
            one_storage: true,
            ..Quirks::default()
        };
        let mut task = StorageTask::new(&[Memory::SM], quirks);
        follow!(
            task,
            &[
                ("AT+CPMS=?", "+CPMS: ((\"SM\",\"BM\",\"SR\"),(\"SM\"))", OK),
                ("AT+CPMS=\"SM\"", "+CPMS: 1,20", OK),
                ("AT+CPMS?", "+CPMS: \"SM\",1,20", OK),
            ],
            Verdict::Passed
        );
    }

    #[test]
    fn a_quirk_switches_through_the_storages_first() {
        let quirks = Quirks {
            toggle_storages: true,
            ..Quirks::default()
        };
        let mut task = StorageTask::new(&[Memory::ME], quirks);
        follow!(
            task,
            &[
                ("AT+CPMS=\"ME\",\"ME\",\"ME\"", "", OK),
                ("AT+CPMS=\"MT\",\"MT\",\"MT\"", "", ERROR),
                ("AT+CPMS=\"SM\",\"SM\",\"SM\"", "", OK),
                ("AT+CPMS=\"ME\",\"ME\",\"ME\"", "", OK),
                ("AT+CPMS=?", "+CPMS: (\"ME\"),(\"ME\"),(\"ME\")", OK),
                ("AT+CPMS=\"ME\",\"ME\",\"ME\"", "", OK),
                ("AT+CPMS?", "+CPMS: \"ME\",1,20", OK),
            ],
            Verdict::Passed
        );
    }

    #[test]
    fn what_reads_back_is_what_is_used() {
        let mut task = storage();
        follow!(
            task,
            &[
                ("AT+CPMS=?", "", ERROR),
                ("AT+CPMS=\"ME\",\"ME\",\"ME\"", "", OK),
                ("AT+CPMS?", "+CPMS: \"SM\",1,20", OK),
            ],
            Verdict::Passed
        );
        assert_eq!(task.chosen, Some(Memory::SM));
    }

    #[test]
    fn a_modem_without_the_command_has_no_storage() {
        let mut task = storage();
        while task.done(ERROR) == Verdict::More {}
        assert_eq!(task.chosen, None);
        assert!(task.readable().is_empty());
    }

    fn notification() -> NotificationTask {
        NotificationTask::new(&["2,1,0,1,0", "1,1,0,1,0", "2,1,0,2,0", "2,1"].map(|n| n.to_string()))
    }

    #[test]
    fn a_notification_is_offered_accepted_and_read_back() {
        let mut task = notification();
        follow!(
            task,
            &[
                ("AT+CNMI=?", "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", OK),
                ("AT+CNMI=2,1,0,1,0", "", OK),
                ("AT+CNMI?", "+CNMI: 2,1,0,1,0", OK),
            ],
            Verdict::Passed
        );
        assert_eq!(task.chosen, Some(0));
        assert!(!task.stores_reports());
    }

    #[test]
    fn what_is_not_offered_is_not_tried_and_what_does_not_stick_is_left() {
        let mut task = notification();
        follow!(
            task,
            &[
                ("AT+CNMI=?", "+CNMI: (1,2),(0-3),(0),(0,1,2),0", OK),
                ("AT+CNMI=2,1,0,1,0", "", ERROR),
                ("AT+CNMI=1,1,0,1,0", "", OK),
                ("AT+CNMI?", "+CNMI: 1,1,0,0,0", OK),
                ("AT+CNMI=2,1,0,2,0", "", OK),
                ("AT+CNMI?", "", ERROR),
            ],
            Verdict::Passed
        );
        assert_eq!(task.chosen, Some(2));
        assert!(task.stores_reports());
    }

    #[test]
    fn ranges_out_of_reach_leave_the_short_form() {
        let mut task = notification();
        task.info("+CNMI: (0-2),(0,1),(0),(0),(0)");
        assert_eq!(task.done(OK), Verdict::More);
        assert_eq!(task.text(), "AT+CNMI=2,1");
        assert_eq!(task.done(ERROR), Verdict::Refused);
        assert_eq!(task.chosen, None);
    }
}
