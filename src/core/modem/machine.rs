//! The machine: its doors and what it keeps. What it does next is decided here; each kind of business has its own file.

use alloc::collections::VecDeque;
use core::fmt;

use super::profile::Profile;
use super::state::{Health, State};
use super::verbs::{Answer, Command, Event, SubmitResult};
use crate::at::limits;
use crate::base::{Instant, Now};

/// Octets for the port.
pub type Transmit = heapless::Vec<u8, { limits::TRANSMIT }>;

/// What the configuration says of the SIM in this modem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Its PIN, given only when enough tries are left, and never again once refused.
    pub pin: Option<Pin>,
    /// Its service-centre address, in E.164 form; none leaves the SIM's own.
    pub smsc: Option<crate::base::PhoneNumber>,
}

/// A PIN: 4 to 8 digits. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(heapless::String<8>);

impl Pin {
    /// From its digits; none when it is no PIN.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let fits = (4..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits {
            heapless::String::try_from(digits).ok().map(Self)
        } else {
            None
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}

/// Why [`Modem::poll_timeout`] wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeReason {
    /// The outstanding command's clock.
    Command,
    /// The pause before the next try or the next command.
    Pause,
    /// A look at signal, network or storages is due.
    Poll,
    /// The port should have come back.
    Port,
}

/// One modem. Feed it through the three `handle_` doors; after each, drain [`Modem::poll_event`] and
/// [`Modem::poll_transmit`], then ask [`Modem::poll_timeout`]. Waking it too early is harmless.
#[derive(Debug)]
pub struct Modem {
    profile: Profile,
    settings: Settings,
    seed: u64,
    state: State,
    health: Health,
    events: VecDeque<Event>,
}

impl Modem {
    /// A modem whose port is not open yet.
    #[must_use]
    pub fn new(profile: Profile, settings: Settings, seed: u64) -> Self {
        Self {
            profile,
            settings,
            seed,
            state: State::Absent,
            health: Health::default(),
            events: VecDeque::new(),
        }
    }

    /// Octets came from the port.
    pub fn handle_input(&mut self, _now: Now, _octets: &[u8]) {}

    /// Somebody asks for something.
    pub fn handle_command(&mut self, _now: Now, command: Command) {
        match command {
            Command::PortOpened => self.state = State::Starting,
            Command::PortLost => self.state = State::Absent,
            Command::Submit(_) => {
                let result = SubmitResult::NotSent(Answer::NoPrompt);
                self.events.push_back(Event::Submitted(result));
            }
            Command::Commit | Command::Withdraw | Command::Stored(_) | Command::Keep(_) | Command::Stop => {}
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, _now: Now) {}

    /// The next octets for the port, in order.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        None
    }

    /// The next thing it tells.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Modem::handle_timeout`] is due, and why; none only while the port is absent.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, WakeReason)> {
        None
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
}
