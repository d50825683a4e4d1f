//! What becomes of a part whose outcome nobody knows, when no evidence comes: the message's own policy, within bounds.

use core::time::Duration;

use super::state::OnUnknown;
use crate::base::UtcTime;

/// Attempts with an unknown outcome after which a part is not sent again: a silent modem must not flood a patient.
pub const UNKNOWN_TRIES: u32 = 3;

/// What the decision depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFacts {
    /// The message's policy.
    pub policy: OnUnknown,
    /// Somebody waits for it: it does not wait for evidence.
    pub alert: bool,
    /// Since when the outcome is unknown.
    pub since: UtcTime,
    /// No part goes out after this.
    pub valid_until: UtcTime,
    /// Nothing more of the message goes out by itself: it was withdrawn, another part was refused for good, or its moment
    /// has passed.
    pub barred: bool,
    /// Attempts of this part whose outcome is unknown.
    pub unknowns: u32,
    /// How long evidence is waited for.
    pub window: Duration,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Wait for evidence, at least until then.
    Wait(UtcTime),
    /// Send it again now, marked as a possible copy (P9).
    Resend,
    /// Never by itself; evidence or a person may still settle it.
    Stay,
}

/// Rule P9: whether an unknown part is sent again, and when. `auto` sends again only on evidence that it was not sent;
/// such evidence never makes an outcome unknown in the first place, so that here it stays.
#[must_use]
pub fn resolve(facts: UnknownFacts, now: UtcTime) -> Resolution {
    let allowed = match facts.policy {
        OnUnknown::Retry => !facts.barred && facts.unknowns < UNKNOWN_TRIES,
        OnUnknown::Hold | OnUnknown::Auto => false,
    };
    let window = if facts.alert { Duration::ZERO } else { facts.window };
    let until = facts.since + window;
    if !allowed || until.max(now) >= facts.valid_until {
        Resolution::Stay
    } else if now < until {
        Resolution::Wait(until)
    } else {
        Resolution::Resend
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(900);

    fn facts() -> UnknownFacts {
        UnknownFacts {
            policy: OnUnknown::Retry,
            alert: false,
            since: UtcTime::from_millis(0),
            valid_until: UtcTime::from_millis(10_000_000),
            barred: false,
            unknowns: 1,
            window: WINDOW,
        }
    }

    #[test]
    fn a_notice_waits_for_evidence_and_an_alert_does_not() {
        let end = UtcTime::from_millis(900_000);
        assert_eq!(resolve(facts(), UtcTime::from_millis(1)), Resolution::Wait(end));
        assert_eq!(resolve(facts(), end), Resolution::Resend);
        let alert = UnknownFacts { alert: true, ..facts() };
        assert_eq!(resolve(alert, UtcTime::from_millis(1)), Resolution::Resend);
    }

    #[test]
    fn what_may_not_be_sent_again_stays() {
        let late = UtcTime::from_millis(5_000_000);
        assert_eq!(resolve(facts(), late), Resolution::Resend);
        for stays in [
            UnknownFacts {
                policy: OnUnknown::Hold,
                ..facts()
            },
            UnknownFacts {
                policy: OnUnknown::Auto,
                ..facts()
            },
            UnknownFacts {
                barred: true,
                ..facts()
            },
            UnknownFacts {
                unknowns: UNKNOWN_TRIES,
                ..facts()
            },
            UnknownFacts {
                valid_until: late,
                ..facts()
            },
        ] {
            assert_eq!(resolve(stays, late), Resolution::Stay, "{stays:?}");
            assert_eq!(
                resolve(stays, UtcTime::from_millis(1_000_000)),
                match stays.valid_until == late {
                    true => Resolution::Resend,
                    false => Resolution::Stay,
                }
            );
        }
        // A window that ends after the validity is not waited for.
        let short = UnknownFacts {
            valid_until: UtcTime::from_millis(900_000),
            ..facts()
        };
        assert_eq!(resolve(short, UtcTime::from_millis(1)), Resolution::Stay);
    }
}
