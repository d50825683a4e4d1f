//! What is known of a modem model, as data: how to bring it up, which storages and notifications to ask for, how long to
//! wait, which oddities to expect. Written in `firmware-config/profiles/*.toml`; reading that is the shell's part.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::at::{Memory, limits};

/// Steps a bring-up may have at most.
pub const STEPS: usize = 64;

/// A modem model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name, for people.
    pub name: String,
    /// Bring-up, in order.
    pub steps: Vec<Step>,
    /// Storages for received messages, best first; the first one the modem offers for reading, writing and receiving is
    /// taken.
    pub storages: Vec<Memory>,
    /// Parameters for `AT+CNMI=`, best first; the first one that lies in the modem's ranges, is accepted and reads back
    /// is taken. When none is, received messages are found by listing.
    pub notifications: Vec<String>,
    /// Tries of the PIN that must be left, as `AT+CPINR` tells, before the configured PIN is given.
    pub pin_tries_left: u8,
    /// How long to wait and how often to look.
    pub timing: Timing,
    /// Oddities.
    pub quirks: Quirks,
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
        }
    }
}

/// Oddities of models, as named switches; all off is the standard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Routed messages are never acknowledged with `AT+CNMA`, even in service 1.
    pub no_acknowledge: bool,
}

/// One step of bring-up. The storages are listed after the last one; that is no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub action: Action,
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
    /// Wait for the SIM; give the PIN where that is allowed.
    Sim,
    /// Set the service-centre address where one is configured and the SIM has another.
    ServiceCentre,
    /// Choose the storages.
    Storage,
    /// Choose the notifications.
    Notification,
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
    /// One command, tried once, that may be refused.
    #[must_use]
    pub fn send(command: &str) -> Self {
        Self::learn(&[command], Learn::Nothing)
    }

    /// A command and its stand-ins, tried once, that may be refused.
    #[must_use]
    pub fn learn(commands: &[&str], learn: Learn) -> Self {
        Self::of(Action::Send {
            commands: commands.iter().map(|c| (*c).to_owned()).collect(),
            expect: None,
            remedy: None,
            learn,
        })
    }

    /// A step tried once that may be refused.
    #[must_use]
    pub fn of(action: Action) -> Self {
        Self {
            action,
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
}

impl Profile {
    /// The smallest bring-up that works with any modem of the standard; the profiles of the product do more.
    #[must_use]
    pub fn smallest() -> Self {
        Self {
            name: "smallest".to_owned(),
            steps: [
                Step::of(Action::Attention).essential(1),
                Step::send("ATE0"),
                Step::send("AT+CMEE=1"),
                Step::learn(&["AT+CGMI"], Learn::Manufacturer),
                Step::learn(&["AT+CGMM"], Learn::Model),
                Step::learn(&["AT+CGMR"], Learn::Firmware),
                Step::learn(&["AT+CGSN", "AT+GSN"], Learn::Imei),
                Step::of(Action::Sim).essential(60),
                Step::learn(&["AT+CIMI"], Learn::Imsi),
                Step::learn(&["AT+CCID"], Learn::Iccid),
                Step::send("AT+CREG=1"),
                Step::send("AT+CEREG=1"),
                Step::send("AT+CMGF=0").essential(10),
                Step::of(Action::Storage),
                Step::of(Action::Notification),
                Step::learn(&["AT+CREG?"], Learn::Registration),
                Step::learn(&["AT+CEREG?"], Learn::Registration),
            ]
            .to_vec(),
            storages: [Memory::ME, Memory::SM, Memory::MT].to_vec(),
            notifications: ["2,1,0,1,0", "1,1,0,1,0", "2,1,0,2,0", "1,1,0,2,0", "2,1,0,0,0", "2,1"]
                .map(str::to_owned)
                .to_vec(),
            pin_tries_left: 3,
            timing: Timing::default(),
            quirks: Quirks::default(),
        }
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
            if step.tries == 0 {
                return Err(ProfileError::NoTry(at + 1));
            }
            if let Action::Send { commands, remedy, .. } = &step.action {
                if commands.is_empty() {
                    return Err(ProfileError::NoCommand(at + 1));
                }
                if !commands.iter().chain(remedy).all(|c| is_command(c)) {
                    return Err(ProfileError::NotACommand(at + 1));
                }
            }
        }
        let digits = |n: &String| !n.is_empty() && n.len() <= 16 && n.bytes().all(|b| b.is_ascii_digit() || b == b',');
        match self.notifications.iter().position(|n| !digits(n)) {
            Some(at) => Err(ProfileError::Notification(at + 1)),
            None => Ok(()),
        }
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

/// What the machine cannot follow. Steps count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// More than [`STEPS`].
    #[error("{0} steps; at most 64 are possible")]
    TooManySteps(usize),
    /// A step never tried.
    #[error("step {0}: tries must be at least 1")]
    NoTry(usize),
    /// A step without a command.
    #[error("step {0}: no command")]
    NoCommand(usize),
    /// Not `AT` and printable characters, too long, or a command that only the machine itself may send.
    #[error("step {0}: not a command that may stand here (begins with AT, at most 96 characters, no PIN, no sending)")]
    NotACommand(usize),
    /// Not digits and commas.
    #[error("notification {0}: only digits and commas, at most 16 characters")]
    Notification(usize),
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
        assert_eq!(with(Step::learn(&[], Learn::Nothing)), Err(ProfileError::NoCommand(2)));
        for bad in [
            "CMEE=1",
            "AT\r",
            "AT+CMGS=23",
            "AT+CPIN=\"1234\"",
            "AT;+cmgw=1",
            &"AT+X".repeat(30),
        ] {
            assert_eq!(with(Step::send(bad)), Err(ProfileError::NotACommand(2)), "{bad}");
        }
        assert_eq!(with(Step::send("AT").essential(0)), Err(ProfileError::NoTry(2)));
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
}
