//! Messages a second: without airtime, and as a share of what the modems could do at best.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Load, post};
use crate::machine::Meter;
use crate::report::{Goal, Row};
use crate::wire::{By, Said};
use crate::{Running, until};

/// Connections that post at once.
const CLIENTS: usize = 16;

/// 8 modems without airtime: taken on and sent at once, and sent from the queue.
pub(crate) async fn full(messages: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for queued_before in [false, true] {
        let running = Running::start(8, &["--report-delay-ms", "100"], "").await;
        let warm = Load {
            messages: 400,
            connections: CLIENTS,
            after: None,
        };
        post(&running, warm).await;
        delivered(&running, warm.messages).await;
        let before = air(&running).len();
        let mut meter = Meter::begin(&running.gateway, &running.bank);
        // Time enough to take them all on before the first is due.
        let after = queued_before.then(|| Duration::from_millis(2_000 + messages as u64));
        let load = Load {
            messages,
            connections: CLIENTS,
            after,
        };
        let begun = Instant::now();
        post(&running, load).await;
        if let Some(after) = after {
            tokio::time::sleep(after.saturating_sub(begun.elapsed())).await;
            meter = Meter::begin(&running.gateway, &running.bank);
        }
        delivered(&running, warm.messages + messages).await;
        let cost = meter.end(&running.gateway, &running.bank);
        let air = air(&running);
        let times: Vec<f64> = air.iter().skip(before).map(|(_, at)| *at).collect();
        let took = times.iter().copied().fold(f64::MIN, f64::max) - times.iter().copied().fold(f64::MAX, f64::min);
        assert_eq!(air.len(), warm.messages + messages, "each once");
        let case = if queued_before {
            "8 modems, from the queue"
        } else {
            "8 modems, taken on and sent"
        };
        let (per_thousand, rss) = (1_000.0 / messages as f64, running.gateway.resident_mib());
        let goal = if queued_before { Goal::None } else { Goal::Below(0.3) };
        rows.push(
            Row::new(case)
                .figure("messages/s", messages as f64 / took, Goal::AtLeast(1_500.0))
                .figure("CPU s per 1,000", cost.gateway * per_thousand, goal)
                .figure("of these the store's writer", cost.writer * per_thousand, Goal::None)
                .figure("bank CPU s per 1,000", cost.bank * per_thousand, Goal::None)
                .figure("client CPU s per 1,000", cost.client * per_thousand, Goal::None)
                .figure(
                    "writer waits for the disk, % of the time",
                    cost.disk * 100.0,
                    Goal::None,
                )
                .figure("measured over s", cost.took.as_secs_f64(), Goal::None)
                .figure("RSS MiB", rss, Goal::Below(20.0)),
        );
    }
    rows
}

/// What one modem did with its time.
#[derive(Clone, Copy, Debug, Default)]
struct Busy {
    /// When it was asked for a prompt, and when it had the text.
    asked: Option<u64>,
    prompted: bool,
    sent: Option<u64>,
    /// What it took itself so far: to prompt, and from the text to the result.
    own: u64,
    /// Moment of the first and the last result, and what it had taken by then.
    first: Option<(u64, u64)>,
    last: (u64, u64),
}

impl Busy {
    fn see(&mut self, said: &Said) {
        if said.begins("AT+CMGS=") {
            self.asked = Some(said.us);
        } else if said.by == By::Driver && std::mem::take(&mut self.prompted) {
            self.sent = Some(said.us);
        } else if let Some(sent) = self.sent.filter(|_| said.tells("+CMGS: ")) {
            self.sent = None;
            self.own += said.us - sent;
            self.last = (said.us, self.own);
            self.first.get_or_insert(self.last);
        } else if let Some(asked) = self.asked.filter(|_| said.tells("> ")) {
            self.asked = None;
            self.prompted = true;
            self.own += said.us - asked;
        }
    }

    /// Share of its time, from its first result to its last: the begin and the end of the queue say nothing of the pull.
    fn share(&self) -> Option<f64> {
        let (at, own) = self.first?;
        (self.last.0 > at).then(|| (self.last.1 - own) as f64 / (self.last.0 - at) as f64)
    }
}

/// Share of the ideal, which is that each modem works all of its time.
pub(crate) async fn shares(all: bool) -> Vec<Row> {
    let quick = [(1, 200), (8, 200), (32, 200)];
    let slow = [(64, 200), (1, 3_000), (8, 3_000), (32, 3_000), (64, 3_000)];
    let mut rows = Vec::new();
    for (modems, latency) in quick.into_iter().chain(slow.into_iter().filter(|_| all)) {
        rows.push(share(modems, latency, if latency == 200 { 36 } else { 5 }).await);
    }
    rows
}

async fn share(modems: usize, latency: u64, each: usize) -> Row {
    let told = latency.to_string();
    let options = ["--latency-ms", &told, "--report-delay-ms", "100"];
    let running = Running::watched(modems, &options, "").await;
    let mut wire = running.wire();
    let messages = modems * each;
    let load = Load {
        messages,
        connections: CLIENTS.min(messages),
        after: None,
    };
    let meter = Meter::begin(&running.gateway, &running.bank);
    post(&running, load).await;
    delivered(&running, messages).await;
    let cost = meter.end(&running.gateway, &running.bank);
    let mut times: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (modem, at) in air(&running) {
        times.entry(modem).or_default().push(at);
    }
    let rate: f64 = times
        .values()
        .filter_map(|times| Some((times.len() - 1) as f64 / (times.last()? - times.first()?)))
        .filter(|rate| rate.is_finite())
        .sum();
    let nominal = modems as f64 * 1_000.0 / latency as f64;
    // The timers of the virtual modems are a millisecond late: what counts is what they really took.
    let mut busy = vec![Busy::default(); modems];
    while let Some(said) = wire.next() {
        busy[said.modem].see(&said);
    }
    let shares: Vec<f64> = busy.iter().filter_map(Busy::share).collect();
    let share = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    let goal = if latency >= 3_000 { 99.5 } else { 99.0 };
    let rss = running.gateway.resident_mib();
    Row::new(format!("{modems} modems, {latency} ms"))
        .figure("messages/s", rate, Goal::None)
        .figure("share of the ideal %", 100.0 * share, Goal::AtLeast(goal))
        .figure("share of modems / latency %", 100.0 * rate / nominal, Goal::None)
        .figure("CPU s per 1,000", cost.gateway * 1_000.0 / messages as f64, Goal::None)
        .figure("RSS MiB", rss, if modems == 8 { Goal::Below(20.0) } else { Goal::None })
}

/// Modem and moment in seconds of what the network took.
fn air(running: &Running) -> Vec<(u64, f64)> {
    let moment = |event: &Value| {
        let at = chrono::DateTime::parse_from_rfc3339(event["at"].as_str()?).ok()?;
        Some((event["modem"].as_u64()?, at.timestamp_millis() as f64 / 1e3))
    };
    running.site.air("accepted").iter().filter_map(moment).collect()
}

/// Waits until so many are delivered; asks seldom, for asking costs the gateway too.
pub(crate) async fn delivered(running: &Running, messages: usize) {
    let mut client = running.client().await;
    until(Duration::from_secs(150), async || {
        let (_, status) = client.ask("GET", "/v1/status", None).await.expect("it answers");
        status["today"]["delivered"].as_u64() == Some(messages as u64)
    })
    .await;
}
