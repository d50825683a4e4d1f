//! The checks of the host. Each is a pure function of the facts and gives at least one finding, so that a table without a line
//! for it means that it was not made.

use std::collections::BTreeSet;

use super::{Clock, Configured, Device, Finding, Host};
use crate::serial::table::{AtPort, Role};

/// Less than this, and the store may stop.
const FREE_FAIL: u64 = 256 << 20;
/// Less than this, and somebody should look.
const FREE_WARN: u64 = 2 << 30;

/// Every check of the host.
#[must_use]
pub fn all(host: &Host) -> Vec<Finding> {
    [
        rivals(host),
        devices(host),
        configured(host),
        network(host),
        disk(host),
        clock(host),
    ]
    .concat()
}

fn rivals(host: &Host) -> Vec<Finding> {
    let judge = |rival: &super::Rival| {
        let name = rival.name;
        let (check, harm, remedy) = match name {
            "brltty" => (
                "brltty",
                "takes common serial bridges for braille displays and takes the port away",
                "systemctl mask --now brltty.service brltty.path brltty-udev.service",
            ),
            _ => (
                "modem_manager",
                "talks to the modems too, and reads and deletes texts",
                "systemctl mask --now ModemManager.service",
            ),
        };
        if rival.running {
            // The rules keep it off the models they know, and nobody can be sure that it heeded them.
            Finding::fail(check, format!("{name} is running: it {harm}"), remedy)
        } else if rival.installed {
            let what = format!("{name} is installed and may be started: it {harm}");
            Finding::warn(check, what, remedy)
        } else {
            Finding::ok(check, format!("{name} does not run"))
        }
    };
    host.rivals.iter().map(judge).collect()
}

fn devices(host: &Host) -> Vec<Finding> {
    let mut findings: Vec<Finding> = host.devices.iter().flat_map(device).collect();
    if !host.discovery {
        findings.extend(host.devices.iter().filter_map(|device| unused(host, device)));
    }
    let usable = |device: &Device| device.ports.iter().any(|(port, _)| port.role != Role::Closed);
    let modems = host.devices.iter().filter(|device| usable(device)).count();
    if modems > 0 {
        findings.push(Finding::ok(
            "modems",
            format!("{modems} USB modems or bridges with a port"),
        ));
    } else if host.configured.iter().all(|port| !port.there) {
        findings.push(Finding::fail(
            "modems",
            "no modem: no USB modem with a port, and no port of the configuration is there",
            "plug one in and look with lsusb; a modem that udev/modems.csv does not list needs a [[modem]] with its port",
        ));
    }
    findings
}

/// A modem that is plugged in and that nobody will use.
fn unused(host: &Host, device: &Device) -> Option<Finding> {
    let port = device.ports.iter().find(|(port, _)| port.role == Role::At)?;
    let socket = &device.device.socket;
    let named = |port: &Configured| port.found.as_ref().is_some_and(|found| found.device.socket == *socket);
    if host.configured.iter().any(named) {
        return None;
    }
    let what = format!("{} at usb {socket} is used by no [[modem]]", device.name);
    let remedy = format!(
        "name its port {}, or set discovery.enabled = true",
        port.0.path.display()
    );
    Some(Finding::warn("unused", what, remedy))
}

fn device(device: &Device) -> Vec<Finding> {
    let name = format!("{} at usb {}", device.name, device.device.socket);
    let mut findings = Vec::new();
    match device.at {
        AtPort::Storage => {
            let what = format!("{name} shows itself as a disk");
            return vec![Finding::fail(
                "switched",
                what,
                "apt-get install usb-modeswitch, and plug it in again",
            )];
        }
        AtPort::None => {
            let what = format!("{name} has no port for texts, it is only a network card or did not start");
            return vec![Finding::fail(
                "switched",
                what,
                "use another modem or firmware; take this one out",
            )];
        }
        AtPort::Interface(_) | AtPort::Protocol | AtPort::Probe | AtPort::Uart => {}
    }
    let open: Vec<_> = device
        .ports
        .iter()
        .filter(|(port, _)| port.role != Role::Closed)
        .collect();
    if open.is_empty() {
        let (vid, pid) = (device.device.vid, device.device.pid);
        let what = format!("{name} has no serial port for commands: no driver took it");
        let remedy = format!(
            "modprobe option, then: echo {vid:04x} {pid:04x} > /sys/bus/usb-serial/drivers/option1/new_id; look at dmesg"
        );
        findings.push(Finding::fail("driver", what, remedy));
    }
    for (port, _) in open.iter().filter(|(port, may)| !may && port.role != Role::Uart) {
        let what = format!("the service may not open {} of {name}", port.path.display());
        let remedy = "install udev/60-wardwire.rules, udevadm control --reload, and plug the modem in again";
        findings.push(Finding::fail("permission", what, remedy));
    }
    if device.sleeps {
        let what = format!("{name} may be put to sleep, and then loses its port or its first command");
        let remedy = "install udev/60-wardwire.rules and plug it in again; keep TLP and powertop away from it";
        findings.push(Finding::warn("sleep", what, remedy));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("device", name));
    }
    findings
}

fn configured(host: &Host) -> Vec<Finding> {
    host.configured.iter().map(configured_port).collect()
}

fn configured_port(port: &Configured) -> Finding {
    let (label, path) = (&port.label, port.path.display());
    let numbered = port
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with("ttyUSB") || name.starts_with("ttyACM"));
    if let Some(found) = port.found.as_ref().filter(|found| found.role == Role::Closed) {
        let what = format!(
            "modem {label}: {path} is interface {:02x} of the device, which is for diagnosis, GPS or dialling and must not be \
             opened",
            found.interface.number
        );
        return Finding::fail("interface", what, "name its at-... port: ls -l /dev/wardwire/");
    }
    if !port.there {
        let what = format!("modem {label}: {path} is not there");
        let remedy = "plug it in; ls -l /dev/wardwire/ shows the names of the ports that are there";
        return Finding::fail("port", what, remedy);
    }
    if !port.may_open {
        let what = format!("modem {label}: the service may not open {path}");
        let remedy =
            "systemctl edit wardwire: SupplementaryGroups=dialout, or the node's own group (docs/install.md, 6)";
        return Finding::fail("permission", what, remedy);
    }
    if numbered {
        let what = format!("modem {label}: the name {path} may belong to another modem after the next start");
        return Finding::warn("port", what, "name it by imei, or by its name in /dev/wardwire/");
    }
    Finding::ok("port", format!("modem {label}: {path}"))
}

fn network(host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    for interface in &host.interfaces {
        let name = &interface.name;
        let whose = match &interface.socket {
            Some(socket) => format!("{name} of the modem at usb {socket}"),
            None => format!("{name}, made by dialling,"),
        };
        let remedy = format!(
            "install udev/60- and 91-wardwire.rules and systemd/wardwire-modem.network; now: ip link set {name} down && ip address \
             flush dev {name}"
        );
        match (interface.addressed, interface.up) {
            (true, _) => findings.push(Finding::fail(
                "network",
                format!("{whose} has an address: a way round the hospital's network"),
                remedy,
            )),
            (false, true) => findings.push(Finding::fail(
                "network",
                format!("{whose} is up: it may become a way round the hospital's network"),
                remedy,
            )),
            (false, false) => {}
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok("network", "no modem is a way to the internet"));
    }
    findings
}

fn disk(host: &Host) -> Vec<Finding> {
    let Some((free, all)) = host.disk else {
        let what = "the space of the data directory cannot be read";
        return vec![Finding::warn("disk", what, "make data_dir, as docs/install.md says")];
    };
    let what = format!("{} of {} MiB free for the data", free >> 20, all >> 20);
    let remedy = "make room on the disk of data_dir: without it no text is accepted";
    vec![if free < FREE_FAIL {
        Finding::fail("disk", what, remedy)
    } else if free < FREE_WARN {
        Finding::warn("disk", what, remedy)
    } else {
        Finding::ok("disk", what)
    }]
}

fn clock(host: &Host) -> Vec<Finding> {
    vec![match &host.clock {
        Clock::Kept(by) => Finding::ok("clock", format!("the clock is kept by {by}")),
        Clock::Alone => Finding::warn(
            "clock",
            "nothing seems to keep the clock right; reminders go by it",
            "timedatectl set-ntp true, with the hospital's time server",
        ),
    }]
}

/// The levels there are; for the exit code.
#[must_use]
pub fn fails(findings: &[Finding]) -> bool {
    let levels: BTreeSet<_> = findings.iter().map(|finding| finding.level).collect();
    levels.contains(&super::Level::Fail)
}
