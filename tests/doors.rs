//! The contract of the command line and of the HTTP door, through the binary: real ports, real disk, real sockets.
#![expect(clippy::expect_used, reason = "a harness: a wrong assumption must stop the run")]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use common::{Client, Site};
use serde_json::{Value, json};

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wardwire"))
}

fn wardwire(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .output()
        .expect("the binary starts")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn check_config_names_every_mistake_with_its_place_and_exits_78() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.toml");
    std::fs::write(
        &file,
        "data_dir = 7\nregion = \"ZZ\"\ncolour = \"red\"\n[http]\nlisten = \"nowhere\"\n",
    )
    .unwrap();
    let output = wardwire(&["check-config", "--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(78));
    let said = text(&output.stderr);
    for (line, word) in [(1, "data_dir"), (2, "region"), (3, "colour"), (5, "listen")] {
        let place = format!("w.toml:{line}:");
        assert!(
            said.lines().any(|l| l.contains(&place) && l.contains(word)),
            "no {place} {word} in:\n{said}"
        );
    }
    let missing = wardwire(&["check-config", "--config", "/nowhere/w.toml"]);
    assert_eq!(missing.status.code(), Some(78));
}

#[test]
fn the_shipped_configuration_is_in_order() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/firmware-config/wardwire.toml");
    let output = wardwire(&["check-config", "--config", shipped]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_second_gateway_on_the_same_data_is_refused_by_name() {
    let site = Site::new(binary(), 0, "");
    let (first, _) = site.gateway_listening();
    let config = site.path("wardwire.toml");
    let second = wardwire(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("in use by process"),
        "{}",
        text(&second.stderr)
    );
    assert_eq!(first.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_made_with_and_without_a_daemon_and_a_wrong_one_is_refused() {
    let site = Site::new(binary(), 0, "");
    let before = site.key();
    let (gateway, address) = site.gateway_listening();
    let during = site.key();
    assert_ne!(before, during);
    for key in [&before, &during] {
        let mut client = Client::connect(address, key).await.unwrap();
        assert_eq!(client.ask("GET", "/v1/messages", None).await.unwrap().0, 200);
    }
    let wrong = format!("{}x", &before[..before.len() - 1]);
    let mut client = Client::connect(address, &wrong).await.unwrap();
    let (status, problem) = client.ask("GET", "/v1/messages", None).await.unwrap();
    assert_eq!((status, problem["code"].as_str()), (401, Some("unauthenticated")));
    assert_eq!(gateway.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_gets_its_problem_and_nothing_is_stored() {
    let site = Site::new(binary(), 0, "");
    let key = site.key();
    let (gateway, address) = site.gateway_listening();
    let mut client = Client::connect(address, &key).await.unwrap();
    let good = "+353871234567";
    let eleven_parts = "a".repeat(153 * 10 + 1);
    let two_mib = "a".repeat(2 * 1024 * 1024);
    let cases = [
        (json!({ "to": "12", "body": "x" }), 422, "number_invalid"),
        (json!({ "to": "+35387a234567", "body": "x" }), 422, "number_invalid"),
        (json!({ "to": "112", "body": "x" }), 422, "number_invalid"),
        (
            json!({ "to": "+4915112345678", "body": "x" }),
            422,
            "country_not_allowed",
        ),
        (json!({ "to": good, "body": "" }), 400, "invalid_value"),
        (
            json!({ "to": good, "body": "x", "colour": "red" }),
            400,
            "unknown_field",
        ),
        (json!({ "body": "x" }), 400, "missing_field"),
        (
            json!({ "to": good, "body": eleven_parts, "max_parts": 10 }),
            422,
            "too_many_parts",
        ),
        (json!({ "to": good, "body": two_mib }), 413, "content_too_large"),
    ];
    for (body, status, code) in cases {
        let mut shown = body.to_string();
        shown.truncate(80);
        let (got, problem) = client.ask("POST", "/v1/messages", Some(body)).await.unwrap();
        let codes = codes(&problem);
        assert_eq!(got, status, "{shown}: {problem}");
        assert!(codes.iter().any(|c| c == code), "{shown}: {codes:?} without {code}");
        assert!(
            !problem.to_string().contains("871234567"),
            "{shown}: the number stands in the problem"
        );
        if got == 413 {
            client = Client::connect(address, &key).await.unwrap();
        }
    }
    assert_eq!(client.messages().await.unwrap(), Vec::<Value>::new());
    assert_eq!(gateway.terminate(), Some(0));
}

/// The code of a problem and those of its fields.
fn codes(problem: &Value) -> Vec<String> {
    let own = problem["code"].as_str().map(str::to_owned);
    let fields = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|e| e["code"].as_str().map(str::to_owned));
    own.into_iter().chain(fields).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn send_waits_for_the_phone_and_an_answer_comes_back() {
    let site = Site::new(binary(), 2, "");
    let _bank = site.bank(&["--report-delay-ms", "50"]);
    let (gateway, address) = site.gateway();
    let config = site.path("wardwire.toml");
    let config = config.to_str().unwrap().to_owned();
    let sent = tokio::task::spawn_blocking(move || {
        wardwire(&[
            "send",
            "--config",
            &config,
            "--to",
            "0871234567",
            "--text",
            "Reply Y to confirm \u{1f44d}",
            "--wait",
        ])
    });
    let sent = sent.await.unwrap();
    let said = text(&sent.stdout);
    assert_eq!(sent.status.code(), Some(0), "{said}{}", text(&sent.stderr));
    assert!(said.trim_end().ends_with("delivered"), "{said}");
    let mut client = Client::connect(address, &site.key()).await.unwrap();
    let answered = Duration::from_secs(10);
    let end = std::time::Instant::now() + answered;
    let answer = loop {
        let rows = client.all("/v1/inbound-messages").await.unwrap();
        if let Some(row) = rows.first() {
            break row.clone();
        }
        assert!(std::time::Instant::now() < end, "no answer in {answered:?}");
    };
    assert_eq!(
        (answer["from"].as_str(), answer["body"].as_str()),
        (Some("+353871234567"), Some("Y"))
    );
    assert_eq!(
        (answer["parts"].as_u64(), answer["incomplete"].as_bool()),
        (Some(1), Some(false))
    );
    assert_eq!(gateway.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_sent_while_no_gateway_runs_goes_out_when_one_does() {
    let site = Site::new(binary(), 1, "");
    let config = site.path("wardwire.toml");
    let queued = wardwire(&[
        "send",
        "--config",
        config.to_str().unwrap(),
        "--to",
        "+353871234567",
        "--text",
        "Later",
    ]);
    assert_eq!(queued.status.code(), Some(0), "{}", text(&queued.stderr));
    let key = site.key();
    let _bank = site.bank(&["--report-delay-ms", "50"]);
    let (gateway, address) = site.gateway();
    let mut client = Client::connect(address, &key).await.unwrap();
    let delivered = |rows: &[Value]| rows.len() == 1 && rows[0]["status"] == "delivered";
    client.until(Duration::from_secs(20), delivered).await;
    assert_eq!(site.air("accepted").len(), 1);
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn a_text_for_a_part_of_the_day_waits_for_it_and_one_that_cannot_be_is_refused() {
    let site = Site::new(binary(), 0, "");
    let config = site.path("wardwire.toml");
    let send = |window: &str, zone: &str| {
        let config = config.to_str().unwrap();
        let to = ["send", "--config", config, "--to", "+353871234567", "--text", "x"];
        wardwire(&[&to[..], &["--window", window, "--timezone", zone]].concat())
    };
    // One of two halves of the day is not now, also when noon comes meanwhile.
    let said = ["00:00-12:00", "12:00-24:00", "00:00-12:00"].map(|half| text(&send(half, "Europe/Dublin").stdout));
    assert!(
        said.iter().any(|said| said.trim_end().ends_with("scheduled")),
        "{said:?}"
    );
    for (window, zone, wrong) in [
        ("09:00-25:00", "Europe/Dublin", "finish"),
        ("09:00-20:00", "Europe/Atlantis", "zone"),
    ] {
        let refused = send(window, zone);
        assert_ne!(refused.status.code(), Some(0));
        assert!(text(&refused.stderr).contains(wrong), "{}", text(&refused.stderr));
    }
}

#[test]
fn in_pilot_a_text_to_a_stranger_is_held() {
    let site = Site::new(binary(), 0, "");
    let config = site.path("wardwire.toml");
    let live = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        live.replace("pilot = false", "pilot = true\npilot_numbers = [\"+353861111111\"]"),
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let stranger = wardwire(&["send", "--config", config, "--to", "+353871234567", "--text", "x"]);
    assert!(
        text(&stranger.stdout).trim_end().ends_with("held"),
        "{}",
        text(&stranger.stdout)
    );
    let listed = wardwire(&["send", "--config", config, "--to", "+353861111111", "--text", "x"]);
    assert!(
        text(&listed.stdout).trim_end().ends_with("queued"),
        "{}",
        text(&listed.stdout)
    );
}
