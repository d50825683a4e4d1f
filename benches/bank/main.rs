//! `cargo bench --bench bank`: the real daemon against the virtual bank on ptys, everything through public doors: HTTP in, the
//! wire as the virtual modem sees it, webhooks out.
//!
//! `cargo bench --bench bank [-- SCENARIO ..] [all] [--json FILE] [--against FILE] [--plot FILE] [--messages N] [--seconds N] [--binary FILE]`
//!
//! Without a name the quick set is run (under three minutes), with `all` everything. `--json` keeps the figures, `--against` puts
//! those of an earlier run beside them, `--plot` draws the goals as SVG; `--binary` measures another build of the gateway. The bank, the gateway and this client
//! share the machine's cores: read ratios of one run, not figures of two; `busy` tells what others took of the machine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with tests; the bench uses a part of it")]
#[path = "../../tests/common/mod.rs"]
mod common;

mod api;
mod batches;
mod client;
mod latency;
mod machine;
mod plot;
mod rates;
mod report;
mod rest;
mod wire;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use common::{Client, Process, Site, number};
use report::{Report, Row};
use serde_json::json;

/// No scenario takes longer, unless it was told how long.
const LIMIT: Duration = Duration::from_secs(170);

/// What the command line asks for.
#[derive(Debug, Default)]
struct Ask {
    names: Vec<String>,
    all: bool,
    json: Option<PathBuf>,
    plot: Option<PathBuf>,
    against: Option<PathBuf>,
    /// Messages a rate is measured over, where the default is not wanted.
    messages: Option<usize>,
    /// How long the steady load is kept up.
    seconds: Option<u64>,
    binary: Option<PathBuf>,
}

/// The gateway under test, and the bank.
static BINARY: OnceLock<PathBuf> = OnceLock::new();

/// Name, whether it belongs to the quick set, and what it shows.
const SCENARIOS: [(&str, bool, &str); 11] = [
    ("full", true, "no airtime: what the software alone can do"),
    (
        "rates",
        true,
        "share of the ideal (a modem works all of its time), once under way",
    ),
    ("gap", true, "a result on the wire -> the next command"),
    ("first", true, "a POST -> the first byte of AT+CMGS on an idle modem"),
    ("inbound", true, "+CMTI -> stored (the deletion begins) -> webhook"),
    ("burst", true, "200 texts for one SIM of 30 places"),
    ("accepts", true, "durable accepts over kept connections"),
    (
        "batches",
        true,
        "the same text to many: on disk, and with a message each",
    ),
    ("idle", true, "what an idle gateway costs"),
    ("steady", false, "200 accepts a second while 16 modems send"),
    ("queued", false, "memory with 64 modems and many messages queued"),
];

fn main() {
    let ask = Ask::parse(std::env::args().skip(1));
    let own = Path::new(env!("CARGO_BIN_EXE_wardwire")).to_owned();
    let binary = BINARY.get_or_init(|| ask.binary.clone().unwrap_or(own));
    assert!(binary.exists(), "{} is there", binary.display());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let chosen: Vec<_> = SCENARIOS
        .into_iter()
        .filter(|(name, quick, _)| match ask.names.is_empty() {
            true => *quick || ask.all,
            false => ask.names.iter().any(|asked| asked == name),
        })
        .collect();
    let mut report = Report::default();
    for (nth, (name, _, what)) in chosen.iter().enumerate() {
        eprintln!("[{}/{}] {name}: {what}", nth + 1, chosen.len());
        let busy = machine::Busy::begin();
        let limit = LIMIT + Duration::from_secs(ask.seconds.unwrap_or_default());
        let rows = runtime
            .block_on(async { tokio::time::timeout(limit, run(name, &ask)).await })
            .expect("the scenario ends in time");
        report.add(name, what, rows, busy.others());
    }
    report.judge();
    if let Some(path) = &ask.against {
        report.compare(path);
    }
    if let Some(path) = &ask.json {
        report.write(path);
    }
    if let Some(path) = &ask.plot {
        report.plot(path);
    }
}

async fn run(name: &str, ask: &Ask) -> Vec<Row> {
    match name {
        "full" => rates::full(ask.messages.unwrap_or(4_000)).await,
        "rates" => rates::shares(ask.all).await,
        "gap" => latency::gap(ask.all).await,
        "first" => latency::first().await,
        "inbound" => latency::inbound().await,
        "burst" => rest::burst().await,
        "accepts" => api::accepts().await,
        "batches" => batches::batches(ask.messages.unwrap_or(50_000)).await,
        "idle" => rest::idle().await,
        "steady" => api::steady(ask.seconds.unwrap_or(30)).await,
        _ => rest::queued(ask.messages.unwrap_or(100_000)).await,
    }
}

impl Ask {
    fn parse(mut words: impl Iterator<Item = String>) -> Self {
        let mut ask = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().expect("a value behind the option");
            match word.as_str() {
                "--bench" => {}
                "--json" => ask.json = Some(PathBuf::from(value())),
                "--plot" => ask.plot = Some(PathBuf::from(value())),
                "--against" => ask.against = Some(PathBuf::from(value())),
                "--messages" => ask.messages = value().parse().ok(),
                "--seconds" => ask.seconds = value().parse().ok(),
                "--binary" => ask.binary = Some(PathBuf::from(value())),
                "all" | "--all" => ask.all = true,
                name => {
                    let names = SCENARIOS.map(|(name, ..)| name).join(", ");
                    assert!(SCENARIOS.iter().any(|(known, ..)| *known == name), "known are {names}");
                    ask.names.push(name.to_owned());
                }
            }
        }
        ask
    }
}

/// A bank and a gateway that run, and where to reach it.
struct Running {
    site: Site,
    bank: Process,
    gateway: Process,
    address: std::net::SocketAddr,
    key: String,
}

impl Running {
    /// `options` are the bank's; `more` is added to the configuration. All modems serve when this returns.
    async fn start(modems: usize, options: &[&str], more: &str) -> Self {
        Self::begin(site(modems, more), modems, options).await
    }

    /// The same, with what goes over the lines on record. That costs the bank, so no rates are measured with it.
    async fn watched(modems: usize, options: &[&str], more: &str) -> Self {
        let site = site(modems, more);
        let wire = site.path("wire");
        let wire = ["--wire", wire.to_str().expect("a plain name")];
        Self::begin(site, modems, &[&wire, options].concat()).await
    }

    async fn begin(site: Site, modems: usize, options: &[&str]) -> Self {
        let bank = site.bank(&[&["--model", "generic"], options].concat());
        let key = site.key();
        let (gateway, address) = site.gateway();
        let running = Self {
            site,
            bank,
            gateway,
            address,
            key,
        };
        let mut client = running.client().await;
        until(Duration::from_secs(60), async || {
            let (_, status) = client.ask("GET", "/v1/status", None).await.expect("it answers");
            status["modems"]["ready"].as_u64() == Some(modems as u64)
        })
        .await;
        running
    }

    async fn client(&self) -> Client {
        Client::connect(self.address, &self.key).await.expect("it listens")
    }

    /// What is said on the lines from now on.
    fn wire(&self) -> wire::Wire {
        let mut wire = wire::Wire::open(&self.site.path("wire"));
        while wire.next().is_some() {}
        wire
    }

    /// A handset sends a text.
    fn inject(&mut self, modem: usize, index: usize) {
        let line = json!({ "modem": modem, "from": number(index), "text": "Y" });
        let input = self.bank.child.stdin.as_mut().expect("the bank listens");
        writeln!(input, "{line}").expect("the bank reads");
    }

    async fn poster(&self) -> client::Poster {
        client::Poster::connect(self.address, &self.key).await
    }
}

fn site(modems: usize, more: &str) -> Site {
    Site::new(BINARY.get().expect("chosen at the start"), modems, more)
}

/// Asks every 100 ms.
async fn until(limit: Duration, mut asked: impl AsyncFnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let waiting = async {
        loop {
            ticks.tick().await;
            if asked().await {
                return;
            }
        }
    };
    tokio::time::timeout(limit, waiting)
        .await
        .expect("it comes to pass in time");
}
