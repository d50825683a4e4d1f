//! Numbers of people and networks. `Debug` masks them; there is no `Display` (promise 7).

use alloc::string::String;
use core::fmt;

use heapless::String as Fixed;

/// Why a text is no E.164 number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    /// It does not begin with `+`.
    #[error("a number in E.164 form begins with +")]
    NoPlus,
    /// Something other than a digit stands after the plus.
    #[error("character {0} is not a digit")]
    NotADigit(usize),
    /// Fewer than 7 or more than 15 digits, or a country code that begins with 0 (ITU-T E.164 clause 6).
    #[error("a number in E.164 form has 7 to 15 digits and does not begin with 0")]
    Length,
}

/// A subscriber number in E.164 form: `+` and 7 to 15 digits. Whether the country's plan knows it is the caller's
/// business (`config::numbering`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(Fixed<16>);

impl PhoneNumber {
    /// Takes exactly `+` and digits; no blanks, no punctuation.
    ///
    /// # Errors
    /// [`PhoneNumberError`] names what is wrong and where.
    pub fn from_e164(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.strip_prefix('+').ok_or(PhoneNumberError::NoPlus)?;
        if let Some(at) = digits.bytes().position(|b| !b.is_ascii_digit()) {
            return Err(PhoneNumberError::NotADigit(at + 1));
        }
        if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
            return Err(PhoneNumberError::Length);
        }
        Fixed::try_from(text).map(Self).map_err(|_| PhoneNumberError::Length)
    }

    /// With the plus: `+353871234567`.
    #[must_use]
    pub fn as_e164(&self) -> &str {
        &self.0
    }

    /// Without the plus: `353871234567`.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.get(1..).unwrap_or_default()
    }

    /// The last nine digits (all, if there are fewer): what a delivery report in another form still shares.
    #[must_use]
    pub fn tail(&self) -> &str {
        tail(self.digits())
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(")?;
        mask(f, &self.0)?;
        f.write_str(")")
    }
}

/// Who sent an inbound message, as the network told it: an E.164 number with plus, a number of unknown or national
/// kind (short codes too) as bare digits, or an alphanumeric name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Originator(String);

impl Originator {
    /// Wraps what the network told.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The number or name itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The last nine digits when the sender is a number.
    #[must_use]
    pub fn tail(&self) -> Option<&str> {
        let digits = self.0.strip_prefix('+').unwrap_or(&self.0);
        (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| tail(digits))
    }
}

impl fmt::Debug for Originator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Originator(")?;
        mask(f, &self.0)?;
        f.write_str(")")
    }
}

fn tail(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(9)..).unwrap_or(digits)
}

/// First three and last two characters of a long text, nothing of a short one.
fn mask(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let count = text.chars().count();
    if count < 8 {
        return f.write_str("…");
    }
    text.chars().take(3).try_for_each(|c| write!(f, "{c}"))?;
    f.write_str("…")?;
    text.chars().skip(count - 2).try_for_each(|c| write!(f, "{c}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn e164_is_plus_and_seven_to_fifteen_digits() {
        assert!(PhoneNumber::from_e164("+353871234567").is_ok());
        assert_eq!(PhoneNumber::from_e164("353871234567"), Err(PhoneNumberError::NoPlus));
        assert_eq!(
            PhoneNumber::from_e164("+35387a234567"),
            Err(PhoneNumberError::NotADigit(6))
        );
        assert_eq!(PhoneNumber::from_e164("+3538"), Err(PhoneNumberError::Length));
        assert_eq!(PhoneNumber::from_e164("+0353871234567"), Err(PhoneNumberError::Length));
        assert_eq!(
            PhoneNumber::from_e164("+1234567890123456"),
            Err(PhoneNumberError::Length)
        );
        assert_eq!(PhoneNumber::from_e164("+"), Err(PhoneNumberError::Length));
    }

    #[test]
    fn national_and_international_form_share_their_tail() {
        let number = PhoneNumber::from_e164("+353871234567").unwrap();
        assert_eq!(number.tail(), "871234567");
        assert_eq!(Originator::new("0871234567").tail(), Some("871234567"));
        assert_eq!(Originator::new("Clinic").tail(), None);
        assert_eq!(Originator::new("50123").tail(), Some("50123"));
    }

    #[test]
    fn debug_masks() {
        assert_eq!(
            format!("{:?}", PhoneNumber::from_e164("+353871234567").unwrap()),
            "PhoneNumber(+35…67)"
        );
        assert_eq!(format!("{:?}", Originator::new("50123")), "Originator(…)");
    }
}
