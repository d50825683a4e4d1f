//! The shipped generic profile and the modem machine against the virtual modem of the simulator, in virtual time: two
//! readings of the same standards. The gateway is not in it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::time::Duration;

use wardwire::config::profile;
use wardwire_core::base::{Instant, Now, UtcTime};
use wardwire_core::modem::{Command, Event, Modem, Place, Settings, State, Submit, SubmitResult, Tpdu};
use wardwire_core::simulator::{Air, AirEvent, Bank, BankEvent, Faults, Options};

/// A modem machine, its virtual modem, a clock.
struct World {
    bank: Bank,
    modem: Modem,
    now: Now,
    events: Vec<Event>,
    writes: usize,
    /// Asked to send whenever it can.
    busy: bool,
    submits: u64,
    outstanding: bool,
}

fn at(micros: u64) -> Now {
    let since = Duration::from_micros(micros);
    Now {
        monotonic: Instant::ZERO + since,
        utc: UtcTime::from_millis(1_781_514_922_000) + since,
    }
}

/// SMS-SUBMIT to a number, one octet of 8-bit data, with a delivery report asked for.
fn tpdu() -> Tpdu {
    [0x21, 0, 12, 0x91, 0x53, 0x83, 0x17, 0x32, 0x54, 0x76, 0, 4, 1, 0x41]
        .into_iter()
        .collect()
}

impl World {
    fn new(seed: u64, faults: Faults) -> Self {
        let options = Options {
            modems: 1,
            seed,
            faults,
            ..Options::default()
        };
        Self {
            bank: Bank::new(options),
            modem: Modem::new(profile::profiles(&[]).unwrap(), Settings::default(), seed),
            now: at(1_000_000),
            events: Vec::new(),
            writes: 0,
            busy: false,
            submits: 0,
            outstanding: false,
        }
    }

    fn command(&mut self, command: Command) {
        self.modem.handle_command(self.now, command);
        self.settle();
    }

    fn settle(&mut self) {
        for _ in 0..200_000 {
            let mut moved = false;
            while let Some(octets) = self.modem.poll_transmit() {
                self.writes += 1;
                self.bank.handle_input(self.now, 0, &octets);
                moved = true;
            }
            while let Some((_, octets)) = self.bank.poll_transmit() {
                self.modem.handle_input(self.now, &octets);
                moved = true;
            }
            while let Some(event) = self.bank.poll_event() {
                let command = match event {
                    BankEvent::PortGone(_) => Command::PortLost,
                    BankEvent::PortBack(_) => Command::PortOpened,
                };
                self.modem.handle_command(self.now, command);
                moved = true;
            }
            while let Some(event) = self.modem.poll_event() {
                self.react(&event);
                self.events.push(event);
                moved = true;
            }
            if !moved {
                return;
            }
        }
        panic!("turns in place");
    }

    /// What a gateway does: store what comes, commit what goes.
    fn react(&mut self, event: &Event) {
        let now = self.now;
        self.outstanding &= !matches!(event, Event::Submitted(_));
        let sends = self.busy && !self.outstanding && self.modem.state() == State::Ready;
        match event {
            Event::Received { place, .. } => self.modem.handle_command(now, Command::Stored(*place)),
            Event::Port(_) => {
                self.bank.handle_closed(now, 0);
                self.modem.handle_command(now, Command::PortOpened);
            }
            Event::Ready | Event::Submitted(_) if sends => {
                self.submits += 1;
                self.outstanding = true;
                let submit = Submit { tpdu: tpdu() };
                self.modem.handle_command(now, Command::Submit(submit));
                self.modem.handle_command(now, Command::Commit);
            }
            Event::Identified(_)
            | Event::Ready
            | Event::NotReady(_)
            | Event::Submitted(_)
            | Event::LateResult { .. }
            | Event::HealthChanged
            | Event::Recovering(_)
            | Event::Ordered { .. }
            | Event::GivesPin(_)
            | Event::PinEnded(..)
            | Event::Restarted => {}
        }
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now.monotonic + time;
        for _ in 0..2_000_000 {
            let modem = self.modem.poll_timeout().map(|(due, _)| due);
            let due = modem.into_iter().chain(self.bank.poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= until) else {
                self.now = at(until.as_micros());
                return;
            };
            self.now = at(due.max(self.now.monotonic).as_micros());
            self.bank.handle_timeout(self.now);
            self.modem.handle_timeout(self.now);
            self.settle();
        }
        panic!("turns in place");
    }

    fn count(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| what(event)).count()
    }
}

fn accepted(event: &Event) -> bool {
    matches!(event, Event::Submitted(SubmitResult::Accepted { .. }))
}

#[test]
fn the_generic_profile_brings_a_modem_up_in_no_time() {
    let mut world = World::new(1, Faults::none());
    world.command(Command::PortOpened);
    world.wait(Duration::from_millis(300));
    assert_eq!(world.modem.state(), State::Ready, "{:?}", world.events);
    assert!(world.writes < 60, "{}", world.writes);
    let identity = world.modem.identity();
    let same = world.bank.identity(0).unwrap();
    assert_eq!(identity.imei.as_deref(), Some(same.imei.as_str()));
    assert_eq!(identity.iccid.as_deref(), Some(same.iccid.as_str()));
    assert!(world.modem.health().signal_dbm.is_some());
    assert!(!world.modem.health().operator.is_empty());
}

#[test]
fn messages_go_out_reports_and_replies_come_back() {
    let mut world = World::new(2, Faults::none());
    world.command(Command::PortOpened);
    world.wait(Duration::from_secs(1));
    for _ in 0..50 {
        let submit = Submit { tpdu: tpdu() };
        world.command(Command::Submit(submit));
        world.command(Command::Commit);
        world.wait(Duration::from_millis(10));
    }
    world.bank.inject(world.now, 0, "+353861234567", "Y").unwrap();
    world.wait(Duration::from_secs(30));
    assert_eq!(world.count(accepted), 50);
    let routed = |event: &Event| {
        matches!(
            event,
            Event::Received {
                place: Place::Routed,
                ..
            }
        )
    };
    assert_eq!(world.count(routed), 50);
    let stored = |event: &Event| {
        matches!(
            event,
            Event::Received {
                place: Place::Stored { .. },
                ..
            }
        )
    };
    assert_eq!(world.count(stored), 1);
}

/// Whatever goes wrong: every submit has one answer, nothing is called unsent that is out, and the modem is back when it
/// ends.
#[test]
fn after_every_mishap_the_modem_is_back() {
    let mut sent = 0;
    for seed in 0..100 {
        // Over all kinds of mishap two in a hundred occasions go wrong in some way.
        let mut world = World::new(seed, Faults::all(31));
        world.command(Command::PortOpened);
        world.busy = true;
        world.wait(Duration::from_secs(600));
        world.busy = false;
        world.bank.set_faults(Faults::none());
        world.wait(Duration::from_secs(900));
        assert_eq!(world.modem.state(), State::Ready, "seed {seed}");
        let answered = world.count(|event| matches!(event, Event::Submitted(_)));
        assert_eq!(answered as u64, world.submits, "seed {seed}");
        let taken = world
            .bank
            .take_journal()
            .iter()
            .filter(|event| {
                matches!(
                    event,
                    AirEvent {
                        what: Air::Accepted(_),
                        ..
                    }
                )
            })
            .count();
        let may_be_out = world.count(|event| {
            matches!(
                event,
                Event::Submitted(
                    SubmitResult::Accepted { .. } | SubmitResult::Failed { .. } | SubmitResult::NoAnswer(_)
                )
            )
        });
        assert!(taken <= may_be_out, "seed {seed}: {taken} out of {may_be_out}");
        sent += world.count(accepted);
    }
    // A lost answer costs 180 s, and one submit in five loses it or worse; the rest goes out.
    assert!(sent > 1_000, "{sent}");
}
