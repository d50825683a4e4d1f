//! `cargo bench --bench bank`: the real daemon against the virtual bank on ptys. Messages a second and CPU for 1,000 messages
//! through 8 modems, share of the ideal where the air takes its time, and what the idle daemon costs.
//!
//! The bank, the gateway and this client share the machine's cores; read ratios of one run, not figures of two.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with tests; the bench uses a part of it")]
#[path = "../tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{Client, Site, number, statuses};

/// Connections that post at once.
const CLIENTS: usize = 16;
/// How long the idle daemon is watched.
const IDLE: Duration = Duration::from_secs(20);

struct Case {
    modems: usize,
    latency_ms: u64,
    messages: usize,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    println!(
        "| modems | latency ms | messages | accepts/s | messages/s | share of ideal | gateway CPU s per 1,000 | bank CPU s per 1,000 | RSS MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for case in [
        Case {
            modems: 8,
            latency_ms: 0,
            messages: 1_000,
        },
        Case {
            modems: 8,
            latency_ms: 0,
            messages: 5_000,
        },
        Case {
            modems: 1,
            latency_ms: 200,
            messages: 100,
        },
        Case {
            modems: 8,
            latency_ms: 200,
            messages: 800,
        },
    ] {
        runtime.block_on(run(&case));
    }
    runtime.block_on(idle());
}

async fn run(case: &Case) {
    let site = Site::new(Path::new(env!("CARGO_BIN_EXE_wardwire")), case.modems, "");
    let latency = case.latency_ms.to_string();
    let bank = site.bank(&["--latency-ms", &latency, "--report-delay-ms", "100"]);
    let key = site.key();
    let (gateway, address) = site.gateway();
    let mut client = Client::connect(address, &key).await.expect("it listens");
    ready(&mut client, case.modems).await;
    let (gateway_before, bank_before) = (gateway.cpu_seconds(), bank.cpu_seconds());
    let begun = Instant::now();
    let posts = (0..CLIENTS).map(|worker| {
        let key = key.clone();
        let (from, to) = (case.messages * worker / CLIENTS, case.messages * (worker + 1) / CLIENTS);
        tokio::spawn(async move {
            let mut client = Client::connect(address, &key).await.expect("it listens");
            for index in from..to {
                client
                    .send(&number(index), "Your appointment is on June 20 at 10:00.")
                    .await
                    .expect("it answers");
            }
        })
    });
    for post in posts.collect::<Vec<_>>() {
        post.await.expect("a client does not fail");
    }
    let accepted = begun.elapsed();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let limit = Instant::now() + Duration::from_secs(300);
    loop {
        ticks.tick().await;
        let (_, status) = client.ask("GET", "/v1/status", None).await.expect("it answers");
        if status["today"]["sent"].as_u64().unwrap_or_default() as usize >= case.messages {
            break;
        }
        assert!(Instant::now() < limit, "not sent in time: {status}");
    }
    let sent = begun.elapsed();
    let (gateway_cpu, bank_cpu) = (gateway.cpu_seconds() - gateway_before, bank.cpu_seconds() - bank_before);
    let delivered = |messages: &[serde_json::Value]| messages.iter().all(|m| m["status"] == "delivered");
    let messages = client.until(Duration::from_secs(60), delivered).await;
    let on_air = site.air("accepted").len();
    assert_eq!(
        (messages.len(), on_air),
        (case.messages, case.messages),
        "{:?}",
        statuses(&messages)
    );
    let rate = case.messages as f64 / sent.as_secs_f64();
    let ideal = match case.latency_ms {
        0 => "-".to_owned(),
        latency => format!(
            "{:.1} %",
            100.0 * rate / (case.modems as f64 * 1_000.0 / latency as f64)
        ),
    };
    let per_thousand = 1_000.0 / case.messages as f64;
    println!(
        "| {} | {} | {} | {:.0} | {:.0} | {} | {:.2} | {:.2} | {:.1} |",
        case.modems,
        case.latency_ms,
        case.messages,
        case.messages as f64 / accepted.as_secs_f64(),
        rate,
        ideal,
        gateway_cpu * per_thousand,
        bank_cpu * per_thousand,
        gateway.resident_mib(),
    );
}

async fn ready(client: &mut Client, modems: usize) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        ticks.tick().await;
        let (_, status) = client.ask("GET", "/v1/status", None).await.expect("it answers");
        if status["modems"]["ready"].as_u64().unwrap_or_default() as usize == modems {
            return;
        }
        assert!(Instant::now() < limit, "not ready in time: {status}");
    }
}

async fn idle() {
    let site = Site::new(Path::new(env!("CARGO_BIN_EXE_wardwire")), 8, "");
    let _bank = site.bank(&[]);
    let key = site.key();
    let (gateway, address) = site.gateway();
    let mut client = Client::connect(address, &key).await.expect("it listens");
    ready(&mut client, 8).await;
    let before = gateway.cpu_seconds();
    tokio::time::interval_at(tokio::time::Instant::now() + IDLE, IDLE)
        .tick()
        .await;
    let cpu = gateway.cpu_seconds() - before;
    println!(
        "\nidle with 8 modems, over {} s: {:.2} % of a core, {:.1} MiB resident",
        IDLE.as_secs(),
        100.0 * cpu / IDLE.as_secs_f64(),
        gateway.resident_mib()
    );
}
