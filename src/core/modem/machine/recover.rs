//! When a modem stops answering, answers out of step, restarts or says what changes everything. What is then done about it, step by
//! step, is `climb`'s part.

use core::time::Duration;

use super::{Job, Modem, Phase};
use crate::at::{self, parse};
use crate::base::{Instant, Now};
use crate::modem::cursor::{Cursor, List};
use crate::modem::ladder::{Fault, Level};
use crate::modem::profile::{Action, Learn, Step};
use crate::modem::state::State;
use crate::modem::trouble::{LOOP_WITHIN, Next};
use crate::modem::verbs::{Event, Silence};
use crate::modem::why::Why;

/// Pause before a resynchronisation: what is still on its way arrives.
pub(super) const CALM: Duration = Duration::from_secs(1);

/// Restart markers within this time of each other belong to one start.
const ONE_START: Duration = Duration::from_secs(10);

/// Resynchronisations in one trouble after which settings are not trusted either.
const RESYNCS: u8 = 2;

/// Returned echoes believed within [`ECHOES_WITHIN`] of each other: a modem that echoes as it likes is not set up for ever.
const ECHOES: u8 = 2;
const ECHOES_WITHIN: Duration = Duration::from_secs(3_600);

/// A modem that was given up as silent and speaks is looked at after this, and so often at most.
const HEARD: Duration = Duration::from_secs(10);
const HEARD_EVERY: Duration = Duration::from_secs(600);

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
        self.errands.port_open = true;
        self.climb.port_is_back(now.monotonic);
        if self.state == State::Disabled {
            return;
        }
        self.trouble.echoes = 0;
        self.climb.set_ups = 0;
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
        self.errands.port_open = false;
        if self.state != State::Disabled {
            self.port_went(now);
        }
        self.refuse_errands(Why::NoPort);
    }

    /// The modem does not answer, or answers out of step.
    pub(super) fn resync(&mut self, now: Now) {
        self.trouble.strays = 0;
        self.abandon(now, Silence::Timeout);
        self.climb(now, Fault::Silent, Why::NotAnswering);
    }

    pub(super) fn after_pause(&mut self, now: Now, then: Next) {
        match then {
            Next::Resync => self.begin_own(now, List::Resync),
            Next::BringUp | Next::LookAtSim => self.bring_up(now, self.state),
            Next::Step => self.after_step_pause(now),
            Next::RadioOn => self.begin_own(now, List::RadioOn),
            Next::Climb(fault, why) => self.climb(now, fault, why),
        }
    }

    /// In step again: back to work, unless that was not enough the last time, or it fell silent before it was set up.
    pub(super) fn resynchronised(&mut self, now: Now) {
        // What silenced it may have set it back to a storage of its own choice.
        self.inbox.selected = None;
        if self.came_back(now) {
            return;
        }
        if !self.identified || self.climb.ladder.times(Level::Resync) >= RESYNCS {
            self.bring_up(now, State::Recovering(Why::NotAnswering));
        } else {
            self.climb.ladder.helped(now);
            self.inbox.list_now(now.monotonic);
        }
    }

    /// It sent something: what went wrong before is forgotten.
    pub(super) fn worked(&mut self, now: Now) {
        self.trouble.strays = 0;
        let last = self.trouble.restarts.back();
        let calm = last.is_none_or(|at| now.monotonic.since(*at) >= LOOP_WITHIN);
        match self.climb.ladder.fault() {
            // Whether these are cured shows otherwise.
            Some(Fault::Deaf) => {}
            Some(Fault::Looping) if !calm => {}
            Some(Fault::Looping | Fault::Silent | Fault::Refusing | Fault::Sim | Fault::Network | Fault::Mute)
            | None => self.climb.ladder.over(now),
        }
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
            Phase::Absent | Phase::Reopening { .. } | Phase::Away { .. } => true,
        };
        self.trouble.restarted_at = Some(now.monotonic);
        self.trouble.second_start |= same_start && certain;
        // Paused for the next step against just that, or left alone for it.
        let expected = matches!(
            self.state,
            State::Recovering(Why::Looping) | State::Quarantined(Why::Looping)
        );
        if same_start || (expected && matches!(self.phase, Phase::Pause { .. })) {
            return;
        }
        self.abandon(now, Silence::ModemReset);
        self.tell(Event::Restarted);
        if self.climb.is_planned(now.monotonic) {
            self.bring_up(now, self.state);
        } else if self.trouble.loops(now.monotonic) {
            self.trouble.restarts.clear();
            self.climb(now, Fault::Looping, Why::Looping);
        } else {
            self.bring_up(now, State::Recovering(Why::Restarted));
        }
    }

    /// Echo is on again: so are all the other defaults, text mode among them, in which a PDU would go out as a text.
    pub(super) fn echo_returned(&mut self, now: Now) {
        let at_start = match &self.phase {
            Phase::Steps(cursor) => cursor.is_at_start().then_some(cursor.list),
            Phase::Absent | Phase::Serving | Phase::Pause { .. } | Phase::Reopening { .. } | Phase::Away { .. } => None,
        };
        let calm = |at: Instant| now.monotonic.since(at) >= ECHOES_WITHIN;
        if self.trouble.echoed_at.is_some_and(calm) {
            self.trouble.echoes = 0;
        }
        if self.trouble.echoes >= ECHOES || at_start == Some(List::BringUp) {
            return;
        }
        self.trouble.echoes += 1;
        self.trouble.echoed_at = Some(now.monotonic);
        // It fell silent because it restarted: being in step again is not enough.
        if at_start == Some(List::Resync) {
            self.trouble.settings_lost = true;
            return;
        }
        self.leave_prompt(now);
        match self.phase {
            Phase::Serving => self.lose_settings(Why::Restarted),
            Phase::Steps(_) => self.restart_steps(now),
            Phase::Absent | Phase::Pause { .. } | Phase::Reopening { .. } | Phase::Away { .. } => {}
        }
    }

    /// Bring-up follows as soon as the outstanding command has ended; until then nothing is sent.
    pub(super) fn lose_settings(&mut self, why: Why) {
        self.trouble.settings_lost = true;
        self.enter(State::Recovering(why));
    }

    /// Steps from the begin, once the outstanding command has ended.
    fn restart_steps(&mut self, now: Now) {
        let list = match &self.phase {
            Phase::Steps(cursor) => cursor.list,
            Phase::Absent | Phase::Serving | Phase::Pause { .. } | Phase::Reopening { .. } | Phase::Away { .. } => {
                return;
            }
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
        self.spoke(now);
        match urc {
            at::Urc::Stored { memory, index, report } => self.announced(now, memory, index, report),
            at::Urc::Registration(domain, line) => self.registration_told(domain, line),
            at::Urc::Sim(state) => self.sim_told(now, state),
            at::Urc::Restarted => self.restarted(now, true),
            at::Urc::Booting => self.restarted(now, false),
            at::Urc::Ussd(told) => self.ussd_told(told.reveal()),
            at::Urc::StorageFull => self.inbox.list_now(now.monotonic),
            at::Urc::LateSubmit(tp_mr) => {
                if self.late_until.take().is_some_and(|until| now.monotonic <= until) {
                    self.tell(Event::LateResult { tp_mr });
                }
            }
            at::Urc::Ring => self.inbox.ring(),
            // A PDU line follows an announcement; the engine keeps those two together.
            at::Urc::Announced(..) | at::Urc::SmsReady | at::Urc::Ignored => {}
        }
    }

    /// It was given up because it did not answer, and now says something: it is looked at soon, and not hours later.
    fn spoke(&mut self, now: Now) {
        let given_up = self.state == State::Quarantined(Why::NotAnswering);
        let lately = |at: Instant| now.monotonic.since(at) < HEARD_EVERY;
        if given_up && matches!(self.phase, Phase::Pause { .. }) && !self.trouble.spoke_at.is_some_and(lately) {
            self.trouble.spoke_at = Some(now.monotonic);
            let (until, then) = (now.monotonic + HEARD, Next::BringUp);
            self.phase = Phase::Pause { until, then };
        }
    }

    fn sim_told(&mut self, now: Now, state: at::urc::SimState) {
        use at::urc::SimState;
        match (&self.phase, state) {
            (Phase::Serving, SimState::Ready) => {}
            // Gone while serving: bring-up finds out what it is, and waits for it to come back.
            (
                Phase::Serving,
                SimState::NotReady | SimState::Absent | SimState::Locked | SimState::DeviceLocked | SimState::PinNeeded,
            ) => {
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
            (
                Phase::Absent | Phase::Steps(_) | Phase::Pause { .. } | Phase::Reopening { .. } | Phase::Away { .. },
                _,
            ) => {}
        }
    }
}
