//! What systemd is told: ready, stopping, and a watchdog ping that proves something. Without systemd all of it is silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::{clock, store};

/// Without a sign of life for this long the ping stops, and systemd restarts the service.
const PATIENCE: Duration = Duration::from_secs(30);

/// What closing the doors and the store may take after the drain.
const CLOSING: Duration = Duration::from_secs(30);

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
    tell(NotifyState::Status(""));
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

/// The database is brought up to date: that may take longer than `TimeoutStartSec=` of the unit, and is told where people
/// look (`systemctl status`, the journal).
pub(super) fn upgrading(upgrade: &store::Upgrade) {
    tracing::info!(%upgrade, "the database is brought up to date");
    let status = format!("bringing the database up to date: {upgrade}");
    tell(NotifyState::Status(&status));
    // One statement alone (an index of millions of messages) may say nothing for minutes.
    tell(extension(Duration::from_secs(300)));
}

/// Shutdown began, and open submits are waited for so long: systemd is asked for as much and some time to close the store,
/// whatever the unit's `TimeoutStopSec=` says.
pub(super) fn stopping(drain: Duration) {
    tell(NotifyState::Stopping);
    tell(extension(drain));
}

fn extension(drain: Duration) -> NotifyState<'static> {
    let time = (drain + CLOSING).as_micros();
    NotifyState::ExtendTimeoutUsec(u32::try_from(time).unwrap_or(u32::MAX))
}

fn tell(state: NotifyState<'_>) {
    // No systemd, no listener: nothing to tell.
    let _ = sd_notify::notify(&[state]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_drain_asks_for_its_time() {
        // The longest the configuration allows.
        let asked = |drain| extension(drain).to_string();
        assert_eq!(asked(Duration::from_secs(600)), "EXTEND_TIMEOUT_USEC=630000000");
        assert_eq!(asked(Duration::from_secs(100_000)), "EXTEND_TIMEOUT_USEC=4294967295");
    }
}
