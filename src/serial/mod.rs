//! Serial ports: finding, opening, reading and writing them, bringing hung ones back, and the pseudo-terminals the virtual
//! modems stand on. It moves bytes and knows no AT command.

pub mod bank;
pub mod discovery;
mod hotplug;
mod port;
pub mod pty;
mod seek;
mod spec;
pub mod table;
mod task;
pub mod usb;

pub use discovery::Tree;
pub use port::{Port, PortError, open, wait_and_open};
pub use seek::{Arrival, Claim, DISCOVERED, seek};
pub use spec::{Allowed, PortSpec, PortSpecError};
pub use task::{
    Busy, LostReason, PortCommand, PortEvent, PortHandle, Slot, run_port, spawn_configured, spawn_found, spawn_port,
};

#[cfg(test)]
mod tests;
