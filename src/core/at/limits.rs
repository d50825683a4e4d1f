//! Bounds of the wire.

/// Octets of one received line. The longest useful one is a PDU: 12 octets of service-centre address and a TPDU, in hex.
pub const LINE: usize = 512;

/// Characters of one command line without its CR.
pub const COMMAND: usize = 96;

/// Octets handed to the port at once: a hex PDU with service-centre prefix and Ctrl-Z is the longest.
pub const TRANSMIT: usize = 2 * (1 + crate::base::limits::TPDU_OCTETS) + 2;
