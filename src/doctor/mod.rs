//! What stands in the way of a bank, and what to do about it: facts of the host and of the running gateway in, findings with
//! their remedies out. The checks ([`checks`], [`bank`]) are pure; [`host`] gathers the facts and changes nothing.

pub mod bank;
pub mod checks;
pub mod host;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::serial::discovery::{Found, UsbDevice};
use crate::serial::table::AtPort;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, perhaps not for long.
    Warn,
    /// It does not work, or lets something through that must not pass.
    Fail,
}

impl Level {
    /// The word in the table and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it ended.
    pub level: Level,
    /// Which check, a stable word for programs: `modem_manager`.
    pub check: &'static str,
    /// What was found, for people.
    pub what: String,
    /// What to do; empty when nothing.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            check,
            what: what.into(),
            remedy: String::new(),
        }
    }

    pub(crate) fn warn(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            check,
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    pub(crate) fn fail(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            level: Level::Fail,
            ..Self::warn(check, what, remedy)
        }
    }
}

/// What is known of the host. Empty lists where nothing could be read.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Programs that take modems away.
    pub rivals: Vec<Rival>,
    /// USB devices that the table of modems knows.
    pub devices: Vec<Device>,
    /// The ports of the configuration.
    pub configured: Vec<Configured>,
    /// Network interfaces of modems, and those made by dialling.
    pub interfaces: Vec<NetInterface>,
    /// `[discovery] enabled`.
    pub discovery: bool,
    /// Where the data is: free octets and all.
    pub disk: Option<(u64, u64)>,
    /// What keeps the clock.
    pub clock: Clock,
}

/// A program that takes modems away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rival {
    /// Its name as the kernel and its package have it.
    pub name: &'static str,
    /// A process of this name lives.
    pub running: bool,
    /// systemd would start it.
    pub installed: bool,
}

/// Who may open a device node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// Who wants to open one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Name, for people.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// All its groups.
    pub gids: Vec<u32>,
}

impl User {
    /// Whether the permission bits let it read and write.
    #[must_use]
    pub fn may_open(&self, node: Node) -> bool {
        let both = |shift: u32| (node.mode >> shift) & 0o6 == 0o6;
        if self.uid == 0 {
            true
        } else if self.uid == node.uid {
            both(6)
        } else if self.gids.contains(&node.gid) {
            both(3)
        } else {
            both(0)
        }
    }
}

/// A USB device that the table of modems knows.
#[derive(Clone, Debug)]
pub struct Device {
    /// The device.
    pub device: UsbDevice,
    /// Vendor and model as the table has it.
    pub name: String,
    /// Where it answers.
    pub at: AtPort,
    /// Its serial ports, each with whether the service may open it.
    pub ports: Vec<(Found, bool)>,
    /// `power/control` says that it may be put to sleep.
    pub sleeps: bool,
}

/// A port of the configuration.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The modem's label.
    pub label: String,
    /// Its port.
    pub path: PathBuf,
    /// Something is there.
    pub there: bool,
    /// The service may open it.
    pub may_open: bool,
    /// What it is, where it is on USB and the table knows it.
    pub found: Option<Found>,
}

/// A network interface that is or was made by a modem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetInterface {
    /// Its name.
    pub name: String,
    /// The modem's socket; none for one made by dialling (`ppp0`).
    pub socket: Option<String>,
    /// It is up.
    pub up: bool,
    /// It has an address or a route.
    pub addressed: bool,
}

/// What keeps the clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// It is synchronised, or this program sees to it.
    Kept(String),
    /// Nothing that could be seen.
    #[default]
    Alone,
}
