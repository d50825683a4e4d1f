//! The table of modems and the rules that are made from it.

use std::fmt::Write as _;

use super::read;

/// What the table says of the ttys of a modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Interface(u8),
    Protocol,
    Probe,
    Uart,
    Storage,
    None,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) vid: String,
    pub(super) pid: String,
    pub(super) name: String,
    pub(super) at: At,
    pub(super) at2: Vec<u8>,
    pub(super) never: Vec<u8>,
}

impl Row {
    /// As the rules have it; `*` is every product of the vendor.
    pub(super) fn id(&self) -> String {
        format!("{}:{}", self.vid, self.pid)
    }
}

fn interface(text: &str) -> u8 {
    assert_eq!(text.len(), 2, "two hexadecimal digits: {text:?}");
    u8::from_str_radix(text, 16).unwrap()
}

pub(super) fn rows() -> Vec<Row> {
    let text = read("udev/modems.csv");
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(
        lines.next(),
        Some("vid,pid,vendor,model,at_interface,at2_interfaces,never_open")
    );
    lines.map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.split(',').collect();
    let [vid, pid, vendor, model, at, at2, never] = cells[..] else {
        panic!("seven cells are wanted: {line}")
    };
    Row {
        vid: vid.to_owned(),
        pid: pid.to_owned(),
        name: format!("{vendor} {model}"),
        at: match at {
            "protocol" => At::Protocol,
            "probe" => At::Probe,
            "uart" => At::Uart,
            "storage" => At::Storage,
            "none" => At::None,
            number => At::Interface(interface(number)),
        },
        at2: at2.split_whitespace().map(interface).collect(),
        never: never.split_whitespace().map(interface).collect(),
    }
}

pub(super) fn rules(rows: &[Row]) -> String {
    let mut out = String::new();
    // A disk gets no rules: what it turns into has its own row.
    for row in rows.iter().filter(|row| row.at != At::Storage) {
        let id = row.id();
        let kind = if row.at == At::Uart { "uart" } else { "modem" };
        writeln!(out, "# {}", row.name).unwrap();
        writeln!(out, r#"ENV{{.WARDWIRE_ID}}=="{id}", ENV{{WARDWIRE}}="{kind}""#).unwrap();
        match row.at {
            At::Interface(number) => of_ports(&mut out, &id, &[number], "at"),
            At::Protocol => of_device(&mut out, &id, "protocol"),
            At::Probe => of_device(&mut out, &id, "probe"),
            At::Uart => of_device(&mut out, &id, "uart"),
            At::Storage | At::None => {}
        }
        of_ports(&mut out, &id, &row.at2, "at2");
        // Last, so that no slip above opens one of these.
        of_ports(&mut out, &id, &row.never, "closed");
    }
    read("udev/60-wardwire.rules.in").replace("@DEVICES@\n", &out)
}

fn of_device(out: &mut String, id: &str, role: &str) {
    writeln!(out, r#"ENV{{.WARDWIRE_ID}}=="{id}", ENV{{WARDWIRE_ROLE}}="{role}""#).unwrap();
}

fn of_ports(out: &mut String, id: &str, numbers: &[u8], role: &str) {
    if numbers.is_empty() {
        return;
    }
    let ports: Vec<String> = numbers.iter().map(|number| format!("{id}:{number:02x}")).collect();
    let ports = ports.join("|");
    writeln!(
        out,
        r#"ENV{{.WARDWIRE_PORT}}=="{ports}", ENV{{WARDWIRE_ROLE}}="{role}""#
    )
    .unwrap();
}
