//! The status of a message, derived from its parts: a pure total function (rules M1 to M13). What moves a part is
//! decided in [`super::transition`].

use super::state::{HoldReason, MessageStatus, PartState};

/// What is known about delivery to the phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// No reports were asked for.
    #[default]
    None,
    /// Not settled yet.
    Pending,
    /// Every part was confirmed by the phone.
    Confirmed,
    /// The network passed on at least one part without a confirmation, and refused none.
    Unconfirmed,
    /// At least one part will not arrive.
    Failed,
    /// The wait for reports is over.
    Timeout,
}

impl Delivery {
    /// Every value (the index is the code on disk; only append).
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Pending,
        Self::Confirmed,
        Self::Unconfirmed,
        Self::Failed,
        Self::Timeout,
    ];

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Unconfirmed => "unconfirmed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
        }
    }
}

/// What a message's status depends on besides its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Held, for this reason. Counts only while nothing has moved.
    pub held: Option<HoldReason>,
    /// Its time has not come. Counts only while nothing has moved.
    pub scheduled: bool,
    /// Delivery reports were asked for.
    pub delivery_report: bool,
    /// The wait for reports and evidence is over (P15, M5): validity plus 48 h.
    pub wait_over: bool,
}

/// Status of a message, whether it is final, and what is known about delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Status.
    pub status: MessageStatus,
    /// No later fact opens it again; only P13 may still change it.
    pub is_final: bool,
    /// Delivery to the phone.
    pub delivery: Delivery,
}

/// The counts the rules look at: how many parts stand in each of the 13 states.
#[derive(Clone, Copy, Debug, Default)]
struct Counts([usize; PartState::ALL.len()]);

impl Counts {
    fn of(parts: &[PartState]) -> Self {
        let mut counts = Self::default();
        for part in parts {
            if let Some(count) = counts.0.get_mut(*part as usize) {
                *count += 1;
            }
        }
        counts
    }

    fn has(&self, states: &[PartState]) -> bool {
        self.sum(states) > 0
    }

    fn sum(&self, states: &[PartState]) -> usize {
        states.iter().filter_map(|state| self.0.get(*state as usize)).sum()
    }
}

/// The SMSC took it, whatever became of it then.
const ACCEPTED_LIKE: [PartState; 6] = [
    PartState::Accepted,
    PartState::Buffered,
    PartState::Delivered,
    PartState::DeliveredUnconfirmed,
    PartState::Undelivered,
    PartState::Expired,
];
/// It will never be accepted.
const DEAD: [PartState; 3] = [PartState::Refused, PartState::Lapsed, PartState::Canceled];
/// It still waits for a SIM.
const WAITING: [PartState; 2] = [PartState::Pending, PartState::Assigned];
/// It still waits for a report.
const REPORTABLE: [PartState; 2] = [PartState::Accepted, PartState::Buffered];

impl PartState {
    /// The SMSC took it, whatever became of it then.
    #[must_use]
    pub fn is_accepted_like(self) -> bool {
        ACCEPTED_LIKE.contains(&self)
    }

    /// It will never be accepted.
    #[must_use]
    pub fn is_dead(self) -> bool {
        DEAD.contains(&self)
    }
}

/// Rules M1 to M13 of the field guide, first match wins; total for any list of parts, an empty one counting as queued.
#[must_use]
pub fn status_of(parts: &[PartState], context: Context) -> Derived {
    let counts = Counts::of(parts);
    let (status, is_final) = rule(&counts, parts.len(), context);
    Derived {
        status,
        is_final,
        delivery: delivery(&counts, parts.len(), context, is_final),
    }
}

fn rule(counts: &Counts, all: usize, context: Context) -> (MessageStatus, bool) {
    use MessageStatus as M;
    use PartState as P;
    let untouched = counts.sum(&WAITING) == all;
    if untouched && context.held.is_some() {
        return (M::Held, false);
    }
    if untouched && context.scheduled {
        return (M::Scheduled, false);
    }
    let accepted = counts.sum(&ACCEPTED_LIKE);
    let dead = counts.sum(&DEAD);
    let begun = accepted > 0 || counts.has(&[P::Unknown]);
    if counts.has(&[P::Submitting]) || (begun && counts.has(&WAITING)) {
        (M::Submitting, false) // M1, M2
    } else if counts.has(&[P::Assigned]) {
        (M::Assigned, false) // M3
    } else if counts.has(&[P::Pending]) || all == 0 {
        (M::Queued, false) // M4
    } else if counts.has(&[P::Unknown]) {
        (M::Unknown, context.wait_over) // M5
    } else if dead == all {
        let status = if counts.has(&[P::Refused]) {
            M::Failed
        } else if counts.has(&[P::Lapsed]) {
            M::Expired
        } else {
            M::Canceled
        };
        (status, true) // M6
    } else if dead > 0 {
        (M::PartiallySent, true) // M7
    } else if counts.has(&REPORTABLE) {
        (M::Sent, !context.delivery_report || context.wait_over) // M8
    } else {
        (settled(counts, all), true)
    }
}

/// M9 to M13: every part has its final report.
fn settled(counts: &Counts, all: usize) -> MessageStatus {
    use MessageStatus as M;
    use PartState as P;
    if counts.sum(&[P::Delivered]) == all {
        M::Delivered // M9
    } else if counts.sum(&[P::Delivered, P::DeliveredUnconfirmed]) == all {
        M::Sent // M10
    } else if counts.has(&[P::Delivered]) {
        M::PartiallyDelivered // M11
    } else if counts.has(&[P::Undelivered]) {
        M::Undelivered // M12
    } else {
        M::Expired // M13
    }
}

fn delivery(counts: &Counts, all: usize, context: Context, is_final: bool) -> Delivery {
    use PartState as P;
    if counts.has(&[P::Undelivered, P::Expired]) || counts.has(&DEAD) {
        Delivery::Failed
    } else if all > 0 && counts.sum(&[P::Delivered]) == all {
        Delivery::Confirmed
    } else if all > 0 && counts.sum(&[P::Delivered, P::DeliveredUnconfirmed]) == all {
        Delivery::Unconfirmed
    } else if !context.delivery_report {
        Delivery::None
    } else if is_final {
        Delivery::Timeout
    } else {
        Delivery::Pending
    }
}

#[cfg(test)]
mod tests;
