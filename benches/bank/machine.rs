//! What processes cost the machine, from /proc: processor time by thread, waiting for the disk, and what others took meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::common::Process;

/// Between two looks at what a thread does.
const LOOK_EVERY: Duration = Duration::from_millis(4);

/// Processor seconds by name of thread.
pub(crate) fn threads(pid: u32) -> BTreeMap<String, f64> {
    let mut seconds = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))
        .expect("it runs")
        .flatten()
    {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let nanos = read("schedstat")
            .split(' ')
            .next()
            .and_then(|nanos| nanos.parse::<f64>().ok())
            .unwrap_or_default();
        *seconds.entry(read("comm").trim().to_owned()).or_default() += nanos / 1e9;
    }
    seconds
}

/// Processor seconds of all its threads.
pub(crate) fn seconds(pid: u32) -> f64 {
    threads(pid).values().sum()
}

/// What a piece of work cost.
pub(crate) struct Meter {
    begun: Instant,
    gateway: BTreeMap<String, f64>,
    bank: f64,
    client: f64,
    disk: Waiting,
}

/// The shares of a [`Meter`].
pub(crate) struct Cost {
    /// Of the gateway.
    pub(crate) gateway: f64,
    /// Of these its writer of the store.
    pub(crate) writer: f64,
    pub(crate) bank: f64,
    pub(crate) client: f64,
    /// Part of the time that the writer waited for the disk.
    pub(crate) disk: f64,
    pub(crate) took: Duration,
}

impl Meter {
    pub(crate) fn begin(gateway: &Process, bank: &Process) -> Self {
        Self {
            begun: Instant::now(),
            gateway: threads(gateway.child.id()),
            bank: seconds(bank.child.id()),
            client: seconds(std::process::id()),
            disk: Waiting::begin(gateway.child.id()),
        }
    }

    pub(crate) fn end(self, gateway: &Process, bank: &Process) -> Cost {
        let after = threads(gateway.child.id());
        let of = |seconds: &BTreeMap<String, f64>| seconds.get("store-writer").copied().unwrap_or_default();
        Cost {
            gateway: after.values().sum::<f64>() - self.gateway.values().sum::<f64>(),
            writer: of(&after) - of(&self.gateway),
            bank: seconds(bank.child.id()) - self.bank,
            client: seconds(std::process::id()) - self.client,
            disk: self.disk.end(),
            took: self.begun.elapsed(),
        }
    }
}

/// Looks again and again whether the store's writer waits for the disk.
struct Waiting {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<f64>,
}

impl Waiting {
    fn begin(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let named = |task: &std::fs::DirEntry| {
            std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "store-writer")
        };
        let writer = std::fs::read_dir(format!("/proc/{pid}/task"))
            .expect("it runs")
            .flatten()
            .find(named)
            .expect("the store has a writer");
        let stat = writer.path().join("stat");
        let thread = std::thread::spawn(move || {
            let (mut waits, mut looks) = (0.0, 0.0);
            while !stopped.load(Ordering::Relaxed) {
                let state = std::fs::read_to_string(&stat).unwrap_or_default();
                looks += 1.0;
                if state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('D')) {
                    waits += 1.0;
                }
                std::thread::sleep(LOOK_EVERY);
            }
            waits / looks
        });
        Self { stop, thread }
    }

    fn end(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// How much of the machine others take.
pub(crate) struct Busy {
    busy: f64,
    all: f64,
    ours: f64,
}

impl Busy {
    pub(crate) fn begin() -> Self {
        let (busy, all) = Self::read();
        Self {
            busy,
            all,
            ours: Self::ours(),
        }
    }

    /// Part of the machine that others took since then.
    pub(crate) fn others(&self) -> f64 {
        let (busy, all) = Self::read();
        ((busy - self.busy) - (Self::ours() - self.ours)).max(0.0) / (all - self.all).max(0.01)
    }

    /// Busy and all processor seconds of the machine since it was started.
    fn read() -> (f64, f64) {
        let stat = std::fs::read_to_string("/proc/stat").expect("Linux");
        let ticks: Vec<f64> = stat
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|ticks| ticks.parse().ok())
            .collect();
        let all: f64 = ticks.iter().sum();
        ((all - ticks[3] - ticks[4]) / 100.0, all / 100.0)
    }

    /// Processor seconds of this process and of the children that have ended.
    fn ours() -> f64 {
        let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
        let fields: Vec<f64> = stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        fields[11..15].iter().sum::<f64>() / 100.0
    }
}
