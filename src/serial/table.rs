//! The USB modems we know, from `udev/modems.csv`: which interface answers AT commands, which must never be opened. The same
//! table makes the udev rules; `tests/appliance.rs` holds the two readings together.

use std::sync::OnceLock;

const SHIPPED: &str = include_str!("../../udev/modems.csv");

/// What an interface of a USB device is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Answers AT commands: the one to use.
    At,
    /// Answers AT commands too.
    SecondAt,
    /// Perhaps answers AT commands.
    Probe,
    /// A bridge to a serial line, with anything behind it.
    Uart,
    /// Never to be opened, or of no use.
    Closed,
}

impl Role {
    /// The word the udev rules use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::SecondAt => "at2",
            Self::Probe => "probe",
            Self::Uart => "uart",
            Self::Closed => "closed",
        }
    }
}

/// An interface as the device describes it (USB 2.0 clause 9.6.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// `bInterfaceNumber`.
    pub number: u8,
    /// `bInterfaceClass`.
    pub class: u8,
    /// `bInterfaceSubClass`.
    pub subclass: u8,
    /// `bInterfaceProtocol`.
    pub protocol: u8,
}

/// Where a model answers AT commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtPort {
    /// At the interface with this number.
    Interface(u8),
    /// At the interface whose protocol says so (Huawei).
    Protocol,
    /// Not known.
    Probe,
    /// It is a bridge to a serial line.
    Uart,
    /// Nowhere yet: it shows itself as a disk until it is switched.
    Storage,
    /// Nowhere: it is only a network card, or its firmware did not start.
    None,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    vid: u16,
    /// None stands for all products of the vendor.
    pid: Option<u16>,
    /// Vendor and model, for people.
    pub name: String,
    /// Where it answers.
    pub at: AtPort,
    second: Vec<u8>,
    never: Vec<u8>,
}

impl Model {
    /// Whether its interface must never be opened, whoever asks: the table says so, for some modems hang for good after it.
    #[must_use]
    pub fn forbids(&self, interface: Interface) -> bool {
        self.never.contains(&interface.number)
    }

    /// What its interface is to us.
    #[must_use]
    pub fn role(&self, interface: Interface) -> Role {
        let number = interface.number;
        // First, so that no slip in the row opens one of these.
        if self.forbids(interface) {
            return Role::Closed;
        }
        if self.second.contains(&number) {
            return Role::SecondAt;
        }
        let speaks = matches!(
            (interface.class, interface.subclass, interface.protocol),
            (0xff, 0x01 | 0x02 | 0x06, 0x02 | 0x12)
        );
        match self.at {
            AtPort::Interface(at) if at == number => Role::At,
            AtPort::Protocol if speaks => Role::At,
            AtPort::Probe => Role::Probe,
            AtPort::Uart => Role::Uart,
            AtPort::Interface(_) | AtPort::Protocol | AtPort::Storage | AtPort::None => Role::Closed,
        }
    }
}

/// The row of a USB id; none for a device that is no modem we know, which nobody here touches.
#[must_use]
pub fn model(vid: u16, pid: u16) -> Option<&'static Model> {
    static TABLE: OnceLock<Vec<Model>> = OnceLock::new();
    let table = TABLE.get_or_init(|| rows().filter_map(row).collect());
    let exact = table.iter().find(|model| model.vid == vid && model.pid == Some(pid));
    exact.or_else(|| table.iter().find(|model| model.vid == vid && model.pid.is_none()))
}

fn rows() -> impl Iterator<Item = &'static str> {
    SHIPPED.lines().filter(|line| !line.starts_with('#')).skip(1)
}

fn row(line: &str) -> Option<Model> {
    let mut cells = line.split(',');
    let mut cell = || cells.next();
    let vid = u16::from_str_radix(cell()?, 16).ok()?;
    let pid = match cell()? {
        "*" => None,
        pid => Some(u16::from_str_radix(pid, 16).ok()?),
    };
    let name = format!("{} {}", cell()?, cell()?);
    let at = match cell()? {
        "protocol" => AtPort::Protocol,
        "probe" => AtPort::Probe,
        "uart" => AtPort::Uart,
        "storage" => AtPort::Storage,
        "none" => AtPort::None,
        number => AtPort::Interface(u8::from_str_radix(number, 16).ok()?),
    };
    let numbers = |text: &str| {
        text.split_whitespace()
            .map(|n| u8::from_str_radix(n, 16).ok())
            .collect()
    };
    let second: Option<Vec<u8>> = numbers(cell()?);
    let never: Option<Vec<u8>> = numbers(cell()?);
    Some(Model {
        vid,
        pid,
        name,
        at,
        second: second?,
        never: never?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(vid: u16, pid: u16, number: u8) -> Role {
        let interface = Interface {
            number,
            ..Interface::default()
        };
        model(vid, pid).unwrap().role(interface)
    }

    #[test]
    fn every_row_is_read() {
        let lost: Vec<&str> = rows().filter(|line| row(line).is_none()).collect();
        assert_eq!(lost, [""; 0]);
        assert!(rows().count() > 300);
    }

    #[test]
    fn ports_are_told_apart() {
        // EC25: diagnosis, GPS, AT, second AT.
        let roles = [0, 1, 2, 3, 4].map(|number| role(0x2c7c, 0x0125, number));
        assert_eq!(
            roles,
            [Role::Closed, Role::Closed, Role::At, Role::SecondAt, Role::Closed]
        );
        assert_eq!(role(0x1a86, 0x7523, 0), Role::Uart);
        assert_eq!(role(0x0bdb, 0x1926, 1), Role::Probe, "all products of the vendor");
        assert_eq!(role(0x0bdb, 0x1926, 9), Role::Closed, "its GPS");
        assert_eq!(model(0x12d1, 0x1f01).unwrap().at, AtPort::Storage);
        assert_eq!(model(0x12d1, 0x14dc).unwrap().at, AtPort::None);
        // A GNSS receiver and a keyboard are nobody's business.
        assert_eq!(model(0x1546, 0x01a8), None);
        assert_eq!(model(0x046d, 0xc31c), None);
    }
}
