//! A made-up `/sys` and `/dev` in a folder: USB modems plugged in and out by a test. Used by the tests of the library too.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A machine with one hub, `1-1`, on its first bus.
pub(crate) struct FakeUsb {
    root: PathBuf,
}

impl FakeUsb {
    pub(crate) fn new(root: &Path) -> Self {
        let usb = Self { root: root.to_owned() };
        for folder in ["class/tty", "class/net", "bus/usb/devices", "bus/usb/drivers/option"] {
            fs::create_dir_all(usb.sys().join(folder)).unwrap();
        }
        fs::create_dir_all(usb.dev()).unwrap();
        usb.device("usb1", (0x1d6b, 0x0002), 1);
        usb.device("1-1", (0x05e3, 0x0608), 2);
        usb
    }

    pub(crate) fn sys(&self) -> PathBuf {
        self.root.join("sys")
    }

    pub(crate) fn dev(&self) -> PathBuf {
        self.root.join("dev")
    }

    /// The folder of what is in a socket.
    pub(crate) fn folder(&self, socket: &str) -> PathBuf {
        let mut folder = self.sys().join("devices/pci0000:00/usb1");
        if socket.starts_with("usb") {
            return folder;
        }
        for (at, _) in socket.match_indices('.') {
            folder.push(&socket[..at]);
        }
        folder.join(socket)
    }

    /// A device without any port.
    pub(crate) fn device(&self, socket: &str, id: (u16, u16), number: u32) {
        let folder = self.folder(socket);
        fs::create_dir_all(folder.join("power")).unwrap();
        let put = |name: &str, text: String| fs::write(folder.join(name), text + "\n").unwrap();
        put("idVendor", format!("{:04x}", id.0));
        put("idProduct", format!("{:04x}", id.1));
        put("devnum", number.to_string());
        put("authorized", "1".to_owned());
        put("power/control", "on".to_owned());
        symlink(&folder, self.sys().join("bus/usb/devices").join(socket)).unwrap();
    }

    /// An interface of a device; `triple` is class, subclass, protocol.
    pub(crate) fn interface(&self, socket: &str, number: u8, triple: (u8, u8, u8)) -> PathBuf {
        let name = format!("{socket}:1.{number}");
        let folder = self.folder(socket).join(&name);
        fs::create_dir_all(&folder).unwrap();
        let put = |name: &str, value: u8| fs::write(folder.join(name), format!("{value:02x}\n")).unwrap();
        put("bInterfaceNumber", number);
        put("bInterfaceClass", triple.0);
        put("bInterfaceSubClass", triple.1);
        put("bInterfaceProtocol", triple.2);
        folder
    }

    /// A serial port on an interface; `leads_to` is what its node in `dev` points to.
    pub(crate) fn tty(&self, socket: &str, interface: u8, name: &str, leads_to: Option<&Path>) {
        let above = self.interface(socket, interface, (0xff, 0, 0));
        if !above.join("driver").exists() {
            symlink(self.sys().join("bus/usb/drivers/option"), above.join("driver")).unwrap();
        }
        let folder = above.join(name).join("tty").join(name);
        fs::create_dir_all(&folder).unwrap();
        symlink(&folder, self.sys().join("class/tty").join(name)).unwrap();
        match leads_to {
            Some(port) => symlink(port, self.dev().join(name)).unwrap(),
            None => fs::write(self.dev().join(name), "").unwrap(),
        }
    }

    /// A network interface of a device; `flags` as in `<net/if.h>`.
    pub(crate) fn net(&self, socket: &str, interface: u8, name: &str, flags: u32) {
        let folder = self.interface(socket, interface, (0xff, 0, 0)).join("net").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("flags"), format!("0x{flags:x}\n")).unwrap();
        fs::write(folder.join("type"), "1\n").unwrap();
        symlink(&folder, self.sys().join("class/net").join(name)).unwrap();
    }

    /// An EC25 whose AT port leads somewhere: diagnosis, GPS, AT, second AT on four ttys from `first` on.
    pub(crate) fn plug(&self, socket: &str, number: u32, first: usize, at: &Path) {
        self.device(socket, (0x2c7c, 0x0125), number);
        for interface in 0..4u8 {
            let name = format!("ttyUSB{}", first + usize::from(interface));
            self.tty(socket, interface, &name, (interface == 2).then_some(at));
        }
    }

    /// Pulls it out.
    pub(crate) fn unplug(&self, socket: &str) {
        fs::remove_file(self.sys().join("bus/usb/devices").join(socket)).unwrap();
        let gone = self.folder(socket);
        for (class, nodes) in [("class/tty", true), ("class/net", false)] {
            for entry in fs::read_dir(self.sys().join(class)).unwrap() {
                let link = entry.unwrap().path();
                if fs::read_link(&link).is_ok_and(|target| target.starts_with(&gone)) {
                    fs::remove_file(&link).unwrap();
                    if nodes {
                        fs::remove_file(self.dev().join(link.file_name().unwrap())).unwrap();
                    }
                }
            }
        }
        fs::remove_dir_all(gone).unwrap();
    }
}
