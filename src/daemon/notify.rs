//! What systemd is told: ready, stopping, and a watchdog ping that proves something. Without systemd all of it is silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::clock;

/// Without a sign of life for this long the ping stops, and systemd restarts the service.
const PATIENCE: Duration = Duration::from_secs(30);

/// When the event loop last had an answer from the writer thread (the loop sweeps every few seconds, so the sign
/// comes also when nothing is sent).
#[derive(Clone, Debug, Default)]
pub(super) struct Alive(Arc<AtomicU64>);

impl Alive {
    pub(super) fn sign(&self) {
        self.0.store(clock::now().monotonic.as_micros(), Ordering::Relaxed);
    }

    fn holds(&self) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        Duration::from_micros(clock::now().monotonic.as_micros().saturating_sub(last)) < PATIENCE
    }
}

/// Store and listener are up. Starts the watchdog's pings where the unit asks for them.
pub(super) fn ready(alive: Alive) {
    tell(NotifyState::Ready);
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    alive.sign();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(limit / 3).await;
            if alive.holds() {
                tell(NotifyState::Watchdog);
            }
        }
    });
}

/// Shutdown began.
pub(super) fn stopping() {
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    // No systemd, no listener: nothing to tell.
    let _ = sd_notify::notify(&[state]);
}
