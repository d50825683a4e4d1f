//! The deciding half of Wardwire. It decides everything and does nothing: no clock, no file, no socket, no thread, no
//! unordered map. Bytes, facts and the time come in; bytes, facts and the next time go out. So the whole bank runs in
//! virtual time from one seed.
//!
//! Rooms in reading order; each may name only rooms above it (`tests/architecture.rs` holds the table).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod base;

pub mod sms;

pub mod at;

pub mod modem;

pub mod queue;

pub mod dispatch;

pub mod gateway;

pub mod simulator;
