//! What is found in a made-up tree of devices, and what is done there to bring a modem back.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{hear, soon};
use crate::fake_usb::FakeUsb;
use crate::serial::discovery::UsbDevice;
use crate::serial::pty::{Heard, Pty, Watch};
use crate::serial::seek::{Claimed, ask};
use crate::serial::table::Role;
use crate::serial::usb::{Deed, DeedError, Refused, Switches};
use crate::serial::*;

fn tree(usb: &FakeUsb) -> Tree {
    Tree::new(&usb.sys(), &usb.dev())
}

#[test]
fn ports_are_found_by_what_they_hang_on_and_not_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    usb.plug("1-1.2", 7, 4, Path::new("/dev/null"));
    usb.device("1-3", (0x1a86, 0x7523), 8);
    usb.tty("1-3", 0, "ttyUSB0", None);
    // Not modems: a console, a keyboard with a serial port, a tty without USB.
    usb.device("1-4", (0x046d, 0xc31c), 9);
    usb.tty("1-4", 0, "ttyACM0", None);
    fs::create_dir_all(usb.sys().join("devices/platform/serial/tty/ttyS0")).unwrap();
    for name in ["ttyS0", "ttyUSB77"] {
        symlink(
            usb.sys().join("devices/platform/serial/tty/ttyS0"),
            usb.sys().join("class/tty").join(name),
        )
        .unwrap();
    }
    let found = tree(&usb).ports().unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|f| {
            (
                f.path.file_name().unwrap().to_str().unwrap(),
                f.role,
                f.device.socket.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("ttyUSB6", Role::At, "1-1.2"),
            ("ttyUSB7", Role::SecondAt, "1-1.2"),
            ("ttyUSB4", Role::Closed, "1-1.2"),
            ("ttyUSB5", Role::Closed, "1-1.2"),
            ("ttyUSB0", Role::Uart, "1-3"),
        ]
    );
    let modem = &found[0].device;
    assert_eq!(
        (modem.hub.as_str(), modem.hub_port(), modem.number),
        ("1-1", Some(2), 7)
    );
    assert_eq!((modem.vid, modem.pid, modem.is_at_root()), (0x2c7c, 0x0125, false));
    assert_eq!(found[0].driver, "option");
    let bridge = &found[4].device;
    assert_eq!(
        (bridge.hub.as_str(), bridge.hub_port(), bridge.is_at_root()),
        ("usb1", Some(3), true)
    );
}

#[test]
fn a_configured_name_leads_to_its_device_through_links() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    usb.plug("1-1.2", 7, 0, Path::new("/dev/pts/99"));
    let by_path = usb.dev().join("serial/by-path");
    fs::create_dir_all(&by_path).unwrap();
    let name = by_path.join("pci-0000:00:14.0-usb-0:1.2:1.2-port0");
    symlink("../../ttyUSB2", &name).unwrap();
    let tree = tree(&usb);
    let socket = |path: &Path| tree.device_of(path).map(|device| device.socket);
    assert_eq!(socket(&name).as_deref(), Some("1-1.2"));
    assert_eq!(socket(&usb.dev().join("ttyUSB2")).as_deref(), Some("1-1.2"));
    assert_eq!(tree.port_of(&name).unwrap().role, Role::At);
    assert_eq!(tree.port_of(&usb.dev().join("ttyUSB0")).unwrap().role, Role::Closed);
    // Ptys, what is not there, and a link in a circle.
    symlink(by_path.join("circle"), by_path.join("circle")).unwrap();
    for none in ["/dev/pts/0", "/dev/nowhere", by_path.join("circle").to_str().unwrap()] {
        assert_eq!(socket(Path::new(none)), None, "{none}");
    }
}

/// Waits until somebody opens the port, then answers as a modem does until it has told its IMEI; gives what was asked. The pty
/// is given back: its name must lead nowhere else while the test runs.
async fn answer(pty: Pty, imei: &'static str) -> (Pty, Vec<String>) {
    let watch = Watch::create().unwrap();
    watch.add(&pty).unwrap();
    let opened = watch.ready().unwrap();
    let mut heard = Vec::new();
    let mut buffer = [0; 64];
    let mut first = loop {
        match pty.read(&mut buffer).unwrap() {
            Heard::Bytes(count) => break Some(buffer[..count].to_vec()),
            Heard::Silence => break None,
            Heard::Nobody => soon(opened.readable()).await.unwrap().clear_ready(),
        }
        watch.drain();
    };
    loop {
        let octets = match first.take() {
            Some(octets) => octets,
            None => hear(&pty).await,
        };
        let text = String::from_utf8(octets).unwrap().trim().to_owned();
        let said = match text.as_str() {
            "AT" => "\r\nOK\r\n".to_owned(),
            "AT+CGSN" => format!("\r\n{imei}\r\n\r\nOK\r\n"),
            _ => String::new(),
        };
        pty.write(said.as_bytes()).unwrap();
        heard.push(text);
        if heard.last().is_some_and(|text| text == "AT+CGSN") {
            return (pty, heard);
        }
    }
}

#[tokio::test]
async fn a_modem_plugged_in_is_asked_who_it_is_and_handed_over_once() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let (sender, mut arrivals) = tokio::sync::mpsc::channel(4);
    // The configuration has the modem of 1-1.4 already.
    let (mine, taken) = (Pty::create().unwrap(), Pty::create().unwrap());
    usb.plug("1-1.4", 3, 20, taken.path());
    let seeker = tokio::spawn(seek(tree(&usb), vec![usb.dev().join("ttyUSB22")], sender));
    usb.plug("1-1.2", 7, 4, mine.path());
    let modem = tokio::spawn(answer(mine, "490154203237518"));
    let arrival = soon(arrivals.recv()).await.unwrap();
    assert_eq!(arrival.device.socket, "1-1.2");
    assert_eq!(arrival.imei.as_deref(), Some("490154203237518"));
    let names: Vec<_> = arrival.ports.iter().map(ToString::to_string).collect();
    assert!(
        names[0].ends_with("/ttyUSB6") && names[1].ends_with("/ttyUSB7"),
        "{names:?}"
    );
    assert_eq!(names.len(), 2, "diagnosis and GPS are never opened: {names:?}");
    let (_mine, asked) = soon(modem).await.unwrap();
    assert_eq!(asked, ["AT", "AT+CGSN"]);
    let (answered, mut reads) = (arrival.device.number, [0; 8]);
    assert_eq!(answered, 7);
    assert!(
        matches!(taken.read(&mut reads), Ok(Heard::Nobody)),
        "nobody opened the other's modem"
    );
    // It is one's own until it is given back; then it is found again, as if plugged in.
    let wait = tokio::time::timeout(Duration::from_millis(1_500), arrivals.recv()).await;
    assert!(wait.is_err(), "handed over twice");
    usb.unplug("1-1.2");
    drop(arrival);
    let again = Pty::create().unwrap();
    usb.plug("1-1.2", 8, 9, again.path());
    let modem = tokio::spawn(answer(again, "490154203237518"));
    let arrival = soon(arrivals.recv()).await.unwrap();
    soon(modem).await.unwrap();
    assert!(
        arrival.ports[0].to_string().ends_with("/ttyUSB11"),
        "under its new name"
    );
    seeker.abort();
}

/// A modem that answers AT commands for as long as the test goes, whoever opens it.
fn answering(imei: &'static str) -> (PathBuf, tokio::task::JoinHandle<(Pty, Vec<String>)>) {
    let pty = Pty::create().unwrap();
    (pty.path().to_owned(), tokio::spawn(answer(pty, imei)))
}

#[tokio::test]
async fn where_the_first_port_is_mute_the_second_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let mute = Pty::create().unwrap();
    let (second, modem) = answering("490154203237518");
    usb.device("1-1.2", (0x2c7c, 0x0125), 3);
    usb.tty("1-1.2", 2, "ttyUSB2", Some(mute.path()));
    usb.tty("1-1.2", 3, "ttyUSB3", Some(&second));
    let ports = tree(&usb).ports().unwrap();
    let claim = Claim::take(&Claimed::default(), "1-1.2").unwrap();
    let arrival = soon(ask(ports, claim, false)).await.unwrap();
    assert_eq!(arrival.imei.as_deref(), Some("490154203237518"));
    let names: Vec<_> = arrival.ports.iter().map(ToString::to_string).collect();
    assert!(
        names[0].ends_with("ttyUSB3") && names[1].ends_with("ttyUSB2"),
        "{names:?}"
    );
    soon(modem).await.unwrap();
}

#[tokio::test]
async fn a_modem_that_stays_mute_is_left_alone_and_at_last_handed_over_to_be_helped() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let mute = Pty::create().unwrap();
    usb.plug("1-1.2", 3, 0, mute.path());
    let ports: Vec<_> = tree(&usb)
        .ports()
        .unwrap()
        .into_iter()
        .filter(|port| port.role == Role::At)
        .collect();
    let claimed = Claimed::default();
    let claim = || Claim::take(&claimed, "1-1.2");
    assert!(soon(ask(ports.clone(), claim().unwrap(), false)).await.is_none());
    let arrival = soon(ask(ports, claim().expect("given back"), true)).await.unwrap();
    assert_eq!((arrival.imei.as_deref(), arrival.ports.len()), (None, 1));
    assert!(claim().is_none(), "it is somebody's now");
    drop(arrival);
    assert!(claim().is_some());
}

#[test]
fn no_more_modems_are_taken_than_the_bound_says() {
    let claimed = Claimed::default();
    let claims: Vec<_> = (0..DISCOVERED)
        .map(|n| Claim::take(&claimed, &format!("1-{n}")).unwrap())
        .collect();
    assert!(Claim::take(&claimed, "2-1").is_none());
    drop(claims);
    assert!(Claim::take(&claimed, "2-1").is_some());
}

#[tokio::test]
async fn a_port_that_must_never_be_opened_is_not_even_when_it_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let (diagnosis, commands) = (Pty::create().unwrap(), Pty::create().unwrap());
    usb.device("1-1.2", (0x2c7c, 0x0125), 3);
    usb.tty("1-1.2", 0, "ttyUSB0", Some(diagnosis.path()));
    usb.tty("1-1.2", 2, "ttyUSB2", Some(commands.path()));
    let by_name = usb.dev().join("modem-of-the-ward");
    symlink("ttyUSB0", &by_name).unwrap();
    let (sender, mut events) = tokio::sync::mpsc::channel(8);
    let spec = PortSpec::Path(by_name.clone());
    let _port = spawn_configured(0, spec, tree(&usb), sender.clone());
    assert_eq!(
        soon(events.recv()).await,
        Some(PortEvent::Lost(0, LostReason::Forbidden))
    );
    assert_eq!(diagnosis.read(&mut [0; 8]).unwrap(), Heard::Nobody);
    // The name is mended while it runs.
    fs::remove_file(&by_name).unwrap();
    symlink("ttyUSB2", &by_name).unwrap();
    assert_eq!(soon(events.recv()).await, Some(PortEvent::Opened(0)));
}

fn switches(folder: &Path, command: Option<&Path>, off: u64) -> Switches {
    Switches {
        sockets: vec!["1-1.2".into()],
        command: command.map(Path::to_owned),
        off: Duration::from_secs(off),
        marks: folder.join("marks"),
    }
}

/// What is plugged into `1-1.2` of a made-up machine, and the switch of its hub's port. The switches are empty until one is turned.
fn plugged(usb: &FakeUsb) -> (UsbDevice, PathBuf) {
    usb.plug("1-1.2", 7, 0, Path::new("/dev/null"));
    let device = tree(usb).device_of(&usb.dev().join("ttyUSB2")).unwrap();
    let port = usb.folder("1-1").join("1-1:1.0/1-1-port2");
    fs::create_dir_all(&port).unwrap();
    fs::write(port.join("disable"), "").unwrap();
    fs::write(device.folder.join("authorized"), "").unwrap();
    (device, port.join("disable"))
}

/// A program that writes down how it is called, and then does `line`.
fn uhubctl(folder: &Path, line: &str) -> (PathBuf, PathBuf) {
    let (program, log) = (folder.join("uhubctl"), folder.join("log"));
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\n{line}\n", log.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    (program, log)
}

fn marks(switches: &Switches) -> usize {
    fs::read_dir(&switches.marks).map_or(0, Iterator::count)
}

#[test]
fn a_reset_takes_the_device_away_and_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let (device, _) = plugged(&usb);
    let switches = switches(folder.path(), None, 0);
    let switch = usb.folder("1-1.2").join("authorized");
    let begun = Instant::now();
    switches.perform(Deed::Reset, &device).unwrap();
    assert!(
        begun.elapsed() >= Duration::from_secs(2),
        "the device needs time to notice"
    );
    assert_eq!(fs::read_to_string(&switch).unwrap(), "1");
    assert_eq!(marks(&switches), 0);
    usb.unplug("1-1.2");
    let gone = switches.perform(Deed::Reset, &device).unwrap_err();
    assert!(
        matches!(&gone, DeedError::Switch { path, .. } if path.ends_with("authorized")),
        "{gone}"
    );
    assert!(!switch.exists(), "nothing is made that the kernel did not make");
    assert_eq!(marks(&switches), 0, "it was not switched off");
}

#[test]
fn power_is_cut_by_the_kernel_or_by_uhubctl() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let (device, disable) = plugged(&usb);
    switches(folder.path(), None, 0)
        .perform(Deed::PowerCycle, &device)
        .unwrap();
    assert_eq!(fs::read_to_string(disable).unwrap(), "0", "it is on again");

    let (program, log) = uhubctl(folder.path(), "exit 0");
    let with = switches(folder.path(), Some(&program), 0);
    with.perform(Deed::PowerCycle, &device).unwrap();
    let called = "-l 1-1 -p 2 -a off\n-l 1-1 -p 2 -a on\n";
    assert_eq!(fs::read_to_string(&log).unwrap(), called);
    uhubctl(folder.path(), "exit 1");
    let failed = with.perform(Deed::PowerCycle, &device).unwrap_err();
    assert!(failed.to_string().contains("exit status: 1"), "{failed}");
    let missing = switches(folder.path(), Some(Path::new("/nowhere/uhubctl")), 0)
        .perform(Deed::PowerCycle, &device)
        .unwrap_err();
    assert!(matches!(missing, DeedError::Program { .. }), "{missing}");
    assert_eq!(marks(&with), 0, "it was not switched off");
}

#[test]
fn what_a_process_left_off_the_next_one_switches_on() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let (device, disable) = plugged(&usb);
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let until = |is: &dyn Fn() -> bool| {
        let end = Instant::now() + Duration::from_secs(30);
        while !is() {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
    };
    // An hour: whoever began it never gets so far as to switch it on.
    let first = switches(folder.path(), None, 3_600);
    for deed in [Deed::Reset, Deed::PowerCycle] {
        let authorized = device.folder.join("authorized");
        let (hand, of) = (first.clone(), device.clone());
        let deed_thread = std::thread::spawn(move || hand.perform(deed, &of));
        match deed {
            Deed::Reset => until(&|| read(&authorized) == "0"),
            Deed::PowerCycle => until(&|| read(&disable) == "1"),
        }
        let next = switches(folder.path(), None, 10);
        let restored = next.restore();
        assert!(
            matches!(&restored[..], [(socket, Ok(()))] if socket == "1-1.2"),
            "{restored:?}"
        );
        match deed {
            Deed::Reset => assert_eq!(read(&authorized), "1"),
            Deed::PowerCycle => assert_eq!(read(&disable), "0"),
        }
        assert_eq!((marks(&next), next.restore().len()), (0, 0));
        if deed == Deed::Reset {
            // It takes 2 s whatever is configured, and must not find the next deed's mark.
            assert!(deed_thread.join().unwrap().is_ok());
        }
    }

    // By the program it was switched off with; one that fails leaves the mark for the next time.
    let (program, log) = uhubctl(folder.path(), "exit 0");
    let with = switches(folder.path(), Some(&program), 3_600);
    let (hand, of) = (with.clone(), device.clone());
    std::thread::spawn(move || hand.perform(Deed::PowerCycle, &of));
    until(&|| fs::read_to_string(&log).is_ok_and(|log| log == "-l 1-1 -p 2 -a off\n"));
    uhubctl(folder.path(), "exit 1");
    assert!(matches!(&with.restore()[..], [(_, Err(DeedError::Program { .. }))]));
    uhubctl(folder.path(), "exit 0");
    assert!(matches!(&with.restore()[..], [(_, Ok(()))]));
    assert!(read(&log).ends_with("-a on\n"));
    assert_eq!(marks(&with), 0);
}

#[test]
fn what_a_hanging_program_may_have_switched_off_is_switched_on() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let (device, _) = plugged(&usb);
    let (program, log) = uhubctl(folder.path(), "[ \"$6\" = on ] || exec sleep 60");
    let with = switches(folder.path(), Some(&program), 0);
    let failed = with.perform(Deed::PowerCycle, &device).unwrap_err();
    assert!(matches!(failed, DeedError::Hangs(_)), "{failed}");
    assert!(fs::read_to_string(&log).unwrap().ends_with("-a on\n"));
    assert_eq!(marks(&with), 0);
}

#[test]
fn marks_of_what_is_gone_and_what_is_no_mark_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let switches = switches(folder.path(), None, 0);
    assert_eq!(switches.restore().len(), 0, "no folder");
    fs::create_dir_all(&switches.marks).unwrap();
    for (socket, text) in [
        ("1-1.2", "power\n/nowhere/1-1/1-1.2"),
        ("1-1.3", "reset\n/nowhere/1-1/1-1.3"),
        ("1-1.4", ""),
        ("1-1.5", "power"),
        ("1-1.6", "power\n"),
        ("1-1.7", "cut\n/nowhere/1-1/1-1.7"),
    ] {
        fs::write(switches.marks.join(socket), text).unwrap();
    }
    let mut restored = switches.restore();
    restored.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(
        matches!(&restored[..], [(a, Ok(())), (b, Ok(()))] if a == "1-1.2" && b == "1-1.3"),
        "{restored:?}"
    );
    assert_eq!(switches.restore().len(), 0);
}

#[test]
fn nothing_is_switched_off_that_cannot_be_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let usb = FakeUsb::new(folder.path());
    let (device, disable) = plugged(&usb);
    let switches = switches(folder.path(), None, 0);
    fs::write(&switches.marks, "a file in the place of the folder").unwrap();
    let refused = switches.perform(Deed::PowerCycle, &device).unwrap_err();
    assert!(matches!(refused, DeedError::Mark { .. }), "{refused}");
    assert_eq!(fs::read_to_string(disable).unwrap(), "");
}

#[test]
fn what_must_not_be_done_is_refused() {
    let device = |socket: &str, hub: &str| UsbDevice {
        socket: socket.into(),
        hub: hub.into(),
        folder: "/nowhere".into(),
        vid: 0,
        pid: 0,
        number: 0,
    };
    let power = switches(Path::new("/nowhere"), None, 10);
    let named = device("1-1.2", "1-1");
    assert_eq!(power.allows(Deed::PowerCycle, &named), Ok(()));
    assert_eq!(
        power.allows(Deed::PowerCycle, &device("1-1.3", "1-1")),
        Err(Refused::NotNamed)
    );
    let at_root = device("1-2", "usb1");
    assert_eq!(power.allows(Deed::PowerCycle, &at_root), Err(Refused::Root));
    assert_eq!(power.allows(Deed::Reset, &at_root), Ok(()));
}
