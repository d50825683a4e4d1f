//! The configuration: TOML in, a [`Config`] that needs no further check out, or every mistake at once with its line.
//! Also what the site's numbering plan says about a phone number ([`numbering`]). Reads no file and no environment.

mod check;
pub mod credit;
mod hours;
mod keys;
pub mod numbering;
mod pools;
mod ports;
pub mod profile;
pub mod provision;
pub mod sharing;
mod tariff;
mod walk;
mod webhook;
mod zones;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use wardwire_core::base::{Network, PhoneNumber};
use wardwire_core::dispatch::Preference;
use wardwire_core::modem::{Pin, Wiring};
use wardwire_core::queue::hours::{Hours, Zone};
use wardwire_core::queue::plan::Plan;

pub use check::{PROFILES_DIR, check};
pub use keys::KNOWN_KEYS;
pub use numbering::{Country, NumberError, NumberPolicy};
pub use sharing::Sharing;
pub use webhook::{Webhook, webhook_secret};
pub use zones::zone;

/// Everything the daemon is told by its file. Every field is documented in `firmware-config/wardwire.toml`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the store, its key, the lock and the control socket live.
    pub data_dir: PathBuf,
    /// The site's country: numbers in national form are read as its own.
    pub region: Country,
    /// How long a stop waits for submits that are under way.
    pub drain: Duration,
    /// How much of the disk may be used.
    pub storage: Storage,
    /// Who is told of events.
    pub webhooks: Vec<Webhook>,
    /// Where webhooks may stand, this machine apart, which is always allowed.
    pub webhooks_allowed: Vec<Network>,
    /// How long things are kept.
    pub retention: Retention,
    /// The HTTP door.
    pub http: Http,
    /// A folder of modem profiles in place of or beside the shipped ones; the usual one need not be there.
    pub profiles_dir: PathBuf,
    /// Where serial servers may stand, loopback apart, which is always allowed.
    pub tcp_ports_allowed: Vec<Network>,
    /// Modems that are found by themselves.
    pub discovery: Discovery,
    /// Hubs whose power may be cut.
    pub hub: Hub,
    /// The bank, in the order of the file; labels, ports and IMEIs are unique.
    pub modems: Vec<Modem>,
    /// Pace and budget of a SIM whose plan nobody entered.
    pub sim_defaults: Plan,
    /// How the bank is shared.
    pub sharing: Sharing,
    /// Which of several free SIMs a text should rather go through.
    pub preference: Preference,
    /// How the credit of which SIMs is asked for; of several that fit a SIM the first counts.
    pub credit: Vec<credit::Credit>,
    /// The site's time zone.
    pub timezone: Option<Zone>,
    /// When texts of which category go.
    pub hours: Hours,
    /// Who may be texted, and what happens when an outcome stays unknown.
    pub policy: Policy,
}

impl Config {
    /// How the credit of this SIM is asked for.
    #[must_use]
    pub fn credit_of(&self, iccid: Option<&str>, imsi: Option<&str>) -> Option<&credit::Credit> {
        self.credit.iter().find(|credit| credit.is_of(iccid, imsi))
    }
}

/// How much of the disk may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The database grows to this many MiB at most; 0: as far as the disk goes.
    pub size_limit_mib: u32,
    /// MiB that new messages never touch.
    pub reserve_mib: u32,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Texts, after the message's end or their receipt.
    pub text: Duration,
    /// Texts called sensitive, after the message's end.
    pub sensitive_text: Duration,
    /// Texts that are codes, after the message's end.
    pub code_text: Duration,
    /// Who a person is, after the last message to or from that person; not below `text`.
    pub number: Duration,
    /// Events.
    pub event: Duration,
    /// What became of a message, without its text and recipient; not below `number`.
    pub record: Duration,
}

impl Default for Retention {
    /// 30 days, 7 days, one hour; 400 days; 90 days; six years.
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 24 * 3_600);
        Self {
            text: days(30),
            sensitive_text: days(7),
            code_text: Duration::from_secs(3_600),
            number: days(400),
            event: days(90),
            record: days(2_192),
        }
    }
}

/// The HTTP door.
#[derive(Clone, Debug)]
pub struct Http {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `POST /v1/messages` without an `Idempotency-Key` is refused.
    pub require_idempotency_key: bool,
}

/// Modems that are found by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// USB modems that no entry names are used too.
    pub enabled: bool,
    /// Where the kernel shows its devices.
    pub sys_dir: PathBuf,
    /// Where the device nodes are.
    pub dev_dir: PathBuf,
}

/// Hubs whose power may be cut to bring a hung modem back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// USB sockets behind such a hub, as `1-1.2`: bus, then the ports on the way. None: power is never cut.
    pub sockets: Vec<String>,
    /// The program `uhubctl`; none uses the kernel's own switch.
    pub command: Option<PathBuf>,
    /// How long the power is off.
    pub off: Duration,
}

/// How a modem is told from the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By where it is: a device path (a pty too), or `tcp://host:port`.
    Port(String),
    /// By what it is: its IMEI, 15 digits, wherever it is plugged in.
    Imei(String),
}

/// One modem of the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modem {
    /// Name for people, 1 to 32 characters of `A-Z a-z 0-9 . _ -`.
    pub label: String,
    /// How it is found.
    pub reach: Reach,
    /// The SIM's PIN, where it asks for one.
    pub pin: Option<Pin>,
    /// Service centre to use instead of the one on the SIM.
    pub smsc: Option<PhoneNumber>,
    /// How it is connected, where somebody said so.
    pub wiring: Wiring,
}

impl Modem {
    /// Its port, where the configuration names one.
    #[must_use]
    pub fn port(&self) -> Option<&str> {
        match &self.reach {
            Reach::Port(port) => Some(port),
            Reach::Imei(_) => None,
        }
    }

    /// Its IMEI, where the configuration names it by that.
    #[must_use]
    pub fn imei(&self) -> Option<&str> {
        match &self.reach {
            Reach::Port(_) => None,
            Reach::Imei(imei) => Some(imei),
        }
    }
}

/// A service with a share of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its share beside others of the same pool and urgency; 1 for those not named.
    pub weight: u32,
}

/// Who may be texted, and what happens when an outcome stays unknown.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Which numbers are taken at all.
    pub numbers: NumberPolicy,
    /// Only [`Policy::pilot_numbers`] are texted; a message to any other number is held.
    pub pilot: bool,
    /// The allow-list of the pilot.
    pub pilot_numbers: Vec<PhoneNumber>,
    /// How long evidence is waited for before the message's own `on_unknown` decides.
    pub evidence_window: Duration,
    /// How late a planned message may be after an outage before it waits for a person.
    pub stale_after: Duration,
    /// Texts a person may get in any 24 hours; 0 = any number.
    pub per_recipient_per_day: u32,
    /// SIMs send while they roam.
    pub allow_roaming: bool,
}

impl Policy {
    /// Whether a message to this number is held because the box is in pilot.
    #[must_use]
    pub fn holds(&self, number: &PhoneNumber) -> bool {
        self.pilot && !self.pilot_numbers.contains(number)
    }
}

/// One mistake in the file. Values that may be personal (numbers, PINs) are never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {}{what}; {mend}", key_prefix(.key))]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// The key with its path, as `http.listen` or `modem[2].port`; empty when the mistake is not in one key.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

fn key_prefix(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!("{key}: ")
    }
}

#[cfg(test)]
mod tests;
