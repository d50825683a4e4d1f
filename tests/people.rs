//! What people do to the bank from the terminal, through the binary and a running gateway on virtual modems.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{Client, Process, Site};
use serde_json::Value;

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wardwire"))
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// `wardwire COMMAND --config FILE ARGUMENTS` with these lines on standard input.
fn typed(site: &Site, command: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary())
        .arg(command)
        .arg("--config")
        .arg(site.path("wardwire.toml"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

fn wardwire(site: &Site, command: &str, arguments: &[&str]) -> Output {
    typed(site, command, arguments, "")
}

/// What it prints when it ends well.
fn said(site: &Site, command: &str, arguments: &[&str]) -> String {
    let output = wardwire(site, command, arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{command} {arguments:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// What it says when it ends badly, and its exit code.
fn refused(site: &Site, command: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = wardwire(site, command, arguments);
    assert_ne!(
        output.status.code(),
        Some(0),
        "{command} {arguments:?}: {}",
        text(&output.stdout)
    );
    (output.status.code(), text(&output.stderr))
}

/// A gateway with every one of its modems ready.
fn house(modems: usize) -> (Site, Process, Process, std::net::SocketAddr) {
    let site = Site::new(binary(), modems, "");
    let bank = site.bank(&["--report-delay-ms", "50"]);
    let (gateway, address) = site.gateway();
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while modems_of(&site)
        .iter()
        .any(|modem| modem["state"] != "ready" || modem["sim_id"].is_null())
    {
        assert!(
            std::time::Instant::now() < end,
            "not all modems are ready: {:?}",
            modems_of(&site)
        );
    }
    (site, bank, gateway, address)
}

fn modems_of(site: &Site) -> Vec<Value> {
    rows(&said(site, "modems", &["--json"]))
}

fn rows(json: &str) -> Vec<Value> {
    let list: Value = serde_json::from_str(json).expect("JSON");
    list["data"].as_array().expect("data").clone()
}

#[test]
fn without_a_gateway_the_modems_are_nowhere_and_the_sims_are_those_known() {
    let site = Site::new(binary(), 1, "");
    let (code, why) = refused(&site, "modems", &[]);
    assert_eq!(
        (code, why.trim()),
        (
            Some(75),
            "wardwire: no gateway runs on this data directory; start it first"
        )
    );
    assert_eq!(said(&site, "sims", &[]).lines().count(), 1, "headings alone");
    let (code, why) = refused(&site, "at", &["--modem", "m0", "AT"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("there is no such modem"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_sim_sends_nothing_and_its_successor_everything() {
    let (site, _bank, gateway, address) = house(2);
    let shown = said(&site, "modems", &[]);
    assert!(shown.starts_with("SLOT  STATE  OPERATOR"), "{shown}");
    assert_eq!(shown.lines().count(), 3);
    let sims = rows(&said(&site, "sims", &["--json"]));
    let of = |slot: &str| sims.iter().find(|sim| sim["slot"] == slot).expect("a SIM").clone();
    let (old, new) = (of("m0"), of("m1"));
    let (code, why) = refused(&site, "sims", &["replace", "m0", "m7"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("there is no such SIM"), "{why}");
    let done = said(&site, "sims", &["replace", old["id"].as_str().expect("an id"), "m1"]);
    assert!(done.contains("receives only from now on"), "{done}");
    assert!(said(&site, "modems", &[]).contains("receives only"));
    let mut client = Client::connect(address, &site.key()).await.expect("it listens");
    for index in 0..6 {
        client
            .send(&common::number(index), "Come at ten.")
            .await
            .expect("it answers");
    }
    let all = |rows: &[Value]| rows.iter().filter(|row| row["status"] == "delivered").count() == 6;
    let messages = client.until(Duration::from_secs(30), all).await;
    assert!(
        messages.iter().all(|message| message["sim_id"] == new["id"]),
        "{messages:?}"
    );
    assert_eq!(gateway.terminate(), Some(0));
    // A restart changes nothing of it.
    let (gateway, _) = site.gateway();
    let sims = rows(&said(&site, "sims", &["--json"]));
    let kept = sims.iter().find(|sim| sim["id"] == old["id"]).expect("the old SIM");
    assert_eq!(
        (&kept["receive_only"], &kept["replaced_by"]),
        (&Value::Bool(true), &new["id"])
    );
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn names_and_help_are_plain() {
    let site = Site::new(binary(), 1, "");
    let (_, why) = refused(&site, "modems", &["drain", "../m0"]);
    assert!(why.contains("names no modem and no SIM"), "{why}");
    for command in ["modems", "sims", "at", "trace"] {
        let help = Command::new(binary())
            .args([command, "--help"])
            .output()
            .expect("it starts");
        let help = text(&help.stdout);
        assert!(
            help.contains("Examples:") && help.contains(&format!("wardwire {command} --config")),
            "{help}"
        );
    }
}
