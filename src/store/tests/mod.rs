//! The store through its own door. Time is a number that the tests move.

mod arrival;
mod bank;
mod batches;
mod budget;
mod decisions;
mod disk;
mod doors;
mod evidence;
mod inbound;
mod lanes;
mod life;
mod outages;
mod outbox;
mod past;
mod pasts;
mod people;
mod pins;
mod reports;
mod retention;
mod sharing;
mod windows;

pub(super) use bank::Bank;
