//! A client that costs little itself: one kept connection, requests made beforehand, answers read and not understood.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wardwire::clock;

use crate::Running;
use crate::common::number;

/// A connection that posts texts.
pub(crate) struct Poster {
    stream: TcpStream,
    key: String,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// Which texts, and how many.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) messages: usize,
    pub(crate) connections: usize,
    /// Not to be sent before, in milliseconds from now.
    pub(crate) after: Option<Duration>,
}

impl Poster {
    pub(crate) async fn connect(address: SocketAddr, key: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Self {
            stream,
            key: key.to_owned(),
            request: Vec::new(),
            answer: Vec::new(),
        }
    }

    /// Posts a text, with `send_at` where told; returns how long the 201 took.
    pub(crate) async fn post(&mut self, index: usize, send_at: Option<&str>) -> Duration {
        let send_at = send_at.map(|at| format!(r#","send_at":"{at}""#)).unwrap_or_default();
        let body = format!(
            r#"{{"to":"{}","body":"Your appointment is on June 20 at 10:00."{send_at}}}"#,
            number(index)
        );
        self.send("/v1/messages", &body, b"201").await
    }

    /// Posts a body; returns how long the answer took, which must have this status.
    pub(crate) async fn send(&mut self, path: &str, body: &str, wanted: &[u8; 3]) -> Duration {
        self.request.clear();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key,
            body.len(),
        );
        self.request.extend(head.as_bytes());
        let begun = Instant::now();
        self.stream.write_all(&self.request).await.expect("it listens");
        self.read().await;
        let status = self.answer.get(9..12).unwrap_or_default();
        assert_eq!(status, wanted, "{}", String::from_utf8_lossy(&self.answer));
        begun.elapsed()
    }

    async fn read(&mut self) {
        self.answer.clear();
        loop {
            let count = self.stream.read_buf(&mut self.answer).await.expect("it answers");
            assert!(count > 0, "the gateway hung up");
            let Some(end) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let head = String::from_utf8_lossy(&self.answer[..end]).to_ascii_lowercase();
            let length: usize = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next())
                .and_then(|length| length.parse().ok())
                .expect("a length");
            if self.answer.len() >= end + 4 + length {
                return;
            }
        }
    }
}

/// A moment from now as the API takes it.
pub(crate) fn moment(after: Duration) -> String {
    (clock::now().utc + after).to_string()
}

/// Posts all of it; how long each answer took, and all of them.
pub(crate) async fn post(running: &Running, load: Load) -> (Vec<Duration>, Duration) {
    let send_at = load.after.map(moment);
    let begun = Instant::now();
    let mut workers = Vec::new();
    for worker in 0..load.connections {
        let mut poster = running.poster().await;
        let share = |worker| load.messages * worker / load.connections;
        let (from, to, send_at) = (share(worker), share(worker + 1), send_at.clone());
        workers.push(tokio::spawn(async move {
            let mut took = Vec::with_capacity(to - from);
            for index in from..to {
                took.push(poster.post(index, send_at.as_deref()).await);
            }
            took
        }));
    }
    let mut took = Vec::with_capacity(load.messages);
    for worker in workers {
        took.append(&mut worker.await.expect("a client does not fail"));
    }
    (took, begun.elapsed())
}
