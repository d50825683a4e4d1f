//! Whether a loopback test passed: a text from a SIM to its own number, which must come back in and be reported as
//! delivered. Pure; the facts are read when somebody asks.

use super::state::MessageStatus;
use crate::base::UtcTime;

/// What is known of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopbackFacts {
    /// Status of its message.
    pub status: MessageStatus,
    /// That status is final.
    pub is_final: bool,
    /// When the SMSC had taken it.
    pub sent_at: Option<UtcTime>,
    /// When it came back in.
    pub arrived_at: Option<UtcTime>,
    /// When its delivery report came.
    pub reported_at: Option<UtcTime>,
    /// Nothing is waited for after this.
    pub ends_at: UtcTime,
}

/// How a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopbackState {
    /// Something is still waited for.
    Pending,
    /// It came back, and its delivery report too.
    Passed,
    /// It did not, for this reason.
    Failed(LoopbackFailure),
}

/// Why a test failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopbackFailure {
    /// It was not sent: no SIM time, refused, or nobody knows.
    NotSent,
    /// Sent, but it never came back: the SIM sends and hears nothing.
    NotArrived,
    /// It came back, but no report said so.
    NoReport,
}

impl LoopbackState {
    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it failed, for people.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Pending | Self::Passed => None,
            Self::Failed(LoopbackFailure::NotSent) => Some("it was not sent"),
            Self::Failed(LoopbackFailure::NotArrived) => Some("it was sent and did not come back"),
            Self::Failed(LoopbackFailure::NoReport) => Some("it came back, and no delivery report did"),
        }
    }
}

/// Judges a test.
#[must_use]
pub fn judge(facts: &LoopbackFacts, now: UtcTime) -> LoopbackState {
    let over = now >= facts.ends_at;
    // It came back: it was sent, whatever its status says.
    let sent = facts.sent_at.or(facts.arrived_at).or(facts.reported_at).is_some();
    match (facts.arrived_at, facts.reported_at) {
        (Some(_), Some(_)) => LoopbackState::Passed,
        _ if !sent && (over || facts.is_final) => LoopbackState::Failed(LoopbackFailure::NotSent),
        (None, _) if over => LoopbackState::Failed(LoopbackFailure::NotArrived),
        (Some(_), None) if over || (facts.is_final && facts.status != MessageStatus::Delivered) => {
            LoopbackState::Failed(LoopbackFailure::NoReport)
        }
        (None | Some(_), None | Some(_)) => LoopbackState::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use LoopbackFailure as F;
    use LoopbackState as L;
    use MessageStatus as M;

    /// Status of the message and whether it is final; seconds at which it was sent, arrived and was reported (0: never),
    /// and at which it is looked at; what it is then.
    type Case = (M, bool, [i64; 3], i64, L);

    const CASES: &[Case] = &[
        (M::Queued, false, [0, 0, 0], 1, L::Pending),
        (M::Sent, false, [2, 0, 0], 3, L::Pending),
        (M::Sent, false, [2, 4, 0], 5, L::Pending),
        // Reported before it arrived; unknown, but back.
        (M::Delivered, true, [2, 0, 4], 5, L::Pending),
        (M::Unknown, false, [0, 4, 0], 5, L::Pending),
        // Both proofs, however late somebody looks.
        (M::Delivered, true, [2, 4, 5], 6, L::Passed),
        (M::Delivered, true, [2, 4, 5], 999, L::Passed),
        // Refused; never tried.
        (M::Failed, true, [0, 0, 0], 3, L::Failed(F::NotSent)),
        (M::Queued, false, [0, 0, 0], 100, L::Failed(F::NotSent)),
        // Deaf; deaf to texts, but not to reports.
        (M::Sent, false, [2, 0, 0], 100, L::Failed(F::NotArrived)),
        (M::Delivered, true, [2, 0, 3], 100, L::Failed(F::NotArrived)),
        // No report; a bad one.
        (M::Sent, false, [2, 4, 0], 100, L::Failed(F::NoReport)),
        (M::Undelivered, true, [2, 4, 0], 5, L::Failed(F::NoReport)),
    ];

    #[test]
    fn a_test_passes_only_with_both_proofs() {
        let time = |seconds: i64| UtcTime::from_millis(seconds * 1000);
        for case in CASES {
            let (status, is_final, seconds, now, state) = *case;
            let [sent_at, arrived_at, reported_at] = seconds.map(|at| (at > 0).then(|| time(at)));
            let facts = LoopbackFacts {
                status,
                is_final,
                sent_at,
                arrived_at,
                reported_at,
                ends_at: time(100),
            };
            assert_eq!(judge(&facts, time(now)), state, "{case:?}");
        }
    }
}
