//! Names of message storages (3GPP TS 27.005 clause 3.2.2); not what is in them.

use core::fmt;

/// A message storage: two letters, as `SM` (SIM), `ME` (device), `MT` (both), `SR` (status reports).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory([u8; 2]);

impl Memory {
    /// The SIM.
    pub const SM: Self = Self(*b"SM");
    /// The device.
    pub const ME: Self = Self(*b"ME");
    /// SIM and device as one.
    pub const MT: Self = Self(*b"MT");
    /// Status reports.
    pub const SR: Self = Self(*b"SR");

    /// From its name, quotes and blanks around it already gone. Every name of the standard has two letters; others are
    /// refused, and what lies there is found by listing.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_letters() {
        assert_eq!(Memory::from_name("sm"), Some(Memory::SM));
        assert_eq!(Memory::from_name("SM_P"), None);
        assert_eq!(Memory::from_name("S1"), None);
        assert_eq!(Memory::ME.as_str(), "ME");
    }
}
