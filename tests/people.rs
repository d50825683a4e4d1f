//! What people do to the bank from the terminal, through the binary and a running gateway on virtual modems.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{Client, Process, Site};
use serde_json::{Value, json};

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

/// Looks until the modem's state is this one.
fn until(site: &Site, modem: &str, state: &str) {
    let end = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let modems = modems_of(site);
        let now = modems.iter().find(|row| row["slot"] == modem).expect("a modem");
        if now["state"] == state {
            return;
        }
        assert!(
            std::time::Instant::now() < end,
            "{modem} does not become {state}: {now}"
        );
    }
}

#[test]
fn a_technician_works_on_the_bank_from_the_terminal_and_it_is_on_record() {
    let (site, _bank, gateway, _) = house(2);
    assert!(said(&site, "modems", &["drain", "m1"]).contains("m1 drained"));
    until(&site, "m1", "drained");
    assert!(said(&site, "modems", &[]).contains("drained by a person"));
    said(&site, "modems", &["enable", "m1"]);
    until(&site, "m1", "ready");
    assert!(said(&site, "modems", &["test", "m0"]).trim_end().ends_with("m0 passed"));

    assert!(said(&site, "at", &["--modem", "m0", "AT+CSQ"]).starts_with("+CSQ: "));
    let (code, why) = refused(&site, "at", &["--modem", "m0", "AT+CMGL=4"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("command_not_allowed"), "{why}");
    // A line that is refused does not end the others, but is told at the end.
    let console = typed(&site, "at", &["--modem", "m0"], "AT+CREG?\nATD112;\n\nAT+CSQ\n");
    assert_eq!(console.status.code(), Some(1));
    let answers = text(&console.stdout);
    assert!(answers.contains("+CREG: ") && answers.contains("+CSQ: "), "{answers}");

    assert!(said(&site, "sims", &["credit", "m0", "*100#"]).contains("balance"));
    assert!(said(&site, "sims", &[]).contains("balance"), "the credit is kept");
    assert_eq!(
        said(&site, "sims", &["forbidden", "m0"]),
        "no network has turned m0 away\n"
    );
    assert!(said(&site, "sims", &["forbidden", "m0", "--clear"]).contains("may use every network again"));
    until(&site, "m0", "ready");
    let trace = said(&site, "trace", &["--modem", "m0"]);
    assert!(trace.contains("> AT+CSQ") && !trace.contains("*100#"), "{trace}");
    assert!(said(&site, "trace", &["--modem", "m0", "--whole-for", "5"]).contains("for 5 min"));
    let (_, why) = refused(&site, "sims", &["pin", "m0"]);
    assert!(why.contains("no PIN was given"), "{why}");
    let unasked = typed(&site, "sims", &["pin", "m0"], "4711\n");
    assert!(
        text(&unasked.stderr).contains("the SIM does not ask for it"),
        "{}",
        text(&unasked.stderr)
    );
    assert_eq!(gateway.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_credit_of_each_sim_is_asked_for_and_a_low_one_is_told() {
    // What a virtual SIM answers is EUR 10.00.
    let credit = "[[credit]]\ncode = '*100#'\nafter = 'EUR'\nlow = 20";
    let site = Site::new(binary(), 2, credit);
    let _bank = site.bank(&[]);
    let (gateway, address) = site.gateway();
    let end = std::time::Instant::now() + Duration::from_secs(60);
    let sims = loop {
        let sims = rows(&said(&site, "sims", &["--json"]));
        if sims.len() == 2 && sims.iter().all(|sim| !sim["balance"].is_null()) {
            break sims;
        }
        assert!(std::time::Instant::now() < end, "nobody asked: {sims:?}");
    };
    for sim in &sims {
        let balance = &sim["balance"];
        assert_eq!(
            (&balance["amount"], &balance["low"]),
            (&json!("10.00"), &json!(true)),
            "{sim}"
        );
    }
    let table = said(&site, "sims", &[]);
    assert_eq!(table.matches("10.00 (low)").count(), 2, "{table}");
    let mut client = Client::connect(address, &site.key()).await.expect("it listens");
    let events = client.events().await.expect("it answers");
    assert_eq!(events.get("sim.credit_low"), Some(&2), "{events:?}");
    let (_, status) = client.ask("GET", "/v1/status", None).await.expect("it answers");
    assert_eq!(status["sims_low_on_credit"], 2, "{status}");
    let findings = text(&wardwire(&site, "doctor", &[]).stdout);
    assert_eq!(findings.matches("its credit is low, 10.00").count(), 2, "{findings}");
    assert_eq!(gateway.terminate(), Some(0));
}

/// A bank of one modem with a card that asks for its PIN, 1234.
struct Locked(std::process::Child);

impl Locked {
    fn new(site: &Site) -> Self {
        let mut bank = Command::new(binary())
            .args(["simulate", "--modems", "1", "--dir"])
            .arg(site.path("bank"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(bank.stdout.take().expect("stdout is piped")).lines();
        lines
            .find(|line| line.as_ref().is_ok_and(|line| line.contains("ready")))
            .expect("it is ready")
            .expect("a line");
        let stdin = bank.stdin.as_mut().expect("stdin is piped");
        stdin
            .write_all(b"{\"modem\":0,\"do\":\"lock-sim\"}\n")
            .expect("it reads");
        Self(bank)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_locked_sim_takes_its_pin_from_standard_input_and_is_never_guessed_at() {
    let site = Site::new(binary(), 1, "");
    let _bank = Locked::new(&site);
    let (gateway, _) = site.gateway_listening();
    until(&site, "m0", "failed");
    assert!(said(&site, "modems", &[]).contains("wants its PIN"));
    let wrong = typed(&site, "sims", &["pin", "m0"], "0000\n");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("modem_refused"), "{}", text(&wrong.stderr));
    // The same again is not even tried: the card would have one try less.
    let again = typed(&site, "sims", &["pin", "m0"], "0000\n");
    assert!(text(&again.stderr).contains("not_now"), "{}", text(&again.stderr));
    let right = typed(&site, "sims", &["pin", "m0"], "1234\n");
    assert_eq!(right.status.code(), Some(0), "{}", text(&right.stderr));
    until(&site, "m0", "ready");
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn a_refused_pin_of_the_configuration_costs_one_try_however_often_the_gateway_starts() {
    let site = Site::new(binary(), 1, "");
    let config = site.path("wardwire.toml");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let wrong = text.replace("label = \"m0\"\n", "label = \"m0\"\npin = \"0000\"\n");
    assert_ne!(text, wrong);
    std::fs::write(&config, wrong).expect("it takes the change");
    let _bank = Locked::new(&site);
    for _ in 0..2 {
        let (gateway, _) = site.gateway_listening();
        until(&site, "m0", "failed");
        assert!(said(&site, "modems", &[]).contains("PIN"));
        assert_eq!(gateway.terminate(), Some(0));
    }
    // A person's is given only with two tries left: the second start took none.
    let (gateway, _) = site.gateway_listening();
    until(&site, "m0", "failed");
    let right = typed(&site, "sims", &["pin", "m0"], "1234\n");
    assert_eq!(right.status.code(), Some(0), "{}", self::text(&right.stderr));
    until(&site, "m0", "ready");
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn what_a_person_took_from_a_modem_stays_taken_over_a_restart() {
    let (site, _bank, gateway, _) = house(2);
    said(&site, "modems", &["drain", "m0"]);
    said(&site, "modems", &["disable", "m1"]);
    until(&site, "m0", "drained");
    until(&site, "m1", "disabled");
    assert_eq!(gateway.terminate(), Some(0));
    let (gateway, _) = site.gateway_listening();
    until(&site, "m0", "drained");
    until(&site, "m1", "disabled");
    for modem in ["m0", "m1"] {
        said(&site, "modems", &["enable", modem]);
        until(&site, modem, "ready");
    }
    assert_eq!(gateway.terminate(), Some(0));
}

/// Sends a text; the modem it went by.
async fn sent_by(site: &Site, client: &mut Client) -> Value {
    let before = site.air("accepted").len();
    let to = common::number(before);
    client.send(&to, "Come at ten.").await.expect("it answers");
    let all = |rows: &[Value]| rows.iter().all(|row| row["status"] == "delivered");
    client.until(Duration::from_secs(30), all).await;
    let air = site.air("accepted");
    assert_eq!(air.len(), before + 1);
    air[before]["modem"].clone()
}

async fn set(client: &mut Client, method: &str, path: &str, body: Value) {
    let (status, answer) = client.ask(method, path, Some(body)).await.expect("it answers");
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn what_was_set_of_pools_and_routes_holds_at_once_over_a_restart_and_when_the_file_forgets_the_pool() {
    let pool = "[[pool]]\nname = \"lab\"\nmodems = [\"m0\"]\n";
    let site = Site::new(binary(), 2, pool);
    let _bank = site.bank(&["--report-delay-ms", "50"]);
    let key = site.key();
    let begin = async || {
        let (gateway, address) = site.gateway_listening();
        until(&site, "m0", "ready");
        until(&site, "m1", "ready");
        let client = Client::connect(address, &key).await.expect("it listens");
        (gateway, client)
    };
    let (gateway, mut client) = begin().await;
    let routes = json!({"routes": [{"pool": "lab"}]});
    set(&mut client, "PUT", "/v1/routes", routes).await;
    assert_eq!(sent_by(&site, &mut client).await, 0);
    set(&mut client, "PATCH", "/v1/pools/lab", json!({"modems": ["m1"]})).await;
    assert_eq!(sent_by(&site, &mut client).await, 1);
    assert_eq!(gateway.terminate(), Some(0));

    let (gateway, mut client) = begin().await;
    assert_eq!(sent_by(&site, &mut client).await, 1);
    let (_, pools) = client.ask("GET", "/v1/pools", None).await.expect("it answers");
    assert_eq!(
        (&pools["data"][1]["source"], &pools["data"][1]["ready"]),
        (&json!("api"), &json!(["m1"]))
    );
    set(&mut client, "DELETE", "/v1/pools/lab", json!({})).await;
    assert_eq!(sent_by(&site, &mut client).await, 0);
    assert_eq!(gateway.terminate(), Some(0));

    let config = site.path("wardwire.toml");
    let file = std::fs::read_to_string(&config).expect("a configuration");
    std::fs::write(&config, file.replace(pool, "")).expect("it takes the change");
    let (gateway, mut client) = begin().await;
    let (_, routes) = client.ask("GET", "/v1/routes", None).await.expect("it answers");
    assert_eq!(
        (&routes["source"], &routes["data"][0]["pool"]),
        (&json!("api"), &json!("default"))
    );
    sent_by(&site, &mut client).await;
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn a_recipe_is_shown_first_and_sent_after_a_yes() {
    let site = Site::new(binary(), 1, "");
    let _bank = site.bank(&["--model", "quectel-ec25"]);
    let (gateway, _) = site.gateway();
    until(&site, "m0", "ready");
    let fits = said(&site, "provision", &["--modem", "m0"]);
    assert!(
        fits.contains("quectel-no-autodial: ") && !fits.contains("zte"),
        "{fits}"
    );
    let recipe = ["--modem", "m0", "--recipe", "quectel-no-autodial"];
    let declined = typed(&site, "provision", &recipe, "n\n");
    assert_eq!(declined.status.code(), Some(1));
    assert!(text(&declined.stdout).contains("would send to m0:\n  AT+QCFG=\"usbnet\",0\n"));
    assert!(
        !said(&site, "trace", &["--modem", "m0"]).contains("usbnet\",0"),
        "nothing was sent"
    );
    let done = typed(&site, "provision", &recipe, "y\n");
    let shown = text(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{shown}{}", text(&done.stderr));
    assert!(shown.contains("restarting m0\nthen:"), "{shown}");
    let (_, why) = refused(&site, "provision", &["--modem", "m0", "--recipe", "zte-no-disk"]);
    assert!(why.contains("is for modems of zte"), "{why}");
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn names_and_help_are_plain() {
    let site = Site::new(binary(), 1, "");
    let (_, why) = refused(&site, "modems", &["drain", "../m0"]);
    assert!(why.contains("names no modem and no SIM"), "{why}");
    for command in ["modems", "sims", "at", "trace", "provision"] {
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
