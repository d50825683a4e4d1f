//! Sending one TPDU (27.005 clause 4.3): nothing has left before Ctrl-Z, anything may have after it.

use core::time::Duration;

use super::machine::{Job, Modem, Phase};
use super::profile::Timing;
use super::verbs::{AckPdu, Answer, Event, Silence, Submit, SubmitResult, Tpdu};
use crate::at::{self, FinalResult, Outcome, Request, parse, pdu};
use crate::base::{Instant, Now};

/// How long a `+CMGS` that comes too late still counts as the answer.
const EVIDENCE: Duration = Duration::from_secs(60);

/// What the kept link owes to what comes in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Air {
    /// Texts in a row, the link held all along.
    texts: u16,
    /// When the last of them ended.
    last: Instant,
    until: Instant,
}

impl Air {
    /// A text begins: after a pause as long the link was let go in between.
    fn begins(&mut self, now: Instant, timing: &Timing) {
        if now.since(self.last) >= timing.air {
            self.texts = 0;
        }
    }

    /// A text went out.
    fn ends(&mut self, now: Instant, timing: &Timing) {
        self.last = now;
        self.texts = self.texts.saturating_add(1);
        if self.texts >= timing.air_every {
            self.texts = 0;
            self.until = now + timing.air;
        }
    }
}

/// A submit under way.
pub(super) struct Submission {
    tpdu: Tpdu,
    committed: bool,
    prompted: bool,
    /// When Ctrl-Z was written.
    written_at: Option<Instant>,
    /// Lines that nobody here asked for, until Ctrl-Z was written.
    strange_lines: u64,
    /// From `+CMGS`.
    told: Option<(u8, Option<AckPdu>)>,
}

impl core::fmt::Debug for Submission {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Submission({} octets, {:?})", self.tpdu.len(), self.written_at)
    }
}

impl Submission {
    pub(super) fn is_written(&self) -> bool {
        self.written_at.is_some()
    }

    /// How it ends when nothing more will be heard.
    pub(super) fn abandoned(&self, silence: Silence) -> SubmitResult {
        match (self.told, self.written_at) {
            (Some((tp_mr, ack)), _) => SubmitResult::Accepted {
                tp_mr: Some(tp_mr),
                ack,
            },
            (None, Some(_)) => SubmitResult::NoAnswer(silence),
            (None, None) => SubmitResult::NotSent(Answer::NoPrompt),
        }
    }

    /// A line of the answer.
    pub(super) fn info(&mut self, line: &str) {
        let rest = parse::split_prefix(line).map_or("", |(_, rest)| rest);
        if let Some((tp_mr, ack)) = parse::submitted(rest) {
            let ack = ack
                .filter(|hex| parse::is_hex(hex))
                .and_then(|hex| AckPdu::from_octets(&acknowledgement(hex)));
            self.told = Some((tp_mr, ack));
        }
    }
}

/// The TPDU in an `<ackpdu>`. Its length is told nowhere: it is what follows the service-centre address.
fn acknowledgement(hex: &str) -> Tpdu {
    let centre = hex
        .get(..2)
        .and_then(|octet| u16::from_str_radix(octet, 16).ok())
        .unwrap_or_default();
    let octets = u16::try_from(hex.len() / 2).unwrap_or_default();
    pdu::pdu(hex, octets.saturating_sub(centre + 1)).tpdu
}

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
