//! What each key about modems, ports, discovery and hubs means and which values it takes.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use wardwire_core::base::{Network, PhoneNumber, limits};
use wardwire_core::modem::{Pin, Wiring};

use super::keys::known;
use super::walk::{At, Section, Walk};
use super::{Discovery, Hub, Modem, Reach};

/// Serial servers stand in a few networks.
const NETWORKS: usize = 64;
/// Sockets of all hubs together.
const SOCKETS: usize = limits::MODEMS;

/// Where serial servers may stand.
pub(super) fn networks<'a>(walk: &mut Walk<'a>, root: &Section<'a>, name: &str) -> Vec<Network> {
    let Some((listed, span)) = walk.strings(root, name) else {
        return Vec::new();
    };
    if listed.len() > NETWORKS {
        walk.fail(
            span.start,
            name,
            format!("more than {NETWORKS} ranges"),
            "use wider ones",
        );
    }
    let mut networks = Vec::new();
    for (index, (text, span)) in listed.into_iter().enumerate().take(NETWORKS) {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(error) => {
                let error: wardwire_core::base::NetworkError = error;
                let key = format!("{name}[{}]", index + 1);
                let mend = "write the first address and how many bits count, as \"10.1.2.0/24\"";
                walk.fail(span.start, &key, error.to_string(), mend);
            }
        }
    }
    networks
}

/// `[discovery]`.
pub(super) fn discovery<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Discovery {
    let section = walk.section(root, "discovery");
    known(walk, &section, "discovery");
    Discovery {
        enabled: walk.boolean(&section, "enabled", true),
        sys_dir: folder(walk, &section, "sys_dir", "/sys"),
        dev_dir: folder(walk, &section, "dev_dir", "/dev"),
    }
}

fn folder<'a>(walk: &mut Walk<'a>, section: &Section<'a>, name: &str, default: &str) -> PathBuf {
    let Some((text, span)) = walk.string(section, name) else {
        return default.into();
    };
    if !text.starts_with('/') || text.contains('\0') {
        let mend = format!("write a whole path, as \"{default}\"");
        walk.fail(span.start, &section.key(name), "is no directory", mend);
    }
    text.into()
}

/// `[hub]`.
pub(super) fn hub<'a>(walk: &mut Walk<'a>, root: &Section<'a>) -> Option<Hub> {
    let section = walk.section(root, "hub");
    known(walk, &section, "hub");
    let off = walk.number(&section, "off_seconds", 2..121, 10);
    let command = match walk.string(&section, "command") {
        Some(("", _)) | None => None,
        Some((text, _)) if text.starts_with('/') && !text.contains('\0') => Some(PathBuf::from(text)),
        Some((_, span)) => {
            let mend = "write its whole path, as \"/usr/sbin/uhubctl\"";
            walk.fail(span.start, &section.key("command"), "is no program", mend);
            None
        }
    };
    let (listed, span) = walk.strings(&section, "sockets").unwrap_or((Vec::new(), 0..0));
    if listed.len() > SOCKETS {
        let what = format!("more than {SOCKETS} sockets");
        walk.fail(
            span.start,
            &section.key("sockets"),
            what,
            "name those whose power may be cut",
        );
        return None;
    }
    let mut sockets = Vec::new();
    for (index, at) in listed.iter().enumerate() {
        let key = format!("{}[{}]", section.key("sockets"), index + 1);
        if is_socket(walk, &key, at) {
            sockets.push(at.0.to_owned());
        }
    }
    Some(Hub {
        sockets,
        command,
        off: Duration::from_secs(off.into()),
    })
}

/// `BUS-PORT.PORT...`, behind a hub: at least one dot.
fn is_socket(walk: &mut Walk<'_>, key: &str, (text, span): &At<&str>) -> bool {
    let number = |n: &str| n.len() <= 3 && n.parse::<u8>().is_ok_and(|n| n > 0);
    let fits = text
        .split_once('-')
        .is_some_and(|(bus, way)| number(bus) && way.split('.').all(number) && way.split('.').count() <= 6);
    if !fits {
        let mend = "write bus and ports, as \"1-1.2\": the modem's label without usb-";
        walk.fail(span.start, key, "is no USB socket", mend);
        return false;
    }
    if !text.contains('.') {
        let mend = "name only sockets of a hub; after such a cut a modem may stay away until the machine restarts";
        walk.fail(span.start, key, "is a socket of the machine itself", mend);
        return false;
    }
    true
}

/// Every `[[modem]]`.
pub(super) fn modems<'a>(walk: &mut Walk<'a>, root: &Section<'a>, networks: &[Network], discovery: bool) -> Vec<Modem> {
    let sections = walk.sections(root, "modem");
    if let Some(beyond) = sections.get(limits::MODEMS) {
        let at = beyond.value("label").map_or(0, |v| v.span().start);
        let what = format!("more than {} modems", limits::MODEMS);
        walk.fail(at, "modem", what, "split the bank over two gateways");
    }
    let mut labels: Vec<At<&str>> = Vec::new();
    let mut places: Vec<At<&str>> = Vec::new();
    let mut modems = Vec::new();
    for section in sections.iter().take(limits::MODEMS) {
        known(walk, section, "modem");
        walk.missing(section, "label", "give it a short name, as label = \"m0\"");
        let label = walk.string(section, "label");
        if let Some(at) = &label {
            check_label(walk, &section.key("label"), at);
            unique(walk, &section.key("label"), at, &mut labels);
        }
        let reach = reach(walk, section, networks, discovery, &mut places);
        let pin = pin(walk, section);
        let smsc = smsc(walk, section);
        let wiring = wiring(walk, section);
        if let (Some((label, _)), Some(reach)) = (label, reach) {
            modems.push(Modem {
                label: label.to_owned(),
                reach,
                pin,
                smsc,
                wiring,
            });
        }
    }
    modems
}

/// `port` or `imei`, one of them.
fn reach<'a>(
    walk: &mut Walk<'a>,
    section: &Section<'a>,
    networks: &[Network],
    discovery: bool,
    seen: &mut Vec<At<&'a str>>,
) -> Option<Reach> {
    match (walk.string(section, "port"), walk.string(section, "imei")) {
        (Some(_), Some((_, span))) => {
            let what = "stands beside port, and the two may name different modems";
            walk.fail(span.start, &section.key("imei"), what, "keep one of them");
            None
        }
        (Some(at), None) => {
            check_port(walk, &section.key("port"), &at, networks);
            unique(walk, &section.key("port"), &at, seen);
            Some(Reach::Port(at.0.to_owned()))
        }
        (None, Some(at)) => {
            check_imei(walk, &section.key("imei"), &at, discovery);
            unique(walk, &section.key("imei"), &at, seen);
            Some(Reach::Imei(at.0.to_owned()))
        }
        (None, None) => {
            if section.value("imei").is_none() {
                let mend = "name its port, as port = \"/dev/serial/by-path/...\", or its imei = \"15 digits\"";
                walk.missing(section, "port", mend);
            }
            None
        }
    }
}

fn check_label(walk: &mut Walk<'_>, key: &str, (label, span): &At<&str>) {
    let fits = (1..=32).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if !fits {
        walk.fail(
            span.start,
            key,
            "is no label",
            "write 1 to 32 characters of A-Z a-z 0-9 . _ -",
        );
    }
}

fn check_imei(walk: &mut Walk<'_>, key: &str, (imei, span): &At<&str>, discovery: bool) {
    if imei.len() != 15 || !imei.bytes().all(|b| b.is_ascii_digit()) {
        let mend = "write the 15 digits on the modem's label, in quotes";
        walk.fail(span.start, key, "is no IMEI", mend);
    } else if !discovery {
        let what = "names a modem that nobody looks for";
        walk.fail(span.start, key, what, "set discovery.enabled = true, or name its port");
    }
}

fn check_port(walk: &mut Walk<'_>, key: &str, (port, span): &At<&str>, networks: &[Network]) {
    let Some(rest) = port.strip_prefix("tcp://") else {
        if !port.starts_with('/') || port.contains('\0') {
            no_port(walk, key, span.start);
        }
        return;
    };
    let parts = rest
        .rsplit_once(':')
        .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0));
    let Some((host, _)) = parts else {
        return no_port(walk, key, span.start);
    };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let allowed = |address: IpAddr| address.is_loopback() || networks.iter().any(|n| n.contains(address));
    // A name is judged when it is resolved.
    if address.is_ok_and(|address| !allowed(address)) {
        let what = "is an address that tcp_ports_allowed does not hold";
        let mend = "add its network there, as tcp_ports_allowed = [\"10.1.2.0/24\"]";
        walk.fail(span.start, key, what, mend);
    }
}

fn no_port(walk: &mut Walk<'_>, key: &str, at: usize) {
    let mend = "write a whole device path, as \"/dev/serial/by-path/...\", or \"tcp://host:port\"";
    walk.fail(at, key, "is no port", mend);
}

fn unique<'a>(walk: &mut Walk<'_>, key: &str, (text, span): &At<&'a str>, seen: &mut Vec<At<&'a str>>) {
    match seen.iter().find(|(t, _)| t == text) {
        Some((_, first)) => {
            let line = walk.place(first.start).0;
            let what = format!("\"{text}\" is taken by the modem of line {line}");
            walk.fail(span.start, key, what, "give each modem its own");
        }
        None => seen.push((text, span.clone())),
    }
}

fn pin<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Option<Pin> {
    let (text, span) = walk.string(section, "pin")?;
    let pin = Pin::from_digits(text);
    if pin.is_none() {
        walk.fail(
            span.start,
            &section.key("pin"),
            "is no PIN",
            "write 4 to 8 digits in quotes",
        );
    }
    pin
}

fn wiring<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Wiring {
    match walk.string(section, "wiring") {
        Some(("usb", _)) => Wiring::Usb,
        Some(("uart", _)) => Wiring::Uart,
        Some((_, span)) => {
            let mend = "write \"usb\" for a modem on its own USB, \"uart\" for one on a serial line or a bridge chip";
            walk.fail(span.start, &section.key("wiring"), "is no wiring", mend);
            Wiring::Any
        }
        None => Wiring::Any,
    }
}

fn smsc<'a>(walk: &mut Walk<'a>, section: &Section<'a>) -> Option<PhoneNumber> {
    let (text, span) = walk.string(section, "smsc")?;
    let smsc = PhoneNumber::from_e164(text);
    if let Err(error) = smsc {
        let mend = "write the service centre with its country code and no blanks, or leave the key out";
        walk.fail(span.start, &section.key("smsc"), error.to_string(), mend);
    }
    smsc.ok()
}
