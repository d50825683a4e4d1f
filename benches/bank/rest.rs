//! The rest: a burst of texts that come in, what idleness costs, and memory.

use std::time::{Duration, Instant};

use crate::client::{Load, post};
use crate::machine;
use crate::report::{Goal, Row};
use crate::{Running, until};

/// Many texts at once for one SIM that holds few.
pub(crate) async fn burst() -> Vec<Row> {
    const TEXTS: usize = 200;
    let mut running = Running::start(1, &["--places", "30"], "").await;
    let begun = Instant::now();
    (0..TEXTS).for_each(|index| running.inject(0, index));
    until(Duration::from_secs(60), async || {
        running.site.air("deleted").len() >= TEXTS
    })
    .await;
    let seconds = begun.elapsed().as_secs_f64();
    let mut client = running.client().await;
    let mut received = 0;
    // The status is at most a second old.
    until(Duration::from_secs(3), async || {
        let (_, status) = client.ask("GET", "/v1/status", None).await.expect("it answers");
        received = status["today"]["received"].as_u64().unwrap_or_default();
        received >= TEXTS as u64
    })
    .await;
    vec![
        Row::new("200 texts, 30 places")
            .figure("drained in s", seconds, Goal::Below(2.0))
            .figure("received", received as f64, Goal::AtLeast(TEXTS as f64)),
    ]
}

/// 8 modems and nothing to do.
pub(crate) async fn idle() -> Vec<Row> {
    const WATCHED: Duration = Duration::from_secs(20);
    let running = Running::start(8, &[], "").await;
    // What bring-up leaves to be done.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = machine::seconds(running.gateway.child.id());
    tokio::time::sleep(WATCHED).await;
    let cpu = machine::seconds(running.gateway.child.id()) - before;
    vec![
        Row::new("8 modems")
            .figure("CPU %", 100.0 * cpu / WATCHED.as_secs_f64(), Goal::Below(0.1))
            .figure("RSS MiB", running.gateway.resident_mib(), Goal::Below(20.0)),
    ]
}

/// Memory with much queued.
pub(crate) async fn queued(messages: usize) -> Vec<Row> {
    let running = Running::start(64, &["--latency-ms", "3000"], "").await;
    let before = running.gateway.resident_mib();
    let load = |messages, after| Load {
        messages,
        connections: 32,
        after,
    };
    post(&running, load(messages, Some(Duration::from_secs(86_400)))).await;
    post(&running, load(2_000, None)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    vec![
        Row::new(format!("64 modems, {messages} queued"))
            .figure("RSS MiB", running.gateway.resident_mib(), Goal::Below(64.0))
            .figure("RSS MiB before", before, Goal::None),
    ]
}
