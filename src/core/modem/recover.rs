//! When a modem stops answering or restarts: bring commands and answers into step, set it up again, ask for a fresh port, and wait
//! longer each time.

use core::time::Duration;

use super::bring_up::{Cursor, List};
use super::machine::{Job, Modem, Phase};
use super::profile::{Action, Learn, Step};
use super::state::State;
use super::verbs::{Event, PortAction, Silence, Why};
use crate::at::{self, parse};
use crate::base::{Instant, Now};

/// Pauses between attempts, by how many failed since it last worked.
const PAUSES: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];

/// Pause before a resynchronisation: what is still on its way arrives.
const CALM: Duration = Duration::from_secs(1);

/// How long the shell may take to open the port again.
const REOPEN: Duration = Duration::from_secs(30);

/// Restart markers within this time of each other belong to one start.
const ONE_START: Duration = Duration::from_secs(10);

/// Troubles since the last success after which settings are not trusted either.
const TROUBLES: u8 = 2;

/// Returned echoes believed since the port was opened: a modem that echoes as it likes is not set up for ever.
const ECHOES: u8 = 2;

/// What follows a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Bring commands and answers into step.
    Resync,
    /// Bring-up.
    BringUp,
    /// Bring-up, to see whether the SIM can be used by now.
    LookAtSim,
    /// A fresh port.
    Reopen,
}

/// What went wrong lately.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Attempts to bring it back that failed since it last worked.
    failures: usize,
    /// Resynchronisations since it last worked.
    troubles: u8,
    /// Answers out of step in a row.
    pub(super) strays: u8,
    echoes: u8,
    /// The modem shows signs of a restart that told nothing.
    pub(super) settings_lost: bool,
    restarted_at: Option<Instant>,
}

/// How long a SIM that cannot be used is left alone.
pub(super) const fn sim_pause(for_people: bool) -> Duration {
    if for_people {
        Duration::from_secs(60)
    } else {
        Duration::from_secs(10)
    }
}

/// ESC, AT until it answers, echo off, and the one answer that nothing else looks like.
pub(super) fn resync_steps() -> alloc::vec::Vec<Step> {
    [
        Step::of("attention", Action::Attention).essential(1),
        Step::send("ATE0"),
        Step::learn(&["AT+CGSN"], Learn::Imei).essential(3),
    ]
    .to_vec()
}

impl Modem {
    pub(super) fn port_opened(&mut self, now: Now) {
        self.abandon(now, Silence::PortLost);
        self.trouble.echoes = 0;
        let state = match self.state {
            State::Absent | State::Starting | State::Ready => State::Starting,
            State::Degraded(_)
            | State::Recovering(_)
            | State::Failed(_)
            | State::Quarantined(_)
            | State::Drained
            | State::Disabled => self.state,
        };
        self.bring_up(now, state);
    }

    pub(super) fn port_lost(&mut self, now: Now) {
        self.abandon(now, Silence::PortLost);
        self.phase = Phase::Absent;
        self.enter(State::Absent);
    }

    /// The modem does not answer, or answers out of step.
    pub(super) fn resync(&mut self, now: Now) {
        self.trouble.troubles = self.trouble.troubles.saturating_add(1);
        self.trouble.strays = 0;
        self.abandon(now, Silence::Timeout);
        self.enter(State::Recovering(Why::NotAnswering));
        self.phase = Phase::Pause {
            until: now.monotonic + CALM,
            then: Next::Resync,
        };
    }

    pub(super) fn after_pause(&mut self, now: Now, then: Next) {
        match then {
            Next::Resync => self.phase = Phase::Steps(Cursor::new(List::Resync, now.monotonic)),
            Next::BringUp | Next::LookAtSim => self.bring_up(now, self.state),
            Next::Reopen => self.ask_for_port(now),
        }
    }

    /// In step again: back to work, unless that was not enough the last time.
    pub(super) fn resynchronised(&mut self, now: Now) {
        if self.trouble.troubles >= TROUBLES {
            self.bring_up(now, State::Recovering(Why::NotAnswering));
        } else {
            self.inbox.list_now(now.monotonic);
        }
    }

    /// Waits before the next attempt, longer each time and never in step with other modems.
    pub(super) fn pause(&mut self, now: Now, then: Next) {
        let pause = PAUSES
            .get(self.trouble.failures)
            .or(PAUSES.last())
            .copied()
            .unwrap_or(CALM);
        self.trouble.failures += 1;
        // Every third time the port is suspected too.
        let then = if self.trouble.failures.is_multiple_of(3) {
            Next::Reopen
        } else {
            then
        };
        let jitter = Duration::from_millis(self.random.u64(0..1000));
        self.phase = Phase::Pause {
            until: now.monotonic + pause + jitter,
            then,
        };
    }

    pub(super) fn ask_for_port(&mut self, now: Now) {
        self.tell(Event::Port(PortAction::Reopen));
        self.phase = Phase::Reopening {
            until: now.monotonic + REOPEN,
        };
    }

    /// The same, but not while the answer to a submit may still come: it would be lost with the port.
    pub(super) fn ask_for_port_after_evidence(&mut self, now: Now) {
        match self.late_until {
            Some(until) if now.monotonic < until => {
                self.phase = Phase::Pause {
                    until,
                    then: Next::Reopen,
                }
            }
            Some(_) | None => self.ask_for_port(now),
        }
    }

    /// It works: what went wrong before is forgotten.
    pub(super) fn worked(&mut self) {
        self.trouble.failures = 0;
        self.trouble.troubles = 0;
        self.trouble.strays = 0;
    }

    /// The modem says that it has just started.
    pub(super) fn restarted(&mut self, now: Now, certain: bool) {
        let recent = self
            .trouble
            .restarted_at
            .is_some_and(|at| now.monotonic.since(at) < ONE_START);
        let same_start = match &self.phase {
            Phase::Steps(cursor) => recent || cursor.is_at_start(),
            Phase::Serving | Phase::Pause { .. } => recent && !certain,
            Phase::Absent | Phase::Reopening { .. } => true,
        };
        self.trouble.restarted_at = Some(now.monotonic);
        if same_start {
            return;
        }
        self.abandon(now, Silence::ModemReset);
        self.tell(Event::Restarted);
        self.bring_up(now, State::Recovering(Why::Restarted));
    }

    /// Echo is on again: so are all the other defaults, text mode among them, in which a PDU would go out as a text.
    pub(super) fn echo_returned(&mut self, now: Now) {
        let at_start = match &self.phase {
            Phase::Steps(cursor) => cursor.is_at_start().then_some(cursor.list),
            Phase::Absent | Phase::Serving | Phase::Pause { .. } | Phase::Reopening { .. } => None,
        };
        if self.trouble.echoes >= ECHOES || at_start == Some(List::BringUp) {
            return;
        }
        self.trouble.echoes += 1;
        // It fell silent because it restarted: being in step again is not enough.
        if at_start == Some(List::Resync) {
            self.trouble.settings_lost = true;
            return;
        }
        self.leave_prompt(now);
        match self.phase {
            Phase::Serving => self.lose_settings(Why::Restarted),
            Phase::Steps(_) => self.restart_steps(now),
            Phase::Absent | Phase::Pause { .. } | Phase::Reopening { .. } => {}
        }
    }

    /// Bring-up follows as soon as the outstanding command has ended; until then nothing is sent.
    fn lose_settings(&mut self, why: Why) {
        self.trouble.settings_lost = true;
        self.enter(State::Recovering(why));
    }

    /// Steps from the begin, once the outstanding command has ended.
    fn restart_steps(&mut self, now: Now) {
        let list = match &self.phase {
            Phase::Steps(cursor) => cursor.list,
            Phase::Absent | Phase::Serving | Phase::Pause { .. } | Phase::Reopening { .. } => return,
        };
        if self.job.is_some() {
            self.job = Some(Job::Leaving);
        }
        self.phase = Phase::Steps(Cursor::new(list, now.monotonic));
    }

    /// A final result nobody waits for. Twice without a command that ended well in between: out of step.
    pub(super) fn stray(&mut self, now: Now) {
        self.trouble.strays = self.trouble.strays.saturating_add(1);
        if self.trouble.strays >= 2 && matches!(self.phase, Phase::Serving) && !self.is_written() {
            self.resync(now);
        }
    }

    /// The line holds the IMEI known before, or none is known.
    pub(super) fn is_same_imei(&self, line: &str) -> bool {
        let digits = parse::digits(line);
        (14..=17).contains(&digits.len()) && self.identity.imei.as_deref().is_none_or(|imei| imei == digits)
    }

    /// What the modem says by itself.
    pub(super) fn urc(&mut self, now: Now, urc: at::Urc) {
        match urc {
            at::Urc::Stored { memory, index } => self.announced(now, memory, index),
            at::Urc::Registration(domain, line) => self.registration_told(domain, line),
            at::Urc::Sim(state) => self.sim_told(now, state),
            at::Urc::Restarted => self.restarted(now, true),
            at::Urc::Booting => self.restarted(now, false),
            at::Urc::StorageFull => self.inbox.list_now(now.monotonic),
            at::Urc::LateSubmit(tp_mr) => {
                if self.late_until.take().is_some_and(|until| now.monotonic <= until) {
                    self.tell(Event::LateResult { tp_mr });
                }
            }
            // A PDU line follows an announcement; the engine keeps those two together.
            at::Urc::Announced(..) | at::Urc::SmsReady | at::Urc::Ring | at::Urc::Ignored => {}
        }
    }

    fn sim_told(&mut self, now: Now, state: at::urc::SimState) {
        use at::urc::SimState;
        match (&self.phase, state) {
            (Phase::Serving, SimState::Ready) => {}
            // Gone while serving: bring-up finds out what it is, and waits for it to come back.
            (Phase::Serving, SimState::NotReady | SimState::Absent | SimState::Locked | SimState::PinNeeded) => {
                let why = if state == SimState::Absent {
                    Why::NoSim
                } else {
                    Why::SimBusy
                };
                self.lose_settings(why);
            }
            (
                Phase::Pause {
                    then: Next::LookAtSim, ..
                },
                SimState::Ready,
            ) => self.after_pause(now, Next::LookAtSim),
            (Phase::Absent | Phase::Steps(_) | Phase::Pause { .. } | Phase::Reopening { .. }, _) => {}
        }
    }
}
