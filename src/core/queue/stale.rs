//! Messages whose moment has passed while nothing could be sent: a reminder planned for the morning, a call to somebody on
//! duty. After an outage they wait for a person instead of going out by themselves. What has no moment of its own (a text
//! for now, not an alert) goes out as long as it is valid.

use core::time::Duration;

use crate::base::UtcTime;

/// Nothing was sent through any SIM for this long although something was due: an outage. Less is the pace of the SIMs, or
/// a modem that came back.
pub const OUTAGE: Duration = Duration::from_secs(30 * 60);
/// An alert is old after this.
pub const OLD_ALERT: Duration = Duration::from_secs(60 * 60);

/// A time in which no attempt was written, through whatever SIM: an outage for what was due in it, or a quiet night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The attempt before it.
    pub from: UtcTime,
    /// The attempt after it.
    pub until: UtcTime,
}

impl Silence {
    /// The silence that an attempt at `now` ends, if it was long enough to be an outage. `last` is the attempt before.
    #[must_use]
    pub fn ended(last: UtcTime, now: UtcTime) -> Option<Self> {
        (now.since(last) >= OUTAGE).then_some(Self { from: last, until: now })
    }

    /// Whether something due at that time waited through an outage.
    fn held_up(self, due: UtcTime) -> bool {
        self.until.since(due.max(self.from)) >= OUTAGE
    }
}

/// When it mattered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The time it was planned for; of an alert the time it was raised.
    pub at: UtcTime,
    /// It is an alert.
    pub alert: bool,
}

/// Whether its moment has passed because of an outage. `limit` is how late a planned message may be.
#[must_use]
pub fn is_stale(moment: Moment, silence: Option<Silence>, limit: Duration, now: UtcTime) -> bool {
    let limit = if moment.alert { limit.min(OLD_ALERT) } else { limit };
    now.since(moment.at) >= limit && silence.is_some_and(|silence| silence.held_up(moment.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2 * 3_600);

    fn at(minutes: i64) -> UtcTime {
        UtcTime::from_millis(minutes * 60_000)
    }

    fn planned(minutes: i64) -> Moment {
        Moment {
            at: at(minutes),
            alert: false,
        }
    }

    #[test]
    fn only_what_waited_through_an_outage_and_is_late_is_stale() {
        let silence = Silence::ended(at(0), at(180));
        for (moment, now, stale) in [
            (60, 180, true),
            (61, 180, false),  // not late enough
            (61, 181, true),   // a minute later it is
            (-60, 180, true),  // due before the silence began
            (150, 400, true),  // due half an hour before its end
            (151, 400, false), // after it: only the pace keeps it
            (181, 400, false),
        ] {
            assert_eq!(
                is_stale(planned(moment), silence, LIMIT, at(now)),
                stale,
                "{moment} at {now}"
            );
        }
        assert!(!is_stale(planned(0), None, LIMIT, at(10_000)), "slow is no outage");
    }

    #[test]
    fn a_quiet_night_is_no_outage_for_what_is_due_in_the_morning() {
        let night = Silence::ended(at(0), at(600));
        for now in [600, 700, 900] {
            assert!(!is_stale(planned(600), night, LIMIT, at(now)));
        }
    }

    #[test]
    fn an_alert_is_old_within_the_hour_and_never_later_than_the_limit() {
        let silence = Silence::ended(at(0), at(60));
        let alert = Moment { at: at(0), alert: true };
        assert!(is_stale(alert, silence, LIMIT, at(60)));
        assert!(!is_stale(alert, silence, LIMIT, at(59)));
        assert!(is_stale(alert, silence, Duration::from_secs(1_800), at(30)));
    }

    #[test]
    fn a_short_silence_is_none() {
        assert_eq!(Silence::ended(at(0), at(29)), None);
        assert_eq!(Silence::ended(at(40), at(0)), None, "the clock was set back");
    }
}
