//! Brings a hung modem back from outside: a reset of its USB device, and taking its power away. Every deed is bounded in time
//! and says in words how it went. Who is to be helped, and when a whole hub is, the gateway decides; here stands
//! only what the site has not allowed, and that nothing stays off because a process died: what is off is written down before.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::discovery::UsbDevice;

/// Between taking the permission from a device and giving it back.
const RESET_PAUSE: Duration = Duration::from_secs(2);
/// A device that was switched off must be switched on again, so this is tried more than once.
const TRIES: usize = 5;
/// Between two of these.
const AGAIN: Duration = Duration::from_secs(1);
/// What one call of `uhubctl` may take.
const PROGRAM: Duration = Duration::from_secs(10);
/// Devices that are switched on again after a process died; a bank has fewer sockets.
const MOST_MARKS: usize = 1_024;

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

    /// In a mark.
    const fn word(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::PowerCycle => "power",
        }
    }
}

/// The switches of the site's USB devices.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    /// Sockets whose power may be cut, as `1-1.2`.
    pub sockets: Vec<String>,
    /// The program `uhubctl`; none uses the kernel's own switch.
    pub command: Option<PathBuf>,
    /// How long it is off.
    pub off: Duration,
    /// A folder of our own: what is off has a file in it, by the name of its socket.
    pub marks: PathBuf,
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
    /// It cannot be written down, so nobody would switch it on again.
    #[error("{path}: {error}")]
    Mark {
        /// The mark.
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
    /// `uhubctl` did not end and was killed.
    #[error("{0}: did not end in time")]
    Hangs(PathBuf),
}

impl DeedError {
    /// The device or its hub is unplugged: whatever is plugged in there later begins switched on.
    fn is_gone(&self) -> bool {
        matches!(self, Self::Switch { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

impl Switches {
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

    /// How long a deed takes, at least: the port need not be looked for earlier.
    #[must_use]
    pub fn duration(&self, deed: Deed) -> Duration {
        match deed {
            Deed::Reset => RESET_PAUSE,
            Deed::PowerCycle => self.off,
        }
    }

    /// Does it. Blocks for [`Switches::duration`] and, where `uhubctl` hangs, a minute more.
    ///
    /// # Errors
    /// [`DeedError`], in words for the log. What could not be switched on is tried again by [`Switches::restore`].
    pub fn perform(&self, deed: Deed, device: &UsbDevice) -> Result<(), DeedError> {
        self.mark(deed, device)?;
        let off = self.turn(deed, device, false);
        match &off {
            Ok(()) => std::thread::sleep(self.duration(deed)),
            // Nobody knows how far it came.
            Err(DeedError::Hangs(_)) => {}
            Err(DeedError::Switch { .. } | DeedError::Mark { .. } | DeedError::Program { .. }) => {
                self.unmark(device);
                return off;
            }
        }
        self.turn_on(deed, device)?;
        self.unmark(device);
        off
    }

    /// Switches on what is marked as off: a process died, or ends, in the middle of a deed. Blocks like [`Switches::perform`]
    /// for each. Tells the socket and how it went.
    #[must_use]
    pub fn restore(&self) -> Vec<(String, Result<(), DeedError>)> {
        let on = |(deed, device): (Deed, UsbDevice)| {
            let done = match self.turn_on(deed, &device) {
                Err(error) if error.is_gone() => Ok(()),
                done => done,
            };
            if done.is_ok() {
                self.unmark(&device);
            }
            (device.socket, done)
        };
        self.marked().into_iter().map(on).collect()
    }

    fn turn_on(&self, deed: Deed, device: &UsbDevice) -> Result<(), DeedError> {
        for _ in 1..TRIES {
            match self.turn(deed, device, true) {
                Err(error) if !error.is_gone() => std::thread::sleep(AGAIN),
                done => return done,
            }
        }
        self.turn(deed, device, true)
    }

    fn turn(&self, deed: Deed, device: &UsbDevice, on: bool) -> Result<(), DeedError> {
        match (deed, &self.command) {
            (Deed::Reset, _) => write(device.folder.join("authorized"), if on { "1" } else { "0" }),
            (Deed::PowerCycle, None) => write(port_switch(device), if on { "0" } else { "1" }),
            (Deed::PowerCycle, Some(program)) => run_uhubctl(program, device, if on { "on" } else { "off" }),
        }
    }

    fn mark(&self, deed: Deed, device: &UsbDevice) -> Result<(), DeedError> {
        let path = self.marks.join(&device.socket);
        let text = [deed.word().as_bytes(), b"\n", device.folder.as_os_str().as_bytes()].concat();
        let made = fs::create_dir_all(&self.marks).and_then(|()| fs::write(&path, text));
        made.map_err(|error| DeedError::Mark { path, error })
    }

    /// A mark too many does no harm: what is on is switched on.
    fn unmark(&self, device: &UsbDevice) {
        let _ = fs::remove_file(self.marks.join(&device.socket));
    }

    fn marked(&self) -> Vec<(Deed, UsbDevice)> {
        let Ok(entries) = fs::read_dir(&self.marks) else {
            return Vec::new();
        };
        let names = entries
            .take(MOST_MARKS)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter_map(|socket| self.read_mark(socket)).collect()
    }

    /// None for what is no mark of ours: nothing was switched off before it was whole.
    fn read_mark(&self, socket: String) -> Option<(Deed, UsbDevice)> {
        let text = fs::read(self.marks.join(&socket)).ok()?;
        let (word, folder) = text.split_at_checked(text.iter().position(|octet| *octet == b'\n')?)?;
        let deed = [Deed::Reset, Deed::PowerCycle]
            .into_iter()
            .find(|deed| deed.word().as_bytes() == word)?;
        let folder = PathBuf::from(OsStr::from_bytes(folder.get(1..)?));
        let hub = folder.parent()?.file_name()?.to_str()?.to_owned();
        let device = UsbDevice {
            socket,
            hub,
            folder,
            vid: 0,
            pid: 0,
            number: 0,
        };
        Some((deed, device))
    }
}

/// `disable` of the hub's port (Linux 6.0).
fn port_switch(device: &UsbDevice) -> PathBuf {
    let hub = &device.hub;
    let port = device.hub_port().unwrap_or(0);
    let folder = device.folder.parent().unwrap_or(&device.folder);
    folder.join(format!("{hub}:1.0/{hub}-port{port}/disable"))
}

/// Writes into a file of the kernel, which has to be there.
fn write(path: PathBuf, text: &str) -> Result<(), DeedError> {
    let written = OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| DeedError::Switch { path, error })
}

fn run_uhubctl(program: &Path, device: &UsbDevice, action: &str) -> Result<(), DeedError> {
    let failed = |what: String| DeedError::Program {
        program: program.to_owned(),
        what,
    };
    let port = device.hub_port().unwrap_or(0).to_string();
    let mut child = Command::new(program)
        .args(["-l", &device.hub, "-p", &port, "-a", action])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let end = Instant::now() + PROGRAM;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(status.to_string())),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(DeedError::Hangs(program.to_owned()));
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    }
}
