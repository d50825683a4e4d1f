//! The store through its own door. Time is a number that the tests move.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "an answer that was not asked for fails the test"
)]

mod bank;
mod doors;
mod evidence;
mod inbound;
mod life;
mod model;
mod reports;

pub(super) use bank::Bank;
