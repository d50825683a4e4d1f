//! Accepts over HTTP: each is on disk when it is answered.

use std::time::{Duration, Instant};

use crate::Running;
use crate::client::{Load, moment, post};
use crate::machine::Meter;
use crate::report::{Goal, Row};

/// As fast as so many kept connections can, one text a request, none due before tomorrow.
pub(crate) async fn accepts() -> Vec<Row> {
    let running = Running::start(1, &[], "").await;
    let after = Some(Duration::from_secs(86_400));
    let mut rows = Vec::new();
    for (connections, messages) in [(1, 1_000), (16, 8_000), (64, 16_000)] {
        let load = Load {
            messages,
            connections,
            after,
        };
        let meter = Meter::begin(&running.gateway, &running.bank);
        let (took, all) = post(&running, load).await;
        let cost = meter.end(&running.gateway, &running.bank);
        let goal = if connections == 64 {
            Goal::AtLeast(5_000.0)
        } else {
            Goal::None
        };
        let per_thousand = 1_000.0 / messages as f64;
        rows.push(
            Row::new(format!("{connections} connections"))
                .figure("accepts/s", messages as f64 / all.as_secs_f64(), goal)
                .figure("CPU s per 1,000", cost.gateway * per_thousand, Goal::None)
                .figure("of these the store's writer", cost.writer * per_thousand, Goal::None)
                .figure("client CPU s per 1,000", cost.client * per_thousand, Goal::None)
                .figure(
                    "writer waits for the disk, % of the time",
                    cost.disk * 100.0,
                    Goal::None,
                )
                .spread("POST -> 201", took, (Goal::None, Goal::None)),
        );
    }
    rows
}

/// 200 a second, whatever the answers take, while 16 modems send what was queued before.
pub(crate) async fn steady(seconds: u64) -> Vec<Row> {
    const A_SECOND: usize = 200;
    const CONNECTIONS: usize = 16;
    let running = Running::start(16, &["--latency-ms", "200"], "").await;
    let load = Load {
        messages: 80 * usize::try_from(seconds).expect("seconds"),
        connections: CONNECTIONS,
        after: None,
    };
    post(&running, load).await;
    let later = moment(Duration::from_secs(86_400));
    let meter = Meter::begin(&running.gateway, &running.bank);
    let begun = Instant::now();
    let mut workers = Vec::new();
    for worker in 0..CONNECTIONS {
        let (mut poster, later) = (running.poster().await, later.clone());
        workers.push(tokio::spawn(async move {
            let mut took = Vec::new();
            let every = Duration::from_secs(1) * CONNECTIONS as u32 / A_SECOND as u32;
            let first = every * worker as u32 / CONNECTIONS as u32;
            for nth in 0_u32.. {
                let due = begun + first + every * nth;
                if due >= begun + Duration::from_secs(seconds) {
                    break;
                }
                tokio::time::sleep_until(due.into()).await;
                poster.post(worker * 50_000 + nth as usize, Some(&later)).await;
                // Not from when it was asked, but from when it should have been.
                took.push(due.elapsed());
            }
            took
        }));
    }
    let mut took = Vec::new();
    for worker in workers {
        took.append(&mut worker.await.expect("a client does not fail"));
    }
    let cost = meter.end(&running.gateway, &running.bank);
    let sent = running.site.air("accepted").len() as f64;
    vec![
        Row::new(format!("200/s for {seconds} s, 16 modems at 200 ms"))
            .figure("accepts/s", took.len() as f64 / seconds as f64, Goal::AtLeast(199.0))
            .figure("sent meanwhile/s", sent / seconds as f64, Goal::None)
            .figure(
                "gateway CPU %",
                100.0 * cost.gateway / cost.took.as_secs_f64(),
                Goal::None,
            )
            .spread("POST -> 201", took, (Goal::None, Goal::Below(50.0))),
    ]
}
