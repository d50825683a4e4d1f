//! What the gateway looks like from outside at one moment: for the status page, `/v1/status` and `/v1/modems`.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::base::{ModemId, SimId, UtcTime};
use crate::dispatch::Pace;
use crate::queue::plan::Budget;

/// The whole bank at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// One entry for each configured modem, in the order of the configuration.
    pub modems: Vec<ModemSnapshot>,
    /// The pools, that of all first unless the site put it elsewhere.
    pub pools: Vec<PoolSnapshot>,
    /// Messages in the active window.
    pub window: usize,
    /// True once shutdown began: nothing new is claimed.
    pub draining: bool,
}

/// One pool at one moment. Modems are named by their place in [`Snapshot::modems`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolSnapshot {
    /// Its name.
    pub name: String,
    /// Those in it, as far as is known what SIM is in which.
    pub modems: Vec<usize>,
    /// Those that can send.
    pub ready: Vec<usize>,
    /// Those that are kept for emergencies.
    pub reserves: Vec<usize>,
}

impl PoolSnapshot {
    /// Whether anything but an emergency can be sent through it.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.ready.iter().any(|modem| !self.reserves.contains(modem))
    }
}

/// One modem at one moment. Identities are whole here; the API masks them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModemSnapshot {
    /// Label of the configuration.
    pub label: String,
    /// Where a modem that was found is reached now. Only the shell knows: the gateway leaves it empty.
    pub port: Option<String>,
    /// Its id, once it told its IMEI.
    pub modem: Option<ModemId>,
    /// Its SIM, once read.
    pub sim: Option<SimId>,
    /// 15 digits.
    pub imei: Option<String>,
    /// Own number in E.164 form, where the SIM knows it.
    pub number: Option<String>,
    /// As the modem says.
    pub manufacturer: String,
    /// As the modem says.
    pub model: String,
    /// As the modem says.
    pub firmware: String,
    /// The profile it was last brought up with.
    pub profile: String,
    /// Where it stands.
    pub state: ModemState,
    /// Why it is not ready, for people; empty when it is and nothing is wrong.
    pub reason: String,
    /// Signal in dBm.
    pub signal_dbm: Option<i16>,
    /// Registered at home (`home`), abroad (`roaming`), or why not, in the words of 27.007.
    pub registration: &'static str,
    /// Operator as the modem tells, a name or MCC and MNC.
    pub operator: String,
    /// `2g`, `3g`, `4g`, `5g`, or empty.
    pub access: &'static str,
    /// Service centre that the SIM names, in E.164 form; none before it was asked, and where it names none.
    pub service_centre: Option<String>,
    /// A person keeps the SIM for what comes in: nothing goes out through it.
    pub receive_only: bool,
    /// A part is being submitted right now.
    pub busy: bool,
    /// What its SIM sends is accepted and dropped silently, as it seems.
    pub dropped: bool,
    /// The SIM's pace or budget stops it until then.
    pub paced_until: Option<UtcTime>,
    /// The plan of its SIM, with what it sent lately, once that is known.
    pub pace: Option<Pace>,
    /// It takes messages now, or when its SIM's pace allows.
    pub sends: bool,
    /// From the begin of a part to its acceptance, of late.
    pub airtime: Duration,
    /// How the budgets of that plan stand.
    pub budgets: Vec<Budget>,
    /// Parts accepted by the SMSC since the daemon started.
    pub sent: u64,
    /// Attempts that failed since the daemon started.
    pub failed: u64,
    /// Inbound messages and reports read since the daemon started.
    pub received: u64,
    /// Last acceptance.
    pub last_sent_at: Option<UtcTime>,
    /// Last inbound message or report.
    pub last_received_at: Option<UtcTime>,
    /// Bring-ups begun since the daemon started, the first not counted.
    pub restarts: u32,
    /// How well it does its work, 0 (not at all) to 100.
    pub score: u8,
    /// Signal of the last day, oldest first, one entry for each half hour in which it was read; at most 48.
    pub signal_history: Vec<SignalPeriod>,
    /// What is being done to bring it back, for people; empty when nothing is.
    pub step: &'static str,
    /// When that is done, or tried again.
    pub next_step_at: Option<UtcTime>,
    /// Restarts, USB resets and power cycles ordered since midnight UTC.
    pub resets_today: u32,
}

/// The signal in one half hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalPeriod {
    /// Its begin: a full or half hour UTC.
    pub from: UtcTime,
    /// Weakest, in dBm.
    pub weakest_dbm: i16,
    /// Mean, in dBm.
    pub mean_dbm: i16,
}

/// Where a modem stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModemState {
    /// Its port is not there.
    #[default]
    Absent,
    /// Bring-up is under way.
    Starting,
    /// It can send.
    Ready,
    /// It answers, but cannot send now (no network, SIM not usable).
    Degraded,
    /// It stopped answering; it is being brought back.
    Recovering,
    /// Given up until a person acts.
    Failed,
    /// Nothing brought it back; left alone for a while, then tried again.
    Quarantined,
    /// A person drained it: it receives, but sends nothing.
    Drained,
    /// A person switched it off.
    Disabled,
}

impl ModemState {
    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Recovering => "recovering",
            Self::Failed => "failed",
            Self::Quarantined => "quarantined",
            Self::Drained => "drained",
            Self::Disabled => "disabled",
        }
    }
}
