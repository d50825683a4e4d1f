//! What of a modem outlives a restart of the gateway besides its messages: what people took from it, and what its recovery has
//! learned. Plain values: the modem makes them, the store keeps them, neither needs the other's words.

use alloc::vec::Vec;

/// What a person took from a modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ban {
    /// Sending: it goes on receiving.
    Drained,
    /// Everything: nothing is said to it.
    Disabled,
}

/// The past of a modem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// By a person.
    pub ban: Option<Ban>,
    /// What is known of the steps of recovery that disturb; one at most of each, untried ones left out.
    pub steps: Vec<StepPast>,
}

/// What is known of one step of recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepPast {
    /// Which, as its place on the ladder, mildest 0.
    pub level: u8,
    /// Day of the counts, in days since 1970 (UTC).
    pub day: i64,
    /// Times taken on that day.
    pub today: u8,
    /// Times taken lately.
    pub tried: u16,
    /// Times it helped lately.
    pub helped: u16,
    /// It made matters worse the last time.
    pub worse: bool,
}
