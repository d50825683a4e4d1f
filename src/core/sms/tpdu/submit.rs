//! SMS-SUBMIT, clause 9.2.2.2: a message from the phone to the service centre.

use core::time::Duration;

use crate::base::PhoneNumber;
use crate::base::limits::USER_DATA_OCTETS;
use crate::sms::address::Address;
use crate::sms::dcs::Dcs;
use crate::sms::error::{DecodeError, EncodeError, Field};
use crate::sms::part::EncodedPart;
use crate::sms::timestamp::Timestamp;
use crate::sms::user_data::{Coded, UserData};
use crate::sms::validity::{Enhanced, Validity};
use crate::sms::wire::{Octets, Reader, Writer, flag};

/// SMS-SUBMIT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// TP-RD: a message with the same reference and destination still in the service centre refuses this one.
    pub reject_duplicates: bool,
    /// TP-SRR: a status report is wanted.
    pub status_report: bool,
    /// TP-RP: an answer may take the same way back.
    pub reply_path: bool,
    /// TP-MR; the modem puts its own.
    pub tp_mr: u8,
    /// TP-DA.
    pub destination: Address,
    /// TP-PID.
    pub pid: u8,
    /// TP-DCS.
    pub dcs: Dcs,
    /// TP-VP.
    pub validity: Option<Validity>,
    /// TP-UD with its header indicator and length.
    pub user_data: UserData,
}

impl Submit {
    /// A part for a number.
    #[must_use]
    pub fn new(part: &EncodedPart, destination: &PhoneNumber) -> Self {
        Self {
            reject_duplicates: false,
            status_report: false,
            reply_path: false,
            tp_mr: 0,
            destination: destination.into(),
            pid: 0,
            dcs: Dcs(part.dcs),
            validity: None,
            user_data: part.into(),
        }
    }

    #[inline]
    pub(super) fn read(reader: &mut Reader<'_, '_>, first: u8) -> Result<Self, DecodeError> {
        let tp_mr = reader.octet(Field::MessageReference)?;
        let destination = Address::read(reader, Field::Destination)?;
        let pid = reader.octet_or_zero(Field::ProtocolIdentifier)?;
        let dcs = Dcs::read_or_zero(reader)?;
        let validity = match first >> 3 & 0x03 {
            0 => None,
            1 => Some(Validity::Enhanced(Enhanced(
                reader.seven_or_zero(Field::ValidityPeriod)?,
            ))),
            2 => Some(Validity::Relative(reader.octet_or_zero(Field::ValidityPeriod)?)),
            _ => Some(Validity::Absolute(Timestamp::read_or_zero(
                reader,
                Field::ValidityPeriod,
            )?)),
        };
        let user_data = UserData::read(reader, dcs, first & 0x40 != 0, USER_DATA_OCTETS)?;
        Ok(Self {
            reject_duplicates: first & 0x04 != 0,
            status_report: first & 0x20 != 0,
            reply_path: first & 0x80 != 0,
            tp_mr,
            destination,
            pid,
            dcs,
            validity,
            user_data,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`EncodeError`]: more than 140 octets of user data, or TP-DCS names another alphabet.
    pub fn encode(&self) -> Result<Octets, EncodeError> {
        let outline = Outline {
            reject_duplicates: self.reject_duplicates,
            status_report: self.status_report,
            reply_path: self.reply_path,
            tp_mr: self.tp_mr,
            pid: self.pid,
            dcs: self.dcs,
            validity: self.validity,
        };
        outline.write(&self.destination, self.user_data.coded())
    }
}

/// All of it but address and user data.
#[derive(Clone, Copy, Default)]
struct Outline {
    reject_duplicates: bool,
    status_report: bool,
    reply_path: bool,
    tp_mr: u8,
    pid: u8,
    dcs: Dcs,
    validity: Option<Validity>,
}

impl Outline {
    #[inline]
    fn write(&self, destination: &Address, data: Coded<'_>) -> Result<Octets, EncodeError> {
        let format = match self.validity {
            None => 0x00,
            Some(Validity::Enhanced(_)) => 0x08,
            Some(Validity::Relative(_)) => 0x10,
            Some(Validity::Absolute(_)) => 0x18,
        };
        let mut writer = Writer::default();
        writer.octet(
            0x01 | format
                | flag(self.reject_duplicates, 0x04)
                | flag(self.status_report, 0x20)
                | flag(data.has_header, 0x40)
                | flag(self.reply_path, 0x80),
        )?;
        writer.octet(self.tp_mr)?;
        destination.write(&mut writer)?;
        writer.octet(self.pid)?;
        writer.octet(self.dcs.0)?;
        match self.validity {
            None => {}
            Some(Validity::Enhanced(Enhanced(octets)) | Validity::Absolute(Timestamp(octets))) => {
                writer.octets(&octets)?;
            }
            Some(Validity::Relative(octet)) => writer.octet(octet)?,
        }
        data.write(&mut writer, self.dcs, USER_DATA_OCTETS)?;
        Ok(writer.finish())
    }
}

/// What goes out besides part and number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubmitOptions {
    /// TP-MR; most modems put their own.
    pub tp_mr: u8,
    /// How long the service centre may try, rounded down to what TP-VP can say (5 minutes at least).
    pub validity: Option<Duration>,
    /// Ask for a status report.
    pub status_report: bool,
}

/// The TPDU that sends `part` to `destination`, without service centre address.
///
/// # Errors
/// [`EncodeError`] when the part was not made by [`crate::sms::segment()`] and contradicts itself.
pub fn submit(part: &EncodedPart, destination: &PhoneNumber, options: SubmitOptions) -> Result<Octets, EncodeError> {
    let outline = Outline {
        tp_mr: options.tp_mr,
        validity: options.validity.map(Validity::relative_at_most),
        status_report: options.status_report,
        dcs: Dcs(part.dcs),
        ..Outline::default()
    };
    outline.write(&destination.into(), part.into())
}
