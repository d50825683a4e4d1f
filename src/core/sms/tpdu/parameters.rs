//! TP-Parameter-Indicator and the optional fields it announces, clause 9.2.3.27.

use crate::sms::dcs::Dcs;
use crate::sms::error::{Cause, DecodeError, EncodeError, Field};
use crate::sms::user_data::UserData;
use crate::sms::wire::{Reader, Writer, flag};

/// The optional fields of reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// TP-PID.
    pub pid: Option<u8>,
    /// TP-DCS; user data without one is in the default alphabet.
    pub dcs: Option<Dcs>,
    /// TP-UD with its header indicator and length.
    pub user_data: Option<UserData>,
}

impl Parameters {
    pub(super) fn has_header(&self) -> bool {
        self.user_data.as_ref().is_some_and(UserData::has_header)
    }

    /// Reads TP-PI, then what stands `between` it and the optional fields, then these.
    pub(super) fn read<'a, 'w, T>(
        reader: &mut Reader<'a, 'w>,
        has_header: bool,
        max: usize,
        between: impl FnOnce(&mut Reader<'a, 'w>) -> Result<T, DecodeError>,
    ) -> Result<(Self, T), DecodeError> {
        let at = reader.at();
        let indicator = reader.octet_or_zero(Field::ParameterIndicator)?;
        let undefined = indicator & 0xF8;
        if undefined != 0 {
            reader.deviate(Field::ParameterIndicator, at, Cause::UndefinedBits(undefined))?;
        }
        // Bit 7 announces a further indicator octet of a later release; its fields would stand at the end.
        let mut last = indicator;
        while last & 0x80 != 0 && reader.rest() > 0 {
            last = reader.octet_or_zero(Field::ParameterIndicator)?;
        }
        let between = between(reader)?;
        let pid = if indicator & 0x01 == 0 {
            None
        } else {
            Some(reader.octet_or_zero(Field::ProtocolIdentifier)?)
        };
        let dcs = if indicator & 0x02 == 0 {
            None
        } else {
            Some(Dcs::read_or_zero(reader)?)
        };
        let user_data = if indicator & 0x04 == 0 {
            if has_header {
                reader.deviate(Field::HeaderLength, reader.at(), Cause::NoHeader)?;
            }
            None
        } else {
            Some(UserData::read(reader, dcs.unwrap_or_default(), has_header, max)?)
        };
        Ok((Self { pid, dcs, user_data }, between))
    }

    pub(super) fn write_indicator(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        writer.octet(
            flag(self.pid.is_some(), 0x01) | flag(self.dcs.is_some(), 0x02) | flag(self.user_data.is_some(), 0x04),
        )
    }

    pub(super) fn write(&self, writer: &mut Writer, max: usize) -> Result<(), EncodeError> {
        if let Some(pid) = self.pid {
            writer.octet(pid)?;
        }
        if let Some(dcs) = self.dcs {
            writer.octet(dcs.0)?;
        }
        match &self.user_data {
            Some(user_data) => user_data.write(writer, self.dcs.unwrap_or_default(), max),
            None => Ok(()),
        }
    }
}
