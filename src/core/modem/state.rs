//! Where a modem stands and how it is, for the status page and for choosing a SIM.

use heapless::String;

use super::why::Why;

/// Where a modem stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its port is not there.
    Absent,
    /// Bring-up is under way.
    Starting,
    /// It can send.
    Ready,
    /// It answers, but cannot send now.
    Degraded(Why),
    /// It stopped answering or working; it is being brought back.
    Recovering(Why),
    /// Only a person can help; it is still looked at.
    Failed(Why),
    /// Nothing brought it back; left alone for a while, then tried again.
    Quarantined(Why),
    /// A person drained it: it receives, but begins no submit.
    Drained,
    /// A person switched it off: nothing is said to it.
    Disabled,
}

impl State {
    /// Why it cannot send; empty when it can.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Absent => Why::NoPort.as_str(),
            Self::Starting => Why::Starting.as_str(),
            Self::Ready => "",
            Self::Drained => Why::Drained.as_str(),
            Self::Disabled => Why::Disabled.as_str(),
            Self::Degraded(why) | Self::Recovering(why) | Self::Failed(why) | Self::Quarantined(why) => why.as_str(),
        }
    }
}

/// How it hears the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Signal in dBm (27.007 clause 8.5).
    pub signal_dbm: Option<i16>,
    /// Whether and where it is registered.
    pub registration: Registration,
    /// Operator as the modem tells it: a name, or MCC and MNC.
    pub operator: String<32>,
    /// Access technology.
    pub access: Access,
}

/// Registration, in the words of 27.007 clause 7.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Not asked yet, or the modem does not tell.
    #[default]
    Unknown,
    /// Not registered and not searching (0).
    NotSearching,
    /// At home (1, 6, 9).
    Home,
    /// Searching (2).
    Searching,
    /// Denied (3).
    Denied,
    /// Roaming (5, 7, 10).
    Roaming,
    /// Emergency calls only (8).
    EmergencyOnly,
}

impl Registration {
    /// From `<stat>`. Values the standard does not know count as not registered.
    #[must_use]
    pub const fn from_stat(stat: u16) -> Self {
        match stat {
            1 | 6 | 9 => Self::Home,
            2 => Self::Searching,
            3 => Self::Denied,
            5 | 7 | 10 => Self::Roaming,
            8 => Self::EmergencyOnly,
            _ => Self::NotSearching,
        }
    }

    /// SMS can pass.
    #[must_use]
    pub const fn is_registered(self) -> bool {
        match self {
            Self::Home | Self::Roaming => true,
            Self::Unknown | Self::NotSearching | Self::Searching | Self::Denied | Self::EmergencyOnly => false,
        }
    }

    /// The word the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotSearching => "not_registered",
            Self::Home => "home",
            Self::Searching => "searching",
            Self::Denied => "denied",
            Self::Roaming => "roaming",
            Self::EmergencyOnly => "emergency_only",
        }
    }
}

/// Access technology, by generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Not told.
    #[default]
    Unknown,
    /// GSM.
    G2,
    /// UTRAN.
    G3,
    /// E-UTRAN.
    G4,
    /// NR.
    G5,
}

impl Access {
    /// From `<AcT>` (27.007 clause 7.3).
    #[must_use]
    pub const fn from_act(act: u16) -> Self {
        match act {
            0 | 1 | 3 | 8 => Self::G2,
            2 | 4 | 5 | 6 => Self::G3,
            7 | 9 | 10 => Self::G4,
            11..=13 => Self::G5,
            _ => Self::Unknown,
        }
    }

    /// The word the API uses; empty when not told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::G2 => "2g",
            Self::G3 => "3g",
            Self::G4 => "4g",
            Self::G5 => "5g",
        }
    }
}
