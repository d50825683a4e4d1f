//! Sending one TPDU (27.005 clause 4.3): nothing has left before Ctrl-Z, anything may have after it.

use core::time::Duration;

use super::{Job, Modem, Phase};
use crate::at::{self, FinalResult, Outcome, Request, pdu};
use crate::base::{Instant, Now};
use crate::modem::submission::Submission;
use crate::modem::verbs::{Event, Silence, Submit, SubmitResult};
use crate::modem::why::Answer;

/// How long a `+CMGS` that comes too late still counts as the answer.
const EVIDENCE: Duration = Duration::from_secs(60);

impl Modem {
    pub(super) fn submit(&mut self, submit: Submit) {
        let busy = self.waiting.is_some() || matches!(self.job, Some(Job::Submit(_)));
        let taken = self.errands.ban.is_some() || self.errands.holds_the_line();
        if busy || taken || self.stopping || !matches!(self.phase, Phase::Serving) || self.trouble.settings_lost {
            self.tell(Event::Submitted(SubmitResult::NotSent(Answer::NoPrompt)));
            return;
        }
        self.waiting = Some(Submission {
            tpdu: submit.tpdu,
            committed: false,
            prompted: false,
            written_at: None,
            strange_lines: 0,
            told: None,
        });
    }

    /// It should rest until then, for what comes in; none when it may send. What cannot wait may be sent all the same.
    #[must_use]
    pub fn airs_until(&self, now: Instant) -> Option<Instant> {
        Some(self.air.until).filter(|until| *until > now)
    }

    /// What waits goes back at once when the modem has something else to do first: that may take an hour.
    pub(super) fn hand_back(&mut self) {
        let serves = matches!(self.phase, Phase::Serving) && !self.trouble.settings_lost;
        if !serves && self.waiting.take().is_some() {
            self.tell(Event::Submitted(SubmitResult::NotSent(Answer::NoPrompt)));
        }
    }

    /// `AT+CMGS` for what waits.
    pub(super) fn start_submit(&mut self, now: Now) {
        if let Some(submission) = self.waiting.take() {
            let timing = self.profile.timing;
            self.air.begins(now.monotonic, &timing);
            let octets = submission.tpdu.len();
            let request = Request::submit(octets, timing.prompt, timing.result, timing.settle);
            self.run(now, Job::Submit(submission), request);
        }
    }

    pub(super) fn prompted(&mut self, now: Now) {
        if let Some(Job::Submit(submission)) = &mut self.job {
            submission.prompted = true;
            let data = pdu::hex(&submission.tpdu);
            let finish = submission.committed;
            if finish {
                submission.written_at = Some(now.monotonic);
                submission.strange_lines = self.engine.counters().unknown;
            }
            self.engine.handle_command(now, at::Command::Write { data, finish });
        } else {
            // The submit ended while its prompt was on the way.
            self.engine.handle_command(now, at::Command::Escape);
        }
    }

    pub(super) fn commit(&mut self, now: Now) {
        if let Some(submission) = &mut self.waiting {
            submission.committed = true;
        } else if let Some(Job::Submit(submission)) = &mut self.job {
            submission.committed = true;
            if submission.prompted && submission.written_at.is_none() {
                submission.written_at = Some(now.monotonic);
                submission.strange_lines = self.engine.counters().unknown;
                let data = at::Transmit::new();
                self.engine
                    .handle_command(now, at::Command::Write { data, finish: true });
            }
        }
    }

    pub(super) fn withdraw(&mut self, now: Now) {
        let waited = self.waiting.take().is_some();
        if waited || self.leave_prompt_quietly(now) {
            self.tell(Event::Submitted(SubmitResult::NotSent(Answer::Withdrawn)));
        }
    }

    /// Gives up a submit before Ctrl-Z, as not sent.
    pub(super) fn leave_prompt(&mut self, now: Now) {
        if self.leave_prompt_quietly(now) {
            self.tell(Event::Submitted(SubmitResult::NotSent(Answer::NoPrompt)));
        }
    }

    fn leave_prompt_quietly(&mut self, now: Now) -> bool {
        let open = matches!(&self.job, Some(Job::Submit(submission)) if !submission.is_written());
        if open {
            // A prompt still on its way is left when it comes.
            if let Some(Job::Submit(submission)) = self.job.replace(Job::Leaving)
                && submission.prompted
            {
                self.engine.handle_command(now, at::Command::Escape);
            }
        }
        open
    }

    /// Ctrl-Z is written and nothing answered yet.
    pub(super) fn is_written(&self) -> bool {
        matches!(&self.job, Some(Job::Submit(submission)) if submission.is_written())
    }

    pub(super) fn submit_done(&mut self, now: Now, submission: Submission, outcome: Outcome) {
        self.inbox.submit_ended();
        let written = submission.is_written();
        let result = match submission.written_at {
            None => SubmitResult::NotSent(match outcome {
                Outcome::Final(result) => answer(result),
                Outcome::Settled | Outcome::Silent | Outcome::Escaped => Answer::NoPrompt,
            }),
            Some(written_at) => match (outcome, submission.told) {
                // What +CMGS said stands, whatever comes or does not come behind it.
                (_, Some((tp_mr, ack))) => SubmitResult::Accepted {
                    tp_mr: Some(tp_mr),
                    ack,
                },
                (Outcome::Final(FinalResult::Ok) | Outcome::Settled, None) => self.bare_ok(submission.strange_lines),
                (Outcome::Final(result), None) => SubmitResult::Failed {
                    answer: answer(result),
                    took: now.monotonic.since(written_at),
                },
                (Outcome::Silent | Outcome::Escaped, None) => SubmitResult::NoAnswer(Silence::Timeout),
            },
        };
        if written {
            self.air.ends(now.monotonic, &self.profile.timing);
        }
        self.tell(Event::Submitted(result));
        match result {
            SubmitResult::Accepted { .. } => self.worked(now),
            SubmitResult::NoAnswer(_) => {
                self.late_until = Some(now.monotonic + EVIDENCE);
                self.resync(now);
            }
            SubmitResult::NotSent(_) if outcome == Outcome::Silent => self.resync(now),
            SubmitResult::NotSent(_) | SubmitResult::Failed { .. } => {}
        }
    }
}

impl Modem {
    /// `OK` alone. Some models say no more, always or now and then; amid lines that answer somebody else's commands it may be the
    /// `OK` of another program on the same port, and proves nothing.
    fn bare_ok(&self, strange_lines: u64) -> SubmitResult {
        if self.engine.counters().unknown != strange_lines {
            SubmitResult::NoAnswer(Silence::Timeout)
        } else {
            SubmitResult::Accepted { tp_mr: None, ack: None }
        }
    }
}

pub(super) fn answer(result: FinalResult) -> Answer {
    match result {
        FinalResult::Cms(code) => Answer::Cms(code),
        FinalResult::Cme(code) => Answer::Cme(code),
        // OK ends nothing before Ctrl-Z, and is no failure after it.
        FinalResult::Error | FinalResult::Ok => Answer::Error,
    }
}
