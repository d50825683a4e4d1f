//! Why not, in words: why a modem cannot send, and what it answered instead of doing as told.

/// Why a modem cannot send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Its port is not there.
    NoPort,
    /// Bring-up is under way.
    Starting,
    /// It restarted by itself; bring-up follows.
    Restarted,
    /// It restarted by itself too often.
    Looping,
    /// It did not answer a command.
    NotAnswering,
    /// A step of bring-up that cannot be missed was refused.
    SetupRefused,
    /// No SIM.
    NoSim,
    /// The SIM is not ready yet, or stopped being so.
    SimBusy,
    /// The SIM tells neither ICCID nor IMSI: it may be any, its budget used up or not.
    SimNameless,
    /// The SIM wants a PIN and none may be given.
    PinNeeded,
    /// The SIM refused the configured PIN; it is not tried again.
    PinRefused,
    /// The SIM wants its PUK, or another code only a person may give.
    Locked,
    /// The modem is locked to an operator this SIM is not of.
    OperatorLocked,
    /// Roaming, and the configuration does not want that.
    Roaming,
    /// Not registered, or still looking for a network.
    NotRegistered,
    /// The network denies registration.
    Denied,
    /// The daemon is stopping.
    Stopping,
    /// It is being restarted.
    Restarting,
    /// It is registered, but the network takes nothing from it.
    Mute,
    /// It sends, but neither reports nor messages come in.
    Deaf,
    /// A person drained it.
    Drained,
    /// A person switched it off.
    Disabled,
    /// It is at something that must not be disturbed.
    Busy,
    /// Giving that code now could lock the SIM.
    CodeAtRisk,
}

impl Why {
    /// A sentence for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPort => "the port is not there",
            Self::Starting => "starting",
            Self::Restarted => "the modem restarted by itself",
            Self::Looping => "the modem restarts by itself again and again: look at its power supply and cable",
            Self::NotAnswering => "the modem does not answer",
            Self::SetupRefused => "the modem refuses a setting it cannot work without",
            Self::NoSim => "no SIM",
            Self::SimBusy => "the SIM is not ready",
            Self::SimNameless => "the SIM tells neither ICCID nor IMSI",
            Self::PinNeeded => "the SIM wants its PIN",
            Self::PinRefused => "the SIM refused the configured PIN",
            Self::Locked => "the SIM is locked",
            Self::OperatorLocked => "the modem is locked to another operator",
            Self::Roaming => "roaming, which the configuration does not allow",
            Self::NotRegistered => "no network",
            Self::Denied => "the network refuses this SIM",
            Self::Stopping => "stopping",
            Self::Restarting => "being restarted",
            Self::Mute => "it answers and has a network, but nothing it sends is taken",
            Self::Deaf => "it sends, but hears nothing: neither delivery reports nor messages",
            Self::Drained => "drained by a person: it receives, but sends nothing",
            Self::Disabled => "switched off by a person",
            Self::Busy => "the modem is busy",
            Self::CodeAtRisk => "another wrong code could lock the SIM",
        }
    }
}

/// An answer that is no success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// `+CMS ERROR: n` (3GPP TS 27.005 clause 3.2.5).
    Cms(u16),
    /// `+CME ERROR: n` (3GPP TS 27.007 clause 9.2).
    Cme(u16),
    /// Plain `ERROR`, a vendor's form of it, or a text that names no known code.
    Error,
    /// No prompt came, the modem was not serving, or it was gone before Ctrl-Z.
    NoPrompt,
    /// [`Command::Withdraw`](super::Command::Withdraw).
    Withdrawn,
}
