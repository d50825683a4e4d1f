//! What is on its way between the modems and the network.

use alloc::string::String;
use alloc::vec::Vec;

use super::options::Fault;

/// What the network has for a SIM.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    /// A part of a message.
    Inbound { inbound: u64, tpdu: Vec<u8> },
    /// A delivery report.
    Report {
        submission: Option<u64>,
        tp_mr: u8,
        tp_st: u8,
        tpdu: Vec<u8>,
    },
}

/// A part as it left the modem.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) tpdu: Vec<u8>,
    pub(super) tp_mr: u8,
    /// The SIM it comes from; by the time the network has decided it may be in another modem.
    pub(super) iccid: String,
    /// Own number of that SIM.
    pub(super) from: String,
}

/// A part on its way.
#[derive(Clone, Debug)]
pub(super) struct Submitting {
    pub(super) part: Part,
    /// `+CMGS` or `+CMSS`.
    pub(super) command: &'static str,
    pub(super) ending: Ending,
    /// The dialogue it belongs to: when the port went or the modem started anew meanwhile, nobody is told how it ended.
    pub(super) epoch: u32,
}

/// What will become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Accepted,
    Refused(u16),
    /// Accepted; how the answer is spoilt.
    Spoilt(Spoilt),
    /// What happens to the modem; whether the part was accepted.
    Broken(Broken, bool),
    /// Not accepted; the modem says so with this code after some seconds.
    Failed(u16),
    /// Not accepted, though the modem says it was.
    Dropped,
    /// Not accepted, and nothing is said.
    Swallowed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoilt {
    Lost,
    Error,
    Late,
    WrongReference,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Restart,
    PortGone,
    Hang,
    NetworkGone,
    PortFlaps,
    HubGone,
    CardGone,
    Ill(Fault),
}
