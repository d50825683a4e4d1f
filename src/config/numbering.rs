//! What the numbering plans of the world say about a phone number. The only file that names the library for it: its
//! parser lets letters pass and turns short codes into subscribers' numbers, so both are caught here before it sees
//! them.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};
use wardwire_core::base::PhoneNumber;

/// Longest text read as a number: 15 digits, a plus, and generous blanks.
const NUMBER_CHARS: usize = 40;

/// Fewer digits than this in national form are a short code or an emergency number, never a subscriber.
const NATIONAL_DIGITS: usize = 7;

/// A country with a numbering plan, by its ISO 3166 code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country(Region);

impl Country {
    /// Takes two capital letters, as `IE`.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
            return None;
        }
        let region = Region::from_code(code).ok()?;
        PHONE_NUMBER_UTIL
            .get_country_code_for_region(region)
            .map(|_| Self(region))
    }

    /// The two letters.
    #[must_use]
    pub fn code(self) -> String {
        self.0.as_region_str().as_str().to_owned()
    }
}

/// Why a number is not taken. None of these repeats the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// No plan has such a number, or it is of a kind that is never texted (emergency, short, premium, service).
    #[error("this is no phone number that can be texted")]
    Invalid,
    /// A landline or another line that takes no texts.
    #[error("this is not a mobile number")]
    NotMobile,
    /// Its country is not among the allowed ones.
    #[error("numbers of this country are not allowed here")]
    CountryNotAllowed,
}

/// Which numbers are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPolicy {
    region: Country,
    allowed: Vec<Country>,
}

impl NumberPolicy {
    /// National forms are read as numbers of `region`; only numbers of `allowed` countries are taken.
    #[must_use]
    pub fn new(region: Country, allowed: Vec<Country>) -> Self {
        Self { region, allowed }
    }

    /// Reads a number in international or national form; `default_country` overrules the region for the latter.
    /// Blanks, `-`, `.`, `/` and brackets may stand between the digits; letters may not.
    ///
    /// Taken is what the plan knows as mobile (or as mobile or fixed, where the plan does not tell them apart), and
    /// what it does not know at all but is as long as its mobile numbers: new ranges open before any table has them.
    ///
    /// # Errors
    /// [`NumberError`], never with the number in it.
    pub fn parse(&self, text: &str, default_country: Option<Country>) -> Result<PhoneNumber, NumberError> {
        let digits = digits_of(text).ok_or(NumberError::Invalid)?;
        if !text.trim_start().starts_with('+') && digits < NATIONAL_DIGITS {
            return Err(NumberError::Invalid);
        }
        let country = default_country.unwrap_or(self.region);
        let number = PHONE_NUMBER_UTIL
            .parse(text, Some(country.0))
            .map_err(|_| NumberError::Invalid)?;
        let kind = PHONE_NUMBER_UTIL.get_number_type(&number);
        let new_range = kind == PhoneNumberType::Unknown
            && PHONE_NUMBER_UTIL.is_possible_number_for_type(&number, PhoneNumberType::Mobile);
        if kind == PhoneNumberType::Unknown && !new_range {
            return Err(NumberError::Invalid);
        }
        if !self.allows(&number, new_range) {
            return Err(NumberError::CountryNotAllowed);
        }
        judge(kind, new_range)?;
        let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
        PhoneNumber::from_e164(&e164).map_err(|_| NumberError::Invalid)
    }

    fn allows(&self, number: &rlibphonenumber::PhoneNumber, new_range: bool) -> bool {
        if new_range {
            // Which of the countries behind a calling code opened it is not known: any allowed one will do.
            return self
                .allowed
                .iter()
                .any(|c| PHONE_NUMBER_UTIL.get_country_code_for_region(c.0) == Some(number.country_code));
        }
        let region = PHONE_NUMBER_UTIL.get_region_for_number(number);
        self.allowed.iter().any(|c| Some(c.0) == region)
    }
}

fn judge(kind: PhoneNumberType, new_range: bool) -> Result<(), NumberError> {
    match kind {
        PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile => Ok(()),
        PhoneNumberType::Unknown if new_range => Ok(()),
        PhoneNumberType::FixedLine | PhoneNumberType::VoIP | PhoneNumberType::Pager | PhoneNumberType::VoiceMail => {
            Err(NumberError::NotMobile)
        }
        PhoneNumberType::TollFree
        | PhoneNumberType::PremiumRate
        | PhoneNumberType::SharedCost
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::UAN
        | PhoneNumberType::Unknown => Err(NumberError::Invalid),
    }
}

/// How many digits, if the text has nothing but digits, separators and one leading plus.
fn digits_of(text: &str) -> Option<usize> {
    if text.len() > NUMBER_CHARS {
        return None;
    }
    let rest = text.trim_matches(' ');
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let clean = rest
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '/' | '(' | ')'));
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    (clean && digits > 0).then_some(digits)
}
