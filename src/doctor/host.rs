//! Gathers the facts of the host from the kernel's files and the configuration. Opens no port, starts no program, changes nothing.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Clock, Configured, Device, Host, NetInterface, Node, Rival, User};
use crate::config::Config;
use crate::serial::discovery::Found;
use crate::serial::{Tree, table};

/// Entries of one folder that are looked at.
const MOST: usize = 65_536;

/// The user the service runs as.
const SERVICE: &str = "wardwire";

/// Programs that take modems away: name of the process, which the kernel cuts after 15 characters, and unit.
const RIVALS: [(&str, &str); 2] = [("ModemManager", "ModemManager.service"), ("brltty", "brltty.service")];
/// Programs that keep the clock.
const CLOCK_KEEPERS: [&str; 5] = ["chronyd", "ntpd", "ptp4l", "systemd-timesyn", "openntpd"];

/// Where the host shows itself; elsewhere in tests.
#[derive(Clone, Debug)]
pub struct Roots {
    /// Devices.
    pub tree: Tree,
    /// Processes and routes.
    pub proc: PathBuf,
    /// Users, units, and what is installed.
    pub root: PathBuf,
}

impl Roots {
    /// This machine, with the devices where the configuration says.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            tree: Tree::new(&config.discovery.sys_dir, &config.discovery.dev_dir),
            proc: "/proc".into(),
            root: "/".into(),
        }
    }
}

/// All facts. What cannot be read is left out; the checks say so where it matters.
#[must_use]
pub fn gather(config: &Config, roots: &Roots) -> Host {
    let user = service_user(&roots.root);
    let processes = processes(&roots.proc);
    Host {
        rivals: rivals(&roots.root, &processes),
        devices: devices(&roots.tree, &user),
        configured: configured(config, &roots.tree, &user),
        interfaces: interfaces(&roots.tree, &roots.proc),
        discovery: config.discovery.enabled,
        disk: disk(&config.data_dir),
        clock: clock(&roots.root, &processes),
    }
}

/// Names of all processes.
fn processes(proc: &Path) -> Vec<String> {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten().take(MOST);
    let name = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.bytes().all(|b| b.is_ascii_digit());
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        number.then(|| name.trim().to_owned())
    };
    entries.filter_map(name).collect()
}

fn rivals(root: &Path, processes: &[String]) -> Vec<Rival> {
    let judge = |(name, unit): &(&'static str, &str)| Rival {
        name,
        running: processes.iter().any(|process| process == name),
        installed: is_installed(root, unit),
    };
    RIVALS.iter().map(judge).collect()
}

/// systemd knows the unit and nobody masked it.
fn is_installed(root: &Path, unit: &str) -> bool {
    for folder in ["etc/systemd/system", "run/systemd/system"] {
        let path = root.join(folder).join(unit);
        if fs::read_link(&path).is_ok_and(|target| target == Path::new("/dev/null")) {
            return false;
        }
    }
    ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"]
        .iter()
        .any(|folder| root.join(folder).join(unit).exists())
}

/// The service's user by the files of users and groups; where there is none, whoever asks.
fn service_user(root: &Path) -> User {
    let lines = |name: &str| fs::read_to_string(root.join("etc").join(name)).unwrap_or_default();
    let passwd = lines("passwd");
    let own = passwd.lines().find_map(|line| {
        let cells: Vec<&str> = line.split(':').collect();
        let [name, _, uid, gid, ..] = cells[..] else {
            return None;
        };
        (name == SERVICE).then_some((uid.parse().ok()?, gid.parse().ok()?))
    });
    let Some((uid, gid)) = own else {
        let mut gids: Vec<u32> = rustix::process::getgroups()
            .unwrap_or_default()
            .iter()
            .map(|gid| gid.as_raw())
            .collect();
        gids.push(rustix::process::getegid().as_raw());
        return User {
            name: "you".to_owned(),
            uid: rustix::process::geteuid().as_raw(),
            gids,
        };
    };
    let group = lines("group");
    let others = group.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split(':').collect();
        let [_, _, gid, members] = cells[..] else { return None };
        let is_member = members.split(',').any(|member| member == SERVICE);
        gid.parse().ok().filter(|_| is_member)
    });
    User {
        name: SERVICE.to_owned(),
        uid,
        gids: others.chain([gid]).collect(),
    }
}

fn node(path: &Path) -> Option<Node> {
    let meta = fs::metadata(path).ok()?;
    Some(Node {
        uid: meta.uid(),
        gid: meta.gid(),
        mode: meta.mode() & 0o777,
    })
}

fn devices(tree: &Tree, user: &User) -> Vec<Device> {
    let ports: Vec<Found> = tree.ports().unwrap_or_default();
    let mut devices = Vec::new();
    for device in tree.devices().unwrap_or_default() {
        let Some(model) = table::model(device.vid, device.pid) else {
            continue;
        };
        let own = ports.iter().filter(|port| port.device.socket == device.socket);
        let own = own.map(|port| (port.clone(), node(&port.path).is_some_and(|node| user.may_open(node))));
        let control = fs::read_to_string(device.folder.join("power/control")).unwrap_or_default();
        devices.push(Device {
            name: model.name.clone(),
            at: model.at,
            ports: own.collect(),
            sleeps: control.trim() == "auto",
            device,
        });
    }
    devices
}

fn configured(config: &Config, tree: &Tree, user: &User) -> Vec<Configured> {
    let paths = config.modems.iter().filter_map(|modem| {
        let path = PathBuf::from(modem.port().filter(|port| port.starts_with('/'))?);
        let node = node(&path);
        Some(Configured {
            label: modem.label.clone(),
            there: node.is_some(),
            may_open: node.is_some_and(|node| user.may_open(node)),
            found: tree.port_of(&path),
            path,
        })
    });
    paths.collect()
}

/// Interfaces below a modem of the table, and those made by dialling.
fn interfaces(tree: &Tree, proc: &Path) -> Vec<NetInterface> {
    let addressed = addressed(proc);
    let entries = fs::read_dir(tree.sys().join("class/net"))
        .into_iter()
        .flatten()
        .flatten();
    let mut found = Vec::new();
    for entry in entries.take(MOST) {
        let Ok(folder) = fs::canonicalize(entry.path()) else {
            continue;
        };
        let device = tree.device_above(&folder);
        let socket = device
            .filter(|device| table::model(device.vid, device.pid).is_some())
            .map(|device| device.socket);
        let name = entry.file_name().to_string_lossy().into_owned();
        if socket.is_none() && !name.starts_with("ppp") && !name.starts_with("wwan") {
            continue;
        }
        let flags = fs::read_to_string(folder.join("flags")).unwrap_or_default();
        let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16).unwrap_or(0);
        found.push(NetInterface {
            up: flags & 1 != 0,
            addressed: addressed.contains(&name),
            name,
            socket,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Interfaces with an IPv4 route, which every IPv4 address brings along, or with an IPv6 address.
fn addressed(proc: &Path) -> Vec<String> {
    let read = |name: &str| fs::read_to_string(proc.join("net").join(name)).unwrap_or_default();
    let (four, six) = (read("route"), read("if_inet6"));
    let four = four.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    let six = six.lines().filter_map(|line| line.split_whitespace().nth(5));
    four.chain(six).map(str::to_owned).collect()
}

fn disk(data: &Path) -> Option<(u64, u64)> {
    let space = rustix::fs::statvfs(data).ok()?;
    Some((
        space.f_bavail.saturating_mul(space.f_frsize),
        space.f_blocks.saturating_mul(space.f_frsize),
    ))
}

fn clock(root: &Path, processes: &[String]) -> Clock {
    if root.join("run/systemd/timesync/synchronized").exists() {
        return Clock::Kept("systemd-timesyncd".to_owned());
    }
    let keeper = CLOCK_KEEPERS
        .iter()
        .find(|keeper| processes.iter().any(|process| process == *keeper));
    keeper.map_or(Clock::Alone, |keeper| Clock::Kept((*keeper).to_owned()))
}
