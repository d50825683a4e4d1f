//! A modem, and at hand what everybody asks of it whenever anything happens in the bank: when it is due, and whether it has
//! octets for its port. A bank of many modems looks at these few words of each, not at the whole of it.

use alloc::vec::Vec;
use core::ops::Deref;

use crate::base::{Instant, Now};
use crate::modem::{Command, Event, Modem};

#[derive(Debug)]
pub(super) struct Line {
    due: Option<Instant>,
    speaks: bool,
    modem: Modem,
}

impl Line {
    pub(super) fn new(modem: Modem) -> Self {
        let mut line = Self {
            due: None,
            speaks: false,
            modem,
        };
        line.changed();
        line
    }

    /// When [`Line::handle_timeout`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn handle_input(&mut self, now: Now, octets: &[u8]) {
        self.modem.handle_input(now, octets);
        self.changed();
    }

    pub(super) fn handle_command(&mut self, now: Now, command: Command) {
        self.modem.handle_command(now, command);
        self.changed();
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.modem.handle_timeout(now);
        self.changed();
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if !self.speaks {
            return None;
        }
        let octets = self.modem.poll_transmit().map(|octets| octets.to_vec());
        self.speaks = octets.is_some();
        octets
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.modem.poll_event()
    }

    fn changed(&mut self) {
        self.due = self.modem.poll_timeout().map(|(at, _)| at);
        self.speaks = true;
    }
}

impl Deref for Line {
    type Target = Modem;

    fn deref(&self) -> &Modem {
        &self.modem
    }
}
