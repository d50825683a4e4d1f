//! Serial ports: opening, reading and writing them, and the pseudo-terminals the virtual modems stand on. It moves
//! bytes and knows no AT command.

pub mod bank;
mod port;
pub mod pty;
mod spec;
mod task;

pub use port::{Port, PortError, open, wait_and_open};
pub use spec::{Allowed, PortSpec, PortSpecError};
pub use task::{Busy, LostReason, PortCommand, PortEvent, PortHandle, Slot, run_port, spawn_port};

#[cfg(test)]
mod tests;
