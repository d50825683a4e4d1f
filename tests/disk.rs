//! A disk that fills up or fails under a running gateway: what it says, what still gets in, and that it goes on by itself.
//! The file system is a real one; a limit of the kernel makes it fail, the gateway's own limit makes it full.
#![expect(clippy::expect_used, reason = "a harness: a wrong assumption must stop the run")]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use common::{Client, Site, number};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_wardwire"))
}

/// A bank of one modem whose phones write when they are told to.
struct Phones(Child);

impl Phones {
    fn new(site: &Site) -> Self {
        let mut bank = Command::new(binary())
            .args(["simulate", "--modems", "1", "--report-delay-ms", "50", "--dir"])
            .arg(site.path("bank"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(bank.stdout.take().expect("stdout is piped")).lines();
        let ready = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("ready")));
        assert!(ready.is_some(), "it is ready");
        Self(bank)
    }

    fn write(&mut self, from: &str, text: &str) {
        let stdin = self.0.stdin.as_mut().expect("stdin is piped");
        writeln!(stdin, "{}", json!({ "modem": 0, "from": from, "text": text })).expect("it reads");
    }
}

impl Drop for Phones {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until the answer is as wanted; that answer.
async fn until(client: &mut Client, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        let (_, answer) = client.ask("GET", path, None).await.expect("the gateway answers");
        if wanted(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{path}: {answer}");
    }
}

fn has_stop(inbox: &Value) -> bool {
    let rows = inbox["data"].as_array().into_iter().flatten();
    rows.filter(|row| row["body"] == "STOP").count() > 0
}

/// A long text that is not due before the test is over.
fn later(index: usize) -> Value {
    let month = chrono::DateTime::<chrono::Utc>::from(SystemTime::now() + Duration::from_secs(30 * 24 * 3600));
    json!({ "to": number(index), "body": "The ward round is at ten. ".repeat(55), "max_parts": 10,
            "send_at": month.to_rfc3339_opts(chrono::SecondsFormat::Secs, true) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_new_texts_lets_a_stop_in_and_sends_what_it_has() {
    let site = Site::new(binary(), 1, "[storage]\nsize_limit_mib = 2\nreserve_mib = 1\n");
    let mut phones = Phones::new(&site);
    let key = site.key();
    let (gateway, address) = site.gateway();
    assert_eq!(
        std::fs::metadata(site.path("data/reserve")).expect("a reserve").len(),
        1 << 20
    );
    let mut client = Client::connect(address, &key).await.expect("it listens");
    let mut accepted = 0;
    let problem = loop {
        let (status, answer) = client
            .ask("POST", "/v1/messages", Some(later(accepted)))
            .await
            .expect("an answer");
        match status {
            201 => accepted += 1,
            503 => break answer,
            _ => panic!("{status} {answer}"),
        }
        assert!(accepted < 5_000, "the limit does not hold");
    };
    assert_eq!(problem["code"], "storage_full");
    assert!(problem["retry_after_s"].as_u64() > Some(0), "{problem}");
    let status = until(&mut client, "/v1/status", |status| status["storage"]["state"] == "full").await;
    assert!(
        status["sentence"].as_str().expect("text").contains("disk is full"),
        "{status}"
    );
    assert_eq!(client.ask("GET", "/readyz", None).await.expect("an answer").0, 503);
    phones.write("+353871111111", "STOP");
    until(&mut client, "/v1/inbound-messages", has_stop).await;
    assert_eq!(client.messages().await.expect("an answer").len(), accepted);
    assert_eq!(gateway.terminate(), Some(0));
    // More room in the configuration is room.
    let file = site.path("wardwire.toml");
    let text = std::fs::read_to_string(&file)
        .expect("a file")
        .replace("size_limit_mib = 2", "size_limit_mib = 9");
    std::fs::write(&file, text).expect("a file");
    let (gateway, address) = site.gateway();
    let mut client = Client::connect(address, &key).await.expect("it listens");
    let id = client.send(&number(1), "There is room again").await.expect("an answer");
    until(&mut client, &format!("/v1/messages/{id}"), |message| {
        message["status"] == "delivered"
    })
    .await;
    assert_eq!(gateway.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_writes_stops_nothing_for_good() {
    let site = Site::new(binary(), 1, "[storage]\nreserve_mib = 1\n");
    let mut phones = Phones::new(&site);
    let key = site.key();
    // The kernel refuses to let files grow instead of killing who tries.
    let (mut gateway, address) = site.gateway_after("trap '' XFSZ");
    gateway.line_with(" ready ");
    let mut client = Client::connect(address, &key).await.expect("it listens");
    let before = client.send(&number(1), "Before").await.expect("an answer");
    until(&mut client, &format!("/v1/messages/{before}"), |message| {
        message["status"] == "delivered"
    })
    .await;
    let pid = Pid::from_child(&gateway.child);
    let bytes = |current| Rlimit { current, maximum: None };
    prlimit(Some(pid), Resource::Fsize, bytes(Some(0))).expect("our own child");
    let (status, problem) = client
        .ask(
            "POST",
            "/v1/messages",
            Some(json!({ "to": number(2), "body": "Refused" })),
        )
        .await
        .expect("it lives");
    assert_eq!((status, &problem["code"]), (503, &json!("storage_full")), "{problem}");
    phones.write("+353871111111", "STOP");
    let status = until(&mut client, "/v1/status", |status| {
        status["storage"]["state"] == "failing"
    })
    .await;
    assert!(
        status["sentence"]
            .as_str()
            .expect("text")
            .contains("disk does not work"),
        "{status}"
    );
    let (_, inbox) = client
        .ask("GET", "/v1/inbound-messages", None)
        .await
        .expect("an answer");
    assert!(!has_stop(&inbox), "what cannot be kept is not shown");
    prlimit(Some(pid), Resource::Fsize, bytes(None)).expect("our own child");
    // The modem kept the text until it was on disk.
    until(&mut client, "/v1/inbound-messages", has_stop).await;
    until(&mut client, "/v1/status", |status| {
        status["storage"]["state"] != "failing"
    })
    .await;
    let after = client.send(&number(3), "After").await.expect("an answer");
    until(&mut client, &format!("/v1/messages/{after}"), |message| {
        message["status"] == "delivered"
    })
    .await;
    assert_eq!(
        client.messages().await.expect("an answer").len(),
        2,
        "a refused text is not there"
    );
    assert_eq!(gateway.terminate(), Some(0));
}

#[test]
fn a_damaged_database_is_refused_with_what_to_do_and_left_as_it_is() {
    let site = Site::new(binary(), 0, "");
    site.key();
    let file = site.path("data/wardwire.db");
    let good = std::fs::read(&file).expect("a database");
    let mut torn = good.clone();
    let middle = good.len() / 2;
    torn.splice(middle..middle + 8_192, [0x5A; 8_192]);
    let mut strange = good.clone();
    strange.splice(..16, *b"This is no file!");
    for octets in [&torn, &strange, &good[..middle / 4_096 * 4_096].to_vec()] {
        std::fs::write(&file, octets).expect("a file");
        let run = Command::new(binary())
            .args(["run", "--config"])
            .arg(site.path("wardwire.toml"))
            .output()
            .expect("the binary starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{said}");
        let path = file.to_str().expect("a plain name");
        for words in [path, "is damaged", "left as it is", "backup"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(std::fs::read(&file).expect("a file") == *octets, "the file was changed");
    }
    std::fs::write(&file, &good).expect("a file");
    drop(site.gateway_listening());
}
