//! Steps of bring-up about the network: the service centre of the SIM, and a network choice somebody left behind in the modem.

use alloc::string::String;
use core::fmt::Write as _;

use super::task::Verdict;
use crate::at::request::Text;
use crate::at::{FinalResult, Outcome, parse};
use crate::base::PhoneNumber;

fn accepted(outcome: Outcome) -> Option<bool> {
    match outcome {
        Outcome::Final(FinalResult::Ok) | Outcome::Settled => Some(true),
        Outcome::Final(FinalResult::Error | FinalResult::Cms(_) | FinalResult::Cme(_)) => Some(false),
        Outcome::Silent | Outcome::Escaped => None,
    }
}

/// Reading the service centre, and setting it where another one is configured (27.005 clause 3.3.1).
#[derive(Debug)]
pub(super) struct CentreTask {
    wanted: Option<PhoneNumber>,
    /// As told: digits, perhaps with a plus.
    pub(super) told: String,
    /// Settings tried: as it should be, then without the plus that some firmware doubles.
    tried: u8,
    setting: bool,
}

impl CentreTask {
    pub(super) fn new(wanted: Option<PhoneNumber>) -> Self {
        Self {
            wanted,
            told: String::new(),
            tried: 0,
            setting: false,
        }
    }

    pub(super) fn text(&self) -> Text {
        let mut text = Text::new();
        let number = self.wanted.as_ref().map_or("", PhoneNumber::as_e164);
        // All of them are short.
        let _ = match (self.setting, self.tried) {
            (false, _) => write!(text, "AT+CSCA?"),
            (true, 0 | 1) => write!(text, "AT+CSCA=\"{number}\",145"),
            (true, _) => write!(text, "AT+CSCA=\"{}\",145", number.trim_start_matches('+')),
        };
        text
    }

    pub(super) fn info(&mut self, line: &str) {
        if let Some(("+CSCA", rest)) = parse::split_prefix(line) {
            self.told = parse::params(rest).first().copied().unwrap_or_default().into();
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        let Some(accepted) = accepted(outcome) else {
            return Verdict::Silent;
        };
        if core::mem::take(&mut self.setting) {
            return Verdict::More;
        }
        let Some(wanted) = &self.wanted else {
            return if accepted { Verdict::Passed } else { Verdict::Refused };
        };
        if self.told.trim_start_matches('+') == wanted.as_e164().trim_start_matches('+') {
            return Verdict::Passed;
        }
        if self.tried >= 2 {
            return Verdict::Refused;
        }
        self.tried += 1;
        self.setting = true;
        Verdict::More
    }
}

/// Automatic choice of the network, where the modem was left without one, or with one it cannot have (27.007 clause 7.3): a
/// manual choice outlives everything in the modem's own memory.
#[derive(Debug, Default)]
pub(super) struct OperatorTask {
    /// Mode, and whether an operator is told.
    told: Option<(u16, bool)>,
    repairing: bool,
}

impl OperatorTask {
    /// Automatic.
    const AUTOMATIC: u16 = 0;

    pub(super) fn text(&self) -> Text {
        Text::try_from(if self.repairing { "AT+COPS=0" } else { "AT+COPS?" }).unwrap_or_default()
    }

    pub(super) fn info(&mut self, line: &str) {
        if let Some(("+COPS", rest)) = parse::split_prefix(line) {
            self.told = parse::operator(rest).map(|(mode, name, _)| (mode, !name.is_empty()));
        }
    }

    pub(super) fn done(&mut self, outcome: Outcome) -> Verdict {
        if accepted(outcome).is_none() {
            return Verdict::Silent;
        }
        match self.told.take() {
            Some((mode, there)) if mode != Self::AUTOMATIC && !there => {
                self.repairing = true;
                Verdict::More
            }
            Some(_) | None => Verdict::Passed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Outcome = Outcome::Final(FinalResult::Ok);
    const ERROR: Outcome = Outcome::Final(FinalResult::Error);

    fn centre() -> CentreTask {
        CentreTask::new(PhoneNumber::from_e164("+353870000001").ok())
    }

    fn answer(task: &mut CentreTask, line: &str) -> Verdict {
        task.info(line);
        task.done(OK)
    }

    #[test]
    fn another_centre_is_set_and_read_again() {
        let mut task = centre();
        assert_eq!(answer(&mut task, "+CSCA: \"+353870000002\",145"), Verdict::More);
        assert_eq!(task.text(), "AT+CSCA=\"+353870000001\",145");
        assert_eq!(task.done(OK), Verdict::More);
        assert_eq!(task.text(), "AT+CSCA?");
        assert_eq!(answer(&mut task, "+CSCA: \"+353870000001\",145"), Verdict::Passed);
    }

    #[test]
    fn a_plus_more_or_less_is_no_difference_or_is_mended() {
        assert_eq!(answer(&mut centre(), "+CSCA: \"353870000001\",145"), Verdict::Passed);
        let mut task = centre();
        assert_eq!(answer(&mut task, "+CSCA: \"\",129"), Verdict::More);
        assert_eq!(task.done(ERROR), Verdict::More);
        assert_eq!(answer(&mut task, "+CSCA: \"\",129"), Verdict::More);
        assert_eq!(task.text(), "AT+CSCA=\"353870000001\",145");
        assert_eq!(task.done(OK), Verdict::More);
        assert_eq!(answer(&mut task, "+CSCA: \"FF\",129"), Verdict::Refused);
    }

    #[test]
    fn without_a_wish_the_centre_is_only_read() {
        let mut task = CentreTask::new(None);
        assert_eq!(answer(&mut task, "+CSCA: \"+353870000002\",145"), Verdict::Passed);
        assert_eq!(task.told, "+353870000002");
    }

    #[test]
    fn a_choice_that_stands_in_the_way_is_undone_and_no_other() {
        for (line, verdict) in [
            ("+COPS: 2", Verdict::More),
            ("+COPS: 1", Verdict::More),
            ("+COPS: 4", Verdict::More),
            ("+COPS: 1,2,\"27201\",7", Verdict::Passed),
            ("+COPS: 0", Verdict::Passed),
            ("+COPS: 0,0,\"An Operator\",7", Verdict::Passed),
        ] {
            let mut task = OperatorTask::default();
            task.info(line);
            assert_eq!(task.done(OK), verdict, "{line}");
            if verdict == Verdict::More {
                assert_eq!(task.text(), "AT+COPS=0");
                assert_eq!(task.done(ERROR), Verdict::Passed);
            }
        }
        let mut mute = OperatorTask::default();
        assert_eq!(mute.done(ERROR), Verdict::Passed);
    }
}
