//! What tests and benches of the whole share: a virtual bank and a gateway as processes of their own, and an HTTP client.
//! Everything through public doors; every wait has a bound.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a harness: a wrong assumption must stop the run"
)]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Longest wait for a process to say something.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process whose lines are read; killed when dropped.
pub struct Process {
    pub child: Child,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Process {
    fn start(mut command: Command, from_stderr: bool) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary starts");
        let out: Box<dyn std::io::Read + Send> = if from_stderr {
            Box::new(child.stderr.take().expect("stderr is piped"))
        } else {
            Box::new(child.stdout.take().expect("stdout is piped"))
        };
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            heard: Vec::new(),
        }
    }

    /// The first line from now on that contains `words`.
    pub fn line_with(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no line with {words:?}; heard:\n{}", self.heard.join("\n"))
                }
            }
        }
    }

    pub fn kill_hard(mut self) {
        self.child.kill().expect("a running process can be killed");
        self.child.wait().expect("a killed process can be reaped");
    }

    /// SIGTERM, and the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a running process takes a signal");
        self.child.wait().expect("it ends").code()
    }

    /// CPU seconds, user and system, since it started.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .expect("a name in brackets")
            .split_whitespace()
            .collect();
        let ticks = |field: usize| fields[field].parse::<f64>().expect("a number");
        (ticks(11) + ticks(12)) / 100.0
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("a line VmRSS");
        line.split_whitespace()
            .nth(1)
            .and_then(|kib| kib.parse::<f64>().ok())
            .expect("a number")
            / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a bank, a configuration and the gateway's data; gone when dropped.
pub struct Site {
    folder: tempfile::TempDir,
    binary: PathBuf,
    modems: usize,
}

impl Site {
    /// A site of the binary under test. `extra` is added to the configuration's `[policy]`, which comes last.
    pub fn new(binary: &Path, modems: usize, extra: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let site = Self {
            folder,
            binary: binary.to_owned(),
            modems,
        };
        let mut text = format!(
            "data_dir = {:?}\nregion = \"IE\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
            site.path("data")
        );
        // Never a real modem of this machine.
        text.push_str("[discovery]\nenabled = false\n");
        text.push_str("[sim_defaults]\nper_minute = 0\nburst = 0\nper_hour = 0\nper_day = 0\n");
        for index in 0..modems {
            text.push_str(&format!(
                "[[modem]]\nlabel = \"m{index}\"\nport = {:?}\n",
                site.path(&format!("bank/modem{index}"))
            ));
        }
        text.push_str("[policy]\npilot = false\n");
        text.push_str(extra);
        std::fs::write(site.path("wardwire.toml"), text).expect("the folder takes a file");
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg(name).env_remove("JOURNAL_STREAM").stdin(Stdio::null());
        command
    }

    /// `wardwire simulate`, ready.
    pub fn bank(&self, extra: &[&str]) -> Process {
        let journal = self.path("journal.jsonl");
        let journal = ["--journal", journal.to_str().expect("a folder with a plain name")];
        self.bank_in("bank", self.modems, &[&journal, extra].concat())
    }

    /// Another one beside it.
    pub fn bank_in(&self, folder: &str, modems: usize, extra: &[&str]) -> Process {
        let mut command = self.command("simulate");
        command.arg("--modems").arg(modems.to_string());
        command.arg("--dir").arg(self.path(folder)).args(extra);
        command.stdin(Stdio::piped());
        let mut process = Process::start(command, false);
        process.line_with("ready");
        process
    }

    /// `wardwire run`, with a SIM that can send, and where it listens.
    pub fn gateway(&self) -> (Process, SocketAddr) {
        let (mut process, address) = self.gateway_listening();
        process.line_with(" ready ");
        (process, address)
    }

    /// `wardwire run`, as soon as it listens.
    pub fn gateway_listening(&self) -> (Process, SocketAddr) {
        let mut command = self.command("run");
        command.arg("--config").arg(self.path("wardwire.toml"));
        Self::listening(command)
    }

    /// The same, after these words of a shell, as `ulimit -n 64`.
    pub fn gateway_after(&self, words: &str) -> (Process, SocketAddr) {
        let mut command = Command::new("/bin/sh");
        command.env_remove("JOURNAL_STREAM").stdin(Stdio::null());
        command
            .arg("-c")
            .arg(format!("{words}; exec \"$0\" run --config \"$1\""));
        command.arg(&self.binary).arg(self.path("wardwire.toml"));
        Self::listening(command)
    }

    fn listening(command: Command) -> (Process, SocketAddr) {
        let mut process = Process::start(command, true);
        let line = process.line_with("listening");
        let address = line
            .split("listen=")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .expect("an address");
        let address = address.parse().expect("an address");
        (process, address)
    }

    /// A key for everything the tests do.
    pub fn key(&self) -> String {
        let mut command = self.command("keys");
        command.arg("create").arg("--config").arg(self.path("wardwire.toml"));
        command.args(["--label", "test", "--scope"]);
        command.arg(
            "messages:send,messages:read,messages:read_body,messages:cancel,conversations:read,batches:send,status:read,\
             events:read,modems:read,modems:write",
        );
        let output = command.output().expect("the binary starts");
        assert!(
            output.status.success(),
            "keys create: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout)
            .expect("a key is text")
            .trim()
            .to_owned()
    }

    /// What the air saw: the journal's lines of this kind.
    pub fn air(&self, kind: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("journal.jsonl")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["event"] == kind).collect()
    }
}

/// An HTTP client with one connection kept open.
pub struct Client {
    sender: SendRequest<Body>,
    key: String,
}

impl Client {
    pub async fn connect(address: SocketAddr, key: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            key: key.to_owned(),
        })
    }

    /// Status and JSON; an error when the other side is gone.
    pub async fn ask(&mut self, method: &str, path: &str, body: Option<Value>) -> Result<(u16, Value), hyper::Error> {
        self.ask_once(method, path, None, body).await
    }

    /// Posts a text under an idempotency key.
    pub async fn post_once(&mut self, key: &str, body: Value) -> Result<(u16, Value), hyper::Error> {
        self.ask_once("POST", "/v1/messages", Some(key), Some(body)).await
    }

    async fn ask_once(
        &mut self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Result<(u16, Value), hyper::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Body::from(body.map(|body| body.to_string()).unwrap_or_default());
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(body).expect("a request")).await?;
        let status = answer.status().as_u16();
        let octets = answer.into_body().collect().await?.to_bytes();
        Ok((status, serde_json::from_slice(&octets).unwrap_or(Value::Null)))
    }

    /// Posts a text; its id once the gateway said 201.
    pub async fn send(&mut self, to: &str, text: &str) -> Result<String, hyper::Error> {
        let (status, answer) = self
            .ask("POST", "/v1/messages", Some(json!({ "to": to, "body": text })))
            .await?;
        assert_eq!(status, 201, "{answer}");
        Ok(answer["id"].as_str().expect("an id").to_owned())
    }

    /// All messages, page by page.
    pub async fn messages(&mut self) -> Result<Vec<Value>, hyper::Error> {
        self.all("/v1/messages").await
    }

    /// All rows of a list, page by page.
    pub async fn all(&mut self, path: &str) -> Result<Vec<Value>, hyper::Error> {
        let mut rows = Vec::new();
        let mut next = format!("{path}?limit=200");
        loop {
            let (status, page) = self.ask("GET", &next, None).await?;
            assert_eq!(status, 200, "{page}");
            rows.extend(page["data"].as_array().expect("data").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{path}?limit=200&cursor={cursor}"),
                None => return Ok(rows),
            }
        }
    }

    /// How many events there are of each type.
    pub async fn events(&mut self) -> Result<std::collections::BTreeMap<String, usize>, hyper::Error> {
        let mut counts = std::collections::BTreeMap::new();
        let mut after = 0;
        loop {
            let path = format!("/v1/events?after={after}");
            let (status, page) = self.ask("GET", &path, None).await?;
            assert_eq!(status, 200, "{page}");
            let rows = page["data"].as_array().expect("data");
            for row in rows {
                *counts
                    .entry(row["type"].as_str().unwrap_or_default().to_owned())
                    .or_default() += 1;
            }
            if rows.is_empty() {
                return Ok(counts);
            }
            after = page["next_after"].as_u64().expect("where to go on");
        }
    }

    /// Looks every 50 ms until `enough` says so of all messages; panics with their counts after `limit`.
    pub async fn until(&mut self, limit: Duration, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let end = Instant::now() + limit;
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let messages = self.messages().await.expect("the gateway answers");
            if enough(&messages) {
                return messages;
            }
            assert!(Instant::now() < end, "after {limit:?}: {:?}", statuses(&messages));
        }
    }
}

/// How many messages there are of each status.
pub fn statuses(messages: &[Value]) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for message in messages {
        *counts
            .entry(message["status"].as_str().unwrap_or_default().to_owned())
            .or_default() += 1;
    }
    counts
}

/// A number of nobody's, valid in Ireland, different for each index below a million.
pub fn number(index: usize) -> String {
    format!("+35387{:07}", 1_000_000 + index)
}
