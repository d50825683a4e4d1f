//! Taking the steps the [`ladder`](crate::modem::ladder) names: pauses with a look in between, what is sent or asked of the shell for each
//! step, and how long the modem may be away by our own doing.

use alloc::string::String;
use core::time::Duration;

use super::recover;
use super::{Modem, Phase};
use crate::base::{Instant, Now};
use crate::modem::climb::Pending;
use crate::modem::cursor::{Cursor, List};
use crate::modem::ladder::{Fault, Ladder, Level, Move};
use crate::modem::profile::{Learn, Step};
use crate::modem::state::State;
use crate::modem::trouble::Next;
use crate::modem::verbs::{Event, PortAction, Silence};
use crate::modem::why::Why;

/// A long pause is broken this often by a look whether the modem came back by itself: bring-up, or, where it was silent, what
/// brings commands and answers into step.
const LOOK_EVERY: Duration = Duration::from_secs(40);

/// How long the shell may take to open the port again.
const REOPEN: Duration = Duration::from_secs(30);

/// A restart that the modem did not confirm is hardly one: one look, then the next step.
const UNHEARD: Duration = Duration::from_secs(10);

/// How long a modem may be away after its power was switched.
const POWER: Duration = Duration::from_secs(120);

/// Radio off for so long.
const RADIO_OFF: Duration = Duration::from_secs(4);

/// `AT+CFUN=1` may take this long.
const RADIO_ON: Duration = Duration::from_secs(20);

/// A restart's answer may never come.
const RESTART: Duration = Duration::from_secs(5);

/// From a restart to the first look, and from one look to the next.
const BOOTING: Duration = Duration::from_secs(10);

/// Without a network for so long, the radio is suspected.
const NO_NETWORK: Duration = Duration::from_secs(180);

/// Looks at a SIM that cannot be used after which the radio is switched off and on, once.
const SIM_LOOKS: u8 = 3;

/// A modem that refused to say where it keeps messages, or to announce them, serves all the same and is polled. It may have been
/// a bad moment: it is set up again after these times, then taken at its word.
const SET_UP_AGAIN: [Duration; 3] = [
    Duration::from_secs(10 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(4 * 60 * 60),
];

impl Modem {
    /// It is of no use as it is: pause for the next step, or leave it alone for a while.
    pub(super) fn climb(&mut self, now: Now, fault: Fault, why: Why) {
        let grave = |pending: &Pending| matches!(pending.fault, Fault::Silent | Fault::Refusing | Fault::Looping);
        if self.climb.pending.as_ref().is_some_and(grave) {
            // A look in a pause, in vain.
            self.enter(self.in_trouble(why));
            self.pause_for_step(now);
            return;
        }
        self.climb.pending = None;
        let means = self.settings.means;
        match self.climb.ladder.next(now, fault, means, self.climb.shared) {
            Move::Take(level, after) => {
                self.enter(self.in_trouble(why));
                self.pend(now, level, after, fault, why);
                self.pause_for_step(now);
            }
            Move::Rest(rest) | Move::Stay(rest) => {
                self.enter(State::Quarantined(why));
                self.climb.pending = None;
                self.phase = Phase::Pause {
                    until: now.monotonic + rest,
                    then: Next::Climb(fault, why),
                };
            }
        }
    }

    /// What is set aside stays so while it is tried again, until it is well.
    fn in_trouble(&self, why: Why) -> State {
        match self.state {
            State::Quarantined(_) => State::Quarantined(why),
            State::Absent
            | State::Starting
            | State::Ready
            | State::Degraded(_)
            | State::Recovering(_)
            | State::Failed(_)
            | State::Drained
            | State::Disabled => State::Recovering(why),
        }
    }

    fn pend(&mut self, now: Now, level: Level, after: Duration, fault: Fault, why: Why) {
        // Up to a tenth more, so that modems do not climb in step.
        let jitter = after.mul_f64(self.random.f64() / 10.0);
        self.climb.pending = Some(Pending {
            level,
            fault,
            why,
            at: now.monotonic + after + jitter,
        });
    }

    fn pause_for_step(&mut self, now: Now) {
        let Some(pending) = self.climb.pending else { return };
        if pending.at <= now.monotonic {
            self.take_step(now);
            return;
        }
        self.phase = Phase::Pause {
            until: pending.at.min(now.monotonic + LOOK_EVERY),
            then: Next::Step,
        };
    }

    /// The pause, or a stretch of it, is over.
    pub(super) fn after_step_pause(&mut self, now: Now) {
        match self.climb.pending {
            Some(pending) if pending.at > now.monotonic && pending.fault == Fault::Silent => {
                self.begin_own(now, List::Resync);
            }
            // That it comes up between two restarts tells nothing.
            Some(pending) if pending.at > now.monotonic && pending.fault == Fault::Looping => self.pause_for_step(now),
            Some(pending) if pending.at > now.monotonic => self.bring_up(now, self.state),
            Some(_) => self.take_step(now),
            None => self.bring_up(now, self.state),
        }
    }

    /// A look in a pause found it in step: it came back by itself, so it is set up. Should it fall silent over that, the step that
    /// was paused for is taken after all. False when there was no pause.
    pub(super) fn came_back(&mut self, now: Now) -> bool {
        let pausing = self.climb.pending.is_some();
        if pausing {
            self.bring_up(now, self.state);
        }
        pausing
    }

    /// A look in a pause found nothing new. False when there was no pause.
    pub(super) fn still_silent(&mut self, now: Now) -> bool {
        let pausing = self.climb.pending.is_some();
        self.pause_for_step(now);
        pausing
    }

    fn take_step(&mut self, now: Now) {
        let Some(mut pending) = self.climb.pending.take() else {
            return;
        };
        // The answer to a submit may still come, and would be lost with the port or the restart.
        if let Some(until) = self.late_until.filter(|until| now.monotonic < *until)
            && pending.level >= Level::Reopen
        {
            pending.at = until;
            self.climb.pending = Some(pending);
            self.phase = Phase::Pause {
                until,
                then: Next::Step,
            };
            return;
        }
        self.abandon(now, Silence::Timeout);
        self.enter(self.in_trouble(pending.why));
        self.climb.ladder.begin(now, pending.level, pending.fault);
        self.tell(Event::Recovering(pending.level));
        match pending.level {
            Level::Resync => {
                self.phase = Phase::Pause {
                    until: now.monotonic + recover::CALM,
                    then: Next::Resync,
                };
            }
            Level::SetUp => self.bring_up(now, self.state),
            Level::Reopen => self.ask_of_port(now, PortAction::Reopen, REOPEN),
            Level::Radio => self.begin_own(now, List::RadioOff),
            Level::Restart => self.begin_own(now, List::Restart),
            Level::Usb => self.ask_of_port(now, PortAction::UsbReset, self.profile.reset.boot),
            Level::Power => self.ask_of_port(now, PortAction::PowerCycle, POWER),
        }
    }

    fn ask_of_port(&mut self, now: Now, action: PortAction, patience: Duration) {
        let until = now.monotonic + patience;
        self.climb.planned = Some(until);
        self.tell(Event::Port(action));
        self.phase = Phase::Reopening { until };
    }

    /// The shell did not open the port in time.
    pub(super) fn port_not_opened(&mut self, now: Now) {
        self.climb.planned = None;
        self.climb(now, Fault::Silent, Why::NotAnswering);
    }

    /// The port went: by our own doing, so that it is waited for, or by itself.
    pub(super) fn port_went(&mut self, now: Now) {
        match self.climb.planned.filter(|until| now.monotonic < *until) {
            Some(until) => self.phase = Phase::Away { until },
            None => self.port_is_absent(),
        }
    }

    fn port_is_absent(&mut self) {
        self.climb.planned = None;
        self.climb.pending = None;
        self.phase = Phase::Absent;
        self.enter(State::Absent);
    }

    /// It went by our own doing and did not come back.
    pub(super) fn stayed_away(&mut self, now: Now) {
        self.climb.planned = None;
        if self.climb.ladder.under_way() >= Some(Level::Restart) {
            self.climb.ladder.lost_it();
            let (means, shared) = (self.settings.means, self.climb.shared);
            if self.climb.ladder.allows(now, Level::Power, means, shared) {
                self.pend(now, Level::Power, BOOTING, Fault::Silent, Why::NoPort);
                self.pause_for_step(now);
                return;
            }
        }
        self.port_is_absent();
    }

    /// Bring-up found it silent while it may be starting: asked again soon. False when it should be there.
    pub(super) fn is_booting(&mut self, now: Now) -> bool {
        let booting = self.climb.is_planned(now.monotonic);
        if booting {
            self.look_again(now);
        }
        booting
    }

    fn look_again(&mut self, now: Now) {
        self.phase = Phase::Pause {
            until: now.monotonic + BOOTING,
            then: Next::BringUp,
        };
    }

    /// Begins steps of our own.
    pub(super) fn begin_own(&mut self, now: Now, list: List) {
        let reset = &self.profile.reset;
        let command = |commands: &[&str], timeout: Duration| Step {
            timeout,
            ..Step::learn(commands, Learn::Nothing)
        };
        self.own_steps = match list {
            List::Resync => recover::resync_steps(),
            List::RadioOff => [command(&[&reset.radio_off, "AT+CFUN=0"], RADIO_ON)].to_vec(),
            List::RadioOn => [command(&["AT+CFUN=1"], RADIO_ON).essential(3)].to_vec(),
            List::Restart => {
                let commands: alloc::vec::Vec<&str> = reset.commands.iter().map(String::as_str).collect();
                [command(&commands, RESTART)].to_vec()
            }
            List::BringUp => alloc::vec::Vec::new(),
        };
        self.phase = Phase::Steps(Cursor::new(list, now.monotonic));
    }

    pub(super) fn radio_is_off(&mut self, now: Now) {
        self.phase = Phase::Pause {
            until: now.monotonic + RADIO_OFF,
            then: Next::RadioOn,
        };
    }

    /// `confirmed`: the modem answered to the order.
    pub(super) fn restart_begun(&mut self, now: Now, confirmed: bool) {
        let patience = if confirmed { self.profile.reset.boot } else { UNHEARD };
        self.climb.planned = Some(now.monotonic + patience);
        self.look_again(now);
    }

    /// Bring-up has ended well.
    pub(super) fn is_up(&mut self, now: Now) {
        self.climb.planned = None;
        self.climb.pending = None;
        self.climb.sim_looks = 0;
        self.climb.network_at = None;
        let whole = self.inbox.chosen.is_some() && self.inbox.notified.is_some();
        let again = SET_UP_AGAIN.get(self.climb.set_ups).filter(|_| !whole);
        self.climb.set_ups = if whole { 0 } else { self.climb.set_ups + 1 };
        self.climb.set_up_at = again.map(|after| now.monotonic + *after);
        match self.climb.ladder.fault() {
            // Whether these are cured shows later.
            Some(Fault::Looping | Fault::Network | Fault::Mute | Fault::Deaf) => {}
            Some(Fault::Silent | Fault::Refusing | Fault::Sim) | None => self.climb.ladder.helped(now),
        }
    }

    /// The SIM cannot be used. True when the radio is going to be switched off and on for it.
    pub(super) fn climbs_for_sim(&mut self, now: Now, why: Why) -> bool {
        self.climb.sim_looks = self.climb.sim_looks.saturating_add(1);
        if self.climb.sim_looks < SIM_LOOKS {
            return false;
        }
        let means = self.settings.means;
        match self.climb.ladder.next(now, Fault::Sim, means, self.climb.shared) {
            Move::Take(level, after) => {
                self.enter(State::Degraded(why));
                self.pend(now, level, after, Fault::Sim, why);
                if let Some(pending) = self.climb.pending {
                    self.phase = Phase::Pause {
                        until: pending.at,
                        then: Next::Step,
                    };
                }
                true
            }
            Move::Rest(_) | Move::Stay(_) => false,
        }
    }

    /// Somebody who sees more suspects a modem that says that all is well; none: the suspicion is gone.
    pub(super) fn suspect(&mut self, now: Now, fault: Option<Fault>) {
        let Some(fault) = fault else {
            self.climb.ladder.over(now);
            return;
        };
        let why = if fault == Fault::Deaf { Why::Deaf } else { Why::Mute };
        if matches!(self.phase, Phase::Serving) && self.climb.pending.is_none() {
            self.pend_serving(now, fault, why);
        }
    }

    /// While it serves: when a step must be begun or thought of.
    pub(super) fn next_watch_at(&self) -> Option<Instant> {
        let climb = &self.climb;
        climb
            .due_at()
            .into_iter()
            .chain(climb.network_at)
            .chain(climb.set_up_at)
            .min()
    }

    /// While it serves: no network for long, or a step that somebody else wants. True when a step begins.
    pub(super) fn watch(&mut self, now: Now) -> bool {
        match self.state {
            State::Degraded(why @ (Why::NotRegistered | Why::Denied)) => {
                let at = *self.climb.network_at.get_or_insert(now.monotonic + NO_NETWORK);
                if at <= now.monotonic && self.climb.pending.is_none() {
                    self.climb.network_at = None;
                    self.pend_serving(now, Fault::Network, why);
                }
            }
            State::Ready | State::Drained => {
                self.climb.network_at = None;
                if self.climb.ladder.fault() == Some(Fault::Network) {
                    self.climb.ladder.helped(now);
                }
                self.climb.pending.take_if(|pending| pending.fault == Fault::Network);
            }
            State::Absent
            | State::Starting
            | State::Degraded(_)
            | State::Recovering(_)
            | State::Failed(_)
            | State::Quarantined(_)
            | State::Disabled => {}
        }
        let due = self.climb.pending.is_some_and(|pending| pending.at <= now.monotonic);
        // Never with a submit open.
        if due && self.waiting.is_none() {
            self.take_step(now);
            return true;
        }
        let incomplete = self.climb.set_up_at.is_some_and(|at| at <= now.monotonic);
        if incomplete && self.waiting.is_none() {
            self.climb.set_up_at = None;
            self.bring_up(now, State::Starting);
            return true;
        }
        false
    }

    fn pend_serving(&mut self, now: Now, fault: Fault, why: Why) {
        let means = self.settings.means;
        match self.climb.ladder.next(now, fault, means, self.climb.shared) {
            Move::Take(level, after) => self.pend(now, level, after, fault, why),
            Move::Rest(after) | Move::Stay(after) => {
                if fault == Fault::Network {
                    self.climb.network_at = Some(now.monotonic + after);
                }
            }
        }
    }

    /// A person wants this step, now.
    pub(super) fn take_ordered(&mut self, now: Now, level: Level, fault: Fault, why: Why) {
        self.pend(now, level, Duration::ZERO, fault, why);
        self.take_step(now);
    }

    /// What is being done to bring it back, or will be done next; none when all is well.
    #[must_use]
    pub fn recovery(&self) -> Option<Level> {
        self.climb.level()
    }

    /// When the next step is due, or quarantine ends.
    #[must_use]
    pub fn next_step_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Pause {
                until,
                then: Next::Climb(..),
            } => Some(until),
            Phase::Absent
            | Phase::Steps(_)
            | Phase::Serving
            | Phase::Pause { .. }
            | Phase::Reopening { .. }
            | Phase::Away { .. } => self.climb.due_at(),
        }
    }

    /// The ladder, to look at.
    #[must_use]
    pub fn ladder(&self) -> &Ladder {
        &self.climb.ladder
    }
}
