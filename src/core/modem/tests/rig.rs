//! A modem machine, the other end of its port, and a clock that is moved by hand.

use std::format;
use std::string::String;
use std::vec::Vec;

use core::time::Duration;

use super::fake::Fake;
use crate::base::{Instant, Now, UtcTime};
use crate::modem::{
    Command, Event, Modem, Pin, PinAnswer, PinEnd, PinTry, Place, Profile, Profiles, Settings, State, Submit, Tpdu,
};

/// More turns than any quiet modem takes: a machine that turns in place fails the test instead of hanging it.
const TURNS: usize = 100_000;

/// A card, a PIN, and the tries it had left before it was given the last time; none once it refused.
pub(super) type Row = (Option<String>, Pin, Option<u16>);

pub(super) struct Rig {
    pub(super) modem: Modem,
    pub(super) fake: Fake,
    pub(super) now: Now,
    pub(super) events: Vec<Event>,
    /// What is written down of PINs. None: nobody answers.
    pub(super) book: Option<Vec<Row>>,
}

impl Rig {
    pub(super) fn new(fake: Fake) -> Self {
        Self::of(Profile::smallest(), Settings::default(), fake)
    }

    pub(super) fn of(profile: Profile, settings: Settings, fake: Fake) -> Self {
        Self::of_any(profile.into(), settings, fake)
    }

    pub(super) fn of_any(profiles: Profiles, settings: Settings, fake: Fake) -> Self {
        Self {
            modem: Modem::new(profiles, settings, 7),
            fake,
            now: at(Duration::from_secs(1)),
            events: Vec::new(),
            book: Some(Vec::new()),
        }
    }

    /// A modem that is up, its events so far forgotten.
    pub(super) fn ready() -> Self {
        let mut rig = Self::new(Fake::new());
        rig.command(Command::PortOpened);
        assert_eq!(rig.modem.state(), State::Ready);
        rig.events.clear();
        rig.fake.commands.clear();
        rig
    }

    pub(super) fn command(&mut self, command: Command) {
        self.modem.handle_command(self.now, command);
        self.settle();
    }

    pub(super) fn input(&mut self, octets: &[u8]) {
        self.modem.handle_input(self.now, octets);
        self.settle();
    }

    /// Carries octets between machine and modem until both are silent, at no time.
    pub(super) fn settle(&mut self) {
        for _ in 0..TURNS {
            while let Some(event) = self.modem.poll_event() {
                self.write_down(&event);
                self.events.push(event);
            }
            let Some(octets) = self.modem.poll_transmit() else {
                match self.modem.poll_timeout() {
                    Some((due, _)) if due <= self.now.monotonic => self.modem.handle_timeout(self.now),
                    _ => return,
                }
                continue;
            };
            let back = self.fake.take(&octets);
            self.modem.handle_input(self.now, &back);
        }
        panic!("turns in place");
    }

    /// What a gateway and its store do about a PIN.
    fn write_down(&mut self, event: &Event) {
        let Some(book) = &mut self.book else { return };
        let is_of = |row: &Row, of: &PinTry| row.0 == of.iccid && row.1 == of.pin;
        if let Event::GivesPin(of) = event {
            let known = book.iter().find(|row| is_of(row, of));
            let wrong = known.is_some_and(|row| row.2.is_none_or(|before| of.tries_left < before));
            let left = (!wrong).then_some(of.tries_left);
            book.retain(|row| !is_of(row, of));
            book.push((of.iccid.clone(), of.pin.clone(), left));
            let answer = if wrong { PinAnswer::Refused } else { PinAnswer::Give };
            self.modem
                .handle_command(self.now, Command::PinAnswer(of.clone(), answer));
        } else if let Event::PinEnded(of, end) = event {
            book.retain(|row| !is_of(row, of));
            if *end == PinEnd::Refused {
                book.push((of.iccid.clone(), of.pin.clone(), None));
            }
        }
    }

    /// Moves the clock, stopping at each due time.
    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now.monotonic + time;
        for _ in 0..TURNS {
            match self.modem.poll_timeout() {
                Some((due, _)) if due <= until => {
                    self.now = at(Duration::from_micros(due.max(self.now.monotonic).as_micros()));
                    self.modem.handle_timeout(self.now);
                    self.settle();
                }
                _ => {
                    self.now = at(Duration::from_micros(until.as_micros()));
                    return;
                }
            }
        }
        panic!("turns in place");
    }

    /// What happened since the last call, as `Debug` shows it.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.events.drain(..).map(|event| format!("{event:?}")).collect()
    }

    /// Commands since the last call.
    pub(super) fn asked(&mut self) -> Vec<String> {
        core::mem::take(&mut self.fake.commands)
    }
}

pub(super) fn at(since_start: Duration) -> Now {
    Now {
        monotonic: Instant::ZERO + since_start,
        utc: UtcTime::from_millis(1_781_514_922_000) + since_start,
    }
}

/// A submit of a TPDU that is none; the machine does not read it.
pub(super) fn submit(tpdu: &[u8]) -> Command {
    let tpdu: Tpdu = tpdu.iter().copied().collect();
    Command::Submit(Submit { tpdu })
}

/// Places of what was received.
pub(super) fn places(events: &[Event]) -> Vec<Place> {
    let place = |event: &Event| {
        if let Event::Received { place, .. } = event {
            Some(*place)
        } else {
            None
        }
    };
    events.iter().filter_map(place).collect()
}
