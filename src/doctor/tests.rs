//! A finding for each thing that can be wrong, and none where nothing is.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::json;

use super::*;
use crate::config::Config;
use crate::fake_usb::FakeUsb;
use crate::serial::Tree;
use crate::serial::table::{Interface, Role};
use host::{Roots, gather};

/// Everything as it should be: one EC25, one configured port.
fn sound() -> Host {
    let device = UsbDevice {
        socket: "1-1.2".into(),
        hub: "1-1".into(),
        folder: "/x".into(),
        vid: 0x2c7c,
        pid: 0x0125,
        number: 3,
    };
    let port = |number, role| Found {
        path: format!("/dev/ttyUSB{number}").into(),
        interface: Interface {
            number,
            ..Interface::default()
        },
        role,
        forbidden: false,
        driver: "option".into(),
        device: device.clone(),
    };
    Host {
        rivals: ["ModemManager", "brltty"].map(rival).to_vec(),
        devices: vec![Device {
            device: device.clone(),
            name: "Quectel EC25".into(),
            at: AtPort::Interface(2),
            ports: vec![(port(0, Role::Closed), false), (port(2, Role::At), true)],
            sleeps: false,
        }],
        configured: vec![Configured {
            label: "m0".into(),
            path: "/dev/wardwire/at-x".into(),
            there: true,
            may_open: true,
            found: Some(port(2, Role::At)),
        }],
        interfaces: vec![NetInterface {
            name: "wwan0".into(),
            socket: Some("1-1.2".into()),
            ..NetInterface::default()
        }],
        discovery: true,
        disk: Some((100 << 30, 200 << 30)),
        clock: Clock::Kept("chronyd".into()),
    }
}

fn rival(name: &'static str) -> Rival {
    Rival {
        name,
        ..Rival::default()
    }
}

/// What is not ok: level, check, and all its words.
fn wrong(findings: &[Finding]) -> Vec<(Level, &'static str, String)> {
    let bad = findings.iter().filter(|finding| finding.level != Level::Ok);
    bad.map(|f| (f.level, f.check, format!("{} -> {}", f.what, f.remedy)))
        .collect()
}

#[test]
fn a_sound_host_has_nothing_to_mend() {
    let findings = checks::all(&sound());
    assert_eq!(wrong(&findings), []);
    assert!(!checks::fails(&findings));
    for check in [
        "modem_manager",
        "brltty",
        "modems",
        "device",
        "port",
        "network",
        "disk",
        "clock",
    ] {
        assert!(
            findings.iter().any(|finding| finding.check == check),
            "{check} was not looked at"
        );
    }
}

type Break = fn(&mut Host);

/// What is broken; level, check and a word of the remedy that must come of it.
const TROUBLES: [(Break, Level, &str, &str); 19] = [
    (
        |h| {
            h.discovery = false;
            h.configured.clear();
        },
        Level::Warn,
        "unused",
        "discovery.enabled",
    ),
    (
        |h| h.rivals[0].running = true,
        Level::Fail,
        "modem_manager",
        "mask --now ModemManager",
    ),
    (
        |h| h.rivals[0].installed = true,
        Level::Warn,
        "modem_manager",
        "mask --now ModemManager",
    ),
    (
        |h| h.rivals[1].running = true,
        Level::Fail,
        "brltty",
        "mask --now brltty",
    ),
    (
        |h| h.devices[0].ports.clear(),
        Level::Fail,
        "driver",
        "2c7c 0125 > /sys/bus/usb-serial",
    ),
    (
        |h| h.devices[0].ports[1].1 = false,
        Level::Fail,
        "permission",
        "60-wardwire.rules",
    ),
    (|h| h.devices[0].sleeps = true, Level::Warn, "sleep", "powertop"),
    (
        |h| h.devices[0].at = AtPort::Storage,
        Level::Fail,
        "switched",
        "usb-modeswitch",
    ),
    (
        |h| h.devices[0].at = AtPort::None,
        Level::Fail,
        "switched",
        "another modem",
    ),
    (
        |h| h.configured[0].found.as_mut().unwrap().role = Role::Closed,
        Level::Fail,
        "interface",
        "at-... port",
    ),
    (|h| h.configured[0].there = false, Level::Fail, "port", "plug it in"),
    (
        |h| h.configured[0].may_open = false,
        Level::Fail,
        "permission",
        "SupplementaryGroups",
    ),
    (
        |h| h.configured[0].path = "/dev/ttyUSB2".into(),
        Level::Warn,
        "port",
        "imei",
    ),
    (
        |h| h.interfaces[0].up = true,
        Level::Fail,
        "network",
        "ip link set wwan0 down",
    ),
    (
        |h| h.interfaces[0].addressed = true,
        Level::Fail,
        "network",
        "address flush dev wwan0",
    ),
    (
        |h| h.disk = Some((100 << 20, 1 << 40)),
        Level::Fail,
        "disk",
        "make room",
    ),
    (|h| h.disk = Some((1 << 30, 1 << 40)), Level::Warn, "disk", "make room"),
    (|h| h.disk = None, Level::Warn, "disk", "data_dir"),
    (|h| h.clock = Clock::Alone, Level::Warn, "clock", "set-ntp"),
];

#[test]
fn each_trouble_of_the_host_is_found_with_its_remedy() {
    for (break_it, level, check, remedy) in TROUBLES {
        let mut host = sound();
        break_it(&mut host);
        let findings = checks::all(&host);
        let found = wrong(&findings);
        let hit = found
            .iter()
            .any(|(l, c, words)| *l == level && *c == check && words.contains(remedy));
        assert!(hit, "{check} {remedy}: {found:?}");
        assert_eq!(checks::fails(&findings), level == Level::Fail, "{check}: {found:?}");
    }
}

#[test]
fn no_modem_at_all_is_a_finding_of_its_own() {
    let host = Host {
        disk: Some((1 << 40, 1 << 41)),
        clock: Clock::Kept("chronyd".into()),
        ..Host::default()
    };
    let found = wrong(&checks::all(&host));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].1 == "modems" && found[0].2.contains("lsusb"), "{found:?}");
    // A bank of ptys or serial servers has no USB modem, and needs none.
    let port = Configured {
        found: None,
        ..sound().configured[0].clone()
    };
    let host = Host {
        configured: vec![port],
        ..host
    };
    assert_eq!(wrong(&checks::all(&host)), []);
}

#[test]
fn permission_bits_are_read_as_the_kernel_reads_them() {
    let user = User {
        name: "wardwire".into(),
        uid: 990,
        gids: vec![20, 990],
    };
    let node = |uid, gid, mode| Node { uid, gid, mode };
    for (node, may) in [
        (node(0, 20, 0o660), true),
        (node(0, 21, 0o660), false),
        (node(0, 20, 0o640), false),
        (node(0, 21, 0o666), true),
        // The nearest bits count: its own group may not, though all others may.
        (node(0, 20, 0o606), false),
        (node(990, 0, 0o600), true),
        (node(990, 20, 0o060), false),
    ] {
        assert_eq!(user.may_open(node), may, "{node:?}");
    }
    let root = User::default();
    assert!(root.may_open(node(5, 5, 0)));
}

fn bank_of(state: &str, reason: &str) -> Vec<Finding> {
    let row = json!({ "label": "m0", "model": "EC25", "state": state, "reason": reason, "registration": "home",
                      "signal": { "dbm": -70 } });
    bank::all(&bank::modems(&json!({ "data": [row] })).unwrap())
}

#[test]
fn each_trouble_of_a_modem_is_found_with_its_remedy() {
    use wardwire_core::modem::Why;
    assert_eq!(wrong(&bank_of("ready", "")), []);
    // In the words the gateway really uses.
    for (state, reason, remedy) in [
        ("absent", Why::NoPort, "plug it in"),
        ("failed", Why::PinNeeded, "pin = "),
        ("failed", Why::Locked, "PUK"),
        ("failed", Why::PinRefused, "pin = "),
        ("failed", Why::SetupRefused, "journalctl"),
        ("degraded", Why::Stopping, "journalctl"),
        ("failed", Why::OperatorLocked, "unlocked"),
        ("degraded", Why::Roaming, "of this country"),
        ("quarantined", Why::Mute, "service centre"),
        ("quarantined", Why::Deaf, "from a phone"),
        ("failed", Why::NoSim, "SIM in"),
        ("degraded", Why::NotRegistered, "antenna"),
        ("degraded", Why::Denied, "refuses this SIM"),
        ("recovering", Why::NotAnswering, "brought back"),
        ("drained", Why::Drained, "a person did that"),
        ("disabled", Why::Disabled, "a person did that"),
    ] {
        let found = wrong(&bank_of(state, reason.as_str()));
        assert_eq!(found.len(), 1, "{state}: {found:?}");
        assert!(found[0].2.contains(remedy), "{state} {}: {found:?}", reason.as_str());
        assert!(found[0].2.contains(reason.as_str()), "{found:?}");
    }
    for (state, fails) in [
        ("quarantined", true),
        ("failed", true),
        ("absent", true),
        ("recovering", false),
        ("starting", false),
    ] {
        assert_eq!(checks::fails(&bank_of(state, "x")), fails, "{state}");
    }
    let none = bank::all(&bank::modems(&json!({ "data": [] })).unwrap());
    assert!(checks::fails(&none));
    assert!(bank::modems(&json!({ "title": "problem" })).is_none());
}

#[test]
fn weak_signal_and_a_network_that_is_gone_are_told() {
    let row = |model: &str, registration: &str, dbm: Option<i64>| {
        let row = json!({ "label": "m0", "model": model, "state": "ready", "reason": "", "registration": registration,
                          "signal": dbm.map(|dbm| json!({ "dbm": dbm })) });
        let modems = bank::modems(&json!({ "data": [row] })).unwrap();
        wrong(&bank::all(&modems))
            .into_iter()
            .map(|(_, check, _)| check)
            .collect::<Vec<_>>()
    };
    assert_eq!(row("EC25", "home", Some(-100)), [""; 0]);
    assert_eq!(row("EC25", "home", Some(-107)), ["signal"]);
    assert_eq!(row("EC25", "home", None), [""; 0]);
    assert_eq!(row("SIMCOM_SIM800C", "searching", None), ["only_2g"]);
    assert_eq!(row("SIM800C", "home", None), [""; 0]);
    assert_eq!(row("SIM7600E", "denied", None), [""; 0]);
}

#[test]
fn a_sim_without_a_service_centre_is_told_once_the_modem_is_up() {
    let row = |state: &str, registration: &str, centre: serde_json::Value| {
        let row = json!({ "label": "m0", "model": "EC25", "state": state, "reason": "", "registration": registration,
                          "service_centre": centre });
        let modems = bank::modems(&json!({ "data": [row] })).unwrap();
        wrong(&bank::all(&modems))
            .into_iter()
            .any(|(_, check, _)| check == "smsc")
    };
    assert!(row("ready", "home", json!(null)));
    assert!(row("degraded", "roaming", json!(null)));
    assert!(!row("ready", "home", json!("+35385000000")));
    assert!(!row("starting", "home", json!(null)));
    assert!(!row("degraded", "searching", json!(null)));
}

#[test]
fn facts_are_gathered_from_the_files_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let usb = FakeUsb::new(root);
    usb.plug("1-1.2", 7, 0, Path::new("/dev/null"));
    usb.net("1-1.2", 4, "wwan0", 0x1003);
    usb.net("1-1.2", 5, "usb0", 0x1002);
    fs::write(usb.folder("1-1.2").join("power/control"), "auto\n").unwrap();
    usb.device("1-1.3", (0x12d1, 0x1f01), 8);
    let put = |name: &str, text: &str| {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("proc/17/comm", "ModemManager\n");
    put("proc/18/comm", "chronyd\n");
    put("proc/sys/comm", "brltty\n");
    put("proc/net/route", "Iface\tDestination\nwwan0\t0000000A\n");
    put("proc/net/if_inet6", "fe80 03 40 20 80 eth0\n");
    put(
        "etc/passwd",
        "root:x:0:0::/:/bin/sh\nwardwire:x:990:991::/:/bin/false\n",
    );
    put("etc/group", "dialout:x:20:wardwire\nwardwire:x:991:\n");
    put("usr/lib/systemd/system/ModemManager.service", "");
    put("usr/lib/systemd/system/brltty.service", "");
    fs::create_dir_all(root.join("etc/systemd/system")).unwrap();
    symlink("/dev/null", root.join("etc/systemd/system/brltty.service")).unwrap();
    // The made-up nodes belong to whoever runs the test.
    fs::set_permissions(usb.dev().join("ttyUSB0"), fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "data_dir={root:?}\nregion='IE'\n[[modem]]\nlabel='wrong'\nport={:?}\n[[modem]]\nlabel='gone'\nport='/nowhere'\n",
        usb.dev().join("ttyUSB0")
    );
    let config: Config = crate::config::check(&text, "w.toml").unwrap();
    let roots = Roots {
        tree: Tree::new(&usb.sys(), &usb.dev()),
        proc: root.join("proc"),
        root: root.to_owned(),
    };
    let host = gather(&config, &roots);
    assert_eq!(
        host.rivals,
        [
            Rival {
                name: "ModemManager",
                running: true,
                installed: true,
            },
            rival("brltty"),
        ]
    );
    let devices: Vec<_> = host.devices.iter().map(|d| (d.at, d.ports.len(), d.sleeps)).collect();
    assert_eq!(devices, [(AtPort::Interface(2), 4, true), (AtPort::Storage, 0, false)]);
    assert!(!host.configured[0].may_open, "mode 0600 of another user");
    assert_eq!(host.configured[0].found.as_ref().unwrap().role, Role::Closed);
    assert!(!host.configured[1].there);
    let net: Vec<_> = host
        .interfaces
        .iter()
        .map(|n| (n.name.as_str(), n.up, n.addressed))
        .collect();
    assert_eq!(net, [("usb0", false, false), ("wwan0", true, true)]);
    assert_eq!(host.clock, Clock::Kept("chronyd".into()));
    assert!(host.disk.is_some_and(|(free, all)| free <= all && all > 0));
}

#[test]
fn a_pool_without_a_sim_is_told_of_by_name() {
    let answer = json!({ "data": [
        { "name": "default", "state": "ready" },
        { "name": "wards", "state": "no_sim" },
        { "name": "lab", "state": "emergencies_only" },
    ] });
    let said: Vec<String> = bank::pools(&bank::idle_pools(&answer))
        .into_iter()
        .map(|finding| finding.what)
        .collect();
    assert_eq!(said.len(), 2);
    assert!(said[0].starts_with("pool wards: no SIM") && said[1].starts_with("pool lab: only its reserve"));
    assert_eq!(bank::idle_pools(&json!({ "title": "problem" })), []);
}

#[test]
fn a_sim_that_may_send_and_has_little_credit_is_told_of() {
    let low = json!({ "amount": "2.50", "low": true });
    let answer = json!({ "data": [
        { "slot": "rack-1", "state": "ready", "receive_only": false, "balance": low },
        { "slot": "rack-2", "state": "ready", "receive_only": false, "balance": { "amount": "25.00", "low": false } },
        { "slot": "rack-3", "state": "ready", "receive_only": true, "balance": low },
        { "slot": "rack-4", "state": "absent", "receive_only": false, "balance": low },
        { "slot": "rack-5", "state": "ready", "receive_only": false, "balance": null },
        { "slot": "rack-6", "state": "recovering", "receive_only": false, "balance": { "amount": null, "low": true } },
    ] });
    let said: Vec<String> = bank::credits(&bank::low_credits(&answer))
        .into_iter()
        .map(|finding| finding.what)
        .collect();
    assert_eq!(
        said,
        [
            "SIM in rack-1: its credit is low, 2.50",
            "SIM in rack-6: its credit is low"
        ]
    );
    assert_eq!(bank::low_credits(&json!({ "title": "problem" })), []);
}
