//! The catalogue of field failures (`docs/failures.md`), entry by entry: the gateway as it ships against a virtual modem that fails in that
//! way, in virtual time. What is promised there is shown here.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a harness: a wrong assumption must stop the run"
)]

mod budgets;
mod catalogue;
mod crowd;
mod host;
mod hours;
mod preferring;
mod protocol;
mod receiving;
mod sending;
mod site;
