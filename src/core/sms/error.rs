//! What can be wrong with octets (`DecodeError`) and with values (`EncodeError`, `SegmentError`). Values only, no text
//! of a message and no number: these may be logged.

use core::fmt;

/// A field of a TPDU or of what is framed around it, named as the standard names it (3GPP TS 23.040 clause 9.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The hexadecimal text itself.
    Hex,
    /// RP service centre address, the prefix of 3GPP TS 27.005 clause 4.
    ServiceCentre(AddressField),
    /// First octet: TP-MTI and the flags beside it.
    FirstOctet,
    /// TP-Message-Reference.
    MessageReference,
    /// TP-Originating-Address.
    Originator(AddressField),
    /// TP-Destination-Address.
    Destination(AddressField),
    /// TP-Recipient-Address.
    Recipient(AddressField),
    /// TP-Protocol-Identifier.
    ProtocolIdentifier,
    /// TP-Data-Coding-Scheme.
    DataCodingScheme,
    /// TP-Service-Centre-Time-Stamp.
    ServiceCentreTimestamp,
    /// TP-Discharge-Time.
    DischargeTime,
    /// TP-Validity-Period.
    ValidityPeriod,
    /// TP-Status.
    Status,
    /// TP-Parameter-Indicator.
    ParameterIndicator,
    /// TP-Failure-Cause.
    FailureCause,
    /// TP-Command-Type.
    CommandType,
    /// TP-Message-Number.
    MessageNumber,
    /// TP-Command-Data-Length.
    CommandDataLength,
    /// TP-Command-Data.
    CommandData,
    /// TP-User-Data-Length.
    UserDataLength,
    /// TP-User-Data.
    UserData,
    /// The length octet of the user data header.
    HeaderLength,
    /// An information element of the header, by its identifier.
    Element(u8),
    /// Bits between the header and the first septet.
    FillBits,
    /// What stands after the last field.
    AfterEnd,
}

/// The three fields of an address (23.040 clause 9.1.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressField {
    /// How many semi-octets (a service centre: octets) follow.
    Length,
    /// Type of number and numbering plan.
    Type,
    /// The digits or the name.
    Value,
}

impl fmt::Display for AddressField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "length",
            Self::Type => "type",
            Self::Value => "value",
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Hex => "hex",
            Self::ServiceCentre(part) => return write!(f, "SMSC.{part}"),
            Self::FirstOctet => "first-octet",
            Self::MessageReference => "TP-MR",
            Self::Originator(part) => return write!(f, "TP-OA.{part}"),
            Self::Destination(part) => return write!(f, "TP-DA.{part}"),
            Self::Recipient(part) => return write!(f, "TP-RA.{part}"),
            Self::ProtocolIdentifier => "TP-PID",
            Self::DataCodingScheme => "TP-DCS",
            Self::ServiceCentreTimestamp => "TP-SCTS",
            Self::DischargeTime => "TP-DT",
            Self::ValidityPeriod => "TP-VP",
            Self::Status => "TP-ST",
            Self::ParameterIndicator => "TP-PI",
            Self::FailureCause => "TP-FCS",
            Self::CommandType => "TP-CT",
            Self::MessageNumber => "TP-MN",
            Self::CommandDataLength => "TP-CDL",
            Self::CommandData => "TP-CD",
            Self::UserDataLength => "TP-UDL",
            Self::UserData => "TP-UD",
            Self::HeaderLength => "TP-UD.UDHL",
            Self::Element(identifier) => return write!(f, "TP-UD.UDH.IE-{identifier:02X}"),
            Self::FillBits => "TP-UD.fill-bits",
            Self::AfterEnd => "after-end",
        };
        f.write_str(name)
    }
}

/// What kind of TPDU it is (23.040 clause 9.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SMS-DELIVER, service centre to phone.
    Deliver,
    /// SMS-DELIVER-REPORT, the phone's answer to a DELIVER.
    DeliverReport,
    /// SMS-SUBMIT, phone to service centre.
    Submit,
    /// SMS-SUBMIT-REPORT, the service centre's answer to a SUBMIT.
    SubmitReport,
    /// SMS-STATUS-REPORT, service centre to phone.
    StatusReport,
    /// SMS-COMMAND, phone to service centre.
    Command,
}

impl Kind {
    /// The standard's name: `SMS-DELIVER` and so on.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deliver => "SMS-DELIVER",
            Self::DeliverReport => "SMS-DELIVER-REPORT",
            Self::Submit => "SMS-SUBMIT",
            Self::SubmitReport => "SMS-SUBMIT-REPORT",
            Self::StatusReport => "SMS-STATUS-REPORT",
            Self::Command => "SMS-COMMAND",
        }
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The octets end before or inside it.
    #[error("the octets end here")]
    Missing,
    /// It claims or holds more than the standard allows.
    #[error("{is} where at most {max} are allowed")]
    TooLong {
        /// What it claims.
        is: u16,
        /// What is allowed.
        max: u16,
    },
    /// A character that is no hexadecimal digit, or an odd number of them.
    #[error("not hexadecimal")]
    NotHex,
    /// A value that has no meaning.
    #[error("reserved value {0:#04X}")]
    Reserved(u8),
    /// Bits that are not defined for this type are set.
    #[error("undefined bits {0:#04X} are set")]
    UndefinedBits(u8),
    /// A semi-octet that is no digit.
    #[error("a semi-octet is no digit")]
    NotDigit,
    /// Digits that make no date or time of day.
    #[error("no such date or time")]
    NoSuchTime,
    /// The last semi-octet of an odd number of digits is not 1111.
    #[error("the filler is not 1111")]
    Filler,
    /// The length is not the one the rule gives for so many septets.
    #[error("the length does not fit the septets")]
    Uneven,
    /// Bits that carry nothing are not zero.
    #[error("spare bits are not zero")]
    SpareBits,
    /// So many octets stand after the last field.
    #[error("{0} octets too many")]
    Extra(u16),
    /// Text compressed by 3GPP TS 23.042, which nobody sends and this codec does not expand.
    #[error("compressed text is not supported")]
    Compressed,
    /// The header indicator is set and there is no user data.
    #[error("a header is announced and there is no user data")]
    NoHeader,
    /// The header, or an element of it, runs past what holds it: the whole header is ignored (23.040 clause 9.2.3.24).
    #[error("runs past its container")]
    RunsOver,
    /// The element's length is not the one its identifier has, or its values contradict each other: it is ignored.
    #[error("the element makes no sense")]
    Senseless,
    /// UCS-2 text with an odd number of octets; the last one is ignored.
    #[error("half a character at the end")]
    HalfUnit,
}

impl Cause {
    /// So much where so much is allowed.
    pub(super) fn too_long(is: usize, max: usize) -> Self {
        let short = |value| u16::try_from(value).unwrap_or(u16::MAX);
        Self::TooLong {
            is: short(is),
            max: short(max),
        }
    }

    /// Whether the value read is whole nevertheless: only bits that carry nothing differed.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        match self {
            Self::UndefinedBits(_) | Self::Filler | Self::Uneven | Self::SpareBits | Self::Extra(_) => true,
            Self::Missing
            | Self::TooLong { .. }
            | Self::NotHex
            | Self::Reserved(_)
            | Self::NotDigit
            | Self::NoSuchTime
            | Self::Compressed
            | Self::NoHeader
            | Self::RunsOver
            | Self::Senseless
            | Self::HalfUnit => false,
        }
    }
}

/// Why octets are refused; in the tolerant reading also what was wrong and got over ([`crate::sms::Deviations`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DecodeError {
    /// The type of the TPDU, as soon as it is known.
    pub kind: Option<Kind>,
    /// The field.
    pub field: Field,
    /// The octet in what was given (in the hexadecimal text: the character), counted from 0.
    pub offset: usize,
    /// What is wrong with it.
    pub cause: Cause,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = self.kind {
            write!(f, "{}.", kind.as_str())?;
        }
        write!(f, "{} at octet {}: {}", self.field, self.offset, self.cause)
    }
}

/// Why a value cannot be written as a TPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The user data is longer than this type of TPDU may carry (octets).
    #[error("user data of {is} octets where {max} fit")]
    UserDataTooLong {
        /// What was given.
        is: usize,
        /// What fits.
        max: usize,
    },
    /// TP-DCS names another alphabet than the user data is coded in.
    #[error("TP-DCS names another alphabet than the user data has")]
    AlphabetMismatch,
    /// A report to an acknowledged message carries no failure cause, one to a refused message must.
    #[error("a failure cause from 0x80 belongs to every report of a failure, and only there")]
    FailureCause,
    /// More octets than a TPDU has.
    #[error("longer than a TPDU")]
    TooLong,
}

/// Why a text cannot be cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// No text.
    #[error("the text is empty")]
    Empty,
    /// It takes more parts than allowed.
    #[error("the text takes {parts} parts, {max} are allowed")]
    TooManyParts {
        /// Parts it would take.
        parts: usize,
        /// Parts allowed.
        max: usize,
    },
    /// GSM-7 was asked for and a character is not in it.
    #[error("character {index} (U+{code:04X}) is not in the GSM 7 bit alphabet", code = u32::from(*character))]
    NotGsm7 {
        /// The first such character.
        character: char,
        /// Its place, counted in characters from 0.
        index: usize,
    },
}
