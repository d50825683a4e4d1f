//! What goes wrong with a modem and its line. Each mishap is drawn at the opportunity its name in
//! [`Fault`](super::Fault) tells, and noted in the journal.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::bank::{Bank, BankEvent, Timer};
use super::journal::Air;
use super::options::Fault;
use crate::base::{Instant, Now};

/// Mishaps of the modem as a whole are this much rarer at an ordinary command than at a submission: a bring-up is
/// some thirty commands, and must not meet one each time.
const RARER: u32 = 20;
/// A modem that was told nothing for so long may sleep.
const SLEEPS_AFTER: Duration = Duration::from_secs(30);
/// Times a port goes again when it flaps.
const FLAPS: u8 = 6;
/// Times another program is heard.
const FOREIGN_LINES: u8 = 12;
/// Modems on one hub.
const ON_A_HUB: usize = 4;
/// Faults after which nothing is answered until a remedy.
const ENDS_ANSWERS: [Fault; 4] = [
    Fault::UrcsOnly,
    Fault::DeadUntilUsbReset,
    Fault::DeadUntilPowerCycle,
    Fault::DeadForEver,
];

impl Bank {
    /// Whether the fault happens now.
    pub(super) fn draw(&mut self, now: Now, modem: usize, fault: Fault) -> bool {
        self.draw_of(now, modem, fault, 1)
    }

    /// The same, much rarer.
    pub(super) fn draw_rarely(&mut self, now: Now, modem: usize, fault: Fault) -> bool {
        self.draw_of(now, modem, fault, RARER)
    }

    fn was_provoked(&mut self, modem: usize, fault: Fault) -> bool {
        let Some(seat) = self.seats.get_mut(modem).filter(|seat| !seat.provoked.is_empty()) else {
            return false;
        };
        let place = seat.provoked.iter().position(|f| *f == fault);
        place.is_some_and(|place| seat.provoked.remove(place) == fault)
    }

    fn draw_of(&mut self, now: Now, modem: usize, fault: Fault, rarer: u32) -> bool {
        let rate = u32::from(self.options.faults.per_mille(fault));
        // No rate, no draw: a bank without faults takes nothing from the source of randomness.
        let happens = self.was_provoked(modem, fault) || rate > 0 && self.random.u32(0..1_000 * rarer) < rate;
        if happens {
            self.note(now, modem, Air::Fault(fault));
        }
        happens
    }

    /// One of these.
    pub(super) fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        self.random.choice(of).copied().unwrap_or_default()
    }

    /// Whether a fault of one command happens, which this line holds.
    pub(super) fn draws_at(&mut self, now: Now, modem: usize, fault: Fault, line: &str, command: &str) -> bool {
        let provoked = self.seats.get(modem).is_some_and(|seat| seat.provoked.contains(&fault));
        let possible = provoked || self.options.faults.per_mille(fault) > 0;
        let holds = || {
            let mut windows = line.as_bytes().windows(command.len());
            windows.any(|piece| piece.eq_ignore_ascii_case(command.as_bytes()))
        };
        possible && holds() && self.draw(now, modem, fault)
    }

    /// Mishaps at a command line, before it is looked at. True when there will be no answer.
    pub(super) fn trip(&mut self, now: Now, modem: usize, line: &str) -> bool {
        let Some(seat) = self.seats.get_mut(modem) else {
            return true;
        };
        let slept = now.monotonic.since(seat.last_line) > SLEEPS_AFTER;
        seat.last_line = now.monotonic;
        if seat.modem.ailments.has(Fault::UrcsOnly) {
            return true;
        }
        if !self.options.faults.any() && self.seats.get(modem).is_some_and(|seat| seat.provoked.is_empty()) {
            return false;
        }
        if slept && self.draw(now, modem, Fault::FirstLineLost) {
            return true;
        }
        self.trip_gently(now, modem, line);
        self.trip_hard(now, modem)
    }

    /// Mishaps that leave the command to be answered.
    fn trip_gently(&mut self, now: Now, modem: usize, line: &str) {
        if self.draw_of(now, modem, Fault::SettingsForgotten, RARER)
            && let Some(seat) = self.seats.get_mut(modem)
        {
            seat.modem.forget_settings();
        }
        if self.draw_of(now, modem, Fault::ForeignTalk, RARER) {
            self.talk_between(now, modem, FOREIGN_LINES);
        }
        if self.draw_of(now, modem, Fault::PoisonCommand, RARER) {
            self.fall_ill(now, modem, Fault::PoisonCommand);
            if let Some(seat) = self.seats.get_mut(modem) {
                seat.modem.poison = super::command::first_name(line);
            }
        }
        if self.draw_of(now, modem, Fault::SimDropsOut, RARER) {
            self.drop_card(now, modem);
        }
        if self.draw_of(now, modem, Fault::Denied, RARER) {
            self.deny(modem);
        }
    }

    fn trip_hard(&mut self, now: Now, modem: usize) -> bool {
        if self.draw_of(now, modem, Fault::EchoReturns, RARER)
            && let Some(seat) = self.seats.get_mut(modem)
        {
            seat.modem.settings.echo = true;
        }
        if self.draw_of(now, modem, Fault::RegistrationLost, RARER) {
            self.lose_network(now, modem);
        }
        if self.draw_of(now, modem, Fault::Restart, RARER) {
            self.restart(now, modem);
            return true;
        }
        if self.draw_of(now, modem, Fault::PortVanishes, RARER) {
            self.vanish(now, modem);
            return true;
        }
        if self.draw_of(now, modem, Fault::Hang, RARER) {
            self.hang(now, modem);
            return true;
        }
        if self.draw_of(now, modem, Fault::PortFlaps, RARER) {
            self.flap(now, modem, FLAPS);
            return true;
        }
        for fault in ENDS_ANSWERS {
            if self.draw_of(now, modem, fault, RARER) {
                self.fall_ill(now, modem, fault);
                return true;
            }
        }
        false
    }

    /// Answers a command, with what the line makes of it.
    pub(super) fn answer(&mut self, now: Now, modem: usize, answer: Vec<u8>) {
        if answer.is_empty() {
            return;
        }
        let mut answer = answer;
        if self.draw(now, modem, Fault::UrcInAnswer) {
            answer = self.with_line_inside(&answer);
        }
        if self.draw(now, modem, Fault::Noise) {
            let mut noise: Vec<u8> = (0..self.random.usize(1..12)).map(|_| self.random.u8(128..)).collect();
            noise.extend_from_slice(&answer);
            answer = noise;
        }
        let slow = if self.draw_of(now, modem, Fault::OverdueAnswer, RARER) {
            self.some_millis(6_000, 25_000)
        } else if self.draw(now, modem, Fault::SlowAnswer) {
            self.some_millis(50, 2_000)
        } else {
            Duration::ZERO
        };
        let pieces = if self.draw(now, modem, Fault::TornWrite) {
            self.random.usize(2..5)
        } else {
            1
        };
        if slow.is_zero() && pieces <= 1 {
            return self.say(modem, answer);
        }
        self.speak(now, modem, &answer, slow, pieces);
    }

    /// Says it after `delay`, in so many pieces; until then the modem is busy.
    pub(super) fn speak(&mut self, now: Now, modem: usize, bytes: &[u8], delay: Duration, pieces: usize) {
        if delay.is_zero() && pieces <= 1 {
            return self.say(modem, bytes.to_vec());
        }
        let Some(seat) = self.seats.get_mut(modem) else { return };
        seat.busy = true;
        let epoch = seat.epoch;
        let mut at = now.monotonic + delay;
        let mut rest: VecDeque<&[u8]> = bytes.chunks(bytes.len().div_ceil(pieces).max(1)).collect();
        while let Some(piece) = rest.pop_front() {
            let last = rest.is_empty();
            self.schedule(
                at,
                modem,
                Timer::Say {
                    epoch,
                    bytes: piece.to_vec(),
                    last,
                },
            );
            at += self.some_millis(1, 30);
        }
    }

    /// An unsolicited line between two lines of the answer, or before its only one.
    fn with_line_inside(&mut self, answer: &[u8]) -> Vec<u8> {
        let line: &[u8] = match self.random.u8(0..4) {
            0 => b"\r\n^RSSI: 18\r\n",
            1 => b"\r\nRING\r\n",
            2 => b"\r\n+CIEV: 2,4\r\n",
            _ => b"\r\n*PSUTTZ: 26/11/21,21:00:00,+0\r\n",
        };
        let ends = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (before, after) = answer
            .split_at_checked(ends.map_or(0, |at| at + 2))
            .unwrap_or((&[], answer));
        [before, line, after].concat()
    }

    /// It restarts: silent for a while, then its boot lines, in its settings after power-on, and the network later. Where
    /// the USB side is part of the modem, its port goes meanwhile.
    pub(super) fn restart(&mut self, now: Now, modem: usize) {
        self.interrupt(modem);
        let Some(seat) = self.seats.get(modem) else { return };
        let boot = &seat.modem.model.boot;
        let leaves = seat.modem.model.leaves_bus && seat.port;
        let booted = now.monotonic + self.some_millis(boot.up.0, boot.up.1);
        let sim = booted + self.some_millis(boot.sim.0, boot.sim.1);
        let sms = sim + self.some_millis(boot.sms.0, boot.sms.1);
        let network = booted + self.some_millis(500, 8_000);
        let radio_off = self.draw(now, modem, Fault::StartsRadioOff);
        let Some(seat) = self.seats.get_mut(modem) else { return };
        seat.silent_until = booted;
        seat.modem.restart(sim, sms);
        if radio_off {
            seat.modem.settings.functionality = 4;
        }
        if leaves {
            self.take_port(modem);
            self.schedule(booted, modem, Timer::PortBack);
        }
        let locked = self.seats.get(modem).is_some_and(|seat| !seat.modem.card.usable());
        for (at, says) in [booted, sim, sms].into_iter().zip(boot.says) {
            let told = !locked || at == booted;
            if told && !says.is_empty() {
                let lines: alloc::string::String =
                    says.split('\n').map(|line| alloc::format!("\r\n{line}\r\n")).collect();
                self.schedule(at, modem, Timer::Tell(lines.into_bytes()));
            }
        }
        self.schedule(network, modem, Timer::NetworkBack);
        self.schedule(sms, modem, Timer::Flush);
    }

    /// Its port is gone.
    pub(super) fn take_port(&mut self, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem)
            && seat.port
        {
            (seat.port, seat.driver) = (false, false);
            self.events.push_back(BankEvent::PortGone(modem));
        }
    }

    /// The port goes and comes back; every other time the modem has lost its settings too.
    pub(super) fn vanish(&mut self, now: Now, modem: usize) {
        self.interrupt(modem);
        let back = now.monotonic + self.some_millis(1_000, 10_000);
        let forgets = self.random.bool();
        let Some(seat) = self.seats.get_mut(modem) else { return };
        if forgets {
            seat.modem.restart(back, back);
            self.schedule(back, modem, Timer::NetworkBack);
        }
        self.take_port(modem);
        self.schedule(back, modem, Timer::PortBack);
    }

    /// Deaf and mute, then as before.
    pub(super) fn hang(&mut self, now: Now, modem: usize) {
        self.interrupt(modem);
        let until = now.monotonic + self.some_millis(5_000, 60_000);
        self.silence(modem, until);
        self.schedule(until, modem, Timer::Flush);
    }

    pub(super) fn silence(&mut self, modem: usize, until: Instant) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.silent_until = seat.silent_until.max(until);
        }
    }

    /// From now on this is the matter with it.
    pub(super) fn fall_ill(&mut self, now: Now, modem: usize, fault: Fault) {
        if matches!(
            fault,
            Fault::DeadUntilUsbReset | Fault::DeadUntilPowerCycle | Fault::DeadForEver
        ) {
            self.interrupt(modem);
        }
        if fault == Fault::SilentDrop {
            let over = now.monotonic + self.some_millis(30 * 60_000, 120 * 60_000);
            self.schedule(over, modem, Timer::Over(fault));
        }
        let cause = self.pick(&[8, 21, 38, 50, 69]);
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.ailments.add(fault);
            seat.barred_with = cause;
        }
    }

    /// The network denies the SIM.
    pub(super) fn deny(&mut self, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.deny();
        }
        self.tell_registration(modem);
    }

    /// The SIM has no contact for a while.
    pub(super) fn drop_card(&mut self, now: Now, modem: usize) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.modem.card.present = false;
        }
        self.tell(modem, "+CPIN: NOT READY");
        self.tell_registration(modem);
        let back = now.monotonic + self.some_millis(60_000, 300_000);
        self.schedule(back, modem, Timer::CardBack);
    }

    pub(super) fn card_back(&mut self, now: Now, modem: usize) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        if seat.modem.card.present {
            // It sat loose twice and is in its place since the first time.
            return;
        }
        seat.modem.card.present = true;
        seat.modem.card.reset();
        self.tell(modem, "+CPIN: READY");
        self.tell_registration(modem);
        self.flush(now, modem);
    }

    /// The port goes now, for a moment, and so many times again.
    pub(super) fn flap(&mut self, now: Now, modem: usize, left: u8) {
        self.interrupt(modem);
        self.take_port(modem);
        let back = now.monotonic + self.some_millis(1_000, 3_000);
        self.schedule(back, modem, Timer::PortBack);
        if let Some(left) = left.checked_sub(1) {
            let again = back + self.some_millis(2_000, 8_000);
            self.schedule(again, modem, Timer::Flap { left });
        }
    }

    /// All on the same hub lose their ports.
    pub(super) fn fail_hub(&mut self, now: Now, modem: usize) {
        let first = modem - modem % ON_A_HUB;
        for neighbour in first..(first + ON_A_HUB).min(self.seats.len()) {
            self.vanish(now, neighbour);
        }
    }

    /// Another program has the port open, too: its echo and its answers are heard, while the modem has time for it.
    pub(super) fn talk_between(&mut self, now: Now, modem: usize, left: u8) {
        let Some(seat) = self.seats.get(modem) else { return };
        let busy = seat.busy || seat.modem.at_prompt() || now.monotonic < seat.silent_until;
        if !busy && left < FOREIGN_LINES {
            let said: &[u8] = if left.is_multiple_of(2) {
                b"AT+CSQ\r\r\n+CSQ: 17,99\r\n\r\nOK\r\n"
            } else {
                b"\r\nERROR\r\n"
            };
            self.say(modem, said.to_vec());
        }
        if let Some(left) = left.checked_sub(1) {
            let next = now.monotonic + self.some_millis(300, 1_400);
            self.schedule(next, modem, Timer::Foreign { left });
        }
    }

    pub(super) fn port_back(&mut self, now: Now, modem: usize) {
        let Some(seat) = self.seats.get_mut(modem) else { return };
        if seat.port || seat.unplugged {
            return;
        }
        seat.port = true;
        self.events.push_back(BankEvent::PortBack(modem));
        self.flush(now, modem);
    }
}
