//! The whole bank in virtual time on the real store: every fault of the simulator, crashes, and one seed for everything. What
//! the air saw is held against what the store says.
//!
//! One seed again: `WARDWIRE_SEED=n cargo test --test simulation`. More of them: `WARDWIRE_SEEDS=1000 cargo test --release --test simulation`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a harness: a wrong assumption must stop the run"
)]

mod judge;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use judge::Verdict;
use wardwire_core::queue::state::OnUnknown;
use world::{Plot, World};

fn plot(seed: u64) -> Plot {
    Plot {
        seed,
        modems: 8,
        messages: 500,
        per_mille: 50,
        crashes: (seed % 3) as usize,
        trouble: Duration::from_secs(40 * 60),
        end: Duration::from_secs(3 * 3_600),
        on_unknown: OnUnknown::Retry,
    }
}

fn of_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn judged(plot: Plot) -> Verdict {
    let mut world = World::new(plot);
    world.run();
    judge::judge(&world, plot)
}

/// 100 seeds, each 500 messages over 8 modems, every fault at 5 %, up to two crashes.
#[test]
fn every_fault_at_five_percent() {
    let seeds = match of_environment("WARDWIRE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..of_environment("WARDWIRE_SEEDS").unwrap_or(100),
    };
    let next = AtomicU64::new(seeds.start);
    let total = std::thread::scope(|scope| {
        let worker = || {
            let mut sum = Verdict::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return sum;
                }
                let verdict = judged(plot(seed));
                assert!(
                    verdict.faults.is_empty(),
                    "seed {seed}: {:#?}\nreplay: WARDWIRE_SEED={seed} cargo test --test simulation",
                    verdict.faults
                );
                sum.add(&verdict);
            }
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(worker)).collect();
        let mut total = Verdict::default();
        for worker in workers {
            match worker.join() {
                Ok(sum) => total.add(&sum),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        total
    });
    println!("{} seeds: {total}", seeds.end - seeds.start);
}

#[test]
fn at_most_once_holds_under_every_fault() {
    for seed in 0..10 {
        let verdict = judged(Plot {
            on_unknown: OnUnknown::Hold,
            messages: 200,
            ..plot(seed)
        });
        assert!(verdict.faults.is_empty(), "seed {seed}: {:#?}", verdict.faults);
    }
}

#[test]
fn the_same_seed_twice_is_identical() {
    let run = || {
        let mut world = World::new(plot(3));
        world.run();
        world.log()
    };
    let (first, second) = (run(), run());
    let differs = first.lines().zip(second.lines()).find(|(a, b)| a != b);
    assert_eq!(differs, None);
    assert_eq!(first.len(), second.len());
}

#[test]
fn without_faults_everything_is_delivered_once() {
    let verdict = judged(Plot {
        per_mille: 0,
        crashes: 0,
        ..plot(1)
    });
    assert!(verdict.faults.is_empty(), "{:#?}", verdict.faults);
    assert_eq!((verdict.delivered, verdict.copies), (500, 0));
}
