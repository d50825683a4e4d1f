//! The SMS codec: TPDUs of 3GPP TS 23.040, alphabets of 23.038, segmentation and reassembly. Octets in, values out, and
//! back; nothing here knows an AT command, a queue or a clock. Nothing allocates but the segmentation and the texts.
//!
//! Cut as the standard is cut: an alphabet, a field, a TPDU each have their file.
//!
//! ```
//! use core::time::Duration;
//! use wardwire_core::base::PhoneNumber;
//! use wardwire_core::sms::{SegmentOptions, SubmitOptions, frame, segment, submit};
//!
//! let text = segment("hellohello", &SegmentOptions::default()).unwrap();
//! let to = PhoneNumber::from_e164("+46708251358").unwrap();
//! let options = SubmitOptions { validity: Some(Duration::from_secs(4 * 86_400)), ..SubmitOptions::default() };
//! let tpdu = submit(&text.parts[0], &to, options).unwrap();
//! let (line, length) = frame(None, &tpdu).unwrap();
//! assert_eq!((line.as_str(), length), ("0011000B916407281553F80000AA0AE8329BFD4697D9EC37", 23));
//! ```

pub mod address;
pub mod dcs;
pub mod error;
pub mod form;
pub mod frame;
pub mod gsm7;
pub mod hex;
pub mod part;
pub mod pid;
pub mod reassemble;
pub mod segment;
pub mod status;
pub mod text;
pub mod timestamp;
pub mod tpdu;
pub mod transliterate;
mod ucs2;
pub mod udh;
pub mod user_data;
pub mod validity;
pub mod wire;

#[cfg(test)]
mod tests;

pub use address::{Address, AddressError, AddressType, TypeOfNumber};
pub use dcs::{Class, Dcs};
pub use error::{Cause, DecodeError, EncodeError, Field, Kind, SegmentError};
pub use frame::{Frame, frame};
pub use gsm7::{Charset, Language, Languages};
pub use part::{EncodedPart, PartError};
pub use reassemble::{Arrival, Message, Reassembler};
pub use segment::{EncodingChoice, Plan, SegmentOptions, Segmentation, plan, segment};
pub use status::{Outcome, Status};
pub use text::{TextDecoder, join_text};
pub use timestamp::Timestamp;
pub use tpdu::{
    Command, Context, Decoded, Deliver, DeliverReport, Direction, Parameters, ReportKind, StatusReport, Submit,
    SubmitOptions, SubmitReport, Tpdu, decode, submit,
};
pub use transliterate::{Change, Transliteration, transliterate};
pub use udh::{Concatenation, Reference};
pub use user_data::UserData;
pub use validity::Validity;
pub use wire::{Deviations, Octets, Reading};

/// Alphabet of a text on the air (TP-DCS, 23.038 clause 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alphabet {
    /// GSM 7 bit default alphabet with its extension.
    Gsm7,
    /// UCS-2, in practice UTF-16 big-endian.
    Ucs2,
    /// 8-bit data.
    Octets,
}

impl Alphabet {
    /// In a word: `gsm7`, `ucs2`, `8bit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
            Self::Octets => "8bit",
        }
    }
}
