//! Modems that are plugged in, pulled out and hung, through the running daemon: real ptys, a made-up `/sys` and `/dev`. What
//! is measured is printed: `cargo test --test ports -- --nocapture`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;
#[path = "common/usb.rs"]
mod usb;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{Client, Process, Site, number};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use usb::FakeUsb;
use wardwire::serial::{PortSpec, open};

const BINARY: &str = env!("CARGO_BIN_EXE_wardwire");

/// Writes the site's configuration anew, with these modems and the made-up devices.
fn configure(site: &Site, modems: &str) {
    let mut text = format!("data_dir = {:?}\nregion = \"IE\"\n", site.path("data"));
    let usb = site.path("usb");
    write!(
        text,
        "[http]\nlisten = \"127.0.0.1:0\"\n[discovery]\nsys_dir = {:?}\ndev_dir = {:?}\n\
         [sim_defaults]\nper_minute = 0\nburst = 0\nper_hour = 0\nper_day = 0\n{modems}[policy]\npilot = false\n",
        usb.join("sys"),
        usb.join("dev")
    )
    .unwrap();
    std::fs::write(site.path("wardwire.toml"), text).unwrap();
}

/// What a modem says to AT+CGSN.
async fn imei(port: &Path) -> String {
    let mut port = open(&PortSpec::Path(port.to_owned())).await.unwrap();
    port.write_all(b"AT+CGSN\r").await.unwrap();
    let mut heard = String::new();
    while !heard.contains("OK") {
        let mut buffer = [0; 64];
        let count = port.read(&mut buffer).await.unwrap();
        heard.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    port.close().await;
    let digits = heard.split(|c: char| !c.is_ascii_digit()).find(|run| run.len() == 15);
    digits.unwrap().to_owned()
}

/// The modem with this label, once it is in this state; looks every 20 ms.
async fn until(client: &mut Client, label: &str, state: &str, limit: Duration) -> Value {
    let end = Instant::now() + limit;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        let modems = client.all("/v1/modems").await.unwrap();
        let found = modems.iter().find(|modem| modem["label"] == label);
        if let Some(modem) = found.filter(|modem| modem["state"] == state) {
            return modem.clone();
        }
        assert!(
            Instant::now() < end,
            "{label} is not {state} after {limit:?}: {modems:#?}"
        );
    }
}

fn is_out(message: &Value) -> bool {
    ["sent", "delivered"].iter().any(|status| message["status"] == *status)
}

#[tokio::test]
async fn a_modem_that_comes_back_under_another_name_is_the_same_and_serves_in_five_seconds() {
    let site = Site::new(Path::new(BINARY), 2, "");
    let bank = site.bank(&[]);
    let named = imei(&site.path("bank/modem0")).await;
    configure(&site, &format!("[[modem]]\nlabel = \"ward\"\nimei = {named:?}\n"));
    let usb = FakeUsb::new(&site.path("usb"));
    usb.plug("1-1.2", 3, 0, &site.path("bank/modem0"));
    usb.plug("1-1.3", 4, 4, &site.path("bank/modem1"));
    let key = site.key();
    let (_gateway, address) = site.gateway_listening();
    let mut client = Client::connect(address, &key).await.unwrap();
    let patience = Duration::from_secs(60);
    let before = [
        until(&mut client, "ward", "ready", patience).await,
        until(&mut client, "usb-1-1.3", "ready", patience).await,
    ];
    client.send(&number(1), "before").await.unwrap();
    client.until(patience, |all| all.iter().all(is_out)).await;

    // Pulled out: the lines hang up, the names go.
    bank.kill_hard();
    usb.unplug("1-1.2");
    usb.unplug("1-1.3");
    for label in ["ward", "usb-1-1.3"] {
        until(&mut client, label, "absent", patience).await;
    }
    // Back: new ptys; the one in another socket, both under other names. The modems answer before they are plugged in.
    let _bank = site.bank(&[]);
    let plugged = Instant::now();
    usb.plug("1-1.4", 7, 20, &site.path("bank/modem0"));
    usb.plug("1-1.3", 8, 30, &site.path("bank/modem1"));
    let mut after = Vec::new();
    for label in ["ward", "usb-1-1.3"] {
        after.push(until(&mut client, label, "ready", patience).await);
        println!("{label}: serving {:?} after it was plugged in again", plugged.elapsed());
        assert!(plugged.elapsed() < Duration::from_secs(5), "{label} took too long");
    }
    for (before, after) in before.iter().zip(&after) {
        for key in ["id", "sim_id", "imei", "number", "label"] {
            assert!(!before[key].is_null(), "{key}");
            assert_eq!(before[key], after[key], "{key}");
        }
    }
    let port = after[0]["port"].as_str().unwrap();
    assert!(port.ends_with("ttyUSB22 (usb 1-1.4)"), "a technician finds it: {port}");
    assert_eq!(
        client.all("/v1/modems").await.unwrap().len(),
        2,
        "no ghost of the old names"
    );
    let id = client.send(&number(2), "after").await.unwrap();
    let sent = |all: &[Value]| {
        all.iter()
            .any(|message| message["id"] == id.as_str() && is_out(message))
    };
    client.until(patience, sent).await;
}

/// Sends so many texts and gives the time until all but `stuck` of them are out.
async fn time_of(client: &mut Client, first: usize, count: usize, stuck: usize) -> Duration {
    let begun = Instant::now();
    for index in first..first + count {
        client.send(&number(index), "x").await.unwrap();
    }
    let enough = |all: &[Value]| all.iter().filter(|message| is_out(message)).count() >= first + count - stuck;
    client.until(Duration::from_secs(120), enough).await;
    begun.elapsed()
}

fn stop(process: &Process) {
    kill_process(Pid::from_child(&process.child), Signal::STOP).unwrap();
}

#[tokio::test]
async fn a_hung_modem_does_not_delay_the_others() {
    const TEXTS: usize = 60;
    // Of a model that makes no pause for what comes in.
    let latency = &["--latency-ms", "150", "--model", "generic"];
    let site = Site::new(Path::new(BINARY), 3, "");
    let mut modems = String::new();
    for port in ["bank/modem0", "bank/modem1", "bank/modem2", "hung/modem0"] {
        let label = port.replace('/', "-");
        write!(modems, "[[modem]]\nlabel = {label:?}\nport = {:?}\n", site.path(port)).unwrap();
    }
    configure(&site, &modems);
    FakeUsb::new(&site.path("usb"));
    let _bank = site.bank(latency);
    let key = site.key();
    let (_gateway, address) = site.gateway_listening();
    let mut client = Client::connect(address, &key).await.unwrap();
    for label in ["bank-modem0", "bank-modem1", "bank-modem2"] {
        until(&mut client, label, "ready", Duration::from_secs(60)).await;
    }
    let alone = time_of(&mut client, 0, TEXTS, 0).await;
    // A fourth comes, is brought up, and stops in the middle of everything: it takes bytes and says nothing.
    // Of another seed, so that its SIM is another one.
    let hung = site.bank_in("hung", 1, &[latency.as_slice(), &["--seed", "9"]].concat());
    until(&mut client, "hung-modem0", "ready", Duration::from_secs(60)).await;
    stop(&hung);
    let beside = time_of(&mut client, TEXTS, TEXTS, 1).await;
    let ratio = beside.as_secs_f64() / alone.as_secs_f64();
    println!("{TEXTS} texts: {alone:?} alone, {beside:?} beside a hung modem: {ratio:.3}");
    assert!(ratio < 1.25, "{ratio:.3}");
}

/// A device as one that died amid a deed leaves it: its port of the hub is off, and that is written down.
fn left_off(site: &Site, usb: &FakeUsb) -> PathBuf {
    let port = usb.folder("1-1").join("1-1:1.0/1-1-port2");
    std::fs::create_dir_all(&port).unwrap();
    std::fs::write(port.join("disable"), "1").unwrap();
    let marks = site.path("data/switched-off");
    std::fs::create_dir_all(&marks).unwrap();
    std::fs::write(marks.join("1-1.2"), format!("power\n{}", usb.folder("1-1.2").display())).unwrap();
    port.join("disable")
}

#[tokio::test]
async fn a_socket_that_was_left_off_is_switched_on_at_the_start_and_at_the_end() {
    let site = Site::new(Path::new(BINARY), 1, "");
    configure(&site, "");
    let usb = FakeUsb::new(&site.path("usb"));
    let disable = left_off(&site, &usb);
    let (gateway, _) = site.gateway_listening();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let end = Instant::now() + Duration::from_secs(30);
    let marks = || std::fs::read_dir(site.path("data/switched-off")).unwrap().count();
    while marks() > 0 {
        ticks.tick().await;
        assert!(Instant::now() < end, "it stays off");
    }
    assert_eq!(std::fs::read_to_string(&disable).unwrap(), "0");
    left_off(&site, &usb);
    assert_eq!(gateway.terminate(), Some(0));
    assert_eq!((std::fs::read_to_string(&disable).unwrap().as_str(), marks()), ("0", 0));
}

/// What doctor says of a site, and how it ends.
fn doctor(site: &Site, json: bool) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(BINARY);
    command.arg("doctor").arg("--config").arg(site.path("wardwire.toml"));
    command.arg("--root").arg(site.path("root"));
    if json {
        command.arg("--json");
    }
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn doctor_tells_what_is_wrong_and_ends_with_one_only_then() {
    let site = Site::new(Path::new(BINARY), 1, "");
    let (_bank, usb) = (site.bank(&[]), FakeUsb::new(&site.path("usb")));
    usb.plug("1-1.2", 3, 0, &site.path("bank/modem0"));
    configure(&site, "");
    let (code, table) = doctor(&site, false);
    assert_eq!(code, Some(0), "{table}");
    for words in [
        "ok    config",
        "ok    device         Quectel EC25",
        "warn  gateway        the gateway does not run",
        "-> systemctl start wardwire",
        "0 fail,",
    ] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let key = site.key();
    let (_gateway, address) = site.gateway_listening();
    assert!(address.ip().is_loopback());
    let mut client = Client::connect(address, &key).await.unwrap();
    until(&mut client, "usb-1-1.2", "ready", Duration::from_secs(60)).await;
    let (code, said) = doctor(&site, true);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &said["fails"]), (Some(0), &Value::Bool(false)), "{said}");
    let has = |said: &Value, level: &str, check: &str, words: &str| {
        let rows = said["findings"].as_array().unwrap();
        let fits = |row: &&Value| row["level"] == level && row["check"] == check;
        rows.iter()
            .filter(fits)
            .any(|row| row["what"].as_str().unwrap().contains(words))
    };
    assert!(has(&said, "ok", "modem", "modem usb-1-1.2: ready"), "{said}");
    // Its network side wakes up.
    usb.net("1-1.2", 4, "wwan0", 0x1003);
    let (code, said) = doctor(&site, true);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        has(&said, "fail", "network", "wwan0 of the modem at usb 1-1.2"),
        "{said}"
    );
    // A file that cannot be read as a configuration is a finding, too.
    std::fs::write(site.path("wardwire.toml"), "region = 7\n").unwrap();
    let (code, table) = doctor(&site, false);
    assert_eq!(code, Some(1));
    assert!(
        table.contains("fail  config") && table.contains(":1:10: region: is a whole number"),
        "{table}"
    );
}
