//! What is known of a modem model, as data: what it says of itself, how to bring it up, which storages and notifications to ask
//! for, how to reset it, how long to wait, which oddities to expect. Written in `firmware-config/profiles/*.toml`; reading
//! that is the shell's part.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::at::{Memory, limits};

/// Steps a bring-up may have at most.
pub const STEPS: usize = 64;

/// A modem model, or a family of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name, for people.
    pub name: String,
    /// Which modems it is for; empty for the one that is for all.
    pub matches: Match,
    /// Bring-up, in order.
    pub steps: Vec<Step>,
    /// Storages for received messages, best first; the first one the modem offers for reading, writing and receiving is
    /// taken.
    pub storages: Vec<Memory>,
    /// Parameters for `AT+CNMI=`, best first; the first one that lies in the modem's ranges, is accepted and reads back
    /// is taken. When none is, received messages are found by listing.
    pub notifications: Vec<String>,
    /// When a configured PIN may be given.
    pub pin: PinGuard,
    /// Commands that reject an incoming call; the first one that is accepted is enough.
    pub hang_up: Vec<String>,
    /// How to restart it.
    pub reset: Reset,
    /// What must never stand in a command sent to it, as `^GETPORTMODE`: it crashes on that.
    pub never: Vec<String>,
    /// Lines a person may have sent to it to change what it keeps in its own memory.
    pub provisioning: Vec<String>,
    /// How long to wait and how often to look.
    pub timing: Timing,
    /// Oddities.
    pub quirks: Quirks,
}

/// Which modems a profile is for, by what they say of themselves. A pattern is the begin of a text, or, after a `*`, any
/// part of it; capitals and blanks do not count. Of several patterns in a list one must fit; an empty list asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// `+CGMI`.
    pub manufacturer: Vec<String>,
    /// `+CGMM`.
    pub model: Vec<String>,
    /// `+CGMR`.
    pub firmware: Vec<String>,
}

impl Match {
    /// How well the texts of a modem fit: lists that ask something, then characters of the patterns that fitted. None when
    /// one list does not fit, or none asks anything.
    #[must_use]
    pub fn fit(&self, manufacturer: &str, model: &str, firmware: &str) -> Option<(usize, usize)> {
        let lists = [
            (&self.manufacturer, manufacturer),
            (&self.model, model),
            (&self.firmware, firmware),
        ];
        let mut fit = (0, 0);
        for (patterns, text) in lists.into_iter().filter(|(patterns, _)| !patterns.is_empty()) {
            let text = plain(text);
            fit.0 += 1;
            fit.1 += patterns.iter().filter_map(|pattern| fits(pattern, &text)).max()?;
        }
        (fit.0 > 0).then_some(fit)
    }
}

/// Capitals and blanks do not count.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// Characters of a pattern that fits.
fn fits(pattern: &str, text: &str) -> Option<usize> {
    let pattern = plain(pattern);
    match pattern.strip_prefix('*') {
        Some(part) => text.contains(part).then_some(part.len()),
        None => text.starts_with(&pattern).then_some(pattern.len()),
    }
}

/// When a configured PIN may be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinGuard {
    /// Commands that tell how many tries are left; the first one that tells is believed. Without one that tells, no PIN is
    /// ever given.
    pub counters: Vec<PinCounter>,
    /// Tries that must be left, at least 2; all three where the card's ICCID cannot be read before.
    pub tries_left: u8,
}

/// A command that tells how many tries of the PIN are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinCounter {
    /// To send.
    pub command: String,
    /// The word before the colon of the line that tells it, as `+CPINR`.
    pub answer: String,
    /// The first parameter of that line, where it names the code, as `SIM PIN`.
    pub code: Option<String>,
    /// Which parameter it is, from 1.
    pub field: u8,
}

impl PinCounter {
    /// `AT+CPINR` of 27.007 clause 8.65.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            command: "AT+CPINR=\"SIM PIN\"".to_owned(),
            answer: "+CPINR".to_owned(),
            code: Some("SIM PIN".to_owned()),
            field: 2,
        }
    }
}

/// How to restart a modem. Lists are tried in order until one command is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Radio off; `AT+CFUN=1` switches it on again.
    pub radio_off: String,
    /// A restart. Its answer may never come; the port may vanish.
    pub commands: Vec<String>,
    /// Off; only power brings it back.
    pub power_off: Vec<String>,
    /// From a restart to the first answer.
    pub boot: Duration,
}

impl Default for Reset {
    fn default() -> Self {
        Self {
            radio_off: "AT+CFUN=4".to_owned(),
            commands: ["AT+CFUN=1,1".to_owned()].to_vec(),
            power_off: ["AT+CPOF".to_owned()].to_vec(),
            boot: Duration::from_secs(90),
        }
    }
}

/// How long to wait and how often to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// From a final result to the next command.
    pub gap: Duration,
    /// For an ordinary command.
    pub command: Duration,
    /// For the prompt of `AT+CMGS`.
    pub prompt: Duration,
    /// From Ctrl-Z to the final result, hard. Below 180 s it makes duplicates.
    pub result: Duration,
    /// After `+CMGS:` when OK stays away.
    pub settle: Duration,
    /// Silence that ends a listing; every octet starts it anew.
    pub listing: Duration,
    /// From one listing of all storages to the next.
    pub list_every: Duration,
    /// The same where no notification could be had.
    pub poll_every: Duration,
    /// From one reading of the signal to the next; it is the sign of life of an idle modem.
    pub health_every: Duration,
    /// From one look for a network to the next while there is none.
    pub registration_every: Duration,
    /// Pause between texts for what comes in, where the link that is kept between them (`AT+CMMS`) holds it back; zero where
    /// it does not.
    pub air: Duration,
    /// After so many texts in a row.
    pub air_every: u16,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            gap: Duration::ZERO,
            command: Duration::from_secs(10),
            prompt: Duration::from_secs(10),
            result: Duration::from_secs(180),
            settle: Duration::from_secs(5),
            listing: Duration::from_secs(60),
            list_every: Duration::from_secs(300),
            poll_every: Duration::from_secs(15),
            health_every: Duration::from_secs(60),
            registration_every: Duration::from_secs(5),
            air: Duration::ZERO,
            air_every: 15,
        }
    }
}

/// Oddities of models, as named switches; all off is the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Routed messages are never acknowledged with `AT+CNMA`, even in service 1.
    pub no_acknowledge: bool,
    /// `AT+CPMS=` takes one storage, not three.
    pub one_storage: bool,
    /// Nothing arrives until the storages have been switched ME, MT, SM, ME once after each start.
    pub toggle_storages: bool,
    /// `AT+CUSD=` wants its request, and gives its answers, as hex of packed septets.
    pub ussd_packed: bool,
}

/// How a modem is connected, where that is known; a UART is one too that hangs on a USB bridge chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wiring {
    /// Not known; a step for any.
    #[default]
    Any,
    /// Its own USB.
    Usb,
    /// A serial line.
    Uart,
}

/// One step of bring-up. The storages are listed after the last one; that is no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, unique in its profile.
    pub name: String,
    /// What to do.
    pub action: Action,
    /// Only with a modem connected so; unless [`Wiring::Any`], left out while the connection is not known.
    pub wiring: Wiring,
    /// How often at most, at least 1; once more only after a failure.
    pub tries: u8,
    /// Between two tries.
    pub pause: Duration,
    /// For one answer.
    pub timeout: Duration,
    /// Without it the modem is of no use: bring-up ends here and is begun again later.
    pub essential: bool,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Get the first answer out of whatever state the modem is in. It tries by itself for some seconds.
    Attention,
    /// Send a command and keep what it tells.
    Send {
        /// The command and, should it be refused, others in its place; at least one.
        commands: Vec<String>,
        /// The answer must hold a line that begins so (blanks do not count).
        expect: Option<String>,
        /// Sent when the expected line is missing, before the next try.
        remedy: Option<String>,
        /// What the answer tells.
        learn: Learn,
    },
    /// Go on with the profile of the model that was told; the steps up to here are the same in all.
    Profile,
    /// Wait for the SIM; give the PIN where that is allowed.
    Sim,
    /// Read the service-centre address; set it where one is configured and the SIM has another.
    ServiceCentre,
    /// Choose the storages.
    Storage,
    /// Choose the notifications.
    Notification,
    /// Undo a choice of network that leaves the modem without one.
    Operator,
}

/// What an answer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learn {
    /// Nothing to keep.
    #[default]
    Nothing,
    /// Who made it.
    Manufacturer,
    /// Its model.
    Model,
    /// Its firmware.
    Firmware,
    /// 15 digits.
    Imei,
    /// 18 to 22 digits.
    Iccid,
    /// Up to 15 digits.
    Imsi,
    /// The SIM's own number.
    Number,
    /// `+CSMS`: whether routed messages must be acknowledged.
    SmsService,
    /// `+CREG`, `+CEREG`, `+C5GREG`.
    Registration,
    /// `+CSQ`.
    Signal,
    /// `+COPS`.
    Operator,
}

impl Step {
    /// One command, tried once, that may be refused; named after itself.
    #[must_use]
    pub fn send(command: &str) -> Self {
        Self::learn(&[command], Learn::Nothing)
    }

    /// A command and its stand-ins, tried once, that may be refused; named after the first.
    #[must_use]
    pub fn learn(commands: &[&str], learn: Learn) -> Self {
        let action = Action::Send {
            commands: commands.iter().map(|c| (*c).to_owned()).collect(),
            expect: None,
            remedy: None,
            learn,
        };
        Self::of(commands.first().copied().unwrap_or_default(), action)
    }

    /// A step tried once that may be refused.
    #[must_use]
    pub fn of(name: &str, action: Action) -> Self {
        Self {
            name: name.to_owned(),
            action,
            wiring: Wiring::Any,
            tries: 1,
            pause: Duration::from_secs(1),
            timeout: Timing::default().command,
            essential: false,
        }
    }

    /// The same, tried up to `tries` times, without which the modem is of no use.
    #[must_use]
    pub fn essential(self, tries: u8) -> Self {
        Self {
            tries,
            essential: true,
            ..self
        }
    }

    /// Whether it is followed with a modem connected so.
    #[must_use]
    pub fn is_for(&self, wiring: Wiring) -> bool {
        self.wiring == Wiring::Any || self.wiring == wiring
    }

    /// Every command it may send of itself.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        let (commands, remedy) = match &self.action {
            Action::Send { commands, remedy, .. } => (commands.as_slice(), remedy.as_deref()),
            Action::Attention
            | Action::Profile
            | Action::Sim
            | Action::ServiceCentre
            | Action::Storage
            | Action::Notification
            | Action::Operator => (&[][..], None),
        };
        commands.iter().map(String::as_str).chain(remedy)
    }
}

impl Profile {
    /// The smallest bring-up that works with any modem of the standard; the profiles of the product do more.
    #[must_use]
    pub fn smallest() -> Self {
        Self {
            name: "smallest".to_owned(),
            matches: Match::default(),
            steps: [
                Step::of("attention", Action::Attention).essential(1),
                Step::send("ATE0"),
                Step::send("AT+CMEE=1"),
                Step::learn(&["AT+CGMI"], Learn::Manufacturer),
                Step::learn(&["AT+CGMM"], Learn::Model),
                Step::learn(&["AT+CGMR"], Learn::Firmware),
                Step::learn(&["AT+CGSN", "AT+GSN"], Learn::Imei),
                Step::of("sim", Action::Sim).essential(60),
                Step::learn(&["AT+CIMI"], Learn::Imsi),
                Step::learn(&["AT+CCID"], Learn::Iccid),
                Step::send("AT+CREG=1"),
                Step::send("AT+CEREG=1"),
                Step::send("AT+CMGF=0").essential(10),
                Step::of("storage", Action::Storage),
                Step::of("notification", Action::Notification),
                Step::learn(&["AT+CREG?"], Learn::Registration),
                Step::learn(&["AT+CEREG?"], Learn::Registration),
            ]
            .to_vec(),
            storages: [Memory::ME, Memory::SM, Memory::MT].to_vec(),
            notifications: ["2,1,0,1,0", "1,1,0,1,0", "2,1,0,2,0", "1,1,0,2,0", "2,1,0,0,0", "2,1"]
                .map(str::to_owned)
                .to_vec(),
            pin: PinGuard {
                counters: [PinCounter::standard()].to_vec(),
                tries_left: 3,
            },
            hang_up: ["ATH".to_owned()].to_vec(),
            reset: Reset::default(),
            never: Vec::new(),
            provisioning: Vec::new(),
            timing: Timing::default(),
            quirks: Quirks::default(),
        }
    }

    /// Whether a command must never be sent to this modem.
    #[must_use]
    pub fn forbids(&self, command: &str) -> bool {
        let command = plain(command);
        self.never.iter().any(|never| command.contains(&plain(never)))
    }

    /// The line of a provisioning recipe for this modem that a person's line is, letter by letter.
    #[must_use]
    pub fn provisioned(&self, line: &str) -> Option<&str> {
        self.provisioning
            .iter()
            .map(String::as_str)
            .find(|known| *known == line)
    }

    /// The commands that tell the ICCID, in order.
    pub(super) fn iccid_commands(&self) -> impl Iterator<Item = &str> {
        let tells = |step: &&Step| matches!(&step.action, Action::Send { learn, .. } if *learn == Learn::Iccid);
        self.steps.iter().filter(tells).flat_map(Step::commands)
    }

    /// Whether the machine can follow it.
    ///
    /// # Errors
    /// The first thing it cannot follow.
    pub fn check(&self) -> Result<(), ProfileError> {
        if self.steps.len() > STEPS {
            return Err(ProfileError::TooManySteps(self.steps.len()));
        }
        for (at, step) in self.steps.iter().enumerate() {
            self.check_step(step, self.steps.get(..at).unwrap_or_default())?;
        }
        let reset = core::iter::once(&self.reset.radio_off)
            .chain(&self.reset.commands)
            .chain(&self.reset.power_off);
        let counters = self.pin.counters.iter().map(|counter| &counter.command);
        let mut all = reset.chain(&self.hang_up).chain(counters);
        if let Some(bad) = all.find(|command| !is_command(command) || self.forbids(command)) {
            return Err(ProfileError::Command(bad.clone()));
        }
        if self.pin.tries_left < 2 {
            return Err(ProfileError::PinTries);
        }
        if self.timing.result < Timing::default().result {
            return Err(ProfileError::Impatient);
        }
        let digits = |n: &String| !n.is_empty() && n.len() <= 16 && n.bytes().all(|b| b.is_ascii_digit() || b == b',');
        match self.notifications.iter().position(|n| !digits(n)) {
            Some(at) => Err(ProfileError::Notification(at + 1)),
            None => Ok(()),
        }
    }

    fn check_step(&self, step: &Step, before: &[Step]) -> Result<(), ProfileError> {
        let name = || step.name.clone();
        if before.iter().any(|other| other.name == step.name) {
            return Err(ProfileError::TwoNamed(name()));
        }
        if step.tries == 0 {
            return Err(ProfileError::NoTry(name()));
        }
        if matches!(&step.action, Action::Send { commands, .. } if commands.is_empty()) {
            return Err(ProfileError::NoCommand(name()));
        }
        if !step.commands().all(is_command) {
            return Err(ProfileError::NotACommand(name()));
        }
        if step.commands().any(|command| self.forbids(command)) {
            return Err(ProfileError::Forbidden(name()));
        }
        Ok(())
    }
}

/// A line V.250 takes, that starts nothing with a prompt.
fn is_command(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.starts_with("AT")
        && text.len() <= limits::COMMAND
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && !["+CMGS=", "+CMGW=", "+CMGC=", "+CNMA=1", "+CPIN="]
            .iter()
            .any(|prompts| upper.contains(prompts))
}

/// What the machine cannot follow. Steps are named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// More than [`STEPS`].
    #[error("{0} steps; at most 64 are possible")]
    TooManySteps(usize),
    /// Two steps of one name.
    #[error("step \"{0}\": the name is taken by an earlier step")]
    TwoNamed(String),
    /// A step never tried.
    #[error("step \"{0}\": tries must be at least 1")]
    NoTry(String),
    /// A step without a command.
    #[error("step \"{0}\": no command")]
    NoCommand(String),
    /// Not `AT` and printable characters, too long, or a command that only the machine itself may send.
    #[error(
        "step \"{0}\": not a command that may stand here (begins with AT, at most 96 characters, no PIN, no sending)"
    )]
    NotACommand(String),
    /// A step sends what stands under `never`.
    #[error("step \"{0}\": sends what stands under `never`")]
    Forbidden(String),
    /// The same, of the commands for reset, counting tries and hanging up.
    #[error("\"{0}\": not a command that may stand here (begins with AT, at most 96 characters, not under `never`)")]
    Command(String),
    /// A PIN would be given with the last try.
    #[error("pin.tries_left: at least 2, so that a person has a try left")]
    PinTries,
    /// A result would be given up too early.
    #[error("timing.result_ms: at least 180000, a shorter wait sends messages twice")]
    Impatient,
    /// Not digits and commas.
    #[error("notification {0}: only digits and commas, at most 16 characters")]
    Notification(usize),
    /// A profile begins otherwise than the one for all.
    #[error("{0}: the steps up to `profile` must be those of the profile for all")]
    OtherBegin(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(step: Step) -> Result<(), ProfileError> {
        Profile {
            steps: [Step::send("AT"), step].to_vec(),
            ..Profile::smallest()
        }
        .check()
    }

    #[test]
    fn a_profile_that_cannot_be_followed_is_refused() {
        assert_eq!(Profile::smallest().check(), Ok(()));
        assert_eq!(with(Step::send("AT+CMEE=1")), Ok(()));
        assert_eq!(
            with(Step::learn(&[], Learn::Nothing)),
            Err(ProfileError::NoCommand(String::new()))
        );
        for bad in [
            "CMEE=1",
            "AT\r",
            "AT+CMGS=23",
            "AT+CPIN=\"1234\"",
            "AT;+cmgw=1",
            &"AT+X".repeat(30),
        ] {
            assert_eq!(
                with(Step::send(bad)),
                Err(ProfileError::NotACommand(bad.to_owned())),
                "{bad}"
            );
        }
        let name = || "ATI".to_owned();
        assert_eq!(with(Step::send("ATI").essential(0)), Err(ProfileError::NoTry(name())));
        assert_eq!(with(Step::send("AT")), Err(ProfileError::TwoNamed("AT".to_owned())));
        let many = Profile {
            steps: alloc::vec![Step::send("AT"); STEPS + 1],
            ..Profile::smallest()
        };
        assert_eq!(many.check(), Err(ProfileError::TooManySteps(65)));
        let odd = Profile {
            notifications: ["2,1".to_owned(), "2;+CFUN=0".to_owned()].to_vec(),
            ..Profile::smallest()
        };
        assert_eq!(odd.check(), Err(ProfileError::Notification(2)));
    }

    #[test]
    fn what_would_burn_a_sim_or_double_a_message_is_refused() {
        let smallest = Profile::smallest;
        let mut burns = smallest();
        burns.pin.tries_left = 1;
        assert_eq!(burns.check(), Err(ProfileError::PinTries));
        let mut doubles = smallest();
        doubles.timing.result = Duration::from_secs(179);
        assert_eq!(doubles.check(), Err(ProfileError::Impatient));
        let mut crashes = smallest();
        crashes.never = ["+CREG".to_owned()].to_vec();
        assert_eq!(crashes.check(), Err(ProfileError::Forbidden("AT+CREG=1".to_owned())));
        crashes.never = ["+cfun=1,1".to_owned()].to_vec();
        assert_eq!(crashes.check(), Err(ProfileError::Command("AT+CFUN=1,1".to_owned())));
        assert!(crashes.forbids("at +cfun=1,1"));
        assert!(!crashes.forbids("AT+CFUN=1"));
    }

    #[test]
    fn a_model_is_known_by_what_it_says() {
        let list = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        let of = |manufacturer: &[&str], model: &[&str]| Match {
            manufacturer: list(manufacturer),
            model: list(model),
            firmware: Vec::new(),
        };
        let fit = |m: &Match| m.fit("Quectel", "EC25-E", "EC25EFAR06A01M4G");
        assert_eq!(fit(&of(&["quectel"], &[])), Some((1, 7)));
        assert_eq!(fit(&of(&["quectel", "huawei"], &["EC2", "EC25", "EG"])), Some((2, 11)));
        assert_eq!(fit(&of(&["quectel"], &["M95"])), None);
        assert_eq!(fit(&of(&[], &["*25"])), Some((1, 2)));
        assert_eq!(fit(&of(&[], &["25"])), None);
        assert_eq!(fit(&Match::default()), None);
        assert_eq!(
            of(&["SIERRA WIRELESS"], &[]).fit("Sierra  Wireless, Incorporated", "", ""),
            Some((1, 14))
        );
    }
}
