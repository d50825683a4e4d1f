//! Brings a hung modem back from outside: a reset of its USB device, and taking its power away. Every deed is bounded in time
//! and says in words how it went. Who is to be helped, and when a whole hub is, the gateway decides; here stands
//! only what the site has not allowed.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::discovery::UsbDevice;

/// Between taking the permission from a device and giving it back.
const RESET_PAUSE: Duration = Duration::from_secs(2);
/// A device that was switched off must be switched on again, so this is tried more than once.
const TRIES: usize = 5;
/// What `uhubctl` may take beyond the time the power is off.
const PROGRAM_EXTRA: Duration = Duration::from_secs(20);
/// What is done to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is taken away from its drivers and given back: as if unplugged, with its power on.
    Reset,
    /// Its power is off for some seconds.
    PowerCycle,
}

impl Deed {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "USB reset",
            Self::PowerCycle => "power off and on",
        }
    }
}

/// Whose power may be cut, and how.
#[derive(Clone, Debug, Default)]
pub struct Power {
    /// Sockets, as `1-1.2`.
    pub sockets: Vec<String>,
    /// The program `uhubctl`; none uses the kernel's own switch.
    pub command: Option<PathBuf>,
    /// How long it is off.
    pub off: Duration,
}

/// Why a deed is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A pty, a serial server, or a port that was never seen.
    #[error("the port is on no USB device")]
    NoDevice,
    /// Its power is not ours to cut.
    #[error("hub.sockets does not name its USB socket")]
    NotNamed,
    /// The machine's own sockets may stay dead after that.
    #[error("it is plugged into the machine itself")]
    Root,
}

/// Why a deed failed.
#[derive(Debug, thiserror::Error)]
pub enum DeedError {
    /// The kernel's switch.
    #[error("{path}: {error}")]
    Switch {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// `uhubctl` did not start or ended with an error.
    #[error("{program}: {what}")]
    Program {
        /// Which.
        program: PathBuf,
        /// Why.
        what: String,
    },
}

impl Power {
    /// Whether this may be done to this device.
    ///
    /// # Errors
    /// Why not.
    pub fn allows(&self, deed: Deed, device: &UsbDevice) -> Result<(), Refused> {
        match deed {
            Deed::Reset => Ok(()),
            Deed::PowerCycle if device.is_at_root() => Err(Refused::Root),
            Deed::PowerCycle if !self.sockets.contains(&device.socket) => Err(Refused::NotNamed),
            Deed::PowerCycle => Ok(()),
        }
    }
}

/// How long a deed takes, at least: the port need not be looked for earlier.
#[must_use]
pub fn duration(deed: Deed, power: &Power) -> Duration {
    match deed {
        Deed::Reset => RESET_PAUSE,
        Deed::PowerCycle => power.off,
    }
}

/// Does it. Blocks for [`duration`] and at most some 20 s more.
///
/// # Errors
/// [`DeedError`], in words for the log.
pub fn perform(deed: Deed, device: &UsbDevice, power: &Power) -> Result<(), DeedError> {
    match (deed, &power.command) {
        (Deed::Reset, _) => off_and_on(&device.folder.join("authorized"), "0", "1", RESET_PAUSE),
        (Deed::PowerCycle, Some(program)) => run_uhubctl(program, device, power.off),
        (Deed::PowerCycle, None) => off_and_on(&port_switch(device), "1", "0", power.off),
    }
}

/// `disable` of the hub's port (Linux 6.0).
fn port_switch(device: &UsbDevice) -> PathBuf {
    let hub = &device.hub;
    let port = device.hub_port().unwrap_or(0);
    let folder = device.folder.parent().unwrap_or(&device.folder);
    folder.join(format!("{hub}:1.0/{hub}-port{port}/disable"))
}

fn off_and_on(switch: &Path, off: &str, on: &str, pause: Duration) -> Result<(), DeedError> {
    let failed = |error| DeedError::Switch {
        path: switch.to_owned(),
        error,
    };
    write(switch, off).map_err(failed)?;
    std::thread::sleep(pause);
    let mut tries = 1;
    loop {
        match write(switch, on) {
            Err(_) if tries < TRIES => tries += 1,
            done => return done.map_err(failed),
        }
        std::thread::sleep(pause.min(Duration::from_secs(1)));
    }
}

/// Writes into a file of the kernel, which has to be there.
fn write(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())
}

fn run_uhubctl(program: &Path, device: &UsbDevice, off: Duration) -> Result<(), DeedError> {
    let failed = |what: String| DeedError::Program {
        program: program.to_owned(),
        what,
    };
    let port = device.hub_port().unwrap_or(0).to_string();
    let mut child = Command::new(program)
        .args([
            "-l",
            &device.hub,
            "-p",
            &port,
            "-a",
            "cycle",
            "-d",
            &off.as_secs().to_string(),
        ])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let end = Instant::now() + off + PROGRAM_EXTRA;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(status.to_string())),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed("did not end in time".to_owned()));
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    }
}
