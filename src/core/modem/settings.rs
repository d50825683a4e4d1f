//! What a modem is set up with, from outside.

use core::fmt;

use super::ladder::Means;
use super::profile::Wiring;
use crate::base::{Past, PhoneNumber};

/// What the configuration says of the SIM in this modem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Its PIN, given only when enough tries are left, and never again once refused.
    pub pin: Option<Pin>,
    /// Its service-centre address; none leaves the SIM's own.
    pub smsc: Option<PhoneNumber>,
    /// How it is connected.
    pub wiring: Wiring,
    /// What can be done to it from outside when it fails.
    pub means: Means,
    /// Nothing is sent while roaming.
    pub refuse_roaming: bool,
    /// What is known of the modem of this slot from before.
    pub past: Past,
}

/// A PIN: 4 to 8 digits. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(heapless::String<8>);

impl Pin {
    /// From its digits; none when it is no PIN.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<Self> {
        let fits = (4..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits {
            heapless::String::try_from(digits).ok().map(Self)
        } else {
            None
        }
    }

    /// The digits: for the one command that needs them, and for the keyed hash by which a refusal is remembered.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(..)")
    }
}
