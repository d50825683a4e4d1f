//! What the air saw: the truth that a gateway's own record is compared with.

use alloc::string::String;
use alloc::vec::Vec;

use super::Fault;
use crate::base::Now;

/// One thing the network saw or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AirEvent {
    /// When.
    pub at: Now,
    /// Place of the modem in the bank.
    pub modem: usize,
    /// What.
    pub what: Air,
}

/// What the network saw or did. Numbers and texts are whole here: they are invented, or those of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Air {
    /// The service centre took a part.
    Accepted(Accepted),
    /// The network refused a part with this RP-cause.
    Refused {
        /// RP-cause (3GPP TS 24.011 clause 8.2.5.4).
        cause: u16,
        /// Where it was to go.
        recipient: String,
    },
    /// The network said yes to a part and let it fall: no handset ever sees it, no report comes.
    Dropped {
        /// Where it was to go.
        recipient: String,
        /// 1-based place in a longer message; 1 for one of one part.
        place: u8,
        /// The reference the modem was told.
        tp_mr: u8,
    },
    /// A delivery report reached the modem and was passed on or stored.
    Reported {
        /// The [`Accepted::submission`] it belongs to; none for a foreign one.
        submission: Option<u64>,
        /// TP-Message-Reference it names.
        tp_mr: u8,
        /// TP-Status.
        tp_st: u8,
    },
    /// A delivery report is gone for ever.
    ReportLost {
        /// The [`Accepted::submission`] it belongs to.
        submission: Option<u64>,
    },
    /// A handset sent a message to the SIM.
    Sent {
        /// Which; as [`super::Bank::inject`] told.
        inbound: u64,
        /// Who sent it.
        from: String,
        /// The text.
        text: String,
        /// Parts on the air.
        parts: u8,
    },
    /// A part of an inbound message was put into the modem's storage.
    Stored {
        /// Which message.
        inbound: u64,
        /// `ME` or `SM`.
        memory: &'static str,
        /// Index as the modem counts.
        index: usize,
    },
    /// A part of an inbound message was passed straight on (`+CMT`).
    Routed {
        /// Which message.
        inbound: u64,
    },
    /// The driver deleted a part of an inbound message or a stored report.
    Deleted {
        /// Which message; none for a report or the driver's own draft.
        inbound: Option<u64>,
        /// `ME` or `SM`.
        memory: &'static str,
        /// Index as the modem counts.
        index: usize,
    },
    /// Something was made to go wrong.
    Fault(Fault),
}

/// A part the service centre took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Number of the submission in this bank, from 1.
    pub submission: u64,
    /// SIM it came from.
    pub iccid: String,
    /// Own number of that SIM.
    pub from: String,
    /// Where it goes: E.164 with plus, or bare digits.
    pub recipient: String,
    /// The reference the network saw, which a report will name.
    pub tp_mr: u8,
    /// Place in a longer message: reference, parts in all, 1-based place.
    pub concat: Option<(u16, u8, u8)>,
    /// The text of this part, where it is text.
    pub text: Option<String>,
    /// A delivery report was asked for.
    pub report_requested: bool,
    /// The TPDU as it came.
    pub tpdu: Vec<u8>,
}

impl Air {
    /// Its name in written journals.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused { .. } => "refused",
            Self::Dropped { .. } => "dropped",
            Self::Reported { .. } => "reported",
            Self::ReportLost { .. } => "report_lost",
            Self::Sent { .. } => "sent",
            Self::Stored { .. } => "stored",
            Self::Routed { .. } => "routed",
            Self::Deleted { .. } => "deleted",
            Self::Fault(_) => "fault",
        }
    }
}
