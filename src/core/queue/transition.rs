//! What moves a part from state to state: P1 to P15 of the field guide as one total function. Whether an event happened
//! is judged elsewhere ([`super::classify`], [`super::correlate`], [`super::unknown`]); here stands what may follow.

use super::state::PartState;

/// Something that happened to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartEvent {
    /// P1: a SIM leased it.
    Leased,
    /// P2: the lease is gone, nothing was written.
    LeaseLost,
    /// P3: an attempt is on disk. From pending too, since leases are never on disk.
    Written,
    /// P4, P8: the SMSC took it, by its answer or by evidence. Also when it already waits to be sent again: then
    /// it need not be.
    Accepted,
    /// P5, P9: it was not accepted, or may be sent again although nobody knows; it waits for another attempt.
    Again,
    /// P6, P10: not accepted, and no further attempt.
    Refused,
    /// P7: no usable answer after Ctrl-Z.
    NoOutcome,
    /// P11: interim report.
    Interim,
    /// P12: the phone took it. P13: late, after the network had said that it expired.
    Delivered,
    /// P12: passed on, not confirmed.
    DeliveredUnconfirmed,
    /// P12: the network gave up.
    Undelivered,
    /// P12: the SMSC's validity ran out.
    Expired,
    /// P14: withdrawn before writing.
    Canceled,
    /// P14: our own validity ran out before writing.
    Lapsed,
}

impl PartEvent {
    /// Every event.
    pub const ALL: [Self; 14] = [
        Self::Leased,
        Self::LeaseLost,
        Self::Written,
        Self::Accepted,
        Self::Again,
        Self::Refused,
        Self::NoOutcome,
        Self::Interim,
        Self::Delivered,
        Self::DeliveredUnconfirmed,
        Self::Undelivered,
        Self::Expired,
        Self::Canceled,
        Self::Lapsed,
    ];
}

/// The event cannot happen to a part in this state; nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a part that is {}", state.as_str())]
pub struct NotAllowed {
    /// Where the part stands.
    pub state: PartState,
    /// What was to happen.
    pub event: PartEvent,
}

/// The state after `event`.
///
/// # Errors
/// [`NotAllowed`] for what rules P1 to P15 do not name.
pub const fn next(state: PartState, event: PartEvent) -> Result<PartState, NotAllowed> {
    use PartEvent as E;
    use PartState as S;
    Ok(match (state, event) {
        (S::Pending, E::Leased) => S::Assigned,
        (S::Assigned, E::LeaseLost) | (S::Submitting | S::Unknown, E::Again) => S::Pending,
        (S::Pending | S::Assigned, E::Written) => S::Submitting,
        (S::Pending | S::Submitting | S::Unknown, E::Accepted) => S::Accepted,
        (S::Submitting | S::Unknown, E::Refused) => S::Refused,
        (S::Submitting, E::NoOutcome) => S::Unknown,
        (S::Accepted | S::Buffered, E::Interim) => S::Buffered,
        (S::Accepted | S::Buffered | S::Expired, E::Delivered) => S::Delivered,
        (S::Accepted | S::Buffered, E::DeliveredUnconfirmed) => S::DeliveredUnconfirmed,
        (S::Accepted | S::Buffered, E::Undelivered) => S::Undelivered,
        (S::Accepted | S::Buffered, E::Expired) => S::Expired,
        (S::Pending | S::Assigned, E::Canceled) => S::Canceled,
        (S::Pending | S::Assigned, E::Lapsed) => S::Lapsed,
        _ => return Err(NotAllowed { state, event }),
    })
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::queue::state::MessageStatus;
    use crate::queue::status::{Context, status_of};

    /// The arrows of the field guide's table, written down once more.
    fn arrows() -> Vec<(PartState, PartState)> {
        use PartState as S;
        vec![
            (S::Pending, S::Assigned),              // P1
            (S::Assigned, S::Pending),              // P2
            (S::Assigned, S::Submitting),           // P3
            (S::Pending, S::Submitting),            // P3 on disk
            (S::Submitting, S::Accepted),           // P4
            (S::Submitting, S::Pending),            // P5
            (S::Submitting, S::Refused),            // P6
            (S::Submitting, S::Unknown),            // P7
            (S::Unknown, S::Accepted),              // P8
            (S::Pending, S::Accepted),              // P8, when it waits to be sent again
            (S::Unknown, S::Pending),               // P9
            (S::Unknown, S::Refused),               // P10
            (S::Accepted, S::Buffered),             // P11
            (S::Buffered, S::Buffered),             // P11 again
            (S::Accepted, S::Delivered),            // P12
            (S::Accepted, S::DeliveredUnconfirmed), // P12
            (S::Accepted, S::Undelivered),          // P12
            (S::Accepted, S::Expired),              // P12
            (S::Buffered, S::Delivered),            // P12
            (S::Buffered, S::DeliveredUnconfirmed), // P12
            (S::Buffered, S::Undelivered),          // P12
            (S::Buffered, S::Expired),              // P12
            (S::Expired, S::Delivered),             // P13
            (S::Pending, S::Canceled),              // P14
            (S::Assigned, S::Canceled),             // P14
            (S::Pending, S::Lapsed),                // P14
            (S::Assigned, S::Lapsed),               // P14
        ]
    }

    fn moves() -> Vec<(PartState, PartEvent, PartState)> {
        let mut all = Vec::new();
        for state in PartState::ALL {
            for event in PartEvent::ALL {
                if let Ok(after) = next(state, event) {
                    all.push((state, event, after));
                }
            }
        }
        all
    }

    #[test]
    fn exactly_the_arrows_of_the_table_exist() {
        let mut made: Vec<_> = moves().into_iter().map(|(from, _, to)| (from, to)).collect();
        let mut wanted = arrows();
        made.sort_unstable();
        made.dedup();
        wanted.sort_unstable();
        assert_eq!(made, wanted);
    }

    fn combinations(length: usize) -> Vec<Vec<PartState>> {
        (0..PartState::ALL.len().pow(u32::try_from(length).unwrap()))
            .map(|mut number| {
                (0..length)
                    .map(|_| {
                        let state = PartState::ALL[number % PartState::ALL.len()];
                        number /= PartState::ALL.len();
                        state
                    })
                    .collect()
            })
            .collect()
    }

    /// Invariant 9: from any final message, any move of any part leaves it final, and changes the status only by P13.
    #[test]
    fn a_final_message_stays_final_and_changes_by_p13_only() {
        let moves = moves();
        for length in 1..=4 {
            for parts in combinations(length) {
                for (asked, over) in [(false, false), (true, false), (true, true)] {
                    let context = Context {
                        delivery_report: asked,
                        wait_over: over,
                        ..Context::default()
                    };
                    let before = status_of(&parts, context);
                    // After the time-outs of M5 and M8, and without a report asked for, reports are history only.
                    let waits = asked && !over;
                    if !before.is_final || (before.status == MessageStatus::Unknown || !waits) {
                        continue;
                    }
                    for (place, state) in parts.iter().enumerate() {
                        for (_, event, to) in moves.iter().filter(|m| m.0 == *state) {
                            let mut moved = parts.clone();
                            moved[place] = *to;
                            let after = status_of(&moved, context);
                            assert!(after.is_final, "{parts:?} {event:?}");
                            let p13 = *state == PartState::Expired && *event == PartEvent::Delivered;
                            assert!(after.status == before.status || p13, "{parts:?} {event:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_settled_for_good_never_moves() {
        for state in [
            PartState::Delivered,
            PartState::DeliveredUnconfirmed,
            PartState::Undelivered,
            PartState::Lapsed,
            PartState::Refused,
            PartState::Canceled,
        ] {
            for event in PartEvent::ALL {
                assert_eq!(next(state, event), Err(NotAllowed { state, event }));
            }
        }
    }
}
