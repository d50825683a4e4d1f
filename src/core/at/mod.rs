//! (room)
//! The AT command engine: octets of one port become lines, lines become answers and unsolicited codes, and one command at a
//! time goes out with its own expectation and its own clock. It knows the wire (V.250, 3GPP TS 27.005 and 27.007),
//! not what a modem is for: that is [`crate::modem`].

pub mod engine;
pub mod framer;
pub mod limits;
pub mod memory;
pub mod parse;
pub mod pdu;
pub mod request;
pub mod result;
pub mod urc;

#[cfg(test)]
mod tests;

pub use engine::{Command, Counters, Engine, Event, Outcome, Transmit, WakeReason};
pub use framer::Line;
pub use memory::Memory;
pub use pdu::Pdu;
pub use request::Request;
pub use result::FinalResult;
pub use urc::Urc;
