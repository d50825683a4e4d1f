//! Kill -9 at any moment: what was accepted is neither lost nor silently repeated. Judged by the air's journal.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a harness: a wrong assumption must stop the run"
)]

#[expect(dead_code, reason = "shared with benches; this test uses a part of it")]
mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Client, Site, number, statuses};

const MODEMS: usize = 4;

/// The campaign of the release check: `WARDWIRE_KILLS=20 WARDWIRE_MESSAGES=200 cargo test --release --test kill`.
fn of_environment(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Kills the gateway when the air has seen some more submissions or so many messages were accepted, whichever the seed
/// says, so that the moment falls anywhere between a POST and a report.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_accepted_is_lost_and_nothing_is_doubled_unflagged() {
    let kills = of_environment("WARDWIRE_KILLS", 5);
    let total = of_environment("WARDWIRE_MESSAGES", 60);
    let site = Site::new(
        Path::new(env!("CARGO_BIN_EXE_wardwire")),
        MODEMS,
        "evidence_window_seconds = 3\n",
    );
    let _bank = site.bank(&["--latency-ms", "30", "--report-delay-ms", "200"]);
    let key = site.key();
    let mut random = fastrand::Rng::with_seed(of_environment("WARDWIRE_SEED", 1) as u64);
    let mut accepted: BTreeMap<String, String> = BTreeMap::new();
    let mut doubtful = 0;
    for round in 0..kills {
        let (gateway, address) = site.gateway();
        let mut client = Client::connect(address, &key).await.expect("it listens");
        let target = total * (round + 1) / kills;
        while accepted.len() < target {
            let to = number(accepted.len() + doubtful);
            match client.send(&to, "Kill me if you can").await {
                Ok(id) => drop(accepted.insert(to, id)),
                Err(_) => doubtful += 1,
            }
        }
        let seen = site.air("accepted").len();
        let more = random.usize(0..=(target - seen.min(target)).max(1) / 2);
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let limit = Instant::now() + Duration::from_secs(60);
        while site.air("accepted").len() < seen + more {
            assert!(
                Instant::now() < limit,
                "the air saw {} of {seen} + {more}",
                site.air("accepted").len()
            );
            ticks.tick().await;
        }
        gateway.kill_hard();
    }
    let (gateway, address) = site.gateway();
    let mut client = Client::connect(address, &key).await.expect("it listens");
    let settled = |messages: &[serde_json::Value]| {
        let open = ["queued", "assigned", "submitting", "unknown"];
        !messages
            .iter()
            .any(|m| open.contains(&m["status"].as_str().unwrap_or_default()))
    };
    let messages = client.until(Duration::from_secs(60), settled).await;
    let copies = judge(&site, &accepted, &messages);
    println!(
        "{kills} kills, {} messages: {:?}, {copies} possible copies on the air",
        accepted.len(),
        statuses(&messages)
    );
    assert_eq!(gateway.terminate(), Some(0));
}

/// Every accepted message is in the store and was on the air; one that was there twice says so. Gives how many were.
fn judge(site: &Site, accepted: &BTreeMap<String, String>, messages: &[serde_json::Value]) -> usize {
    let mut on_air: BTreeMap<String, usize> = BTreeMap::new();
    for line in site.air("accepted") {
        *on_air
            .entry(line["to"].as_str().expect("a recipient").to_owned())
            .or_default() += 1;
    }
    for (to, id) in accepted {
        assert!(messages.iter().any(|m| m["id"] == **id), "{id} is lost from the store");
        assert!(on_air.contains_key(to), "{id} never was on the air");
    }
    let mut copies = 0;
    for message in messages {
        let seen = on_air
            .get(message["to"].as_str().expect("a number"))
            .copied()
            .unwrap_or_default();
        if seen > 1 {
            copies += 1;
            assert_eq!(
                message["possible_copy"], true,
                "{} was sent {seen} times and does not say so",
                message["id"]
            );
        }
    }
    copies
}
