//! Messages from the network that are no plain text: what a gateway must take without mistaking it for an answer.

use alloc::string::String;
use alloc::vec::Vec;

/// What is put on the air by [`super::Bank::inject_special`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Special {
    /// Class 0: to be shown at once.
    Flash(String),
    /// Class 2: for the SIM.
    ForSim(String),
    /// A message is waiting elsewhere (voice mail), told by the coding scheme.
    Waiting {
        /// Waiting now, or no more.
        active: bool,
    },
    /// A WAP push (Service Indication).
    WapPush,
    /// A picture message waits in its centre.
    MmsNotice,
    /// Type 0: to be acknowledged and shown to nobody.
    TypeZero,
    /// Octets for a port of an application.
    Binary {
        /// Destination port.
        port: u16,
        /// At most 133 octets.
        octets: Vec<u8>,
    },
}

impl Special {
    /// The text in it.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Flash(text) | Self::ForSim(text) => text,
            Self::Waiting { .. } | Self::WapPush | Self::MmsNotice | Self::TypeZero | Self::Binary { .. } => "",
        }
    }
}
