//! Wardwire, the shell: it does everything and decides nothing; deciding is `wardwire_core`.
//!
//! Rooms in reading order; which may name which stands in `tests/architecture.rs`.

pub mod clock;
pub mod config;

pub mod serial;

pub mod doctor;

pub mod store;

pub mod webhook;

pub mod api;

pub mod web;

pub mod daemon;

pub mod cli;

#[cfg(test)]
#[path = "../tests/common/usb.rs"]
mod fake_usb;
