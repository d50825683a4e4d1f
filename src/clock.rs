//! The only place of the shell that reads a clock.

use std::sync::OnceLock;
use std::time::{Instant as StdInstant, SystemTime, UNIX_EPOCH};

use wardwire_core::base::{Instant, Now, UtcTime};

/// Both clocks now. The monotonic one counts from the first call in this process.
#[must_use]
pub fn now() -> Now {
    static START: OnceLock<StdInstant> = OnceLock::new();
    let start = *START.get_or_init(StdInstant::now);
    let monotonic = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    // A host without a battery-backed clock may stand before 1970; zero is then as wrong as any other value.
    let utc = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let utc = UtcTime::from_millis(i64::try_from(utc.as_millis()).unwrap_or(i64::MAX));
    Now {
        monotonic: Instant::from_micros(monotonic),
        utc,
    }
}

/// Microseconds since 1970 on the system's clock: to compare moments of several processes of this host.
#[must_use]
pub fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
