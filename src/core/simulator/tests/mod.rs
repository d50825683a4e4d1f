//! Dialogues with the bank in virtual time, through its doors only.

mod air;
mod dialogue;
mod faults;
mod hosting;
mod models;

use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::base::{Instant, Now, PhoneNumber, UtcTime};
use crate::sms::tpdu::{SubmitOptions, submit};
use crate::sms::{SegmentOptions, segment};

/// Somebody at the other end of the lines, who only notes what comes.
struct Driver {
    bank: Bank,
    now: Now,
    /// All that came from each modem since it was last looked at.
    heard: Vec<Vec<u8>>,
    events: Vec<BankEvent>,
    journal: Vec<AirEvent>,
}

impl Driver {
    fn new(options: Options) -> Self {
        let bank = Bank::new(options);
        Self {
            heard: (0..bank.modems()).map(|_| Vec::new()).collect(),
            now: Now {
                monotonic: Instant::ZERO,
                utc: UtcTime::from_millis(1_795_300_000_000),
            },
            events: Vec::new(),
            journal: Vec::new(),
            bank,
        }
    }

    fn one(faults: Faults) -> Self {
        Self::new(Options {
            modems: 1,
            faults,
            ..Options::default()
        })
    }

    fn collect(&mut self) {
        while let Some((modem, bytes)) = self.bank.poll_transmit() {
            self.heard[modem].extend(bytes);
        }
        while let Some(event) = self.bank.poll_event() {
            self.events.push(event);
        }
        self.journal.extend(self.bank.take_journal());
    }

    fn write(&mut self, modem: usize, text: &str) {
        self.bank.handle_input(self.now, modem, text.as_bytes());
        self.collect();
    }

    /// What the modem said since this was last asked.
    fn heard(&mut self, modem: usize) -> String {
        String::from_utf8_lossy(&core::mem::take(&mut self.heard[modem])).into_owned()
    }

    /// Writes a line to the first modem and tells what came at once.
    fn ask(&mut self, line: &str) -> String {
        self.write(0, &format!("{line}\r"));
        self.heard(0)
    }

    fn expect(&mut self, line: &str, answer: &str) {
        assert_eq!(self.ask(line), answer, "{line}");
    }

    /// Lets time pass, waking the bank exactly when it asks for it.
    fn pass(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        while let Some(at) = self.bank.poll_timeout().filter(|at| *at <= end) {
            self.jump(at.max(self.now.monotonic));
            self.bank.handle_timeout(self.now);
            self.collect();
        }
        self.jump(end);
    }

    fn jump(&mut self, to: Instant) {
        let by = to.since(self.now.monotonic);
        self.now = Now {
            monotonic: to,
            utc: self.now.utc + by,
        };
    }

    fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    /// Sets the first modem up as a gateway would, and forgets what was said.
    fn set_up(mut self) -> Self {
        for line in ["ATE0", "AT+CMEE=1", "AT+CMGF=0", "AT+CNMI=2,1,0,1,0"] {
            self.ask(line);
        }
        self
    }

    /// Sends a text through the first modem; what it said after Ctrl-Z at once.
    fn send(&mut self, to: &str, text: &str) -> String {
        let mut said = String::new();
        for (line, length) in pdus(to, text) {
            self.write(0, &format!("AT+CMGS={length}\r"));
            self.write(0, &format!("{line}\x1a"));
            said.push_str(&self.heard(0));
        }
        said
    }

    fn accepted(&self) -> Vec<&Accepted> {
        let all = self.journal.iter().map(|event| &event.what);
        all.filter_map(|what| {
            if let Air::Accepted(accepted) = what {
                Some(accepted)
            } else {
                None
            }
        })
        .collect()
    }

    fn count(&self, name: &str) -> usize {
        self.journal.iter().filter(|event| event.what.name() == name).count()
    }
}

const PHONE: &str = "+353871234567";

/// The lines that submit a text, with reports asked for.
fn pdus(to: &str, text: &str) -> Vec<(String, usize)> {
    let to = PhoneNumber::from_e164(to).unwrap();
    let options = SubmitOptions {
        status_report: true,
        ..SubmitOptions::default()
    };
    let parts = segment(text, &SegmentOptions::default()).unwrap().parts;
    let line = |part| {
        let tpdu = submit(part, &to, options).unwrap();
        let (line, length) = crate::sms::frame(None, &tpdu).unwrap();
        (line.as_str().into(), length)
    };
    parts.iter().map(line).collect()
}
