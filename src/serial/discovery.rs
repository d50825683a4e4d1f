//! Which modems are plugged in: the kernel's tree of devices (sysfs), read. Opens no port and keeps nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::table::{self, Interface, Role};

/// Names of serial devices on USB.
const TTYS: [&str; 3] = ["ttyUSB", "ttyACM", "ttyHS"];
/// Ttys looked at in one pass; a bank of 64 modems with 8 ports each has 512.
const MOST: usize = 2_048;
/// Links followed from a configured name to the device.
const LINKS: usize = 8;

/// A USB device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbDevice {
    /// Where it is plugged in, as the kernel names it: bus, then the ports on the way, as `1-1.2`.
    pub socket: String,
    /// The hub it hangs on, as `1-1`; `usb1` for the machine itself.
    pub hub: String,
    /// Its folder in sysfs.
    pub folder: PathBuf,
    /// `idVendor`.
    pub vid: u16,
    /// `idProduct`.
    pub pid: u16,
    /// Its number on the bus: another one after each time it came back.
    pub number: u32,
}

impl UsbDevice {
    /// From a folder in sysfs; none when it is no USB device.
    pub(super) fn at(folder: &Path) -> Option<Self> {
        let name = |folder: &Path| folder.file_name().and_then(|n| n.to_str()).map(str::to_owned);
        Some(Self {
            vid: hex(folder, "idVendor")?,
            pid: hex(folder, "idProduct")?,
            socket: name(folder)?,
            hub: name(folder.parent()?)?,
            number: text(folder, "devnum").and_then(|n| n.parse().ok()).unwrap_or(0),
            folder: folder.to_owned(),
        })
    }

    /// Its port of the hub: the last number of the socket. None for a root hub.
    #[must_use]
    pub fn hub_port(&self) -> Option<u8> {
        self.socket.rsplit(['.', '-']).next()?.parse().ok()
    }

    /// True for a device plugged into the machine itself.
    #[must_use]
    pub fn is_at_root(&self) -> bool {
        self.hub.starts_with("usb")
    }
}

/// A serial port of a modem or bridge we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its device node.
    pub path: PathBuf,
    /// Its interface.
    pub interface: Interface,
    /// What that is to us.
    pub role: Role,
    /// It must never be opened, whoever asks.
    pub forbidden: bool,
    /// The kernel's driver, as `option`; empty when unknown.
    pub driver: String,
    /// The device it belongs to.
    pub device: UsbDevice,
}

/// The kernel's tree and the device nodes; elsewhere in tests and containers.
#[derive(Clone, Debug)]
pub struct Tree {
    sys: PathBuf,
    dev: PathBuf,
}

impl Tree {
    /// Usually `/sys` and `/dev`.
    #[must_use]
    pub fn new(sys: &Path, dev: &Path) -> Self {
        Self {
            sys: sys.to_owned(),
            dev: dev.to_owned(),
        }
    }

    /// Where the tree is.
    #[must_use]
    pub fn sys(&self) -> &Path {
        &self.sys
    }

    /// All serial ports of modems and bridges we know, by socket and role. What goes away while it is read is left out.
    ///
    /// # Errors
    /// The tree itself cannot be read.
    pub fn ports(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.sys.join("class/tty"))?.flatten().take(MOST) {
            let name = entry.file_name();
            let usb = name
                .to_str()
                .filter(|name| TTYS.iter().any(|kind| name.starts_with(kind)));
            found.extend(usb.and_then(|name| self.port(name)));
        }
        found.sort_by(|a, b| {
            let key = |f: &Found| (f.device.socket.clone(), f.role, f.interface.number, f.path.clone());
            key(a).cmp(&key(b))
        });
        Ok(found)
    }

    /// A tty by its kernel name, as `ttyUSB2`.
    fn port(&self, tty: &str) -> Option<Found> {
        let folder = fs::canonicalize(self.sys.join("class/tty").join(tty)).ok()?;
        let home = self.interface_above(&folder)?;
        let device = self.device_above(&folder)?;
        let interface = interface(&home)?;
        let model = table::model(device.vid, device.pid)?;
        let driver = fs::read_link(home.join("driver")).ok();
        Some(Found {
            path: self.dev.join(tty),
            role: model.role(interface),
            forbidden: model.forbids(interface),
            interface,
            driver: driver
                .and_then(|link| Some(link.file_name()?.to_str()?.to_owned()))
                .unwrap_or_default(),
            device,
        })
    }

    /// The USB device behind a port's name, also through links (`/dev/serial/by-path/...`); none for ptys and for what is
    /// not there.
    #[must_use]
    pub fn device_of(&self, port: &Path) -> Option<UsbDevice> {
        let tty = self.tty_of(port)?;
        let folder = fs::canonicalize(self.sys.join("class/tty").join(tty)).ok()?;
        self.device_above(&folder)
    }

    /// What a configured port is, where it is a port of a modem we know.
    #[must_use]
    pub fn port_of(&self, port: &Path) -> Option<Found> {
        self.port(&self.tty_of(port)?)
    }

    /// The kernel's name of the tty that a path leads to.
    fn tty_of(&self, port: &Path) -> Option<String> {
        let mut path = port.to_owned();
        for _ in 0..LINKS {
            let name = path.file_name()?.to_str()?.to_owned();
            if self.sys.join("class/tty").join(&name).exists() {
                return Some(name);
            }
            let target = fs::read_link(&path).ok()?;
            path = path.parent()?.join(target);
        }
        None
    }

    /// The USB device a device of whatever kind hangs on.
    pub(crate) fn device_above(&self, folder: &Path) -> Option<UsbDevice> {
        self.above(folder, "idVendor").and_then(|folder| UsbDevice::at(&folder))
    }

    fn interface_above(&self, folder: &Path) -> Option<PathBuf> {
        self.above(folder, "bInterfaceNumber")
    }

    /// The nearest folder at or above this one that holds such a file.
    fn above(&self, folder: &Path, file: &str) -> Option<PathBuf> {
        let root = fs::canonicalize(&self.sys).ok()?;
        let inside = folder.ancestors().take_while(|folder| folder.starts_with(&root));
        inside
            .into_iter()
            .find(|folder| folder.join(file).exists())
            .map(Path::to_owned)
    }

    /// Every USB device, hubs apart.
    ///
    /// # Errors
    /// The tree cannot be read.
    pub fn devices(&self) -> io::Result<Vec<UsbDevice>> {
        let mut devices = Vec::new();
        for entry in fs::read_dir(self.sys.join("bus/usb/devices"))?.flatten().take(MOST) {
            let plain = entry.file_name().to_str().is_some_and(|name| !name.contains(':'));
            let folder = fs::canonicalize(entry.path()).ok().filter(|_| plain);
            devices.extend(folder.and_then(|folder| UsbDevice::at(&folder)));
        }
        devices.sort_by(|a, b| a.socket.cmp(&b.socket));
        Ok(devices)
    }
}

fn interface(folder: &Path) -> Option<Interface> {
    let number = |name| hex(folder, name).and_then(|n: u16| u8::try_from(n).ok());
    Some(Interface {
        number: number("bInterfaceNumber")?,
        class: number("bInterfaceClass").unwrap_or(0),
        subclass: number("bInterfaceSubClass").unwrap_or(0),
        protocol: number("bInterfaceProtocol").unwrap_or(0),
    })
}

fn text(folder: &Path, name: &str) -> Option<String> {
    Some(fs::read_to_string(folder.join(name)).ok()?.trim().to_owned())
}

fn hex(folder: &Path, name: &str) -> Option<u16> {
    u16::from_str_radix(&text(folder, name)?, 16).ok()
}
