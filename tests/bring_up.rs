//! Bring-up of every shipped profile against a transcript of such a device, written from what is known of it in the field: its
//! answers, its refusals, its noise. What was said and what was chosen is a snapshot; `UPDATE_SNAPSHOTS=1` writes it anew.
//!
//! A transcript (`tests/data/at/<profile>.txt`) holds blocks: `> command | another` and below it the lines of the answer, each
//! after `< `. A command that stands twice is answered by the first block once, by the last one for ever. Lines before the
//! first command are said when the port opens. `! unknown <final result>` answers everything else, `! locked` needs the
//! PIN 1234, `! wired uart` and `! wired usb` say how it is connected. `#` begins a remark.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wardwire::config::profile::{SHIPPED, profiles};
use wardwire_core::base::{Instant, Now, UtcTime};
use wardwire_core::modem::{Command, Event, Modem, Pin, PinAnswer, Settings, State, Wiring};

/// A device that says what its transcript says.
struct Device {
    greeting: String,
    unknown: String,
    settings: Settings,
    answers: BTreeMap<String, VecDeque<String>>,
    echo: bool,
    line: String,
    asked: Vec<String>,
}

impl Device {
    fn read(path: &Path) -> Self {
        let mut device = Self {
            greeting: String::new(),
            unknown: "ERROR".to_owned(),
            settings: Settings::default(),
            answers: BTreeMap::new(),
            echo: true,
            line: String::new(),
            asked: Vec::new(),
        };
        let mut open: Vec<String> = Vec::new();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            if let Some(commands) = line.strip_prefix("> ") {
                open = commands.split(" | ").map(|command| command.trim().to_owned()).collect();
                for command in &open {
                    device
                        .answers
                        .entry(command.clone())
                        .or_default()
                        .push_back(String::new());
                }
            } else if let Some(said) = line.strip_prefix("< ") {
                let said = format!("\r\n{said}\r\n");
                if open.is_empty() {
                    device.greeting += &said;
                }
                for command in &open {
                    *device.answers.get_mut(command).unwrap().back_mut().unwrap() += &said;
                }
            } else if let Some(order) = line.strip_prefix("! ") {
                device.set(order);
            } else {
                assert!(line.is_empty() || line.starts_with('#'), "{}: {line}", path.display());
            }
        }
        device
    }

    fn set(&mut self, order: &str) {
        match order.split_once(' ').unwrap_or((order, "")) {
            ("unknown", result) => self.unknown = result.to_owned(),
            ("locked", "") => self.settings.pin = Pin::from_digits("1234"),
            ("wired", "uart") => self.settings.wiring = Wiring::Uart,
            ("wired", "usb") => self.settings.wiring = Wiring::Usb,
            _ => panic!("no such order: {order}"),
        }
    }

    /// Takes what the modem machine writes, gives what comes back.
    fn take(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut back = String::new();
        for octet in octets {
            match octet {
                b'\r' => {
                    let command = std::mem::take(&mut self.line);
                    if !command.is_empty() {
                        back += &self.answer(&command);
                        self.asked.push(command);
                    }
                }
                0x1B => {}
                _ => self.line.push(char::from(*octet)),
            }
        }
        back.into_bytes()
    }

    fn answer(&mut self, command: &str) -> String {
        let echo = if self.echo {
            format!("{command}\r")
        } else {
            String::new()
        };
        self.echo &= command != "ATE0";
        let unknown = format!("\r\n{}\r\n", self.unknown);
        let answer = self.answers.get_mut(command).map_or(unknown, |blocks| {
            let last = blocks.len() == 1;
            let block = if last {
                blocks.front().cloned()
            } else {
                blocks.pop_front()
            };
            block.unwrap_or_default()
        });
        echo + &answer
    }
}

fn at(since: Duration) -> Now {
    Now {
        monotonic: Instant::ZERO + since,
        utc: UtcTime::from_millis(1_781_514_922_000) + since,
    }
}

/// Follows the dialogue until nothing more is due within a minute and a half.
fn bring_up(device: &mut Device) -> (Modem, Vec<String>) {
    let mut modem = Modem::new(profiles(&[]).unwrap(), device.settings.clone(), 7);
    let mut now = at(Duration::from_secs(1));
    let end = now.monotonic + Duration::from_secs(45);
    let mut told = Vec::new();
    modem.handle_command(now, Command::PortOpened);
    let greeting = std::mem::take(&mut device.greeting);
    modem.handle_input(now, greeting.as_bytes());
    for _ in 0..100_000 {
        while let Some(event) = modem.poll_event() {
            told.push(format!("{event:?}"));
            if let Event::GivesPin(of) = event {
                modem.handle_command(now, Command::PinAnswer(of, PinAnswer::Give));
            }
        }
        if let Some(octets) = modem.poll_transmit() {
            let back = device.take(&octets);
            modem.handle_input(now, &back);
            continue;
        }
        match modem.poll_timeout() {
            Some((due, _)) if due <= end => {
                now = at(Duration::from_micros(due.max(now.monotonic).as_micros()));
                modem.handle_timeout(now);
            }
            _ => return (modem, told),
        }
    }
    panic!("turns in place");
}

fn outcome(device: &mut Device) -> String {
    let (modem, told) = bring_up(device);
    let identity = modem.identity();
    let reception = modem.reception();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut out = String::new();
    let _ = writeln!(out, "profile      {}", modem.profile().name);
    let _ = writeln!(out, "state        {:?}", modem.state());
    let _ = writeln!(
        out,
        "identity     {} / {} / {}",
        identity.manufacturer, identity.model, identity.firmware
    );
    let _ = writeln!(out, "imei         {}", text(&identity.imei));
    let _ = writeln!(out, "iccid        {}", text(&identity.iccid));
    let _ = writeln!(out, "imsi         {}", text(&identity.imsi));
    let number = identity.number.as_ref().map_or("", |number| number.as_e164());
    let _ = writeln!(out, "number       {number}");
    let centre = identity.service_centre.as_ref().map_or("", |number| number.as_e164());
    let _ = writeln!(out, "centre       {centre}");
    let storage = reception.storage.map(|memory| memory.to_string());
    let _ = writeln!(out, "storage      {}", text(&storage));
    let _ = writeln!(out, "notification {}", text(&reception.notification));
    let _ = writeln!(out, "acknowledges {}", reception.acknowledges);
    let health = modem.health();
    let _ = writeln!(
        out,
        "network      {} {} {:?}",
        health.registration.as_str(),
        health.operator,
        health.signal_dbm
    );
    let _ = writeln!(out, "told         {}", told.join(" "));
    for asked in &device.asked {
        let _ = writeln!(out, "> {asked}");
    }
    out
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn transcripts() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder("data/at"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_profile_has_a_transcript_that_chooses_it() {
    let mut chosen: Vec<String> = transcripts()
        .iter()
        .map(|path| bring_up(&mut Device::read(path)).0.profile().name.clone())
        .collect();
    chosen.sort();
    chosen.dedup();
    let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    assert_eq!(chosen, shipped);
}

#[test]
fn bring_up_on_each_device_is_as_it_was() {
    let bless = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    for path in transcripts() {
        let mut device = Device::read(&path);
        let found = outcome(&mut device);
        let snapshot = folder("snapshots/bring-up").join(path.file_name().unwrap());
        if bless {
            std::fs::create_dir_all(snapshot.parent().unwrap()).unwrap();
            std::fs::write(&snapshot, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&snapshot).unwrap_or_default();
        assert_eq!(found, expected, "{}", snapshot.display());
    }
}

/// Whatever a device says, every one of these can send in the end, and nothing that is forbidden was said to it.
#[test]
fn every_device_ends_ready_and_unharmed() {
    for path in transcripts() {
        let mut device = Device::read(&path);
        let (modem, _) = bring_up(&mut device);
        assert_eq!(modem.state(), State::Ready, "{}", path.display());
        for asked in &device.asked {
            assert!(!modem.profile().forbids(asked), "{}: {asked}", path.display());
        }
        let given = device
            .asked
            .iter()
            .filter(|asked| asked.starts_with("AT+CPIN="))
            .count();
        assert_eq!(given, usize::from(device.settings.pin.is_some()), "{}", path.display());
    }
}
