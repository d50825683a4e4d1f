//! One virtual modem: what it answers to a command line, by 3GPP TS 27.005 and 27.007. It knows neither the network nor
//! the clock's faults; the bank puts it among them.

mod general;
mod maker;
mod message;
mod network;
mod phone;
mod send;
mod settings;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::ailments::{Ailments, Remedy};
use super::card::Card;
use super::command::{self, Command, Failure, Parameters, What};
use super::identity::Identity;
use super::line::{Ear, Heard};
use super::model::{Acceptance, Cancelled, Model};
use super::options::Fault;
use super::storage::{Kept, Memory, Status, Storage};
use crate::base::{Instant, Now};
pub(super) use network::hex;
pub(super) use send::Data;
pub(super) use settings::Settings;

/// Octets most answers take.
const ANSWER: usize = 96;

/// How a command that did not fail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Ok,
    NoCarrier,
    /// Data is expected.
    Prompt,
    /// The network has to answer first.
    Later,
    /// Nothing is said, now or later.
    Silence,
}

type Ended = Result<Done, Failure>;

/// What a command line did besides being answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The modem was told to restart.
    Restart,
    /// Kept messages went.
    Deleted {
        memory: Memory,
        index: usize,
        inbound: Option<u64>,
    },
    /// A kept message is to be sent.
    Submit(Vec<u8>),
    /// Something that waits may get through now.
    Listen,
    /// The firmware hangs for good.
    Hang,
    /// This is asked of the network.
    Ussd(String),
    /// A call is ended.
    HangUp,
}

/// The answer to a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) answer: Vec<u8>,
    pub(super) effects: Vec<Effect>,
    /// The answer is a prompt.
    pub(super) prompt: bool,
}

/// The modem with its SIM.
#[derive(Debug)]
pub(super) struct Modem {
    pub(super) model: &'static Model,
    pub(super) identity: Identity,
    pub(super) card: Card,
    pub(super) ailments: Ailments,
    /// The command that is never answered, with [`Fault::PoisonCommand`].
    pub(super) poison: String,
    /// The network denied the SIM, and it was not asked again since.
    pub(super) denied: bool,
    /// It says [`super::model::Noise`] again and again.
    pub(super) noisy: bool,
    pub(super) settings: Settings,
    pub(super) ear: Ear,
    /// TP-Message-Reference of the last submission; kept on the SIM.
    pub(super) last_reference: u8,
    /// Whether the network has it.
    pub(super) registered: bool,
    /// Signal as `+CSQ` counts it, 0 to 31.
    signal: u8,
    prompt: Option<send::Prompt>,
    storages: [Storage; 3],
    phone_book: phone::PhoneBook,
    /// The next message that is deleted stays.
    pub(super) keeps_deleted: bool,
    /// Milliseconds its clock is ahead of the network's.
    clock_ahead: i64,
    /// Indexes that hold nothing are an error to read, as on half of the models.
    strict_indexes: bool,
    /// When the SIM and the message service are up after a start.
    sim_ready: Instant,
    sms_ready: Instant,
    answer: Vec<u8>,
    effects: Vec<Effect>,
}

impl Modem {
    pub(super) fn new(model: &'static Model, identity: Identity, index: usize, places: Option<usize>) -> Self {
        // The generic model begins to count where a modem of the field would, and no two neighbours agree.
        let neighbours = *model == Model::GENERIC;
        let base = if neighbours {
            1 - index % 2
        } else {
            usize::from(model.stores.base)
        };
        let storage = |own: &u8| Storage::new(places.map_or(usize::from(*own), |places| places.clamp(1, 255)), base);
        Self {
            model,
            card: Card::default(),
            ailments: Ailments::of(model.starts_with),
            poison: String::new(),
            denied: false,
            noisy: model.noise.is_some(),
            settings: Settings::of(model),
            ear: Ear::default(),
            last_reference: u8::try_from(index * 37 % 256).unwrap_or_default(),
            registered: true,
            signal: 14 + u8::try_from(index * 5 % 15).unwrap_or_default(),
            prompt: None,
            storages: model.stores.places.each_ref().map(storage),
            phone_book: phone::PhoneBook::default(),
            keeps_deleted: false,
            clock_ahead: 0,
            strict_indexes: if neighbours {
                index % 2 == 1
            } else {
                model.stores.strict
            },
            sim_ready: Instant::ZERO,
            sms_ready: Instant::ZERO,
            answer: Vec::new(),
            effects: Vec::new(),
            identity,
        }
    }

    /// Everything that does not survive a restart is gone.
    pub(super) fn restart(&mut self, sim_ready: Instant, sms_ready: Instant) {
        self.forget_settings();
        self.settings.functionality = self.model.boot.level;
        self.ear.clear();
        self.prompt = None;
        self.registered = false;
        self.noisy = self.model.noise.is_some();
        self.card.reset();
        self.ailments.heal(Remedy::Restart);
        for fault in self.model.starts_with {
            self.ailments.add(*fault);
        }
        self.denied = self.ailments.has(Fault::Denied);
        self.sim_ready = sim_ready;
        self.sms_ready = sms_ready;
    }

    /// Settings are those after power-on, but for the radio.
    pub(super) fn forget_settings(&mut self) {
        self.settings = Settings {
            functionality: self.settings.functionality,
            ..Settings::of(self.model)
        };
    }

    /// The network denies the SIM and is put on the list of those it must not ask again.
    pub(super) fn deny(&mut self) {
        self.ailments.add(Fault::Denied);
        self.denied = true;
        network::forbid(&mut self.card.forbidden);
    }

    /// Whether messages can come and go.
    pub(super) fn serves(&self, now: Now) -> bool {
        self.registration_state() == 1 && self.card.usable() && now.monotonic >= self.sms_ready
    }

    pub(super) fn hear(&mut self, byte: u8) -> Option<Heard> {
        self.ear.hear(byte)
    }

    /// Whether a prompt stands open; nothing unsolicited is said then.
    pub(super) fn at_prompt(&self) -> bool {
        self.prompt.is_some()
    }

    pub(super) fn storage(&mut self, memory: Memory) -> &mut Storage {
        let [me, sm, sr] = &mut self.storages;
        match memory {
            Memory::Me | Memory::Mt => me,
            Memory::Sm => sm,
            Memory::Sr => sr,
        }
    }

    /// Answers a command line.
    pub(super) fn run(&mut self, line: &str, now: Now) -> Outcome {
        self.answer.clear();
        self.answer.reserve(ANSWER);
        self.effects.clear();
        let Some(body) = command::body(line) else {
            return Outcome::default();
        };
        let ended = match command::parse(body) {
            Ok(commands) => self.run_all(&commands, now),
            Err(command::Malformed) => Err(Failure::Plain),
        };
        let prompt = ended == Ok(Done::Prompt);
        match ended {
            Ok(Done::Ok) => self.result("OK", 0),
            Ok(Done::NoCarrier) => self.result("NO CARRIER", 3),
            Ok(Done::Prompt) => self.answer.extend_from_slice(self.model.manners.prompt.as_bytes()),
            Ok(Done::Later) => {}
            Ok(Done::Silence) => self.answer.clear(),
            Err(failure) => self.fail(failure),
        }
        self.outcome(prompt)
    }

    /// A line that was too long to be kept.
    pub(super) fn refuse_line(&mut self) -> Outcome {
        self.answer.clear();
        self.fail(Failure::Plain);
        self.outcome(false)
    }

    /// An answer made of one information line (none when empty) and the result.
    pub(super) fn reply(&mut self, line: &str, result: Result<(), Failure>) -> Vec<u8> {
        self.answer.clear();
        if !line.is_empty() {
            self.info(line);
        }
        match result {
            Ok(()) => self.result("OK", 0),
            Err(failure) => self.fail(failure),
        }
        core::mem::take(&mut self.answer)
    }

    /// What is said when data is cancelled by ESC.
    pub(super) fn cancelled(&mut self) -> Vec<u8> {
        match self.model.manners.cancelled {
            Cancelled::Ok => self.reply("", Ok(())),
            Cancelled::Error => self.reply("", Err(Failure::Plain)),
            Cancelled::Nothing => Vec::new(),
        }
    }

    /// What is said of a message that was accepted under this reference.
    pub(super) fn acceptance(&mut self, command: &str, tp_mr: u8) -> Vec<u8> {
        match self.model.manners.accepted {
            Acceptance::Whole => self.reply(&format!("{command}: {tp_mr}"), Ok(())),
            Acceptance::OkAlone => self.reply("", Ok(())),
        }
    }

    fn outcome(&mut self, prompt: bool) -> Outcome {
        Outcome {
            answer: core::mem::take(&mut self.answer),
            effects: core::mem::take(&mut self.effects),
            prompt,
        }
    }

    fn run_all(&mut self, commands: &[Command], now: Now) -> Ended {
        let mut last = Ok(Done::Ok);
        for command in commands {
            last = self.run_one(command, now);
            match last {
                Ok(Done::Ok) => {}
                Ok(Done::NoCarrier | Done::Prompt | Done::Later | Done::Silence) | Err(_) => break,
            }
        }
        last
    }

    fn run_one(&mut self, command: &Command, now: Now) -> Ended {
        let (name, what) = (command.name.as_str(), &command.what);
        if name.starts_with('+') && !self.settings.functions_with(name) {
            return Err(Failure::Cme(4));
        }
        if self.ailments.has(Fault::PoisonCommand) && self.poison == name {
            return Ok(Done::Silence);
        }
        self.maker(name, what)
            .or_else(|| self.general(name, what))
            .or_else(|| self.phone(name, what, now))
            .or_else(|| self.network(name, what, now))
            .or_else(|| self.message(name, what, now))
            .or_else(|| self.send(name, what, now))
            .unwrap_or(Err(Failure::Unknown))
    }

    /// An information line.
    fn info(&mut self, line: &str) {
        if self.settings.verbose {
            self.answer.extend_from_slice(b"\r\n");
        }
        let parts = if self.model.manners.tight {
            line.split_once(": ")
        } else {
            None
        };
        match parts {
            Some((name, rest)) => {
                for piece in [name, ":", rest] {
                    self.answer.extend_from_slice(piece.as_bytes());
                }
            }
            None => self.answer.extend_from_slice(line.as_bytes()),
        }
        self.answer.extend_from_slice(b"\r\n");
    }

    fn result(&mut self, word: &str, number: u8) {
        if self.settings.quiet {
            return;
        }
        if self.settings.verbose {
            for piece in [b"\r\n", word.as_bytes(), b"\r\n"] {
                self.answer.extend_from_slice(piece);
            }
        } else {
            self.answer.extend_from_slice(&[b'0' + number, b'\r']);
        }
    }

    fn fail(&mut self, failure: Failure) {
        let (kind, code) = match (failure, self.settings.errors) {
            (Failure::Unknown, _) => return self.result(self.model.manners.unknown, 4),
            (Failure::Plain, _) | (_, 0) => return self.result("ERROR", 4),
            (Failure::Cme(code), _) => ("CME", code),
            (Failure::Cms(code), _) => ("CMS", code),
        };
        let text = if self.settings.errors == 2 {
            format!("+{kind} ERROR: {}", meaning(failure))
        } else {
            format!("+{kind} ERROR: {code}")
        };
        // Extended results are words also where the others are numbers (27.005 clause 3.2.5).
        self.answer.extend_from_slice(format!("\r\n{text}\r\n").as_bytes());
    }

    /// A setting that is a number from 0 to `most`: `=?`, `?` and `=n`.
    fn number_setting(
        &mut self,
        name: &str,
        what: &What,
        most: u8,
        field: fn(&mut Settings) -> &mut u8,
        wrong: Failure,
    ) -> Ended {
        match what {
            What::Test => self.info(&format!("{name}: (0-{most})")),
            What::Read => {
                let value = *field(&mut self.settings);
                self.info(&format!("{name}: {value}"));
            }
            What::Set(parameters) => *field(&mut self.settings) = small(parameters, 0, most, 0, wrong)?,
            What::Run => return Err(wrong),
        }
        Ok(Done::Ok)
    }
}

/// The parameter at `place`, 0 to `most`, or `default` when it was left out.
fn small(parameters: &Parameters, place: usize, most: u8, default: u8, wrong: Failure) -> Result<u8, Failure> {
    let value = parameters.number(place).map_err(|_| wrong)?;
    let Some(value) = value else { return Ok(default) };
    u8::try_from(value).ok().filter(|v| *v <= most).ok_or(wrong)
}

/// What `+CMEE=2` says of a code.
fn meaning(failure: Failure) -> String {
    let known = match failure {
        Failure::Plain | Failure::Unknown => "error",
        Failure::Cme(3) | Failure::Cms(302) => "operation not allowed",
        Failure::Cme(4) | Failure::Cms(303) => "operation not supported",
        Failure::Cme(10) | Failure::Cms(310) => "SIM not inserted",
        Failure::Cme(11) | Failure::Cms(311) => "SIM PIN required",
        Failure::Cme(12) | Failure::Cms(316) => "SIM PUK required",
        Failure::Cme(13) | Failure::Cms(313) => "SIM failure",
        Failure::Cme(16) => "incorrect password",
        Failure::Cme(22) => "not found",
        Failure::Cme(14) | Failure::Cms(314) => "SIM busy",
        Failure::Cme(30) | Failure::Cms(331) => "no network service",
        Failure::Cme(50) => "incorrect parameters",
        Failure::Cms(304) => "invalid PDU mode parameter",
        Failure::Cms(305) => "invalid text mode parameter",
        Failure::Cms(321) => "invalid memory index",
        Failure::Cms(322) => "memory full",
        Failure::Cms(38) => "network out of order",
        Failure::Cme(code) | Failure::Cms(code) => return format!("unknown error {code}"),
    };
    known.into()
}
