//! Batches over HTTP: how soon all recipients are on disk, how soon each has its message, and what an emergency meanwhile waits.

use std::time::{Duration, Instant};

use crate::client::{Poster, moment};
use crate::common::number;
use crate::machine::Meter;
use crate::report::{Goal, Row};
use crate::{Running, until};

/// Recipients of one batch.
const EACH: usize = 10_000;

/// Batches one after the other, none due before tomorrow: to people nobody wrote to before, and to the same again. Meanwhile
/// somebody posts emergencies, 20 a second.
pub(crate) async fn batches(recipients: usize) -> Vec<Row> {
    let running = Running::start(1, &[], "").await;
    let mut rows = Vec::new();
    for case in ["new numbers", "known numbers"] {
        rows.push(measured(&running, recipients.div_ceil(EACH).max(1), case).await);
    }
    rows
}

async fn measured(running: &Running, batches: usize, case: &str) -> Row {
    let bodies: Vec<String> = (0..batches).map(body).collect();
    let mut poster = running.poster().await;
    let mut client = running.client().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let urgent = tokio::spawn(emergencies(running.poster().await, stopped));
    let meter = Meter::begin(&running.gateway, &running.bank);
    let begun = Instant::now();
    let mut took = Vec::new();
    for body in &bodies {
        took.push(poster.send("/v1/batches", body, b"202").await);
    }
    let taken = begun.elapsed();
    until(Duration::from_secs(120), async || {
        let (_, list) = client
            .ask("GET", "/v1/batches?limit=1", None)
            .await
            .expect("it answers");
        list["data"][0]["prepared"] == EACH
    })
    .await;
    let made = begun.elapsed();
    let cost = meter.end(&running.gateway, &running.bank);
    stop.send(true).expect("somebody listens");
    let waited = urgent.await.expect("a client does not fail");
    let count = (batches * EACH) as f64;
    Row::new(format!("{batches} x {EACH}, {case}"))
        .figure("recipients/s on disk", count / taken.as_secs_f64(), Goal::None)
        .figure(
            "recipients/s with their message",
            count / made.as_secs_f64(),
            Goal::AtLeast(20_000.0),
        )
        .figure("CPU s per 1,000", cost.gateway * 1_000.0 / count, Goal::None)
        .figure("of these the store's writer", cost.writer * 1_000.0 / count, Goal::None)
        .figure(
            "writer waits for the disk, % of the time",
            cost.disk * 100.0,
            Goal::None,
        )
        .figure("RSS MiB", running.gateway.resident_mib(), Goal::None)
        .spread("POST -> 202", took, (Goal::None, Goal::None))
        .spread("emergency -> 201", waited, (Goal::None, Goal::None))
}

/// The nth ten thousand.
fn body(nth: usize) -> String {
    let recipients: Vec<String> = (0..EACH).map(|n| format!("\"{}\"", number(nth * EACH + n))).collect();
    let later = moment(Duration::from_secs(86_400));
    format!(
        r#"{{"body":"The clinic is closed on Monday.","send_at":"{later}","recipients":[{}]}}"#,
        recipients.join(",")
    )
}

async fn emergencies(mut poster: Poster, stopped: tokio::sync::watch::Receiver<bool>) -> Vec<Duration> {
    let later = moment(Duration::from_secs(86_400));
    let mut took = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    while !*stopped.borrow() {
        ticks.tick().await;
        let body = format!(
            r#"{{"to":"{}","body":"Ward 3, now.","priority":"emergency","send_at":"{later}"}}"#,
            number(90_000 + took.len() % 1_000)
        );
        took.push(poster.send("/v1/messages", &body, b"201").await);
    }
    took
}
