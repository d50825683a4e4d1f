//! Webhooks against a real receiver that hangs, fails and comes back, while the gateway is killed in between: every event
//! arrives, in the order of its message, signed, without number or text.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use common::{Client, Site, number};
use ring::hmac;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
/// 24 times the letter k.
const SECRET: &str = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr";

/// What came, with the way to answer it.
struct Told {
    headers: BTreeMap<String, String>,
    body: String,
    stream: TcpStream,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn id(&self) -> String {
        self.headers["webhook-id"].clone()
    }

    fn answer(mut self, status: &str) {
        // Whoever asked may be gone.
        let _ = write!(
            self.stream,
            "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
    }

    /// As a receiver checks it.
    fn is_signed(&self) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[b'k'; 24]);
        let text = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        let signature = self.headers["webhook-signature"]
            .strip_prefix("v1,")
            .expect("version 1");
        // The same Base64 as that of a secret, and as long as one may be.
        let octets = wardwire::config::webhook_secret(&format!("whsec_{signature}")).expect("Base64");
        hmac::verify(&key, text.as_bytes(), &octets).is_ok()
    }
}

fn read(stream: TcpStream) -> Option<Told> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|octets| *octets > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Told {
        headers,
        body: String::from_utf8(body).ok()?,
        stream,
    })
}

fn receive(listener: &TcpListener, sender: &Sender<Told>) {
    for stream in listener.incoming().map_while(Result::ok) {
        if let Some(told) = read(stream)
            && sender.send(told).is_err()
        {
            return;
        }
    }
}

fn next(told: &Receiver<Told>) -> Told {
    told.recv_timeout(PATIENCE).expect("something is told")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_in_order_over_a_kill_and_a_failing_receiver() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, told) = channel();
    std::thread::spawn(move || receive(&listener, &sender));
    let webhook = format!("[[webhook]]\nlabel = \"pas\"\nurl = \"http://127.0.0.1:{port}/x\"\nsecret = \"{SECRET}\"\n");
    let site = Site::new(Path::new(env!("CARGO_BIN_EXE_wardwire")), 1, &webhook);
    let _bank = site.bank(&["--report-delay-ms", "50"]);
    let key = site.key();
    let (gateway, address) = site.gateway();
    let mut client = Client::connect(address, &key).await.expect("it listens");
    let id = client.send(&number(1), "Reply Y to confirm").await.expect("an answer");
    // The first is heard but not answered, and the gateway dies.
    let unanswered = next(&told);
    assert_eq!(unanswered.json()["type"], "message.created");
    assert!(unanswered.is_signed());
    client
        .until(PATIENCE, |messages| messages[0]["status"] == "delivered")
        .await;
    let (_, status) = client.ask("GET", "/v1/status", None).await.expect("an answer");
    assert!(status["webhooks"]["pending"].as_u64() > Some(0), "{status}");
    gateway.kill_hard();
    let (gateway, _) = site.gateway();
    // Told again under the same id; refused once, it comes a third time, before anything else of its message.
    let mut heard: Vec<Value> = Vec::new();
    let mut tries = Vec::new();
    while heard
        .iter()
        .filter(|event| event["data"]["status"] == "delivered")
        .count()
        == 0
    {
        let next = next(&told);
        assert!(
            next.is_signed() && !next.body.contains("+353") && !next.body.contains("Reply"),
            "{}",
            next.body
        );
        if next.id() == unanswered.id() {
            tries.push(next.id());
            if tries.len() == 1 {
                next.answer("500 Not now");
                continue;
            }
        }
        if next.json()["data"]["message_id"] == *id {
            heard.push(next.json());
        }
        next.answer("204 Thanks");
    }
    assert_eq!(tries.len(), 2);
    let types: Vec<_> = heard
        .iter()
        .map(|event| event["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(types.first(), Some(&"message.created"));
    assert_eq!(types.last(), Some(&"message.delivered"));
    let sequences: Vec<_> = heard.iter().map(|event| event["sequence"].as_u64()).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    drop(gateway);
}
