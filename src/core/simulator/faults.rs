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

impl Bank {
    /// Whether the fault happens now.
    pub(super) fn draw(&mut self, now: Now, modem: usize, fault: Fault) -> bool {
        self.draw_of(now, modem, fault, 1)
    }

    fn draw_of(&mut self, now: Now, modem: usize, fault: Fault, rarer: u32) -> bool {
        let rate = u32::from(self.options.faults.per_mille(fault));
        // No rate, no draw: a bank without faults takes nothing from the source of randomness.
        let happens = rate > 0 && self.random.u32(0..1_000 * rarer) < rate;
        if happens {
            self.note(now, modem, Air::Fault(fault));
        }
        happens
    }

    /// One of these.
    pub(super) fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        self.random.choice(of).copied().unwrap_or_default()
    }

    /// Mishaps at a command line, before it is looked at. True when there will be no answer.
    pub(super) fn trip(&mut self, now: Now, modem: usize) -> bool {
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
        let slow = if self.draw(now, modem, Fault::SlowAnswer) {
            self.some_millis(50, 2_000)
        } else {
            Duration::ZERO
        };
        let pieces = if self.draw(now, modem, Fault::TornWrite) {
            self.random.usize(2..5)
        } else {
            1
        };
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

    /// It restarts: silent for a while, then its boot lines, in its settings after power-on, and the network later.
    pub(super) fn restart(&mut self, now: Now, modem: usize) {
        self.interrupt(modem);
        let booted = now.monotonic + self.some_millis(1_000, 4_000);
        let sim = booted + self.some_millis(200, 3_000);
        let sms = sim + self.some_millis(200, 3_000);
        let network = booted + self.some_millis(500, 8_000);
        let Some(seat) = self.seats.get_mut(modem) else { return };
        seat.silent_until = booted;
        seat.modem.restart(sim, sms);
        self.schedule(booted, modem, Timer::Tell(b"\r\nRDY\r\n\r\n+CFUN: 1\r\n".to_vec()));
        self.schedule(sim, modem, Timer::Tell(b"\r\n+CPIN: READY\r\n".to_vec()));
        self.schedule(network, modem, Timer::NetworkBack);
        self.schedule(sms, modem, Timer::Tell(b"\r\nCall Ready\r\n\r\nSMS Ready\r\n".to_vec()));
        self.schedule(sms, modem, Timer::Flush);
    }

    /// The port goes and comes back; every other time the modem has lost its settings too.
    pub(super) fn vanish(&mut self, now: Now, modem: usize) {
        self.interrupt(modem);
        let back = now.monotonic + self.some_millis(1_000, 10_000);
        let forgets = self.random.bool();
        let Some(seat) = self.seats.get_mut(modem) else { return };
        seat.port = false;
        seat.driver = false;
        if forgets {
            seat.modem.restart(back, back);
            self.schedule(back, modem, Timer::NetworkBack);
        }
        self.events.push_back(BankEvent::PortGone(modem));
        self.schedule(back, modem, Timer::PortBack);
    }

    /// Deaf and mute, then as before.
    pub(super) fn hang(&mut self, now: Now, modem: usize) {
        self.interrupt(modem);
        let until = now.monotonic + self.some_millis(5_000, 60_000);
        self.silence(modem, until);
        self.schedule(until, modem, Timer::Flush);
    }

    fn silence(&mut self, modem: usize, until: Instant) {
        if let Some(seat) = self.seats.get_mut(modem) {
            seat.silent_until = seat.silent_until.max(until);
        }
    }
}
