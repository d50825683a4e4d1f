//! (room)
//! The AT command engine: octets of one port become lines, lines become answers and unsolicited codes, and one command at a
//! time goes out with its own expectation and its own clock. It knows the wire (V.250, 3GPP TS 27.005 and 27.007),
//! not what a modem is for: that is [`crate::modem`].

pub mod limits;
pub mod memory;

pub use memory::Memory;
