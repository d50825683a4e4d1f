//! Bounds that more than one room must agree on. A bound used by one room stands in that room.

/// Parts (TPDUs) one message may have at most, whatever the caller asks for.
pub const PARTS_PER_MESSAGE: usize = 10;

/// Parts one message may have unless the caller raises `max_parts`.
pub const PARTS_PER_MESSAGE_DEFAULT: usize = 4;

/// Octets of TP-User-Data in one TPDU (3GPP TS 23.040 clause 9.2.3.16).
pub const USER_DATA_OCTETS: usize = 140;

/// Octets of a whole TPDU with every optional field, with room for what networks add (23.040 clause 9.2.2 gives 164
/// to 175; longer ones are refused unread).
pub const TPDU_OCTETS: usize = 176;

/// Characters of a message text the API takes, before the number of parts is even counted.
pub const BODY_CHARS: usize = 2_000;

/// Modems one gateway drives at most.
pub const MODEMS: usize = 256;
