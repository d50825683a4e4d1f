//! SMS-STATUS-REPORT, clause 9.2.2.3: what became of a message submitted before.

use super::parameters::Parameters;
use crate::sms::address::Address;
use crate::sms::error::{Cause, DecodeError, EncodeError, Field};
use crate::sms::status::Status;
use crate::sms::timestamp::Timestamp;
use crate::sms::wire::{Octets, Reader, Writer, flag};

/// Octets of user data at most.
const USER_DATA_MAX: usize = 131;

/// SMS-STATUS-REPORT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// More messages wait in the service centre (TP-MMS tells the contrary).
    pub more_messages: bool,
    /// TP-LP: it may have gone round already.
    pub loop_prevention: bool,
    /// TP-SRQ: it answers an SMS-COMMAND, not a SUBMIT.
    pub answers_command: bool,
    /// TP-MR of the message it is about.
    pub tp_mr: u8,
    /// TP-RA: where that message went.
    pub recipient: Address,
    /// TP-SCTS: when the service centre took that message.
    pub scts: Timestamp,
    /// TP-DT: when it was delivered, or when the service centre tried last.
    pub discharge_time: Timestamp,
    /// TP-ST.
    pub status: Status,
    /// TP-PI and what it announces; many networks leave it out.
    pub parameters: Option<Parameters>,
}

impl StatusReport {
    /// A plain report with no flag set.
    #[must_use]
    pub const fn new(
        tp_mr: u8,
        recipient: Address,
        scts: Timestamp,
        discharge_time: Timestamp,
        status: Status,
    ) -> Self {
        Self {
            more_messages: false,
            loop_prevention: false,
            answers_command: false,
            tp_mr,
            recipient,
            scts,
            discharge_time,
            status,
            parameters: None,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_, '_>, first: u8) -> Result<Self, DecodeError> {
        let tp_mr = reader.octet(Field::MessageReference)?;
        let recipient = Address::read(reader, Field::Recipient)?;
        let scts = Timestamp::read(reader, Field::ServiceCentreTimestamp)?;
        let discharge_time = Timestamp::read(reader, Field::DischargeTime)?;
        // Nothing stands in for a missing status: 0 would mean delivered.
        let status = Status(reader.octet(Field::Status)?);
        let has_header = first & 0x40 != 0;
        let parameters = if reader.rest() > 0 {
            Some(Parameters::read(reader, has_header, USER_DATA_MAX, |_| Ok(()))?.0)
        } else {
            if has_header {
                reader.deviate(Field::HeaderLength, reader.at(), Cause::NoHeader)?;
            }
            None
        };
        Ok(Self {
            more_messages: first & 0x04 == 0,
            loop_prevention: first & 0x08 != 0,
            answers_command: first & 0x20 != 0,
            tp_mr,
            recipient,
            scts,
            discharge_time,
            status,
            parameters,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`EncodeError`]: more than 131 octets of user data, or TP-DCS names another alphabet.
    pub fn encode(&self) -> Result<Octets, EncodeError> {
        let has_header = self.parameters.as_ref().is_some_and(Parameters::has_header);
        let mut writer = Writer::default();
        writer.octet(
            0x02 | flag(!self.more_messages, 0x04)
                | flag(self.loop_prevention, 0x08)
                | flag(self.answers_command, 0x20)
                | flag(has_header, 0x40),
        )?;
        writer.octet(self.tp_mr)?;
        self.recipient.write(&mut writer)?;
        writer.octets(&self.scts.0)?;
        writer.octets(&self.discharge_time.0)?;
        writer.octet(self.status.0)?;
        if let Some(parameters) = &self.parameters {
            parameters.write_indicator(&mut writer)?;
            parameters.write(&mut writer, USER_DATA_MAX)?;
        }
        Ok(writer.finish())
    }
}
