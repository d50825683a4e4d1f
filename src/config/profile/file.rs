//! One profile file: its keys, and how it lies on top of the one it inherits from.

use std::time::Duration;

use serde::Deserialize;
use wardwire_core::at::Memory;
use wardwire_core::modem::profile::{
    Action, Learn, Match, PinCounter, PinGuard, Profile, Quirks, Reset, Step, Timing, Wiring,
};

use super::ProfileFileError;

/// A file, or several of them on top of each other.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) inherits: Option<String>,
    #[serde(default, rename = "match")]
    matches: MatchTable,
    storages: Option<Vec<String>>,
    notifications: Option<Vec<String>>,
    hang_up: Option<Vec<String>>,
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    pin: PinTable,
    #[serde(default)]
    reset: ResetTable,
    #[serde(default)]
    timing: TimingTable,
    #[serde(default)]
    quirks: QuirksTable,
    /// Inherited steps that are left out.
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    step: Vec<StepTable>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MatchTable {
    manufacturer: Vec<String>,
    model: Vec<String>,
    firmware: Vec<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PinTable {
    tries_left: Option<u8>,
    counter: Option<Vec<CounterTable>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CounterTable {
    send: String,
    answer: String,
    code: Option<String>,
    field: u8,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResetTable {
    radio_off: Option<String>,
    commands: Option<Vec<String>>,
    power_off: Option<Vec<String>>,
    boot_ms: Option<u32>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct QuirksTable {
    no_acknowledge: Option<bool>,
    one_storage: Option<bool>,
    toggle_storages: Option<bool>,
    ussd_packed: Option<bool>,
}

#[derive(Clone, Copy, Default, Deserialize)]
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
    air_ms: Option<u32>,
    air_every: Option<u16>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepTable {
    name: String,
    /// Where a new step goes.
    after: Option<String>,
    send: Option<String>,
    #[serde(default)]
    or: Vec<String>,
    expect: Option<String>,
    remedy: Option<String>,
    learn: Option<LearnWord>,
    #[serde(rename = "do")]
    procedure: Option<Procedure>,
    wiring: Option<WiringWord>,
    tries: Option<u8>,
    pause_ms: Option<u32>,
    timeout_ms: Option<u32>,
    #[serde(default)]
    essential: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WiringWord {
    Usb,
    Uart,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Procedure {
    Attention,
    Profile,
    Sim,
    ServiceCentre,
    Storage,
    Notification,
    Operator,
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

impl File {
    /// Reads one; `name` is the file's.
    pub(super) fn read(name: &str, text: &str) -> Result<Self, ProfileFileError> {
        let file: Self = toml::from_str(text)?;
        if file.name != name {
            return Err(ProfileFileError::OtherName(file.name));
        }
        Ok(file)
    }

    /// This one where it says something, the other one elsewhere.
    pub(super) fn on_top_of(&self, below: Self) -> Result<Self, ProfileFileError> {
        let over = self.clone();
        Ok(Self {
            step: self.steps_on_top_of(below.step)?,
            name: over.name,
            inherits: over.inherits,
            matches: over.matches,
            storages: over.storages.or(below.storages),
            notifications: over.notifications.or(below.notifications),
            hang_up: over.hang_up.or(below.hang_up),
            never: below.never.into_iter().chain(over.never).collect(),
            pin: PinTable {
                tries_left: over.pin.tries_left.or(below.pin.tries_left),
                counter: over.pin.counter.or(below.pin.counter),
            },
            reset: ResetTable {
                radio_off: over.reset.radio_off.or(below.reset.radio_off),
                commands: over.reset.commands.or(below.reset.commands),
                power_off: over.reset.power_off.or(below.reset.power_off),
                boot_ms: over.reset.boot_ms.or(below.reset.boot_ms),
            },
            timing: over.timing.on_top_of(below.timing),
            quirks: over.quirks.on_top_of(below.quirks),
            without: Vec::new(),
        })
    }

    fn steps_on_top_of(&self, mut steps: Vec<StepTable>) -> Result<Vec<StepTable>, ProfileFileError> {
        for name in &self.without {
            let at = place(&steps, name)?;
            steps.remove(at);
        }
        for step in &self.step {
            let inherited = steps.iter_mut().find(|below| below.name == step.name);
            match (inherited, &step.after, &self.inherits) {
                (Some(below), None, Some(_)) => *below = step.clone(),
                (None, Some(after), Some(_)) => {
                    let at = place(&steps, after)?;
                    steps.insert(at + 1, step.clone());
                }
                // Two steps of one name are the core's to refuse.
                (_, None, None) => steps.push(step.clone()),
                (Some(_), Some(_), _) | (None, None, Some(_)) | (None, Some(_), None) => {
                    return Err(ProfileFileError::Place(step.name.clone()));
                }
            }
        }
        Ok(steps)
    }

    /// What it means.
    pub(super) fn profile(self) -> Result<Profile, ProfileFileError> {
        let missing = ProfileFileError::Missing;
        let storages = self.storages.ok_or(missing("storages"))?.into_iter().map(|name| {
            let memory = Memory::from_name(&name);
            memory.ok_or(ProfileFileError::Storage(name))
        });
        Ok(Profile {
            storages: storages.collect::<Result<_, _>>()?,
            notifications: self.notifications.ok_or(missing("notifications"))?,
            hang_up: self.hang_up.ok_or(missing("hang_up"))?,
            name: self.name,
            matches: Match {
                manufacturer: self.matches.manufacturer,
                model: self.matches.model,
                firmware: self.matches.firmware,
            },
            pin: self.pin.guard().ok_or(missing("pin"))?,
            reset: self.reset.reset(),
            never: self.never,
            provisioning: Vec::new(),
            timing: self.timing.timing(),
            quirks: self.quirks.quirks(),
            steps: self.step.into_iter().map(StepTable::step).collect::<Result<_, _>>()?,
        })
    }
}

fn place(steps: &[StepTable], name: &str) -> Result<usize, ProfileFileError> {
    let at = steps.iter().position(|step| step.name == name);
    at.ok_or_else(|| ProfileFileError::NoSuchStep(name.to_owned()))
}

impl PinTable {
    fn guard(self) -> Option<PinGuard> {
        let counter = |table: CounterTable| PinCounter {
            command: table.send,
            answer: table.answer,
            code: table.code,
            field: table.field,
        };
        Some(PinGuard {
            tries_left: self.tries_left?,
            counters: self.counter?.into_iter().map(counter).collect(),
        })
    }
}

impl ResetTable {
    /// What is not given is as the core has it.
    fn reset(self) -> Reset {
        let usual = Reset::default();
        Reset {
            radio_off: self.radio_off.unwrap_or(usual.radio_off),
            commands: self.commands.unwrap_or(usual.commands),
            power_off: self.power_off.unwrap_or(usual.power_off),
            boot: self.boot_ms.map_or(usual.boot, millis),
        }
    }
}

impl QuirksTable {
    fn on_top_of(self, below: Self) -> Self {
        Self {
            no_acknowledge: self.no_acknowledge.or(below.no_acknowledge),
            one_storage: self.one_storage.or(below.one_storage),
            toggle_storages: self.toggle_storages.or(below.toggle_storages),
            ussd_packed: self.ussd_packed.or(below.ussd_packed),
        }
    }

    fn quirks(self) -> Quirks {
        let on = |given: Option<bool>| given.unwrap_or(false);
        Quirks {
            no_acknowledge: on(self.no_acknowledge),
            one_storage: on(self.one_storage),
            toggle_storages: on(self.toggle_storages),
            ussd_packed: on(self.ussd_packed),
        }
    }
}

impl TimingTable {
    fn on_top_of(self, below: Self) -> Self {
        Self {
            gap_ms: self.gap_ms.or(below.gap_ms),
            command_ms: self.command_ms.or(below.command_ms),
            prompt_ms: self.prompt_ms.or(below.prompt_ms),
            result_ms: self.result_ms.or(below.result_ms),
            settle_ms: self.settle_ms.or(below.settle_ms),
            listing_ms: self.listing_ms.or(below.listing_ms),
            list_every_ms: self.list_every_ms.or(below.list_every_ms),
            poll_every_ms: self.poll_every_ms.or(below.poll_every_ms),
            health_every_ms: self.health_every_ms.or(below.health_every_ms),
            registration_every_ms: self.registration_every_ms.or(below.registration_every_ms),
            air_ms: self.air_ms.or(below.air_ms),
            air_every: self.air_every.or(below.air_every),
        }
    }

    /// What is not given is as the core has it.
    fn timing(self) -> Timing {
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
            air: or(self.air_ms, usual.air),
            air_every: self.air_every.unwrap_or(usual.air_every),
        }
    }
}

fn millis(given: u32) -> Duration {
    Duration::from_millis(given.into())
}

impl StepTable {
    fn step(self) -> Result<Step, ProfileFileError> {
        let plain = self.or.is_empty() && self.expect.is_none() && self.remedy.is_none() && self.learn.is_none();
        let action = match (self.send, self.procedure) {
            (Some(send), None) => Action::Send {
                commands: std::iter::once(send).chain(self.or).collect(),
                expect: self.expect,
                remedy: self.remedy,
                learn: self.learn.map_or(Learn::Nothing, LearnWord::learn),
            },
            (None, Some(procedure)) if plain => procedure.action(),
            (None, Some(_)) => return Err(ProfileFileError::OnlyWithSend(self.name)),
            (Some(_), Some(_)) | (None, None) => return Err(ProfileFileError::SendOrDo(self.name)),
        };
        let usual = Step::of(&self.name, action);
        Ok(Step {
            wiring: self.wiring.map_or(Wiring::Any, WiringWord::wiring),
            tries: self.tries.unwrap_or(usual.tries),
            pause: self.pause_ms.map_or(usual.pause, millis),
            timeout: self.timeout_ms.map_or(usual.timeout, millis),
            essential: self.essential,
            ..usual
        })
    }
}

impl WiringWord {
    fn wiring(self) -> Wiring {
        match self {
            Self::Usb => Wiring::Usb,
            Self::Uart => Wiring::Uart,
        }
    }
}

impl Procedure {
    fn action(self) -> Action {
        match self {
            Self::Attention => Action::Attention,
            Self::Profile => Action::Profile,
            Self::Sim => Action::Sim,
            Self::ServiceCentre => Action::ServiceCentre,
            Self::Storage => Action::Storage,
            Self::Notification => Action::Notification,
            Self::Operator => Action::Operator,
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
