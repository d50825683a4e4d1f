//! What is done to a port for the gateway: opened anew, its USB device reset, its power cut. Off the event loop, bounded, and
//! told in the log in words. Which of them is due is the gateway's decision; whether it may be done, the site's.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use wardwire_core::gateway::SlotIndex;
use wardwire_core::modem::{Means, PortAction, Wiring};

use crate::config::{Config, Modem, Reach};
use crate::serial::discovery::{Found, UsbDevice};
use crate::serial::table::Role;
use crate::serial::usb::{Deed, Refused, Switches};
use crate::serial::{PortCommand, Tree};

/// The port is looked for again so long after the deed should have ended.
const MARGIN: Duration = Duration::from_millis(500);
/// What is off may take so long to be switched on at the begin and at the end.
const RESTORE: Duration = Duration::from_secs(20);
/// Folder in the data directory with the marks of what is off.
const MARKS: &str = "switched-off";

/// The switches the site allows.
pub(super) fn switches(config: &Config) -> Switches {
    Switches {
        sockets: config.hub.sockets.clone(),
        command: config.hub.command.clone(),
        off: config.hub.off,
        marks: config.data_dir.join(MARKS),
    }
}

/// Switches on what this process, or one before it that died, switched off: a modem must not stay off because nobody is left who
/// would switch it on.
pub(super) async fn restore(switches: Switches) {
    let restoring = tokio::task::spawn_blocking(move || {
        for (socket, done) in switches.restore() {
            match done {
                Ok(()) => tracing::warn!(socket, "was off since a deed that did not end; it is on again"),
                Err(error) => {
                    tracing::error!(socket, %error, "is off since a deed that did not end: pull its hub out and plug it in again");
                }
            }
        }
    });
    if tokio::time::timeout(RESTORE, restoring).await.is_err() {
        tracing::error!("what is off since a deed that did not end could not be switched on in time");
    }
}

/// How a modem of the configuration is connected and what can be done to it from outside. What the configuration says goes
/// before what is seen. `switched` are the sockets whose power may be cut, `found` is what its port is, where it is there and on USB.
pub(super) fn nature(switched: &[String], modem: &Modem, found: Option<&Found>) -> (Wiring, Means) {
    let (seen, means) = as_seen(switched, modem, found);
    match modem.wiring {
        Wiring::Any => (seen, means),
        Wiring::Usb => (Wiring::Usb, means),
        Wiring::Uart => {
            let usb_reset = false;
            (Wiring::Uart, Means { usb_reset, ..means })
        }
    }
}

/// Until its port was seen, a device path counts as one on USB, since a deed that cannot be done does no harm.
fn as_seen(switched: &[String], modem: &Modem, found: Option<&Found>) -> (Wiring, Means) {
    let nothing = Means::default();
    let by_usb = Means {
        usb_reset: true,
        power_cycle: !switched.is_empty(),
    };
    match (&modem.reach, found) {
        (Reach::Imei(_), _) => (Wiring::Usb, by_usb),
        (Reach::Port(_), Some(port)) => {
            let power_cycle = switched.contains(&port.device.socket);
            // To reset a bridge does nothing to what is behind it.
            let usb_reset = port.role != Role::Uart;
            let wiring = if usb_reset { Wiring::Usb } else { Wiring::Uart };
            (wiring, Means { usb_reset, power_cycle })
        }
        (Reach::Port(port), None) => {
            let is = |kinds: &[&str]| kinds.iter().any(|kind| port.starts_with(kind));
            if is(&["/dev/ttyS", "/dev/ttyAMA"]) {
                (Wiring::Uart, nothing)
            } else if is(&["/dev/"]) && !is(&["/dev/pts/"]) {
                (Wiring::Any, by_usb)
            } else {
                (Wiring::Any, nothing)
            }
        }
    }
}

/// The hand that does it.
#[derive(Debug)]
pub(super) struct Deeds {
    tree: Tree,
    switches: Switches,
    /// Those of the configuration, which have the first slots.
    configured: Vec<Modem>,
    /// The device each slot was last seen on: one that hangs may have lost its port.
    devices: BTreeMap<SlotIndex, UsbDevice>,
}

impl Deeds {
    pub(super) fn new(config: &Config, tree: Tree) -> Self {
        Self {
            tree,
            switches: switches(config),
            configured: config.modems.clone(),
            devices: BTreeMap::new(),
        }
    }

    /// A modem was found on this device.
    pub(super) fn note(&mut self, slot: SlotIndex, device: UsbDevice) {
        self.devices.insert(slot, device);
    }

    /// The hub the modem of a slot is plugged into now, none at a socket of the machine itself; and what can be done to it there, where
    /// that is known.
    pub(super) fn place(&mut self, slot: SlotIndex) -> (Option<String>, Option<Means>) {
        self.look_at_port(slot);
        let device = self.devices.get(&slot);
        let hub = device.filter(|device| !device.is_at_root());
        (hub.map(|device| device.hub.clone()), self.means(slot))
    }

    fn means(&self, slot: SlotIndex) -> Option<Means> {
        let modem = self.configured.get(slot);
        if let Some((modem, port)) = modem.and_then(|modem| Some((modem, modem.port()?))) {
            let found = self.tree.port_of(Path::new(port));
            return Some(nature(&self.switches.sockets, modem, found.as_ref()).1);
        }
        let device = self.devices.get(&slot)?;
        Some(Means {
            usb_reset: modem.is_none_or(|modem| modem.wiring != Wiring::Uart),
            power_cycle: self.switches.sockets.contains(&device.socket),
        })
    }

    fn look_at_port(&mut self, slot: SlotIndex) {
        let port = self.configured.get(slot).and_then(Modem::port);
        if let Some(device) = port.and_then(|port| self.tree.device_of(Path::new(port))) {
            self.devices.insert(slot, device);
        }
    }

    /// Begins what the gateway asks for; gives what the port's task is told. What must not be done ends as the mildest that
    /// may: a port opened anew.
    pub(super) fn begin(&mut self, slot: SlotIndex, label: String, action: PortAction) -> PortCommand {
        let deed = match action {
            PortAction::Reopen => return PortCommand::Reopen,
            PortAction::UsbReset => Deed::Reset,
            PortAction::PowerCycle => Deed::PowerCycle,
        };
        self.look_at_port(slot);
        let device = self.devices.get(&slot).ok_or(Refused::NoDevice);
        let allowed = device.and_then(|device| self.switches.allows(deed, device).map(|()| device.clone()));
        let device = match allowed {
            Ok(device) => device,
            Err(why) => {
                tracing::warn!(modem = label, %why, "no {}", deed.as_str());
                return PortCommand::Reopen;
            }
        };
        let pause = self.switches.duration(deed) + MARGIN;
        let switches = self.switches.clone();
        tokio::task::spawn_blocking(move || {
            let socket = device.socket.clone();
            tracing::info!(modem = label, socket, "{} begins", deed.as_str());
            match switches.perform(deed, &device) {
                Ok(()) => tracing::info!(modem = label, socket, "{} done", deed.as_str()),
                Err(error) => tracing::warn!(modem = label, socket, %error, "{} failed", deed.as_str()),
            }
        });
        PortCommand::CloseFor(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing can be written down in its data directory, so that no deed is done but begun.
    fn deeds(hub: &str) -> Deeds {
        let text =
            format!("data_dir='/dev/null'\nregion='IE'\n[hub]\n{hub}\n[[modem]]\nlabel='m0'\nport='/nowhere/tty'");
        let config = crate::config::check(&text, "w.toml").unwrap();
        Deeds::new(&config, Tree::new(Path::new("/nowhere"), Path::new("/nowhere")))
    }

    fn device(folder: &Path) -> UsbDevice {
        UsbDevice {
            socket: "1-1.2".into(),
            hub: "1-1".into(),
            folder: folder.to_owned(),
            vid: 0x2c7c,
            pid: 0x0125,
            number: 5,
        }
    }

    #[test]
    fn what_can_be_done_follows_from_how_it_is_connected() {
        let seen = |reach: &str, sockets: &str, role: Option<Role>| {
            let text = format!("data_dir='d'\nregion='IE'\n[hub]\nsockets={sockets}\n[[modem]]\nlabel='m0'\n{reach}");
            let config = crate::config::check(&text, "w.toml").unwrap();
            let found = role.map(|role| Found {
                path: "/dev/ttyUSB2".into(),
                interface: crate::serial::table::Interface::default(),
                role,
                forbidden: false,
                driver: String::new(),
                device: device(Path::new("/nowhere")),
            });
            let (wiring, means) = nature(&config.hub.sockets, &config.modems[0], found.as_ref());
            (wiring, means.usb_reset, means.power_cycle)
        };
        let path = "port='/dev/wardwire/x'";
        for (reach, sockets, role, wanted) in [
            ("imei='490154203237518'", "[]", None, (Wiring::Usb, true, false)),
            ("imei='490154203237518'", "['1-1.2']", None, (Wiring::Usb, true, true)),
            (path, "['1-1.2']", Some(Role::At), (Wiring::Usb, true, true)),
            (path, "['1-1.3']", Some(Role::At), (Wiring::Usb, true, false)),
            (path, "['1-1.2']", Some(Role::Uart), (Wiring::Uart, false, true)),
            (path, "[]", None, (Wiring::Any, true, false)),
            (
                "port='/dev/wardwire/x'\nwiring='uart'",
                "[]",
                None,
                (Wiring::Uart, false, false),
            ),
            (
                "port='/dev/wardwire/x'\nwiring='uart'",
                "['1-1.2']",
                Some(Role::At),
                (Wiring::Uart, false, true),
            ),
            (
                "port='/tmp/bank/modem0'\nwiring='usb'",
                "[]",
                None,
                (Wiring::Usb, false, false),
            ),
            ("port='/dev/ttyS0'", "['1-1.2']", None, (Wiring::Uart, false, false)),
            ("port='/dev/pts/3'", "['1-1.2']", None, (Wiring::Any, false, false)),
            (
                "port='/tmp/bank/modem0'",
                "['1-1.2']",
                None,
                (Wiring::Any, false, false),
            ),
            (
                "port='tcp://127.0.0.1:4001'",
                "['1-1.2']",
                None,
                (Wiring::Any, false, false),
            ),
        ] {
            assert_eq!(seen(reach, sockets, role), wanted, "{reach} {sockets}");
        }
    }

    #[test]
    fn a_modem_that_was_plugged_elsewhere_has_the_means_of_its_socket_there() {
        let mut deeds = deeds("sockets = ['1-1.2']");
        let means = |deeds: &mut Deeds| deeds.place(1).1.map(|means| (means.usb_reset, means.power_cycle));
        assert_eq!(means(&mut deeds), None, "nobody has seen it yet");
        for (socket, power_cycle) in [("1-1.3", false), ("1-1.2", true), ("1-1.4", false)] {
            let place = UsbDevice {
                socket: socket.into(),
                ..device(Path::new("/nowhere"))
            };
            deeds.note(1, place);
            assert_eq!(means(&mut deeds), Some((true, power_cycle)), "{socket}");
        }
        // By an IMEI, behind a bridge whose reset does nothing to it.
        deeds.configured[0].reach = Reach::Imei("490154203237518".into());
        deeds.configured[0].wiring = Wiring::Uart;
        deeds.note(0, device(Path::new("/nowhere")));
        let (_, means) = deeds.place(0);
        assert_eq!(
            means.map(|means| (means.usb_reset, means.power_cycle)),
            Some((false, true))
        );
    }

    #[tokio::test]
    async fn what_cannot_or_must_not_be_done_ends_in_the_port_being_opened_anew() {
        let mut deeds = deeds("");
        for action in [PortAction::Reopen, PortAction::UsbReset, PortAction::PowerCycle] {
            assert_eq!(
                deeds.begin(0, "m0".into(), action),
                PortCommand::Reopen,
                "a pty: {action:?}"
            );
        }
        deeds.note(0, device(Path::new("/nowhere")));
        assert_eq!(deeds.begin(0, "m0".into(), PortAction::PowerCycle), PortCommand::Reopen);
    }

    #[tokio::test]
    async fn the_port_stays_closed_while_something_is_done_to_its_device() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("authorized"), "1").unwrap();
        let mut deeds = deeds("sockets = ['1-1.2']\noff_seconds = 7");
        deeds.note(0, device(folder.path()));
        let PortCommand::CloseFor(time) = deeds.begin(0, "m0".into(), PortAction::UsbReset) else {
            panic!("the port must be closed");
        };
        assert!(time >= Duration::from_secs(2));
        let PortCommand::CloseFor(time) = deeds.begin(0, "m0".into(), PortAction::PowerCycle) else {
            panic!("the port must be closed");
        };
        assert!(time >= Duration::from_secs(7));
    }

    #[tokio::test]
    async fn a_hub_is_switched_off_and_on_for_all_its_failing_modems() {
        let sockets = ["1-1.1", "1-1.2", "1-1.3", "1-1.4"];
        let mut deeds = deeds(&format!("sockets = {sockets:?}"));
        for (slot, socket) in sockets.iter().enumerate() {
            let place = UsbDevice {
                socket: (*socket).into(),
                ..device(Path::new("/nowhere"))
            };
            deeds.note(slot, place);
        }
        for slot in 0..sockets.len() {
            let told = deeds.begin(slot, "m".into(), PortAction::PowerCycle);
            assert!(matches!(told, PortCommand::CloseFor(_)), "{slot}: {told:?}");
        }
    }

    #[test]
    fn neighbours_are_those_of_one_hub_and_not_of_the_machine() {
        let mut deeds = deeds("");
        assert_eq!(deeds.place(0).0, None);
        deeds.note(0, device(Path::new("/nowhere")));
        assert_eq!(deeds.place(0).0, Some("1-1".into()));
        let root = UsbDevice {
            hub: "usb1".into(),
            ..device(Path::new("/nowhere"))
        };
        deeds.note(0, root);
        assert_eq!(deeds.place(0).0, None);
    }
}
