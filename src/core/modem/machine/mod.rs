//! The machine: its doors, what it keeps, and what it does next. Each kind of business has its own file in this folder.

mod bring_up;
mod climb;
mod health;
mod obey;
mod pin;
mod receive;
mod recover;
mod submit;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::at::{self, Engine, Memory, Outcome, Request, Transmit};
use crate::base::{Ban, Instant, Now, Past};
use crate::modem::choose::Profiles;
use crate::modem::climb::Climb;
use crate::modem::cursor::Cursor;
use crate::modem::errand::{Errand, Errands};
use crate::modem::history::History;
use crate::modem::inbox::{Inbox, Reception};
use crate::modem::poll::{Poll, Stats};
use crate::modem::profile::{Profile, Step};
use crate::modem::settings::Settings;
use crate::modem::sim::PinMemory;
use crate::modem::state::{Health, State};
use crate::modem::submission::{Air, Submission};
use crate::modem::trace::Trace;
use crate::modem::trouble::{Next, Trouble};
use crate::modem::verbs::{Command, Event, Identity, Silence};
use crate::modem::why::Why;

/// Why [`Modem::poll_timeout`] wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeReason {
    /// The outstanding command's clock.
    Command(at::WakeReason),
    /// The pause before the next try or the next command.
    Pause,
    /// A look at signal, network or storages is due.
    Poll,
    /// The port should have come back.
    Port,
}

/// What the machine is about.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one a modem, never in bulk")]
pub(super) enum Phase {
    /// No port; the only phase without a clock.
    Absent,
    /// Following the steps of bring-up or of the resynchronisation.
    Steps(Cursor),
    /// Up.
    Serving,
    /// Waiting before the next attempt to bring it back.
    Pause {
        /// Until then.
        until: Instant,
        /// What follows.
        then: Next,
    },
    /// The shell was asked to do something to the port.
    Reopening {
        /// It should have been opened again by then.
        until: Instant,
    },
    /// The port is away by our own doing.
    Away {
        /// It should have come back by then.
        until: Instant,
    },
}

/// Whose command is outstanding in the engine.
#[derive(Debug)]
pub(super) enum Job {
    /// The cursor's.
    Step,
    /// A submit's.
    Submit(Submission),
    /// A submit that is answered already; its prompt is being left.
    Leaving,
    /// Selecting a storage to read, delete or list in.
    Select {
        /// Which.
        memory: Memory,
        /// By naming all three uses, since naming one was refused.
        all: bool,
    },
    /// Reading an entry.
    Read(Memory, u16),
    /// Deleting an entry.
    Delete(Memory, u16),
    /// Listing a storage.
    List(Memory),
    /// Acknowledging a routed message.
    Acknowledge,
    /// Rejecting a call by the n-th command of the profile.
    HangUp(usize),
    /// Asking how much a storage holds.
    Verify(Memory),
    /// Looking at something.
    Poll(Poll),
    /// A person's order.
    Errand(Errand),
}

/// One modem. Feed it through the three `handle_` doors; after each, drain [`Modem::poll_event`] and
/// [`Modem::poll_transmit`], then ask [`Modem::poll_timeout`]. Waking it too early is harmless.
pub struct Modem {
    pub(super) profiles: Profiles,
    /// The one it was last brought up with; the one for all before.
    pub(super) profile: Arc<Profile>,
    /// Steps that are not the profile's: resynchronisation, radio, restart.
    pub(super) own_steps: Vec<Step>,
    pub(super) settings: Settings,
    pub(super) random: fastrand::Rng,
    pub(super) engine: Engine,
    pub(super) phase: Phase,
    pub(super) job: Option<Job>,
    pub(super) state: State,
    pub(super) identity: Identity,
    pub(super) identified: bool,
    pub(super) health: Health,
    pub(super) stats: Stats,
    pub(super) inbox: Inbox,
    pub(super) trouble: Trouble,
    pub(super) climb: Climb,
    pub(super) errands: Errands,
    pub(super) trace: Trace,
    pub(super) history: History,
    pub(super) pin: PinMemory,
    /// Waiting for the engine.
    pub(super) waiting: Option<Submission>,
    pub(super) air: Air,
    /// A `+CMGS` until then belongs to a submit that was given up.
    pub(super) late_until: Option<Instant>,
    /// No command before this (the profile's gap).
    pub(super) not_before: Instant,
    pub(super) stopping: bool,
    events: VecDeque<Event>,
}

impl fmt::Debug for Modem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Modem({:?}, {:?})", self.state, self.engine)
    }
}

impl Modem {
    /// A modem whose port is not open yet. Which of the profiles is followed shows when the modem says what it is.
    #[must_use]
    pub fn new(profiles: impl Into<Profiles>, mut settings: Settings, seed: u64) -> Self {
        let profiles = profiles.into();
        let profile = Arc::clone(profiles.generic());
        let past = core::mem::take(&mut settings.past);
        Self {
            own_steps: Vec::new(),
            inbox: Inbox::new(&profile),
            profiles,
            profile,
            settings,
            random: fastrand::Rng::with_seed(seed),
            engine: Engine::default(),
            phase: Phase::Absent,
            job: None,
            state: match past.ban {
                Some(Ban::Disabled) => State::Disabled,
                Some(Ban::Drained) | None => State::Absent,
            },
            identity: Identity::default(),
            identified: false,
            health: Health::default(),
            stats: Stats::default(),
            trouble: Trouble::default(),
            climb: Climb::recalling(&past),
            errands: Errands::recalling(&past),
            trace: Trace::default(),
            history: History::default(),
            pin: PinMemory::default(),
            waiting: None,
            air: Air::default(),
            late_until: None,
            not_before: Instant::ZERO,
            stopping: false,
            events: VecDeque::new(),
        }
    }

    /// Octets came from the port.
    pub fn handle_input(&mut self, now: Now, octets: &[u8]) {
        if matches!(self.phase, Phase::Absent | Phase::Reopening { .. } | Phase::Away { .. }) {
            return;
        }
        self.trace.heard(now, octets);
        // Octet by octet: what follows from one is in force before the next, however the port cut them.
        for octet in octets {
            self.engine.handle_input(now, core::slice::from_ref(octet));
            self.digest(now);
        }
        self.advance(now);
    }

    /// Somebody asks for something.
    pub fn handle_command(&mut self, now: Now, command: Command) {
        self.trace.turn(now);
        match command {
            Command::PortOpened => self.port_opened(now),
            Command::PortLost => self.port_lost(now),
            Command::Submit(submit) => self.submit(submit),
            Command::Commit => self.commit(now),
            Command::Withdraw => self.withdraw(now),
            Command::Stored(place) => self.stored(now, place),
            Command::Keep(place) => self.keep(now, place),
            Command::Order { token, order } => self.order(now, token, order),
            Command::Suspect(fault) => self.suspect(now, fault),
            Command::Shared(shared) => self.climb.shared = shared,
            Command::Placed(means) => self.settings.means = means,
            Command::Recall(past) => self.recall(now, &past),
            Command::PinAnswer(of, answer) => self.pin_answered(now, of, answer),
            Command::Stop => self.stop(now),
        }
        self.digest(now);
        self.advance(now);
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Now) {
        self.trace.turn(now);
        self.engine.handle_timeout(now);
        self.digest(now);
        if self.errands.next_at().is_some_and(|at| at <= now.monotonic) {
            self.end_late_errands(now);
        }
        match self.phase {
            Phase::Pause { until, then } if until <= now.monotonic => self.after_pause(now, then),
            Phase::Reopening { until } if until <= now.monotonic => self.port_not_opened(now),
            Phase::Away { until } if until <= now.monotonic => self.stayed_away(now),
            Phase::Absent
            | Phase::Steps(_)
            | Phase::Serving
            | Phase::Pause { .. }
            | Phase::Reopening { .. }
            | Phase::Away { .. } => {}
        }
        self.advance(now);
    }

    /// The next octets for the port, in order.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let octets = self.engine.poll_transmit()?;
        self.trace.said(&octets);
        Some(octets)
    }

    /// The next thing it tells.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Modem::handle_timeout`] is due, and why; none only while the port is absent, or
    /// while stopping with nothing left to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, WakeReason)> {
        let errands = self.errands.next_at().map(|at| (at, WakeReason::Pause));
        let own = match self.engine.poll_timeout() {
            Some((at, reason)) => Some((at, WakeReason::Command(reason))),
            None => self.next_phase_at(),
        };
        own.into_iter().chain(errands).min_by_key(|(at, _)| *at)
    }

    fn next_phase_at(&self) -> Option<(Instant, WakeReason)> {
        match &self.phase {
            Phase::Absent => None,
            Phase::Steps(cursor) => Some((cursor.wait_until().max(self.not_before), WakeReason::Pause)),
            Phase::Serving if self.errands.holds_the_line() => None,
            Phase::Serving => self.next_chore_at(),
            Phase::Pause { until, .. } => Some((*until, WakeReason::Pause)),
            Phase::Reopening { until } | Phase::Away { until } => Some((*until, WakeReason::Port)),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// How it hears the network.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The signal of the last day.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Who it is, as far as known by now.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What a person took from it.
    #[must_use]
    pub fn ban(&self) -> Option<Ban> {
        self.errands.ban
    }

    /// What of it must outlive a restart.
    #[must_use]
    pub fn past(&self) -> Past {
        Past {
            ban: self.errands.ban,
            steps: self.climb.ladder.past(),
        }
    }

    /// How it hands on what arrives.
    #[must_use]
    pub fn reception(&self) -> Reception {
        self.inbox.reception()
    }

    /// The profile it was last brought up with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Moves to a state and tells what follows from it.
    pub(super) fn enter(&mut self, state: State) {
        if self.state == state {
            return;
        }
        self.state = state;
        match state {
            State::Ready => self.tell(Event::Ready),
            State::Absent => self.tell(Event::NotReady(Why::NoPort)),
            State::Starting => self.tell(Event::NotReady(Why::Starting)),
            State::Drained => self.tell(Event::NotReady(Why::Drained)),
            State::Disabled => self.tell(Event::NotReady(Why::Disabled)),
            State::Degraded(why) | State::Recovering(why) | State::Failed(why) | State::Quarantined(why) => {
                self.tell(Event::NotReady(why));
            }
        }
    }

    /// Gives the engine a command; it is idle whenever this is called.
    pub(super) fn run(&mut self, now: Now, job: Job, request: Request) {
        self.job = Some(job);
        self.engine.handle_command(now, at::Command::Run(request));
    }

    /// A plain command with the profile's ordinary patience.
    pub(super) fn run_plain(&mut self, now: Now, job: Job, text: &str) {
        if let Some(request) = Request::plain(text, self.profile.timing.command) {
            self.run(now, job, request);
        }
    }

    /// Takes what the engine tells.
    fn digest(&mut self, now: Now) {
        while let Some(event) = self.engine.poll_event() {
            match event {
                at::Event::Info(line) => self.info(&line),
                at::Event::Entry { index, pdu } => self.entry(now, index, pdu),
                at::Event::Prompt => self.prompted(now),
                at::Event::Done(outcome) => self.done(now, outcome),
                at::Event::Urc(urc) => self.urc(now, urc),
                at::Event::Routed(kind, pdu) => self.routed(kind, pdu),
                at::Event::Stray => self.stray(now),
                at::Event::EchoReturned => self.echo_returned(now),
            }
        }
    }

    fn info(&mut self, line: &str) {
        match &mut self.job {
            Some(Job::Step) => self.step_info(line),
            Some(Job::Submit(submission)) => submission.info(line),
            Some(Job::Select { .. } | Job::Verify(_)) => self.inbox.slots_told(line),
            Some(Job::Poll(Poll::Card)) => self.card_told(line),
            Some(Job::Poll(poll)) => {
                let learn = poll.learn();
                self.learn(learn, line);
            }
            Some(Job::Errand(errand)) => errand.info(line),
            Some(Job::Leaving | Job::Read(..) | Job::Delete(..) | Job::List(_) | Job::Acknowledge | Job::HangUp(_))
            | None => {}
        }
    }

    fn done(&mut self, now: Now, outcome: Outcome) {
        self.not_before = now.monotonic + self.profile.timing.gap;
        if matches!(outcome, Outcome::Final(_)) {
            self.trouble.strays = 0;
        }
        match self.job.take() {
            Some(Job::Step) => self.step_done(now, outcome),
            Some(Job::Submit(submission)) => self.submit_done(now, submission, outcome),
            Some(Job::Leaving) | None => {}
            Some(
                job @ (Job::Select { .. }
                | Job::Read(..)
                | Job::Delete(..)
                | Job::List(_)
                | Job::Acknowledge
                | Job::HangUp(_)
                | Job::Verify(_)),
            ) => {
                self.chore_done(now, &job, outcome);
            }
            Some(Job::Poll(poll)) => self.poll_done(now, poll, outcome),
            Some(Job::Errand(errand)) => self.errand_done(now, errand, outcome),
        }
    }

    /// Begins whatever comes next, if nothing is under way.
    fn advance(&mut self, now: Now) {
        self.hand_back();
        if !self.engine.is_idle() || now.monotonic < self.not_before {
            return;
        }
        let open = matches!(self.phase, Phase::Serving | Phase::Pause { .. });
        if open && self.start_errand(now) {
            self.after_errand(now);
            return;
        }
        match self.phase {
            Phase::Steps(_) => self.next_step(now),
            Phase::Serving => self.next_business(now),
            Phase::Absent | Phase::Pause { .. } | Phase::Reopening { .. } | Phase::Away { .. } => {}
        }
    }

    /// An order took the moment; what it began goes on at once.
    fn after_errand(&mut self, now: Now) {
        if self.engine.is_idle() && matches!(self.phase, Phase::Steps(_)) {
            self.next_step(now);
        }
    }

    pub(super) fn next_business(&mut self, now: Now) {
        if self.trouble.settings_lost {
            self.bring_up(now, self.state);
            self.next_step(now);
            return;
        }
        if !self.stopping && self.watch(now) {
            self.advance(now);
            return;
        }
        if self.waiting.is_some() && !self.inbox.goes_first(now.monotonic) {
            self.start_submit(now);
        } else if !self.start_chore(now) && !self.stopping {
            self.start_poll(now);
        }
    }

    fn next_chore_at(&self) -> Option<(Instant, WakeReason)> {
        if self.waiting.is_some() {
            return Some((self.not_before, WakeReason::Pause));
        }
        let chores = self.inbox.next_at(self.stopping);
        let polls = if self.stopping { None } else { Some(self.next_poll_at()) };
        let watch = if self.stopping { None } else { self.next_watch_at() };
        let at = chores.into_iter().chain(polls).chain(watch).min()?;
        Some((at.max(self.not_before), WakeReason::Poll))
    }

    fn stop(&mut self, now: Now) {
        self.stopping = true;
        self.withdraw(now);
        self.refuse_errands(Why::Stopping);
        self.enter(State::Degraded(Why::Stopping));
    }

    /// Forgets whatever is outstanding; a submit is answered by how far it got.
    pub(super) fn abandon(&mut self, now: Now, silence: Silence) {
        self.engine.handle_command(now, at::Command::Reset);
        let (outstanding, errand) = match self.job.take() {
            Some(Job::Submit(submission)) => (Some(submission), None),
            Some(Job::Errand(errand)) => (None, Some(errand)),
            Some(Job::Delete(memory, index)) => {
                self.deletion_in_doubt(now, memory, index);
                (None, None)
            }
            Some(
                Job::Step
                | Job::Leaving
                | Job::Select { .. }
                | Job::Read(..)
                | Job::List(_)
                | Job::Acknowledge
                | Job::HangUp(_)
                | Job::Verify(_)
                | Job::Poll(_),
            )
            | None => (None, None),
        };
        self.errand_abandoned(errand, silence);
        for submission in outstanding.into_iter().chain(self.waiting.take()) {
            let result = submission.abandoned(silence);
            self.tell(Event::Submitted(result));
        }
    }
}
