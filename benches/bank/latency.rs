//! How long the gateway takes, where the virtual modem sees it: between two commands, before the first, after what comes in.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use wardwire::clock;

use crate::Running;
use crate::client::{Load, post};
use crate::rates::delivered;
use crate::report::{Goal, Row};
use crate::wire::{By, Said};

/// 24 times the letter k.
const SECRET: &str = "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr";

/// From a result to the next command, with more waiting than the modems can send.
pub(crate) async fn gap(all: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for modems in [8, 32].into_iter().take(if all { 2 } else { 1 }) {
        let running = Running::watched(modems, &["--latency-ms", "200"], "").await;
        let mut wire = running.wire();
        let messages = modems * 50;
        let load = Load {
            messages,
            connections: 16,
            after: None,
        };
        post(&running, load).await;
        delivered(&running, messages).await;
        let mut result_at = vec![None; modems];
        let mut gaps = Vec::new();
        while let Some(said) = wire.next() {
            if said.tells("+CMGS: ") {
                result_at[said.modem] = Some(said.us);
            } else if said.by == By::Driver
                && let Some(at) = result_at[said.modem].take()
            {
                gaps.push(since(at, &said));
            }
        }
        // The last of each modem is followed by something much later.
        gaps.sort_unstable();
        gaps.truncate(messages - modems);
        rows.push(Row::new(format!("{modems} modems, 200 ms")).spread("gap", gaps, (Goal::None, Goal::Below(5.0))));
    }
    rows
}

/// From the request to the first byte, one text at a time.
pub(crate) async fn first() -> Vec<Row> {
    const TEXTS: usize = 300;
    let running = Running::watched(8, &["--report-delay-ms", "60000"], "").await;
    let mut wire = running.wire();
    let mut poster = running.poster().await;
    let (mut answered, mut bytes) = (Vec::new(), Vec::new());
    for index in 0..TEXTS {
        // Not in step with anything.
        tokio::time::sleep(Duration::from_micros(2_000 + 137 * (index as u64 % 41))).await;
        let begun = clock::unix_micros();
        answered.push(poster.post(index, None).await);
        let command = wire.until(|said| said.begins("AT+CMGS=")).await;
        bytes.push(since(begun, &command));
        wire.until(|said| said.tells("+CMGS: ")).await;
    }
    vec![
        Row::new("8 idle modems, one text at a time")
            .spread("POST -> first byte", bytes, (Goal::None, Goal::Below(20.0)))
            .spread("POST -> 201", answered, (Goal::None, Goal::None)),
    ]
}

/// From the announcement of a text to its deletion, which follows its commit, and to the webhook.
pub(crate) async fn inbound() -> Vec<Row> {
    const TEXTS: usize = 300;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, mut told) = mpsc::channel(16);
    tokio::spawn(receive(listener, sender));
    let webhook = format!(
        "[[webhook]]\nlabel = \"his\"\nurl = \"http://127.0.0.1:{port}/x\"\nsecret = \"{SECRET}\"\ntypes = [\"message.received\"]\n"
    );
    let mut running = Running::watched(8, &[], &webhook).await;
    let mut wire = running.wire();
    let (mut stored, mut out) = (Vec::new(), Vec::new());
    for index in 0..TEXTS {
        tokio::time::sleep(Duration::from_micros(2_000 + 137 * (index as u64 % 41))).await;
        running.inject(index % 8, index);
        let announced = wire.until(|said| said.tells("+CMTI: ")).await;
        let deletes = wire.until(|said| said.begins("AT+CMGD=")).await;
        stored.push(since(announced.us, &deletes));
        let heard = tokio::time::timeout(Duration::from_secs(30), told.recv());
        let heard = heard.await.expect("it is told in time").expect("it is told");
        out.push(Duration::from_micros(heard.saturating_sub(announced.us)));
    }
    vec![
        Row::new("8 idle modems, one text at a time")
            .spread("+CMTI -> stored", stored, (Goal::Below(5.0), Goal::Below(10.0)))
            .spread("+CMTI -> webhook", out, (Goal::None, Goal::Below(20.0))),
    ]
}

fn since(us: u64, said: &Said) -> Duration {
    Duration::from_micros(said.us.saturating_sub(us))
}

/// Takes what is told, and when it was there.
async fn receive(listener: TcpListener, told: mpsc::Sender<u64>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let told = told.clone();
        tokio::spawn(async move {
            let mut heard = Vec::new();
            while stream.read_buf(&mut heard).await.is_ok_and(|count| count > 0) {
                let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") else {
                    continue;
                };
                let head = String::from_utf8_lossy(&heard[..end]).to_ascii_lowercase();
                let length = head
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|rest| rest.lines().next()?.parse::<usize>().ok())
                    .unwrap_or_default();
                if heard.len() < end + 4 + length {
                    continue;
                }
                heard.clear();
                let answer = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n";
                if told.send(clock::unix_micros()).await.is_err() || stream.write_all(answer).await.is_err() {
                    return;
                }
            }
        });
    }
}
