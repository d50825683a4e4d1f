//! Modem profiles: the TOML of `firmware-config/profiles/` to [`Profile`]. Unknown keys are refused. What a profile means is
//! the core's business.

use std::time::Duration;

use serde::Deserialize;
use wardwire_core::at::Memory;
use wardwire_core::modem::profile::{Action, Learn, Quirks, Step, Timing};
use wardwire_core::modem::{Profile, ProfileError};

/// The profile for any modem that follows the standard, as shipped.
const GENERIC: &str = include_str!("../../firmware-config/profiles/generic.toml");

/// Why a profile is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFileError {
    /// It is no TOML, or has keys or types that no profile has; the text shows the place.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A storage is not named by two letters.
    #[error("storages: {0:?} is no storage; two letters such as ME, SM or MT")]
    Storage(String),
    /// A step that neither sends nor does something, or both.
    #[error("step {0}: give either `send` or `do`")]
    SendOrDo(usize),
    /// `or`, `expect`, `remedy` and `learn` belong to `send`.
    #[error("step {0}: `or`, `expect`, `remedy` and `learn` go with `send` only")]
    OnlyWithSend(usize),
    /// The machine cannot follow it.
    #[error(transparent)]
    Unusable(#[from] ProfileError),
}

/// The shipped profile for any modem that follows the standard.
///
/// # Errors
/// None in a released build: a test reads it.
pub fn generic() -> Result<Profile, ProfileFileError> {
    parse(GENERIC)
}

/// Reads a profile.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(text: &str) -> Result<Profile, ProfileFileError> {
    let file: File = toml::from_str(text)?;
    let storages = file.storages.into_iter().map(|name| {
        let memory = Memory::from_name(&name);
        memory.ok_or(ProfileFileError::Storage(name))
    });
    let steps = file.step.into_iter().enumerate();
    let profile = Profile {
        name: file.name,
        storages: storages.collect::<Result<_, _>>()?,
        notifications: file.notifications,
        pin_tries_left: file.pin_tries_left,
        timing: file.timing.timing(),
        quirks: Quirks {
            no_acknowledge: file.quirks.no_acknowledge,
        },
        steps: steps.map(|(at, step)| step.step(at + 1)).collect::<Result<_, _>>()?,
    };
    profile.check()?;
    Ok(profile)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    storages: Vec<String>,
    notifications: Vec<String>,
    pin_tries_left: u8,
    #[serde(default)]
    timing: TimingTable,
    #[serde(default)]
    quirks: QuirksTable,
    step: Vec<StepTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QuirksTable {
    no_acknowledge: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TimingTable {
    gap_ms: Option<u32>,
    command_ms: Option<u32>,
    prompt_ms: Option<u32>,
    result_ms: Option<u32>,
    settle_ms: Option<u32>,
    listing_ms: Option<u32>,
    list_every_ms: Option<u32>,
    poll_every_ms: Option<u32>,
    health_every_ms: Option<u32>,
    registration_every_ms: Option<u32>,
}

impl TimingTable {
    /// What is not given is as the core has it.
    fn timing(&self) -> Timing {
        let or = |given: Option<u32>, usual: Duration| given.map_or(usual, millis);
        let usual = Timing::default();
        Timing {
            gap: or(self.gap_ms, usual.gap),
            command: or(self.command_ms, usual.command),
            prompt: or(self.prompt_ms, usual.prompt),
            result: or(self.result_ms, usual.result),
            settle: or(self.settle_ms, usual.settle),
            listing: or(self.listing_ms, usual.listing),
            list_every: or(self.list_every_ms, usual.list_every),
            poll_every: or(self.poll_every_ms, usual.poll_every),
            health_every: or(self.health_every_ms, usual.health_every),
            registration_every: or(self.registration_every_ms, usual.registration_every),
        }
    }
}

fn millis(given: u32) -> Duration {
    Duration::from_millis(given.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    send: Option<String>,
    #[serde(default)]
    or: Vec<String>,
    expect: Option<String>,
    remedy: Option<String>,
    learn: Option<LearnWord>,
    #[serde(rename = "do")]
    procedure: Option<Procedure>,
    tries: Option<u8>,
    pause_ms: Option<u32>,
    timeout_ms: Option<u32>,
    #[serde(default)]
    essential: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Procedure {
    Attention,
    Sim,
    ServiceCentre,
    Storage,
    Notification,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LearnWord {
    Manufacturer,
    Model,
    Firmware,
    Imei,
    Iccid,
    Imsi,
    Number,
    SmsService,
    Registration,
    Signal,
    Operator,
}

impl StepTable {
    fn step(self, at: usize) -> Result<Step, ProfileFileError> {
        let plain = self.or.is_empty() && self.expect.is_none() && self.remedy.is_none() && self.learn.is_none();
        let usual = Step::of(Action::Attention);
        let action = match (self.send, self.procedure) {
            (Some(send), None) => Action::Send {
                commands: std::iter::once(send).chain(self.or).collect(),
                expect: self.expect,
                remedy: self.remedy,
                learn: self.learn.map_or(Learn::Nothing, LearnWord::learn),
            },
            (None, Some(procedure)) if plain => procedure.action(),
            (None, Some(_)) => return Err(ProfileFileError::OnlyWithSend(at)),
            (Some(_), Some(_)) | (None, None) => return Err(ProfileFileError::SendOrDo(at)),
        };
        Ok(Step {
            action,
            tries: self.tries.unwrap_or(usual.tries),
            pause: self.pause_ms.map_or(usual.pause, millis),
            timeout: self.timeout_ms.map_or(usual.timeout, millis),
            essential: self.essential,
        })
    }
}

impl Procedure {
    fn action(self) -> Action {
        match self {
            Self::Attention => Action::Attention,
            Self::Sim => Action::Sim,
            Self::ServiceCentre => Action::ServiceCentre,
            Self::Storage => Action::Storage,
            Self::Notification => Action::Notification,
        }
    }
}

impl LearnWord {
    fn learn(self) -> Learn {
        match self {
            Self::Manufacturer => Learn::Manufacturer,
            Self::Model => Learn::Model,
            Self::Firmware => Learn::Firmware,
            Self::Imei => Learn::Imei,
            Self::Iccid => Learn::Iccid,
            Self::Imsi => Learn::Imsi,
            Self::Number => Learn::Number,
            Self::SmsService => Learn::SmsService,
            Self::Registration => Learn::Registration,
            Self::Signal => Learn::Signal,
            Self::Operator => Learn::Operator,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "name = 'x'\nstorages = ['SM']\nnotifications = ['2,1']\npin_tries_left = 3\n";

    fn refused(rest: &str) -> String {
        parse(&format!("{HEAD}{rest}")).unwrap_err().to_string()
    }

    /// Every shipped file can be followed, bears its own name, and asks for nothing less than the smallest bring-up.
    #[test]
    fn shipped_profiles_can_be_followed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware-config/profiles");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let profile = parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
            assert_eq!(
                Some(profile.name.as_str()),
                path.file_stem().and_then(|stem| stem.to_str())
            );
            for needed in Profile::smallest().steps.iter().filter(|step| step.essential) {
                let there = profile
                    .steps
                    .iter()
                    .any(|step| step.action == needed.action && step.essential);
                assert!(there, "{}: {needed:?}", profile.name);
            }
            assert!(profile.timing.result >= Duration::from_secs(180), "{}", profile.name);
            seen += 1;
        }
        assert!(seen > 0);
        assert_eq!(generic().unwrap().name, "generic");
    }

    #[test]
    fn what_is_not_given_is_usual() {
        let profile = parse(&format!("{HEAD}[timing]\ngap_ms = 20\n[[step]]\nsend = 'ATE0'\n")).unwrap();
        assert_eq!(profile.timing.gap, Duration::from_millis(20));
        assert_eq!(profile.timing.result, Timing::default().result);
        assert_eq!(profile.steps, [Step::send("ATE0")]);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(refused("[[step]]\nsend = 'AT'\nspeed = 9\n").contains("speed"));
        assert!(refused("[[step]]\ndo = 'magic'\n").contains("magic"));
        assert!(refused("[[step]]\nsend = 'AT'\ndo = 'sim'\n").contains("step 1"));
        assert!(refused("[[step]]\ntries = 3\n").contains("step 1"));
        assert!(refused("[[step]]\ndo = 'sim'\nlearn = 'imei'\n").contains("only"));
        assert!(refused("[[step]]\nsend = 'AT'\n[[step]]\nsend = 'AT+CMGS=9'\n").contains("step 2"));
        let storage = parse(&HEAD.replace("SM", "SM_P").replace("\npin", "\nstep = []\npin")).unwrap_err();
        assert!(storage.to_string().contains("SM_P"));
    }
}
