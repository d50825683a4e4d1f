//! SMS-COMMAND, clause 9.2.2.4: an order about a message submitted before.

use heapless::Vec;

use crate::sms::address::Address;
use crate::sms::error::{Cause, DecodeError, EncodeError, Field};
use crate::sms::wire::{Octets, Reader, Writer, flag};

/// Octets of command data at most.
pub const COMMAND_DATA_OCTETS: usize = 157;

/// SMS-COMMAND.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// TP-SRR: a status report is wanted.
    pub status_report: bool,
    /// TP-UDHI: the command data begins with a header.
    pub has_header: bool,
    /// TP-MR of this command.
    pub tp_mr: u8,
    /// TP-PID.
    pub pid: u8,
    /// TP-CT: 0 enquiry, 1 cancel the report request, 2 delete, 3 ask for a report; 0xE0 up are the centre's own.
    pub command_type: u8,
    /// TP-MN: TP-MR of the message it is about.
    pub message_number: u8,
    /// TP-DA of the message it is about.
    pub destination: Address,
    /// TP-CD.
    pub data: Vec<u8, COMMAND_DATA_OCTETS>,
}

impl Command {
    pub(super) fn read(reader: &mut Reader<'_, '_>, first: u8) -> Result<Self, DecodeError> {
        let tp_mr = reader.octet(Field::MessageReference)?;
        let pid = reader.octet(Field::ProtocolIdentifier)?;
        let command_type = reader.octet(Field::CommandType)?;
        let message_number = reader.octet(Field::MessageNumber)?;
        let destination = Address::read(reader, Field::Destination)?;
        let at = reader.at();
        let mut length = usize::from(reader.octet_or_zero(Field::CommandDataLength)?);
        if length > COMMAND_DATA_OCTETS {
            let cause = Cause::too_long(length, COMMAND_DATA_OCTETS);
            reader.deviate(Field::CommandDataLength, at, cause)?;
            length = COMMAND_DATA_OCTETS;
        }
        let data = Vec::from_slice(reader.take_up_to(Field::CommandData, length)?).unwrap_or_default();
        Ok(Self {
            status_report: first & 0x20 != 0,
            has_header: first & 0x40 != 0,
            tp_mr,
            pid,
            command_type,
            message_number,
            destination,
            data,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`]: destination and data together are longer than a TPDU.
    pub fn encode(&self) -> Result<Octets, EncodeError> {
        let mut writer = Writer::default();
        writer.octet(0x02 | flag(self.status_report, 0x20) | flag(self.has_header, 0x40))?;
        writer.octets(&[self.tp_mr, self.pid, self.command_type, self.message_number])?;
        self.destination.write(&mut writer)?;
        writer.octet(u8::try_from(self.data.len()).map_err(|_| EncodeError::TooLong)?)?;
        writer.octets(&self.data)?;
        Ok(writer.finish())
    }
}
