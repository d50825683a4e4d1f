//! The store through its own door. Time is a number that the tests move.

mod bank;
mod evidence;
mod life;

pub(super) use bank::Bank;
