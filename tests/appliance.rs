//! The files an installer copies, checked as data: the table of modems, the udev rules made from it, the systemd unit, the
//! hardware plans. What the kernel does with them is not tested here; systemd's own checkers read them where they are
//! installed. `UPDATE=1 cargo test --test appliance` makes the rules anew.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail by panicking"
)]

#[path = "appliance/table.rs"]
mod table;
#[path = "appliance/udev.rs"]
mod udev;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use wardwire::serial::table::{Interface, model};
use wardwire_core::sms::{Alphabet, SegmentOptions, segment};

use table::{At, Row};
use udev::{Event, Outcome};

const RULES: &str = "udev/60-wardwire.rules";
const LATE_RULES: &str = "udev/91-wardwire.rules";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A device below interface `number` of a USB device with this id.
fn below(id: (&str, &str), number: u8, subsystem: &'static str, name: &'static str) -> Event {
    let path = format!("pci-0000:00:14.0-usb-0:3.4:1.{number}");
    let interface = BTreeMap::from([
        ("bInterfaceNumber", format!("{number:02x}")),
        ("bInterfaceClass", "ff".to_owned()),
        ("bInterfaceSubClass", "02".to_owned()),
        ("bInterfaceProtocol", "01".to_owned()),
    ]);
    let device = BTreeMap::from([("idVendor", id.0.to_owned()), ("idProduct", id.1.to_owned())]);
    Event {
        action: "add",
        subsystem,
        name,
        parents: vec![interface, device],
        env: BTreeMap::from([("ID_PATH".to_owned(), path)]),
    }
}

fn outcome(event: &Event) -> Outcome {
    udev::apply(&udev::parse(&[&read(RULES), &read(LATE_RULES)]), event)
}

fn env<'a>(outcome: &'a Outcome, name: &str) -> &'a str {
    outcome.env.get(name).map_or("", String::as_str)
}

/// Any product of a row that stands for all of a vendor.
fn some_product(row: &Row) -> (&str, &str) {
    (&row.vid, if row.pid == "*" { "1234" } else { &row.pid })
}

#[test]
fn the_rules_are_those_of_the_table() {
    let fresh = table::rules(&table::rows());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(RULES), &fresh).unwrap();
    }
    assert!(
        read(RULES) == fresh,
        "{RULES} is not what udev/modems.csv makes; UPDATE=1 cargo test --test appliance writes it"
    );
}

#[test]
fn the_table_says_each_thing_once() {
    let rows = table::rows();
    let mut ids = BTreeSet::new();
    let mut last = String::new();
    for row in &rows {
        let id = row.id();
        let hex = |text: &str| text.len() == 4 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        assert!(hex(&row.vid) && (hex(&row.pid) || row.pid == "*"), "{id}");
        assert!(last < id, "{id} is there twice or out of order");
        assert!(
            row.pid == "*" || !ids.contains(&format!("{}:*", row.vid)),
            "{id}: the vendor's * has it already"
        );
        let mut numbers = [&row.at2[..], &row.never].concat();
        match row.at {
            At::Interface(number) => numbers.push(number),
            At::Protocol | At::Probe => assert!(row.at2.is_empty(), "{id}"),
            At::Uart => assert!(row.at2.is_empty() && row.never.is_empty(), "{id}"),
            At::Storage | At::None => assert!(row.at2.is_empty(), "{id}"),
        }
        let once: BTreeSet<u8> = numbers.iter().copied().collect();
        assert_eq!(once.len(), numbers.len(), "{id}: an interface in two roles");
        ids.insert(id.clone());
        last = id;
    }
    assert!(rows.len() > 300);
}

#[test]
fn every_port_of_every_modem_gets_its_role_and_no_other() {
    let files = [read(RULES), read(LATE_RULES)];
    let rules = udev::parse(&[&files[0], &files[1]]);
    for row in table::rows() {
        for number in 0..16 {
            let read = role_read_by_the_daemon(&row, number);
            if row.at == At::Storage {
                assert_eq!(read, "closed", "{}", row.id());
                continue;
            }
            let found = udev::apply(&rules, &below(some_product(&row), number, "tty", "ttyUSB9"));
            let role = match row.at {
                _ if row.never.contains(&number) => "closed",
                _ if row.at2.contains(&number) => "at2",
                At::Interface(at) if at == number => "at",
                At::Probe => "probe",
                At::Uart => "uart",
                At::Interface(_) | At::Protocol | At::Storage | At::None => "closed",
            };
            let id = format!("{} interface {number:02x}", row.id());
            let link = format!("wardwire/{role}-pci-0000:00:14.0-usb-0:3.4:1.{number}");
            let (group, mode, links) = match role {
                "closed" => (Some("root"), Some("0600"), vec![]),
                "uart" => (None, None, vec![link]),
                _ => (Some("wardwire"), Some("0660"), vec![link]),
            };
            assert_eq!(env(&found, "WARDWIRE_ROLE"), role, "{id}");
            assert_eq!(read, role, "udev and the daemon read the table alike: {id}");
            assert_eq!((found.group.as_deref(), found.mode.as_deref()), (group, mode), "{id}");
            assert_eq!(found.links, links, "{id}");
            assert_eq!(env(&found, "ID_MM_DEVICE_IGNORE"), "1", "{id}");
            assert_eq!(env(&found, "ID_MM_PORT_IGNORE"), "1", "{id}");
        }
    }
}

/// What the daemon's own reading of the table says of an interface as [`below`] describes it.
fn role_read_by_the_daemon(row: &Row, number: u8) -> &'static str {
    let (vid, pid) = some_product(row);
    let id = |text: &str| u16::from_str_radix(text, 16).unwrap();
    let interface = Interface {
        number,
        class: 0xff,
        subclass: 2,
        protocol: 1,
    };
    model(id(vid), id(pid)).unwrap().role(interface).as_str()
}

#[test]
fn a_huawei_layout_that_varies_is_read_from_the_protocol() {
    for (class, subclass, protocol, role) in [
        ("ff", "02", "01", "closed"),
        ("ff", "02", "02", "at"),
        ("ff", "01", "12", "at"),
        ("ff", "06", "14", "closed"),
        ("ff", "05", "02", "closed"),
        ("08", "06", "50", "closed"),
    ] {
        let mut event = below(("12d1", "1506"), 3, "tty", "ttyUSB1");
        let interface = event.parents.first_mut().unwrap();
        interface.insert("bInterfaceClass", class.to_owned());
        interface.insert("bInterfaceSubClass", subclass.to_owned());
        interface.insert("bInterfaceProtocol", protocol.to_owned());
        let found = outcome(&event);
        assert_eq!(env(&found, "WARDWIRE_ROLE"), role, "{class}/{subclass}/{protocol}");
        let octet = |text: &str| u8::from_str_radix(text, 16).unwrap();
        let interface = Interface {
            number: 3,
            class: octet(class),
            subclass: octet(subclass),
            protocol: octet(protocol),
        };
        assert_eq!(model(0x12d1, 0x1506).unwrap().role(interface).as_str(), role);
        assert_eq!(found.links.is_empty(), role == "closed");
    }
}

#[test]
fn a_modem_is_no_way_to_the_internet() {
    let mut modems = 0;
    for row in table::rows()
        .iter()
        .filter(|row| !matches!(row.at, At::Uart | At::Storage))
        .step_by(29)
    {
        modems += 1;
        let found = outcome(&below(some_product(row), 4, "net", "wwan0"));
        assert_eq!(env(&found, "NM_UNMANAGED"), "1", "{}", row.id());
        assert!(
            !["", "io.systemd.Network", "org.freedesktop.NetworkManager"].contains(&env(&found, "ID_NET_MANAGED_BY"))
        );
        assert_eq!(found.run, ["/sbin/ip link set dev wwan0 down"]);
        let control = outcome(&below(some_product(row), 4, "usbmisc", "cdc-wdm0"));
        assert_eq!(control.mode.as_deref(), Some("0600"));
    }
    assert!(modems > 5);
    let hilink = outcome(&below(("12d1", "14dc"), 0, "net", "eth1"));
    assert_eq!(env(&hilink, "NM_UNMANAGED"), "1");
    // The same property is what systemd-networkd's file looks for.
    assert_eq!(env(&hilink, "WARDWIRE"), "modem");
    let network = ini(&read("systemd/wardwire-modem.network"));
    assert_eq!(network["Match.Property"], ["WARDWIRE=modem"]);
    assert_eq!(network["Link.Unmanaged"], ["yes"]);
}

#[test]
fn a_modem_stays_awake_and_brltty_is_not_called() {
    let mut event = below(("1a86", "7523"), 0, "usb", "3-4");
    event.parents.remove(0);
    event.env.insert("DEVTYPE".to_owned(), "usb_device".to_owned());
    let found = outcome(&event);
    assert_eq!(found.attributes["power/control"], "on");
    assert_eq!(found.attributes["power/autosuspend_delay_ms"], "-1");
    assert_eq!(
        found.run, [""; 0],
        "a bridge is not reset: behind it nothing would notice"
    );
    let modem = Event {
        parents: below(("2c7c", "0125"), 0, "usb", "3-4").parents.split_off(1),
        ..event.clone()
    };
    assert_eq!(
        outcome(&modem).run,
        [
            "/bin/chgrp wardwire /sys/devices/3-4/authorized",
            "/bin/chmod g+w /sys/devices/3-4/authorized"
        ],
        "the service may reset its modems, and nothing else"
    );
    // As brltty's rules leave the device before ours come.
    event
        .env
        .insert("SYSTEMD_WANTS".to_owned(), "brltty-device@.service".to_owned());
    event.env.insert("BRLTTY_BRAILLE_DRIVER".to_owned(), "bm".to_owned());
    let found = outcome(&event);
    assert_eq!(
        (env(&found, "SYSTEMD_WANTS"), env(&found, "BRLTTY_BRAILLE_DRIVER")),
        ("", "")
    );
    event.env.insert("SYSTEMD_WANTS".to_owned(), "other.service".to_owned());
    assert_eq!(env(&outcome(&event), "SYSTEMD_WANTS"), "other.service");
}

#[test]
fn strangers_and_departures_are_left_alone() {
    for (id, action) in [
        (("046d", "c31c"), "add"),
        (("2c7c", "ffff"), "add"),
        (("2c7c", "0125"), "remove"),
    ] {
        for subsystem in ["tty", "net", "usb", "usbmisc"] {
            let event = Event {
                action,
                ..below(id, 2, subsystem, "x0")
            };
            let found = outcome(&event);
            assert!(
                found.links.is_empty() && found.run.is_empty() && found.attributes.is_empty(),
                "{id:?}"
            );
            assert_eq!((found.group, found.mode), (None, None));
            assert_eq!(found.env.get("WARDWIRE"), None);
            assert_eq!(found.env.get("ID_MM_DEVICE_IGNORE"), None);
        }
    }
    // A console has no USB device above it.
    let event = Event {
        parents: vec![],
        ..below(("", ""), 0, "tty", "tty1")
    };
    assert_eq!(outcome(&event).env.len(), 1);
}

/// `Section.Key` to its values, in order; comments apart.
fn ini(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut section = "";
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no key: {line}"));
        found
            .entry(format!("{section}.{key}"))
            .or_default()
            .push(value.to_owned());
    }
    found
}

fn unit() -> BTreeMap<String, Vec<String>> {
    ini(&read("systemd/wardwire.service"))
}

#[test]
fn the_unit_starts_and_stops_the_daemon_as_it_is_built() {
    let unit = unit();
    for (key, value) in [
        ("Service.Type", "notify"),
        ("Service.NotifyAccess", "main"),
        (
            "Service.ExecStart",
            "/usr/bin/wardwire run --config /etc/wardwire/wardwire.toml",
        ),
        ("Service.Restart", "always"),
        ("Service.RestartPreventExitStatus", "78"),
        ("Service.WatchdogSec", "60"),
        ("Service.User", "wardwire"),
        ("Service.Group", "wardwire"),
        ("Service.StateDirectory", "wardwire"),
        ("Service.StateDirectoryMode", "0700"),
        ("Service.UMask", "0077"),
        ("Service.LoadCredential", "wardwire.key"),
        ("Service.LimitCORE", "0"),
        ("Install.WantedBy", "multi-user.target"),
    ] {
        assert_eq!(
            unit.get(key).map(|values| &values[..]),
            Some(&[value.to_owned()][..]),
            "{key}"
        );
    }
    // Its failure would be tried again for ever: only the main process's exit status stops restarting.
    assert_eq!(unit.get("Service.ExecStartPre"), None);
    assert!(unit.contains_key("Unit.StartLimitBurst") && unit.contains_key("Service.RestartSec"));
    let shipped = read("firmware-config/wardwire.toml");
    assert!(shipped.contains("data_dir = \"/var/lib/wardwire\""));
    let drain = shipped
        .lines()
        .find_map(|line| line.strip_prefix("#drain_seconds = "))
        .unwrap();
    let stop: u64 = unit["Service.TimeoutStopSec"][0].parse().unwrap();
    assert!(
        stop >= drain.parse::<u64>().unwrap() + 30,
        "no time is left to close the store"
    );
}

#[test]
fn the_unit_shuts_every_door_the_daemon_does_not_need() {
    let unit = unit();
    for key in [
        "LockPersonality",
        "MemoryDenyWriteExecute",
        "NoNewPrivileges",
        "PrivateMounts",
        "PrivateTmp",
        "ProtectClock",
        "ProtectControlGroups",
        "ProtectHome",
        "ProtectHostname",
        "ProtectKernelLogs",
        "ProtectKernelModules",
        "ProtectKernelTunables",
        "RemoveIPC",
        "RestrictNamespaces",
        "RestrictRealtime",
        "RestrictSUIDSGID",
    ] {
        assert_eq!(unit[&format!("Service.{key}")], ["yes"], "{key}");
    }
    for (key, values) in [
        ("ProtectSystem", &["strict"][..]),
        ("ProtectProc", &["invisible"]),
        ("ProcSubset", &["pid"]),
        ("CapabilityBoundingSet", &[""]),
        ("AmbientCapabilities", &[""]),
        ("SystemCallArchitectures", &["native"]),
        ("SystemCallFilter", &["@system-service", "~@privileged @resources"]),
        ("RestrictAddressFamilies", &["AF_UNIX AF_INET AF_INET6 AF_NETLINK"]),
        ("IPAddressDeny", &["any"]),
        ("DevicePolicy", &["closed"]),
        (
            "DeviceAllow",
            &["char-ttyUSB rw", "char-ttyACM rw", "char-ttyHS rw", "char-pts rw"],
        ),
        // The devices' folder alone, where the group may write what the rules gave it: `authorized` of its modems.
        ("ReadWritePaths", &["-/sys/devices"]),
    ] {
        assert_eq!(unit[&format!("Service.{key}")], values, "{key}");
    }
    assert_eq!(unit.get("Service.PrivateDevices"), None, "it hides the modems");
    // The device list is looked up when the service starts: the drivers have to be there by then.
    for key in ["Unit.Wants", "Unit.After"] {
        for driver in ["usbserial", "cdc_acm", "hso"] {
            let driver = format!("modprobe@{driver}.service");
            assert!(unit[key].iter().any(|value| value.contains(&driver)), "{key} {driver}");
        }
    }
}

#[test]
fn user_and_directories_are_those_of_the_unit() {
    let unit = unit();
    let sysusers = read("systemd/wardwire.sysusers");
    let user = &unit["Service.User"][0];
    assert!(sysusers.lines().any(|line| line.starts_with(&format!("u {user} - "))));
    let tmpfiles = read("systemd/wardwire.tmpfiles");
    for line in [
        "d /etc/wardwire 0750 root wardwire -",
        "z /etc/wardwire/wardwire.toml 0640 root wardwire -",
        "d /var/lib/wardwire 0700 wardwire wardwire -",
    ] {
        assert!(tmpfiles.lines().any(|l| l == line), "{line}");
    }
}

/// Output of a checker, or `None` (and a line that says so) where it is not installed or may not run.
fn checked(program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let ran = Command::new(program).args(arguments).output();
    let Ok(output) = ran else {
        println!("skipped: {program} is not here");
        return None;
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if text.contains("unrecognized option") {
        println!("skipped: this {program} is too old: {text}");
        return None;
    }
    Some((output.status.success(), text))
}

#[test]
fn systemd_itself_finds_nothing_to_say() {
    // The checker wants the program to exist; any will do.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wardwire.service");
    let program = std::env::current_exe().unwrap();
    let text = read("systemd/wardwire.service").replace("/usr/bin/wardwire", program.to_str().unwrap());
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    if let Some((good, said)) = checked("systemd-analyze", &["verify", "--man=no", file]) {
        assert!(good && !said.contains("wardwire.service"), "{said}");
    }
    if let Some((good, said)) = checked(
        "systemd-analyze",
        &["security", "--offline=yes", "--threshold=15", file],
    ) {
        assert!(good, "more exposed than 1.5: {said}");
    }
    let sysusers = path("systemd/wardwire.sysusers");
    if let Some((good, said)) = checked("systemd-sysusers", &["--dry-run", sysusers.to_str().unwrap()]) {
        assert!(good, "{said}");
    }
}

#[test]
fn udev_itself_loads_the_rules() {
    let Some((_, version)) = checked("udevadm", &["--version"]) else {
        return;
    };
    if version.trim().parse::<u32>().is_ok_and(|version| version >= 254) {
        let files = [path(RULES), path(LATE_RULES)];
        let [rules, late] = files.each_ref().map(|file| file.to_str().unwrap());
        let (good, said) = checked(
            "udevadm",
            &["verify", "--resolve-names=never", "--no-style", rules, late],
        )
        .unwrap();
        assert!(good, "{said}");
        return;
    }
    // Older ones have no checker, but complain while they load: in a mount namespace of our own, from our folder.
    // Nothing outlives it: what it writes to /run is gone with the namespace.
    let script = "mount --bind \"$0\" /etc/udev/rules.d && mount -t tmpfs none /run && \
                  udevadm test --resolve-names=never /sys/class/mem/null";
    let folder = path("udev");
    let arguments = [
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        folder.to_str().unwrap(),
    ];
    match checked("unshare", &arguments) {
        Some((true, said)) => {
            assert!(said.contains("rules.d/60-wardwire.rules"), "not read: {said}");
            let names = "is disabled, ignoring"; // of users and groups, as asked
            let complaint = said
                .lines()
                .find(|line| line.contains("wardwire.rules:") && !line.contains(names));
            assert_eq!(complaint, None, "{said}");
        }
        Some((false, said)) => println!("skipped: no mount namespace or no udev here: {said}"),
        None => {}
    }
}

/// A plan of `hw-tests/`, as `hw-tests/README.md` lays it down.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    format: u32,
    name: String,
    ends: Vec<String>,
    limits: Limits,
    case: Vec<Case>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    parts: usize,
    minutes: u64,
    parts_per_minute: u64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    from: String,
    to: String,
    body: String,
    expect: Expect,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    alphabet: String,
    parts: usize,
    sent_within_seconds: u64,
    received_within_seconds: u64,
    report: Option<String>,
    reported_within_seconds: Option<u64>,
}

#[test]
fn the_loopback_plan_is_what_the_codec_makes_of_it() {
    let plan: Plan = toml::from_str(&read("hw-tests/loopback.toml")).unwrap();
    assert_eq!((plan.format, plan.name.as_str()), (1, "loopback"));
    let mut names = BTreeSet::new();
    let mut parts = 0;
    for case in &plan.case {
        let Case { name, expect, .. } = case;
        assert!(names.insert(name), "{name} is there twice");
        assert!(
            case.from != case.to && plan.ends.contains(&case.from) && plan.ends.contains(&case.to),
            "{name}"
        );
        assert!(
            case.body.contains("{run}"),
            "{name}: a late text would pass for this run's"
        );
        let text = segment(&case.body.replace("{run}", "a1b2c3"), &SegmentOptions::default()).unwrap();
        let alphabet = match text.alphabet {
            Alphabet::Gsm7 => "gsm7",
            Alphabet::Ucs2 => "ucs2",
            Alphabet::Octets => "octets",
        };
        assert_eq!(
            (alphabet, text.parts.len()),
            (expect.alphabet.as_str(), expect.parts),
            "{name}"
        );
        assert!(expect.sent_within_seconds <= expect.received_within_seconds, "{name}");
        assert_eq!(
            expect.report.is_some(),
            expect.reported_within_seconds.is_some(),
            "{name}"
        );
        assert!(matches!(expect.report.as_deref(), None | Some("delivered")), "{name}");
        parts += expect.parts;
    }
    assert!(
        ["single", "multipart", "ucs2", "report"]
            .iter()
            .all(|name| names.contains(&(*name).to_owned()))
    );
    assert!(
        parts <= plan.limits.parts && plan.limits.parts <= 2 * parts,
        "{parts} parts"
    );
    let cost = format!("`loopback.toml` sends {parts}:");
    assert!(read("hw-tests/README.md").contains(&cost), "{cost}");
    let longest: u64 = plan.case.iter().map(|case| case.expect.received_within_seconds).sum();
    assert!(longest <= plan.limits.minutes * 60, "{longest} s");
    assert!(plan.limits.parts_per_minute * plan.limits.minutes >= u64::try_from(plan.limits.parts).unwrap());
}

#[test]
fn the_manual_installs_every_file_and_knows_the_commands() {
    let manual = read("docs/install.md");
    assert!(manual.lines().count() <= 120);
    for folder in ["systemd", "udev"] {
        for entry in fs::read_dir(path(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let source = name.ends_with(".csv") || name.ends_with(".in");
            assert!(
                source || manual.contains(&format!("{folder}/{name}")),
                "{folder}/{name} is not installed"
            );
        }
    }
    let program = env!("CARGO_BIN_EXE_wardwire");
    for command in [&["run"][..], &["check-config"], &["send"], &["keys", "create"]] {
        assert!(manual.contains(&command.join(" ")), "{command:?}");
        let (good, said) = checked(program, &[command, &["--help"]].concat()).unwrap();
        assert!(good && said.contains("--config"), "{command:?}: {said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wardwire.toml");
    fs::copy(path("firmware-config/wardwire.toml"), &file).unwrap();
    let (good, said) = checked(program, &["check-config", "--config", file.to_str().unwrap()]).unwrap();
    assert!(good, "the file as shipped: {said}");
}
