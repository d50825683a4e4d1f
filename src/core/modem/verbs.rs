//! What is asked of a modem and what it tells: plain values, no decision. The words for results mean the same as those of
//! the queue's verbs; this room may not name that one, the gateway translates.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use super::ladder::{Fault, Level, Means, Shared};
use super::order::{Order, OrderResult};
use super::settings::Pin;
use super::why::{Answer, Why};
use crate::at::Memory;
use crate::base::limits::TPDU_OCTETS;
use crate::base::{Past, PhoneNumber};

/// One TPDU, without a service-centre address before it.
pub type Tpdu = heapless::Vec<u8, TPDU_OCTETS>;

/// What is asked of a modem. Nothing here blocks; a command that fits no open business is ignored.
#[derive(Clone, Debug)]
pub enum Command {
    /// The port is open and flushed: bring the modem up.
    PortOpened,
    /// The port is gone or failed. The shell looks for it and says [`Command::PortOpened`] again.
    PortLost,
    /// Submit a TPDU. Only one at a time: ends in exactly one [`Event::Submitted`].
    Submit(Submit),
    /// The attempt is on disk: Ctrl-Z may be written. May come before or after the prompt.
    Commit,
    /// Do not send it. Before Ctrl-Z it ends as [`Answer::Withdrawn`]; after Ctrl-Z it changes nothing.
    Withdraw,
    /// What was [`Event::Received`] from this place is on disk: the modem's copy may go.
    Stored(Place),
    /// It could not be stored now: leave the modem's copy and tell of it again later.
    Keep(Place),
    /// A person orders something. Ends in exactly one [`Event::Ordered`] with the same token.
    Order {
        /// Comes back with the result.
        token: u64,
        /// What.
        order: Order,
    },
    /// A modem that says that all is well is suspected of [`Fault::Mute`] or [`Fault::Deaf`]; none: it is well again.
    Suspect(Option<Fault>),
    /// Its trouble is shared by others: it is spared what would not help; none: it may help itself again.
    Shared(Option<Shared>),
    /// This can be done to it from outside where it is plugged now.
    Placed(Means),
    /// What is known of this very modem from before, in whatever slot it was. What people took from it stays taken.
    Recall(Past),
    /// The answer to [`Event::GivesPin`]. One to a try that is not waited for any more and may be made ends as
    /// [`PinEnd::NotGiven`].
    PinAnswer(PinTry, PinAnswer),
    /// Shutdown: what is submitted beyond Ctrl-Z is awaited, what is stored is deleted, nothing else begins.
    Stop,
}

/// A TPDU to submit.
#[derive(Clone)]
pub struct Submit {
    /// An SMS-SUBMIT (3GPP TS 23.040 clause 9.2.2.2).
    pub tpdu: Tpdu,
}

impl fmt::Debug for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submit({} octets)", self.tpdu.len())
    }
}

/// What a modem tells.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// Who it is and which SIM is in it; before anything received is told, and again after each bring-up.
    Identified(Identity),
    /// It can send.
    Ready,
    /// It cannot send any more, for this reason.
    NotReady(Why),
    /// The submit ended.
    Submitted(SubmitResult),
    /// A `+CMGS` came within a minute after its submit had ended in [`SubmitResult::NoAnswer`]: it was accepted.
    LateResult {
        /// TP-Message-Reference the modem used.
        tp_mr: u8,
    },
    /// A TPDU from the network: SMS-DELIVER, SMS-STATUS-REPORT, or something unreadable that is to be kept as it is.
    /// The modem's copy stays until [`Command::Stored`].
    Received {
        /// Without the service-centre address.
        tpdu: Tpdu,
        /// Where the modem keeps it.
        place: Place,
    },
    /// [`super::Modem::health`] changed.
    HealthChanged,
    /// Do this to the port. [`Command::PortLost`] says that it went, [`Command::PortOpened`] that it is back.
    Port(PortAction),
    /// This step of recovery begins.
    Recovering(Level),
    /// How an order ended.
    Ordered {
        /// The order's.
        token: u64,
        /// How.
        result: OrderResult,
    },
    /// It is about to give a PIN: to be written down before. It waits for [`Command::PinAnswer`] with the same try.
    GivesPin(PinTry),
    /// What became of a PIN.
    PinEnded(PinTry, PinEnd),
    /// The modem restarted by itself; a submit beyond Ctrl-Z has ended in [`Silence::ModemReset`] before.
    Restarted,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identified(_) => f.write_str("Identified(..)"),
            Self::Ready => f.write_str("Ready"),
            Self::NotReady(why) => write!(f, "NotReady({why:?})"),
            Self::Submitted(result) => write!(f, "Submitted({result:?})"),
            Self::LateResult { tp_mr } => write!(f, "LateResult({tp_mr})"),
            Self::Received { tpdu, place } => write!(f, "Received({} octets, {place:?})", tpdu.len()),
            Self::HealthChanged => f.write_str("HealthChanged"),
            Self::Recovering(level) => write!(f, "Recovering({level:?})"),
            Self::Port(action) => write!(f, "Port({action:?})"),
            Self::Ordered { token, result } => write!(f, "Ordered({token}, {result:?})"),
            Self::GivesPin(of) => write!(f, "GivesPin({of:?})"),
            Self::PinEnded(of, end) => write!(f, "PinEnded({of:?}, {end:?})"),
            Self::Restarted => f.write_str("Restarted"),
        }
    }
}

/// A PIN about to be given to a card.
#[derive(Clone, PartialEq, Eq)]
pub struct PinTry {
    /// The card, where it tells that while it is locked.
    pub iccid: Option<String>,
    /// The PIN.
    pub pin: Pin,
    /// Tries the card says are left.
    pub tries_left: u16,
    /// By a person's order.
    pub by_person: bool,
}

impl fmt::Debug for PinTry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PinTry(.., {} left, by person: {})", self.tries_left, self.by_person)
    }
}

/// Whether a PIN may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinAnswer {
    /// The try is on disk: give it, once.
    Give,
    /// This card refused this PIN before: never.
    Refused,
    /// It was given too often without an answer: a person may give it.
    Unanswered,
    /// It could not be written down: later.
    NotNow,
}

/// What became of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinEnd {
    /// The card took it.
    Taken,
    /// The card refused it.
    Refused,
    /// It was not given.
    NotGiven,
}

/// What the shell is asked to do to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortAction {
    /// Close it and open it again.
    Reopen,
    /// Reset the USB device behind it; it may come back under another name.
    UsbReset,
    /// Take the power from the device for some seconds.
    PowerCycle,
}

/// Who the modem is and which SIM is in it, as far as it tells. Texts are at most 64 characters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// 14 to 17 digits, normally 15.
    pub imei: Option<String>,
    /// 18 to 22 digits.
    pub iccid: Option<String>,
    /// Up to 15 digits.
    pub imsi: Option<String>,
    /// The SIM's own number, where it is written there in international form.
    pub number: Option<PhoneNumber>,
    /// Its service centre, where it is told in international form.
    pub service_centre: Option<PhoneNumber>,
    /// `+CGMI`.
    pub manufacturer: String,
    /// `+CGMM`.
    pub model: String,
    /// `+CGMR`.
    pub firmware: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Identity({} {} {}, ..)",
            self.manufacturer, self.model, self.firmware
        )
    }
}

/// How a submit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitResult {
    /// The SMSC took it.
    Accepted {
        /// TP-Message-Reference from `+CMGS`; none when the modem answered OK without one.
        tp_mr: Option<u8>,
        /// The SMSC's acknowledgement (SMS-SUBMIT-REPORT), where the modem hands it on.
        ack: Option<AckPdu>,
    },
    /// Ended before Ctrl-Z: nothing left.
    NotSent(Answer),
    /// An error after Ctrl-Z.
    Failed {
        /// Which.
        answer: Answer,
        /// Since Ctrl-Z.
        took: Duration,
    },
    /// No usable answer after Ctrl-Z.
    NoAnswer(Silence),
}

/// An SMS-SUBMIT-REPORT (23.040 clause 9.2.2.2a), at most 32 octets; a longer one is not handed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AckPdu {
    octets: [u8; Self::OCTETS],
    len: u8,
}

impl AckPdu {
    const OCTETS: usize = 32;

    /// From its octets, if they fit.
    #[must_use]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let mut held = [0; Self::OCTETS];
        held.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self {
            octets: held,
            len: u8::try_from(octets.len()).ok()?,
        })
    }

    /// Its octets, without the service-centre address.
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for AckPdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AckPdu({} octets)", self.len)
    }
}

/// Why there was no answer after Ctrl-Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Silence {
    /// The profile's hard timeout passed.
    Timeout,
    /// The modem restarted.
    ModemReset,
    /// The port vanished.
    PortLost,
}

/// Where the modem keeps a received TPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In a storage.
    Stored {
        /// Which.
        memory: Memory,
        /// The modem's index in it.
        index: u16,
    },
    /// Nowhere: it was routed to us (`+CMT`, `+CDS`). [`Command::Stored`] then acknowledges it to the network where the
    /// modem wants that.
    Routed,
}
